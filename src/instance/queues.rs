//! The mail in the queues of an instance.

use super::queue_id;
use crate::system::directory::{Directory, SystemError, kind};
use crate::system::root::Root;
use nix::sys::stat::SFlag;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

/// The queues in which messages lie. The other queue directories hold what is said about them.
const QUEUES: [&str; 7] = ["maildrop", "incoming", "active", "deferred", "hold", "corrupt", "saved"];

/// So many files of an instance are looked at to find out when they were made. That takes ten times as long as to count them.
const MAX_LOOKS: usize = 100_000;

/// When the oldest message was put into the queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oldest {
    /// Of those that could be asked, None if that were none.
    pub since: Option<SystemTime>,
    /// Could all be asked? If not, another one may be older.
    pub exact: bool,
    looks: usize,
}

impl Default for Oldest {
    fn default() -> Oldest {
        Oldest { since: None, exact: true, looks: 0 }
    }
}

impl Oldest {
    /// Asks a message when it was made: its name, if it has a long queue ID, or the file system.
    ///
    /// The times that every file system has are of no use: a deferred message bears the time of the next delivery
    /// attempt, and to move it to another queue counts as a change.
    fn ask(&mut self, queue: &Directory, name: &OsStr) -> Result<(), SystemError> {
        let mut made = queue_id::made(name.as_bytes());
        if made.is_none() && self.looks < MAX_LOOKS {
            self.looks += 1;
            made = queue.made(name)?;
        }
        self.exact &= made.is_some();
        self.since = self.since.into_iter().chain(made).min();
        Ok(())
    }
}

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
            let mut number = 0;
            walk(&queues.child(name)?, &mut |_, _| {
                number += 1;
                Ok(())
            })?;
            if number > 0 {
                found.push((queue, number));
            }
        }
    }
    Ok(found)
}

/// Counts the messages of a queue, and finds the oldest of these and of those before. A queue that is not there is empty.
pub fn count(queues: &Directory, queue: &str, oldest: &mut Oldest) -> Result<u64, SystemError> {
    let queue = match queues.child(OsStr::new(queue)) {
        Err(error) if error.not_found() => return Ok(0),
        queue => queue?,
    };
    let mut number = 0;
    walk(&queue, &mut |directory, name| {
        number += 1;
        oldest.ask(directory, name)
    })?;
    Ok(number)
}

/// Shows the files in a queue, which may be hashed: then they lie in directories with names of one letter.
///
/// Meanwhile mail comes and goes: what is gone is no error.
fn walk(
    queue: &Directory,
    show: &mut impl FnMut(&Directory, &OsStr) -> Result<(), SystemError>,
) -> Result<(), SystemError> {
    let mut hashed = Vec::new();
    queue.each(|name, kind| match kind {
        SFlag::S_IFREG => show(queue, name),
        SFlag::S_IFDIR if name.len() == 1 => {
            hashed.push(name.to_owned());
            Ok(())
        }
        _ => Ok(()),
    })?;
    for name in hashed {
        match queue.child(&name) {
            Err(error) if error.not_found() => {}
            directory => walk(&directory?, show)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn of_too_many_messages_only_long_queue_ids_are_asked() {
        let directory = tempfile::tempdir().unwrap();
        let hold = directory.path().join("hold");
        fs::create_dir(&hold).unwrap();
        fs::write(hold.join("1ABCDE"), "").unwrap();
        let queues = Directory::open(&Root::host(), directory.path()).unwrap();
        let mut oldest = Oldest { looks: MAX_LOOKS - 1, ..Oldest::default() };
        let mut counted = || (count(&queues, "hold", &mut oldest).unwrap(), oldest);
        let (number, one) = counted();
        assert!(number == 1 && one.exact && one.since.is_some());
        let (number, other) = counted();
        assert_eq!((number, other.since, other.exact), (1, one.since, false));
        fs::write(hold.join("4jX0r06Hp6z1L"), "").unwrap();
        let (number, other) = counted();
        assert_eq!((number, other.since, other.exact), (2, queue_id::made(b"4jX0r06Hp6z1L"), false));
    }
}
