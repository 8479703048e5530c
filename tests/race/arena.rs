//! The place of a race: a host with instances, and a program that is /usr/sbin/postmulti there.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use nix::sys::signal::Signal;

use crate::sandbox::{self, MAIN_CF, PATTERN, directories};
use crate::state::State;

/// Whose races these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Ours,
    Original,
}

/// Where ours lies until the host is set up, which the original does for both.
const OURS: &str = "/usr/sbin/postmulti.ours";
const POSTMULTI: &str = "/usr/sbin/postmulti";

/// Within this time, those that start at once start.
const JITTER: Duration = Duration::from_millis(3);

pub struct Arena {
    pub program: Program,
    pub random: Rng,
    /// What the original makes when nobody disturbs it.
    pattern: State,
}

/// How a command ended.
#[derive(Debug)]
pub struct Outcome {
    pub command: String,
    pub code: Option<i32>,
    pub killed: bool,
    pub stdout: String,
    /// Standard error, without the news that others are waited for.
    pub told: String,
}

impl Arena {
    /// Makes this thread, and those that it will start, live on a new host with so many instances.
    pub fn enter(built: &Path, program: Program, instances: usize, seed: u64) -> Result<Arena> {
        let ours = built.join("release/postmulti");
        let reference = built.join("roots/bookworm").canonicalize().context("no target/roots/bookworm")?;
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("race");
        sandbox::enter(&reference, &place, &[(&ours, OURS)])?;
        sandbox::make_instances(instances)?;
        sandbox::list(instances)?;
        if program == Program::Ours {
            fs::rename(OURS, POSTMULTI)?;
        }
        Ok(Arena { program, random: Rng::with_seed(seed), pattern: State::of_files(PATTERN)? })
    }

    /// Starts commands at once, as nearly as can be, and waits for all of them.
    pub fn at_once(&mut self, commands: &[Vec<String>]) -> Result<Vec<Outcome>> {
        let barrier = Barrier::new(commands.len());
        let mut delays: Vec<Duration> = commands.iter().map(|_| JITTER.mul_f64(self.random.f64())).collect();
        // Half of the rounds have none.
        if self.random.bool() {
            delays.fill(Duration::ZERO);
        }
        let wait_and_run = &|command: &[String], delay| {
            barrier.wait();
            thread::sleep(delay);
            run(command)
        };
        thread::scope(|scope| {
            let start = |(command, delay)| scope.spawn(move || wait_and_run(command, delay));
            let running: Vec<_> = commands.iter().map(Vec::as_slice).zip(delays).map(start).collect();
            running.into_iter().map(|thread| thread.join().expect("a command's thread panicked")).collect()
        })
    }

    /// Is all of a new instance there, as the original would have left it?
    pub fn is_whole(&self, name: &str) -> bool {
        State::of_files(name).is_ok_and(|found| found == self.pattern)
    }

    /// Did a command say that all is well, and nothing else? What the original says beside that is not held against it.
    pub fn succeeded(&self, outcome: &Outcome) -> bool {
        outcome.code == Some(0) && (self.program == Program::Original || outcome.told.is_empty())
    }

    /// Is an instance refused with these words? The original's cannot be seen: it says them to terminals only.
    pub fn is_refused(&self, outcome: &Outcome, told: &str) -> bool {
        let told = format!("postmulti: fatal: {told}\n");
        outcome.code == Some(1) && (self.program == Program::Original || outcome.told == told)
    }
}

impl Outcome {
    fn new(command: &[String], output: Output) -> Outcome {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let is_news = |line: &&str| !line.starts_with("postmulti: warning: waiting for /");
        Outcome {
            command: command.join(" "),
            code: output.status.code(),
            killed: output.status.signal() == Some(Signal::SIGKILL as i32),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            told: stderr.split_inclusive('\n').filter(is_news).collect(),
        }
    }

    /// Exit status 0, and nothing to complain about.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0) && self.told.is_empty()
    }

    /// What happened, for whoever has to find out why.
    pub fn describe(&self) -> String {
        let Outcome { command, code, told, .. } = self;
        format!("'{command}' ended with {code:?}, saying {told:?}")
    }
}

/// The words of a command line of postmulti.
pub fn postmulti(arguments: &[&str]) -> Vec<String> {
    std::iter::once(POSTMULTI).chain(arguments.iter().copied()).map(str::to_owned).collect()
}

/// That which creates an instance.
pub fn create(name: &str) -> Vec<String> {
    [vec![POSTMULTI.to_owned()], sandbox::create(name)].concat()
}

/// An action on an instance that is selected by its name.
pub fn edit(name: &str, action: &str) -> Vec<String> {
    postmulti(&["-i", name, "-e", action])
}

pub fn run(command: &[String]) -> Result<Outcome> {
    run_for(command, None)
}

/// Runs a command that gets no more than this time to live.
pub fn run_for(command: &[String], life: Option<Duration>) -> Result<Outcome> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut started = sandbox::command(&words);
    started.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = started.spawn().with_context(|| command.join(" "))?;
    if let Some(life) = life {
        thread::sleep(life);
        child.kill()?;
    }
    Ok(Outcome::new(command, child.wait_with_output()?))
}

/// The configuration directory of an instance, as it is listed.
pub fn config(name: &str) -> String {
    sandbox::config(name).display().to_string()
}

pub fn main_cf(name: &str) -> PathBuf {
    sandbox::config(name).join("main.cf")
}

pub fn is_listed(name: &str) -> Result<bool> {
    Ok(sandbox::listed()?.contains(&config(name)))
}

/// Is nothing left of an instance?
pub fn is_gone(name: &str) -> Result<bool> {
    Ok(!is_listed(name)? && directories(name).iter().all(|directory| !directory.exists()))
}

/// Has a file this line, and how often?
pub fn lines(file: &Path, line: &str) -> Result<usize> {
    Ok(fs::read_to_string(file)?.lines().filter(|found| *found == line).count())
}

/// What should not be there when all commands have ended: new files that did not come into place, and directories of
/// instances that are not listed.
pub fn left_behind() -> Result<Vec<String>> {
    let listed = sandbox::listed()?;
    let mut left = Vec::new();
    for parent in directories(PATTERN).iter().filter_map(|directory| directory.parent()) {
        for entry in fs::read_dir(parent)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name != PATTERN && !listed.contains(&config(&name)) {
                left.push(path.display().to_string());
            }
        }
    }
    let configurations = listed.iter().map(Path::new).chain(Path::new(MAIN_CF).parent());
    for directory in configurations {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "tmp" || extension == "unfinished") {
                left.push(path.display().to_string());
            }
        }
    }
    Ok(left)
}
