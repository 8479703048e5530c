//! All instances of a host, from their main.cf files.

use super::claims::{Claims, Conflict, places};
use super::parameters::{FileError, Parameters, Postfix, ValueError, main_cf};
use super::primary::{Primary, boolean};
use super::{Broken, Instance, Instances};
use crate::system::log::{Log, printable};
use nix::sched::{CloneFlags, unshare};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread::{self, ScopedJoinHandle};
use thiserror::Error;

/// Below this many secondaries, starting a thread costs more than it saves.
const MIN_PER_THREAD: usize = 32;

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
    Boolean { file: String, value: String },
}

/// What came of reading one secondary main.cf.
struct Loaded {
    warnings: Vec<String>,
    /// With the true paths of its directories.
    instance: Result<(Instance, [PathBuf; 3]), LoadError>,
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
    pub fn at(primary: &Primary, postfix: &Postfix) -> Look {
        let mut warnings = Vec::new();
        let instances = Instances::find(primary, postfix, &mut warnings);
        Look { warnings, instances }
    }

    /// Was there nothing to complain about?
    pub fn is_sound(&self) -> bool {
        self.warnings.is_empty() && self.instances.is_ok()
    }

    /// Has another look found the same to complain about?
    pub fn complains_as(&self, other: &Look) -> bool {
        let conflict = |look: &Look| look.instances.as_ref().err().map(Conflict::to_string);
        self.warnings == other.warnings && conflict(self) == conflict(other)
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
    fn find(primary: &Primary, postfix: &Postfix, told: &mut Vec<String>) -> Result<Instances, Conflict> {
        let mut claims = Claims::default();
        claims.add_shared(postfix.root, &primary.instance.config_directory, &primary.shared)?;
        claims.add(&primary.instance, places(postfix.root, &primary.instance))?;
        let (mut whole, mut broken) = (vec![primary.instance.clone()], Vec::new());

        let directories = each_once(&primary.secondaries, told);
        let loaded = load_all(postfix, &directories);
        for (config_directory, Loaded { warnings, instance }) in directories.into_iter().zip(loaded) {
            told.extend(warnings);
            match instance {
                Ok((instance, places)) => {
                    claims.add(&instance, places)?;
                    whole.push(instance);
                }
                Err(reason) => {
                    told.push(format!("instance {} is left out: {reason}", printable(&config_directory)));
                    broken.push(Broken { config_directory });
                }
            }
        }
        claims.check_places()?;
        Ok(Instances { whole, broken, claims })
    }
}

/// Loads one secondary instance, listed or not. Warnings go to the log.
pub fn load_one(postfix: &Postfix, config_directory: &OsStr, log: &Log) -> Result<Instance, LoadError> {
    let Loaded { warnings, instance } = load(postfix, config_directory, &mut Vec::new());
    warnings.into_iter().for_each(|warning| log.warning(warning));
    Ok(instance?.0)
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

/// Loads each directory on its own, in parallel where there are enough of them. The order is kept.
fn load_all(postfix: &Postfix, directories: &[OsString]) -> Vec<Loaded> {
    let load_each = |part: &[OsString]| {
        let mut buffer = Vec::new();
        part.iter().map(|directory| load(postfix, directory, &mut buffer)).collect::<Vec<_>>()
    };
    if directories.len() < 2 * MIN_PER_THREAD {
        return load_each(directories);
    }
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get());
    let part = directories.len().div_ceil(threads).max(MIN_PER_THREAD);
    thread::scope(|scope| {
        let start = |part| {
            let work = move || {
                // Descriptors of its own, so that the threads do not wait for each other at every open and close.
                let _ = unshare(CloneFlags::CLONE_FILES);
                load_each(part)
            };
            thread::Builder::new().spawn_scoped(scope, work).map_err(|_| part)
        };
        let workers: Vec<_> = directories.chunks(part).map(start).collect();
        let finish = |worker: Result<ScopedJoinHandle<_>, _>| match worker {
            Ok(worker) => worker.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // No more threads are to be had: then this one does it.
            Err(part) => load_each(part),
        };
        workers.into_iter().flat_map(finish).collect()
    })
}

fn load(postfix: &Postfix, config_directory: &OsStr, buffer: &mut Vec<u8>) -> Loaded {
    let (warnings, parameters) = Parameters::read(postfix, config_directory, buffer);
    let instance = parameters.map_err(LoadError::from).and_then(|parameters| {
        let instance = instance(&parameters, config_directory)?;
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
        LoadError::Boolean { file, value: printable(&enable) }
    })?;
    let config_directory = config_directory.to_owned();
    Ok(Instance { name, group, enabled, config_directory, queue_directory, data_directory, primary: false })
}
