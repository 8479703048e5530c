//! What there is to be told of one instance.

use crate::config::master_cf::{Finding, MasterCf};
use crate::instance::listeners::{Listener, listeners};
use crate::instance::parameters::{Parameters, Postfix, master_cf};
use crate::instance::queues::{Oldest, count};
use crate::instance::running::{Master, master};
use crate::instance::{Broken, Instance};
use crate::system::directory::{Directory, SystemError};
use crate::system::file;
use crate::system::log::printable;
use crate::system::processes::Processes;
use crate::system::services::Services;
use indexmap::IndexSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

/// The queues whose messages are counted, in the order in which a message passes them.
pub const QUEUES: [&str; 6] = ["maildrop", "incoming", "active", "deferred", "hold", "corrupt"];

/// The program of the process that runs an instance.
const MASTER: &str = "master";

/// One instance as it was found. What could not be found out is None.
#[derive(Debug)]
pub struct Report<'a> {
    pub config_directory: &'a OsStr,
    /// None if its main.cf cannot be used or read.
    pub instance: Option<&'a Instance>,
    /// Is its main.cf, its master.cf or its queue directory of no use?
    pub damaged: bool,
    /// Whether it runs.
    pub runs: Option<bool>,
    pub pid: Option<u32>,
    pub since: Option<SystemTime>,
    /// Each as `ip:port`.
    pub listeners: Option<Vec<String>>,
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

impl<'a> Report<'a> {
    fn new(config_directory: &'a OsStr, instance: Option<&'a Instance>) -> Report<'a> {
        Report {
            config_directory,
            instance,
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

    /// Of an instance whose main.cf cannot be used, or not be read by this user, which has been told already.
    pub fn of_broken(broken: &'a Broken) -> Report<'a> {
        Report { damaged: !broken.denied, ..Report::new(&broken.config_directory, None) }
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
        let directory = printable(self.config_directory);
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
pub struct Scene<'a> {
    pub postfix: &'a Postfix<'a>,
    pub services: &'a Services<'a>,
    pub processes: &'a Processes,
}

impl Scene<'_> {
    /// Looks at one instance.
    pub fn report<'a>(&self, instance: &'a Instance) -> Report<'a> {
        let mut report = Report::new(&instance.config_directory, Some(instance));
        self.look_at_services(instance, &mut report);
        match Directory::open(self.postfix.root, Path::new(&instance.queue_directory)) {
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
            found.map(|found| found.iter().map(Listener::to_string).collect::<IndexSet<_>>().into_iter().collect());
    }

    fn look_at_master(&self, queues: &Directory, report: &mut Report) {
        let Some(found) = report.keep(master(queues)) else { return };
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
