//! `-e create`: makes a new instance, disabled, and puts it on the list.

use super::import::{self, check_free, claim, listed};
use super::lifecycle::{Alternate, Host};
use super::operands::{OperandError, Operands};
use super::places::{self, By};
use super::private_files::PrivateFiles;
use super::prototype::{Prototypes, Setting, main_cf_text, shared};
use super::{leftovers, links};
use crate::change::plan::{Plan, Step, Write};
use crate::cli::request::Assignment;
use crate::instance::names::Names;
use crate::instance::parameters::{Parameters, main_cf};
use crate::instance::references::{Located, locate};
use crate::instance::{Instance, Instances, LeftOut};
use crate::system::directory::SystemError;
use crate::system::file;
use crate::system::log::printable;
use anyhow::Result;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The modes of new directories, and of those above them that are missing, too.
const PUBLIC: u32 = 0o755;
const PRIVATE: u32 = 0o700;

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
        host.warn(contradicted(&host, &operands, &instance)?);
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
    let own: Vec<Setting> = directories.iter().chain(&settings).cloned().collect();
    let shared = shared(&host, &instance.config_directory, &own)?;
    let mut warnings = set_directories(&mut instance, &main_cf_text(shared.iter().chain(&own)), &host)?;
    let with_new = claim(&mut instances, &instance, &host)?;
    let secondaries = if listed { host.primary.secondaries.clone() } else { with_new };
    host.check_initialised()?;
    import::check_places(&instances, &instance)?;

    let prototypes = Prototypes::read(&host)?;
    let new = prototypes.new_main_cf(&host, &instance, &shared, &directories, &settings);
    let (_, parameters) = Parameters::parse(host.postfix, &instance.config_directory, &new.bytes);
    let mut private = PrivateFiles::plan(&host, &instance, &parameters?)?;
    let before = leftovers::check(&host, &instance, &new)?;
    warnings.extend(places::check(&host, &instances, &instance, &mut private, By::Create)?);
    host.warn(warnings);

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

/// What is left to do for an instance that is on the list already, if it is the one asked for and lacks something.
fn finish(
    instances: &Instances,
    config_directory: &OsStr,
    operands: &Operands,
    names: &Names,
    host: &Host,
) -> Result<Option<Plan>> {
    let Some(instance) = listed(instances, config_directory, names) else { return Ok(None) };
    if !contradicted(host, operands, instance)?.is_empty() {
        return Ok(None);
    }
    let mut buffer = Vec::new();
    let (_, parameters) = Parameters::read(host.postfix, config_directory, &mut buffer);
    let mut private = PrivateFiles::plan(host, instance, &parameters?)?;
    let warnings = links::leave(host, instances, instance, &mut private)?;
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
    host.warn(warnings);
    prepare.extend(private.prepare);
    let finish = private.finish.into_iter().chain(left).collect();
    Ok(Some(Plan { prepare, finish, ..Plan::default() }))
}

fn has(host: &Host, config_directory: &OsStr, name: &str) -> Result<bool, SystemError> {
    file::is_regular(host.postfix.root, &Path::new(config_directory).join(name))
}

/// The operands that the main.cf of an existing instance contradicts, each as a warning: with the original they count for
/// nothing. An operand may refer to what that main.cf says.
fn contradicted(host: &Host, operands: &Operands, instance: &Instance) -> Result<Vec<String>> {
    let config_directory = &instance.config_directory;
    let main_cf = file::read(host.postfix.root, &main_cf(config_directory))?;
    let (_, parameters) = Parameters::parse(host.postfix, config_directory, &main_cf);
    let parameters = parameters?;
    let mut warnings = Vec::new();
    for (parameter, asked, found) in [
        ("queue_directory", &operands.queue_directory, &instance.queue_directory),
        ("data_directory", &operands.data_directory, &instance.data_directory),
    ] {
        let Some(asked) = asked else { continue };
        let text = [&main_cf[..], b"\n", &main_cf_text([(parameter, asked.clone())].iter())].concat();
        if located(host, config_directory, &text, parameter).is_ok_and(|located| located.path == Path::new(found)) {
            continue;
        }
        let (place, asked, found) = (parameters.place(parameter), printable(asked), printable(found));
        let says = if place.line.is_some() { "says" } else { "does not set it, which means" };
        warnings.push(format!("{parameter}={asked} is ignored: {place} {says} {found}"));
    }
    Ok(warnings)
}

/// Gives a new instance its directories as Postfix will find them, by the text of its main.cf. Returns warnings.
fn set_directories(instance: &mut Instance, text: &[u8], host: &Host) -> Result<Vec<String>, OperandError> {
    let config_directory = instance.config_directory.clone();
    let mut warnings = Vec::new();
    for (parameter, directory) in
        [("queue_directory", &mut instance.queue_directory), ("data_directory", &mut instance.data_directory)]
    {
        let located = located(host, &config_directory, text, parameter)?;
        warnings.extend(located.warning(parameter));
        *directory = located.path.into();
    }
    Ok(warnings)
}

/// The directory that a parameter stands for in a main.cf with this text.
fn located(
    host: &Host,
    config_directory: &OsStr,
    text: &[u8],
    parameter: &'static str,
) -> Result<Located, OperandError> {
    let (_, parameters) = Parameters::parse(host.postfix, config_directory, text);
    let problem = match parameters {
        Ok(parameters) => match locate(&parameters, parameter) {
            Ok(located) => return Ok(located),
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
