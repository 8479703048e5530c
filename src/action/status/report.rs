//! What there is to be told of one instance.

use crate::config::master_cf::{Finding, MasterCf};
use crate::instance::listeners::{Listener, listeners};
use crate::instance::parameters::{Parameters, Postfix, master_cf};
use crate::instance::queues::{Oldest, count};
use crate::instance::running::{Master, master};
use crate::instance::{Cause, Instance, LeftOut};
use crate::system::directory::{Directory, SystemError};
use crate::system::file;
use crate::system::log::printable;
use crate::system::processes::Processes;
use crate::system::services::Services;
use indexmap::IndexSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

/// The queues whose messages are counted, in the order in which a message passes them.
pub const QUEUES: [&str; 6] = ["maildrop", "incoming", "active", "deferred", "hold", "corrupt"];

/// The program of the process that runs an instance.
const MASTER: &str = "master";

/// One instance as it was found. What could not be found out is None.
#[derive(Debug)]
pub struct Report {
    pub config_directory: OsString,
    /// None if its main.cf cannot be used or read.
    pub instance: Option<Instance>,
    /// Is its main.cf, its master.cf or its queue directory of no use?
    pub damaged: bool,
    /// Whether it runs.
    pub runs: Option<bool>,
    pub pid: Option<u32>,
    pub since: Option<SystemTime>,
    /// Each as `ip:port`.
    pub listeners: Option<Vec<OsString>>,
    /// The number of messages in each of [`QUEUES`].
    pub queues: [Option<u64>; QUEUES.len()],
    pub oldest: Oldest,
    /// What is wrong with it, or kept from being looked at by something else than want of privilege.
    complaints: Vec<String>,
    pub denied: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Running,
    Stopped,
    Damaged,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Stopped => "stopped",
            State::Damaged => "damaged",
        }
    }
}

impl Report {
    fn new(config_directory: &OsStr) -> Report {
        Report {
            config_directory: config_directory.to_owned(),
            instance: None,
            damaged: false,
            runs: None,
            pid: None,
            since: None,
            listeners: None,
            queues: Default::default(),
            oldest: Oldest::default(),
            complaints: Vec::new(),
            denied: Vec::new(),
        }
    }

    /// An instance that is left out, which has been reported already.
    pub fn of_left_out(left_out: &LeftOut) -> Report {
        let damaged = !matches!(left_out.cause, Cause::Denied);
        let instance = left_out.instance().cloned();
        Report { damaged, instance, ..Report::new(&left_out.config_directory) }
    }

    /// The instance as `-i` finds it. One that is damaged may have its name in common with another.
    pub fn label(&self) -> &OsStr {
        self.instance.as_ref().filter(|_| !self.damaged).map_or(&self.config_directory, Instance::label)
    }

    pub fn is_primary(&self) -> bool {
        self.instance.as_ref().is_some_and(|instance| instance.primary)
    }

    /// None if it is not known whether it runs.
    pub fn state(&self) -> Option<State> {
        match self.runs {
            _ if self.damaged => Some(State::Damaged),
            Some(true) => Some(State::Running),
            Some(false) => Some(State::Stopped),
            None => None,
        }
    }

    /// Is it known when the oldest message came, be it that there is none?
    pub fn oldest_is_exact(&self) -> bool {
        self.oldest.exact && self.queues.iter().all(Option::is_some)
    }

    /// What is wrong, in one line.
    pub fn complaint(&self) -> Option<String> {
        let directory = printable(&self.config_directory);
        let state = if self.damaged { "is damaged" } else { "is not all known" };
        (!self.complaints.is_empty()).then(|| format!("instance {directory} {state}: {}", self.complaints.join("; ")))
    }

    fn damage(&mut self, complaint: String) {
        self.damaged = true;
        self.complaints.push(complaint);
    }

    /// Keeps the value of a look that has succeeded, and the reason of one that has not.
    fn keep<T>(&mut self, outcome: Result<T, SystemError>) -> Option<T> {
        match outcome {
            Ok(value) => return Some(value),
            Err(error) if error.is_denied() => self.denied.push(error.to_string()),
            Err(error) => self.complaints.push(error.to_string()),
        }
        None
    }
}

/// What is asked for all instances alike.
pub struct Probe<'a> {
    pub postfix: &'a Postfix<'a>,
    pub services: &'a Services<'a>,
    pub processes: &'a Processes,
}

impl Probe<'_> {
    /// Looks at one instance.
    pub fn report(&self, instance: &Instance) -> Report {
        let mut report = Report::new(&instance.config_directory);
        // Nothing more is needed of its main.cf.
        report.instance = Some(Instance { main_cf: Vec::new(), ..instance.clone() });
        self.look_at_services(instance, &mut report);
        if instance.data_directory.is_empty() {
            report.damage("data_directory has no value".to_owned());
        }
        match Directory::open(self.postfix.root, Path::new(&instance.queue_directory)) {
            _ if instance.queue_directory.is_empty() => {
                report.runs = Some(false);
                report.damage("queue_directory has no value".to_owned());
            }
            Err(error) if error.not_found() || error.not_a_directory() => {
                report.runs = Some(false);
                report.damage(error.to_string());
            }
            outcome => {
                if let Some(queues) = report.keep(outcome) {
                    self.look_at_master(&queues, &mut report);
                    look_at_mail(&queues, &mut report);
                }
            }
        }
        report
    }

    fn look_at_services(&self, instance: &Instance, report: &mut Report) {
        let path = master_cf(&instance.config_directory);
        let bytes = match file::read(self.postfix.root, &path) {
            Err(error) if error.is_denied() => return report.denied.push(error.to_string()),
            Err(error) => return report.damage(error.to_string()),
            Ok(bytes) => bytes,
        };
        let master_cf = MasterCf::parse(bytes);
        if let Some((line, defect)) = master_cf.findings().iter().find_map(Finding::defect) {
            let defect = printable(OsStr::from_bytes(&defect));
            return report.damage(format!("{}, line {line}: {defect}", printable(&path)));
        }
        let parsed = Parameters::parse(self.postfix, &instance.config_directory, &instance.main_cf).1;
        let found = parsed.ok().and_then(|parameters| listeners(&parameters, &master_cf, self.services));
        // Of two entries for one port, only one listens.
        report.listeners =
            found.map(|found| found.iter().map(Listener::text).collect::<IndexSet<_>>().into_iter().collect());
    }

    fn look_at_master(&self, queues: &Directory, report: &mut Report) {
        let Some(found) = report.keep(master(self.postfix.root, queues)) else { return };
        report.runs = Some(found.is_some());
        report.pid = found.and_then(|Master { pid }| pid);
        // Below another root, the number may be that of any process here.
        let pid = report.pid.filter(|_| self.postfix.root.is_host());
        report.since = pid.and_then(|pid| self.processes.since(pid, MASTER));
    }
}

fn look_at_mail(queues: &Directory, report: &mut Report) {
    for (place, queue) in QUEUES.into_iter().enumerate() {
        let counted = count(queues, queue, &mut report.oldest);
        report.queues[place] = report.keep(counted);
    }
}
