//! The multi-instance tutorial of Postfix, command by command, with mail that arrives: tests/tutorial/run runs this.

#[path = "../compat/capture.rs"]
mod capture;
#[path = "../compat/sandbox.rs"]
#[expect(dead_code, reason = "the scenarios compare what was changed")]
mod sandbox;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use crate::capture::{Outcome, StandardError};
use crate::sandbox::Sandbox;
use crate::transcript::{Command, Mode, Step};

const RELEASES: [&str; 2] = ["bookworm", "trixie"];

const TRANSCRIPT: &str = include_str!("border_mail_server.txt");

/// Shell functions that the commands use.
const HELPERS: &str = include_str!("helpers.sh");

/// Programs of perl(1) that the helpers run.
const PROGRAMS: [(&str, &str); 2] =
    [("/srv/filter.pl", include_str!("filter.pl")), ("/srv/inject.pl", include_str!("inject.pl"))];

/// Modules of perl(1) that qshape(1) needs: they are in the root of Debian 12, and not in that of Debian 13.
const MODULES: [&str; 2] = ["File/Find.pm", "Getopt/Std.pm"];

/// How long the expected output may be late.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<ExitCode> {
    let steps = transcript::parse(TRANSCRIPT)?;
    let program = program()?;
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tutorial");
    fs::create_dir_all(&place)?;
    // A sandbox belongs to its thread.
    let judge = |release| Trial { release, program: program.as_deref(), place: &place }.run(&steps);
    let failed: usize = thread::scope(|scope| {
        let threads = RELEASES.map(|release| scope.spawn(move || judge(release)));
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("a thread panicked"))))
            .sum::<Result<_>>()
    })?;
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {verdict}. {} passed; {failed} failed;", RELEASES.len() * steps.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The program that goes through the tutorial: `$POSTMULTI`, or what Cargo built. `original` stands for the original.
fn program() -> Result<Option<PathBuf>> {
    let named = std::env::var_os("POSTMULTI").unwrap_or_else(|| env!("CARGO_BIN_EXE_postmulti").into());
    if named == "original" {
        return Ok(None);
    }
    Ok(Some(fs::canonicalize(&named).with_context(|| format!("program {}", named.display()))?))
}

fn root(release: &str) -> Result<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/roots").join(release);
    directory.canonicalize().with_context(|| format!("no reference root {release}: tests/run makes it"))
}

/// The tutorial on one release of Debian.
struct Trial<'a> {
    release: &'static str,
    program: Option<&'a Path>,
    place: &'a Path,
}

impl Trial<'_> {
    /// Goes through the steps, and returns how many failed. A step needs those before it, so the first failure is the end.
    fn run(&self, steps: &[Step]) -> Result<usize> {
        let release = self.release;
        let began = Instant::now();
        let sandbox = Sandbox::new(&root(release)?, self.program, self.place)?;
        let mut set_up = PROGRAMS.map(|(path, text)| file(path, text)).concat();
        for module in MODULES {
            let text =
                fs::read_to_string(root("bookworm")?.join("usr/share/perl/5.36").join(module)).context(module)?;
            set_up += &file(&format!("/etc/perl/{module}"), &text);
        }
        let version = run(&sandbox, &format!("{set_up}trap '' HUP; syslogd; postconf -dh mail_version"))?;
        ensure!(version.status == 0, "cannot set the sandbox up:\n{}", shown(&version));

        let mut passed = 0;
        for step in steps {
            let began = Instant::now();
            match self.take(&sandbox, step) {
                Ok(()) => println!("{release:8}  ok      {}  ({:.1} s)", step.title, began.elapsed().as_secs_f64()),
                Err(reason) => {
                    let log = run(&sandbox, "log . | tail -n 30")?;
                    println!("{release:8}  FAILED  {}\n{reason:#}\nmail log:\n{}", step.title, shown(&log));
                    break;
                }
            }
            passed += 1;
        }
        let failed = steps.len() - passed;
        let (version, seconds) = (String::from_utf8_lossy(&version.stdout), began.elapsed().as_secs_f64());
        println!("{release} (Postfix {}): {passed} passed, {failed} failed, {seconds:.1} s", version.trim());
        Ok(failed)
    }

    fn take(&self, sandbox: &Sandbox, step: &Step) -> Result<()> {
        run(sandbox, "step_begins")?;
        let other = if self.program.is_none() { Mode::OursOnly } else { Mode::OriginalOnly };
        step.commands.iter().filter(|command| command.mode != other).try_for_each(|command| check(sandbox, command))
    }
}

/// Shell lines that make a file.
fn file(path: &str, text: &str) -> String {
    format!("install -D /dev/stdin {path} <<'END_OF_FILE'\n{text}\nEND_OF_FILE\n")
}

fn check(sandbox: &Sandbox, command: &Command) -> Result<()> {
    let began = Instant::now();
    loop {
        let outcome = run(sandbox, &command.text)?;
        if outcome.status == 0 && outcome.stdout == command.output.as_bytes() && !complains(&outcome, command) {
            return Ok(());
        }
        let last = matches!(command.mode, Mode::Once | Mode::OursOnly) || began.elapsed() > PATIENCE;
        ensure!(!last, "command: {}\nexpected: {}\n{}", command.text, command.output, shown(&outcome));
        thread::sleep(Duration::from_millis(50));
    }
}

/// Does postmulti have something to say, where all is well?
fn complains(outcome: &Outcome, command: &Command) -> bool {
    let messages = String::from_utf8_lossy(&outcome.stderr);
    !command.text.starts_with("! ") && messages.lines().any(|line| line.starts_with("postmulti: "))
}

fn run(sandbox: &Sandbox, lines: &str) -> Result<Outcome> {
    // Up to Postfix 3.10, its programs say what is wrong on a terminal only.
    sandbox.run(&format!("{HELPERS}\n{lines}"), StandardError::Terminal)
}

fn shown(outcome: &Outcome) -> String {
    let [stdout, stderr] = [&outcome.stdout, &outcome.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("exit status: {}\nstandard output: {stdout}\nstandard error: {stderr}", outcome.status)
}
