//! Replacing a file by a new one: whole, durable, and with the attributes that it had.

use super::attributes::{copy_attributes, set_mode};
use super::lock::{Lock, Turn};
use crate::system::directory::{SystemError, kind};
use crate::system::log::printable;
use nix::fcntl::OFlag;
use nix::sys::stat::SFlag;
use std::fs::{File, FileTimes};
use std::io::Write;
use std::path::Path;
use thiserror::Error;

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
    ///
    /// Returns a warning for each attribute of the model that the new file has not got.
    pub fn save(mut self, bytes: &[u8], model: Model) -> Result<Vec<String>, SaveError> {
        let Some(turn) = self.turns.last_mut() else { return Ok(Vec::new()) };
        let warnings = turn.fill(bytes, model).map_err(SaveError::NotReplaced)?;
        turn.directory.rename(&turn.temporary, &turn.name).map_err(SaveError::NotReplaced)?;
        turn.pending = false;
        turn.directory.sync().map_err(SaveError::NotDurable)?;
        Ok(warnings)
    }
}

impl Turn {
    fn fill(&mut self, bytes: &[u8], model: Model) -> Result<Vec<String>, SystemError> {
        let path = self.directory.path_of(&self.temporary);
        let place = self.directory.path_of(&self.name);
        self.new.write_all(bytes).map_err(|error| SystemError::new("write", &path, error))?;
        let to = (&self.new, &*path);
        let wrong = match model {
            Model::Replaced => match self.replaced()? {
                Some(old) => copy_attributes((&old, &place), to)?,
                None => {
                    set_mode(&self.new, MODE).map_err(|error| SystemError::new("chmod", &path, error))?;
                    Vec::new()
                }
            },
            Model::Copied(file, of) => {
                let wrong = copy_attributes((file, of), to)?;
                let time = file.metadata().and_then(|found| found.modified());
                let times = FileTimes::new().set_modified(time.map_err(|error| SystemError::new("stat", of, error))?);
                self.new.set_times(times).map_err(|error| SystemError::new("utime", &path, error))?;
                wrong
            }
        };
        self.new.sync_all().map_err(|error| SystemError::new("fsync", &path, error))?;
        Ok(wrong.into_iter().map(|wrong| format!("{}: {wrong}", printable(&place))).collect())
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
