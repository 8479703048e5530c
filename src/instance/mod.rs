//! The Postfix instances of a host: who is there, and which of them are meant.

pub mod alike;
pub mod claims;
pub mod listeners;
pub mod load;
pub mod names;
pub mod parameters;
pub mod postconf;
pub mod postlog;
pub mod primary;
pub mod queue_id;
pub mod queues;
pub mod running;
pub mod select;

use claims::Claims;
use std::ffi::OsString;

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

/// A secondary instance that is listed but cannot be used, because of its main.cf.
#[derive(Debug)]
pub struct Broken {
    pub config_directory: OsString,
    /// Is it only that this user may not read it?
    pub denied: bool,
}

/// All instances of a host: the primary first, then the secondaries in the order in which they are listed.
#[derive(Debug)]
pub struct Instances {
    pub whole: Vec<Instance>,
    pub broken: Vec<Broken>,
    /// What those that are whole claim.
    pub claims: Claims,
}
