//! Properties that hold for every input: the parsers, the editor, the expander, the command line, the whole program, and
//! our agreement with the real postconf(1) in the reference roots. Needs root, for chroot(2).
//!
//! ```text
//! cargo test --release --test fuzz                     a fixed number of cases, always the same
//! FUZZ_SEED=7 FUZZ_ROUNDS=1 cargo test --release --test fuzz -- edit     one round of the properties so named
//! tests/fuzz/run MINUTES                               as many as there is time for, others each time
//! ```

mod command_line;
mod edits;
mod expansion;
mod files;
mod input;
mod postconf;
mod program;
mod property;
mod shrink;

#[expect(dead_code, reason = "what is recorded is no matter here")]
#[path = "../postconf/told.rs"]
mod told;

#[path = "../postconf/ask.rs"]
mod ask;

#[path = "../postconf/edit.rs"]
mod edit;

#[path = "../postconf/generate/mod.rs"]
mod generate;

#[expect(dead_code, reason = "some of it is for other tests of the program")]
#[path = "../cli/host.rs"]
mod host;

#[expect(dead_code, reason = "some of it is for comparing hosts")]
#[path = "../cli/tree.rs"]
mod tree;

#[expect(dead_code, reason = "defaults are compared elsewhere")]
#[path = "../postconf/reference.rs"]
mod reference;

use nix::sys::resource::{Resource, setrlimit};
use property::{Failure, Property};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// How many rounds are run when there is no time limit.
const ROUNDS: u64 = 3;
/// No property may need so much memory, in bytes, and no round of one so much time.
const MEMORY: u64 = 4 << 30;
const STUCK: Duration = Duration::from_secs(300);

/// When to stop.
enum End {
    Rounds(u64),
    At(Instant),
}

fn main() -> ExitCode {
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY).unwrap();
    property::remember_where_panics_are();
    let filter = std::env::args().nth(1).unwrap_or_default();
    let properties: Vec<_> = all().into_iter().filter(|property| property.name.contains(&filter)).collect();
    let seed = setting("FUZZ_SEED").unwrap_or(1);
    let end = match setting("FUZZ_MINUTES") {
        Some(minutes) => End::At(Instant::now() + Duration::from_secs(60 * minutes)),
        None => End::Rounds(setting("FUZZ_ROUNDS").unwrap_or(ROUNDS)),
    };
    println!("FUZZ_SEED={seed}");
    run(&properties, seed, &end)
}

/// Every property, those that take longest first.
fn all() -> Vec<Property> {
    [postconf::properties(), program::properties(), expansion::properties(), edits::properties()]
        .into_iter()
        .chain([files::properties(), command_line::properties()])
        .flatten()
        .collect()
}

/// Runs the properties round after round, on all processors, and tells how they fared.
fn run(properties: &[Property], seed: u64, end: &End) -> ExitCode {
    let next = AtomicU64::new(0);
    let (sender, receiver) = channel();
    let work = |place: usize| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let (round, index) = (number / properties.len() as u64, number as usize % properties.len());
            let over = match end {
                End::Rounds(rounds) => round >= *rounds,
                End::At(time) => Instant::now() >= *time,
            };
            if over {
                return;
            }
            let started = Instant::now();
            let _ = sender.send((place, properties[index].name, round, None));
            let outcome = properties[index].run(seed.wrapping_add(round));
            let _ = sender.send((place, properties[index].name, round, Some((outcome, started.elapsed()))));
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|place| scope.spawn(move || work(place))).collect();
        let mut tally: BTreeMap<&str, (u64, Duration)> = BTreeMap::new();
        let mut under_way = BTreeMap::new();
        let mut failed = BTreeMap::new();
        loop {
            match receiver.recv_timeout(Duration::from_secs(1)) {
                Ok((place, name, round, None)) => drop(under_way.insert(place, (name, round, Instant::now()))),
                Ok((place, name, round, Some((outcome, time)))) => {
                    under_way.remove(&place);
                    let entry = tally.entry(name).or_default();
                    entry.1 += time;
                    match outcome {
                        Ok(cases) => entry.0 += cases,
                        Err(failure) => {
                            tell(failed.entry(name).or_insert(0u64), name, seed.wrapping_add(round), &failure)
                        }
                    }
                }
                Err(_) if running.iter().all(|worker| worker.is_finished()) => break,
                Err(_) => {
                    if let Some((name, round, _)) = under_way.values().find(|(_, _, since)| since.elapsed() > STUCK) {
                        println!(
                            "{name}: a round takes more than {STUCK:?}; {}",
                            again(name, seed.wrapping_add(*round))
                        );
                        std::process::exit(1);
                    }
                }
            }
        }
        for (name, (cases, time)) in &tally {
            println!("{name}: {cases} cases in {:.1} s", time.as_secs_f64());
        }
        println!("{} cases", tally.values().map(|(cases, _)| cases).sum::<u64>());
        let (passed, failed) = (tally.len() - failed.len(), failed.len());
        println!("test result: {}. {passed} passed; {failed} failed;", if failed == 0 { "ok" } else { "FAILED" });
        ExitCode::from(u8::from(failed > 0 || tally.is_empty()))
    })
}

/// Tells of the first failures of a property: more of them tell no more.
fn tell(times: &mut u64, name: &str, seed: u64, failure: &Failure) {
    *times += 1;
    if *times <= 3 {
        println!("\n{name} does not hold. {}\n{failure}\n", again(name, seed));
    }
}

fn again(name: &str, seed: u64) -> String {
    format!("Again: FUZZ_SEED={seed} FUZZ_ROUNDS=1 cargo test --test fuzz -- {name}")
}

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}
