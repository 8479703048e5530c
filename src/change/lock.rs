//! main.cf.tmp: the lock by which Postfix's tools take turns at main.cf, and the new file itself until it is renamed.
//!
//! The protocol is that of all of Postfix (edit_file(3)): who holds an exclusive flock(2) on the file that has this name
//! owns main.cf. What a crash leaves under the name is used again, or removed if it cannot be trusted.

use crate::system::directory::{Directory, SystemError, kind, mode};
use crate::system::holder::holder;
use crate::system::log::{Log, printable};
use crate::system::process::signal_waits;
use crate::system::root::Root;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, SFlag, fstat};
use nix::unistd::geteuid;
use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use thiserror::Error;

/// The end of the name of a file that is to replace the one without it.
const SUFFIX: &str = ".tmp";
/// The mode of such a file. Any other mode is what a crash has left.
const MODE: u32 = 0o600;
/// How long is waited in silence.
const SILENCE: Duration = Duration::from_secs(1);
/// How often is asked, while waiting, whether to go on.
const PULSE: Duration = Duration::from_millis(100);

/// Why a file is not locked.
#[derive(Debug, Error)]
pub enum LockError {
    #[error(transparent)]
    System(#[from] SystemError),
    #[error("{file} was not free within {seconds} seconds{holder}: try again later")]
    Timeout { file: String, seconds: u64, holder: String },
}

impl LockError {
    /// Is it that this user, or anybody, may not write there? Then there may be more to say about the request.
    pub fn not_permitted(&self) -> bool {
        let refused = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
        matches!(self, LockError::System(error) if refused.contains(&error.error.kind()))
    }
}

/// The right to replace one file. It ends when this is dropped, and the file is as it was.
#[derive(Debug)]
pub struct Lock {
    /// The file, as named.
    pub(super) file: PathBuf,
    /// What is locked; last, where the new file is made, which is elsewhere if the file is a symbolic link.
    pub(super) turns: Vec<Turn>,
}

/// An exclusive lock on a name that ends in `.tmp`.
#[derive(Debug)]
pub(super) struct Turn {
    pub directory: Directory,
    /// The name to be replaced.
    pub name: OsString,
    pub temporary: OsString,
    pub new: File,
    /// Has the new file still its temporary name?
    pub pending: bool,
}

/// How long to wait for others, and whom to tell.
#[derive(Debug, Clone, Copy)]
pub struct Patience<'a> {
    pub limit: Duration,
    pub log: &'a Log,
}

impl Lock {
    /// Waits for the right to replace the file at an absolute path, which need not exist.
    pub fn acquire(root: &Root, file: &Path, patience: Patience) -> Result<Lock, LockError> {
        let (directory, name) = Directory::open_parent(root, file)?;
        let mut turns = vec![Turn::wait(directory, name, patience)?];
        // Who had the lock before may have put a file in place of a link.
        if let Some(real) = linked_file(root, &turns[0].directory, file)? {
            let (directory, name) = Directory::open_parent(root, &real)?;
            if let Some(untrusted) = directory.untrusted(root)? {
                let (file, directory) = (printable(file), printable(untrusted));
                patience.log.warning(format!(
                    "{file} is a link into {directory}, where other users can replace the file: put the file in place of the link"
                ));
            }
            turns.push(Turn::wait(directory, name, patience)?);
        }
        Ok(Lock { file: file.to_owned(), turns })
    }

    /// The file that may be replaced, as named.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

/// The true path of the regular file that `file` in `directory` is a link to. None if it is no link, or a link to something
/// else, such as /dev/null: then the link itself is replaced, as by postconf(1) -e.
///
/// # Errors
/// The link leads nowhere: its target would be the lock that is held already.
pub(super) fn linked_file(root: &Root, directory: &Directory, file: &Path) -> Result<Option<PathBuf>, SystemError> {
    let found = directory.look_at(file.file_name().unwrap_or_default())?;
    if found.is_none_or(|found| kind(&found) != SFlag::S_IFLNK) {
        return Ok(None);
    }
    let target = root.metadata(file).map_err(|error| SystemError::new("open", file, error))?;
    Ok(target.is_file().then(|| root.resolve(file)))
}

impl Turn {
    fn wait(directory: Directory, name: &OsStr, patience: Patience) -> Result<Turn, LockError> {
        let mut temporary = name.to_owned();
        temporary.push(SUFFIX);
        let path = directory.path_of(&temporary);
        let failed = |operation, error: io::Error| SystemError::new(operation, &path, error);
        let (deadline, seconds) = (Instant::now() + patience.limit, patience.limit.as_secs());
        let timeout = |new| LockError::Timeout { file: printable(&path), seconds, holder: held_by(new) };
        let mut told = false;
        loop {
            let (new, made) = open_or_make(&directory, &temporary)?;
            let slow = || {
                if !std::mem::replace(&mut told, true) {
                    patience.log.warning(format!("waiting for {}{}", printable(&path), held_by(&new)));
                }
            };
            if !lock_until(&new, deadline, slow).map_err(|error| failed("lock", error))? {
                return Err(timeout(&new));
            }
            match claim(&directory, &temporary, &new, made) {
                Ok(Claim::Held) => {
                    return Ok(Turn { directory, name: name.to_owned(), temporary, new, pending: true });
                }
                Ok(Claim::Lost) if Instant::now() >= deadline => return Err(timeout(&new)),
                Ok(Claim::Lost | Claim::Removed) => {}
                Err(error) => {
                    withdraw(&directory, &temporary, &new);
                    return Err(error.into());
                }
            }
        }
    }
}

/// Opens main.cf.tmp. The second value is true if this call has made it.
fn open_or_make(directory: &Directory, name: &OsStr) -> Result<(File, bool), SystemError> {
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NONBLOCK;
    match directory.open_file(name, flags | OFlag::O_EXCL) {
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Ok((directory.open_file(name, flags)?, false))
        }
        new => Ok((new?, true)),
    }
}

/// What becomes of a file that has just been locked.
enum Claim {
    /// It is empty now, and ours.
    Held,
    /// It was not one to be used.
    Removed,
    /// Who held the lock has renamed or removed it meanwhile.
    Lost,
}

fn claim(directory: &Directory, name: &OsStr, new: &File, made: bool) -> Result<Claim, SystemError> {
    let failed = |operation, error: io::Error| SystemError::new(operation, directory.path_of(name), error);
    let locked = fstat(new).map_err(|error| failed("stat", error.into()))?;
    match directory.look_at(name)? {
        Some(named) if is_same(&named, &locked) && is_trusted(&named, made) => {
            new.set_len(0).map_err(|error| failed("truncate", error))?;
            Ok(Claim::Held)
        }
        Some(named) if is_same(&named, &locked) => directory.remove(name).map(|()| Claim::Removed),
        _ => Ok(Claim::Lost),
    }
}

/// Removes a new file while it is still locked: the next one must not find it half written.
fn withdraw(directory: &Directory, name: &OsStr, new: &File) {
    // It may be gone already, and the name another's.
    let named = directory.look_at(name).ok().flatten();
    let is_ours = fstat(new).ok().zip(named).is_some_and(|(new, named)| is_same(&new, &named));
    if is_ours {
        let _ = directory.remove(name);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.pending {
            withdraw(&self.directory, &self.temporary, &self.new);
        }
    }
}

fn is_same(one: &FileStat, other: &FileStat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// A crash may leave a file under two names, or with the mode that it was to have in the end; and somebody else, who made
/// the file, could still write to it when it is in place.
///
/// A file that this process has made is its own, whatever owner and mode the file system shows: NFS may show another user.
fn is_trusted(status: &FileStat, made: bool) -> bool {
    let ours = made || (status.st_uid == geteuid().as_raw() && mode(status) == MODE);
    ours && kind(status) == SFlag::S_IFREG && status.st_nlink == 1
}

/// Locks a file, and says whether that was possible in time. `slow` is called if it takes long, and an interrupt ends it.
fn lock_until(file: &File, deadline: Instant, slow: impl FnOnce()) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => return Ok(true),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // The kernel gives the lock to those who wait, in their order, but knows no time limit.
    let (waiting, (sender, receiver)) = (file.try_clone()?, channel());
    thread::Builder::new().spawn(move || sender.send(waiting.lock()))?;
    let (started, mut slow) = (Instant::now(), Some(slow));
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left.min(PULSE)) {
            Ok(locked) => return locked.map(|()| true),
            Err(_) if signal_waits() => return Err(io::ErrorKind::Interrupted.into()),
            Err(_) if left.is_zero() => return Ok(false),
            Err(_) if started.elapsed() < SILENCE => {}
            Err(_) => slow.take().into_iter().for_each(|slow| slow()),
        }
    }
}

fn held_by(file: &File) -> String {
    holder(file).map(|who| format!(", held by {who}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::{Mode, fchmod};

    /// A file system that shows other owners and modes than it was given, as some on a network do.
    #[test]
    fn new_file_is_ours_whatever_the_file_system_shows() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::open(&Root::host(), place.path()).unwrap();
        let name = OsStr::new("main.cf.tmp");
        for expected in [true, false] {
            let (new, made) = open_or_make(&directory, name).unwrap();
            assert_eq!(made, expected);
            fchmod(&new, Mode::from_bits_truncate(0o755)).unwrap();
            let claim = claim(&directory, name, &new, made).unwrap();
            assert_eq!(matches!(claim, Claim::Held), made);
        }
        assert!(directory.look_at(name).unwrap().is_none());
    }
}
