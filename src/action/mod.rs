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
mod known_files;
mod leftovers;
pub mod lifecycle;
mod links;
pub mod list;
mod occupied;
mod operands;
mod places;
mod private_files;
mod prototype;
pub mod run;
pub mod status;
mod table;
mod unused;

use crate::cli::request::{Mode, Request, Selection};
use crate::error::{Hint, hinted};
use crate::instance::parameters::Postfix;
use crate::instance::primary::Primary;
use crate::instance::scan::{Keep, Scan};
use crate::instance::{Instance, LeftOut};
use crate::system::log::Log;
use crate::system::reason;
use hint::{Hints, as_root};
use lifecycle::EditError;
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

/// The outcome of a request that was carried out.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The exit status.
    pub status: u8,
    /// The next command to type, for a person at a terminal.
    pub hint: Option<String>,
}

/// Does what is asked. The exit status is 1 if an instance was left out that could have been meant.
pub fn perform(request: &Request, primary: Primary, postfix: &Postfix, log: &Log) -> anyhow::Result<Outcome> {
    let postfix = &postfix.with_commands_of(&primary.shared.command_directory);
    if let Mode::Edit(edit, manner) = &request.mode {
        let outcome = lifecycle::carry_out(edit, request, *manner, primary, postfix, log);
        return outcome.hint(|error| as_root(EditError::is_denied(error)));
    }
    if let Mode::Status(view) = request.mode {
        return status::show(request, view, primary, postfix, log);
    }
    if let Mode::Check { json } = request.mode {
        return check::check(request, json, primary, postfix, log);
    }
    let scan = Scan::run(primary, postfix, Keep::Values).settle(log)?;
    let (primary, instances) = scan.report(&request.selection, log)?;
    let selected = instances.selected(request);
    let is_selected =
        |left_out: &LeftOut| selected.iter().any(|instance| instance.config_directory == left_out.config_directory);
    let could_be_meant = |left_out: &LeftOut| request.could_mean(left_out, !selected.is_empty());
    let left_out = instances.left_out.iter().any(|left_out| could_be_meant(left_out) && !is_selected(left_out));

    let hints = Hints { request };
    let runner =
        |running| Runner { root: postfix.root, shared: &primary.shared, log, verbose: request.verbose > 0, running };
    let (statuses, hint) = match &request.mode {
        Mode::List { json, reverse } => {
            // Without a pattern, the original prints nothing.
            if selected.is_empty() && !left_out && request.narrowing.pattern.is_some() {
                return Err(hinted(ActionError::NoMatch, hints.closest(&instances)));
            }
            print(&list::list(in_order(selected, *reverse).into_iter(), *json))?;
            (Vec::new(), hints.closest(&instances))
        }
        Mode::Execute { command, reverse, running } => {
            let to_run = to_run(in_order(selected, *reverse), postfix, || hints.closest(&instances))?;
            (runner(*running).execute(command, &to_run)?, None)
        }
        Mode::Postfix { command, running } => {
            let course = Course::of(&command.name, &primary.postmulti);
            let none = || hints.passed_over(command, &selected).or_else(|| hints.closest(&instances));
            let to_run = to_run(course.instances(selected.clone()), postfix, none)?;
            if let Some(hint) = hints.misplaced(command, course) {
                log.hint(&hint);
            }
            let statuses = runner(*running).postfix(command, course, &to_run)?;
            let hint = if log.is_on_terminal() {
                let is_started = |instance: &Instance| instance.enabled && to_run.contains(&instance);
                let all_started = course == Course::Start && statuses.iter().all(|status| *status == 0);
                let fresh = || hints.fresh(&instances, is_started, postfix, &primary);
                let hint = hints.after_postfix(command, course, &to_run, &statuses);
                hint.or_else(|| all_started.then(fresh).flatten())
            } else {
                // Not worth reading files for.
                None
            };
            (statuses, hint)
        }
        Mode::Edit(..) | Mode::Status(_) | Mode::Check { .. } => Default::default(),
    };
    let status = match (&request.mode, &request.selection, statuses.as_slice()) {
        // The status of a command for one instance means something to its caller, such as EX_TEMPFAIL of a filter.
        (Mode::Execute { .. }, Selection::Name(_), [status]) if !left_out => *status,
        _ => u8::from(left_out || statuses.iter().any(|status| *status != 0)),
    };
    Ok(Outcome { status, hint: hint.or_else(|| hints.left_out(&instances)) })
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

/// The instances, if there are any and a command can be run for them. `none` is the hint if there is none.
fn to_run<'a>(
    instances: Vec<&'a Instance>,
    postfix: &Postfix,
    none: impl FnOnce() -> Option<String>,
) -> anyhow::Result<Vec<&'a Instance>> {
    if instances.is_empty() {
        return Err(hinted(ActionError::NoMatch, none()));
    }
    match postfix.root.directory() {
        Some(directory) if !geteuid().is_root() => Err(ActionError::NoChroot(directory.display().to_string()).into()),
        _ => Ok(instances),
    }
}
