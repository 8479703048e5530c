//! Races: many processes change and read the same instances at once, and some are killed. tests/race/run runs this.
//!
//! Each race takes place on a host of its own, where the program in question is /usr/sbin/postmulti, and beside the real
//! postconf(1), which edits the same files under the same lock. Under ours, nothing may go wrong; a few rounds of the
//! same under the original show that the races can be lost. What happens when depends on chance: the seed that is
//! printed, given as RACE_SEED, brings back the delays and the kills, but not how the system shares its processors out.

mod arena;
mod kills;
mod locks;
mod meanwhile;
mod reader;
mod rounds;
#[path = "../bench/sandbox.rs"]
mod sandbox;
#[path = "../bench/state.rs"]
#[expect(dead_code, reason = "the benchmark asks for more")]
mod state;
mod storm;
mod table;
mod tally;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::arena::{Arena, Program};
use crate::table::Table;
use crate::tally::Tally;

/// A race, and how often it is run.
struct Race {
    name: &'static str,
    run: Run,
    /// How many of the instances that are there before it each round destroys; four stay.
    spent: usize,
    rounds: usize,
    /// Under the original, which takes seconds for a round.
    original: usize,
}

type Run = fn(&mut Arena, usize) -> Result<Tally>;

const fn race(name: &'static str, run: Run, spent: usize, rounds: usize, original: usize) -> Race {
    Race { name, run, spent, rounds, original }
}

/// So many instances are there all the time.
pub const STAY: usize = 4;

const RACES: [Race; 13] = [
    race("8 x 50 creates, others edit and read", storm::creates, 0, 1, 0),
    race("names and lists change under readers", storm::changes, 0, 1, 0),
    race("processes are killed at random", kills::kills, 0, 1, 0),
    race("8 creates", rounds::creates, 0, 20, 2),
    race("3 creates with one name", rounds::creates_with_one_name, 0, 20, 0),
    race("a create and a destroy", rounds::create_and_destroy, 1, 20, 2),
    race("3 destroys", rounds::destroys, 3, 20, 2),
    race("the same destroy twice", rounds::destroy_twice, 1, 20, 2),
    race("the same, by its directory", rounds::destroy_twice_by_directory, 1, 20, 0),
    race("one name to 3 instances", rounds::one_name, 0, 20, 2),
    race("one group to 3 instances", rounds::one_group, 0, 20, 0),
    race("changes while a list is read", meanwhile::changes, 0, 1, 0),
    race("a lock is held by another", locks::held, 0, 1, 0),
];

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // While the original prepares a host, it mostly sleeps.
    arguments.test_threads.get_or_insert(4);
    let seed = seed()?;
    let table = Arc::new(Table::default());
    let mut trials = vec![];
    for (number, race) in RACES.iter().enumerate() {
        let table = table.clone();
        trials.push(Trial::test(race.name, move || {
            let tally = run(race, Program::Ours, race.rounds, seed.wrapping_add(number as u64))?;
            let verdict = tally.verdict();
            table.add(number, race.name, Program::Ours, tally);
            Ok(verdict?)
        }));
    }
    let original = table.clone();
    trials.push(Trial::test("the original loses", move || lose(&original, seed)));

    println!("RACE_SEED={seed}");
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        table.print();
    }
    Ok(conclusion.exit_code())
}

/// Runs a sample of the races under the original, all at once: mostly, it sleeps.
fn lose(table: &Table, seed: u64) -> Result<(), Failed> {
    let sample = RACES.iter().enumerate().filter(|(_, race)| race.original > 0);
    let start = |(number, race): (usize, &'static Race)| {
        (
            number,
            race,
            thread::spawn(move || run(race, Program::Original, race.original, seed.wrapping_add(number as u64))),
        )
    };
    let running: Vec<_> = sample.map(start).collect();
    let mut wrong = 0;
    for (number, race, thread) in running {
        let tally = joined(thread)?;
        wrong += tally.wrong.len();
        table.add(number, race.name, Program::Original, tally);
    }
    if wrong == 0 { Err("the original lost nothing: do the races take place at all?".into()) } else { Ok(()) }
}

/// Runs a race on a host of its own, which is that of one thread and of those that it starts.
fn run(race: &'static Race, program: Program, rounds: usize, seed: u64) -> Result<Tally> {
    joined(thread::spawn(move || {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
        let mut arena = Arena::enter(&built, program, STAY + race.spent * rounds, seed).context("the host")?;
        (race.run)(&mut arena, rounds)
    }))
}

fn joined<T>(thread: thread::JoinHandle<Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| Err(anyhow!("a thread of the race panicked")))
}

/// What chance starts from: RACE_SEED, or the time.
fn seed() -> Result<u64> {
    match std::env::var("RACE_SEED") {
        Ok(seed) => {
            let number = seed.parse();
            ensure!(number.is_ok(), "RACE_SEED={seed} is no number");
            Ok(number?)
        }
        Err(_) => Ok(u64::from(SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos())),
    }
}
