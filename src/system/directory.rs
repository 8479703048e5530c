//! A directory held open, so that what is done in it is done in this one.
//!
//! On a path, whoever owns a directory can put a link in place of what lies in it, at any moment. Here all is reached by
//! one name at a time, and no link is followed but those in the absolute path that is opened first.

use super::log::printable;
use super::reason;
use super::root::Root;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{AccessFlags, UnlinkatFlags, faccessat, fsync, geteuid, unlinkat};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
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
}

const OPEN: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

impl Directory {
    /// Opens an absolute path. Links in it are followed.
    pub fn open(root: &Root, path: &Path) -> Result<Directory, SystemError> {
        let descriptor = root.open_with(path, OPEN).map_err(|error| SystemError::new("open", path, error))?;
        Ok(Directory { descriptor: descriptor.into(), path: path.to_owned() })
    }

    /// Opens the directory that holds an absolute path, and returns it with the last name of that path.
    pub fn open_parent<'p>(root: &Root, path: &'p Path) -> Result<(Directory, &'p OsStr), SystemError> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok((Directory::open(root, parent)?, name)),
            _ => Err(SystemError::new("open", path, Errno::EINVAL)),
        }
    }

    /// Opens a directory in this one; a link is refused.
    pub fn child(&self, name: &OsStr) -> Result<Directory, SystemError> {
        let descriptor = self.open_file(name, OPEN)?.into();
        Ok(Directory { descriptor, path: self.path_of(name) })
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

    fn status(&self) -> Result<FileStat, SystemError> {
        fstat(self).map_err(|error| SystemError::new("stat", &self.path, error))
    }

    /// All names in it, sorted, but `.` and `..`.
    pub fn names(&self) -> Result<Vec<OsString>, SystemError> {
        let failed = |error| SystemError::new("read", &self.path, io::Error::from(error));
        let mut open = Dir::openat(self, ".", OPEN, Mode::empty()).map_err(failed)?;
        let names = open.iter().map(|entry| Ok(OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned()));
        let mut names: Vec<OsString> = names.collect::<Result<_, Errno>>().map_err(failed)?;
        names.retain(|name| name != "." && name != "..");
        names.sort();
        Ok(names)
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

    /// Waits until the names in it are on stable storage.
    pub fn sync(&self) -> Result<(), SystemError> {
        fsync(self).map_err(|error| SystemError::new("fsync", &self.path, error))
    }

    /// Can only root, or this user, have put there what is in it?
    pub fn is_trusted(&self) -> Result<bool, SystemError> {
        let status = self.status()?;
        Ok((status.st_uid == 0 || status.st_uid == geteuid().as_raw()) && mode(&status) & 0o022 == 0)
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

/// The type of a file, of the `S_IF` constants.
pub fn kind(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}

/// The mode of a file, without its type.
pub fn mode(status: &FileStat) -> u32 {
    status.st_mode & 0o7777
}
