//! Somebody else holds the lock of main.cf: waiting has an end, readers need not wait, and nobody's change is lost.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::arena::{Arena, create, edit, lines, main_cf, postmulti};
use crate::reader::{ALL, watched};
use crate::sandbox::{MAIN_CF, config, name_of};
use crate::tally::Tally;

/// The time that is given to those that wait, and what starting and ending may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(1);
const BUSY: Duration = Duration::from_secs(9);

/// Takes a lock as postconf(1) does.
fn lock(path: &Path) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.lock()?;
    Ok(file)
}

pub fn held(arena: &mut Arena, _: usize) -> Result<Tally> {
    let mut tally = Tally::default();
    watched(&ALL, true, &mut tally, |tally| {
        all_give_up(arena, tally)?;
        all_go_on(arena, tally)
    })??;
    tally.finish_round()?;
    Ok(tally)
}

/// Every action gives up in time, and says why; the main.cf files are as they were.
fn all_give_up(arena: &mut Arena, tally: &mut Tally) -> Result<()> {
    let temporary = Path::new(MAIN_CF).with_extension("cf.tmp");
    let held = lock(&temporary)?;
    let name = name_of(1);
    let commands: Vec<Vec<String>> = [
        postmulti(&["-e", "init"]),
        create("postfix-new"),
        edit(&name, "enable"),
        edit(&name, "disable"),
        edit(&name, "destroy"),
        edit(&name, "deport"),
        postmulti(&["-i", &name, "-G", "other", "-e", "assign"]),
        postmulti(&["-e", "import", "config_directory=/srv/etc/postfix-0000"]),
    ]
    .into_iter()
    .map(with_limit)
    .collect();
    let before = [fs::read(MAIN_CF)?, fs::read(main_cf(&name))?];
    let started = Instant::now();
    let outcomes = arena.at_once(&commands)?;
    let time = started.elapsed();
    let comm = fs::read_to_string("/proc/self/comm")?;
    let told = format!(
        "{} was not free within 1 seconds, held by process {} ({}): try again later. Nothing was changed",
        temporary.display(),
        std::process::id(),
        comm.trim_end()
    );
    for outcome in &outcomes {
        tally.judge(outcome, arena.is_refused(outcome, &told));
    }
    tally.commands += outcomes.len();
    if time < LIMIT || time > LIMIT + BUSY {
        tally.wrong(format!("waiting for 1 second took {time:?}"), false);
    }
    let after = [fs::read(MAIN_CF)?, fs::read(main_cf(&name))?];
    ensure!(before == after && !config("postfix-new").exists(), "who gave up has changed something");
    // Whoever has the lock renames the file in the end, or removes it.
    fs::remove_file(temporary)?;
    drop(held);
    Ok(())
}

fn with_limit(mut command: Vec<String>) -> Vec<String> {
    command.splice(1..1, ["--lock-timeout", "1"].map(str::to_owned));
    command
}

/// The real postconf(1) waits for the same lock: whoever is next, all changes are made.
fn all_go_on(arena: &mut Arena, tally: &mut Tally) -> Result<()> {
    let name = name_of(2);
    let temporary = main_cf(&name).with_extension("cf.tmp");
    let edits: Vec<String> = (0..4).map(|number| format!("race_{number} = {number}")).collect();
    let directory = config(&name).display().to_string();
    let mut commands: Vec<Vec<String>> =
        edits.iter().map(|line| ["postconf", "-c", &directory, "-e", line].map(str::to_owned).into()).collect();
    commands.push(edit(&name, "enable"));
    commands.push(postmulti(&["-i", &name, "-G", "other", "-e", "assign"]));
    let held = lock(&temporary)?;
    let outcomes = thread::scope(|scope| {
        let release = scope.spawn(|| {
            thread::sleep(LIMIT);
            drop(held);
        });
        let outcomes = arena.at_once(&commands);
        release.join().expect("releasing a lock cannot fail");
        outcomes
    })?;
    let more = ["multi_instance_enable = yes", "multi_instance_group = other"].map(str::to_owned);
    tally.commands += outcomes.len();
    for (outcome, line) in outcomes.iter().zip(edits.iter().chain(&more)) {
        tally.judge(outcome, outcome.succeeded() && lines(&main_cf(&name), line)? == 1);
    }
    Ok(())
}
