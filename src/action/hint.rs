//! Hints about the next command to type, where people get stuck: one line for a person at a terminal, after what Postfix itself says.
//!
//! A hint goes up with the error or the outcome, and is made where its cause is known.

mod closest;

use super::deaf::{Deaf, Enabled};
use super::run::Course;
use crate::cli::hint::{NO_RESTART, RESTART, selection_among};
use crate::cli::options::ACTIONS;
use crate::cli::request::{CommandLine, Request, Selection};
use crate::config::master_cf::MasterCf;
use crate::instance::parameters::{Parameters, Postfix, main_cf, master_cf};
use crate::instance::primary::Primary;
use crate::instance::{Cause, Instance, Instances, LeftOut};
use crate::system::file;
use crate::system::log::printable;
pub(super) use crate::system::quote::quoted;
use nix::unistd::geteuid;
use std::ffi::OsStr;
use std::fmt::Display;

/// Commands of postfix(1) that take no options, beside those that the primary's `postmulti_*_commands` list.
const WITHOUT_OPTIONS: [&str; 3] = ["status", "check", "logrotate"];

/// The hint for an error of permission, if there is another user who has more.
pub fn as_root(is_denied: bool) -> Option<String> {
    (is_denied && !geteuid().is_root()).then(|| "run it as root".to_owned())
}

/// Makes hints for a request.
#[derive(Debug, Clone, Copy)]
pub struct Hints<'a> {
    pub request: &'a Request,
}

impl Hints<'_> {
    /// The step before the removal of an enabled instance.
    pub fn disable_first(&self, instance: &Instance, runs: bool) -> String {
        let disable = self.command(instance, "-e disable");
        match runs {
            true => format!("stop and disable it first: {} && {disable}", self.command(instance, "-p stop")),
            false => format!("disable it first: {disable}"),
        }
    }

    /// The step before the removal of an instance that is running and disabled: -p would pass over it.
    pub fn stop_first(&self, instance: &Instance) -> String {
        format!("stop it first: {}", self.command(instance, "-x postfix stop"))
    }

    pub fn look_at_mail(&self, instance: &Instance) -> String {
        format!("look at the mail: {}", self.command(instance, "-x mailq"))
    }

    /// The way to take an instance off the list whose files are gone.
    pub fn deport(&self, config_directory: &OsStr) -> String {
        format!("take it off the list: {}", self.select(config_directory, "-e deport"))
    }

    /// Where to learn why an instance cannot be used.
    pub fn unusable(&self, left_out: &LeftOut) -> Option<String> {
        let directory = &left_out.config_directory;
        match left_out.cause {
            Cause::Denied => as_root(true),
            Cause::Broken => {
                let (shown, check) = (printable(directory), self.select(directory, "--check"));
                Some(format!("{shown} cannot be used; to see what is wrong: {check}"))
            }
            Cause::Conflict(..) => None,
        }
    }

    /// The causes of the warnings that instances are left out, if the warnings do not say it all.
    pub fn left_out(&self, instances: &Instances) -> Option<String> {
        let is = |cause: fn(&Cause) -> bool| instances.left_out.iter().any(|left_out| cause(&left_out.cause));
        if is(|cause| matches!(cause, Cause::Conflict(..))) {
            return Some(format!("to see what is in conflict: {} --check", self.postmulti()));
        }
        as_root(is(|cause| matches!(cause, Cause::Denied)))
    }

    /// Why a command is run for none of the selected instances.
    pub fn passed_over(&self, command: &CommandLine, selected: &[&Instance]) -> Option<String> {
        // The primary's postfix(1) would run this program again.
        if selected.is_empty() || selected.iter().any(|instance| instance.primary) {
            return None;
        }
        let words: Vec<String> = command.words().map(quoted).collect();
        let run = format!("{} -x postfix {}", self.postmulti_selecting(), words.join(" "));
        Some(format!("{} passes over what is disabled; to do it all the same: {run}", words[0]))
    }

    /// About a selection after a command of postfix(1), which selects nothing there.
    pub fn misplaced(&self, command: &CommandLine, course: Course) -> Option<String> {
        let takes_none = course != Course::Any || WITHOUT_OPTIONS.iter().any(|name| command.name == *name);
        let selection = selection_among(&command.arguments).filter(|_| takes_none)?;
        let already = self.selecting();
        if already.is_empty() && selection == "-a" {
            return None;
        }
        let selected = if already.is_empty() { "all instances" } else { already.trim_start() };
        let (name, postmulti) = (quoted(&command.name), self.postmulti());
        Some(format!(
            "{selection} after {name} selects nothing: {name} is for {selected}; to select: {postmulti} {selection} -p {name}"
        ))
    }

    /// The next step after a command of postfix(1) that did something else than was expected of it.
    pub fn after_postfix(
        &self,
        command: &CommandLine,
        course: Course,
        instances: &[&Instance],
        statuses: &[u8],
    ) -> Option<String> {
        let failed = statuses.iter().any(|status| *status != 0);
        match course {
            Course::Start => self.not_started(instances),
            Course::Any if failed && command.name == RESTART => Some(NO_RESTART.to_owned()),
            Course::Any if failed => {
                let (action, _) = ACTIONS.into_iter().find(|(action, _)| command.name == *action)?;
                Some(format!("{action} is an action: use -e {action}"))
            }
            _ => None,
        }
    }

    /// The effect of a start command on a disabled instance, if that is the only one.
    fn not_started(&self, instances: &[&Instance]) -> Option<String> {
        let [instance] = instances else { return None };
        if instance.enabled {
            return None;
        }
        let enable = match instance.primary {
            true => format!("{} -e init", self.postmulti()),
            false => self.command(instance, "-e enable"),
        };
        let called = printable(self.called(instance));
        Some(format!("{called} is disabled: it was checked, not started; enable it first: {enable}"))
    }

    /// The first selected instance that is as `-e create` made it, and is enabled, or about to be.
    pub fn fresh(
        &self,
        instances: &Instances,
        is_selected: impl Fn(&Instance) -> bool,
        postfix: &Postfix,
        primary: &Primary,
    ) -> Option<String> {
        let enabled = instances.served.iter().filter(|instance| instance.enabled || is_selected(instance));
        let files = enabled.filter_map(|instance| {
            let read = |path| file::read(postfix.root, path).ok();
            let directory = &instance.config_directory;
            Some((instance, read(&main_cf(directory))?, MasterCf::parse(read(&master_cf(directory))?)))
        });
        let files: Vec<_> = files.collect();
        let parsed = files.iter().filter_map(|(instance, main_cf, master_cf)| {
            let parameters = Parameters::parse(postfix, &instance.config_directory, main_cf).1.ok()?;
            Some((*instance, parameters, master_cf))
        });
        let parsed: Vec<_> = parsed.collect();
        let enabled =
            parsed.iter().map(|(instance, parameters, master_cf)| Enabled { instance, parameters, master_cf });
        let all = Deaf::find(&enabled.collect::<Vec<_>>(), postfix, primary);
        let fresh = all.iter().find(|deaf| deaf.is_fresh() && is_selected(deaf.instance))?;
        let advice = fresh.advice(|rest| self.command(fresh.instance, rest));
        let called = printable(self.called(fresh.instance));
        Some(format!("{called}: {}; to change that: {advice}", fresh.reason()))
    }

    /// What selects an instance: what was typed to select it, or else its name or directory.
    fn called<'i>(&'i self, instance: &'i Instance) -> &'i OsStr {
        match &self.request.selection {
            Selection::Name(typed) => typed,
            _ => instance.label(),
        }
    }

    /// A command about one instance of this host.
    fn command(&self, instance: &Instance, rest: &str) -> String {
        self.select(self.called(instance), rest)
    }

    /// A command about the instance that a name or directory selects.
    pub fn select(&self, called: &OsStr, rest: impl Display) -> String {
        format!("{} -i {} {rest}", self.postmulti(), quoted(called))
    }

    fn postmulti(&self) -> String {
        postmulti(self.request)
    }

    fn postmulti_selecting(&self) -> String {
        self.postmulti() + &self.selecting()
    }

    /// The selection as it was typed, with a blank before each option.
    fn selecting(&self) -> String {
        let selection = match &self.request.selection {
            Selection::Unselected => String::new(),
            Selection::All => " -a".to_owned(),
            Selection::Group(group) => format!(" -g {}", quoted(group)),
            Selection::Name(name) => format!(" -i {}", quoted(name)),
        };
        let narrowing = &self.request.narrowing;
        let pattern = narrowing.pattern.iter().map(|pattern| format!(" --match {}", quoted(pattern)));
        let enabled = narrowing.enabled.map(|enabled| if enabled { " --enabled" } else { " --disabled" });
        selection + &pattern.collect::<String>() + enabled.unwrap_or_default()
    }
}

/// The command that is about the same host as a request.
pub(super) fn postmulti(request: &Request) -> String {
    let root = request.root.as_ref().map(|root| format!(" --root {}", quoted(root.as_os_str())));
    format!("postmulti{}", root.unwrap_or_default())
}

#[cfg(test)]
mod tests;
