//! Comparing what the two programs did, and telling what of it is not declared.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::capture::{Outcome, StandardError};
use crate::difference::Difference;
use crate::tree::{self, Entry, Tree};

/// How many lines of a file that differ are shown.
const LINES_SHOWN: usize = 10;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    Stdout,
    Stderr(StandardError),
}

/// One thing that is not the same.
pub enum Fact {
    Status { original: i32, ours: i32 },
    Line { stream: Stream, only_ours: bool, text: Vec<u8> },
    Path { path: PathBuf, change: Change, what: String },
}

/// How what the two left at a path is not the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// For ours it is as in the reference root.
    OnlyOriginal,
    /// For the original it is as in the reference root.
    OnlyOurs,
    /// Type, mode or owner.
    Attributes,
    /// Bytes or link target.
    Content,
}

/// What a comparison finds.
#[derive(Default)]
pub struct Findings {
    /// The numbers of the declared differences that occurred.
    pub occurred: BTreeSet<String>,
    /// What no declaration covers, each with where it was seen.
    pub undeclared: Vec<String>,
}

/// Compares under the declared differences that are `allowed`.
pub struct Comparison<'a> {
    pub allowed: Vec<&'a Difference>,
    /// Whether parameters that an edit adds to a main.cf come in no certain order.
    pub unordered: bool,
    pub findings: Findings,
}

impl Comparison<'_> {
    /// One command. `like` is the outcome of the command whose standard output ours must have, if not this one's.
    pub fn outcome(
        &mut self,
        place: &str,
        stderr: StandardError,
        [original, ours]: [&Outcome; 2],
        like: Option<&Outcome>,
    ) {
        let [theirs, mine] = [original, ours].map(exit_status);
        if theirs != mine {
            self.judge(place, Fact::Status { original: theirs, ours: mine });
        }
        match like {
            Some(like) => {
                self.same_stdout(&format!("{place}, like$"), like, ours);
                self.shown(Stream::Stdout, &lines(&original.stdout), &lines(&ours.stdout));
            }
            None => self.lines(place, Stream::Stdout, lines(&original.stdout), lines(&ours.stdout)),
        }
        self.lines(place, Stream::Stderr(stderr), lines(&original.stderr), lines(&ours.stderr));
    }

    /// One command with standard error on a pipe, for an original that prints messages on terminals only.
    ///
    /// There, our messages are those that we print on a terminal. The programs that we run are the original's own.
    pub fn piped(&mut self, place: &str, original: &Outcome, ours: [&Outcome; 2], like: Option<&Outcome>) {
        let [ours_terminal, ours_pipe] = ours;
        let without_messages = |outcome: &Outcome| {
            let others = lines(&outcome.stderr).into_iter().filter(|line| !self.is_message(line));
            Outcome { stderr: others.collect::<Vec<_>>().concat(), ..outcome.clone() }
        };
        let [original_others, ours_others] = [original, ours_pipe].map(without_messages);
        self.outcome(place, StandardError::Pipe, [&original_others, &ours_others], like);

        let messages = |outcome| lines(outcome).into_iter().filter(|line| self.is_message(line)).collect::<Vec<_>>();
        let [mut on_terminal, on_pipe, theirs] =
            [ours_terminal, ours_pipe, original].map(|outcome| messages(&outcome.stderr));
        on_terminal.retain(|line| !self.allowed.iter().any(|difference| difference.is_for_terminals(line)));
        for text in only_left(&on_terminal, &on_pipe) {
            self.undeclared(place, &format!("ours prints this on a terminal only: {}", show(text)));
        }
        for text in only_left(&on_pipe, &on_terminal) {
            self.undeclared(place, &format!("ours prints this on a pipe only: {}", show(text)));
        }
        if theirs.is_empty() && !on_pipe.is_empty() {
            self.findings.occurred.insert("2".to_owned());
        }
    }

    /// The trees that the two left.
    pub fn trees(&mut self, place: &str, original: &Tree, ours: &Tree) {
        let paths: BTreeSet<_> = original.keys().chain(ours.keys()).collect();
        for path in paths {
            for (change, what) in self.changes(path, original.get(path), ours.get(path)) {
                self.judge(place, Fact::Path { path: path.clone(), change, what });
            }
        }
    }

    /// How two entries differ, each with a text that tells.
    fn changes(&self, path: &Path, original: Option<&Entry>, ours: Option<&Entry>) -> Vec<(Change, String)> {
        let (original, ours) = match (original, ours) {
            (Some(original), Some(ours)) => (original, ours),
            (Some(original), None) => return vec![(Change::OnlyOriginal, original.what.clone())],
            (None, Some(ours)) => return vec![(Change::OnlyOurs, ours.what.clone())],
            (None, None) => return Vec::new(),
        };
        let mut changes = Vec::new();
        if original.what != ours.what {
            changes.push((Change::Attributes, format!("original: {}; ours: {}", original.what, ours.what)));
        }
        let unordered = self.unordered && path.ends_with("main.cf");
        if original.content != ours.content
            && !(unordered && tree::same_but_for_order(&original.content, &ours.content))
        {
            let (original, ours) = (lines(&original.content), lines(&ours.content));
            let theirs = only_left(&original, &ours).into_iter().map(|text| ("original", text));
            let ours = only_left(&ours, &original).into_iter().map(|text| ("ours", text));
            let shown = theirs.take(LINES_SHOWN).chain(ours.take(LINES_SHOWN));
            changes.push((Change::Content, shown.map(|(who, text)| format!("\n    {who}: {}", show(text))).collect()));
        }
        changes
    }

    fn lines(&mut self, place: &str, stream: Stream, original: Vec<&[u8]>, ours: Vec<&[u8]>) {
        let reworded: Vec<Vec<u8>> = original.iter().map(|line| self.reword(stream, line)).collect();
        let reworded: Vec<&[u8]> = reworded.iter().map(Vec::as_slice).collect();
        for operation in capture_diff_slices(Algorithm::Myers, &reworded, &ours) {
            let (theirs, new) = sides(&operation);
            for index in theirs {
                // Wording matters only where ours says the same: elsewhere the original's line stands as it is.
                let text = original[index].to_owned();
                self.judge(place, Fact::Line { stream, only_ours: false, text });
            }
            for index in new {
                self.judge(place, Fact::Line { stream, only_ours: true, text: ours[index].to_owned() });
            }
        }
    }

    /// Whether postmulti says this, or what the original has do its work: it reads secondaries with postconf(1).
    fn is_message(&self, line: &[u8]) -> bool {
        let ours = self.allowed.iter().find_map(|difference| difference.reword(line));
        ours.as_deref().unwrap_or(line).starts_with(b"postmulti: ")
            || (line.starts_with(b"/") && line.windows(11).any(|part| part == b"/postconf: "))
    }

    /// The original's line in our wording.
    fn reword(&mut self, stream: Stream, line: &[u8]) -> Vec<u8> {
        for difference in self.allowed.iter().filter(|_| stream != Stream::Stdout) {
            if let Some(mut ours) = difference.reword(line) {
                ours.extend(line.ends_with(b"\n").then_some(b'\n'));
                self.findings.occurred.insert(difference.number.clone());
                return ours;
            }
        }
        line.to_owned()
    }

    /// Takes note of the differences that show in lines which are compared with something else.
    fn shown(&mut self, stream: Stream, original: &[&[u8]], ours: &[&[u8]]) {
        let theirs = only_left(original, ours).into_iter().map(|text| (false, text));
        for (only_ours, text) in theirs.chain(only_left(ours, original).into_iter().map(|text| (true, text))) {
            let fact = Fact::Line { stream, only_ours, text: text.to_owned() };
            let numbers =
                self.allowed.iter().filter(|difference| difference.explains(&fact)).map(|found| found.number.clone());
            self.findings.occurred.extend(numbers);
        }
    }

    fn same_stdout(&mut self, place: &str, original: &Outcome, ours: &Outcome) {
        if original.stdout != ours.stdout {
            let [theirs, ours] = [&original.stdout, &ours.stdout].map(|bytes| show(bytes));
            self.undeclared(place, &format!("stdout must be {theirs}, ours prints {ours}"));
        }
    }

    fn judge(&mut self, place: &str, fact: Fact) {
        match self.allowed.iter().find(|difference| difference.explains(&fact)) {
            Some(difference) => {
                self.findings.occurred.insert(difference.number.clone());
            }
            None => self.undeclared(place, &fact.to_string()),
        }
    }

    fn undeclared(&mut self, place: &str, what: &str) {
        self.findings.undeclared.push(format!("{place}: {what}"));
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fact::Status { original, ours } => {
                write!(f, "exit status: original {original}, ours {ours}")
            }
            Fact::Line { stream, only_ours, text } => {
                let who = if *only_ours { "ours" } else { "the original" };
                write!(f, "{stream:?}: only {who} prints {}", show(text))
            }
            Fact::Path { path, change, what } => write!(f, "{change:?}: {}: {what}", path.display()),
        }
    }
}

/// The exit status: also that of a command before `|| echo refused`.
fn exit_status(outcome: &Outcome) -> i32 {
    let is_refused = outcome.status == 0 && lines(&outcome.stdout).last() == Some(&&b"refused\n"[..]);
    if is_refused { 1 } else { outcome.status }
}

/// Lines with their ends, so that a missing one counts.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

fn sides(operation: &DiffOp) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    match operation {
        DiffOp::Equal { .. } => (0..0, 0..0),
        other => (other.old_range(), other.new_range()),
    }
}

fn only_left<'a>(left: &[&'a [u8]], right: &[&[u8]]) -> Vec<&'a [u8]> {
    let operations = capture_diff_slices(Algorithm::Myers, left, right);
    operations.iter().flat_map(|operation| sides(operation).0).map(|index| left[index]).collect()
}

fn show(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}
