//! The terminal on standard output.

use rustix::termios::tcgetwinsize;
use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

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
            output.write_all(&screen(text, self.rows))?;
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
fn screen(text: &[u8], rows: Option<usize>) -> Vec<u8> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let room = rows.map_or(usize::MAX, |rows| rows.saturating_sub(1));
    let shown = if lines.len() > room { room.saturating_sub(1) } else { lines.len() };
    let mut screen = b"\x1b[H\x1b[J".to_vec();
    screen.extend(lines[..shown].concat());
    if shown < lines.len() {
        screen.extend_from_slice(format!("... {} more lines\n", lines.len() - shown).as_bytes());
    }
    screen
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
        let screen = |rows| String::from_utf8(screen(b"a\nb\nc\n", rows)).unwrap();
        assert_eq!(screen(None), "\x1b[H\x1b[Ja\nb\nc\n");
        assert_eq!(screen(Some(4)), screen(None));
        assert_eq!(screen(Some(3)), "\x1b[H\x1b[Ja\n... 2 more lines\n");
        assert_eq!(screen(Some(1)), "\x1b[H\x1b[J... 3 more lines\n");
    }
}
