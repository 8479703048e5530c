//! Going through a transcript: its commands are run in order, and must print what it says, on several releases side by side.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use crate::capture::Outcome;
use crate::transcript::{Command, Mode, Step};

/// How long the expected output may be late.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where commands are run.
pub trait Host {
    /// Runs shell lines.
    fn run(&self, lines: &str) -> Result<Outcome>;
}

/// A walk through a transcript on one release of Debian.
pub struct Walk {
    pub release: &'static str,
    /// Does Postfix's own postmulti go?
    pub original: bool,
    pub steps: Vec<Step>,
}

/// Takes all walks at the same time, each in a thread of its own, on the host that `set_up` makes there.
pub fn side_by_side<H: Host>(walks: &[Walk], set_up: impl Fn(&Walk) -> Result<H> + Sync) -> Result<ExitCode> {
    let set_up = &set_up;
    let failed: usize = thread::scope(|scope| {
        let threads: Vec<_> = walks.iter().map(|walk| scope.spawn(move || walk.take(set_up))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("a thread panicked"))))
            .sum::<Result<_>>()
    })?;
    let steps: usize = walks.iter().map(|walk| walk.steps.len()).sum();
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {verdict}. {} passed; {failed} failed;", steps - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The program that goes: `$POSTMULTI`, or what Cargo built. `original` stands for the original.
pub fn program() -> Result<Option<PathBuf>> {
    let named = std::env::var_os("POSTMULTI").unwrap_or_else(|| env!("CARGO_BIN_EXE_postmulti").into());
    if named == "original" {
        return Ok(None);
    }
    Ok(Some(std::fs::canonicalize(&named).with_context(|| format!("program {}", named.display()))?))
}

/// The root of that name among the reference roots.
pub fn root(name: &str) -> Result<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/roots").join(name);
    directory.canonicalize().with_context(|| format!("there is no root {}", directory.display()))
}

impl Walk {
    /// Goes through the steps, and returns how many failed. A step needs those before it, so the first failure is the end.
    fn take<H: Host>(&self, set_up: impl Fn(&Walk) -> Result<H>) -> Result<usize> {
        let release = self.release;
        let began = Instant::now();
        let host = set_up(self).with_context(|| format!("cannot set {release} up"))?;
        let version = host.run("postconf -dh mail_version")?;
        ensure!(version.status == 0, "{}", shown(&version));

        let mut passed = 0;
        for step in &self.steps {
            let began = Instant::now();
            match self.step(&host, step) {
                Ok(()) => println!("{release:8}  ok      {}  ({:.1} s)", step.title, began.elapsed().as_secs_f64()),
                Err(reason) => {
                    let log = host.run("log . | tail -n 30")?;
                    println!("{release:8}  FAILED  {}\n{reason:#}\nlog:\n{}", step.title, shown(&log));
                    break;
                }
            }
            passed += 1;
        }
        let failed = self.steps.len() - passed;
        let (version, seconds) = (String::from_utf8_lossy(&version.stdout), began.elapsed().as_secs_f64());
        println!("{release} (Postfix {}): {passed} passed, {failed} failed, {seconds:.1} s", version.trim());
        Ok(failed)
    }

    fn step(&self, host: &impl Host, step: &Step) -> Result<()> {
        host.run("step_begins")?;
        let other = if self.original { Mode::OursOnly } else { Mode::OriginalOnly };
        step.commands.iter().filter(|command| command.mode != other).try_for_each(|command| check(host, command))
    }
}

fn check(host: &impl Host, command: &Command) -> Result<()> {
    let began = Instant::now();
    loop {
        let outcome = host.run(&command.text)?;
        if outcome.status == 0 && outcome.stdout == command.output.as_bytes() && !complains(&outcome, command) {
            return Ok(());
        }
        let last = matches!(command.mode, Mode::Once | Mode::OursOnly) || began.elapsed() > PATIENCE;
        ensure!(!last, "command: {}\nexpected: {}\n{}", command.text, command.output, shown(&outcome));
        thread::sleep(Duration::from_millis(50));
    }
}

/// Returns true if postmulti complains where all is well. A hint is no complaint.
fn complains(outcome: &Outcome, command: &Command) -> bool {
    let messages = String::from_utf8_lossy(&outcome.stderr);
    let is_complaint = |line: &str| line.starts_with("postmulti: ") && !line.starts_with("postmulti: hint: ");
    !command.text.starts_with("! ") && messages.lines().any(is_complaint)
}

/// The outcome of a command, for people.
pub fn shown(outcome: &Outcome) -> String {
    let [stdout, stderr] = [&outcome.stdout, &outcome.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("exit status: {}\nstandard output: {stdout}\nstandard error: {stderr}", outcome.status)
}
