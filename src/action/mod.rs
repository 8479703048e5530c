//! What a user can ask for: one file each.

pub mod assign;
pub mod check;
pub mod create;
pub mod deport;
pub mod destroy;
pub mod enable;
pub mod hint;
pub mod import;
pub mod init;
mod json;
mod leftovers;
pub mod lifecycle;
pub mod list;
mod operands;
mod private_files;
mod prototype;
pub mod run;
pub mod status;
mod table;

use crate::cli::request::{Mode, Request, Selection};
use crate::instance::load::{Keep, Look};
use crate::instance::parameters::Postfix;
use crate::instance::primary::Primary;
use crate::instance::{Instance, Instances};
use crate::system::log::Log;
use crate::system::reason;
use nix::unistd::geteuid;
use run::{Course, Runner};
use std::io::{self, Write};
use thiserror::Error;

/// So often is looked again at instances that keep changing.
const MAX_LOOKS: usize = 10;

/// Why a request comes to nothing.
#[derive(Debug, Error)]
pub enum ActionError {
    #[error("No matching instances")]
    NoMatch,
    #[error("error writing output: {}", reason(.0))]
    Output(io::Error),
    #[error("--root {0}: running commands there takes chroot(2), which only root may use. Nothing was run")]
    NoChroot(String),
}

/// Does what is asked, and returns the exit status.
///
/// That is 1 if an instance was left out that could have been meant.
pub fn perform(request: &Request, primary: Primary, postfix: &Postfix, log: &Log) -> anyhow::Result<u8> {
    let postfix = &postfix.with_commands_of(&primary.shared.command_directory);
    let selection = &request.selection;
    if let Mode::Edit(edit, manner) = &request.mode {
        return lifecycle::carry_out(edit, selection, *manner, primary, postfix, log);
    }
    if let Mode::Status(view) = request.mode {
        return status::show(request, view, primary, postfix, log);
    }
    if let Mode::Check { json } = request.mode {
        return check::check(request, json, primary, postfix, log);
    }
    let (primary, instances) = look(primary, postfix, Keep::Values, log)?;
    let meant: Vec<&Instance> = instances.whole.iter().filter(|instance| request.means(instance)).collect();
    let left_out = instances.broken.iter().any(|broken| request.may_mean(broken, !meant.is_empty()));

    let runner =
        |running| Runner { root: postfix.root, shared: &primary.shared, log, verbose: request.verbose > 0, running };
    let statuses = match &request.mode {
        Mode::List { json, reverse } => {
            print(&list::list(in_order(meant, *reverse).into_iter(), *json))?;
            Vec::new()
        }
        Mode::Execute { command, reverse, running } => {
            runner(*running).execute(command, &to_run(in_order(meant, *reverse), postfix)?)?
        }
        Mode::Postfix { command, running } => {
            let course = Course::of(&command.name, &primary.postmulti);
            runner(*running).postfix(command, course, &to_run(course.instances(meant), postfix)?)?
        }
        Mode::Edit(..) | Mode::Status(_) | Mode::Check { .. } => Vec::new(),
    };
    match (&request.mode, selection, statuses.as_slice()) {
        // The status of a command for one instance means something to its caller, such as EX_TEMPFAIL of a filter.
        (Mode::Execute { .. }, Selection::Name(_), [status]) if !left_out => Ok(*status),
        _ => Ok(u8::from(left_out || statuses.iter().any(|status| *status != 0))),
    }
}

/// Finds all instances, and the primary that lists them.
fn look(primary: Primary, postfix: &Postfix, keep: Keep, log: &Log) -> anyhow::Result<(Primary, Instances)> {
    let (primary, seen) = settled(primary, postfix, log, |primary| {
        let seen = Look::at(primary, postfix, keep);
        let wrong = seen.complaints().map(|complaints| (primary.main_cf.clone(), complaints));
        Ok((seen, wrong))
    })?;
    Ok((primary, seen.tell(log)?))
}

/// Looks at the instances without the lock that would keep others from changing them meanwhile. Returns what `look` has
/// seen, and the primary that it was given.
///
/// A list is a little older than what it lists, and one instance's main.cf than the next one's. So what is wrong, as
/// `look` says beside what it has seen, must be so at a second look; then it is true.
fn settled<T, Wrong: PartialEq>(
    mut primary: Primary,
    postfix: &Postfix,
    log: &Log,
    look: impl Fn(&Primary) -> anyhow::Result<(T, Option<Wrong>)>,
) -> anyhow::Result<(Primary, T)> {
    let (mut before, mut looks) = (None, 0);
    loop {
        looks += 1;
        let (seen, wrong) = look(&primary)?;
        if wrong.is_none() || wrong == before || looks == MAX_LOOKS {
            return Ok((primary, seen));
        }
        before = wrong;
        primary = primary.again(postfix, log)?;
    }
}

/// Prints the whole text on standard output.
pub fn print(text: &[u8]) -> Result<(), ActionError> {
    let mut output = io::stdout();
    output.write_all(text).and_then(|()| output.flush()).map_err(ActionError::Output)
}

fn in_order<T>(mut instances: Vec<T>, reverse: bool) -> Vec<T> {
    if reverse {
        instances.reverse();
    }
    instances
}

/// The instances, if there are any and a command can be run for them.
fn to_run<'a>(instances: Vec<&'a Instance>, postfix: &Postfix) -> Result<Vec<&'a Instance>, ActionError> {
    if instances.is_empty() {
        return Err(ActionError::NoMatch);
    }
    match postfix.root.directory() {
        Some(directory) if !geteuid().is_root() => Err(ActionError::NoChroot(directory.display().to_string())),
        _ => Ok(instances),
    }
}
