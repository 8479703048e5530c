//! `-e import`: puts an instance that is there on the list.

use super::leftovers;
use super::lifecycle::{Alternate, Host};
use super::operands::Operands;
use super::places::{self, By};
use super::private_files::PrivateFiles;
use crate::change::plan::{Plan, Step};
use crate::cli::request::{Assignment, Selection};
use crate::error::Hint;
use crate::instance::conflicts::{self, Conflict};
use crate::instance::names::Names;
use crate::instance::parameters::{FileError, Parameters};
use crate::instance::references::locate;
use crate::instance::scan::{LoadError, load_one};
use crate::instance::{Instance, Instances};
use crate::system::file::{self, ReadError};
use crate::system::log::printable;
use anyhow::Result;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::Path;
use thiserror::Error;

/// Why an instance cannot be put on the list. The words are Postfix's.
#[derive(Debug, Error)]
pub enum NewError {
    #[error("new config_directory={directory} is already in use by instance {owner}, {parameter}={directory}")]
    InUse { directory: String, owner: String, parameter: &'static str },
    #[error("No matching secondary instances")]
    NoMatchingSecondary,
    #[error("'{0}' lacks a main.cf file")]
    NoMainCf(String),
    #[error("'{0}' lacks a master.cf file")]
    NoMasterCf(String),
}

pub fn plan(instances: Instances, assignment: &Assignment, parameters: &[OsString], host: Host) -> Result<Plan> {
    let names = Names::new(assignment)?;
    let operands = Operands::read(parameters, "import")?;
    let config_directory = operands.config_directory(&host.primary.instance, names.name())?;
    if let Some(plan) = finish(&instances, &config_directory, &names, &host)? {
        return Ok(plan);
    }
    check_free(&instances, &config_directory)?;
    let instance = load(&host, &config_directory)?;
    add(instances, instance, &names, host)
}

/// What is left to do for the instance that is asked for, if it is on the list already.
fn finish(instances: &Instances, config_directory: &OsStr, names: &Names, host: &Host) -> Result<Option<Plan>> {
    if listed(instances, config_directory, names).is_none() {
        return Ok(None);
    }
    let left = leftovers::remove(host, config_directory)?;
    Ok(left.map(|step| Plan { finish: vec![step], ..Plan::default() }))
}

/// The secondary that is on the list, if it has the names that are asked for.
pub fn listed<'i>(instances: &'i Instances, config_directory: &OsStr, names: &Names) -> Option<&'i Instance> {
    let is_target = |instance: &&Instance| !instance.primary && instance.config_directory == config_directory;
    let instance = instances.served.iter().find(is_target)?;
    names.assign(&mut instance.clone()).is_empty().then_some(instance)
}

/// Refuses a configuration directory that is somebody's.
pub fn check_free(instances: &Instances, config_directory: &OsStr) -> Result<(), NewError> {
    match instances.conflicts.owner_of(config_directory) {
        Some((owner, parameter)) => {
            let (directory, owner) = (printable(config_directory), printable(owner));
            Err(NewError::InUse { directory, owner, parameter })
        }
        None => Ok(()),
    }
}

/// The instance that a configuration directory holds.
pub fn load(host: &Host, config_directory: &OsStr) -> Result<Instance> {
    match load_one(host.postfix, config_directory, host.log) {
        Err(LoadError::File(FileError::Read(ReadError::Open { reason, .. })))
            if reason.kind() == ErrorKind::NotFound =>
        {
            Err(NewError::NoMainCf(printable(config_directory)).into())
        }
        instance => Ok(instance?),
    }
}

/// Puts an instance on the list: its names into its main.cf, its private files in order, and then the list.
pub fn add(mut instances: Instances, mut instance: Instance, names: &Names, mut host: Host) -> Result<Plan> {
    let changes = names.assign(&mut instance);
    let secondaries = claim(&mut instances, &instance, &host)?;
    host.check_initialised()?;
    let config_directory = &instance.config_directory;
    if !file::is_regular(host.postfix.root, &Path::new(config_directory).join("master.cf"))? {
        return Err(NewError::NoMasterCf(printable(config_directory)).into());
    }
    check_places(&instances, &instance)?;
    let write = host.set(config_directory, &changes)?;
    let (_, parameters) = Parameters::parse(host.postfix, config_directory, &write.after);
    let parameters = parameters?;
    let queue_directory = locate(&parameters, "queue_directory")?;
    let data_directory = locate(&parameters, "data_directory")?;
    let mut warnings: Vec<String> = queue_directory.warning("queue_directory").into_iter().collect();
    warnings.extend(data_directory.warning("data_directory"));
    instance.queue_directory = queue_directory.path.into();
    instance.data_directory = data_directory.path.into();
    let mut private = PrivateFiles::plan(&host, &instance, &parameters)?;
    warnings.extend(places::check(&host, &instances, &instance, &mut private, By::Import)?);
    host.warn(warnings);
    let commit = host.set_lists(&secondaries, config_directory, Alternate::Drop);
    let mut prepare = private.prepare;
    prepare.insert(0, Step::Write(write));
    let mut finish = private.finish;
    finish.extend(leftovers::remove(&host, config_directory)?);
    Ok(Plan { prepare, commit: Some(commit), finish, ..Plan::default() })
}

/// Claims what a new instance has, and returns the list with it.
pub fn claim(instances: &mut Instances, new: &Instance, host: &Host) -> Result<Vec<OsString>> {
    if let Some(name) = &new.name {
        instances.conflicts.add_name(&new.config_directory, name)?;
    }
    instances.conflicts.add(new, conflicts::places(host.postfix.root, new)).into_iter().next().map_or(Ok(()), Err)?;
    list_with(instances, new, host)
}

/// Refuses directories of a new instance that another one has under another spelling.
pub fn check_places(instances: &Instances, new: &Instance) -> Result<(), Conflict> {
    instances.conflicts.same_directory(&new.config_directory).map_or(Ok(()), Err)
}

/// The secondaries with a new one: the last, or before the first one that is selected.
fn list_with(instances: &Instances, new: &Instance, host: &Host) -> Result<Vec<OsString>> {
    let mut secondaries = host.primary.secondaries.clone();
    let selected = |directory: &OsString| {
        let whole =
            instances.served.iter().find(|instance| !instance.primary && instance.config_directory == *directory);
        whole.is_some_and(|instance| host.selection.matches(instance))
            || *host.selection == Selection::Name(directory.clone())
    };
    let place = match host.selection {
        Selection::Unselected => secondaries.len(),
        Selection::All => 0,
        _ => {
            let place = secondaries.iter().position(selected).ok_or(NewError::NoMatchingSecondary);
            place.hint(|_| host.hints.closest(instances))?
        }
    };
    secondaries.insert(place, new.config_directory.clone());
    Ok(secondaries)
}
