//! What a user can ask for: one file each.

pub mod assign;
pub mod check;
pub mod create;
mod deaf;
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
use crate::instance::parameters::Postfix;
use crate::instance::primary::Primary;
use crate::instance::scan::{Keep, Scan};
use crate::instance::{Instance, LeftOut};
use crate::system::log::Log;
use crate::system::reason;
use nix::unistd::geteuid;
use run::{Course, Runner};
use std::io::{self, Write};
use thiserror::Error;

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
    let scan = Scan::run(primary, postfix, Keep::Values).settle(log)?;
    let (primary, instances) = scan.report(&request.selection, log)?;
    let meant = instances.selected(request);
    let is_selected =
        |left_out: &LeftOut| meant.iter().any(|instance| instance.config_directory == left_out.config_directory);
    let could_be_meant = |left_out: &LeftOut| request.could_mean(left_out, !meant.is_empty());
    let left_out = instances.left_out.iter().any(|left_out| could_be_meant(left_out) && !is_selected(left_out));

    let runner =
        |running| Runner { root: postfix.root, shared: &primary.shared, log, verbose: request.verbose > 0, running };
    let statuses = match &request.mode {
        Mode::List { json, reverse } => {
            // Without a pattern, the original prints nothing.
            if meant.is_empty() && !left_out && request.narrowing.pattern.is_some() {
                return Err(ActionError::NoMatch.into());
            }
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
