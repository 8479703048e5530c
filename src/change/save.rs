//! Replacing a file by a new one: whole, durable, and with the attributes that it had.

use super::lock::{Lock, Turn};
use crate::system::directory::{SystemError, kind, mode};
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, SFlag, fchmod, fstat};
use nix::unistd::{Gid, Uid, fchown};
use std::fs::{File, FileTimes};
use std::io::{self, Write};
use std::path::Path;
use thiserror::Error;
use xattr::FileExt;

/// The mode of a file that is like no other.
const MODE: u32 = 0o644;

/// Where the attributes of a new file come from.
#[derive(Debug)]
pub enum Model<'a> {
    /// The file that it replaces, if there is one.
    Replaced,
    /// Another file, of which it is a copy, down to the time of its last change.
    Copied(&'a File, &'a Path),
}

/// A file was not replaced, or it was, but may be lost if the system crashes now.
#[derive(Debug, Error)]
pub enum SaveError {
    #[error(transparent)]
    NotReplaced(SystemError),
    #[error("{0}. The new file is in place, but a crash of the system could still bring back the old one")]
    NotDurable(SystemError),
}

impl Lock {
    /// Puts a file with these bytes in place. Up to the one rename(2) that does it, nothing of it can be seen.
    pub fn save(mut self, bytes: &[u8], model: Model) -> Result<(), SaveError> {
        let Some(turn) = self.turns.last_mut() else { return Ok(()) };
        turn.fill(bytes, model).map_err(SaveError::NotReplaced)?;
        turn.directory.rename(&turn.temporary, &turn.name).map_err(SaveError::NotReplaced)?;
        turn.pending = false;
        turn.directory.sync().map_err(SaveError::NotDurable)
    }
}

impl Turn {
    fn fill(&mut self, bytes: &[u8], model: Model) -> Result<(), SystemError> {
        let path = self.directory.path_of(&self.temporary);
        self.new.write_all(bytes).map_err(|error| SystemError::new("write", &path, error))?;
        match model {
            Model::Replaced => match self.replaced()? {
                Some(old) => copy_attributes((&old, &self.directory.path_of(&self.name)), (&self.new, &path))?,
                None => set_mode(&self.new, MODE).map_err(|error| SystemError::new("chmod", &path, error))?,
            },
            Model::Copied(file, of) => {
                copy_attributes((file, of), (&self.new, &path))?;
                let time = file.metadata().and_then(|found| found.modified());
                let times = FileTimes::new().set_modified(time.map_err(|error| SystemError::new("stat", of, error))?);
                self.new.set_times(times).map_err(|error| SystemError::new("utime", &path, error))?;
            }
        }
        self.new.sync_all().map_err(|error| SystemError::new("fsync", path, error))
    }

    /// The file to be replaced, if there is one.
    fn replaced(&self) -> Result<Option<File>, SystemError> {
        match self.directory.look_at(&self.name)? {
            Some(found) if kind(&found) == SFlag::S_IFREG => {
                self.directory.open_file(&self.name, OFlag::O_RDONLY | OFlag::O_NONBLOCK).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// Owner, group, extended attributes (ACLs and security labels are such), and last the mode, which the others affect.
fn copy_attributes((from, of): (&File, &Path), (to, path): (&File, &Path)) -> Result<(), SystemError> {
    let failed = |operation, error: io::Error| SystemError::new(operation, path, error);
    let status = |file, path| fstat(file).map_err(|error| SystemError::new("stat", path, error));
    let (old, new) = (status(from, of)?, status(to, path)?);
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid) {
        fchown(to, Some(Uid::from_raw(old.st_uid)), Some(Gid::from_raw(old.st_gid)))
            .map_err(|error| failed("chown", error.into()))?;
    }
    copy_extended(from, to).map_err(|error| failed("setxattr", error))?;
    set_mode(to, mode(&old)).map_err(|error| failed("chmod", error))
}

fn copy_extended(from: &File, to: &File) -> io::Result<()> {
    // Not every file system has them.
    let names = match from.list_xattr() {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(()),
        names => names?,
    };
    let names: Vec<_> = names.collect();
    // A directory may give its new files an ACL that the old one has not.
    for name in to.list_xattr()?.filter(|name| !names.contains(name)) {
        to.remove_xattr(&name)?;
    }
    for name in names {
        let value = from.get_xattr(&name)?;
        // The label that the new file has got by itself may be the right one already, and not for us to set.
        if value.is_some() && value != to.get_xattr(&name)? {
            to.set_xattr(&name, &value.unwrap_or_default())?;
        }
    }
    Ok(())
}

fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    Ok(fchmod(file, Mode::from_bits_truncate(mode))?)
}
