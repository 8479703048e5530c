//! Every system call fails, for every reason.

use crate::calls::{Call, calls};
use crate::host::Host;
use crate::state::{Found, Subject, is_leftover, without_leftovers};
use anyhow::{Context, Result, anyhow, ensure};
use std::fmt;
use std::path::Path;

/// Errors, by strace's name for them and the words for them.
const ERRORS: [(&str, &str); 6] = [
    ("EIO", "Input/output error"),
    ("ENOSPC", "No space left on device"),
    ("EACCES", "Permission denied"),
    ("EROFS", "Read-only file system"),
    ("EMFILE", "Too many open files"),
    ("ENOMEM", "Cannot allocate memory"),
];

/// Those for which a file cannot even be looked at.
const LOOKING: [&str; 3] = ["EIO", "EACCES", "EMFILE"];

/// How often an action ended in each of these ways.
#[derive(Default)]
pub struct Tally {
    pub calls: usize,
    pub failures: usize,
    /// It is refused, and all is as before.
    pub before: usize,
    /// It is done, but not to its end, which a warning says.
    pub after: usize,
    /// It is done all the same: what could not be seen made no difference.
    pub done: usize,
    pub problems: Vec<String>,
}

impl Tally {
    pub fn numbers(&self) -> [usize; 6] {
        [self.calls, self.failures, self.before, self.after, self.done, self.problems.len()]
    }
}

/// How a disturbed action ends.
enum End {
    Before,
    After,
    Done,
}

/// Lets each call of an action fail for each reason.
pub fn fail(subject: &Subject) -> Result<Tally> {
    let calls = calls(&subject.host()?, subject.action.command)?;
    let mut tally = Tally { calls: calls.len(), ..Tally::default() };
    let mut has_begun = false;
    for call in calls.iter().filter(|call| call.succeeded) {
        has_begun |= call.changes;
        for (error, words) in ERRORS.into_iter().filter(|(error, _)| call.changes || LOOKING.contains(error)) {
            tally.failures += 1;
            match (Failure { subject, call, error, words, has_begun }).happens() {
                Ok(End::Before) => tally.before += 1,
                Ok(End::After) => tally.after += 1,
                Ok(End::Done) => tally.done += 1,
                Err(problem) => tally.problems.push(format!("{call}, {error}: {problem:#}")),
            }
        }
    }
    Ok(tally)
}

/// One call fails for one reason.
struct Failure<'a> {
    subject: &'a Subject<'a>,
    call: &'a Call,
    error: &'a str,
    words: &'a str,
    /// Has the action changed a file before?
    has_begun: bool,
}

impl Failure<'_> {
    /// Lets it happen, and then completes the action.
    fn happens(&self) -> Result<End> {
        let Failure { subject, call, error, .. } = self;
        let host = subject.host()?;
        let trace = format!("trace={}", call.name);
        let inject = format!("inject={}:error={error}:when={}", call.name, call.number);
        let strace = ["/usr/bin/strace", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject, "/usr/sbin/postmulti"];
        let output = host.command(&[&strace, subject.action.command].concat()).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let end = match output.status.code() {
            Some(0) => self.done(&host).map(|()| End::Done),
            Some(1) => self.refused(&host, &said),
            _ => Err(anyhow!("{}", output.status)),
        };
        let end = end.with_context(|| said.clone().into_owned())?;
        let found = if matches!(end, End::Before) { Found::Old } else { Found::Unlisted };
        subject.complete(&host, found, 0).with_context(|| format!("after {said}"))?;
        Ok(end)
    }

    /// What could not be seen, made no difference.
    fn done(&self, host: &Host) -> Result<()> {
        let paths = self.subject.unfinished(host)?;
        ensure!(paths.is_empty(), "exit 0, but it is not done: {}", paths.join(", "));
        let is_lock = is_leftover(Path::new(&self.call.path));
        ensure!(is_lock || !self.call.changes, "exit 0, and not a word about it");
        Ok(())
    }

    /// The message tells why, and the tree is as it was, or the change counts already.
    fn refused(&self, host: &Host, said: &str) -> Result<End> {
        ensure!(said.contains(self.words), "the reason is not told");
        let named = [self.call.path.trim_end_matches("/."), self.call.path.trim_end_matches(".tmp")];
        ensure!(named.iter().any(|path| said.contains(path)), "{} is not named", self.call.path);
        if !said.contains("postmulti: fatal: ") {
            ensure!(said.contains("postmulti: warning: "), "it is neither a fatal error nor a warning");
            ensure!(self.subject.judge(host)? != Found::Old, "nothing is done");
            return Ok(End::After);
        }
        // Who may have the file of a lock is not known if it cannot be locked: then it stays, and is told of.
        if self.call.name == "flock" && said.contains("this could not be undone: ") {
            self.subject.judge(host)?;
            return Ok(End::Before);
        }
        let left = without_leftovers(host.changes()?);
        ensure!(left.is_empty(), "something is changed: {:?}", left.keys());
        // What is wrong before that is told in the original's words.
        let tells = said.contains("Nothing was changed") || said.contains(" is left out: ");
        ensure!(tells || !self.has_begun, "it does not say that nothing was changed");
        Ok(End::Before)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{} {} {}", self.name, self.number, self.path)
    }
}
