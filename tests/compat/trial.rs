//! One trial: a scenario in one reference root, under both programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Context, Result, anyhow, bail};

use crate::Root;
use crate::capture::{Outcome, StandardError};
use crate::compare::{Comparison, Findings};
use crate::difference::Difference;
use crate::sandbox::Sandbox;
use crate::scenario::{Scenario, Step};
use crate::tree::{self, Tree};

/// What all trials share.
pub struct Suite {
    /// Ours; `None` compares the original with itself.
    pub program: Option<PathBuf>,
    /// Where sandboxes are mounted.
    pub place: PathBuf,
    pub differences: Vec<Difference>,
    pub tally: Tally,
}

/// What the trials found together.
#[derive(Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    /// By reference root.
    scenarios: BTreeMap<&'static str, usize>,
    /// By number of the difference.
    occurred: BTreeMap<String, usize>,
    undeclared: usize,
}

/// A scenario under one program.
struct Run {
    /// One for each command.
    outcomes: Vec<Outcome>,
    /// The outcomes of `like$` commands.
    like: Vec<Option<Outcome>>,
    tree: Tree,
}

impl Suite {
    /// Runs `scenario` in `root`; the error tells every difference that should not be, and every one that should.
    pub fn run(&self, scenario: &Scenario, root: &Root) -> Result<(), String> {
        let findings = self.compare(scenario, root).map_err(|error| format!("{error:#}"))?;
        let mut problems = findings.undeclared.clone();
        if self.program.is_some() {
            let missing = scenario.differences.iter().filter(|number| !findings.occurred.contains(*number));
            problems.extend(missing.map(|number| format!("declared difference {number} does not occur")));
        }
        self.tally.add(root, findings);
        if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
    }

    fn compare<'s>(&'s self, scenario: &Scenario, root: &Root) -> Result<Findings> {
        use StandardError::{Pipe, Terminal};
        let program = self.program.as_deref();
        let (original, ours, ours_piped, again) = thread::scope(|scope| -> Result<_> {
            let start = |program: Option<&'s Path>, stderr| {
                scope.spawn(move || {
                    let who = if program.is_some() { "ours" } else { "original" };
                    run(scenario, root, program, stderr, &self.place)
                        .with_context(|| format!("{who}, stderr on a {stderr:?}"))
                })
            };
            let [original, ours, ours_piped] = [start(None, Terminal), start(program, Terminal), start(program, Pipe)];
            let original = finished(original)?;
            // The original takes its time, and what it does not say on a terminal it does not say on a pipe either.
            let again = if original.is_silent() { None } else { Some(finished(start(None, Pipe))?) };
            Ok((original, finished(ours)?, finished(ours_piped)?, again))
        })?;
        let original_piped = again.as_ref().unwrap_or(&original);

        if std::env::var_os("SHOW").is_some() {
            show(scenario, root, &original, original_piped);
        }
        let shows =
            |difference: &&Difference| difference.everywhere || scenario.differences.contains(&difference.number);
        let allowed = if self.program.is_some() { self.differences.iter().filter(shows).collect() } else { Vec::new() };
        let mut comparison =
            Comparison { allowed, unordered: root.appends_in_any_order(), findings: Findings::default() };
        for (index, line) in scenario.commands().enumerate() {
            let like = self.program.is_some().then_some(()).and(original.like[index].as_ref());
            let [theirs, theirs_piped] = [&original.outcomes[index], &original_piped.outcomes[index]];
            let [mine, mine_piped] = [&ours.outcomes[index], &ours_piped.outcomes[index]];
            comparison.outcome(&format!("$ {line}"), Terminal, [theirs, mine], like);
            let place = format!("$ {line} 2|");
            if root.messages_on_terminals_only() && self.program.is_some() {
                comparison.piped(&place, theirs_piped, [mine, mine_piped], like);
            } else {
                comparison.outcome(&place, Pipe, [theirs_piped, mine_piped], like);
            }
        }
        comparison.trees("tree", &original.tree, &ours.tree);
        comparison.trees("tree, stderr on a pipe", &original_piped.tree, &ours_piped.tree);
        Ok(comparison.findings)
    }

    /// Prints what the trials found. `whole` tells that none was filtered out: then every difference that may occur
    /// everywhere must have occurred; returns whether that holds.
    pub fn summary(&self, roots: &[std::sync::Arc<Root>], whole: bool) -> bool {
        let counts = self.tally.lock();
        for root in roots {
            let scenarios = counts.scenarios.get(root.name).unwrap_or(&0);
            println!("{} (Postfix {}): {scenarios} scenarios", root.name, root.version);
        }
        let mut complete = true;
        for difference in &self.differences {
            let number = &difference.number;
            let times = *counts.occurred.get(number).unwrap_or(&0);
            if self.program.is_some() {
                println!("difference {number}: in {times} trials");
            }
            if whole && times == 0 && self.program.is_some() {
                println!("difference {number} is declared, and does not occur");
                complete = false;
            }
        }
        println!("{} undeclared differences", counts.undeclared);
        complete
    }
}

impl Tally {
    fn add(&self, root: &Root, findings: Findings) {
        let mut counts = self.lock();
        *counts.scenarios.entry(root.name).or_default() += 1;
        counts.undeclared += findings.undeclared.len();
        for number in findings.occurred {
            *counts.occurred.entry(number).or_default() += 1;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.lock().unwrap()
    }
}

fn finished(thread: ScopedJoinHandle<Result<Run>>) -> Result<Run> {
    thread.join().unwrap_or_else(|_| Err(anyhow!("the sandbox's thread panicked")))
}

impl Run {
    /// Whether nothing was printed on standard error.
    fn is_silent(&self) -> bool {
        self.outcomes.iter().chain(self.like.iter().flatten()).all(|outcome| outcome.stderr.is_empty())
    }
}

/// Prints what the original did, on a terminal, and what it says on a pipe, if that is something else.
fn show(scenario: &Scenario, root: &Root, run: &Run, piped: &Run) {
    let mut text = format!("== {} in {}\n", scenario.name, root.name);
    for ((line, outcome), piped) in scenario.commands().zip(&run.outcomes).zip(&piped.outcomes) {
        let [stdout, stderr] = [&outcome.stdout, &outcome.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        text += &format!("$ {line}\n{stdout}{stderr}=> {}\n", outcome.status);
        if piped.stderr != outcome.stderr {
            text += &format!("on a pipe:\n{}", String::from_utf8_lossy(&piped.stderr));
        }
    }
    for (path, entry) in &run.tree {
        text += &format!("/{}: {}\n", path.display(), entry.what);
    }
    print!("{text}");
}

/// Runs a scenario under one program, in a sandbox of its own. To be called in a thread of its own.
fn run(scenario: &Scenario, root: &Root, program: Option<&Path>, stderr: StandardError, place: &Path) -> Result<Run> {
    let sandbox = Sandbox::new(&root.directory, program, place).context("sandbox")?;
    let mut outcomes = Vec::new();
    let mut like = Vec::new();
    for step in &scenario.steps {
        match step {
            Step::SetUp(script) => {
                let outcome = sandbox.run(&format!("set -e\n{script}"), StandardError::Pipe).context("set-up")?;
                if outcome.status != 0 {
                    bail!("set-up failed:\n{script}{}", outcome.stderr.escape_ascii());
                }
            }
            Step::Command(command) => {
                outcomes.push(sandbox.run(&command.line, stderr).with_context(|| command.line.clone())?);
                // Ours runs it too, so that both leave the same tree.
                let line = command.like.as_deref();
                like.push(line.map(|line| sandbox.run(line, stderr).with_context(|| line.to_owned())).transpose()?);
            }
        }
    }
    let tree = tree::changes(sandbox.upper(), &root.directory).context("tree")?;
    Ok(Run { outcomes, like, tree })
}
