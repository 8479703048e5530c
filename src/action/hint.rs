//! What to type next, where people get stuck: one line for whoever sits at a terminal, after what Postfix itself says.

use super::ActionError;
use super::deaf::{Deaf, Enabled};
use super::destroy::DestroyError;
use super::import::NewError;
use super::lifecycle::EditError;
use super::run::Course;
use crate::cli::error::RequestError;
use crate::cli::request::{Assignment, Edit, Mode, Request, Selection};
use crate::config::master_cf::MasterCf;
use crate::instance::alike::distance;
use crate::instance::names::NameError;
use crate::instance::parameters::{Parameters, Postfix, main_cf, master_cf};
use crate::instance::primary::Primary;
use crate::instance::running::is_running;
use crate::instance::scan::{Keep, Scan};
use crate::instance::select::NAME_PREFIX;
use crate::instance::{Instance, Instances};
use crate::system::file;
use crate::system::log::{Log, printable};
use indexmap::IndexMap;
use std::ffi::OsStr;
use std::path::Path;

/// So many names that are equally close are told.
const MAX_NAMES: usize = 3;

/// The hint that goes with wrong usage.
pub fn of_usage(error: &RequestError) -> Option<String> {
    match error {
        RequestError::AssignmentWithAction { action: "init", .. } => None,
        RequestError::AssignmentWithoutEdit(Assignment { name: Some(name), .. })
        | RequestError::AssignmentWithAction { assignment: Assignment { name: Some(name), .. }, .. } => {
            // That is how the empty value is typed.
            let name = if name.is_empty() { "-".to_owned() } else { quoted(name) };
            Some(format!("-I assigns a name; select with -i {name}"))
        }
        RequestError::AssignmentWithoutEdit(Assignment { group: Some(group), .. }) if !group.is_empty() => {
            Some(format!("-G assigns a group; select with -g {}", quoted(group)))
        }
        RequestError::AssignmentWithAction { action, .. } => {
            Some(format!("-G assigns a group; -e {action} is about one instance: select it with -i"))
        }
        _ => None,
    }
}

/// The hint that goes with what has come of a request, by how things are now.
pub fn after(outcome: &anyhow::Result<u8>, request: &Request, primary: &Primary, postfix: &Postfix) -> Option<String> {
    let hints = || {
        let scan = Scan::run(primary.clone(), postfix, Keep::Values);
        Some(Hints { request, instances: scan.report(&request.selection, &Log::default().keeping()).ok()?.1 })
    };
    match (outcome, &request.mode) {
        (Err(error), _) => hints()?.of_error(error, |instance| is_running(postfix.root, instance).unwrap_or(false)),
        (Ok(_), Mode::List { .. } | Mode::Status(_))
            if !matches!(request.selection, Selection::Unselected | Selection::All) =>
        {
            hints()?.closest()
        }
        (Ok(0), Mode::Edit(Edit::Enable, manner)) if !manner.dry_run => hints()?.of_fresh(postfix, primary),
        (Ok(0), Mode::Postfix { command, .. }) if Course::of(&command.name, &primary.postmulti) == Course::Start => {
            hints()?.of_fresh(postfix, primary)
        }
        _ => None,
    }
}

/// What hints are made from.
struct Hints<'a> {
    request: &'a Request,
    instances: Instances,
}

impl Hints<'_> {
    fn of_error(&self, error: &anyhow::Error, runs: impl Fn(&Instance) -> bool) -> Option<String> {
        let target = self.meant().next();
        match error.downcast_ref() {
            Some(EditError::NoInstance(_)) => return self.closest(),
            Some(EditError::RemoveEnabled) => {
                let disable = self.command(target?, "-e disable");
                return Some(match runs(target?) {
                    true => format!("stop and disable it first: {} && {disable}", self.command(target?, "-p stop")),
                    false => format!("disable it first: {disable}"),
                });
            }
            // It is disabled, so -p would pass it over.
            Some(EditError::NotStopped(_)) => {
                return Some(format!("stop it first: {}", self.command(target?, "-x postfix stop")));
            }
            _ => {}
        }
        if let Some(DestroyError::Mail { .. }) = error.downcast_ref() {
            return Some(format!("look at the mail: {}", self.command(target?, "-x mailq")));
        }
        if let Some(NameError::Prefix(name)) = error.downcast_ref() {
            return with_prefix(&printable(name)).map(|name| format!("give the name as -I {}", quoted(name)));
        }
        match (error.downcast_ref(), &self.request.mode) {
            (Some(ActionError::NoMatch), Mode::Postfix { command, .. }) if target.is_some() => {
                let words: Vec<String> = command.words().map(quoted).collect();
                let run = format!("{} -x postfix {}", self.postmulti_selecting(), words.join(" "));
                // The primary's would come back to us.
                let primary = self.meant().any(|instance| instance.primary);
                (!primary).then(|| format!("{} passes over what is disabled; to do it all the same: {run}", words[0]))
            }
            (Some(ActionError::NoMatch), _) => self.closest(),
            _ if matches!(error.downcast_ref(), Some(NewError::NoMatchingSecondary)) => self.closest(),
            _ => None,
        }
    }

    /// The hint about the first selected instance that is as `-e create` made it.
    fn of_fresh(&self, postfix: &Postfix, primary: &Primary) -> Option<String> {
        let enabled = self.instances.served.iter().filter(|instance| instance.enabled);
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
        let fresh = all.iter().find(|deaf| deaf.is_fresh() && self.request.means(deaf.instance))?;
        let advice = fresh.advice(|rest| self.command(fresh.instance, rest));
        let called = printable(self.called(fresh.instance));
        Some(format!("{called}: {}; to change that: {advice}", fresh.reason()))
    }

    fn meant(&self) -> impl Iterator<Item = &Instance> {
        self.instances.served.iter().filter(|instance| self.request.means(instance))
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
        format!("{} -i {} {rest}", self.postmulti(), quoted(self.called(instance)))
    }

    fn postmulti(&self) -> String {
        postmulti(self.request)
    }

    fn postmulti_selecting(&self) -> String {
        let selection = match &self.request.selection {
            Selection::Unselected => String::new(),
            Selection::All => " -a".to_owned(),
            Selection::Group(group) => format!(" -g {}", quoted(group)),
            Selection::Name(name) => format!(" -i {}", quoted(name)),
        };
        let narrowing = &self.request.narrowing;
        let pattern = narrowing.pattern.iter().map(|pattern| format!(" --match {}", quoted(pattern)));
        let enabled = narrowing.enabled.map(|enabled| if enabled { " --enabled" } else { " --disabled" });
        self.postmulti() + &selection + &pattern.collect::<String>() + enabled.unwrap_or_default()
    }

    /// What may have been meant by a name or group that nothing has.
    fn closest(&self) -> Option<String> {
        let (Selection::Name(typed) | Selection::Group(typed)) = &self.request.selection else { return None };
        let Instances { served, left_out, .. } = &self.instances;
        let is_there = served.iter().any(|instance| self.request.selection.matches(instance));
        if is_there || left_out.iter().any(|left_out| left_out.config_directory == *typed) {
            return None;
        }
        let near = self.near(&printable(typed));
        let least = near.values().min();
        let nearest = near.iter().filter(|(_, distance)| Some(*distance) == least).map(|(option, _)| option.as_str());
        match nearest.take(MAX_NAMES).collect::<Vec<_>>().join(" or ") {
            none if none.is_empty() => Some(format!("see what there is: {} -l", self.postmulti())),
            options => Some(format!("did you mean {options}?")),
        }
    }

    /// The options that would select something with a name like that, each with the distance.
    fn near(&self, typed: &str) -> IndexMap<String, usize> {
        // Where a place on the list is asked for, the primary has none.
        let (groups, primary) = match self.request.mode {
            Mode::Edit(Edit::Create { .. } | Edit::Import { .. }, _) => (true, false),
            Mode::Edit(..) => (false, true),
            _ => (true, true),
        };
        let mut near = IndexMap::new();
        let mut compare = |option: &str, value: &OsStr, like: &OsStr| {
            if let Some(distance) = distance(typed, &printable(like)) {
                let least = near.entry(format!("{option} {}", quoted(value))).or_insert(distance);
                *least = distance.min(*least);
            }
        };
        for instance in self.instances.served.iter().filter(|instance| primary || !instance.primary) {
            let directory = instance.config_directory.as_os_str();
            let label = if instance.primary { OsStr::new("-") } else { instance.label() };
            let last = Path::new(directory).file_name();
            instance.name.as_deref().into_iter().chain(last).for_each(|name| compare("-i", label, name));
            compare("-i", directory, directory);
            instance.group.iter().filter(|_| groups).for_each(|group| compare("-g", group, group));
        }
        for directory in self.instances.left_out.iter().map(|left_out| left_out.config_directory.as_os_str()) {
            let last = Path::new(directory).file_name();
            last.into_iter().chain([directory]).for_each(|like| compare("-i", directory, like));
        }
        near
    }
}

/// The command that is about the same host as a request.
pub(super) fn postmulti(request: &Request) -> String {
    let root = request.root.as_ref().map(|root| format!(" --root {}", quoted(root.as_os_str())));
    format!("postmulti{}", root.unwrap_or_default())
}

/// The name with the prefix that it lacks.
fn with_prefix(name: &str) -> Option<String> {
    let begins = name.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("postfix"));
    let rest = if begins { name[7..].trim_start_matches(['-', '_', '.']) } else { name };
    (!rest.is_empty()).then(|| format!("{NAME_PREFIX}{rest}"))
}

/// A word as a shell reads it, as far as it can be shown.
pub(super) fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = printable(word);
    let plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests;
