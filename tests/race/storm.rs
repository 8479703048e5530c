//! Long races: several processes each make one change after the other, and readers look on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::arena::{Arena, create, edit, is_gone, is_listed, lines, main_cf, postmulti, run};
use crate::reader::{ALL, watched};
use crate::sandbox::{MAIN_CF, listed, name_of};
use crate::tally::Tally;

const PROCESSES: usize = 8;
const EACH: usize = 50;

/// How often an editor has something to change.
const PAUSE: Duration = Duration::from_millis(10);

/// The instance that all editors change, and those whose names change.
const EDITED: usize = 2;
const NAMED: [usize; 2] = [3, 4];

/// What one thread does, and what came of it.
pub type Work<'a> = Box<dyn FnOnce() -> Result<Tally> + Send + 'a>;

/// What one command is to bring about: a line in a file, once.
struct Change {
    command: Vec<String>,
    file: PathBuf,
    line: String,
}

/// Somebody who makes a change, and the next one, and so on.
struct Editor {
    change: fn(usize) -> Change,
    /// Does each change stay, or only the last one?
    lasting: bool,
}

/// All of them edit the primary's main.cf or that of one instance; nobody else changes the same parameter.
const EDITORS: [Editor; 4] = [
    Editor { change: enable_or_disable, lasting: false },
    Editor { change: assign, lasting: false },
    Editor { change: |number| postconf(Path::new(MAIN_CF), number), lasting: true },
    Editor { change: |number| postconf(&main_cf(&name_of(EDITED)), number), lasting: true },
];

fn enable_or_disable(number: usize) -> Change {
    let (action, value) = if number.is_multiple_of(2) { ("enable", "yes") } else { ("disable", "no") };
    let name = name_of(EDITED);
    let line = format!("multi_instance_enable = {value}");
    Change { command: edit(&name, action), file: main_cf(&name), line }
}

fn assign(number: usize) -> Change {
    let (name, group) = (name_of(EDITED), format!("group-{number}"));
    let command = postmulti(&["-i", &name, "-G", &group, "-e", "assign"]);
    Change { command, file: main_cf(&name), line: format!("multi_instance_group = {group}") }
}

/// An edit by the real postconf(1), of a parameter that no one else knows.
fn postconf(file: &Path, number: usize) -> Change {
    let directory = file.parent().unwrap_or(file).display().to_string();
    let line = format!("race_{number} = {number}");
    let words = ["postconf", "-c", &directory, "-e", &line];
    Change { command: words.map(str::to_owned).into(), file: file.to_owned(), line }
}

impl Change {
    /// Makes the change, and judges what is there right after it.
    fn make(&self, tally: &mut Tally) -> Result<()> {
        let outcome = run(&self.command)?;
        tally.commands += 1;
        tally.judge(&outcome, outcome.succeeded() && self.is_there()?);
        Ok(())
    }

    fn is_there(&self) -> Result<bool> {
        Ok(lines(&self.file, &self.line)? == 1)
    }
}

impl Editor {
    /// Makes changes until the others are done. Nobody may undo what counts of them.
    fn work(&self, done: &AtomicBool) -> Result<Tally> {
        let mut tally = Tally::default();
        let mut made: Vec<Change> = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let change = (self.change)(made.len());
            change.make(&mut tally)?;
            thread::sleep(PAUSE);
            lost([&change], &mut tally)?;
            made.push(change);
        }
        let counting = if self.lasting { 0 } else { made.len().saturating_sub(1) };
        lost(&made[counting..], &mut tally)?;
        Ok(tally)
    }
}

fn lost<'a>(changes: impl IntoIterator<Item = &'a Change>, tally: &mut Tally) -> Result<()> {
    for change in changes {
        if !change.is_there()? {
            tally.wrong(format!("{:?} is not in {} any more", change.line, change.file.display()), true);
        }
    }
    Ok(())
}

/// Does something in several threads while the editors are at work, and readers look on.
pub fn storm(growing: bool, workers: Vec<Work>) -> Result<Tally> {
    let mut tally = Tally::default();
    watched(&ALL, growing, &mut tally, |tally| {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let editors: Vec<_> = EDITORS.iter().map(|editor| scope.spawn(|| editor.work(&done))).collect();
            let workers: Vec<_> = workers.into_iter().map(|worker| scope.spawn(worker)).collect();
            let mut results: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
            done.store(true, Ordering::Relaxed);
            results.extend(editors.into_iter().map(|editor| editor.join()));
            for result in results {
                tally.add(result.expect("a thread of the storm panicked")?);
            }
            Ok::<_, anyhow::Error>(())
        })
    })??;
    tally.finish_round()?;
    Ok(tally)
}

/// Eight processes create fifty instances each.
pub fn creates(arena: &mut Arena, _: usize) -> Result<Tally> {
    let names = |process| (0..EACH).map(move |number| format!("postfix-new-{process}-{number}"));
    let arena = &*arena;
    let worker = |process| {
        let work = move || {
            let mut tally = Tally::default();
            for name in names(process) {
                create_one(arena, &name, &mut tally)?;
            }
            Ok(tally)
        };
        Box::new(work) as Work
    };
    let before = listed()?.len();
    let mut tally = storm(true, (0..PROCESSES).map(worker).collect())?;
    for name in (0..PROCESSES).flat_map(names) {
        if !is_listed(&name)? || !arena.is_whole(&name) {
            tally.wrong(format!("{name} is lost"), true);
        }
    }
    let more = listed()?.len() - before;
    if more != PROCESSES * EACH {
        tally.wrong(format!("{more} new instances are listed"), true);
    }
    tally.remark = format!("{more} of {} new instances are listed, and are whole", PROCESSES * EACH);
    Ok(tally)
}

fn create_one(arena: &Arena, name: &str, tally: &mut Tally) -> Result<()> {
    let outcome = run(&create(name))?;
    tally.commands += 1;
    tally.judge(&outcome, outcome.succeeded() && is_listed(name)? && arena.is_whole(name));
    Ok(())
}

/// Instances come and go, and two of them pass three names round: whoever reads one of them a little earlier than the other
/// one could take them for two with one name, and whoever has read the list could look for one that has gone.
pub fn changes(arena: &mut Arena, _: usize) -> Result<Tally> {
    const TIMES: usize = 40;
    let arena = &*arena;
    let come_and_go = |process: usize| {
        let work = move || {
            let (mut tally, name) = (Tally::default(), format!("postfix-new-{process}"));
            for _ in 0..TIMES {
                create_one(arena, &name, &mut tally)?;
                let outcome = run(&edit(&name, "destroy"))?;
                tally.commands += 1;
                tally.judge(&outcome, outcome.succeeded() && is_gone(&name)?);
            }
            Ok(tally)
        };
        Box::new(work) as Work
    };
    let pass_names_round = Box::new(|| {
        let mut tally = Tally::default();
        let mut free = "postfix-free".to_owned();
        let mut names = NAMED.map(name_of);
        for turn in 0..4 * TIMES {
            let (directory, name) = (name_of(NAMED[turn % 2]), &mut names[turn % 2]);
            let outcome = run(&postmulti(&["-i", name, "-I", &free, "-e", "assign"]))?;
            std::mem::swap(&mut free, name);
            tally.commands += 1;
            let line = format!("multi_instance_name = {name}");
            tally.judge(&outcome, outcome.succeeded() && lines(&main_cf(&directory), &line)? == 1);
        }
        Ok(tally)
    });
    let mut workers = vec![pass_names_round as Work];
    workers.extend((0..3).map(come_and_go));
    let mut tally = storm(false, workers)?;
    let left: Vec<String> = listed()?.into_iter().filter(|directory| directory.contains("postfix-new")).collect();
    if !left.is_empty() || !is_listed(&name_of(EDITED))? {
        tally.wrong(format!("not what is to be listed: {left:?}"), true);
    }
    tally.remark = format!("names were passed round {} times, {} instances came and went", 4 * TIMES, 3 * TIMES);
    Ok(tally)
}
