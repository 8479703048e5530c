//! Looking at a file, and reading one that others may be writing.

use super::directory::SystemError;
use super::log::printable;
use super::root::Root;
use nix::sys::stat::makedev;
use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};
use thiserror::Error;

/// How long is waited for a file that is being written.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often is looked, while waiting.
const PAUSE: Duration = Duration::from_millis(5);
/// Who writes a file piece by piece has the next one before this time is over, also on a busy machine.
const QUIET: Duration = Duration::from_secs(1);

/// Why a file cannot be read. The words are Postfix's, where it has some.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("open {path}: {}", super::reason(.reason))]
    Open { path: String, reason: io::Error },
    #[error("read {path}: {}", super::reason(.reason))]
    Read { path: String, reason: io::Error },
    #[error("open {path}: not a regular file")]
    NotRegular { path: String },
    #[error("read {path}: the file keeps changing while it is read")]
    KeepsChanging { path: String },
}

impl ReadError {
    /// Is it that this user may not?
    pub fn is_denied(&self) -> bool {
        let denied = |reason: &io::Error| reason.kind() == io::ErrorKind::PermissionDenied;
        matches!(self, ReadError::Open { reason, .. } | ReadError::Read { reason, .. } if denied(reason))
    }

    /// Is there no such file, or none that can be read? All else is trouble of the system, and says nothing about the file.
    pub fn says_unusable(&self) -> bool {
        let missing = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory, io::ErrorKind::IsADirectory];
        match self {
            ReadError::Open { reason, .. } | ReadError::Read { reason, .. } => missing.contains(&reason.kind()),
            ReadError::NotRegular { .. } => true,
            ReadError::KeepsChanging { .. } => false,
        }
    }
}

/// What stat(2) tells of an absolute path, links followed; None if there is nothing.
///
/// What cannot be looked at may be there or not: to take it for missing could do harm.
pub fn status(root: &Root, path: &Path) -> Result<Option<Metadata>, SystemError> {
    match root.metadata(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        found => found.map(Some).map_err(|error| SystemError::new("stat", path, error)),
    }
}

/// Is there something at an absolute path, links followed?
pub fn exists(root: &Root, path: &Path) -> Result<bool, SystemError> {
    Ok(status(root, path)?.is_some())
}

/// Is there a regular file at an absolute path, links followed?
pub fn is_regular(root: &Root, path: &Path) -> Result<bool, SystemError> {
    Ok(status(root, path)?.is_some_and(|found| found.is_file()))
}

/// Reads a whole regular file, given by its absolute path. A null device is an empty file.
pub fn read(root: &Root, path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut buffer = Vec::new();
    let length = read_into(root, path, &mut buffer)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// Reads a whole regular file, given by its absolute path, in one read(2). The buffer only grows: it serves many files.
///
/// A write that is not atomic is noticed by the size and times (in nanoseconds) before and after the reading, or, between
/// two pieces, by a file that has just been changed and ends in the middle of a line. Then it is read again.
pub fn read_into<'a>(root: &Root, path: &Path, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], ReadError> {
    let name = || printable(path);
    let mut waiting_since = None;
    let is_time_over = |since: &mut Option<Instant>| {
        let over = since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE;
        if !over {
            sleep(PAUSE);
        }
        over
    };
    loop {
        let mut file = root.open(path).map_err(|reason| ReadError::Open { path: name(), reason })?;
        let failed = |reason| ReadError::Read { path: name(), reason };
        let before = file.metadata().map_err(failed)?;
        if before.is_dir() {
            return Err(failed(io::Error::from_raw_os_error(nix::libc::EISDIR)));
        }
        if is_null_device(&before) {
            return Ok(&[]);
        }
        if !before.is_file() {
            return Err(ReadError::NotRegular { path: name() });
        }
        let length = before.len() as usize;
        if buffer.len() < length {
            buffer.try_reserve_exact(length - buffer.len()).map_err(|error| failed(error.into()))?;
            buffer.resize(length, 0);
        }
        let is_whole = match file.read_exact(&mut buffer[..length]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            outcome => outcome.map(|()| true).map_err(failed)?,
        };
        let after = file.metadata().map_err(failed)?;
        match is_whole && stamp(&before) == stamp(&after) {
            // If it stays like this, that is all there is.
            true if !is_being_written(&buffer[..length], &after) || is_time_over(&mut waiting_since) => {
                return Ok(&buffer[..length]);
            }
            false if is_time_over(&mut waiting_since) => return Err(ReadError::KeepsChanging { path: name() }),
            _ => {}
        }
    }
}

/// Returns true for the device that is /dev/null: null(4) gives it this number on every Linux.
fn is_null_device(data: &Metadata) -> bool {
    data.file_type().is_char_device() && data.rdev() == makedev(1, 3)
}

/// Does it seem that more is to come?
fn is_being_written(bytes: &[u8], data: &Metadata) -> bool {
    // Of the clocks of files and of programs, one may be a little ahead.
    let is_new = || {
        let distance = |time: SystemTime| time.elapsed().unwrap_or_else(|ahead| ahead.duration());
        data.modified().is_ok_and(|time| distance(time) < QUIET)
    };
    !bytes.ends_with(b"\n") && is_new()
}

fn stamp(data: &Metadata) -> (u64, i64, i64, i64, i64) {
    (data.len(), data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec())
}
