//! Directories of a new instance that exist already: what they hold may be something else's.
//!
//! A queue or data directory that Postfix made is taken over. Other contents stay where they are. A directory is refused
//! only if something would be lost: the owner or mode of a directory that other programs use.

use super::known_files::{DATA, Subdirectory, is_data, is_queue, subdirectory};
use super::lifecycle::Host;
use super::places::By;
use super::private_files::PrivateFiles;
use crate::change::plan::{Permissions, Step};
use crate::instance::Instance;
use crate::instance::parameters::main_cf;
use crate::system::directory::{Directory, SystemError, mode};
use crate::system::log::printable;
use crate::system::root::Root;
use anyhow::Result;
use nix::sys::stat::FileStat;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Directories that no instance may have as its own.
const SYSTEM: [&str; 27] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/mail",
    "/var/spool",
];

/// All that lies in these belongs to the kernel.
const KERNEL: [&str; 2] = ["/proc", "/sys"];

/// A directory of a new file system is empty but for this one.
const LOST_AND_FOUND: &str = "lost+found";

/// Why a directory is refused.
#[derive(Debug, Error)]
pub enum OccupiedError {
    #[error("{setting} is the system directory {directory}. Nothing was changed: {advice}")]
    System { setting: String, directory: String, advice: String },
    #[error(
        "{setting} holds '{name}', which the queue needs, and which is not Postfix's. Nothing was changed: {advice}"
    )]
    NotOfQueue { setting: String, name: String, advice: String },
    #[error("{setting} holds '{name}', and would get {permissions}. Nothing was changed: {advice}")]
    WouldChange { setting: String, name: String, permissions: String, advice: String },
}

/// An existing directory that the instance gets, and what it holds.
#[derive(Debug)]
pub struct Occupied {
    pub parameter: &'static str,
    pub path: PathBuf,
    pub contents: Contents,
}

#[derive(Debug)]
pub enum Contents {
    /// A queue that Postfix made, and that is not empty.
    Queue,
    /// The empty subdirectories of a queue, and nothing else, as an interrupted create leaves them.
    EmptyQueue,
    /// The files that Postfix keeps in a data directory.
    Data,
    /// Something else, such as this.
    Other(OsString),
}

/// The system directory that an absolute path leads to, if it does.
pub fn system_directory(root: &Root, path: &Path) -> Option<PathBuf> {
    let path = root.resolve(path);
    let is_system = KERNEL.iter().any(|kernel| path.starts_with(kernel))
        || SYSTEM.iter().any(|system| root.resolve(Path::new(system)) == path);
    is_system.then_some(path)
}

/// Judges the directories of a new instance, which nothing is changed in.
///
/// # Errors
///
/// One of them cannot be taken without loss, or cannot be read.
pub fn judge(host: &Host, instance: &Instance, private: &PrivateFiles, by: By) -> Result<Vec<Occupied>> {
    let judge = Judge { root: host.postfix.root, instance, private, by };
    let (queue, data) = (Path::new(&instance.queue_directory), Path::new(&instance.data_directory));
    judge.check_system("config_directory", Path::new(&instance.config_directory))?;
    judge.check_system("queue_directory", queue)?;
    judge.check_system("data_directory", data)?;
    Ok(judge.queue(queue)?.into_iter().chain(judge.data(data)?).collect())
}

struct Judge<'a> {
    root: &'a Root,
    instance: &'a Instance,
    private: &'a PrivateFiles,
    by: By,
}

impl Judge<'_> {
    fn check_system(&self, parameter: &'static str, path: &Path) -> Result<(), OccupiedError> {
        match system_directory(self.root, path) {
            Some(directory) => {
                let (setting, directory) = (setting(parameter, path), printable(directory));
                Err(OccupiedError::System { setting, directory, advice: self.advice(parameter) })
            }
            None => Ok(()),
        }
    }

    fn queue(&self, path: &Path) -> Result<Option<Occupied>> {
        let parameter = "queue_directory";
        let Some(directory) = open(self.root, path)? else { return Ok(None) };
        let needed = self.private.queues(self.instance);
        let (subdirectories, others): (Vec<_>, Vec<_>) =
            self.names(&directory, path)?.into_iter().partition(|name| needed.contains(name));
        let occupied = |contents| Ok(Some(Occupied { parameter, path: path.into(), contents }));
        let is_queue = is_queue(&directory)?;
        let mut in_use = false;
        for name in &subdirectories {
            match subdirectory(&directory, name)? {
                Subdirectory::Empty => {}
                Subdirectory::Foreign if !is_queue => {
                    let (setting, name, advice) = (setting(parameter, path), printable(name), self.advice(parameter));
                    return Err(OccupiedError::NotOfQueue { setting, name, advice }.into());
                }
                Subdirectory::OfPostfix | Subdirectory::Foreign => in_use = true,
            }
        }
        if let Some(other) = others.first().filter(|_| !is_queue) {
            self.check_permissions(&directory, parameter, path, other)?;
        }
        match others.into_iter().next() {
            _ if in_use => occupied(Contents::Queue),
            Some(_) if is_queue => occupied(Contents::Queue),
            Some(other) => occupied(Contents::Other(other)),
            None if is_queue => occupied(Contents::EmptyQueue),
            None => Ok(None),
        }
    }

    fn data(&self, path: &Path) -> Result<Option<Occupied>> {
        let parameter = "data_directory";
        let Some(directory) = open(self.root, path)? else { return Ok(None) };
        let names = self.names(&directory, path)?;
        let contents = match names.iter().find(|name| !DATA.iter().any(|data| name == data)) {
            _ if names.is_empty() => return Ok(None),
            Some(other) if !is_data(&directory)? => {
                self.check_permissions(&directory, parameter, path, other)?;
                Contents::Other(other.clone())
            }
            _ => Contents::Data,
        };
        Ok(Some(Occupied { parameter, path: path.into(), contents }))
    }

    /// The names in a directory that an earlier run of the same action has not made.
    fn names(&self, directory: &Directory, path: &Path) -> Result<Vec<OsString>, SystemError> {
        let Instance { config_directory, queue_directory, data_directory, .. } = self.instance;
        let leads_to_own = |name: &OsStr| {
            [config_directory, queue_directory, data_directory]
                .iter()
                .any(|own| Path::new(own).starts_with(path.join(name)))
        };
        let mut names = directory.names()?;
        names.retain(|name| !leads_to_own(name));
        if names.iter().any(|name| name == LOST_AND_FOUND)
            && let Subdirectory::Empty = subdirectory(directory, OsStr::new(LOST_AND_FOUND))?
        {
            names.retain(|name| name != LOST_AND_FOUND);
        }
        Ok(names)
    }

    /// Refuses a directory with something foreign in it if its owner, group or mode would change.
    fn check_permissions(
        &self,
        directory: &Directory,
        parameter: &'static str,
        path: &Path,
        found: &OsStr,
    ) -> Result<()> {
        let wanted = self.private.prepare.iter().find_map(|step| match step {
            Step::SetPermissions(wanted) if wanted.place.path() == path => Some(wanted),
            _ => None,
        });
        let permissions = match wanted {
            Some(wanted) if !would_change(&directory.status()?, wanted) => return Ok(()),
            Some(Permissions { owner, mode, .. }) => format!("owner {} and mode {mode:04o}", owner.name),
            None => "another owner or mode".to_owned(),
        };
        let (setting, name, advice) = (setting(parameter, path), printable(found), self.advice(parameter));
        Err(OccupiedError::WouldChange { setting, name, permissions, advice }.into())
    }

    fn advice(&self, parameter: &str) -> String {
        let file = printable(main_cf(&self.instance.config_directory));
        match self.by == By::Import && parameter != "config_directory" {
            true => format!("set {parameter} in {file} to another directory"),
            false => "choose another directory".to_owned(),
        }
    }
}

fn setting(parameter: &str, path: &Path) -> String {
    format!("{parameter}={}", printable(path))
}

fn open(root: &Root, path: &Path) -> Result<Option<Directory>, SystemError> {
    match Directory::open(root, path) {
        Err(error) if error.not_found() => Ok(None),
        directory => directory.map(Some),
    }
}

fn would_change(found: &FileStat, wanted: &Permissions) -> bool {
    let mode = mode(found);
    found.st_uid != wanted.owner.id
        || wanted.group.as_ref().is_some_and(|group| group.id != found.st_gid)
        || mode != wanted.mode_over(mode, true)
}
