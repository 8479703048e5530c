//! The Postfix instances of a host: who is there, and which of them are meant.

pub mod alike;
pub mod conflicts;
pub mod listeners;
pub mod names;
pub mod owners;
pub mod parameters;
pub mod postconf;
pub mod postlog;
pub mod primary;
pub mod queue_id;
pub mod queues;
pub mod references;
pub mod running;
pub mod scan;
pub mod select;

use conflicts::{Conflict, ConflictTable};
use std::ffi::{OsStr, OsString};

/// A Postfix instance, as its main.cf describes it. Directories are spelled as in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `multi_instance_name`, if that is not empty.
    pub name: Option<OsString>,
    /// `multi_instance_group`, if that is not empty.
    pub group: Option<OsString>,
    /// `multi_instance_enable`.
    pub enabled: bool,
    /// The directory of its main.cf.
    pub config_directory: OsString,
    pub queue_directory: OsString,
    pub data_directory: OsString,
    /// Is it the one whose configuration directory is built in?
    pub primary: bool,
    /// Its main.cf as it was read; empty unless it was loaded to be kept.
    pub main_cf: Vec<u8>,
}

impl Instance {
    /// A word by which `-i` finds the instance: its name; without one `-` for the primary, else its directory.
    pub fn label(&self) -> &OsStr {
        match &self.name {
            Some(name) => name,
            None if self.primary => OsStr::new("-"),
            None => &self.config_directory,
        }
    }
}

/// A secondary instance that is listed, and not served.
#[derive(Debug)]
pub struct LeftOut {
    pub config_directory: OsString,
    pub cause: Cause,
}

/// Why an instance is left out.
#[derive(Debug)]
pub enum Cause {
    /// This user may not read its main.cf.
    Denied,
    /// Its main.cf cannot be used.
    Broken,
    /// It has a name or directory of the primary's, of an earlier secondary's, or twice: at least one conflict.
    Conflict(Box<Instance>, Vec<Conflict>),
}

/// All instances of a host.
#[derive(Debug)]
pub struct Instances {
    /// The primary first, then the secondaries in the order in which they are listed.
    pub served: Vec<Instance>,
    /// The other secondaries, in the same order.
    pub left_out: Vec<LeftOut>,
    /// The claims of all of them, those that are left out included.
    pub conflicts: ConflictTable,
}

impl LeftOut {
    /// The instance, if its main.cf can be used.
    pub fn instance(&self) -> Option<&Instance> {
        match &self.cause {
            Cause::Conflict(instance, _) => Some(instance),
            Cause::Denied | Cause::Broken => None,
        }
    }

    fn conflicts(&self) -> &[Conflict] {
        match &self.cause {
            Cause::Conflict(_, conflicts) => conflicts,
            Cause::Denied | Cause::Broken => &[],
        }
    }
}

impl Instances {
    /// The configuration directory of the instance whose queue directory this one has, and is left out for that.
    pub fn owner_of_queue(&self, instance: &Instance) -> Option<&OsStr> {
        let left_out = self.left_out.iter().find(|left_out| left_out.config_directory == instance.config_directory)?;
        let mut conflicts = left_out.conflicts().iter().map(Conflict::claims);
        let (_, owner) = conflicts.find(|(later, _)| later.parameter == "queue_directory")?;
        Some(&owner.config_directory)
    }

    /// The name or directory that an instance has in common with another one, however that is spelled.
    pub fn shared_by(&self, config_directory: &OsStr) -> Option<String> {
        let involves = |conflict: &&Conflict| conflict.involves(config_directory);
        let same_value = self.left_out.iter().flat_map(LeftOut::conflicts).find(involves).map(Conflict::to_string);
        same_value.or_else(|| self.conflicts.same_directory(config_directory).map(|conflict| conflict.to_string()))
    }
}
