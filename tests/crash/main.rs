//! Nothing is lost: every action is killed, and fails, at every system call that matters. `tests/crash/run` runs this.

mod actions;
mod calls;
mod failing;
mod host;
mod killed;
mod order;
mod state;
mod table;
mod trace;
#[path = "../compat/tree.rs"]
mod tree;

use crate::actions::{ACTIONS, Action};
use crate::host::{Place, Program, State};
use crate::state::Subject;
use crate::table::Table;
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Arguments, Trial};
use std::env::var_os;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The original takes seconds for each point: so many are tried of each of its actions.
const SAMPLE: usize = 5;

/// What comes before every action: a host where there is nothing yet but the primary instance.
const FRESH: &str = "postconf -e setgid_group=postdrop";

/// The same with two instances.
const BORDER: &str = "
    postmulti -e init
    postmulti -I postfix-out -G mta -e create
    postmulti -I postfix-in -G mta -e create
";

const KILLED: &[&str] = &["points", "tried", "old", "new", "unlisted", "broken", "not completed"];
const FAILING: &[&str] = &["calls", "failures", "all as before", "done with a warning", "done", "broken"];
const ORDER: &[&str] = &["files replaced", "calls of fsync", "commits"];

/// What all trials share.
struct Suite {
    place: Place,
    program: PathBuf,
    fresh: State,
    border: State,
    tables: [Table; 4],
}

/// What is tried of an action; the error says what is wrong with it.
type Try = fn(&Suite, &Action) -> Result<()>;

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // The original mostly sleeps.
    arguments.test_threads.get_or_insert(12);
    let named = var_os("POSTMULTI").unwrap_or_else(|| env!("CARGO_BIN_EXE_postmulti").into());
    let program = std::fs::canonicalize(&named).with_context(|| format!("program {}", named.display()))?;
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/roots/bookworm");
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let place = Place::new(directory.path().into())?;
    let fresh = place.after(&State::of(&reference), Program::Original, FRESH)?;
    let border = place.after(&fresh, Program::Original, BORDER)?;
    let tables = [
        Table::new("The original, killed before some of its calls that change a file", KILLED),
        Table::new("Killed before every call that changes a file", KILLED),
        Table::new("Every call fails, for each reason", FAILING),
        Table::new("Order of durability", ORDER),
    ];
    let suite = Arc::new(Suite { place, program, fresh, border, tables });

    let tries: [(&str, Try); 4] = [("original", original), ("killed", killed), ("failing", failing), ("order", order)];
    let mut trials = Vec::new();
    for (name, run) in tries {
        for action in &ACTIONS {
            let suite = suite.clone();
            let run = move || run(&suite, action).map_err(|error| format!("{error:#}").into());
            trials.push(Trial::test(format!("{}::{name}", action.name), run));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    suite.tables.iter().for_each(|table| print!("{table}"));
    Ok(conclusion.exit_code())
}

impl Suite {
    fn subject<'a>(&'a self, action: &'a Action, program: Program<'a>) -> Result<Subject<'a>> {
        let host = if action.initialised { &self.border } else { &self.fresh };
        Subject::new(action, &self.place, host, program)
    }

    fn ours<'a>(&'a self, action: &'a Action) -> Result<Subject<'a>> {
        self.subject(action, Program::Ours(&self.program))
    }
}

/// What becomes of the original is told, not judged; but who finds nothing wrong with its create would find nothing at all.
fn original(suite: &Suite, action: &Action) -> Result<()> {
    let tally = killed::kill(&suite.subject(action, Program::Original)?, SAMPLE)?;
    suite.tables[0].add(action, &tally.numbers());
    ensure!(action.name != "create" || tally.broken > 0, "a listed instance without its directories is not noticed");
    Ok(())
}

fn killed(suite: &Suite, action: &Action) -> Result<()> {
    let tally = killed::kill(&suite.ours(action)?, usize::MAX)?;
    suite.tables[1].add(action, &tally.numbers());
    ensure!(tally.problems.is_empty(), "{}", tally.problems.join("\n"));
    Ok(())
}

fn failing(suite: &Suite, action: &Action) -> Result<()> {
    let tally = failing::fail(&suite.ours(action)?)?;
    suite.tables[2].add(action, &tally.numbers());
    ensure!(tally.problems.is_empty(), "{}", tally.problems.join("\n"));
    Ok(())
}

fn order(suite: &Suite, action: &Action) -> Result<()> {
    let subject = suite.ours(action)?;
    let order = order::check(action, &calls::calls(&subject.host()?, action.command)?)?;
    suite.tables[3].add(action, &[order.renames, order.syncs, 1]);
    Ok(())
}
