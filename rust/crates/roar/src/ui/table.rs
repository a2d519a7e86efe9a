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
    /// Where its text ends; it begins where that of the cell before ends.
    end: usize,
    width: usize,
    role: Option<Role>,
}

/// Lines of cells before anybody knows how wide the columns are: one text, so that a thread can give many to another.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    text: String,
    cells: Vec<Cell>,
    /// For each row the place of its first cell.
    starts: Vec<usize>,
}

impl Rows {
    /// Begins a row.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.starts.push(self.cells.len());
        self
    }

    /// Adds a cell to the row.
    pub(crate) fn cell(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.push(None, |cells| cells.push_str(text.as_ref()))
    }

    /// Adds a cell of what is added to the text.
    pub(crate) fn cell_of(&mut self, push: impl FnOnce(&mut String)) -> &mut Self {
        self.push(None, push)
    }

    /// Adds a cell that looks like its role.
    pub(crate) fn role_cell(&mut self, role: Role, text: impl AsRef<str>) -> &mut Self {
        self.push(Some(role), |cells| cells.push_str(text.as_ref()))
    }

    fn push(&mut self, role: Option<Role>, push: impl FnOnce(&mut String)) -> &mut Self {
        debug_assert!(!self.starts.is_empty(), "a row was begun");
        let start = self.text.len();
        push(&mut self.text);
        self.cells.push(Cell { end: self.text.len(), width: columns(&self.text[start..]), role });
        self
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Takes the rows of another, which has none then.
    fn append(&mut self, other: &mut Self) {
        let (text, cells) = (self.text.len(), self.cells.len());
        self.text.push_str(&other.text);
        self.cells.extend(other.cells.drain(..).map(|cell| Cell { end: cell.end + text, ..cell }));
        self.starts.extend(other.starts.iter().map(|start| start + cells));
        other.clear();
    }

    fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
        self.starts.clear();
    }

    /// Returns the rows, each with its cells and their texts.
    fn iter(&self) -> impl Iterator<Item = impl Iterator<Item = (&Cell, &str)>> {
        let ends = self.starts.iter().skip(1).copied().chain([self.cells.len()]);
        self.starts.iter().zip(ends).map(|(start, end)| {
            (*start..end).map(|at| {
                let begin = at.checked_sub(1).map_or(0, |before| self.cells[before].end);
                (&self.cells[at], &self.text[begin..self.cells[at].end])
            })
        })
    }
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
    rows: Rows,
    has_heading: bool,
    /// Columns that are left out where there is no room, those first that are missed least.
    spare: &'static [&'static [usize]],
    /// Whether cells look all the same.
    is_plain: bool,
}

impl Table {
    /// Returns a table with a heading; a column whose name begins with `>` holds numbers.
    pub(crate) fn with_heading(names: &[&str]) -> Self {
        let side = |name: &&str| {
            if name.starts_with('>') { Side::Right } else { Side::Left }
        };
        let columns = names.iter().map(side).map(Column::new).collect();
        let mut table = Self { columns, rows: Rows::default(), has_heading: true, ..Self::default() };
        let row = table.row();
        for name in names {
            row.role_cell(Role::Heading, name.trim_start_matches('>'));
        }
        table
    }

    /// Says which columns are left out where there is no room, by their places, those first that are missed least.
    pub(crate) fn with_spare(self, spare: &'static [&'static [usize]]) -> Self {
        Self { spare, ..self }
    }

    /// Says that cells look all the same, whatever their roles: of many, that saves the time of taking the looks out again.
    pub(crate) fn plain(self) -> Self {
        Self { is_plain: true, ..self }
    }

    /// Begins a row, and returns what takes its cells.
    pub(crate) fn row(&mut self) -> &mut Rows {
        self.rows.row()
    }

    /// Adds a cell to the row that was begun last.
    pub(crate) fn cell(&mut self, text: impl AsRef<str>) -> &mut Rows {
        self.rows.cell(text)
    }

    /// Adds a cell that looks like its role.
    pub(crate) fn role_cell(&mut self, role: Role, text: impl AsRef<str>) -> &mut Rows {
        self.rows.role_cell(role, text)
    }

    /// Adds rows that are ready, and leaves none of them.
    pub(crate) fn append(&mut self, rows: &mut Rows) {
        self.rows.append(rows);
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
        let mut cells = Vec::new();
        for row in self.rows.iter() {
            cells.clear();
            cells.extend(row);
            let start = page.len();
            page.push_str(indent);
            let mut used = indent.chars().count();
            for (at, column) in shown.iter().enumerate() {
                let Some((cell, text)) = cells.get(*column) else { break };
                let is_last = at + 1 == shown.len();
                let Column { side, width: column_width, .. } = self.columns[*column];
                let room = width.filter(|_| is_last).map(|width| width.saturating_sub(used).max(LAST_MIN));
                let text = match room {
                    Some(room) if room < cell.width => cut(text, room),
                    Some(_) | None => (*text).into(),
                };
                let padding = column_width.saturating_sub(cell.width);
                let (before, after) = match side {
                    Side::Right => (padding, 0),
                    Side::Left if is_last => (0, 0),
                    Side::Left => (0, padding),
                };
                let gap = if is_last { "" } else { GAP };
                pad(page, before);
                match cell.role {
                    Some(role) if !text.is_empty() && !self.is_plain => {
                        write!(page, "{}", role.paint(&text)).expect("a string takes what is written to it");
                    }
                    Some(_) | None => page.push_str(&text),
                }
                pad(page, after);
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
            for (at, (cell, text)) in row.enumerate() {
                if at == self.columns.len() {
                    self.columns.push(Column::new(Side::Left));
                }
                let column = &mut self.columns[at];
                column.width = column.width.max(cell.width);
                // A column that nothing stands in below its heading is left out.
                column.is_used |= !is_heading && !text.is_empty();
            }
        }
    }
}

fn pad(page: &mut String, columns: usize) {
    page.extend(std::iter::repeat_n(' ', columns));
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
