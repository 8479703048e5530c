//! Looking before leaping: what a plan would fail at, as far as that can be known before anything is changed.

use super::permissions::with_parent;
use super::plan::{Permissions, Plan, Removal, Step};
use crate::system::directory::{Directory, SystemError, kind, untrusted_above};
use crate::system::file;
use crate::system::log::printable;
use crate::system::root::Root;
use nix::errno::Errno;
use nix::sys::stat::SFlag;
use nix::unistd::geteuid;
use std::collections::HashSet;
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

    fn write(&self, path: &Path) -> Result<(), SystemError> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        match path.parent() {
            Some(directory) if !self.made.contains(directory) => {
                self.writable(directory, "open", Path::new(&temporary))
            }
            _ => Ok(()),
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

/// A link is not followed: whoever owns the directory in which it lies could have it lead anywhere.
fn is_link(path: &Path) -> SystemError {
    SystemError::new("mkdir", path, io::Error::new(io::ErrorKind::AlreadyExists, "File exists, and it is a link"))
}
