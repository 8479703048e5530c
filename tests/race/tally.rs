//! What came of a race.

use crate::arena::{Outcome, left_behind, postmulti, run};
use anyhow::Result;

/// Something that should not be, in words.
#[derive(Debug)]
pub struct Wrong {
    pub what: String,
    /// Nobody was told: the exit status was 0.
    pub silent: bool,
}

#[derive(Debug, Default)]
pub struct Tally {
    pub rounds: usize,
    /// How many commands changed something, or tried to.
    pub commands: usize,
    /// Changes that are lost, or were made although they should have been refused, and wrong messages.
    pub wrong: Vec<Wrong>,
    pub readings: usize,
    /// Readings that saw a state that nobody has made.
    pub broken: Vec<String>,
    /// What no longer worked, or was left behind, after a round.
    pub unusable: Vec<String>,
    /// What else is to be told.
    pub remark: String,
}

impl Tally {
    pub fn wrong(&mut self, what: String, silent: bool) {
        self.wrong.push(Wrong { what, silent });
    }

    /// Judges a command by what came of it.
    pub fn judge(&mut self, outcome: &Outcome, right: bool) {
        if !right {
            self.wrong(outcome.describe(), outcome.code == Some(0));
        }
    }

    /// Adds what came of another part of the same race.
    pub fn add(&mut self, part: Tally) {
        self.commands += part.commands;
        self.wrong.extend(part.wrong);
    }

    /// Checks that the host is in order after a round: the instances can be listed, and nothing else is there.
    pub fn finish_round(&mut self) -> Result<()> {
        self.rounds += 1;
        let list = run(&postmulti(&["-l"]))?;
        let problem = match left_behind() {
            _ if !list.succeeded() => Some(list.describe()),
            Ok(left) => (!left.is_empty()).then(|| format!("left behind: {}", left.join(" "))),
            Err(error) => Some(format!("what is listed is not there: {error:#}")),
        };
        self.unusable.extend(problem);
        Ok(())
    }

    pub fn silent(&self) -> usize {
        self.wrong.iter().filter(|wrong| wrong.silent).count()
    }

    /// Nothing may have gone wrong. The error tells what did, as far as that can be read.
    pub fn verdict(&self) -> Result<(), String> {
        let wrong = self.wrong.iter().map(|wrong| format!("wrong: {}", wrong.what));
        let broken = self.broken.iter().map(|what| format!("broken: {what}"));
        let unusable = self.unusable.iter().map(|what| format!("unusable: {what}"));
        let all: Vec<String> = wrong.chain(broken).chain(unusable).collect();
        match all.as_slice() {
            [] => Ok(()),
            all => Err(format!("{} things went wrong, such as\n{}", all.len(), all[..all.len().min(20)].join("\n"))),
        }
    }
}
