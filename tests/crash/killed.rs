//! Killed at every call that changes a file.

use crate::state::{Found, Subject};
use crate::trace::trace;
use anyhow::{Result, ensure};

/// How often each of these was found.
#[derive(Default)]
pub struct Tally {
    /// The places where it can be killed, and how many of them were tried.
    pub points: usize,
    pub tried: usize,
    pub old: usize,
    pub new: usize,
    pub unlisted: usize,
    pub broken: usize,
    /// What giving the command again does not complete.
    pub incomplete: usize,
    /// What is wrong, and where.
    pub problems: Vec<String>,
}

impl Tally {
    pub fn numbers(&self) -> [usize; 7] {
        [self.points, self.tried, self.old, self.new, self.unlisted, self.broken, self.incomplete]
    }
}

/// Kills an action at up to so many of its calls, evenly spread.
pub fn kill(subject: &Subject, most: usize) -> Result<Tally> {
    let calls = trace(subject.host()?.postmulti(subject.action.command), None)?.calls;
    ensure!(!calls.is_empty(), "no call was seen");
    let mut tally = Tally { points: calls.len(), tried: calls.len().min(most), ..Tally::default() };
    for number in 0..tally.tried {
        let point = number * calls.len() / tally.tried;
        let host = subject.host()?;
        let traced = trace(host.postmulti(subject.action.command), Some(point))?;
        ensure!(traced.status.is_none(), "at call {point} of {}, it had ended", calls.len());
        let place = || format!("killed before call {point}, {}", traced.calls[point]);
        let found = subject.judge(&host);
        match &found {
            Ok(Found::Old) => tally.old += 1,
            Ok(Found::New) => tally.new += 1,
            Ok(Found::Unlisted) => tally.unlisted += 1,
            Err(problem) => {
                tally.broken += 1;
                tally.problems.push(format!("{}: {problem:#}", place()));
            }
        }
        if let Err(problem) = subject.complete(&host, found.unwrap_or(Found::Unlisted), number) {
            tally.incomplete += 1;
            tally.problems.push(format!("{}: {problem:#}", place()));
        }
    }
    Ok(tally)
}
