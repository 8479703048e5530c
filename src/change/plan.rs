//! What is to be done, as data: it can be carried out, undone and shown.

use crate::system::process::Program;
use std::ffi::OsString;
use std::path::PathBuf;

/// The steps of one action, in order.
///
/// Whatever fails before the commit is undone; from the commit on the change counts, and is not taken back.
#[derive(Debug, Default)]
pub struct Plan {
    pub prepare: Vec<Step>,
    /// The new main.cf that makes the change count. None: it counts already, and an earlier run is completed.
    pub commit: Option<Write>,
    pub finish: Vec<Step>,
    /// What to do if a step after the commit fails.
    pub remedy: Option<String>,
    /// The next command to type, once it is done.
    pub hint: Option<String>,
}

impl Plan {
    /// Is there nothing to be done?
    pub fn is_empty(&self) -> bool {
        self.prepare.is_empty() && self.commit.is_none() && self.finish.is_empty()
    }
}

#[derive(Debug)]
pub enum Step {
    /// Makes a directory and those above it that are missing, all with this mode. One that is there is left alone.
    MakeDirectory {
        path: PathBuf,
        mode: u32,
    },
    SetPermissions(Permissions),
    Write(Write),
    Remove(Removal),
    /// Runs a command that does the rest, and says why that is needed.
    Run {
        program: Program,
        reason: String,
    },
}

/// A file with new contents.
#[derive(Debug)]
pub struct Write {
    pub path: PathBuf,
    /// The contents now; None if there is no such file.
    pub before: Option<Vec<u8>>,
    pub after: Vec<u8>,
    /// A file that this one is a copy of, and whose owner, mode and time it gets. None: it is like the one it replaces.
    pub copy_of: Option<PathBuf>,
}

impl Write {
    /// Replaces the contents of a file.
    pub fn replace(path: PathBuf, before: Vec<u8>, after: Vec<u8>) -> Write {
        Write { path, before: Some(before), after, copy_of: None }
    }

    /// Does it make a difference?
    pub fn changes(&self) -> bool {
        self.before.as_deref() != Some(&self.after)
    }
}

/// A place below a directory that root owns: what lies below may be somebody else's, who could put links there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// An absolute path, in which links are followed.
    pub base: PathBuf,
    /// The relative path from there, in which no link is followed; empty for the base itself.
    pub below: PathBuf,
}

impl Place {
    /// A place that root alone can change.
    pub fn of(path: impl Into<PathBuf>) -> Place {
        Place { base: path.into(), below: PathBuf::new() }
    }

    /// The directory in which this place is a name.
    pub fn parent(&self) -> Place {
        match self.below.parent() {
            Some(above) => Place { base: self.base.clone(), below: above.into() },
            None => Place::of(self.base.parent().unwrap_or(&self.base)),
        }
    }

    /// The whole path: for messages only.
    pub fn path(&self) -> PathBuf {
        if self.below.as_os_str().is_empty() { self.base.clone() } else { self.base.join(&self.below) }
    }
}

/// A user or group, by name and number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub id: u32,
}

/// The set-user-ID and set-group-ID bits.
const SET_ID: u32 = 0o6000;

/// Owner, group and mode of a directory or file.
#[derive(Debug)]
pub struct Permissions {
    pub place: Place,
    pub directory: bool,
    pub owner: Account,
    /// None leaves the group as it is.
    pub group: Option<Account>,
    pub mode: u32,
    /// Is a directory made if it is missing?
    pub create: bool,
    /// Does the owner of all that lies below change, too, and the mode of the directories there?
    pub recursive: bool,
}

impl Permissions {
    /// The mode that a file gets which now has that one: a directory keeps its set-ID bits, as with chmod(1).
    pub fn mode_over(&self, now: u32, is_directory: bool) -> u32 {
        if is_directory { self.mode | (now & SET_ID) } else { self.mode }
    }
}

/// What is removed in a directory. All else in it stays, is told, and keeps its directory from being removed.
#[derive(Debug)]
pub struct Removal {
    /// An absolute path.
    pub directory: PathBuf,
    pub parts: Vec<Part>,
    /// Is the directory removed, too, if nothing is left in it?
    pub itself: bool,
}

/// One name in a directory, to be removed.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub name: OsString,
    pub contents: Contents,
}

/// What a name stands for, and which of its contents go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// A regular file.
    File,
    /// A directory with directories of one-letter names, which a hashed queue has.
    Hashed,
    /// A directory with regular files, which may be hashed.
    Files,
    /// A directory with the locks of daemons.
    Locks,
    /// A directory with sockets and fifos.
    Sockets,
    /// A directory with copies of what has the same path below `/`, made for daemons that run in a chroot jail.
    Copies,
}
