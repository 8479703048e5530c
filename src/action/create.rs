//! `-e create`: makes a new instance, disabled, and puts it on the list.

use super::import::{self, check_free, claim, listed};
use super::leftovers;
use super::lifecycle::{Alternate, Host};
use super::operands::{OperandError, Operands};
use super::private_files::PrivateFiles;
use super::prototype::{Prototypes, shared};
use crate::change::plan::{Plan, Step, Write};
use crate::cli::request::Assignment;
use crate::instance::names::Names;
use crate::instance::parameters::{Parameters, Problem, ValueError, main_cf};
use crate::instance::{Instance, Instances, LeftOut};
use crate::system::directory::SystemError;
use crate::system::file;
use crate::system::log::printable;
use anyhow::Result;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The modes of new directories, and of those above them that are missing, too.
const PUBLIC: u32 = 0o755;
const PRIVATE: u32 = 0o700;

/// The instance that is there is another one.
#[derive(Debug, Error)]
#[error("there is an instance in {directory} already, with {parameter}={found} and not {asked}. Nothing was changed")]
pub struct Contradiction {
    directory: String,
    parameter: &'static str,
    found: String,
    asked: String,
}

pub fn plan(
    mut instances: Instances,
    assignment: &Assignment,
    parameters: &[OsString],
    mut host: Host,
) -> Result<Plan> {
    let names = Names::new(assignment)?;
    let operands = Operands::read(parameters, "create")?;
    let config_directory = operands.config_directory(&host.primary.instance, names.name())?;
    if let Some(plan) = finish(&instances, &config_directory, &operands, &names, &host)? {
        host.check_initialised()?;
        return Ok(plan);
    }
    // It may be listed, but nothing else be left of it: then it is as good as new.
    let is_broken = |left_out: &LeftOut| left_out.config_directory == config_directory && left_out.instance().is_none();
    let listed = instances.left_out.iter().any(is_broken) && !has(&host, &config_directory, "main.cf")?;
    if !listed {
        check_free(&instances, &config_directory)?;
        host.lock_rest(&config_directory)?;
    }
    let directories = operands.private_directories(&host.primary.instance, names.name())?;
    if has(&host, &config_directory, "main.cf")? && has(&host, &config_directory, "master.cf")? {
        let instance = import::load(&host, &config_directory)?;
        check_same(&host, &operands, &instance)?;
        return import::add(instances, instance, &names, host);
    }

    let mut instance = Instance {
        name: None,
        group: None,
        enabled: false,
        config_directory,
        queue_directory: OsString::new(),
        data_directory: OsString::new(),
        primary: false,
        main_cf: Vec::new(),
    };
    let settings = names.assign(&mut instance);
    expand(&mut instance, &directories, &settings, &host)?;
    let with_new = claim(&mut instances, &instance, &host)?;
    let secondaries = if listed { host.primary.secondaries.clone() } else { with_new };
    host.check_initialised()?;
    import::check_places(&instances, &instance)?;

    let prototypes = Prototypes::read(&host)?;
    let new = prototypes.new_main_cf(&host, &instance, &directories, &settings);
    let (_, parameters) = Parameters::parse(host.postfix, &instance.config_directory, &new.bytes);
    let parameters = parameters?;
    check_shared(&host, &parameters)?;
    let private = PrivateFiles::plan(&host, &instance, &parameters)?;
    let before = leftovers::check(&host, &instance, &private.queues(&instance), &new)?;

    let path = main_cf(&instance.config_directory);
    let is_directory = |step: &Step| matches!(step, Step::SetPermissions(wanted) if wanted.directory);
    let (directories, files): (Vec<_>, Vec<_>) = private.prepare.into_iter().partition(is_directory);
    let mut prepare = directories_to_make(&host, &instance)?;
    prepare.extend(directories);
    prepare.push(Step::Write(Write { path, before, after: new.bytes, copy_of: None }));
    // With its master.cf, the instance is complete.
    prepare.push(Step::Write(prototypes.master_cf(&instance)));
    prepare.extend(files);
    let mut finish = private.finish;
    finish.extend(leftovers::remove(&host, &instance.config_directory)?);
    let commit = Some(host.set_lists(&secondaries, &instance.config_directory, Alternate::Drop));
    Ok(Plan { prepare, commit, finish, ..Plan::default() })
}

/// Refuses values of the primary's that mean nothing elsewhere: they refer to what its main.cf alone sets.
fn check_shared(host: &Host, parameters: &Parameters) -> Result<(), ValueError> {
    let main_cf = host.primary.raw();
    for (name, _) in shared(host) {
        match parameters.directory(name) {
            Err(error) if matches!(&error.problem, Problem::Undefined(other) if main_cf.get(other.as_bytes()).is_some()) =>
            {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is left to do for an instance that is on the list already, if it is the one asked for and lacks something.
fn finish(
    instances: &Instances,
    config_directory: &OsStr,
    operands: &Operands,
    names: &Names,
    host: &Host,
) -> Result<Option<Plan>> {
    let Some(instance) = listed(instances, config_directory, names) else { return Ok(None) };
    match check_same(host, operands, instance) {
        Err(error) if error.is::<Contradiction>() || error.is::<OperandError>() => return Ok(None),
        outcome => outcome?,
    }
    let mut buffer = Vec::new();
    let (_, parameters) = Parameters::read(host.postfix, config_directory, &mut buffer);
    let private = PrivateFiles::plan(host, instance, &parameters?)?;
    let mut prepare = directories_to_make(host, instance)?;
    if !has(host, config_directory, "master.cf")? {
        prepare.push(Step::Write(Prototypes::read(host)?.master_cf(instance)));
    }
    let mut missing = !prepare.is_empty();
    for step in &private.prepare {
        if let Step::SetPermissions(wanted) = step {
            missing |= wanted.create && !file::exists(host.postfix.root, &wanted.place.path())?;
        }
    }
    let left = leftovers::remove(host, config_directory)?;
    if !missing && left.is_none() {
        return Ok(None);
    }
    prepare.extend(private.prepare);
    let finish = private.finish.into_iter().chain(left).collect();
    Ok(Some(Plan { prepare, finish, ..Plan::default() }))
}

fn has(host: &Host, config_directory: &OsStr, name: &str) -> Result<bool, SystemError> {
    file::is_regular(host.postfix.root, &Path::new(config_directory).join(name))
}

/// Refuses directories that the instance has otherwise. Those that are asked for may refer to what its main.cf says.
fn check_same(host: &Host, operands: &Operands, instance: &Instance) -> Result<()> {
    for (parameter, asked, found) in [
        ("queue_directory", &operands.queue_directory, &instance.queue_directory),
        ("data_directory", &operands.data_directory, &instance.data_directory),
    ] {
        let Some(asked) = asked else { continue };
        let mut text = file::read(host.postfix.root, &main_cf(&instance.config_directory))?;
        text.extend([b"\n", &line(parameter, asked.as_bytes())[..]].concat());
        if expanded(host, &instance.config_directory, &text, parameter)? != Path::new(found) {
            let directory = printable(&instance.config_directory);
            let (found, asked) = (printable(found), printable(asked));
            return Err(Contradiction { directory, parameter, found, asked }.into());
        }
    }
    Ok(())
}

/// Gives a new instance its directories as they will be found: they are text for main.cf, and may refer to parameters.
fn expand(
    instance: &mut Instance,
    directories: &[(&'static str, OsString)],
    names: &[(&'static str, OsString)],
    host: &Host,
) -> Result<(), OperandError> {
    let own = directories.iter().chain(names).map(|(name, value)| line(name, value.as_bytes()));
    let text: Vec<u8> = shared(host).iter().map(|(name, value)| line(name, value)).chain(own).flatten().collect();
    let directory = |parameter| expanded(host, &instance.config_directory, &text, parameter);
    let (queue_directory, data_directory) = (directory("queue_directory")?, directory("data_directory")?);
    instance.queue_directory = queue_directory.into();
    instance.data_directory = data_directory.into();
    Ok(())
}

/// A line of main.cf.
fn line(name: &str, value: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b" = ", value, b"\n"].concat()
}

/// The directory that a parameter means in a main.cf with this text.
fn expanded(
    host: &Host,
    config_directory: &OsStr,
    text: &[u8],
    parameter: &'static str,
) -> Result<PathBuf, OperandError> {
    let (_, parameters) = Parameters::parse(host.postfix, config_directory, text);
    let problem = match parameters {
        Ok(parameters) => match parameters.directory(parameter) {
            Ok(directory) => return Ok(directory),
            Err(error) => error.problem.to_string(),
        },
        Err(error) => error.to_string(),
    };
    Err(OperandError::Unusable { parameter, problem })
}

fn directories_to_make(host: &Host, instance: &Instance) -> Result<Vec<Step>, SystemError> {
    let Instance { config_directory, queue_directory, data_directory, .. } = instance;
    let mut steps = Vec::new();
    for (path, mode) in [(config_directory, PUBLIC), (queue_directory, PUBLIC), (data_directory, PRIVATE)] {
        if !file::exists(host.postfix.root, Path::new(path))? {
            steps.push(Step::MakeDirectory { path: path.into(), mode });
        }
    }
    Ok(steps)
}
