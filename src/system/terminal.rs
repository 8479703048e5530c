//! The terminal on standard output.

use rustix::termios::tcgetwinsize;
use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use unicode_width::UnicodeWidthStr;

/// What is known of it, at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// Its size, if it tells that.
    pub columns: Option<usize>,
    pub rows: Option<usize>,
    /// Does it know how to move the cursor?
    pub moves: bool,
    /// Does it show colours, and are they wanted?
    pub colours: bool,
}

impl Terminal {
    /// None if standard output is something else.
    pub fn on_standard_output() -> Option<Terminal> {
        let output = io::stdout();
        if !output.is_terminal() {
            return None;
        }
        let (columns, rows) = tcgetwinsize(&output).map_or((0, 0), |size| (size.ws_col, size.ws_row));
        let known = |number: u16| (number > 0).then_some(number.into());
        let (moves, colours) = abilities(env::var_os("TERM"), env::var_os("NO_COLOR"));
        Some(Terminal { columns: known(columns), rows: known(rows), moves, colours })
    }

    /// Shows a text in place of the one that was shown before, from the top, as far as there is room.
    pub fn redraw(&self, text: &[u8]) -> io::Result<()> {
        let mut output = io::stdout();
        if self.moves {
            output.write_all(&screen(text, self.rows, self.columns))?;
        } else {
            output.write_all(&[text, b"\n"].concat())?;
        }
        output.flush()
    }
}

/// Can a terminal of the kind that TERM names move its cursor?
pub fn moves() -> bool {
    abilities(env::var_os("TERM"), None).0
}

/// Moving and colours, by the variables that tell of them (<https://no-color.org>).
fn abilities(term: Option<OsString>, no_color: Option<OsString>) -> (bool, bool) {
    let moves = term.is_some_and(|term| !term.is_empty() && term != "dumb");
    (moves, moves && no_color.is_none_or(|value| value.is_empty()))
}

/// The text on a screen that is empty otherwise, without the lines that would move it upwards. The cursor stays below.
fn screen(text: &[u8], rows: Option<usize>, columns: Option<usize>) -> Vec<u8> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let room = rows.map_or(usize::MAX, |rows| rows.saturating_sub(1));
    let fitting = |room| {
        let ends = lines.iter().scan(0, |end, line| {
            *end += rows_of(line, columns);
            Some(*end)
        });
        ends.take_while(|end| *end <= room).count()
    };
    let all = fitting(room);
    let shown = if all < lines.len() { fitting(room.saturating_sub(1)) } else { all };
    let mut screen = b"\x1b[H\x1b[J".to_vec();
    screen.extend(lines[..shown].concat());
    if shown < lines.len() {
        screen.extend_from_slice(format!("... {} more lines\n", lines.len() - shown).as_bytes());
    }
    screen
}

/// How many rows a line takes, which goes on in the next one where it is too long. Colours take no room.
fn rows_of(line: &[u8], columns: Option<usize>) -> usize {
    let line = String::from_utf8_lossy(line);
    let mut parts = line.trim_end_matches('\n').split("\x1b[");
    let first = parts.next().into_iter();
    let coloured = parts.map(|part| part.split_once('m').map_or(part, |(_, text)| text));
    let width: usize = first.chain(coloured).map(UnicodeWidthStr::width).sum();
    columns.map_or(1, |columns| width.div_ceil(columns).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_know_them_and_people_who_want_them() {
        let abilities = |term: &str, no_color: Option<&str>| abilities(Some(term.into()), no_color.map(OsString::from));
        assert_eq!(abilities("xterm", None), (true, true));
        assert_eq!(abilities("xterm", Some("")), (true, true));
        assert_eq!(abilities("xterm", Some("0")), (true, false));
        assert_eq!(abilities("dumb", None), (false, false));
        assert_eq!(abilities("", None), (false, false));
        assert_eq!(super::abilities(None, None), (false, false));
    }

    #[test]
    fn what_is_longer_than_the_screen_is_cut() {
        let screen = |rows| String::from_utf8(screen(b"a\nb\nc\n", rows, Some(1))).unwrap();
        assert_eq!(screen(None), "\x1b[H\x1b[Ja\nb\nc\n");
        assert_eq!(screen(Some(4)), screen(None));
        assert_eq!(screen(Some(3)), "\x1b[H\x1b[Ja\n... 2 more lines\n");
        assert_eq!(screen(Some(1)), "\x1b[H\x1b[J... 3 more lines\n");
    }

    #[test]
    fn a_line_that_is_too_long_takes_several_rows() {
        let screen = |rows| String::from_utf8(screen("a\n\nbcd郵便\n".as_bytes(), Some(rows), Some(4))).unwrap();
        assert_eq!(screen(5), "\x1b[H\x1b[Ja\n\nbcd郵便\n");
        assert_eq!(screen(4), "\x1b[H\x1b[Ja\n\n... 1 more lines\n");
        assert_eq!(rows_of(b"\x1b[1m\x1b[31mabcd\x1b[0m\n", Some(4)), 1);
        assert_eq!(rows_of(b"\x1b[1mabcde\x1b[0m\n", Some(4)), 2);
        assert_eq!(rows_of(b"abcde\n", None), 1);
    }
}
