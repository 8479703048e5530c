//! Owner, group and mode, set on open files only.

use super::apply::{StepError, Undo};
use super::plan::{Permissions, Place};
use crate::system::directory::{Directory, SystemError, kind, mode};
use crate::system::file;
use crate::system::log::{Log, printable};
use crate::system::root::Root;
use indexmap::IndexSet;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat};
use nix::unistd::{Gid, Uid, fchown, fchownat};
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

/// The mode of a new directory, until it has its owner.
const PRIVATE: u32 = 0o700;

/// Sets owner, group and mode; what changes is noted in `undo`.
pub(super) fn set(root: &Root, wanted: &Permissions, log: &Log, undo: &mut Vec<Undo>) -> Result<(), SystemError> {
    let is_new = wanted.create && make(root, &wanted.place)?;
    if is_new {
        undo.push(Undo::RemoveDirectory(wanted.place.clone()));
    }
    if !wanted.directory {
        let file = open(root, &wanted.place, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?;
        return Setting { wanted, log, undo }.set(&file, &wanted.place);
    }
    let directory = open_directory(root, &wanted.place)?;
    let mut setting = Setting { wanted, log, undo };
    setting.set(&directory, &wanted.place)?;
    if wanted.recursive && !is_new { setting.set_below(&directory, &wanted.place) } else { Ok(()) }
}

/// The directories in which something was made or changed: they have to be on stable storage before the commit.
pub(super) fn unsettled(undo: &[Undo]) -> IndexSet<Place> {
    let mut places = IndexSet::new();
    for step in undo {
        match step {
            Undo::RemoveDirectory(place) => places.extend([place.clone(), place.parent()]),
            Undo::SetPermissions { place, status } if kind(status) == SFlag::S_IFDIR => {
                places.insert(place.clone());
            }
            _ => {}
        }
    }
    places
}

/// Gives a file the owner, group and mode that it had. Another file that has its name by now is not given them.
pub(super) fn restore(root: &Root, place: &Place, status: &FileStat) -> Result<(), StepError> {
    let failed = |error: Errno| SystemError::new("chown", place.path(), error);
    let flags = match kind(status) {
        SFlag::S_IFDIR => OFlag::O_RDONLY | OFlag::O_DIRECTORY,
        SFlag::S_IFREG => OFlag::O_RDONLY | OFlag::O_NONBLOCK,
        // A link, a socket: it cannot be opened, and its mode was left alone.
        _ => OFlag::O_PATH,
    };
    let file = open(root, place, flags)?;
    let now = fstat(&file).map_err(failed)?;
    if (now.st_dev, now.st_ino) != (status.st_dev, status.st_ino) {
        return Err(StepError::Changed(printable(place.path())));
    }
    let moved = (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid);
    if moved {
        let (owner, group) = (Uid::from_raw(status.st_uid), Gid::from_raw(status.st_gid));
        fchownat(&file, Path::new(""), Some(owner), Some(group), AtFlags::AT_EMPTY_PATH).map_err(failed)?;
    }
    // With its owner a file may lose some bits of its mode.
    if flags != OFlag::O_PATH && (moved || mode(&now) != mode(status)) {
        fchmod(&file, Mode::from_bits_truncate(mode(status))).map_err(failed)?;
    }
    Ok(())
}

/// Makes a directory that is missing, and says whether it was.
fn make(root: &Root, place: &Place) -> Result<bool, SystemError> {
    if place.below.as_os_str().is_empty() && file::exists(root, &place.base)? {
        return Ok(false);
    }
    with_parent(root, place, |parent, name| match parent.look_at(name)? {
        Some(_) => Ok(false),
        None => {
            parent.make(name, PRIVATE)?;
            Ok(true)
        }
    })
}

/// Opens the directory that holds a place, and does something with the name there.
pub(super) fn with_parent<T>(
    root: &Root,
    place: &Place,
    action: impl FnOnce(&Directory, &OsStr) -> Result<T, SystemError>,
) -> Result<T, SystemError> {
    match (place.below.parent(), place.below.file_name()) {
        (Some(above), Some(name)) => action(&Directory::open(root, &place.base)?.descend(above)?, name),
        _ => {
            let (parent, name) = Directory::open_parent(root, &place.base)?;
            action(&parent, name)
        }
    }
}

pub(super) fn open_directory(root: &Root, place: &Place) -> Result<Directory, SystemError> {
    Directory::open(root, &place.base)?.descend(&place.below)
}

fn open(root: &Root, place: &Place, flags: OFlag) -> Result<std::fs::File, SystemError> {
    if place.below.as_os_str().is_empty() {
        return root.open(&place.base).map_err(|error| SystemError::new("open", &place.base, error));
    }
    with_parent(root, place, |parent, name| parent.open_file(name, flags))
}

/// What is wanted of one entry of postfix-files.
struct Setting<'a> {
    wanted: &'a Permissions,
    log: &'a Log,
    undo: &'a mut Vec<Undo>,
}

impl Setting<'_> {
    /// Sets owner, group and mode of an open file.
    fn set(&mut self, file: impl AsFd, place: &Place) -> Result<(), SystemError> {
        let failed = |operation, error| SystemError::new(operation, place.path(), io::Error::from(error));
        let status = fstat(&file).map_err(|error| failed("stat", error))?;
        let (owner, group) = self.owners(&status);
        let wanted = self.wanted.mode_over(mode(&status), kind(&status) == SFlag::S_IFDIR);
        let new_mode = (mode(&status) != wanted).then_some(wanted);
        if owner.is_none() && group.is_none() && new_mode.is_none() {
            return Ok(());
        }
        self.undo.push(Undo::SetPermissions { place: place.clone(), status });
        if owner.is_some() || group.is_some() {
            fchown(&file, owner, group).map_err(|error| failed("chown", error))?;
        }
        match new_mode {
            Some(mode) => fchmod(&file, Mode::from_bits_truncate(mode)).map_err(|error| failed("chmod", error)),
            None => Ok(()),
        }
    }

    /// The owner and group that a file has to get; None where it has them.
    fn owners(&self, status: &FileStat) -> (Option<Uid>, Option<Gid>) {
        let Permissions { owner, group, .. } = self.wanted;
        let owner = Some(owner.id).filter(|id| *id != status.st_uid);
        let group = group.as_ref().map(|group| group.id).filter(|id| *id != status.st_gid);
        (owner.map(Uid::from_raw), group.map(Gid::from_raw))
    }

    /// Sets the owner of all that lies below a directory, and the mode of the directories: that of a queue file means something.
    fn set_below(&mut self, directory: &Directory, place: &Place) -> Result<(), SystemError> {
        for name in directory.names()? {
            let place = Place { base: place.base.clone(), below: place.below.join(&name) };
            let Some(status) = directory.look_at(&name)? else { continue };
            if kind(&status) == SFlag::S_IFDIR {
                let child = directory.child(&name)?;
                self.set(&child, &place)?;
                self.set_below(&child, &place)?;
            } else if self.owners(&status) != (None, None) {
                self.set_owner(directory, &name, &place)?;
            }
        }
        Ok(())
    }

    /// Sets the owner of a file that is no directory, and perhaps cannot be opened: a link, a socket.
    fn set_owner(&mut self, directory: &Directory, name: &OsStr, place: &Place) -> Result<(), SystemError> {
        let failed = |error| SystemError::new("chown", place.path(), io::Error::from(error));
        let file = directory.open_file(name, OFlag::O_PATH)?;
        let status = fstat(&file).map_err(failed)?;
        // It could be a file from elsewhere, which its owner was not to be given.
        if status.st_nlink > 1 {
            let path = printable(place.path());
            self.log.warning(format!("{path}: this file has other names, too: its owner is left as it is"));
            return Ok(());
        }
        self.undo.push(Undo::SetPermissions { place: place.clone(), status });
        let (owner, group) = self.owners(&status);
        fchownat(&file, Path::new(""), owner, group, AtFlags::AT_EMPTY_PATH).map_err(failed)
    }
}
