//! Is an instance running?

use super::Instance;
use crate::system::directory::{Directory, SystemError};
use crate::system::root::Root;
use nix::fcntl::OFlag;
use std::ffi::OsStr;
use std::fs::TryLockError;
use std::path::Path;

/// Looks for the lock that master(8) holds on `pid/master.pid` in the queue directory for as long as it lives.
pub fn is_running(root: &Root, instance: &Instance) -> Result<bool, SystemError> {
    let open = || {
        let pid = Directory::open(root, Path::new(&instance.queue_directory))?.child(OsStr::new("pid"))?;
        pid.open_file(OsStr::new("master.pid"), OFlag::O_RDONLY | OFlag::O_NONBLOCK)
    };
    let file = match open() {
        Err(error) if error.not_found() => return Ok(false),
        file => file?,
    };
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => {
            Err(SystemError::new("lock", Path::new(&instance.queue_directory).join("pid/master.pid"), error))
        }
    }
}
