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

/// Looks for the lock that master(8) holds on `pid/master.pid` in the queue directory for as long as it lives.
pub fn is_running(root: &Root, instance: &Instance) -> Result<bool, SystemError> {
    match Directory::open(root, Path::new(&instance.queue_directory)) {
        Err(error) if error.not_found() => Ok(false),
        queues => Ok(lock_file(&queues?)?.is_some()),
    }
}

/// The master(8) of an instance that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Master {
    /// The number of its process, in its own namespace. None just after its start, before it has written that down.
    pub pid: Option<u32>,
}

/// The master(8) of the instance with that queue directory; None if there is none.
pub fn master(queues: &Directory) -> Result<Option<Master>, SystemError> {
    let Some(file) = lock_file(queues)? else { return Ok(None) };
    let mut text = String::new();
    let read = file.take(MAX_DIGITS).read_to_string(&mut text);
    Ok(Some(Master { pid: read.ok().and_then(|_| text.trim().parse().ok()) }))
}

/// The file that master(8) keeps locked, if it does.
///
/// The lock that is tried for a moment is a shared one: of several who look, none takes another for a master.
fn lock_file(queues: &Directory) -> Result<Option<File>, SystemError> {
    let open = || {
        let pid = queues.child(OsStr::new("pid"))?;
        pid.open_file(OsStr::new("master.pid"), OFlag::O_RDONLY | OFlag::O_NONBLOCK)
    };
    let file = match open() {
        Err(error) if error.not_found() => return Ok(None),
        file => file?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(file)),
        Err(TryLockError::Error(error)) => Err(SystemError::new("lock", queues.path().join("pid/master.pid"), error)),
    }
}
