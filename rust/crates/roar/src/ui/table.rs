//! Columns that are aligned.

use std::fmt::Write;

use super::Role;
use crate::phrase::{columns, cut};

/// Columns between columns.
const GAP: &str = "  ";

/// Fewest columns of the terminal that the last column is cut to.
const LAST_MIN: usize = 16;

/// One cell.
#[derive(Debug)]
struct Cell {
    text: String,
    width: usize,
    role: Option<Role>,
}

/// Which side of its column a cell stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// A column.
#[derive(Clone, Copy, Debug)]
struct Column {
    side: Side,
    width: usize,
    is_used: bool,
}

impl Column {
    fn new(side: Side) -> Self {
        Self { side, width: 0, is_used: false }
    }
}

/// Lines of cells. The last column is as wide as it needs to be, and the text in it is cut where the terminal ends.
#[derive(Debug, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    has_heading: bool,
    /// Columns that are left out where there is no room, those first that are missed least.
    spare: &'static [&'static [usize]],
}

impl Table {
    /// Returns a table with a heading; a column whose name begins with `>` holds numbers.
    pub(crate) fn with_heading(names: &[&str]) -> Self {
        let side = |name: &&str| {
            if name.starts_with('>') { Side::Right } else { Side::Left }
        };
        let columns = names.iter().map(side).map(Column::new).collect();
        let mut table = Self { columns, rows: Vec::new(), has_heading: true, spare: &[] };
        table.row();
        for name in names {
            table.role_cell(Role::Heading, name.trim_start_matches('>'));
        }
        table
    }

    /// Says which columns are left out where there is no room, by their places, those first that are missed least.
    pub(crate) fn with_spare(self, spare: &'static [&'static [usize]]) -> Self {
        Self { spare, ..self }
    }

    /// Begins a row.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.rows.push(Vec::with_capacity(self.columns.len()));
        self
    }

    /// Adds a cell to the row.
    pub(crate) fn cell(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(text.into(), None)
    }

    /// Adds a cell that looks like its role.
    pub(crate) fn role_cell(&mut self, role: Role, text: impl Into<String>) -> &mut Self {
        self.push(text.into(), Some(role))
    }

    fn push(&mut self, text: String, role: Option<Role>) -> &mut Self {
        let cell = Cell { width: columns(&text), text, role };
        self.rows.last_mut().expect("a row was begun").push(cell);
        self
    }

    /// Writes the lines, each after the indent, none longer than the width.
    pub(crate) fn write(mut self, page: &mut String, indent: &str, width: Option<usize>) {
        self.write_so_far(page, indent, width);
    }

    /// Writes the lines that there are so far, and forgets them. Those that come later stand in the same columns, which
    /// become wider where they have to.
    pub(crate) fn write_so_far(&mut self, page: &mut String, indent: &str, width: Option<usize>) {
        self.measure();
        let shown = self.shown(width.map(|width| width.saturating_sub(indent.chars().count())));
        for row in &self.rows {
            let start = page.len();
            page.push_str(indent);
            let mut used = indent.chars().count();
            for (at, column) in shown.iter().enumerate() {
                let Some(cell) = row.get(*column) else { break };
                let is_last = at + 1 == shown.len();
                let Column { side, width: column_width, .. } = self.columns[*column];
                let room = width.filter(|_| is_last).map(|width| width.saturating_sub(used));
                let text = cut(&cell.text, room.map_or(usize::MAX, |room| room.max(LAST_MIN)));
                let padding = column_width.saturating_sub(cell.width);
                let (before, after) = match side {
                    Side::Right => (padding, 0),
                    Side::Left if is_last => (0, 0),
                    Side::Left => (0, padding),
                };
                let gap = if is_last { "" } else { GAP };
                page.extend(std::iter::repeat_n(' ', before));
                match cell.role {
                    Some(role) if !text.is_empty() => {
                        write!(page, "{}", role.paint(&text)).expect("a string takes what is written to it");
                    }
                    Some(_) | None => page.push_str(&text),
                }
                page.extend(std::iter::repeat_n(' ', after));
                page.push_str(gap);
                used += column_width + GAP.len();
            }
            page.truncate(start + page[start..].trim_end().len());
            page.push('\n');
        }
        self.rows.clear();
        self.has_heading = false;
    }

    /// Returns the columns that are shown: those in which something stands, as far as the width has room for them.
    fn shown(&self, width: Option<usize>) -> Vec<usize> {
        let mut shown: Vec<usize> = (0..self.columns.len()).filter(|at| self.columns[*at].is_used).collect();
        for less in self.spare {
            let before_last = shown.iter().rev().skip(1).map(|at| self.columns[*at].width + GAP.len());
            if width.is_none_or(|width| before_last.sum::<usize>() + LAST_MIN <= width) {
                break;
            }
            shown.retain(|at| !less.contains(at));
        }
        shown
    }

    /// Takes the rows into account that are new.
    fn measure(&mut self) {
        for (at, row) in self.rows.iter().enumerate() {
            let is_heading = self.has_heading && at == 0;
            for (at, cell) in row.iter().enumerate() {
                if at == self.columns.len() {
                    self.columns.push(Column::new(Side::Left));
                }
                let column = &mut self.columns[at];
                column.width = column.width.max(cell.width);
                // A column that nothing stands in below its heading is left out.
                column.is_used |= !is_heading && !cell.text.is_empty();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(table: Table, width: Option<usize>) -> String {
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
            written(table, None),
            "step      in  command\n@1         4  sort\n@10   12,000  uniq -c\n"
        );
    }

    #[test]
    fn the_last_column_ends_where_the_terminal_does() {
        let long = |width| {
            let mut table = Table::default();
            table.row().cell("a").cell("x".repeat(100));
            written(table, Some(width))
        };
        let line = long(40);
        assert_eq!(line.trim_end().chars().count(), 40);
        assert!(line.ends_with("…\n"));
        assert_eq!(long(1).trim_end().chars().count(), 3 + LAST_MIN);
    }

    #[test]
    fn wide_and_combining_characters_keep_columns_aligned_and_lines_as_long_as_the_terminal() {
        let mut table = Table::default();
        table.row().cell("日本語").cell("x".repeat(10));
        table.row().cell("e\u{301}").cell("日本語日本語日本語日本語");
        let text = written(table, Some(25));
        assert_eq!(text, "日本語  xxxxxxxxxx\ne\u{301}       日本語日本語日本…\n");
    }

    #[test]
    fn columns_are_left_out_where_there_is_no_room_for_them() {
        let table = |width| {
            let mut table =
                Table::with_heading(&["step", ">in", ">out", "command"]).with_spare(&[&[1, 2], &[0]]);
            table.row().cell("@1").cell("4").cell("5").cell("sort --key=2 in.csv");
            written(table, Some(width))
        };
        assert_eq!(table(31), "step  in  out  command\n@1     4    5  sort --key=2 in…\n");
        assert_eq!(table(30), "step  command\n@1    sort --key=2 in.csv\n");
        assert_eq!(table(21), "command\nsort --key=2 in.csv\n");
    }

    #[test]
    fn lines_that_come_later_stand_in_the_same_columns_and_nothing_in_them_is_left_out() {
        let mut table = Table::with_heading(&["step", "state", "command"]);
        let mut page = String::new();
        table.row().cell("@100").cell("").cell("sort");
        table.write_so_far(&mut page, "", None);
        table.row().cell("@9").cell("").cell("uniq");
        table.row().cell("@8").cell("partial").cell("wc");
        table.write(&mut page, "", None);
        let page = anstream::adapter::strip_str(&page).to_string();
        assert_eq!(page, "step  command\n@100  sort\n@9             uniq\n@8    partial  wc\n");
    }
}
