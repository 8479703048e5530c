//! A directory held open, so that what is done in it is done in this one.
//!
//! On a path, whoever owns a directory can put a link in place of what lies in it, at any moment. Here all is reached by
//! one name at a time, and no link is followed but those in the absolute path that is opened first.

use super::log::printable;
use super::reason;
use super::root::Root;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{AccessFlags, UnlinkatFlags, Whence, faccessat, fsync, geteuid, lseek, unlinkat};
use rustix::fs::{FileType, RawDir, StatxFlags, statx};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use thiserror::Error;

/// What the system refused to do, in the words that Postfix has for it: `mkdir /etc/postfix-a: Permission denied`.
#[derive(Debug, Error)]
#[error("{operation} {}: {}", printable(.path), reason(.error))]
pub struct SystemError {
    pub operation: &'static str,
    pub path: PathBuf,
    pub error: io::Error,
}

impl SystemError {
    pub fn new(operation: &'static str, path: impl Into<PathBuf>, error: impl Into<io::Error>) -> SystemError {
        SystemError { operation, path: path.into(), error: error.into() }
    }

    /// Is it that there is no such file?
    pub fn not_found(&self) -> bool {
        self.error.kind() == io::ErrorKind::NotFound
    }

    /// Is it that this user may not?
    pub fn is_denied(&self) -> bool {
        self.error.kind() == io::ErrorKind::PermissionDenied
    }

    /// Is it that there is something else than a directory?
    pub fn not_a_directory(&self) -> bool {
        self.error.kind() == io::ErrorKind::NotADirectory
    }
}

/// A directory, open for reading.
#[derive(Debug)]
pub struct Directory {
    descriptor: OwnedFd,
    /// How it was reached: for messages only.
    path: PathBuf,
    /// How many directories it lies below the one that was opened by its path.
    depth: usize,
}

/// The bits of a mode by which others than the owner may change names in a directory.
pub const OTHERS_WRITE: u32 = 0o022;
/// The one by which they may not change those of others.
const STICKY: u32 = 0o1000;

/// How far down a path is followed, one name at a time. Whoever makes more directories in one another wants to see
/// what becomes of those who follow.
const MAX_DEPTH: usize = 100;

/// As many bytes of a directory's entries are read at once.
const ENTRIES: usize = 32 << 10;

const OPEN: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

impl Directory {
    /// Opens an absolute path. Links in it are followed.
    pub fn open(root: &Root, path: &Path) -> Result<Directory, SystemError> {
        let descriptor = root.open_with(path, OPEN).map_err(|error| SystemError::new("open", path, error))?;
        Ok(Directory { descriptor: descriptor.into(), path: path.to_owned(), depth: 0 })
    }

    /// Opens the directory that holds an absolute path, and returns it with the last name of that path.
    pub fn open_parent<'p>(root: &Root, path: &'p Path) -> Result<(Directory, &'p OsStr), SystemError> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok((Directory::open(root, parent)?, name)),
            _ => Err(SystemError::new("open", path, Errno::EINVAL)),
        }
    }

    /// Opens a directory in this one; a link is refused, and so is what lies too deep.
    pub fn child(&self, name: &OsStr) -> Result<Directory, SystemError> {
        if self.depth == MAX_DEPTH {
            return Err(self.failed("open", name, Errno::ENAMETOOLONG));
        }
        let descriptor = self.open_file(name, OPEN)?.into();
        Ok(Directory { descriptor, path: self.path_of(name), depth: self.depth + 1 })
    }

    /// Goes down from here by a relative path, of which no part may be a link.
    pub fn descend(self, below: &Path) -> Result<Directory, SystemError> {
        below.iter().try_fold(self, |directory, name| directory.child(name))
    }

    /// Opens or creates a file; a link is refused. A file that is created has mode 0600.
    pub fn open_file(&self, name: &OsStr, flags: OFlag) -> Result<File, SystemError> {
        let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(self, name, flags, Mode::S_IRUSR | Mode::S_IWUSR);
        file.map(File::from).map_err(|error| self.failed("open", name, error))
    }

    /// Makes a directory in this one.
    pub fn make(&self, name: &OsStr, mode: u32) -> Result<(), SystemError> {
        mkdirat(self, name, Mode::from_bits_truncate(mode)).map_err(|error| self.failed("mkdir", name, error))
    }

    /// What lstat(2) tells of a name; None if there is no such name.
    pub fn look_at(&self, name: &OsStr) -> Result<Option<FileStat>, SystemError> {
        match fstatat(self, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => Ok(None),
            other => other.map(Some).map_err(|error| self.failed("stat", name, error)),
        }
    }

    /// The status of the directory, by fstat(2).
    pub fn status(&self) -> Result<FileStat, SystemError> {
        fstat(self).map_err(|error| SystemError::new("stat", &self.path, error))
    }

    /// All names in it, sorted, but `.` and `..`.
    pub fn names(&self) -> Result<Vec<OsString>, SystemError> {
        let mut names = Vec::new();
        self.each(|name, _| {
            names.push(name.to_owned());
            Ok(())
        })?;
        names.sort();
        Ok(names)
    }

    /// Shows each name in it but `.` and `..`, in no order, with the type of the file. Nothing is kept, however many they are.
    ///
    /// A file is looked at only where the directory itself does not know its type; one that is gone meanwhile is left out,
    /// and a directory that is gone itself is empty.
    pub fn each(&self, mut show: impl FnMut(&OsStr, SFlag) -> Result<(), SystemError>) -> Result<(), SystemError> {
        let failed = |error| SystemError::new("read", &self.path, error);
        lseek(self, 0, Whence::SeekSet).map_err(|error| failed(error.into()))?;
        let mut buffer = [const { MaybeUninit::uninit() }; ENTRIES];
        let mut entries = RawDir::new(self, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Err(rustix::io::Errno::NOENT) => break,
                entry => entry.map_err(|error| failed(io::Error::from(error)))?,
            };
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let known = match entry.file_type() {
                FileType::Unknown => self.look_at(name)?.as_ref().map(kind),
                known => Some(SFlag::from_bits_truncate(known.as_raw_mode())),
            };
            known.map_or(Ok(()), |kind| show(name, kind))?;
        }
        Ok(())
    }

    /// When a file was made, if the file system keeps that; None, too, if there is no such file any more.
    pub fn made(&self, name: &OsStr) -> Result<Option<SystemTime>, SystemError> {
        // What a server on the network knows by now is not asked for: this does not change.
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW | rustix::fs::AtFlags::STATX_DONT_SYNC;
        let status = match statx(self, name, flags, StatxFlags::BTIME) {
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOSYS) => return Ok(None),
            status => status.map_err(|error| SystemError::new("stat", self.path_of(name), error))?,
        };
        let is_known = status.stx_mask & StatxFlags::BTIME.bits() != 0;
        let seconds = u64::try_from(status.stx_btime.tv_sec).ok().filter(|_| is_known);
        Ok(seconds.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))
    }

    /// Removes a file, whatever its type; a link is removed itself.
    pub fn remove(&self, name: &OsStr) -> Result<(), SystemError> {
        unlinkat(self, name, UnlinkatFlags::NoRemoveDir).map_err(|error| self.failed("unlink", name, error))
    }

    /// Removes an empty directory.
    pub fn remove_directory(&self, name: &OsStr) -> Result<(), SystemError> {
        unlinkat(self, name, UnlinkatFlags::RemoveDir).map_err(|error| self.failed("rmdir", name, error))
    }

    /// Gives a file in this directory another name here, in place of what has that name.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> Result<(), SystemError> {
        renameat(self, from, self, to).map_err(|error| self.failed("rename", from, error))
    }

    /// Waits until the names in it are on stable storage, if the file system can do that for a directory. Some on a network
    /// cannot, and no other program waits for it.
    pub fn sync(&self) -> Result<(), SystemError> {
        match fsync(self) {
            Err(Errno::EINVAL | Errno::ENOSYS | Errno::EBADF | Errno::EOPNOTSUPP) => Ok(()),
            outcome => outcome.map_err(|error| SystemError::new("fsync", &self.path, error)),
        }
    }

    /// Where others than root and this user may have put there what is in it: here, or in a directory above.
    pub fn untrusted(&self, root: &Root) -> Result<Option<PathBuf>, SystemError> {
        let status = self.status()?;
        match is_ours(status.st_uid) && mode(&status) & OTHERS_WRITE == 0 {
            true => untrusted_above(root, &self.path),
            false => Ok(Some(self.path.clone())),
        }
    }

    /// Refuses, with the system's reason, if names cannot be made or removed here.
    pub fn check_writable(&self) -> Result<(), Errno> {
        faccessat(self, ".", AccessFlags::W_OK | AccessFlags::X_OK, AtFlags::AT_EACCESS)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a name in it: for messages only.
    pub fn path_of(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    fn failed(&self, operation: &'static str, name: &OsStr, error: Errno) -> SystemError {
        SystemError::new(operation, self.path_of(name), error)
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// A directory above in which others than root and this user can put something else in place of an absolute path, by its
/// name or by that of a directory on the way. What is missing is about to be made.
pub fn untrusted_above(root: &Root, path: &Path) -> Result<Option<PathBuf>, SystemError> {
    let found = |path: &Path| match root.metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some).map_err(|error| SystemError::new("stat", path, error)),
    };
    for way in [path.to_owned(), root.resolve(path)] {
        let mut below_is_ours = found(path)?.is_some_and(|below| is_ours(below.uid()));
        for above in way.ancestors().skip(1) {
            let Some(directory) = found(above)? else { continue };
            // In a sticky directory, a name is changed by its owner only.
            let is_kept = directory.mode() & STICKY != 0 && below_is_ours;
            if !is_ours(directory.uid()) || (directory.mode() & OTHERS_WRITE != 0 && !is_kept) {
                return Ok(Some(above.to_owned()));
            }
            below_is_ours = true;
        }
    }
    Ok(None)
}

fn is_ours(owner: u32) -> bool {
    owner == 0 || owner == geteuid().as_raw()
}

/// The type of a file, of the `S_IF` constants.
pub fn kind(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}

/// The mode of a file, without its type.
pub fn mode(status: &FileStat) -> u32 {
    status.st_mode & 0o7777
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_gone_is_empty() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("name"), "").unwrap();
        let directory = Directory::open(&Root::host(), place.path()).unwrap();
        assert_eq!(directory.names().unwrap(), ["name"]);
        place.close().unwrap();
        assert_eq!(directory.names().unwrap(), [""; 0]);
    }
}
