//! All instances of a host, from their main.cf files.

use super::claims::{Claims, Conflict, places};
use super::parameters::{FileError, Parameters, Postfix, ValueError, main_cf};
use super::primary::{Primary, boolean};
use super::{Broken, Instance, Instances};
use crate::system::log::{Log, printable};
use crate::system::parallel::in_parts;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use thiserror::Error;

/// What stays of a main.cf when its instance is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The values that make the instance.
    Values,
    /// The whole file, too, for who needs other parameters.
    File,
}

/// Why a secondary instance cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Value(#[from] ValueError),
    /// It would have the directories of the primary, and be in its way.
    #[error("{0} sets no parameter")]
    Empty(String),
    /// The words are Postfix's.
    #[error("Unexpected {file} entry: multi_instance_enable = {value}")]
    Boolean { file: String, line: Option<usize>, value: String },
}

impl LoadError {
    /// Is it that this user may not read the file?
    pub fn is_denied(&self) -> bool {
        matches!(self, LoadError::File(FileError::Read(error)) if error.is_denied())
    }
}

/// What came of reading one secondary main.cf.
#[derive(Debug)]
pub struct Loaded {
    warnings: Vec<String>,
    /// With the true paths of its directories.
    pub instance: Result<(Instance, [PathBuf; 3]), LoadError>,
}

/// What one look at all instances has found, before anybody is told of what is wrong.
#[derive(Debug)]
pub struct Look {
    warnings: Vec<String>,
    instances: Result<Instances, Conflict>,
}

impl Look {
    /// Loads every secondary that the primary lists, and checks that no two instances claim the same thing.
    ///
    /// A secondary that cannot be used is worth a warning, and stops no other.
    pub fn at(primary: &Primary, postfix: &Postfix, keep: Keep) -> Look {
        let mut warnings = Vec::new();
        let instances = Instances::find(primary, postfix, keep, &mut warnings);
        Look { warnings, instances }
    }

    /// What there is to complain about, if there is anything.
    pub fn complaints(&self) -> Option<Vec<String>> {
        let conflict = self.instances.as_ref().err().map(Conflict::to_string);
        let all: Vec<String> = self.warnings.iter().cloned().chain(conflict).collect();
        (!all.is_empty()).then_some(all)
    }

    /// What was found, without a word about what is wrong.
    pub fn silently(self) -> Result<Instances, Conflict> {
        self.instances
    }

    /// What was found, after the log has been told of what is wrong.
    pub fn tell(self, log: &Log) -> Result<Instances, Conflict> {
        self.warnings.into_iter().for_each(|warning| log.warning(warning));
        self.instances
    }
}

impl Instances {
    fn find(primary: &Primary, postfix: &Postfix, keep: Keep, told: &mut Vec<String>) -> Result<Instances, Conflict> {
        let mut claims = Claims::default();
        claims.add_shared(postfix.root, &primary.instance.config_directory, &primary.shared)?;
        claims.add(&primary.instance, places(postfix.root, &primary.instance))?;
        let (mut whole, mut broken) = (vec![primary.instance.clone()], Vec::new());
        if keep == Keep::File {
            whole[0].main_cf.clone_from(&primary.main_cf);
        }

        let directories = each_once(&primary.secondaries, told);
        let loaded = load_all(postfix, &directories, keep);
        for (config_directory, Loaded { warnings, instance }) in directories.into_iter().zip(loaded) {
            told.extend(warnings);
            match instance {
                Ok((instance, places)) => {
                    claims.add(&instance, places)?;
                    whole.push(instance);
                }
                Err(reason) => {
                    told.push(format!("instance {} is left out: {reason}", printable(&config_directory)));
                    broken.push(Broken { config_directory, denied: reason.is_denied() });
                }
            }
        }
        claims.check_places()?;
        Ok(Instances { whole, broken, claims })
    }
}

/// Loads one secondary instance, listed or not. Warnings go to the log.
pub fn load_one(postfix: &Postfix, config_directory: &OsStr, log: &Log) -> Result<Instance, LoadError> {
    let Loaded { warnings, instance } = load(postfix, config_directory, Keep::Values, &mut Vec::new());
    warnings.into_iter().for_each(|warning| log.warning(warning));
    Ok(instance?.0)
}

/// Loads each of these secondary instances with its main.cf, whether or not it can be used beside the others.
pub fn load_each(postfix: &Postfix, directories: &[OsString]) -> Vec<Loaded> {
    load_all(postfix, directories, Keep::File)
}

/// The listed directories, less those that are listed again.
fn each_once(listed: &[OsString], told: &mut Vec<String>) -> Vec<OsString> {
    let mut seen = HashSet::new();
    let (first, again): (Vec<_>, Vec<_>) = listed.iter().partition(|directory| seen.insert(*directory));
    for directory in again {
        let directory = printable(directory);
        told.push(format!("multi_instance_directories lists {directory} more than once: the first place counts"));
    }
    first.into_iter().cloned().collect()
}

/// Loads each directory on its own. The order is kept.
fn load_all(postfix: &Postfix, directories: &[OsString], keep: Keep) -> Vec<Loaded> {
    in_parts(directories, |part| {
        let mut buffer = Vec::new();
        part.iter().map(|directory| load(postfix, directory, keep, &mut buffer)).collect()
    })
}

fn load(postfix: &Postfix, config_directory: &OsStr, keep: Keep, buffer: &mut Vec<u8>) -> Loaded {
    let (warnings, parameters) = Parameters::read(postfix, config_directory, buffer);
    let instance = parameters.map_err(LoadError::from).and_then(|parameters| {
        let mut instance = instance(&parameters, config_directory)?;
        if keep == Keep::File {
            instance.main_cf = parameters.main_cf.to_bytes().to_vec();
        }
        let places = places(postfix.root, &instance);
        Ok((instance, places))
    });
    Loaded { warnings, instance }
}

fn instance(parameters: &Parameters, config_directory: &OsStr) -> Result<Instance, LoadError> {
    if parameters.is_empty() {
        return Err(LoadError::Empty(printable(main_cf(config_directory))));
    }
    let filled = |name| Ok::<_, LoadError>(Some(parameters.value(name)?).filter(|value| !value.is_empty()));
    let queue_directory = parameters.value("queue_directory")?;
    let data_directory = parameters.value("data_directory")?;
    let name = filled("multi_instance_name")?;
    let group = filled("multi_instance_group")?;
    let enable = parameters.value("multi_instance_enable")?;
    let enabled = boolean(&enable).ok_or_else(|| {
        let file = printable(main_cf(config_directory));
        let line = parameters.place("multi_instance_enable").line;
        LoadError::Boolean { file, line, value: printable(&enable) }
    })?;
    Ok(Instance {
        name,
        group,
        enabled,
        config_directory: config_directory.to_owned(),
        queue_directory,
        data_directory,
        primary: false,
        main_cf: Vec::new(),
    })
}
