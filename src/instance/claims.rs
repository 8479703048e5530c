//! What instances may not share: names, and directories, however they are spelled.

use super::Instance;
use super::primary::Shared;
use crate::system::log::printable;
use crate::system::root::Root;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Who claims a value: an instance, by its configuration directory, and the parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    config_directory: OsString,
    parameter: &'static str,
    value: OsString,
}

/// A directory that is claimed, by its true path.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    claim: Claim,
    /// Do several parameters and all instances use it, as with `command_directory`?
    shared: bool,
}

/// Two claims that exclude each other. The first line of words is Postfix's.
#[derive(Debug, Error)]
pub enum Conflict {
    #[error("{}", conflicts(.0, .1))]
    SameValue(Claimed, Claimed),
    #[error("{}: they are the same directory", conflicts(.0, .1))]
    SameDirectory(Claimed, Claimed),
    #[error("{}: it lies inside", conflicts(.0, .1))]
    Inside(Claimed, Claimed),
}

/// A claim in words.
#[derive(Debug)]
pub struct Claimed {
    instance: String,
    setting: String,
}

fn conflicts(claimed: &Claimed, owner: &Claimed) -> String {
    format!(
        "instance {}, {} conflicts with instance {}, {}",
        claimed.instance, claimed.setting, owner.instance, owner.setting
    )
}

/// All claims so far. One table holds them, whatever the parameter.
#[derive(Debug)]
pub struct Claims<'a> {
    root: &'a Root,
    by_value: HashMap<OsString, Claim>,
    places: Vec<Place>,
}

impl<'a> Claims<'a> {
    pub fn new(root: &'a Root) -> Self {
        Claims { root, by_value: HashMap::new(), places: Vec::new() }
    }

    /// Claims the shared directories for the primary. `meta_directory` is commonly one of the others, so it is not claimed.
    pub fn add_shared(&mut self, config_directory: &OsStr, shared: &Shared) -> Result<(), Conflict> {
        for (parameter, value) in shared.directories().filter(|(parameter, _)| *parameter != "meta_directory") {
            self.claim(config_directory, parameter, value)?;
            self.occupy(config_directory, parameter, value, true);
        }
        Ok(())
    }

    /// Claims what is an instance's own: its name, if it has one, and its three directories.
    pub fn add(&mut self, instance: &Instance) -> Result<(), Conflict> {
        let owner = &instance.config_directory;
        if let Some(name) = &instance.name {
            self.claim(owner, "multi_instance_name", name)?;
        }
        for (parameter, value) in private_directories(instance) {
            self.claim(owner, parameter, value)?;
            self.occupy(owner, parameter, value, false);
        }
        Ok(())
    }

    fn claim(&mut self, owner: &OsStr, parameter: &'static str, value: &OsStr) -> Result<(), Conflict> {
        let claim = Claim { config_directory: owner.to_owned(), parameter, value: value.to_owned() };
        match self.by_value.get(value) {
            Some(known) if *known != claim => Err(Conflict::SameValue(claim.in_words(), known.in_words())),
            Some(_) => Ok(()),
            None => {
                self.by_value.insert(value.to_owned(), claim);
                Ok(())
            }
        }
    }

    fn occupy(&mut self, owner: &OsStr, parameter: &'static str, value: &OsStr, shared: bool) {
        let claim = Claim { config_directory: owner.to_owned(), parameter, value: value.to_owned() };
        self.places.push(Place { path: self.root.resolve(Path::new(value)), claim, shared });
    }

    /// Finds one directory under two spellings, and a directory inside another instance's.
    ///
    /// Configuration directories may lie inside one another, as in the example of MULTI_INSTANCE_README.
    pub fn check_places(&self) -> Result<(), Conflict> {
        let mut order: Vec<&Place> = self.places.iter().collect();
        order.sort_by(|one, other| one.path.cmp(&other.path));
        let mut around: Vec<&Place> = Vec::new();
        for place in order {
            around.retain(|outer| place.path.starts_with(&outer.path));
            for outer in &around {
                let same = outer.path == place.path;
                if same && !(outer.shared && place.shared) {
                    return Err(Conflict::SameDirectory(place.claim.in_words(), outer.claim.in_words()));
                }
                if !same && excludes(outer, place) {
                    return Err(Conflict::Inside(place.claim.in_words(), outer.claim.in_words()));
                }
            }
            around.push(place);
        }
        Ok(())
    }
}

/// May the second directory not lie inside the first?
fn excludes(outer: &Place, inner: &Place) -> bool {
    let private = !outer.shared && !inner.shared;
    let strangers = outer.claim.config_directory != inner.claim.config_directory;
    let configurations = [outer, inner].iter().all(|place| place.claim.parameter == "config_directory");
    private && strangers && !configurations
}

/// The parameters that name an instance's own directories, with their values, in the order in which they are claimed.
fn private_directories(instance: &Instance) -> [(&'static str, &OsStr); 3] {
    [
        ("config_directory", &instance.config_directory),
        ("queue_directory", &instance.queue_directory),
        ("data_directory", &instance.data_directory),
    ]
}

impl Claim {
    fn in_words(&self) -> Claimed {
        let setting = format!("{}={}", self.parameter, printable(&self.value));
        Claimed { instance: printable(&self.config_directory), setting }
    }
}
