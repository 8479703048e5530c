//! The files that Postfix makes in a queue and a data directory, known by their names.

use crate::change::remove::is_lock;
use crate::instance::queue_id::is_queue_id;
use crate::system::directory::{Directory, SystemError, kind};
use nix::sys::stat::SFlag;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Subdirectories that Postfix makes in every queue, and no other program makes together.
const MARKS: [&str; 4] = ["active", "deferred", "incoming", "maildrop"];

/// Files that master(8) and tlsmgr(8) leave in the data directory.
pub const DATA: [&str; 2] = ["master.lock", "prng_exch"];

/// Returns true if a directory has the subdirectories by which a queue is known. One may be a link: the administrator keeps
/// its mail elsewhere.
pub fn is_queue(directory: &Directory) -> Result<bool, SystemError> {
    for name in MARKS {
        match directory.look_at(OsStr::new(name))?.as_ref().map(kind) {
            Some(SFlag::S_IFDIR | SFlag::S_IFLNK) => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Returns true if a directory holds a file that each master(8) makes in its data directory.
pub fn is_data(directory: &Directory) -> Result<bool, SystemError> {
    for name in DATA {
        if directory.look_at(OsStr::new(name))?.as_ref().map(kind) == Some(SFlag::S_IFREG) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A name in a queue directory that the queue needs.
pub enum Subdirectory {
    /// An empty directory, or a link, which is judged elsewhere.
    Empty,
    OfPostfix,
    Foreign,
}

/// Judges a name in a queue directory that the queue needs.
pub fn subdirectory(parent: &Directory, name: &OsStr) -> Result<Subdirectory, SystemError> {
    match parent.look_at(name)?.as_ref().map(kind) {
        None | Some(SFlag::S_IFLNK) => return Ok(Subdirectory::Empty),
        Some(SFlag::S_IFDIR) => {}
        Some(_) => return Ok(Subdirectory::Foreign),
    }
    let mut found = Subdirectory::Empty;
    // A queue may be hashed: its files then lie in directories with names of one letter.
    let mut open = vec![parent.child(name)?];
    while let Some(directory) = open.pop() {
        let mut hashed = Vec::new();
        directory.each(|inside, kind| {
            match kind {
                SFlag::S_IFDIR if inside.len() == 1 => hashed.push(inside.to_owned()),
                SFlag::S_IFSOCK | SFlag::S_IFIFO => found = found.or(true),
                SFlag::S_IFREG => found = found.or(is_queue_file(name, inside)),
                _ => found = Subdirectory::Foreign,
            }
            Ok(())
        })?;
        for name in hashed {
            open.push(directory.child(&name)?);
        }
    }
    Ok(found)
}

impl Subdirectory {
    fn or(&self, of_postfix: bool) -> Subdirectory {
        match self {
            Subdirectory::Empty | Subdirectory::OfPostfix if of_postfix => Subdirectory::OfPostfix,
            _ => Subdirectory::Foreign,
        }
    }
}

/// Returns true if Postfix gives a file such a name in that subdirectory of a queue.
fn is_queue_file(subdirectory: &OsStr, name: &OsStr) -> bool {
    match subdirectory.to_str() {
        Some("pid") => is_lock(name),
        // A destination, with `_` for all that is neither letter nor digit.
        Some("flush") => name.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'),
        _ => is_queue_id(name.as_bytes()),
    }
}
