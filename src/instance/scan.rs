//! All instances of a host, from their main.cf files.

use super::conflicts::{Conflict, ConflictTable, places};
use super::parameters::{FileError, Parameters, Postfix, ValueError, main_cf};
use super::primary::{Primary, boolean};
use super::{Cause, Instance, Instances, LeftOut};
use crate::cli::request::Selection;
use crate::system::log::{Log, printable};
use crate::system::parallel::in_parts;
use rustc_hash::{FxHashMap, FxHashSet};
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::PathBuf;
use thiserror::Error;

/// How often the instances are read if they keep changing.
pub const MAX_LOOKS: usize = 10;

/// The part of a main.cf that is kept when its instance is loaded.
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

/// One secondary main.cf, read.
#[derive(Debug)]
pub struct Loaded {
    pub config_directory: OsString,
    warnings: Vec<String>,
    /// With the true paths of its directories.
    pub instance: Result<(Instance, [PathBuf; 3]), LoadError>,
}

/// All instances as their files say, each file read once, before anything is reported.
#[derive(Debug)]
pub struct Scan<'a> {
    postfix: &'a Postfix<'a>,
    keep: Keep,
    pub primary: Primary,
    /// The secondaries in list order, each once.
    pub secondaries: Vec<Loaded>,
}

/// A reason not to serve an instance, or to warn about it, and the configuration directories of those concerned.
///
/// It may come from files that were changed while they were read, one after the other.
#[derive(Debug, PartialEq, Eq)]
struct Doubt {
    reason: String,
    directories: Vec<OsString>,
}

/// The conflicts among the instances of a scan.
struct Assessment {
    table: ConflictTable,
    /// For each secondary its conflicts with the primary, itself or earlier secondaries: one of them leaves it out.
    of_secondaries: Vec<Vec<Conflict>>,
    /// These are warnings.
    places: Vec<Conflict>,
}

impl<'a> Scan<'a> {
    /// Reads the main.cf of every secondary that the primary lists.
    pub fn run(primary: Primary, postfix: &'a Postfix<'a>, keep: Keep) -> Scan<'a> {
        let secondaries = load_all(postfix, &listed_once(&primary), keep);
        Scan { postfix, keep, primary, secondaries }
    }

    /// Reads again what is in doubt, until it is the same at two reads in a row.
    ///
    /// The instances are read without a lock: the list is a little older than the files that it names, and another
    /// process may change them meanwhile.
    ///
    /// # Errors
    ///
    /// The primary main.cf was changed meanwhile, and cannot be used any more.
    pub fn settle(mut self, log: &Log) -> anyhow::Result<Scan<'a>> {
        let mut doubts = self.doubts();
        for _ in 1..MAX_LOOKS {
            if doubts.is_empty() {
                break;
            }
            self.read_again(doubts.iter().flat_map(|doubt| &doubt.directories), log)?;
            let before = std::mem::replace(&mut doubts, self.doubts());
            if doubts == before {
                break;
            }
        }
        Ok(self)
    }

    /// Reads the list again, and the main.cf of these secondaries and of new ones on the list.
    pub fn read_again<'d>(
        &mut self,
        doubtful: impl IntoIterator<Item = &'d OsString>,
        log: &Log,
    ) -> anyhow::Result<()> {
        self.primary = self.primary.clone().again(self.postfix, log)?;
        let doubtful: FxHashSet<&OsString> = doubtful.into_iter().collect();
        let listed = listed_once(&self.primary);
        let sound = self.secondaries.drain(..).filter(|loaded| !doubtful.contains(&loaded.config_directory));
        let mut known: FxHashMap<OsString, Loaded> =
            sound.map(|loaded| (loaded.config_directory.clone(), loaded)).collect();
        let missing: Vec<_> = listed.iter().filter(|directory| !known.contains_key(*directory)).cloned().collect();
        for loaded in load_all(self.postfix, &missing, self.keep) {
            known.insert(loaded.config_directory.clone(), loaded);
        }
        self.secondaries = listed.iter().filter_map(|directory| known.remove(directory)).collect();
        Ok(())
    }

    /// Warns about everything that is wrong, and returns the primary and all instances.
    ///
    /// # Errors
    ///
    /// The primary is in conflict with itself.
    pub fn report(self, selection: &Selection, log: &Log) -> Result<(Primary, Instances), Conflict> {
        let assessment = self.assess()?;
        let primary = match self.keep {
            Keep::Values => self.primary.instance.clone(),
            Keep::File => self.primary.whole_instance(),
        };
        let (mut served, mut left_out) = (vec![primary], Vec::new());
        warnings_of_list(&self.primary).into_iter().for_each(|warning| log.warning(warning));
        for (loaded, conflicts) in self.secondaries.into_iter().zip(assessment.of_secondaries) {
            let Loaded { config_directory, warnings, instance } = loaded;
            warnings.into_iter().for_each(|warning| log.warning(warning));
            match (instance, conflicts.first().map(Conflict::to_string)) {
                (Ok((instance, _)), None) => served.push(instance),
                (Ok((instance, _)), Some(reason)) => {
                    let selected = matches!(selection, Selection::Name(name) if *name == config_directory);
                    log.warning(if selected { reason } else { is_left_out(&config_directory, reason) });
                    left_out.push(LeftOut { config_directory, cause: Cause::Conflict(Box::new(instance), conflicts) });
                }
                (Err(error), _) => {
                    log.warning(is_left_out(&config_directory, &error));
                    let cause = if error.is_denied() { Cause::Denied } else { Cause::Broken };
                    left_out.push(LeftOut { config_directory, cause });
                }
            }
        }
        assessment.places.iter().for_each(|conflict| log.warning(conflict.to_string()));
        Ok((self.primary, Instances { served, left_out, conflicts: assessment.table }))
    }

    fn assess(&self) -> Result<Assessment, Conflict> {
        let (primary, root) = (&self.primary.instance, self.postfix.root);
        let mut table = ConflictTable::default();
        table.add_shared(root, &primary.config_directory, &self.primary.shared)?;
        table.add(primary, places(root, primary)).into_iter().next().map_or(Ok(()), Err)?;
        let mut add = |loaded: &Loaded| match &loaded.instance {
            Ok((instance, places)) => table.add(instance, places.clone()),
            Err(_) => {
                // If another instance has claimed it, that one was there before.
                let _ = table.add_config_directory(&loaded.config_directory);
                Vec::new()
            }
        };
        let of_secondaries = self.secondaries.iter().map(&mut add).collect();
        Ok(Assessment { places: table.place_conflicts(), of_secondaries, table })
    }

    fn doubts(&self) -> Vec<Doubt> {
        let of_conflict = |conflict: &Conflict| {
            let (later, first) = conflict.claims();
            let directories = [later, first].map(|claimed| claimed.config_directory.clone().into_os_string());
            Doubt { reason: conflict.to_string(), directories: directories.into() }
        };
        let broken = self.secondaries.iter().filter_map(|loaded| {
            let reason = loaded.instance.as_ref().err()?.to_string();
            Some(Doubt { reason, directories: vec![loaded.config_directory.clone()] })
        });
        match self.assess() {
            Ok(Assessment { of_secondaries, places, .. }) => {
                broken.chain(of_secondaries.iter().flatten().chain(&places).map(of_conflict)).collect()
            }
            Err(conflict) => vec![of_conflict(&conflict)],
        }
    }
}

fn is_left_out(config_directory: &OsStr, reason: impl Display) -> String {
    format!("instance {} is left out: {reason}", printable(config_directory))
}

/// Loads one secondary instance, listed or not. Warnings go to the log.
pub fn load_one(postfix: &Postfix, config_directory: &OsStr, log: &Log) -> Result<Instance, LoadError> {
    let Loaded { warnings, instance, .. } = load(postfix, config_directory, Keep::Values, &mut Vec::new());
    warnings.into_iter().for_each(|warning| log.warning(warning));
    Ok(instance?.0)
}

/// Loads an instance again, with its main.cf, about which warnings were given before; None if it cannot be used any more.
pub fn reload(postfix: &Postfix, config_directory: &OsStr) -> Option<Instance> {
    Some(load(postfix, config_directory, Keep::File, &mut Vec::new()).instance.ok()?.0)
}

/// The listed configuration directories, each once, without the primary's own.
fn listed_once(primary: &Primary) -> Vec<OsString> {
    let mut seen = FxHashSet::from_iter([&primary.instance.config_directory]);
    primary.secondaries.iter().filter(|directory| seen.insert(directory)).cloned().collect()
}

/// Entries of the list that have no effect.
fn warnings_of_list(primary: &Primary) -> Vec<String> {
    let mut seen = FxHashSet::from_iter([&primary.instance.config_directory]);
    let without_effect = primary.secondaries.iter().filter(|directory| !seen.insert(directory));
    let reason = |directory: &OsString| match *directory == primary.instance.config_directory {
        true => ", the primary itself: this has no effect",
        false => " more than once: the first place counts",
    };
    let shown = without_effect.map(|directory| (printable(directory), reason(directory)));
    shown.map(|(directory, reason)| format!("multi_instance_directories lists {directory}{reason}")).collect()
}

/// Loads each directory on its own. The order is kept.
fn load_all(postfix: &Postfix, directories: &[OsString], keep: Keep) -> Vec<Loaded> {
    in_parts(directories, |part| {
        let mut buffer = Vec::new();
        part.iter().map(|directory| load(postfix, directory, keep, &mut buffer)).collect()
    })
}

fn load(postfix: &Postfix, config_directory: &OsStr, keep: Keep, buffer: &mut Vec<u8>) -> Loaded {
    let (mut warnings, parameters) = Parameters::read(postfix, config_directory, buffer);
    let instance = parameters.map_err(LoadError::from).and_then(|parameters| {
        let mut instance = instance(&parameters, config_directory, &mut warnings)?;
        warnings.extend(without_value(&parameters, &instance));
        if keep == Keep::File {
            instance.main_cf = parameters.main_cf.to_bytes().to_vec();
        }
        let places = places(postfix.root, &instance);
        Ok((instance, places))
    });
    Loaded { config_directory: config_directory.to_owned(), warnings, instance }
}

/// A queue or data directory without a value, which only postfix(1) needs.
fn without_value(parameters: &Parameters, instance: &Instance) -> Vec<String> {
    let directories = [("queue_directory", &instance.queue_directory), ("data_directory", &instance.data_directory)];
    let empty = directories.into_iter().filter(|(_, value)| value.is_empty());
    empty.map(|(name, _)| format!("{}: {name} has no value", parameters.place(name))).collect()
}

fn instance(
    parameters: &Parameters,
    config_directory: &OsStr,
    warnings: &mut Vec<String>,
) -> Result<Instance, LoadError> {
    let mut value = |name| {
        let value = parameters.value(name)?;
        warnings.extend(parameters.warning_of_comment(&value));
        Ok::<_, LoadError>(value)
    };
    let queue_directory = value("queue_directory")?;
    let data_directory = value("data_directory")?;
    let name = Some(value("multi_instance_name")?).filter(|name| !name.is_empty());
    let group = Some(value("multi_instance_group")?).filter(|group| !group.is_empty());
    let enable = value("multi_instance_enable")?;
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
