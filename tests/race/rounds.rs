//! Short races, again and again: a few commands start at once, and what is there afterwards is judged.

use std::fs;

use anyhow::Result;

use crate::STAY;
use crate::arena::{Arena, Outcome, Program, config, create, edit, is_gone, is_listed, lines, main_cf, postmulti, run};
use crate::reader::{Look, watched};
use crate::sandbox::{self, MAIN_CF, age, directories, name_of};
use crate::tally::Tally;

/// Runs one round: the commands at once, with somebody looking on; then `judge` sees what came of it.
fn round(
    arena: &mut Arena,
    tally: &mut Tally,
    commands: &[Vec<String>],
    judge: impl FnOnce(&Arena, &mut Tally, &[Outcome]) -> Result<()>,
) -> Result<()> {
    tally.commands += commands.len();
    let outcomes = watched(&[Look::List], false, tally, |_| arena.at_once(commands))??;
    judge(arena, tally, &outcomes)?;
    if arena.program == Program::Original {
        // It would wait for what has just been written.
        age(MAIN_CF.as_ref())?;
    }
    tally.finish_round()
}

/// Has instances `1..=count` listed, and nothing left of others.
fn reset(count: usize, others: &[String]) -> Result<()> {
    sandbox::list(count)?;
    for directory in others.iter().flat_map(|name| directories(name)).filter(|directory| directory.exists()) {
        fs::remove_dir_all(directory)?;
    }
    Ok(())
}

pub fn creates(arena: &mut Arena, rounds: usize) -> Result<Tally> {
    let mut tally = Tally::default();
    let names: Vec<String> = (0..8).map(|number| format!("postfix-new-{number}")).collect();
    let commands: Vec<_> = names.iter().map(|name| create(name)).collect();
    for _ in 0..rounds {
        round(arena, &mut tally, &commands, |arena, tally, outcomes| {
            for (name, outcome) in names.iter().zip(outcomes) {
                tally.judge(outcome, arena.succeeded(outcome) && is_listed(name)? && arena.is_whole(name));
            }
            Ok(())
        })?;
        reset(STAY, &names)?;
    }
    Ok(tally)
}

/// One has the name. The others leave nothing of their directories.
pub fn creates_with_one_name(arena: &mut Arena, rounds: usize) -> Result<Tally> {
    let mut tally = Tally::default();
    let names: Vec<String> = (0..3).map(|number| format!("postfix-new-{number}")).collect();
    let named = |name| create(name).into_iter().map(|word| if word == *name { "postfix-same".into() } else { word });
    let commands: Vec<Vec<String>> = names.iter().map(|name| named(name).collect()).collect();
    for _ in 0..rounds {
        round(arena, &mut tally, &commands, |arena, tally, outcomes| {
            let winner = names.iter().zip(outcomes).find(|(_, outcome)| arena.succeeded(outcome)).map(|(name, _)| name);
            for (name, outcome) in names.iter().zip(outcomes) {
                let right = match winner {
                    Some(winner) if winner == name => is_listed(name)?,
                    Some(winner) => arena.is_refused(outcome, &conflict(name, winner)) && is_gone(name)?,
                    None => false,
                };
                tally.judge(outcome, right);
            }
            Ok(())
        })?;
        reset(STAY, &names)?;
    }
    Ok(tally)
}

/// Destroys the last instance that is listed, while a new one is created.
pub fn create_and_destroy(arena: &mut Arena, rounds: usize) -> Result<Tally> {
    let mut tally = Tally::default();
    let new = "postfix-new".to_owned();
    for left in (STAY..STAY + rounds).rev() {
        let victim = name_of(left + 1);
        let commands = [edit(&victim, "destroy"), create(&new)];
        round(arena, &mut tally, &commands, |arena, tally, outcomes| {
            tally.judge(&outcomes[0], arena.succeeded(&outcomes[0]) && is_gone(&victim)?);
            tally.judge(&outcomes[1], arena.succeeded(&outcomes[1]) && is_listed(&new)? && arena.is_whole(&new));
            Ok(())
        })?;
        reset(left, &[victim, new.clone()])?;
    }
    Ok(tally)
}

pub fn destroys(arena: &mut Arena, rounds: usize) -> Result<Tally> {
    let mut tally = Tally::default();
    for left in (STAY..STAY + 3 * rounds).step_by(3).rev() {
        let victims: Vec<String> = (left + 1..=left + 3).map(name_of).collect();
        let commands: Vec<_> = victims.iter().map(|victim| edit(victim, "destroy")).collect();
        round(arena, &mut tally, &commands, |arena, tally, outcomes| {
            for (victim, outcome) in victims.iter().zip(outcomes) {
                tally.judge(outcome, arena.succeeded(outcome) && is_gone(victim)?);
            }
            Ok(())
        })?;
        reset(left, &victims)?;
    }
    Ok(tally)
}

pub fn destroy_twice(arena: &mut Arena, rounds: usize) -> Result<Tally> {
    twice(arena, rounds, str::to_owned, |arena, outcome| arena.program == Program::Original && arena.succeeded(outcome))
}

/// By its directory, also what another one is just destroying can be destroyed: it finds the rest done, and that is no error.
pub fn destroy_twice_by_directory(arena: &mut Arena, rounds: usize) -> Result<Tally> {
    twice(arena, rounds, config, Arena::succeeded)
}

/// Destroys one instance twice, as it is called by `called`. One does it; the other one comes too late, or has helped.
fn twice(
    arena: &mut Arena,
    rounds: usize,
    called: fn(&str) -> String,
    helped: fn(&Arena, &Outcome) -> bool,
) -> Result<Tally> {
    let mut tally = Tally::default();
    for left in (STAY..STAY + rounds).rev() {
        let victim = name_of(left + 1);
        let called = called(&victim);
        let commands = [edit(&called, "destroy"), edit(&called, "destroy")];
        round(arena, &mut tally, &commands, |arena, tally, outcomes| {
            let done = outcomes.iter().position(|outcome| arena.succeeded(outcome));
            for (number, outcome) in outcomes.iter().enumerate() {
                let late = arena.is_refused(outcome, &format!("No instance named {called}")) || helped(arena, outcome);
                tally.judge(outcome, done.is_some_and(|done| done == number || late) && is_gone(&victim)?);
            }
            Ok(())
        })?;
        reset(left, &[victim])?;
    }
    Ok(tally)
}

/// One has it, and keeps the name for which it was found; the others keep theirs.
pub fn one_name(arena: &mut Arena, rounds: usize) -> Result<Tally> {
    let mut tally = Tally::default();
    let names: Vec<String> = (1..=3).map(name_of).collect();
    let new = "multi_instance_name = postfix-same";
    let commands: Vec<_> =
        names.iter().map(|name| postmulti(&["-i", name, "-I", "postfix-same", "-e", "assign"])).collect();
    for _ in 0..rounds {
        round(arena, &mut tally, &commands, |arena, tally, outcomes| {
            let winner = names.iter().zip(outcomes).find(|(_, outcome)| arena.succeeded(outcome)).map(|(name, _)| name);
            for (name, outcome) in names.iter().zip(outcomes) {
                let old = format!("multi_instance_name = {name}");
                let right = match winner {
                    Some(winner) if winner == name => lines(&main_cf(name), new)? == 1,
                    Some(winner) => {
                        arena.is_refused(outcome, &conflict(name, winner)) && lines(&main_cf(name), &old)? == 1
                    }
                    None => false,
                };
                tally.judge(outcome, right);
            }
            Ok(())
        })?;
        for name in &names {
            sandbox::run(&["postconf", "-c", &config(name), "-e", &format!("multi_instance_name = {name}")])?;
            age(&main_cf(name))?;
        }
    }
    Ok(tally)
}

/// A group is there to be shared.
pub fn one_group(arena: &mut Arena, rounds: usize) -> Result<Tally> {
    let mut tally = Tally::default();
    let names: Vec<String> = (1..=3).map(name_of).collect();
    for number in 0..rounds {
        let group = format!("group-{number}");
        let commands: Vec<_> =
            names.iter().map(|name| postmulti(&["-i", name, "-G", &group, "-e", "assign"])).collect();
        round(arena, &mut tally, &commands, |arena, tally, outcomes| {
            for (name, outcome) in names.iter().zip(outcomes) {
                let line = format!("multi_instance_group = {group}");
                tally.judge(outcome, arena.succeeded(outcome) && lines(&main_cf(name), &line)? == 1);
            }
            Ok(())
        })?;
    }
    let list = run(&postmulti(&["-l", "-g", &format!("group-{}", rounds - 1)]))?;
    tally.judge(&list, list.stdout.lines().count() == names.len());
    Ok(tally)
}

/// What those are told who come too late for a name.
fn conflict(name: &str, winner: &str) -> String {
    let (new, owner) = (config(name), config(winner));
    let parameter = "multi_instance_name=postfix-same";
    format!("instance {new}, {parameter} conflicts with instance {owner}, {parameter}")
}
