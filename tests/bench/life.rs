//! The life of one more instance, from create to destroy, under both programs.

use std::fs;

use anyhow::{Result, ensure};

use crate::measure::{Figures, started};
use crate::sandbox::{self, MAIN_CF, words};
use crate::state::State;
use crate::{ORIGINAL, OURS, Row};

/// The instance that lives, beside those that are listed.
const NAME: &str = "postfix-life";

/// It lives so often under the original, and so often under ours after each of these.
const LIVES: usize = 4;
const OUR_LIVES: usize = 25;

/// An action, and the line of the state by which it is known to have been done.
struct Action {
    name: &'static str,
    arguments: Vec<String>,
    brings: &'static str,
}

struct Life {
    actions: Vec<Action>,
    /// What the original leaves behind after each of them.
    states: Vec<State>,
}

/// Measures every action, each beside so many secondaries that are listed already.
pub fn measure(secondaries: usize) -> Result<Vec<Row>> {
    sandbox::list(secondaries)?;
    let mut life = Life { actions: actions(), states: Vec::new() };
    let figures = || life.actions.iter().map(|_| Figures::default()).collect::<Vec<_>>();
    let (mut original, mut ours) = (figures(), figures());
    for _ in 0..LIVES {
        life.live(ORIGINAL, |number, command| original[number].add(command))?;
        for _ in 0..OUR_LIVES {
            life.live(OURS, |number, command| ours[number].add(command))?;
        }
    }
    let original = original.into_iter().zip(life.live(ORIGINAL, |_, command| started(command))?);
    let ours = ours.into_iter().zip(life.live(OURS, |_, command| started(command))?);
    let commands = life.actions.iter().map(|action| format!("-e {}", action.name));
    let rows = commands.zip(original.zip(ours));
    Ok(rows.map(|(command, (original, ours))| Row { secondaries, command, original, ours, floor: None }).collect())
}

fn actions() -> Vec<Action> {
    let edit = |name, more: &[&str], brings| {
        let arguments = ["-i", NAME, "-e", name].iter().chain(more).map(|word| word.to_string()).collect();
        Action { name, arguments, brings }
    };
    vec![
        Action { name: "create", arguments: sandbox::create(NAME), brings: "listed: true" },
        edit("enable", &[], "/srv/etc/NAME/main.cf: multi_instance_enable = yes"),
        edit("assign", &["-G", "other"], "/srv/etc/NAME/main.cf: multi_instance_group = other"),
        edit("disable", &[], "/srv/etc/NAME/main.cf: multi_instance_enable = no"),
        edit("destroy", &[], "listed: false"),
    ]
}

impl Life {
    /// Has the instance live once; `run` is what is done with each command, of which it gets the number, too.
    ///
    /// What the original waits for is then only what it has written itself: every file is old before each action.
    fn live<T>(&mut self, program: &str, mut run: impl FnMut(usize, &[&str]) -> Result<T>) -> Result<Vec<T>> {
        let nothing = State::read(NAME)?;
        let mut results = Vec::new();
        for (number, action) in self.actions.iter().enumerate() {
            let before = State::read(NAME)?;
            age()?;
            results.push(run(number, &words(program, &action.arguments))?);
            let after = State::read(NAME)?;
            let what = format!("{program} -e {}", action.name);
            ensure!(!before.has(action.brings) && after.has(action.brings), "{what}: it is not done");
            match self.states.get(number) {
                Some(known) => after.ensure_same(known, &what)?,
                None => self.states.push(after),
            }
        }
        State::read(NAME)?.ensure_same(&nothing, &format!("{program}: after the last action"))?;
        Ok(results)
    }
}

fn age() -> Result<()> {
    sandbox::age(MAIN_CF.as_ref())?;
    let directory = sandbox::config(NAME);
    if directory.exists() {
        for file in fs::read_dir(directory)? {
            sandbox::age(&file?.path())?;
        }
    }
    Ok(())
}
