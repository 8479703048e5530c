//! Looking before leaping: what a plan would fail at, as far as that can be known before anything is changed.

use super::lock::linked_file;
use super::permissions::with_parent;
use super::plan::{Permissions, Plan, Removal, Step};
use crate::system::directory::{Directory, SystemError, kind, mode, untrusted_above};
use crate::system::file;
use crate::system::log::printable;
use crate::system::root::Root;
use nix::errno::Errno;
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::geteuid;
use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Finds the first step that this user, or anybody, cannot do.
pub fn check(root: &Root, plan: &Plan) -> Result<(), SystemError> {
    let mut check = Check { root, made: HashSet::new(), staying: HashSet::new() };
    plan.prepare.iter().try_for_each(|step| check.step(step))?;
    plan.commit.iter().filter(|write| write.changes()).try_for_each(|write| check.write(&write.path))?;
    plan.finish.iter().try_for_each(|step| check.step(step))
}

struct Check<'a> {
    root: &'a Root,
    /// What will be there because earlier steps make it.
    made: HashSet<PathBuf>,
    /// What nobody else can put something else in place of.
    staying: HashSet<PathBuf>,
}

impl Check<'_> {
    fn step(&mut self, step: &Step) -> Result<(), SystemError> {
        match step {
            Step::MakeDirectory { path, .. } => {
                self.make(path)?;
                self.stays(path)?;
                self.made.extend(path.ancestors().map(PathBuf::from));
            }
            Step::SetPermissions(permissions) => {
                self.permissions(permissions)?;
                self.stays(&permissions.place.base)?;
            }
            Step::Write(write) if write.changes() => {
                self.write(&write.path)?;
                self.made.insert(write.path.clone());
            }
            Step::Remove(removal) if file::exists(self.root, &removal.directory)? => match self.removable(removal) {
                // Somebody else has just removed it.
                Err(error) if error.not_found() => {}
                outcome => outcome?,
            },
            Step::Write(_) | Step::Remove(_) | Step::Run { .. } => {}
        }
        Ok(())
    }

    /// A directory can be made if the nearest one above it that is there can be written.
    fn make(&self, path: &Path) -> Result<(), SystemError> {
        for above in path.ancestors() {
            match file::status(self.root, above)? {
                Some(found) if !found.is_dir() => return Err(SystemError::new("mkdir", path, Errno::ENOTDIR)),
                Some(_) if above == path => return Ok(()),
                Some(_) => return self.writable(above, "mkdir", path),
                // `..` below what is not there leads nowhere.
                None if above.file_name().is_none() => return Err(SystemError::new("mkdir", path, Errno::ENOENT)),
                None => {}
            }
        }
        Ok(())
    }

    /// A file can be written if a new one can be made beside it, and take its name.
    fn write(&self, path: &Path) -> Result<(), SystemError> {
        if path.parent().is_none_or(|directory| self.made.contains(directory)) {
            return Ok(());
        }
        let directory = self.beside(path)?;
        match linked_file(self.root, &directory, path)? {
            Some(real) => check_replaceable(&self.beside(&real)?, &real),
            None => check_replaceable(&directory, path),
        }
    }

    /// The directory in which the file is made that is to replace another one.
    fn beside(&self, path: &Path) -> Result<Directory, SystemError> {
        let (directory, _) = Directory::open_parent(self.root, path)?;
        match directory.check_writable() {
            Ok(()) => Ok(directory),
            Err(reason) => Err(SystemError::new("open", temporary(path), reason)),
        }
    }

    /// Only root may give files away, and change files of others.
    fn permissions(&mut self, wanted: &Permissions) -> Result<(), SystemError> {
        let path = wanted.place.path();
        if !self.made.contains(&path) && !self.is_there(wanted, &path)? {
            self.made.insert(path.clone());
        }
        let mine = |id: u32| id == geteuid().as_raw();
        let is_mine = || Ok(file::status(self.root, &path)?.is_none_or(|found| mine(found.uid())));
        match geteuid().is_root() || (mine(wanted.owner.id) && is_mine()?) {
            true => Ok(()),
            false => Err(SystemError::new("chown", path, Errno::EPERM)),
        }
    }

    /// Is the file there? If it is not, it must be one that can be made.
    fn is_there(&self, wanted: &Permissions, path: &Path) -> Result<bool, SystemError> {
        if wanted.create && path.parent().is_some_and(|parent| self.made.contains(parent)) {
            return Ok(false);
        }
        let place = &wanted.place;
        let is_directory = match place.below.as_os_str().is_empty() {
            true => file::status(self.root, path)?.map(|found| found.is_dir()),
            false => match with_parent(self.root, place, |parent, name| parent.look_at(name))?.as_ref().map(kind) {
                Some(SFlag::S_IFLNK) if wanted.directory => return Err(is_link(path)),
                found => found.map(|found| found == SFlag::S_IFDIR),
            },
        };
        match is_directory {
            Some(false) if wanted.directory => Err(SystemError::new("mkdir", path, Errno::EEXIST)),
            Some(_) => Ok(true),
            None if wanted.create => with_parent(self.root, place, |parent, name| {
                let failed = |reason| SystemError::new("mkdir", parent.path_of(name), reason);
                parent.check_writable().map(|()| false).map_err(failed)
            }),
            None => Err(SystemError::new("chown", path, Errno::ENOENT)),
        }
    }

    fn removable(&mut self, removal: &Removal) -> Result<(), SystemError> {
        self.writable(&removal.directory, "rmdir", &removal.directory)?;
        self.stays(&removal.directory)?;
        match removal.directory.parent().filter(|_| removal.itself) {
            Some(parent) => self.writable(parent, "rmdir", &removal.directory),
            None => Ok(()),
        }
    }

    /// Refuses a place where others could put another directory while this one is worked in.
    fn stays(&mut self, path: &Path) -> Result<(), SystemError> {
        // From an image, whose owner may well be another user, nothing leads out.
        if !self.root.is_host() || self.staying.contains(path) {
            return Ok(());
        }
        if let Some(untrusted) = untrusted_above(self.root, path)? {
            let reason = format!("others can put something else in its place, in {}", printable(untrusted));
            return Err(SystemError::new("open", path, io::Error::other(reason)));
        }
        self.staying.insert(path.to_owned());
        Ok(())
    }

    fn writable(&self, directory: &Path, operation: &'static str, path: &Path) -> Result<(), SystemError> {
        let checked = Directory::open(self.root, directory)?.check_writable();
        checked.map_err(|reason| SystemError::new(operation, path, reason))
    }
}

/// Refuses a file that rename(2) cannot put another one in place of, in a directory that can be written.
fn check_replaceable(directory: &Directory, path: &Path) -> Result<(), SystemError> {
    let failed = |operation, error| SystemError::new(operation, temporary(path), error);
    let name = path.file_name().unwrap_or_default();
    let file = match statx(directory, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS) {
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOSYS) => return Ok(()),
        file => file.map_err(|error| SystemError::new("stat", path, error))?,
    };
    // Before version 5.8, the kernel does not tell.
    if file.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
        let (busy, name, directory) = (Errno::EBUSY.desc(), printable(name), printable(directory.path()));
        let text =
            format!("{busy}: {name} is a mount point and cannot be replaced: mount the directory {directory} instead");
        return Err(failed("rename", io::Error::other(text)));
    }
    let above = fstat(directory).map_err(|error| SystemError::new("stat", directory.path(), error))?;
    let mine = |owner: u32| geteuid().is_root() || owner == geteuid().as_raw();
    let is_sticky = mode(&above) & Mode::S_ISVTX.bits() != 0;
    let is_kept = is_sticky && !mine(above.st_uid) && !mine(file.stx_uid);
    match is_kept || file.stx_attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND) {
        true => Err(failed("rename", Errno::EPERM.into())),
        false => Ok(()),
    }
}

/// The name of the file that is to replace another one.
fn temporary(path: &Path) -> OsString {
    [path.as_os_str(), OsStr::new(".tmp")].into_iter().collect()
}

/// A link is not followed: whoever owns the directory in which it lies could have it lead anywhere.
fn is_link(path: &Path) -> SystemError {
    SystemError::new("mkdir", path, io::Error::new(io::ErrorKind::AlreadyExists, "File exists, and it is a link"))
}
