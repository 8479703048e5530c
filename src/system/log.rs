//! What the user is told: on stderr at once, and in the mail log as far as that works.

use super::mail_log::{Delivery, MailLog};
use nix::syslog::Severity;
use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::iter::repeat_n;

/// How bad it is. The words are those of postlog(1) and of the messages themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Warning,
    Fatal,
}

impl Level {
    pub(super) fn word(self) -> &'static str {
        match self {
            Level::Warning => "warning",
            Level::Fatal => "fatal",
        }
    }

    pub(super) fn priority(self) -> &'static str {
        match self {
            Level::Warning => "warn",
            Level::Fatal => "fatal",
        }
    }

    pub(super) fn severity(self) -> Severity {
        match self {
            Level::Warning => Severity::LOG_WARNING,
            Level::Fatal => Severity::LOG_CRIT,
        }
    }
}

/// Prints messages as `PROGRAM: LEVEL: TEXT`, and keeps them for the mail log.
#[derive(Debug, Default)]
pub struct Log {
    program: OsString,
    /// Postfix shows UTF-8 as it is once it has read main.cf, and as question marks before.
    utf8: Cell<bool>,
    pending: RefCell<Vec<(Level, String)>>,
    /// Warnings that nobody need hear of unless an error follows.
    held: RefCell<Option<Vec<String>>>,
    mail_log: RefCell<MailLog>,
    delivery: RefCell<Delivery>,
    /// The lines that are not printed, but kept.
    kept: Option<RefCell<Vec<u8>>>,
}

impl Log {
    /// The log of a program of that name.
    pub fn new(program: &OsStr) -> Log {
        Log { program: program.to_owned(), ..Log::default() }
    }

    /// A log of the same program that prints nothing, and keeps its lines. Nor does the mail log get them.
    pub fn keeping(&self) -> Log {
        Log { utf8: self.utf8.clone(), kept: Some(RefCell::default()), ..Log::new(&self.program) }
    }

    /// Prints the lines that another one has kept.
    pub fn print_kept(&self, other: &Log) {
        let kept = other.kept();
        let lines = kept.strip_suffix(b"\n").map(|lines| lines.split(|byte| *byte == b'\n'));
        lines.into_iter().flatten().for_each(|line| self.line(line));
    }

    /// The same, as if it had been told itself.
    pub fn take_over(&self, other: &Log) {
        self.print_kept(other);
        self.pending.borrow_mut().append(&mut other.pending.borrow_mut());
    }

    /// The lines that it has kept.
    pub fn kept(&self) -> Vec<u8> {
        self.kept.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// From now on, valid UTF-8 is shown as it is.
    pub fn show_utf8(&self) {
        self.utf8.set(true);
    }

    /// Says which way messages go to the mail log from now on.
    pub fn use_mail_log(&self, mail_log: MailLog) {
        self.mail_log.replace(mail_log);
    }

    /// From now on, warnings are kept back, and told only before a fatal error.
    pub fn hold_warnings(&self) {
        self.held.replace(Some(Vec::new()));
    }

    pub fn warning(&self, text: impl Into<String>) {
        match &mut *self.held.borrow_mut() {
            Some(held) => held.push(text.into()),
            None => self.message(Level::Warning, text.into()),
        }
    }

    pub fn fatal(&self, text: impl Into<String>) {
        self.held.take().into_iter().flatten().for_each(|text| self.warning(text));
        self.message(Level::Fatal, text.into());
    }

    /// Prints a warning that is about this run alone, and so not for the mail log.
    pub fn aside(&self, text: &str) {
        self.print(Level::Warning.word(), text.to_owned());
    }

    /// Prints what may help whoever sits at a terminal. It is neither for programs that read stderr nor for the mail log.
    pub fn hint(&self, text: &str) {
        if self.is_on_terminal() {
            self.print("hint", text.to_owned());
        }
    }

    /// Does somebody read stderr at a terminal?
    pub fn is_on_terminal(&self) -> bool {
        std::io::stderr().is_terminal()
    }

    fn message(&self, level: Level, text: String) {
        let text = self.print(level.word(), text);
        self.pending.borrow_mut().push((level, text));
    }

    /// Prints a line, and returns its text as it is shown.
    fn print(&self, word: &str, text: String) -> String {
        let text = printable(if self.utf8.get() { text } else { ascii(&text) });
        let program = self.program.as_encoded_bytes();
        self.line(&[program, b": ", word.as_bytes(), b": ", text.as_bytes()].concat());
        text
    }

    /// Prints a line on stderr only, as it is.
    pub fn line(&self, line: &[u8]) {
        let line = [line, b"\n"].concat();
        match &self.kept {
            Some(kept) => kept.borrow_mut().extend(line),
            // One write, so that lines of several processes do not mix. Where stderr is gone, nobody reads it.
            None => drop(std::io::stderr().write_all(&line)),
        }
    }

    /// Hands the messages so far to the mail log. It is best effort: nothing is waited for, and no error told.
    pub fn flush(&self) {
        let pending = self.pending.take();
        self.delivery.borrow_mut().start(&self.mail_log.borrow(), &self.program, &pending);
    }

    /// The same at the end of the run. If that has `failed`, the mail log has a moment to take the messages: systemd kills
    /// what a failed service leaves behind.
    pub fn close(&self, failed: bool) {
        self.flush();
        self.delivery.borrow_mut().finish(failed);
    }
}

/// Bytes as a message shows them: each that is not printable becomes a question mark. Some terminals obey also the control
/// characters that are not ASCII.
pub fn printable(bytes: impl AsRef<OsStr>) -> String {
    let mut text = String::new();
    for chunk in bytes.as_ref().as_encoded_bytes().utf8_chunks() {
        text.push_str(&masked(chunk.valid(), |c| c.is_control()));
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

fn ascii(text: &str) -> String {
    masked(text, |c| !c.is_ascii())
}

/// A question mark for each byte of some characters.
fn masked(text: &str, is_hidden: impl Fn(char) -> bool) -> String {
    let shown = |c: char| if is_hidden(c) { repeat_n('?', c.len_utf8()) } else { repeat_n(c, 1) };
    text.chars().flat_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn what_is_not_printable_is_a_question_mark() {
        assert_eq!(printable(OsStr::from_bytes(b"a\t\x7fb\xff\xc3\xa9")), "a??b?\u{e9}");
        assert_eq!(printable("a\u{80}\u{9b}1mb\u{9f}\u{a0}"), "a????1mb??\u{a0}");
        assert_eq!(ascii("a\u{e9}b"), "a??b");
    }
}
