//! `-x` and `-p`: a command for each instance, one after the other or several at once.

mod lines;
mod output;
mod progress;
mod report;
mod round;
mod schedule;
mod started;

use super::ActionError;
use crate::cli::request::{CommandLine, Running};
use crate::config::split_list;
use crate::instance::Instance;
use crate::instance::primary::{Commands, Shared};
use crate::system::log::Log;
use crate::system::process::{Program, path_with};
use crate::system::root::Root;
use report::Report;
use round::Round;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What postfix(1) does for a disabled instance in place of starting it.
const CHECK: &str = "check";

/// How a command treats the instances, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Any command: all instances.
    Any,
    /// A start command: all instances, but a disabled one is only checked.
    Start,
    /// A stop command: enabled instances, last first.
    Stop,
    /// A command to a running instance: enabled instances.
    Control,
}

impl Course {
    /// The course of a postfix(1) command, by the `postmulti_*_commands` parameters.
    pub fn of(command: &OsStr, postmulti: &Commands) -> Course {
        let lists = |list: &OsStr| split_list(list.as_bytes()).any(|word| word == command.as_bytes());
        match () {
            () if lists(&postmulti.start) => Course::Start,
            () if lists(&postmulti.stop) => Course::Stop,
            () if lists(&postmulti.control) => Course::Control,
            () => Course::Any,
        }
    }

    /// Of the instances that are meant, those for which the command is run, in that order.
    pub fn instances(self, mut meant: Vec<&Instance>) -> Vec<&Instance> {
        if matches!(self, Course::Stop | Course::Control) {
            meant.retain(|instance| instance.enabled);
        }
        if self == Course::Stop {
            meant.reverse();
        }
        meant
    }
}

/// What every command of one run has in common.
#[derive(Debug)]
pub struct Runner<'a> {
    pub root: &'a Root,
    pub shared: &'a Shared,
    pub log: &'a Log,
    pub verbose: bool,
    pub running: Running,
}

impl Runner<'_> {
    /// `-x`: runs any command, with the instance's parameters in its environment. Returns each exit status.
    pub fn execute(&self, command: &CommandLine, instances: &[&Instance]) -> Result<Vec<u8>, ActionError> {
        let path = path_with(&self.shared.command_directory);
        self.each(instances, |instance| {
            let mut environment = self.environment(instance);
            environment.extend(parameters(instance, self.shared).map(|(name, value)| (name, Some(value))));
            environment.push(("PATH", Some(path.clone())));
            Program { arguments: command.words().map(OsStr::to_owned).collect(), environment }
        })
    }

    /// `-p`: runs a postfix(1) command. Returns each exit status.
    pub fn postfix(
        &self,
        command: &CommandLine,
        course: Course,
        instances: &[&Instance],
    ) -> Result<Vec<u8>, ActionError> {
        let postfix = Path::new(&self.shared.command_directory).join("postfix").into_os_string();
        self.each(instances, |instance| {
            let name = if course == Course::Start && !instance.enabled { OsStr::new(CHECK) } else { &command.name };
            let words = [&postfix, OsStr::new("--"), name].map(OsStr::to_owned);
            let arguments = words.into_iter().chain(command.arguments.iter().cloned()).collect();
            Program { arguments, environment: self.environment(instance) }
        })
    }

    /// Runs what `prepare` makes of each instance, as it is asked for.
    fn each(&self, instances: &[&Instance], prepare: impl Fn(&Instance) -> Program) -> Result<Vec<u8>, ActionError> {
        self.log.flush();
        let reports = Round::new(self, instances, &prepare).run()?;
        Ok(reports.iter().map(Report::exit_code).collect())
    }

    /// What Postfix programs need to know to serve the instance.
    fn environment(&self, instance: &Instance) -> Vec<(&'static str, Option<OsString>)> {
        let Shared { syslog_name, postlog, .. } = self.shared;
        let mut environment = vec![
            ("MAIL_CONFIG", Some(instance.config_directory.clone())),
            ("MAIL_LOGTAG", Some(syslog_name.clone())),
            // What the caller's environment has may be another instance's.
            ("POSTLOG_SERVICE", postlog.as_ref().map(|postlog| postlog.service.clone())),
            ("POSTLOG_HOSTNAME", postlog.as_ref().map(|postlog| postlog.hostname.clone())),
        ];
        environment.extend(self.verbose.then(|| ("MAIL_VERBOSE", Some(OsString::new()))));
        environment
    }
}

/// The parameters that a command of `-x` finds in its environment.
fn parameters(instance: &Instance, shared: &Shared) -> [(&'static str, OsString); 8] {
    [
        ("daemon_directory", shared.daemon_directory.clone()),
        ("command_directory", shared.command_directory.clone()),
        ("config_directory", instance.config_directory.clone()),
        ("queue_directory", instance.queue_directory.clone()),
        ("data_directory", instance.data_directory.clone()),
        ("multi_instance_name", instance.name.clone().unwrap_or_default()),
        ("multi_instance_group", instance.group.clone().unwrap_or_default()),
        ("multi_instance_enable", if instance.enabled { "yes" } else { "no" }.into()),
    ]
}
