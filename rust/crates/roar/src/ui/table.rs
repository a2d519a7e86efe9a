//! Columns that are aligned.

use std::fmt::Write;

use super::Role;

/// Columns between columns.
const GAP: &str = "  ";

/// Shown where text was cut.
const CUT: char = '…';

/// Fewest characters that the last column is cut to.
const LAST_MIN: usize = 20;

/// One cell.
#[derive(Debug)]
struct Cell {
    text: String,
    role: Option<Role>,
}

/// Which side of its column a cell stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Lines of cells. The last column is as wide as it needs to be, and the text in it is cut where the terminal ends.
#[derive(Debug, Default)]
pub(crate) struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Returns a table with a heading; a column whose name begins with `>` holds numbers.
    pub(crate) fn with_heading(names: &[&str]) -> Self {
        let side = |name: &&str| {
            if name.starts_with('>') { Side::Right } else { Side::Left }
        };
        let mut table = Self { sides: names.iter().map(side).collect(), rows: Vec::new() };
        table.row();
        for name in names {
            table.role_cell(Role::Heading, name.trim_start_matches('>'));
        }
        table
    }

    /// Begins a row.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.rows.push(Vec::new());
        self
    }

    /// Adds a cell to the row.
    pub(crate) fn cell(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(Cell { text: text.into(), role: None })
    }

    /// Adds a cell that looks like its role.
    pub(crate) fn role_cell(&mut self, role: Role, text: impl Into<String>) -> &mut Self {
        self.push(Cell { text: text.into(), role: Some(role) })
    }

    fn push(&mut self, cell: Cell) -> &mut Self {
        self.rows.last_mut().expect("a row was begun").push(cell);
        self
    }

    /// Writes the lines, each after the indent, none longer than the width.
    pub(crate) fn write(&self, page: &mut String, indent: &str, width: Option<usize>) {
        let count = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let column_width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell: &Cell| cell.text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..count).map(column_width).collect();
        // A column that nothing stands in is left out.
        let shown: Vec<usize> = (0..count).filter(|column| self.is_used(*column)).collect();
        for row in &self.rows {
            let mut line = String::from(indent);
            let mut used = indent.chars().count();
            for (at, column) in shown.iter().enumerate() {
                let Some(cell) = row.get(*column) else { break };
                let is_last = at + 1 == shown.len();
                let text = if is_last {
                    cut(&cell.text, width.map(|width| width.saturating_sub(used)))
                } else {
                    cell.text.clone()
                };
                let padding = " ".repeat(widths[*column].saturating_sub(text.chars().count()));
                let side = self.sides.get(*column).copied().unwrap_or(Side::Left);
                let (before, after) = match side {
                    Side::Right => (padding.as_str(), ""),
                    Side::Left if is_last => ("", ""),
                    Side::Left => ("", padding.as_str()),
                };
                let gap = if is_last { "" } else { GAP };
                match cell.role {
                    Some(role) if !text.is_empty() => {
                        write!(line, "{before}{}{after}{gap}", role.paint(&text))
                    }
                    Some(_) | None => write!(line, "{before}{text}{after}{gap}"),
                }
                .expect("a string takes what is written to it");
                used += widths[*column] + GAP.len();
            }
            page.push_str(line.trim_end());
            page.push('\n');
        }
    }

    /// Returns whether a row below the heading has something in that column.
    fn is_used(&self, column: usize) -> bool {
        let has_heading = !self.sides.is_empty();
        let mut cells = self.rows.iter().skip(usize::from(has_heading)).filter_map(|row| row.get(column));
        cells.any(|cell| !cell.text.is_empty())
    }
}

fn cut(text: &str, room: Option<usize>) -> String {
    let room = room.map(|room| room.max(LAST_MIN));
    match room {
        Some(room) if text.chars().count() > room => text.chars().take(room - 1).chain([CUT]).collect(),
        Some(_) | None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(table: &Table, width: Option<usize>) -> String {
        let mut page = String::new();
        table.write(&mut page, "", width);
        anstream::adapter::strip_str(&page).to_string()
    }

    #[test]
    fn columns_are_aligned_and_an_empty_one_is_left_out() {
        let mut table = Table::with_heading(&["step", ">in", "state", "command"]);
        table.row().cell("@1").cell("4").cell("").cell("sort");
        table.row().cell("@10").cell("12,000").cell("").cell("uniq -c");
        assert_eq!(
            written(&table, None),
            "step      in  command\n@1         4  sort\n@10   12,000  uniq -c\n"
        );
    }

    #[test]
    fn the_last_column_ends_where_the_terminal_does() {
        let mut table = Table::default();
        table.row().cell("a").cell("x".repeat(100));
        let line = written(&table, Some(40));
        assert_eq!(line.trim_end().chars().count(), 40);
        assert!(line.ends_with("…\n"));
        assert_eq!(written(&table, Some(1)).trim_end().chars().count(), 3 + LAST_MIN);
    }
}
