//! Columns of text, aligned, in as many columns of a terminal as there are.

use crate::system::log::printable;
use crate::system::terminal::Terminal;
use anstyle::Style;
use std::ffi::OsStr;
use unicode_width::UnicodeWidthStr;

/// What stands between two columns.
const GAP: &str = "  ";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// One value. Nothing in its text does anything to a terminal, whoever has written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    /// What will do where there is little room.
    short: Option<String>,
    style: Style,
}

#[derive(Debug)]
pub struct Column {
    pub heading: &'static str,
    pub align: Align,
    pub cells: Vec<Cell>,
}

/// What can be done without if there is not enough room.
#[derive(Debug, Clone, Copy)]
pub enum Sacrifice {
    /// The long texts of a column.
    Length(&'static str),
    /// A column of nothing but zeros.
    Zeros(&'static str),
    /// A whole column.
    Column(&'static str),
    /// A whole column, for the short texts of another one.
    ColumnFor(&'static str, &'static str),
}

#[derive(Debug)]
pub struct Table {
    pub columns: Vec<Column>,
    /// What is given up first, and next.
    pub sacrifices: &'static [Sacrifice],
}

impl Cell {
    pub fn new(text: impl AsRef<OsStr>) -> Cell {
        Cell { text: harmless(&printable(text)), short: None, style: Style::new() }
    }

    pub fn or_short(self, text: impl AsRef<OsStr>) -> Cell {
        Cell { short: Some(harmless(&printable(text))), ..self }
    }

    pub fn styled(self, style: Style) -> Cell {
        Cell { style, ..self }
    }

    fn is_zero(&self) -> bool {
        self.text == "0" || self.text == "?"
    }
}

/// A question mark in place of all that moves, colours, reverses or hides.
fn harmless(text: &str) -> String {
    let is_direction = |c| matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    text.chars().map(|c| if c.is_control() || is_direction(c) { '?' } else { c }).collect()
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().map(|cell| cell.text.width()).chain([self.heading.width()]).max().unwrap_or_default()
    }
}

impl Table {
    /// The headings and then the rows, a line each; where there is a terminal, in its colours, and no wider than it is, as
    /// far as that goes.
    pub fn text(mut self, terminal: Option<&Terminal>) -> String {
        if let Some(columns) = terminal.and_then(|terminal| terminal.columns) {
            self.fit(columns);
        }
        for column in &mut self.columns {
            column.cells.insert(0, Cell::new(column.heading).styled(Style::new().bold()));
        }
        let colours = terminal.is_some_and(|terminal| terminal.colours);
        let widths: Vec<usize> = self.columns.iter().map(Column::width).collect();
        let rows = self.columns.first().map_or(0, |column| column.cells.len());
        (0..rows).map(|row| self.line(row, &widths, colours)).collect()
    }

    fn line(&self, row: usize, widths: &[usize], colours: bool) -> String {
        let mut line = String::new();
        for (column, width) in self.columns.iter().zip(widths) {
            let cell = &column.cells[row];
            let blanks = " ".repeat(width - cell.text.width());
            let style = if colours { cell.style } else { Style::new() };
            let text = format!("{style}{}{style:#}", cell.text);
            line += &match column.align {
                Align::Left => format!("{text}{blanks}{GAP}"),
                Align::Right => format!("{blanks}{text}{GAP}"),
            };
        }
        format!("{}\n", line.trim_end())
    }

    fn width(&self) -> usize {
        self.columns.iter().map(|column| column.width() + GAP.len()).sum::<usize>().saturating_sub(GAP.len())
    }

    fn fit(&mut self, width: usize) {
        for sacrifice in self.sacrifices {
            if self.width() <= width {
                break;
            }
            match sacrifice {
                Sacrifice::Length(heading) => self.shorten(heading),
                Sacrifice::Zeros(heading) => {
                    self.columns.retain(|column| column.heading != *heading || !column.cells.iter().all(Cell::is_zero));
                }
                Sacrifice::Column(heading) => self.columns.retain(|column| column.heading != *heading),
                Sacrifice::ColumnFor(heading, other) => {
                    self.columns.retain(|column| column.heading != *heading);
                    self.shorten(other);
                }
            }
        }
    }

    fn shorten(&mut self, heading: &str) {
        let cells = self.columns.iter_mut().filter(|column| column.heading == heading);
        for cell in cells.flat_map(|column| &mut column.cells) {
            cell.text = cell.short.take().unwrap_or_else(|| std::mem::take(&mut cell.text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstyle::AnsiColor;

    fn table() -> Table {
        let column = |heading, align, cells: [&str; 2]| Column { heading, align, cells: cells.map(Cell::new).into() };
        let mut columns = vec![
            column("NAME", Align::Left, ["a", "郵便"]),
            column("HOLD", Align::Right, ["0", "?"]),
            column("MAIL", Align::Right, ["7", "12345"]),
            column("PLACE", Align::Left, ["/etc/a", "/b"]),
        ];
        columns[3].cells[0] = columns[3].cells[0].clone().or_short("/a").styled(AnsiColor::Red.on_default());
        const SACRIFICES: [Sacrifice; 3] =
            [Sacrifice::Length("PLACE"), Sacrifice::Zeros("HOLD"), Sacrifice::Column("MAIL")];
        Table { columns, sacrifices: &SACRIFICES }
    }

    fn in_width(columns: usize) -> String {
        table().text(Some(&Terminal { columns: Some(columns), rows: None, moves: true, colours: false }))
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let whole = "\
NAME  HOLD   MAIL  PLACE
a        0      7  /etc/a
郵便     ?  12345  /b
";
        assert_eq!(table().text(None), whole);
        assert_eq!(in_width(25), whole);
    }

    #[test]
    fn in_a_narrow_terminal_less_is_shown_in_this_order() {
        assert_eq!(in_width(24), "NAME  HOLD   MAIL  PLACE\na        0      7  /a\n郵便     ?  12345  /b\n");
        assert_eq!(in_width(23), "NAME   MAIL  PLACE\na         7  /a\n郵便  12345  /b\n");
        assert_eq!(in_width(12), "NAME  PLACE\na     /a\n郵便  /b\n");
        assert_eq!(in_width(1), in_width(12));
    }

    #[test]
    fn colours_take_no_room() {
        let terminal = Terminal { columns: None, rows: None, moves: true, colours: true };
        let coloured = table().text(Some(&terminal));
        assert!(coloured.starts_with("\x1b[1mNAME\x1b[0m  \x1b[1mHOLD\x1b[0m   \x1b[1mMAIL\x1b[0m  "), "{coloured:?}");
        assert!(coloured.contains("\na        0      7  \x1b[31m/etc/a\x1b[0m\n"), "{coloured:?}");
    }

    #[test]
    fn no_text_does_anything_to_the_terminal() {
        let texts = ["a\x1b[2Jb", "c\u{9b}2Jd", "e\u{202e}f\u{200b}", "\r\n\t\x07"];
        assert_eq!(texts.map(|text| Cell::new(text).text), ["a?[2Jb", "c??2Jd", "e?f?", "????"]);
    }
}
