//! What instances may not share: names, and directories, however they are spelled.

use super::Instance;
use super::primary::Shared;
use crate::system::log::printable;
use crate::system::root::Root;
use rustc_hash::FxHashMap;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use thiserror::Error;

/// Who claims a value: an instance, by its configuration directory, and the parameter.
#[derive(Debug, PartialEq, Eq)]
struct Claim {
    config_directory: Rc<OsStr>,
    parameter: &'static str,
    value: Rc<OsStr>,
    /// Do all instances use it, as with `command_directory`?
    shared: bool,
}

/// A directory that is claimed: its true path, with a slash at the end, and the claim.
#[derive(Debug)]
struct Place {
    path: Vec<u8>,
    claim: usize,
}

/// Two claims that exclude each other. All but the end, after the colon, is in Postfix's words.
#[derive(Debug, Error)]
pub enum Conflict {
    #[error("{}", conflicts(.0, .1))]
    SameValue(Claimed, Claimed),
    #[error("{}: they are the same directory", conflicts(.0, .1))]
    SameDirectory(Claimed, Claimed),
    #[error("{}: it lies inside", conflicts(.0, .1))]
    Inside(Claimed, Claimed),
}

/// What is claimed, and by which instance, named by its configuration directory.
#[derive(Debug)]
pub struct Claimed {
    pub config_directory: Box<OsStr>,
    pub parameter: &'static str,
    pub value: Box<OsStr>,
}

impl Conflict {
    /// The later claim, and the one that it is in conflict with.
    pub fn claims(&self) -> (&Claimed, &Claimed) {
        let (Conflict::SameValue(later, first)
        | Conflict::SameDirectory(later, first)
        | Conflict::Inside(later, first)) = self;
        (later, first)
    }
}

fn conflicts(claimed: &Claimed, owner: &Claimed) -> String {
    format!("{claimed} conflicts with {owner}")
}

impl fmt::Display for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [instance, value] = [&self.config_directory, &self.value].map(|text| printable(&**text));
        write!(f, "instance {instance}, {}={value}", self.parameter)
    }
}

/// All claims so far. One table holds them, whatever the parameter.
#[derive(Debug, Default)]
pub struct Claims {
    all: Vec<Claim>,
    by_value: FxHashMap<Rc<OsStr>, usize>,
    places: Vec<Place>,
}

impl Claims {
    /// Claims the shared directories for the primary. `meta_directory` is commonly one of the others, so it is not claimed.
    pub fn add_shared(&mut self, root: &Root, owner: &OsStr, shared: &Shared) -> Result<(), Conflict> {
        for (parameter, value) in shared.directories().filter(|(parameter, _)| *parameter != "meta_directory") {
            let claim = Claim { config_directory: owner.into(), parameter, value: value.into(), shared: true };
            let claim = self.claim(claim)?;
            self.places.push(Place::new(root.resolve(Path::new(value)), claim));
        }
        Ok(())
    }

    /// Claims what is an instance's own: its name, if it has one, and its three directories, whose true paths are given.
    pub fn add(&mut self, instance: &Instance, places: [PathBuf; 3]) -> Result<(), Conflict> {
        self.add_each(instance, places).into_iter().next().map_or(Ok(()), Err)
    }

    /// The same, with all the conflicts. What is claimed already stays with who was first.
    pub fn add_each(&mut self, instance: &Instance, places: [PathBuf; 3]) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        if let Some(name) = &instance.name {
            conflicts.extend(self.add_name(&instance.config_directory, name).err());
        }
        let owner: Rc<OsStr> = instance.config_directory.as_os_str().into();
        let claim = |parameter, value: &OsStr| Claim {
            config_directory: owner.clone(),
            parameter,
            value: value.into(),
            shared: false,
        };
        for ((parameter, value), place) in private_directories(instance).into_iter().zip(places) {
            match self.claim(claim(parameter, value)) {
                Ok(claim) => self.places.push(Place::new(place, claim)),
                Err(conflict) => conflicts.push(conflict),
            }
        }
        conflicts
    }

    /// Claims a new name for an instance.
    pub fn add_name(&mut self, config_directory: &OsStr, name: &OsStr) -> Result<(), Conflict> {
        let (parameter, shared) = ("multi_instance_name", false);
        let claim = Claim { config_directory: config_directory.into(), parameter, value: name.into(), shared };
        self.claim(claim).map(|_| ())
    }

    /// Who claims a value: the configuration directory of the instance, and the parameter.
    pub fn owner_of(&self, value: &OsStr) -> Option<(&OsStr, &'static str)> {
        let claim = &self.all[*self.by_value.get(value)?];
        Some((&claim.config_directory, claim.parameter))
    }

    fn claim(&mut self, claim: Claim) -> Result<usize, Conflict> {
        match self.by_value.get(&claim.value).map(|known| (*known, &self.all[*known])) {
            Some((known, owner)) if *owner == claim => Ok(known),
            Some((_, owner)) => Err(Conflict::SameValue(claim.claimed(), owner.claimed())),
            None => {
                self.by_value.insert(claim.value.clone(), self.all.len());
                self.all.push(claim);
                Ok(self.all.len() - 1)
            }
        }
    }

    /// Finds one directory under two spellings, and a directory inside another instance's.
    ///
    /// Configuration directories may lie inside one another, as in the example of MULTI_INSTANCE_README.
    pub fn check_places(&self) -> Result<(), Conflict> {
        self.place_conflicts().into_iter().next().map_or(Ok(()), Err)
    }

    /// The same, with all that are found: of each directory, the first one around it that it is in conflict with.
    pub fn place_conflicts(&self) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        let mut order: Vec<&Place> = self.places.iter().collect();
        // What lies inside a directory comes right behind it, since its path begins with that of the directory.
        order.sort_by(|one, other| one.path.cmp(&other.path));
        let mut around: Vec<&Place> = Vec::new();
        for place in order {
            around.retain(|outer| place.path.starts_with(&outer.path));
            let inner = &self.all[place.claim];
            for (outer, same) in around.iter().map(|outer| (&self.all[outer.claim], outer.path == place.path)) {
                if same && !(outer.shared && inner.shared) {
                    conflicts.push(Conflict::SameDirectory(inner.claimed(), outer.claimed()));
                    break;
                }
                if !same && excludes(outer, inner) {
                    conflicts.push(Conflict::Inside(inner.claimed(), outer.claimed()));
                    break;
                }
            }
            around.push(place);
        }
        conflicts
    }
}

impl Place {
    fn new(path: PathBuf, claim: usize) -> Place {
        let mut path = path.into_os_string().into_vec();
        if !path.ends_with(b"/") {
            path.push(b'/');
        }
        Place { path, claim }
    }
}

/// The true paths of an instance's own directories, in the order in which they are claimed.
pub fn places(root: &Root, instance: &Instance) -> [PathBuf; 3] {
    private_directories(instance).map(|(_, value)| root.resolve(Path::new(value)))
}

/// May a directory not lie inside another one, by whose claims they are?
fn excludes(outer: &Claim, inner: &Claim) -> bool {
    let private = !outer.shared && !inner.shared;
    let strangers = outer.config_directory != inner.config_directory;
    let configurations = [outer, inner].iter().all(|claim| claim.parameter == "config_directory");
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
    fn claimed(&self) -> Claimed {
        Claimed {
            config_directory: self.config_directory.as_ref().into(),
            parameter: self.parameter,
            value: self.value.as_ref().into(),
        }
    }
}
