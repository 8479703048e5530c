//! How the cases ended, under both programs, by topic.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

use crate::case::{Case, Topic};
use crate::host::{Hosts, Kind, Program};

/// So many cases at a time: the original mostly sleeps.
const AT_A_TIME: usize = 24;

const COLUMNS: [(&str, Kind); 5] = [
    ("refused", Kind::Refused),
    ("done", Kind::Done),
    ("half done", Kind::HalfDone),
    ("harm", Kind::Harm),
    ("hangs", Kind::Hangs),
];

#[derive(Default)]
pub struct Tally {
    counts: Mutex<BTreeMap<(String, Program, Kind), usize>>,
    notes: Mutex<Vec<String>>,
}

impl Tally {
    pub fn count(&self, topic: &str, program: Program, kind: Kind) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((topic.to_owned(), program, kind)).or_default() += 1;
    }

    /// Something else to be told at the end.
    pub fn note(&self, text: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    fn number(&self, program: Program, kind: Kind, topic: Option<&str>) -> usize {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |(name, by, how): &(String, Program, Kind)| {
            topic.is_none_or(|topic| topic == name) && (*by, *how) == (program, kind)
        };
        counts.iter().filter(|(key, _)| wanted(key)).map(|(_, number)| number).sum()
    }

    pub fn print(&self, topics: &[Topic]) {
        let names: Vec<_> = COLUMNS.iter().map(|(name, _)| format!("{name:>9}")).collect();
        println!("{:26}  {:^49}  {:^49}", "", "ours", "original");
        println!("{:18} {:>7}  {}  {}", "topic", "cases", names.join(" "), names.join(" "));
        for topic in topics {
            self.print_row(&topic.name, topic.cases.len(), Some(&topic.name));
        }
        self.print_row("all", topics.iter().map(|topic| topic.cases.len()).sum(), None);
        println!("refused, done: exit status not 0, or 0, and no more is changed than the case allows;");
        println!("half done, harm: exit status not 0, or 0, and more is changed than that\n");
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|note| println!("{note}"));
    }

    fn print_row(&self, name: &str, cases: usize, topic: Option<&str>) {
        let row = |program| {
            let cell = |(_, kind): &(&str, Kind)| match self.number(program, *kind, topic) {
                0 => format!("{:>9}", "-"),
                number => format!("{number:>9}"),
            };
            COLUMNS.iter().map(cell).collect::<Vec<_>>().join(" ")
        };
        println!("{name:18} {cases:>7}  {}  {}", row(Program::Ours), row(Program::Original));
    }
}

/// Runs all cases under the original. Nothing is demanded of it, but that the search for harm finds some, and that cases say
/// what it loses where it succeeds and ours refuses.
pub fn judge_original(topics: &[Topic], hosts: &Hosts, tally: &Tally) -> Result<Vec<String>> {
    let cases = topics.iter().flat_map(|topic| topic.cases.iter().map(|case| (topic.name.as_str(), case)));
    let waiting = Mutex::new(cases.filter(|(_, case)| case.not_for_original.is_none()));
    let wrong = Mutex::new(Vec::new());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Result<()> {
        while let Some((topic, case)) = next() {
            let verdict = hosts.judge(case, Program::Original).with_context(|| case.title.clone())?;
            tally.count(topic, Program::Original, verdict.kind);
            show(case, verdict.kind, &verdict.wrong);
            // How it would have ended, had it had the time, is not known.
            if verdict.kind != Kind::Hangs {
                let unjustified = case.justify(matches!(verdict.kind, Kind::Done | Kind::Harm));
                wrong.lock().unwrap_or_else(PoisonError::into_inner).extend(unjustified);
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| anyhow::bail!("a thread has panicked")))
    })?;
    let none = |kind| tally.number(Program::Original, kind, None) == 0;
    let missing = [Kind::Harm, Kind::HalfDone].into_iter().filter(|kind| none(*kind));
    let mut wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    wrong.extend(missing.map(|kind| format!("no {kind:?} found")));
    wrong.sort();
    Ok(wrong)
}

/// With SHOW in the environment: what the original does.
fn show(case: &Case, kind: Kind, wrong: &[String]) {
    if std::env::var_os("SHOW").is_some() {
        println!("{}: {kind:?}\n  {}", case.title, wrong.join("\n").replace('\n', "\n  "));
    }
}
