//! Carrying out a plan: prepare, commit, finish; and undoing what was prepared when something fails.

use super::lock::{Lock, LockError, Patience};
use super::permissions;
use super::plan::{Place, Plan, Step, Write};
use super::remove::remove;
use super::save::{Model, SaveError};
use crate::system::directory::{Directory, SystemError};
use crate::system::file::{self, ReadError};
use crate::system::log::{Log, printable};
use crate::system::process::Program;
use crate::system::root::Root;
use nix::sys::stat::FileStat;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a step failed.
#[derive(Debug, Error)]
pub enum StepError {
    #[error(transparent)]
    System(#[from] SystemError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Save(#[from] SaveError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{0}")]
    Command(String),
    #[error("{0} has been changed by somebody else meanwhile")]
    Changed(String),
}

/// Why a plan came to nothing.
#[derive(Debug, Error)]
pub enum ApplyError {
    #[error("{0}. Nothing was changed")]
    Undone(StepError),
    #[error("{cause}. Nothing counts as changed, but this could not be undone: {left}")]
    Left { cause: StepError, left: String },
}

/// What takes a step back.
#[derive(Debug)]
pub(super) enum Undo {
    RemoveDirectory(Place),
    RemoveFile(PathBuf),
    /// The file gets its old contents, unless somebody has changed it since.
    Restore {
        path: PathBuf,
        old: Vec<u8>,
        new: Vec<u8>,
    },
    SetPermissions {
        place: Place,
        status: FileStat,
    },
}

/// Carries out plans below a root, with the locks that are held already.
#[derive(Debug)]
pub struct Apply<'a> {
    pub root: &'a Root,
    pub log: &'a Log,
    pub patience: Patience<'a>,
    pub locks: Vec<Lock>,
}

impl Apply<'_> {
    /// Carries out a plan. Returns whether all of it was done: what fails after the commit is reported, and ends it.
    pub fn apply(mut self, plan: Plan) -> Result<bool, ApplyError> {
        let mut undo = Vec::new();
        let mut done = true;
        let prepared = plan.prepare.into_iter().try_for_each(|step| self.carry_out(step, &mut undo));
        let prepared = prepared.and_then(|()| self.settle(&undo));
        match prepared.and_then(|()| plan.commit.map_or(Ok(()), |write| self.write(write, &mut undo))) {
            // The new main.cf is in place: that cannot be undone without a window in which others have used it.
            Err(StepError::Save(error @ SaveError::NotDurable(_))) => {
                self.log.warning(error.to_string());
                done = false;
            }
            Err(cause) => return Err(self.undo(cause, undo)),
            Ok(()) => {}
        }
        // What comes later may be what completes it next time.
        let finished = plan.finish.into_iter().try_for_each(|step| self.carry_out(step, &mut Vec::new()));
        if let Err(error) = &finished {
            let remedy = plan.remedy.map(|remedy| format!(": {remedy}")).unwrap_or_default();
            self.log.warning(format!("{error}{remedy}"));
        }
        Ok(done && finished.is_ok())
    }

    fn carry_out(&mut self, step: Step, undo: &mut Vec<Undo>) -> Result<(), StepError> {
        match step {
            Step::MakeDirectory { path, mode } => Ok(self.make_directory(&path, mode, undo)?),
            Step::SetPermissions(permissions) => Ok(permissions::set(self.root, &permissions, self.log, undo)?),
            Step::Write(write) => match self.write(write, undo) {
                // What comes before the commit must be durable before it.
                Err(StepError::Save(SaveError::NotDurable(error))) => Err(error.into()),
                outcome => outcome,
            },
            Step::Remove(removal) => Ok(remove(self.root, &removal, self.log)?),
            Step::Run { program, reason } => self.run(&program, &reason),
        }
    }

    /// Waits until all that was prepared is on stable storage; files are by themselves.
    fn settle(&self, undo: &[Undo]) -> Result<(), StepError> {
        for place in permissions::unsettled(undo) {
            permissions::open_directory(self.root, &place)?.sync()?;
        }
        Ok(())
    }

    /// Makes a directory and those above it.
    fn make_directory(&self, path: &Path, mode: u32, undo: &mut Vec<Undo>) -> Result<(), SystemError> {
        let mut missing = Vec::new();
        for path in path.ancestors() {
            if file::status(self.root, path)?.is_some_and(|found| found.is_dir()) {
                break;
            }
            missing.push(path);
        }
        for path in missing.into_iter().rev() {
            let (parent, name) = Directory::open_parent(self.root, path)?;
            parent.make(name, mode)?;
            undo.push(Undo::RemoveDirectory(Place::of(path)));
        }
        Ok(())
    }

    fn write(&mut self, write: Write, undo: &mut Vec<Undo>) -> Result<(), StepError> {
        if !write.changes() {
            return Ok(());
        }
        let held = self.locks.iter().position(|lock| lock.file() == write.path);
        let lock = match held {
            Some(index) => self.locks.remove(index),
            None => Lock::acquire(self.root, &write.path, self.patience)?,
        };
        let copied = match &write.copy_of {
            Some(path) => Some((self.root.open(path).map_err(|error| SystemError::new("open", path, error))?, path)),
            None => None,
        };
        let model = copied.as_ref().map_or(Model::Replaced, |(file, path)| Model::Copied(file, path));
        let saved = lock.save(&write.after, model);
        if !matches!(saved, Err(SaveError::NotReplaced(_))) {
            undo.push(match write.before {
                Some(old) => Undo::Restore { path: write.path, old, new: write.after },
                None => Undo::RemoveFile(write.path),
            });
        }
        saved?.into_iter().for_each(|warning| self.log.warning(warning));
        Ok(())
    }

    fn run(&mut self, program: &Program, reason: &str) -> Result<(), StepError> {
        let words = program.arguments.iter().map(printable).collect::<Vec<_>>().join(" ");
        self.log.warning(format!("{reason}: running '{words}'"));
        self.log.flush();
        // It may want to edit the same files.
        self.locks.clear();
        let status = program.command(self.root).and_then(|mut command| command.status());
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => {
                Err(StepError::Command(format!("'{words}' has failed: run it again when its complaint is mended")))
            }
            Err(error) => Err(SystemError::new("execvp", OsStr::new(&words), error).into()),
        }
    }

    fn undo(&self, cause: StepError, steps: Vec<Undo>) -> ApplyError {
        let failures = steps.into_iter().rev().filter_map(|step| self.take_back(step).err());
        let left: Vec<String> = failures.map(|error| error.to_string()).collect();
        match left.is_empty() {
            true => ApplyError::Undone(cause),
            false => ApplyError::Left { cause, left: left.join("; ") },
        }
    }

    fn take_back(&self, step: Undo) -> Result<(), StepError> {
        match step {
            Undo::RemoveDirectory(place) => {
                permissions::with_parent(self.root, &place, |parent, name| parent.remove_directory(name))?
            }
            Undo::RemoveFile(path) => {
                let (directory, name) = Directory::open_parent(self.root, &path)?;
                directory.remove(name)?;
            }
            Undo::Restore { path, old, new } => {
                let lock = Lock::acquire(self.root, &path, self.patience)?;
                if file::read(self.root, &path)? != new {
                    return Err(StepError::Changed(printable(path)));
                }
                lock.save(&old, Model::Replaced)?;
            }
            Undo::SetPermissions { place, status } => permissions::restore(self.root, &place, &status)?,
        }
        Ok(())
    }
}
