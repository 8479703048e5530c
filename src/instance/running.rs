//! Is an instance running?

use super::Instance;
use crate::system::directory::{Directory, SystemError};
use crate::system::root::Root;
use nix::fcntl::OFlag;
use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::Path;

/// As much as there is in a file with the number of a process.
const MAX_DIGITS: u64 = 32;

/// The file in a queue directory that master(8) keeps locked for as long as it lives.
const LOCK: &str = "pid/master.pid";

/// Looks for the lock of master(8), which may have been started where `pid` is a symbolic link.
pub fn is_running(root: &Root, instance: &Instance) -> Result<bool, SystemError> {
    is_locked(root, &Path::new(&instance.queue_directory).join(LOCK))
}

/// Returns true if master(8) keeps a file locked: one of the two of which it does so.
pub fn is_locked(root: &Root, path: &Path) -> Result<bool, SystemError> {
    let file = root.open(path).map_err(|error| SystemError::new("open", path, error));
    match locked(file, path) {
        // No master(8) could have made its lock there.
        Err(error) if error.not_a_directory() => Ok(false),
        file => Ok(file?.is_some()),
    }
}

/// As `is_running`, for who is going to remove the queue directory: a link in it is an error.
pub fn is_running_without_links(root: &Root, instance: &Instance) -> Result<bool, SystemError> {
    let queues = Directory::open(root, Path::new(&instance.queue_directory));
    let file = queues.and_then(|queues| {
        let pid = queues.child(OsStr::new("pid"))?;
        pid.open_file(OsStr::new("master.pid"), OFlag::O_RDONLY | OFlag::O_NONBLOCK)
    });
    Ok(locked(file, &Path::new(&instance.queue_directory).join(LOCK))?.is_some())
}

/// The master(8) of an instance that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Master {
    /// The number of its process, in its own namespace. None just after its start, before it has written that down.
    pub pid: Option<u32>,
}

/// The master(8) of the instance with that queue directory; None if there is none.
pub fn master(root: &Root, queues: &Directory) -> Result<Option<Master>, SystemError> {
    let path = queues.path().join(LOCK);
    let file = root.open(&path).map_err(|error| SystemError::new("open", &path, error));
    let Some(file) = locked(file, &path)? else { return Ok(None) };
    let mut text = String::new();
    let read = file.take(MAX_DIGITS).read_to_string(&mut text);
    Ok(Some(Master { pid: read.ok().and_then(|_| text.trim().parse().ok()) }))
}

/// Returns a file if master(8) keeps it locked. A file that is not there is not locked.
///
/// The lock that is tried for a moment is a shared one: of several who look, none takes another for a master.
fn locked(file: Result<File, SystemError>, path: &Path) -> Result<Option<File>, SystemError> {
    let file = match file {
        Err(error) if error.not_found() => return Ok(None),
        file => file?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(file)),
        Err(TryLockError::Error(error)) => Err(SystemError::new("lock", path, error)),
    }
}
