//! Processes are killed at any moment, and the same commands are given again until they have done their work.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use fastrand::Rng;

use crate::arena::{Arena, Outcome, config, create, edit, is_gone, is_listed, postmulti, run_for};
use crate::sandbox::config as directory;
use crate::state::State;
use crate::storm::{Work, storm};
use crate::tally::Tally;

const PROCESSES: usize = 4;

/// So many instances each of them has, and so many if there were not enough kills with those.
const EACH: usize = 12;
const MOST: usize = 50;

/// Fewer kills show nothing; and so many at least must hit when something is half done.
const LEAST: usize = 100;
const LEAST_HALF_DONE: usize = 10;

/// How often a command may be killed before it is left alone.
const PATIENCE: usize = 10;

/// The one that nobody disturbs.
const MODEL: &str = "postfix-model";

/// What was killed, and what the instances are called that lived on, or came to their end.
#[derive(Default)]
struct Kills {
    hits: AtomicUsize,
    half_done: AtomicUsize,
    lived: Mutex<Vec<(String, bool)>>,
}

struct Worker {
    random: Rng,
    /// How long a command takes, by and large.
    usual: Duration,
    tally: Tally,
}

/// One command of an instance's life, and what those are told who find that it was done just before the kill.
struct Step {
    command: Vec<String>,
    done: Option<String>,
}

/// What each instance goes through; every other one is destroyed in the end.
fn life(name: &str) -> Vec<Step> {
    let again = |command| Step { command, done: None };
    let in_use =
        format!("new config_directory={0} is already in use by instance {0}, config_directory={0}", config(name));
    vec![
        Step { command: create(name), done: Some(in_use) },
        again(edit(name, "enable")),
        again(postmulti(&["-i", name, "-G", "other", "-e", "assign"])),
        again(edit(name, "disable")),
    ]
}

pub fn kills(arena: &mut Arena, _: usize) -> Result<Tally> {
    let mut nobody = Worker::new(Rng::with_seed(0));
    for step in life(MODEL) {
        nobody.carry_out(MODEL, &step, 0, &Kills::default())?;
    }
    nobody.tally.verdict().map_err(anyhow::Error::msg)?;
    let model = State::of_files(MODEL)?;

    let kills = Kills::default();
    let start = |process| {
        let (mut worker, kills, model) = (Worker::new(arena.random.fork()), &kills, &model);
        let work = move || {
            for number in (0..MOST).take_while(|number| *number < EACH || !kills.are_enough()) {
                let (name, ends) = (format!("postfix-new-{process}-{number}"), number.is_multiple_of(2));
                worker.live(&name, model, kills)?;
                if ends {
                    worker.destroy(&name, kills)?;
                }
                kills.lived.lock().expect("nobody panics here").push((name, ends));
            }
            Ok(worker.tally)
        };
        Box::new(work) as Work
    };
    let mut tally = storm(false, (0..PROCESSES).map(start).collect())?;

    let lived = kills.lived.lock().expect("nobody panics here");
    for (name, ended) in lived.iter() {
        let right = if *ended { is_gone(name)? } else { is_listed(name)? && State::of_files(name)? == model };
        if !right {
            tally.wrong(format!("{name} is not as it must be in the end"), true);
        }
    }
    let (hits, half_done) = (kills.hits.load(Relaxed), kills.half_done.load(Relaxed));
    ensure!(kills.are_enough(), "only {hits} kills, {half_done} of them half-way");
    tally.remark = format!(
        "{hits} processes of {} instances were killed, {half_done} of them when something was half done",
        lived.len()
    );
    Ok(tally)
}

impl Kills {
    fn are_enough(&self) -> bool {
        self.hits.load(Relaxed) >= LEAST && self.half_done.load(Relaxed) >= LEAST_HALF_DONE
    }
}

impl Worker {
    fn new(random: Rng) -> Worker {
        Worker { random, usual: Duration::from_millis(5), tally: Tally::default() }
    }

    fn live(&mut self, name: &str, model: &State, kills: &Kills) -> Result<()> {
        for step in life(name) {
            self.carry_out(name, &step, PATIENCE, kills)?;
        }
        let found = State::of_files(name)?;
        if let Err(difference) = found.ensure_same(model, name) {
            self.tally.wrong(format!("{difference:#}"), true);
        }
        Ok(())
    }

    /// Its name is forgotten as soon as it is off the list; then its directory says which one is meant.
    fn destroy(&mut self, name: &str, kills: &Kills) -> Result<()> {
        let unknown = |called: &str| Some(format!("No instance named {called}"));
        self.carry_out(name, &Step { command: edit(name, "destroy"), done: unknown(name) }, PATIENCE, kills)?;
        let directory = config(name);
        if !is_gone(name)? {
            let step = Step { command: edit(&directory, "destroy"), done: unknown(&directory) };
            self.carry_out(name, &step, PATIENCE, kills)?;
        }
        if !is_gone(name)? {
            self.tally.wrong(format!("{name} is not gone"), true);
        }
        Ok(())
    }

    /// Gives a command again and again, until it has not been killed. Only after a kill may it find its work done.
    fn carry_out(&mut self, name: &str, step: &Step, patience: usize, kills: &Kills) -> Result<()> {
        self.tally.commands += 1;
        let mut killed = 0;
        loop {
            let life = (killed < patience && self.random.u8(..) < 224).then(|| self.usual.mul_f64(self.random.f64()));
            let started = Instant::now();
            let outcome = run_for(&step.command, life)?;
            if outcome.killed {
                killed += 1;
                kills.hits.fetch_add(1, Relaxed);
                kills.half_done.fetch_add(is_half_done(name)?.into(), Relaxed);
                continue;
            }
            // One that took very long is no measure.
            self.usual = (self.usual * 3 + started.elapsed().min(self.usual * 2)) / 4;
            let was_done = |outcome: &Outcome| {
                let told = step.done.as_ref().map(|told| format!("postmulti: fatal: {told}\n"));
                killed > 0 && outcome.code == Some(1) && told.is_some_and(|told| outcome.told == told)
            };
            self.tally.judge(&outcome, outcome.succeeded() || was_done(&outcome));
            return Ok(());
        }
    }
}

/// Has a kill left an instance as no command would?
fn is_half_done(name: &str) -> Result<bool> {
    let Ok(entries) = fs::read_dir(directory(name)) else { return is_listed(name) };
    let mut names = entries.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names != ["main.cf", "master.cf"] || !is_listed(name)?)
}
