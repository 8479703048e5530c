//! The table of all races, under both programs.

use std::sync::Mutex;

use crate::arena::Program;
use crate::tally::Tally;

#[derive(Default)]
pub struct Table(Mutex<Vec<Row>>);

struct Row {
    number: usize,
    name: &'static str,
    program: Program,
    tally: Tally,
}

/// What is counted.
#[derive(Default)]
struct Counts {
    rounds: usize,
    commands: usize,
    wrong: usize,
    silent: usize,
    readings: usize,
    broken: usize,
    unusable: usize,
}

impl Table {
    pub fn add(&self, number: usize, name: &'static str, program: Program, tally: Tally) {
        self.0.lock().expect("nobody panics here").push(Row { number, name, program, tally });
    }

    pub fn print(&self) {
        let mut rows = self.0.lock().expect("nobody panics here");
        rows.sort_by_key(|row| (row.program == Program::Original, row.number));
        println!(
            "| {:38} | {:8} | rounds | changes | wrong | silently |   reads | broken | unusable after |",
            "at once", "program"
        );
        println!("|{:-<40}|{:-<10}|-------:|--------:|------:|---------:|--------:|-------:|---------------:|", "", "");
        for program in [Program::Ours, Program::Original] {
            let mut total = Counts::default();
            for row in rows.iter().filter(|row| row.program == program) {
                let counts = Counts::of(&row.tally);
                counts.print(row.name, program);
                total.add(&counts);
            }
            total.print("all", program);
        }
        for row in rows.iter().filter(|row| !row.tally.remark.is_empty()) {
            println!("{}: {}", row.name, row.tally.remark);
        }
    }
}

impl Counts {
    fn of(tally: &Tally) -> Counts {
        Counts {
            rounds: tally.rounds,
            commands: tally.commands,
            wrong: tally.wrong.len(),
            silent: tally.silent(),
            readings: tally.readings,
            broken: tally.broken.len(),
            unusable: tally.unusable.len(),
        }
    }

    fn add(&mut self, other: &Counts) {
        self.rounds += other.rounds;
        self.commands += other.commands;
        self.wrong += other.wrong;
        self.silent += other.silent;
        self.readings += other.readings;
        self.broken += other.broken;
        self.unusable += other.unusable;
    }

    fn print(&self, name: &str, program: Program) {
        let program = if program == Program::Ours { "this one" } else { "original" };
        let Counts { rounds, commands, wrong, silent, readings, broken, unusable } = self;
        println!(
            "| {name:38} | {program:8} | {rounds:6} | {commands:7} | {wrong:5} | {silent:8} | {readings:7} | {broken:6} | \
             {unusable:14} |"
        );
    }
}
