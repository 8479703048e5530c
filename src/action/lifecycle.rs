//! `-e`: what its actions have in common.
//!
//! Each action makes a plan of what is to be done. Here the locks are taken before that, and the plan is checked, and
//! carried out or shown, after it.

use super::destroy::MARKER;
use super::hint::{self, Hints};
use super::operands::escaped;
use super::private_files::UnknownOwner;
use super::{Outcome, assign, create, deport, destroy, enable, import, init, print};
use crate::change::apply::Apply;
use crate::change::check::check;
use crate::change::lock::{Lock, LockError, Patience};
use crate::change::plan::{Plan, Write};
use crate::change::preview::preview;
use crate::cli::request::{Edit, Manner, Request, Selection};
use crate::config::edit;
use crate::config::split_list;
use crate::error::hinted;
use crate::instance::parameters::{Postfix, ValueError, main_cf};
use crate::instance::primary::Primary;
use crate::instance::running::is_running;
use crate::instance::scan::{Keep, Scan};
use crate::instance::{Instance, Instances, LeftOut};
use crate::system::directory::SystemError;
use crate::system::file::{self, ReadError};
use crate::system::log::{Log, printable};
use crate::system::process::hold_signals;
use crate::system::quote::quoted_below;
use crate::system::root::Root;
use anyhow::Result;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why an action on an instance is refused. The words are Postfix's, where it has some; nothing was changed.
#[derive(Debug, Error)]
pub enum EditError {
    #[error("multi_instance_wrapper is empty, run 'postmulti -e init' first.")]
    NoWrapper,
    #[error("multi_instance_enable!=yes, run 'postmulti -e init' first.")]
    NotEnabled,
    #[error("Select an instance via '-i name'")]
    NotSelected,
    #[error("No instance named {0}")]
    NoInstance(String),
    #[error("instance {0} cannot be used as long as its main.cf is not mended. Nothing was changed")]
    Broken(String),
    #[error("{0}. Nothing was changed: give one of them another value, or take one off the list with '-e deport'")]
    Shared(String),
    #[error("Cannot remove the primary instance")]
    RemovePrimary,
    #[error("Cannot remove enabled instances")]
    RemoveEnabled,
    #[error("Instance '{0}' is not stopped")]
    NotStopped(String),
    #[error("{0}. Nothing was changed")]
    Refused(SystemError),
    #[error("{0}. Nothing was changed")]
    Unreadable(ReadError),
    #[error("{0}. Nothing was changed")]
    UnknownOwner(UnknownOwner),
    #[error("{0}. Nothing was changed")]
    Value(ValueError),
    #[error("{0}. Nothing was changed")]
    NotLocked(LockError),
}

impl EditError {
    /// Returns true if an action was refused because this user may not do it.
    pub fn is_denied(error: &anyhow::Error) -> bool {
        match error.downcast_ref() {
            Some(EditError::Refused(error) | EditError::NotLocked(LockError::System(error))) => error.is_denied(),
            Some(EditError::Unreadable(error)) => error.is_denied(),
            _ => false,
        }
    }

    /// What the system refused while a plan was made, with the words that tell how things are; all else says it itself.
    fn in_full(error: anyhow::Error) -> anyhow::Error {
        let error = match error.downcast() {
            Ok(refused) => return EditError::Refused(refused).into(),
            Err(other) => other,
        };
        let error = match error.downcast() {
            Ok(unreadable) => return EditError::Unreadable(unreadable).into(),
            Err(other) => other,
        };
        let error = match error.downcast() {
            Ok(unknown) => return EditError::UnknownOwner(unknown).into(),
            Err(other) => other,
        };
        error.downcast().map_or_else(|other| other, |value| EditError::Value(value).into())
    }
}

/// Carries out an action. The exit status is 1 if something that comes after the commit was not done.
pub fn carry_out(
    edit: &Edit,
    request: &Request,
    manner: Manner,
    primary: Primary,
    postfix: &Postfix,
    log: &Log,
) -> Result<Outcome> {
    // An interrupt is for later, when nothing is half done, and no lock's file is left.
    let _held = hold_signals();
    let patience = Patience { limit: manner.lock_timeout, log };
    let mut locks = Locks { postfix, patience, dry_run: manner.dry_run, held: Vec::new(), refused: Vec::new() };
    locks.take(&main_cf(&primary.instance.config_directory))?;
    // Another action may have been at work until just now.
    let primary = primary.again(postfix, log).map_err(EditError::in_full)?;
    let (selection, hints) = (&request.selection, Hints { request });
    let host = Host { postfix, primary: &primary, selection, hints, log, locks: &mut locks };
    let mut plan = plan(edit, host).map_err(EditError::in_full)?;
    let hint = plan.hint.take();
    check(postfix.root, &plan).map_err(EditError::Refused)?;
    if manner.dry_run {
        let text = preview(postfix.root, &plan).map_err(EditError::Refused)?;
        print(&text)?;
        return Ok(Outcome::default());
    }
    if plan.is_empty() {
        return Ok(Outcome { status: 0, hint });
    }
    let done = Apply { root: postfix.root, log, patience, locks: locks.needed(edit, &plan)? }.apply(plan)?;
    Ok(Outcome { status: u8::from(!done), hint: hint.filter(|_| done) })
}

fn plan(edit: &Edit, host: Host) -> Result<Plan> {
    let mut about_left_out = None;
    let mut load = || {
        let scan = Scan::run(host.primary.clone(), host.postfix, Keep::Values);
        let (_, instances) = scan.report(host.selection, host.log)?;
        about_left_out = host.hints.left_out(&instances);
        anyhow::Ok(instances)
    };
    let mut plan = match edit {
        // Alone among the actions, this one is there to make the others possible.
        Edit::Init => init::plan(host),
        Edit::Create { assignment, parameters } => create::plan(load()?, assignment, parameters, host),
        Edit::Import { assignment, parameters } => import::plan(load()?, assignment, parameters, host),
        Edit::Assign(assignment) => assign::plan(load()?, assignment, host),
        Edit::Deport => deport::plan(load()?, host),
        Edit::Destroy => destroy::plan(load()?, host),
        Edit::Enable => enable::plan(load()?, true, host),
        Edit::Disable => enable::plan(load()?, false, host),
    }?;
    plan.hint = plan.hint.or(about_left_out);
    Ok(plan)
}

/// The locks of one action: the primary's first, then that of its target.
struct Locks<'a> {
    postfix: &'a Postfix<'a>,
    patience: Patience<'a>,
    dry_run: bool,
    held: Vec<Lock>,
    refused: Vec<(PathBuf, LockError)>,
}

impl Locks<'_> {
    /// Waits for the lock of a file. Whoever may not have it can still be told what else is wrong with the request.
    fn take(&mut self, file: &Path) -> Result<(), EditError> {
        let is_refused = self.refused.iter().any(|(refused, _)| refused == file);
        if self.dry_run || is_refused || self.held.iter().any(|lock| lock.file() == file) {
            return Ok(());
        }
        match Lock::acquire(self.postfix.root, file, self.patience) {
            Ok(lock) => self.held.push(lock),
            Err(error) if error.not_permitted() => self.refused.push((file.to_owned(), error)),
            Err(error) => return Err(EditError::NotLocked(error)),
        }
        Ok(())
    }

    /// The locks to carry out a plan with.
    ///
    /// An action that changes no list, but one main.cf only, goes on without the lock of another file: the owner of a
    /// secondary's configuration directory may well not write in the primary's, which may be on a read-only file system.
    ///
    /// # Errors
    /// The lock of a file that is needed was refused.
    fn needed(self, edit: &Edit, plan: &Plan) -> Result<Vec<Lock>, EditError> {
        let changes_one = matches!(edit, Edit::Assign(_) | Edit::Enable | Edit::Disable);
        let is_changed = |file: &Path| plan.commit.as_ref().is_some_and(|write| write.path == file);
        match self.refused.into_iter().find(|(file, _)| !changes_one || is_changed(file)) {
            Some((_, error)) => Err(EditError::NotLocked(error)),
            None => Ok(self.held),
        }
    }
}

/// What a plan is made from.
pub struct Host<'a, 'l> {
    pub postfix: &'a Postfix<'a>,
    pub primary: &'a Primary,
    pub selection: &'a Selection,
    pub hints: Hints<'a>,
    pub log: &'a Log,
    locks: &'a mut Locks<'l>,
}

/// An instance that an action is about.
pub enum Target<'a> {
    Whole(&'a Instance),
    Broken(&'a LeftOut),
}

/// The list of configuration directories beside that of the instances.
const ALTERNATES: &[u8] = b"alternate_config_directories";

/// What becomes of a directory on `alternate_config_directories`, where postdrop(1) looks for those that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alternate {
    Add,
    Drop,
}

impl Host<'_, '_> {
    /// The command `postmulti` for this host, as a shell reads it.
    pub fn postmulti(&self) -> String {
        hint::postmulti(self.hints.request)
    }

    /// The path of a file on this host, as a shell reads it.
    pub fn path(&self, path: &Path) -> String {
        quoted_below(self.postfix.root, path)
    }

    /// Reports warnings of an action that goes on.
    pub fn warn(&self, warnings: Vec<String>) {
        warnings.into_iter().for_each(|warning| self.log.warning(warning));
    }

    /// Refuses to go on unless postfix(1) of the primary instance runs postmulti(1).
    pub fn check_initialised(&self) -> Result<(), EditError> {
        match () {
            () if self.primary.wrapper.is_empty() => Err(EditError::NoWrapper),
            () if self.primary.enable != "yes" => Err(EditError::NotEnabled),
            () => Ok(()),
        }
    }

    /// The instance that `-i` selects; it must be whole.
    pub fn target<'i>(&self, instances: &'i Instances) -> Result<&'i Instance> {
        match self.find(instances)? {
            Some(Target::Whole(instance)) => Ok(instance),
            Some(Target::Broken(broken)) => {
                let error = EditError::Broken(printable(&broken.config_directory));
                Err(hinted(error, self.hints.unusable(broken)))
            }
            None => Err(self.no_instance(instances)),
        }
    }

    /// The secondary that `-i` selects, and that may be taken off the list: not while it is enabled, as far as is known.
    pub fn removable<'i>(&self, instances: &'i Instances) -> Result<Option<Target<'i>>> {
        let target = self.find(instances)?;
        match target {
            Some(Target::Whole(instance)) if instance.primary => Err(EditError::RemovePrimary.into()),
            Some(Target::Whole(instance)) if instance.enabled => {
                let runs = self.seems_to_run(instance, instances);
                Err(hinted(EditError::RemoveEnabled, Some(self.hints.disable_first(instance, runs))))
            }
            _ => Ok(target),
        }
    }

    /// Returns true if the instance runs, as far as is known. A master(8) in a queue that another instance has, too, may
    /// well be that one's.
    pub fn seems_to_run(&self, instance: &Instance, instances: &Instances) -> bool {
        instances.owner_of_queue(instance).is_none()
            && instances.conflicts.same_directory(&instance.config_directory).is_none()
            && is_running(self.postfix.root, instance).unwrap_or(false)
    }

    /// Refuses an instance while it is running, which is for `running` to find out.
    pub fn check_stopped(
        &self,
        instance: &Instance,
        running: fn(&Root, &Instance) -> Result<bool, SystemError>,
    ) -> Result<(), EditError> {
        match running(self.postfix.root, instance).map_err(EditError::Refused)? {
            true => Err(EditError::NotStopped(printable(&instance.config_directory))),
            false => Ok(()),
        }
    }

    fn find<'i>(&self, instances: &'i Instances) -> Result<Option<Target<'i>>, EditError> {
        let Selection::Name(name) = self.selection else { return Err(EditError::NotSelected) };
        let served = instances.served.iter().find(|instance| self.selection.matches(instance)).map(Target::Whole);
        let left_out = || {
            let left_out = instances.left_out.iter().find(|left_out| left_out.config_directory == *name)?;
            Some(left_out.instance().map_or(Target::Broken(left_out), Target::Whole))
        };
        Ok(served.or_else(left_out))
    }

    pub fn no_instance(&self, instances: &Instances) -> anyhow::Error {
        let error = match self.selection {
            Selection::Name(name) => EditError::NoInstance(printable(name)),
            _ => EditError::NotSelected,
        };
        hinted(error, self.hints.closest(instances))
    }

    /// Sets parameters in the main.cf of an instance, which is read under its lock.
    pub fn set(&mut self, config_directory: &OsStr, settings: &[(&str, OsString)]) -> Result<Write> {
        let before = self.read(config_directory)?;
        Ok(self.edit(main_cf(config_directory).as_os_str(), before, settings))
    }

    /// Reads the main.cf of an instance under its lock, which is kept.
    pub fn read(&mut self, config_directory: &OsStr) -> Result<Vec<u8>> {
        let path = main_cf(config_directory);
        self.locks.take(&path)?;
        Ok(file::read(self.postfix.root, &path)?)
    }

    /// Takes the lock of the main.cf of an instance that is not listed, if something of it is there: somebody may be
    /// destroying it.
    pub fn lock_rest(&mut self, config_directory: &OsStr) -> Result<()> {
        let path = main_cf(config_directory);
        let root = self.postfix.root;
        if !file::exists(root, &path)? && !file::exists(root, &path.with_file_name(MARKER))? {
            return Ok(());
        }
        match self.locks.take(&path) {
            // Now it is destroyed.
            Err(EditError::NotLocked(LockError::System(error))) if error.not_found() => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Sets parameters in the primary's main.cf.
    pub fn set_in_primary(&self, settings: &[(&str, OsString)]) -> Write {
        let path = main_cf(&self.primary.instance.config_directory);
        self.edit(path.as_os_str(), self.primary.main_cf.clone(), settings)
    }

    pub fn edit(&self, path: &OsStr, before: Vec<u8>, settings: &[(&str, OsString)]) -> Write {
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let edited = edit::set(&before, &settings);
        self.warn_of_repeated(path, &edited.repeated);
        Write::replace(path.into(), before, edited.bytes)
    }

    pub fn warn_of_repeated(&self, path: &OsStr, names: &[Vec<u8>]) {
        for name in names {
            let name = printable(OsStr::from_bytes(name));
            self.log.warning(format!("{}: multiple entries for \"{name}\"", printable(path)));
        }
    }

    /// The primary's main.cf with these secondaries, in this order, and with what becomes of one of them elsewhere.
    pub fn set_lists(&self, secondaries: &[OsString], config_directory: &OsStr, alternate: Alternate) -> Write {
        let listed: Vec<OsString> = secondaries.iter().map(|directory| escaped(directory)).collect();
        let mut settings = vec![("multi_instance_directories", listed.join(OsStr::new(" ")))];
        let main_cf = self.primary.raw();
        let words: Vec<&[u8]> = split_list(main_cf.get(ALTERNATES).unwrap_or_default()).collect();
        let found = words.contains(&config_directory.as_bytes());
        let directory = escaped(config_directory);
        let kept = words.into_iter().filter(|word| *word != config_directory.as_bytes());
        let added = (alternate == Alternate::Add).then_some(directory.as_bytes());
        if found != (alternate == Alternate::Add) {
            let value = kept.chain(added).collect::<Vec<_>>().join(&b' ');
            settings.push(("alternate_config_directories", OsString::from_vec(value)));
        }
        self.set_in_primary(&settings)
    }

    /// Is a directory on `alternate_config_directories`?
    pub fn is_alternate(&self, config_directory: &OsStr) -> bool {
        self.alternates().iter().any(|directory| directory == config_directory)
    }

    /// The directories on `alternate_config_directories`.
    pub fn alternates(&self) -> Vec<OsString> {
        let main_cf = self.primary.raw();
        let words = split_list(main_cf.get(ALTERNATES).unwrap_or_default());
        words.map(|word| OsStr::from_bytes(word).to_owned()).collect()
    }

    /// The secondaries without one of them.
    pub fn secondaries_without(&self, config_directory: &OsStr) -> Vec<OsString> {
        let mut secondaries = self.primary.secondaries.clone();
        secondaries.retain(|listed| listed != config_directory);
        secondaries
    }
}
