//! Those who read while others change: they must see a whole state, each time.

use std::collections::HashSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};

use crate::arena::{postmulti, run};
use crate::sandbox::{MAIN_CF, name_of};
use crate::tally::Tally;

/// The instance that is never changed.
pub const STEADY: usize = 1;

/// How to look at the instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    List,
    Json,
    Status,
    Run,
    /// The bytes of the primary's main.cf, and the files of what it lists.
    Raw,
}

pub const ALL: [Look; 5] = [Look::List, Look::Json, Look::Status, Look::Run, Look::Raw];

/// What a reader has seen so far.
struct Reader {
    look: Look,
    /// Is nothing taken off the list meanwhile?
    growing: bool,
    most: usize,
    known: HashSet<String>,
    lines: Vec<String>,
}

/// Does something while readers look on.
pub fn watched<T>(looks: &[Look], growing: bool, tally: &mut Tally, body: impl FnOnce(&mut Tally) -> T) -> Result<T> {
    let done = AtomicBool::new(false);
    let mut readers = looks.iter().map(|look| Reader::new(*look, growing)).collect::<Result<Vec<_>>>()?;
    thread::scope(|scope| {
        let running: Vec<_> = readers.iter_mut().map(|reader| scope.spawn(|| reader.look_on(&done))).collect();
        // Whatever happens in it, the readers must come to their end.
        let result = catch_unwind(AssertUnwindSafe(|| body(tally)));
        done.store(true, Ordering::Relaxed);
        for reader in running {
            let (readings, broken) = reader.join().expect("a reader panicked");
            tally.readings += readings;
            tally.broken.extend(broken);
        }
        result.map_err(|_| anyhow!("what was watched has panicked"))
    })
}

impl Reader {
    fn new(look: Look, growing: bool) -> Result<Reader> {
        let main_cf = fs::read_to_string(MAIN_CF)?;
        let lines = main_cf.lines().filter(|line| !line.starts_with("multi_instance_directories")).map(str::to_owned);
        Ok(Reader { look, growing, most: 0, known: listed(&main_cf).collect(), lines: lines.collect() })
    }

    /// Looks again and again. Returns how often, and what was broken.
    fn look_on(&mut self, done: &AtomicBool) -> (usize, Vec<String>) {
        let (mut readings, mut broken) = (0, Vec::new());
        while !done.load(Ordering::Relaxed) {
            let started = Instant::now();
            readings += 1;
            broken.extend(self.look().err().map(|error| format!("{:?}: {error:#}", self.look)));
            // Half of the time is for the others.
            thread::sleep(started.elapsed());
        }
        (readings, broken)
    }

    fn look(&mut self) -> Result<()> {
        match self.look {
            Look::List => self.list(&["-l"], 0, |row| row.split_whitespace().count() == 4 && row.contains(" /")),
            Look::Json => self.list(&["-l", "-j"], 0, |row| row.starts_with("{\"name\": \"") && row.ends_with("\"}")),
            // The primary is enabled, and stopped.
            Look::Status => self.list(&["--status"], 3, |row| row.contains(" stopped ") || row.starts_with("NAME ")),
            Look::Run => {
                let name = name_of(STEADY);
                let outcome = run(&postmulti(&["-i", &name, "-x", "printenv", "multi_instance_name"]))?;
                ensure!(outcome.succeeded() && outcome.stdout == format!("{name}\n"), outcome.describe());
                Ok(())
            }
            Look::Raw => self.raw(),
        }
    }

    fn list(&mut self, arguments: &[&str], code: i32, is_row: impl Fn(&str) -> bool) -> Result<()> {
        let outcome = run(&postmulti(arguments))?;
        ensure!(outcome.code == Some(code) && outcome.told.is_empty(), outcome.describe());
        ensure!(outcome.stdout.lines().all(is_row), "rows that are none: {}", outcome.stdout);
        self.count(outcome.stdout.lines().count())
    }

    fn count(&mut self, number: usize) -> Result<()> {
        ensure!(number >= self.most || !self.growing, "{number} instances, and there were {} already", self.most);
        self.most = number;
        Ok(())
    }

    /// What the primary's main.cf had from the start must be there at each moment, and what it lists must be whole.
    fn raw(&mut self) -> Result<()> {
        let main_cf = fs::read_to_string(MAIN_CF)?;
        ensure!(main_cf.ends_with('\n'), "main.cf ends within a line");
        let mut lines = main_cf.lines();
        let missing = self.lines.iter().find(|line| !lines.any(|found| found == **line));
        ensure!(missing.is_none(), "main.cf without this line, or with it elsewhere: {missing:?}");
        let listed: Vec<String> = listed(&main_cf).collect();
        self.count(listed.len())?;
        if self.growing {
            for directory in listed {
                if self.known.insert(directory.clone()) {
                    whole(&directory).with_context(|| format!("{directory} is listed, but not whole"))?;
                }
            }
        }
        Ok(())
    }
}

/// Checks the files of an instance, from the first of its lines to the last of its directories.
fn whole(config_directory: &str) -> Result<()> {
    let main_cf = fs::read_to_string(format!("{config_directory}/main.cf"))?;
    ensure!(main_cf.ends_with('\n') && main_cf.contains("\nmulti_instance_name = "), "half a main.cf");
    let (master_cf, all) =
        (fs::read(format!("{config_directory}/master.cf"))?, fs::read("/etc/postfix/master.cf.proto")?);
    ensure!(master_cf == all, "another master.cf");
    for parameter in ["queue_directory = ", "data_directory = "] {
        let directory = main_cf.lines().find_map(|line| line.strip_prefix(parameter)).context("no directory")?;
        ensure!(fs::metadata(directory)?.is_dir(), "{directory} is no directory");
    }
    Ok(())
}

fn listed(main_cf: &str) -> impl Iterator<Item = String> {
    let list = main_cf.lines().find_map(|line| line.strip_prefix("multi_instance_directories ="));
    list.unwrap_or_default().split_whitespace().map(str::to_owned)
}
