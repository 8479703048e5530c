//! Removing what Postfix itself has made, and nothing else.
//!
//! A queue directory belongs to an unprivileged user, who may put a link in place of any name at any moment: all is done in
//! open directories, and by the type that a name has there.

use super::plan::{Contents, Part, Removal};
use crate::system::directory::{Directory, SystemError, kind};
use crate::system::log::{Log, printable};
use crate::system::root::Root;
use nix::errno::Errno;
use nix::fcntl::{OFlag, readlinkat};
use nix::sys::stat::{FileStat, SFlag};
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Removes what a plan names, and tells of what has to stay. What is gone already is as good as removed.
pub(super) fn remove(root: &Root, removal: &Removal, log: &Log) -> Result<(), SystemError> {
    let directory = match Directory::open(root, &removal.directory) {
        Err(error) if error.not_found() => return Ok(()),
        directory => directory?,
    };
    for part in &removal.parts {
        remove_part(root, &directory, part, log)?;
    }
    directory.sync()?;
    if !removal.itself {
        return Ok(());
    }
    let (parent, name) = Directory::open_parent(root, &removal.directory)?;
    if !gone(parent.remove_directory(name))? {
        tell(log, &removal.directory);
        return Ok(());
    }
    parent.sync()
}

fn remove_part(root: &Root, directory: &Directory, part: &Part, log: &Log) -> Result<(), SystemError> {
    let name = &part.name;
    let removed = match (directory.look_at(name)?.as_ref().map(kind), part.contents) {
        (None, _) => true,
        (Some(SFlag::S_IFREG | SFlag::S_IFLNK), Contents::File) => gone(directory.remove(name))?,
        (Some(SFlag::S_IFDIR), Contents::Hashed | Contents::Files | Contents::Locks | Contents::Sockets) => {
            remove_directory(directory, name, part.contents)?
        }
        (Some(SFlag::S_IFDIR), Contents::Copies) => remove_copies(root, directory, name, Path::new("/"))?,
        _ => false,
    };
    // The others are not Postfix's own: they are in the way of the directory, which is told.
    if !removed && !matches!(part.contents, Contents::File | Contents::Copies) {
        tell(log, &directory.path_of(name));
    }
    Ok(())
}

/// Removes a directory and such contents, and says whether nothing was left.
fn remove_directory(parent: &Directory, name: &OsStr, contents: Contents) -> Result<bool, SystemError> {
    let Some(directory) = open(parent, name)? else { return gone(parent.remove_directory(name)) };
    for name in directory.names()? {
        let Some(found) = directory.look_at(&name)? else { continue };
        match (kind(&found), contents) {
            (SFlag::S_IFDIR, Contents::Hashed | Contents::Files) if name.len() == 1 => {
                remove_directory(&directory, &name, contents)?;
            }
            (SFlag::S_IFREG, Contents::Locks) if is_lock(&name) => {
                gone(directory.remove(&name))?;
            }
            (SFlag::S_IFREG, Contents::Files) | (SFlag::S_IFSOCK | SFlag::S_IFIFO, Contents::Sockets) => {
                gone(directory.remove(&name))?;
            }
            _ => {}
        }
    }
    gone(parent.remove_directory(name))
}

/// Opens a directory that was there just now: None if somebody has put something else in its place meanwhile, or if it
/// lies deeper than any of Postfix's.
fn open(parent: &Directory, name: &OsStr) -> Result<Option<Directory>, SystemError> {
    let others = [Errno::ENOENT, Errno::ELOOP, Errno::ENOTDIR, Errno::ENAMETOOLONG];
    match parent.child(name) {
        Err(error) if raw(&error).is_some_and(|reason| others.contains(&reason)) => Ok(None),
        directory => directory.map(Some),
    }
}

/// Removes a directory, as far as it holds copies: what is the same as its original is no loss.
fn remove_copies(root: &Root, parent: &Directory, name: &OsStr, original: &Path) -> Result<bool, SystemError> {
    let Some(directory) = open(parent, name)? else { return gone(parent.remove_directory(name)) };
    let original = original.join(name);
    // A bind mount of the original is no copy.
    if is_same(root, &directory.status()?, &original) {
        return Ok(false);
    }
    for name in directory.names()? {
        match directory.look_at(&name)?.as_ref().map(kind) {
            Some(SFlag::S_IFDIR) => {
                remove_copies(root, &directory, &name, &original)?;
            }
            _ if is_copy(root, &directory, &name, &original.join(&name))? => {
                gone(directory.remove(&name))?;
            }
            _ => {}
        }
    }
    gone(parent.remove_directory(name))
}

/// Is it a file with the contents of the original, the same device, or a link that leads to a file of the system?
fn is_copy(root: &Root, directory: &Directory, name: &OsStr, original: &Path) -> Result<bool, SystemError> {
    let Some(found) = directory.look_at(name)?.filter(|found| !is_same(root, found, original)) else {
        return Ok(false);
    };
    Ok(match kind(&found) {
        SFlag::S_IFREG => has_contents_of(root, directory, name, original),
        SFlag::S_IFCHR | SFlag::S_IFBLK => root.metadata(original).is_ok_and(|device| device.rdev() == found.st_rdev),
        SFlag::S_IFLNK => readlinkat(directory, name).is_ok_and(|target| {
            let target = Path::new(&target);
            target.is_absolute() && root.metadata(target).is_ok()
        }),
        _ => false,
    })
}

/// Returns true if a file is the original itself.
fn is_same(root: &Root, found: &FileStat, original: &Path) -> bool {
    root.metadata(original).is_ok_and(|original| (original.dev(), original.ino()) == (found.st_dev, found.st_ino))
}

/// If one of the two cannot be read, they are not the same.
fn has_contents_of(root: &Root, directory: &Directory, name: &OsStr, original: &Path) -> bool {
    let copy = directory.open_file(name, OFlag::O_RDONLY | OFlag::O_NONBLOCK);
    let Some((mut copy, mut original)) = copy.ok().zip(root.open(original).ok()) else { return false };
    // A device may have no end.
    let length = |file: &File| file.metadata().ok().filter(Metadata::is_file).map(|data| data.len());
    let Some(size) = length(&copy).filter(|_| length(&copy) == length(&original)) else { return false };
    let (mut one, mut other) = (Vec::new(), Vec::new());
    let read = |file: &mut File, bytes| file.take(size).read_to_end(bytes);
    read(&mut copy, &mut one).and(read(&mut original, &mut other)).is_ok() && one == other
}

/// The lock of master(8), or of a service by its type and name.
pub fn is_lock(name: &OsStr) -> bool {
    let types = ["unix.", "unix-dgram.", "inet.", "fifo.", "pass."];
    name == "master.pid" || types.iter().any(|kind| name.as_bytes().starts_with(kind.as_bytes()))
}

/// Is it gone? If it has to stay, that is no error here.
fn gone(removed: Result<(), SystemError>) -> Result<bool, SystemError> {
    match removed {
        Err(error) if error.not_found() => Ok(true),
        Err(error) if stays(&error) => Ok(false),
        outcome => outcome.map(|()| true),
    }
}

/// Is it that there is something left in a directory, or that it is none, or a file system of its own?
fn stays(error: &SystemError) -> bool {
    let reasons = [Errno::ENOTEMPTY, Errno::EEXIST, Errno::ENOTDIR, Errno::EISDIR, Errno::EBUSY];
    raw(error).is_some_and(|reason| reasons.contains(&reason))
}

fn raw(error: &SystemError) -> Option<Errno> {
    error.error.raw_os_error().map(Errno::from_raw)
}

fn tell(log: &Log, path: &Path) {
    log.warning(format!("{}: please verify contents and remove by hand", printable(path)));
}
