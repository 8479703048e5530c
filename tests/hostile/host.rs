//! The hosts that cases run on: each a fresh sandbox, and thrown away.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};

use crate::capture::{Outcome, StandardError};
use crate::case::Case;
use crate::harm::Tree;
use crate::sandbox::Sandbox;

/// How long the original may take: it waits two seconds for a new main.cf, and one before it ends with an error.
const PATIENCE: u32 = 10;
/// The exit statuses of timeout(1).
const TIMED_OUT: [i32; 2] = [124, 137];

/// Whose /usr/sbin/postmulti it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Program {
    Ours,
    Original,
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// With an error, and nothing but what the case allows was changed.
    Refused,
    /// With exit status 0, and so.
    Done,
    /// With an error, and something else was changed.
    HalfDone,
    /// With exit status 0, and something else was changed.
    Harm,
    /// Not at all.
    Hangs,
}

/// What came of a case.
pub struct Verdict {
    pub kind: Kind,
    /// All that is not as the case says.
    pub wrong: Vec<String>,
}

pub struct Hosts {
    reference: PathBuf,
    ours: PathBuf,
    place: PathBuf,
}

impl Hosts {
    pub fn new(top: &Path) -> Result<Hosts> {
        let reference = top.join("target/roots/bookworm");
        ensure!(reference.is_dir(), "reference root {} is missing: tests/run makes it", reference.display());
        let named = std::env::var_os("POSTMULTI").unwrap_or_else(|| env!("CARGO_BIN_EXE_postmulti").into());
        let ours = fs::canonicalize(&named).with_context(|| format!("program {}", named.display()))?;
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
        fs::create_dir_all(&place)?;
        Ok(Hosts { reference: reference.canonicalize()?, ours, place })
    }

    /// The file system that all hosts are copies of.
    pub fn reference(&self) -> &Path {
        &self.reference
    }

    /// Does something on a fresh host. A host belongs to the thread that made it.
    pub fn on<T: Send>(&self, program: Program, act: impl FnOnce(&Sandbox) -> Result<T> + Send) -> Result<T> {
        let ours = (program == Program::Ours).then_some(self.ours.as_path());
        thread::scope(|scope| {
            let act = move || act(&Sandbox::new(&self.reference, ours, &self.place)?);
            scope.spawn(act).join().map_err(|_| anyhow!("the thread of a sandbox has panicked"))?
        })
    }

    /// Runs a case.
    pub fn judge(&self, case: &Case, program: Program) -> Result<Verdict> {
        self.on(program, |host| {
            let ready = run(host, &case.set_up)?;
            ensure!(ready.status == 0, "set-up: {}", String::from_utf8_lossy(&ready.stderr));
            let before = Tree::of(host.upper())?;
            let line = match program {
                Program::Ours => case.command.clone(),
                Program::Original => {
                    format!("postmulti() {{ timeout -k 1 {PATIENCE} /usr/sbin/postmulti \"$@\"; }}\n{}", case.command)
                }
            };
            let outcome = run(host, &line)?;
            let after = Tree::of(host.upper())?;
            let changes = before.changes(&after, &self.reference)?;
            let allowed = |path: &&PathBuf| case.may_change.iter().any(|place| path.starts_with(place));
            // No lock is left, wherever that may be.
            let left = |path: &&PathBuf| path.extension().is_some_and(|suffix| suffix == "tmp") && after.has(path);
            let harm: Vec<&PathBuf> = changes.iter().filter(|path| !allowed(path) || left(path)).collect();
            let kind = match outcome.status {
                status if TIMED_OUT.contains(&status) => Kind::Hangs,
                0 if harm.is_empty() => Kind::Done,
                0 => Kind::Harm,
                _ if harm.is_empty() => Kind::Refused,
                _ => Kind::HalfDone,
            };
            let mut wrong = case.compare(&outcome);
            wrong.extend(harm.iter().map(|path| format!("{} is changed", path.display())));
            Ok(Verdict { kind, wrong })
        })
    }
}

/// Runs shell lines on a host.
pub fn run(host: &Sandbox, lines: &str) -> Result<Outcome> {
    host.run(lines, StandardError::Pipe)
}
