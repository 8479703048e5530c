//! The mail in the queues of an instance.

use crate::system::directory::{Directory, SystemError, kind};
use crate::system::root::Root;
use nix::sys::stat::SFlag;
use std::ffi::OsStr;
use std::path::Path;

/// The queues in which messages lie. The other queue directories hold what is said about them.
const QUEUES: [&str; 7] = ["maildrop", "incoming", "active", "deferred", "hold", "corrupt", "saved"];

/// Each queue that is not empty, with the number of its messages.
pub fn messages(root: &Root, queue_directory: &Path) -> Result<Vec<(&'static str, usize)>, SystemError> {
    let queues = match Directory::open(root, queue_directory) {
        Err(error) if error.not_found() => return Ok(Vec::new()),
        queues => queues?,
    };
    let mut found = Vec::new();
    for queue in QUEUES {
        let name = OsStr::new(queue);
        if queues.look_at(name)?.is_some_and(|status| kind(&status) == SFlag::S_IFDIR) {
            match count(&queues.child(name)?)? {
                0 => {}
                number => found.push((queue, number)),
            }
        }
    }
    Ok(found)
}

/// The files in a queue, which may be hashed: then they lie in directories with names of one letter.
fn count(queue: &Directory) -> Result<usize, SystemError> {
    let mut number = 0;
    for name in queue.names()? {
        match queue.look_at(&name)?.as_ref().map(kind) {
            Some(SFlag::S_IFREG) => number += 1,
            Some(SFlag::S_IFDIR) if name.len() == 1 => number += count(&queue.child(&name)?)?,
            _ => {}
        }
    }
    Ok(number)
}
