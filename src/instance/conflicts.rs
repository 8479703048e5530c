//! The conflict table: names and directories that instances may not share, however the directories are spelled.

use super::Instance;
use super::primary::Shared;
use crate::system::log::printable;
use crate::system::root::Root;
use rustc_hash::FxHashMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use thiserror::Error;

/// A value and its owner: an instance, by its configuration directory, and the parameter.
#[derive(Debug, PartialEq, Eq)]
struct Claim {
    config_directory: Rc<OsStr>,
    parameter: &'static str,
    value: Rc<OsStr>,
    /// Do all instances use it, as with `command_directory`?
    shared: bool,
}

/// A claimed directory: its path without links, with a slash at the end, and the index of the claim.
#[derive(Debug)]
struct Place {
    path: Vec<u8>,
    claim: usize,
}

/// Two claims of which one excludes the other. Up to the colon the words are Postfix's.
#[derive(Debug, Error)]
pub enum Conflict {
    /// Both have the same value. The original ends with a fatal error.
    #[error("{}", conflicts(.later, .first))]
    SameValue { later: Claimed, first: Claimed },
    /// Two spellings of one directory. The original does not notice.
    #[error("{}: they are the same directory", conflicts(.later, .first))]
    SameDirectory { later: Claimed, first: Claimed },
    /// A directory inside another one. The original does not notice. `below` is the relative path from the outer one.
    #[error("{}: it lies inside", conflicts(.inner, .outer))]
    Inside { inner: Claimed, outer: Claimed, below: PathBuf },
}

/// A claimed value, and the instance, named by its configuration directory.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub config_directory: Box<OsStr>,
    pub parameter: &'static str,
    pub value: Box<OsStr>,
}

impl Conflict {
    /// The later claim (or the inner one), and the claim that it is in conflict with.
    pub fn claims(&self) -> (&Claimed, &Claimed) {
        match self {
            Conflict::SameValue { later, first } | Conflict::SameDirectory { later, first } => (later, first),
            Conflict::Inside { inner, outer, .. } => (inner, outer),
        }
    }

    /// Returns true if a claim of this instance has part in the conflict.
    pub fn involves(&self, config_directory: &OsStr) -> bool {
        let (later, first) = self.claims();
        [later, first].iter().any(|claimed| *claimed.config_directory == *config_directory)
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

/// All claims so far. One table holds them, whatever the parameter (behaviour.md 4).
#[derive(Debug, Default)]
pub struct ConflictTable {
    claims: Vec<Claim>,
    by_value: FxHashMap<Rc<OsStr>, usize>,
    places: Vec<Place>,
}

impl ConflictTable {
    /// Claims the shared directories for the primary. `meta_directory` is commonly one of the others, so it is not claimed.
    pub fn add_shared(&mut self, root: &Root, owner: &OsStr, shared: &Shared) -> Result<(), Conflict> {
        for (parameter, value) in shared.directories().filter(|(parameter, _)| *parameter != "meta_directory") {
            let claim = Claim { config_directory: owner.into(), parameter, value: value.into(), shared: true };
            let claim = self.claim(claim)?;
            self.add_place(root.resolve(Path::new(value)), claim);
        }
        Ok(())
    }

    /// Claims the name of an instance, if it has one, and its three directories. `places` are their true paths.
    ///
    /// Returns all conflicts with earlier claims, in the order of the claims. A value that is claimed already stays with
    /// its first owner; the others are claimed all the same. A queue or data directory without a value claims nothing.
    pub fn add(&mut self, instance: &Instance, places: [PathBuf; 3]) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        if let Some(name) = &instance.name {
            conflicts.extend(self.add_name(&instance.config_directory, name).err());
        }
        let owner: Rc<OsStr> = instance.config_directory.as_os_str().into();
        for ((parameter, value), place) in private_directories(instance).into_iter().zip(places) {
            if value.is_empty() {
                continue;
            }
            let claim = Claim { config_directory: owner.clone(), parameter, value: value.into(), shared: false };
            match self.claim(claim) {
                Ok(claim) => self.add_place(place, claim),
                Err(conflict) => conflicts.push(conflict),
            }
        }
        conflicts
    }

    /// Claims a new name for an instance.
    pub fn add_name(&mut self, config_directory: &OsStr, name: &OsStr) -> Result<(), Conflict> {
        self.add_value(config_directory, "multi_instance_name", name)
    }

    /// Claims a configuration directory whose main.cf cannot be used: all that is known of its instance.
    pub fn add_config_directory(&mut self, config_directory: &OsStr) -> Result<(), Conflict> {
        self.add_value(config_directory, "config_directory", config_directory)
    }

    fn add_value(&mut self, owner: &OsStr, parameter: &'static str, value: &OsStr) -> Result<(), Conflict> {
        let claim = Claim { config_directory: owner.into(), parameter, value: value.into(), shared: false };
        self.claim(claim).map(|_| ())
    }

    /// The owner of a value: the configuration directory of the instance, and the parameter.
    pub fn owner_of(&self, value: &OsStr) -> Option<(&OsStr, &'static str)> {
        let claim = &self.claims[*self.by_value.get(value)?];
        Some((&claim.config_directory, claim.parameter))
    }

    fn claim(&mut self, claim: Claim) -> Result<usize, Conflict> {
        match self.by_value.get(&claim.value).map(|known| (*known, &self.claims[*known])) {
            Some((known, owner)) if *owner == claim => Ok(known),
            Some((_, owner)) => Err(Conflict::SameValue { later: claim.claimed(), first: owner.claimed() }),
            None => {
                self.by_value.insert(claim.value.clone(), self.claims.len());
                self.claims.push(claim);
                Ok(self.claims.len() - 1)
            }
        }
    }

    fn add_place(&mut self, path: PathBuf, claim: usize) {
        // Postfix would look for a relative path below whatever directory it is started in.
        if path.is_absolute() {
            self.places.push(Place::new(path, claim));
        }
    }

    /// Finds directories that have two spellings, and directories inside another instance's: of each directory the first
    /// one that it is in conflict with.
    ///
    /// Configuration directories may lie inside one another, as in the example of MULTI_INSTANCE_README.
    pub fn place_conflicts(&self) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        let mut order: Vec<&Place> = self.places.iter().collect();
        // A directory inside another one comes right behind it, since its path begins with that of the outer one.
        order.sort_by(|one, other| one.path.cmp(&other.path));
        let mut around: Vec<&Place> = Vec::new();
        for place in order {
            around.retain(|outer| place.path.starts_with(&outer.path));
            conflicts.extend(self.place_conflict(place, &around));
            around.push(place);
        }
        conflicts
    }

    /// Another spelling of a directory of this instance.
    pub fn same_directory(&self, config_directory: &OsStr) -> Option<Conflict> {
        let is_same = |conflict: &Conflict| matches!(conflict, Conflict::SameDirectory { .. });
        self.place_conflicts().into_iter().find(|conflict| is_same(conflict) && conflict.involves(config_directory))
    }

    /// A directory of this instance inside another one's queue, or the other way round, if it lies in one of the
    /// subdirectories that a queue has: postsuper(1) refuses to start the outer instance then.
    pub fn inside_queue(
        &self,
        config_directory: &OsStr,
        is_subdirectory: impl Fn(&OsStr) -> bool,
    ) -> Option<(Conflict, OsString)> {
        let is_own = |place: &&Place| *self.claims[place.claim].config_directory == *config_directory;
        let (own, others): (Vec<_>, Vec<_>) = self.places.iter().partition(is_own);
        let pairs = own.iter().flat_map(|own| others.iter().flat_map(|other| [(*own, *other), (*other, *own)]));
        for (outer, inner) in pairs {
            let [outer_claim, inner_claim] = [outer, inner].map(|place| &self.claims[place.claim]);
            let Some(below) =
                inner.path.strip_prefix(&outer.path[..]).filter(|_| outer_claim.parameter == "queue_directory")
            else {
                continue;
            };
            let below = Path::new(OsStr::from_bytes(below));
            if let Some(name) = below.iter().next().filter(|name| is_subdirectory(name)) {
                let (inner, outer) = (inner_claim.claimed(), outer_claim.claimed());
                return Some((Conflict::Inside { inner, outer, below: below.into() }, name.to_owned()));
            }
        }
        None
    }

    /// A directory of another instance that is the one with this path (without links), contains it, or lies in it.
    pub fn overlap(&self, path: &Path, config_directory: &OsStr) -> Option<Claimed> {
        let place = Place::new(path.to_owned(), 0);
        let touches = |other: &&Place| other.path.starts_with(&place.path) || place.path.starts_with(&other.path);
        let others = self.places.iter().filter(touches).map(|other| &self.claims[other.claim]);
        others.into_iter().find(|claim| *claim.config_directory != *config_directory).map(Claim::claimed)
    }

    /// The conflict of a directory with one of those that lie around it, outermost first, or that are the same.
    fn place_conflict(&self, place: &Place, around: &[&Place]) -> Option<Conflict> {
        let later = &self.claims[place.claim];
        let claim = |place: &Place| &self.claims[place.claim];
        let is_same = |other: &&&Place| other.path == place.path && other.claim != place.claim;
        let same = around.iter().filter(is_same).find(|other| !(claim(other).shared && later.shared));
        if let Some(first) = same {
            return Some(Conflict::SameDirectory { later: later.claimed(), first: claim(first).claimed() });
        }
        let outer = around.iter().find(|outer| outer.path != place.path && excludes(claim(outer), later))?;
        let below = place.path[outer.path.len()..].strip_suffix(b"/").unwrap_or_default();
        let below = PathBuf::from(OsStr::from_bytes(below));
        Some(Conflict::Inside { inner: later.claimed(), outer: claim(outer).claimed(), below })
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
    private_directories(instance).map(|(_, value)| match Path::new(value) {
        absolute if absolute.is_absolute() => root.resolve(absolute),
        other => other.to_owned(),
    })
}

/// Returns true if a directory may not lie inside another one, by whose claims they are.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(config_directory: &str, name: Option<&str>, queue_directory: &str, data_directory: &str) -> Instance {
        Instance {
            name: name.map(Into::into),
            group: None,
            enabled: true,
            config_directory: config_directory.into(),
            queue_directory: queue_directory.into(),
            data_directory: data_directory.into(),
            primary: false,
            main_cf: Vec::new(),
        }
    }

    /// The conflicts of each instance with earlier ones, and those of places, none of which is a link.
    fn conflicts(instances: &[Instance]) -> (Vec<String>, Vec<String>) {
        let mut table = ConflictTable::default();
        let add = |instance: &Instance| {
            table.add(instance, private_directories(instance).map(|(_, value)| Path::new(value).components().collect()))
        };
        let of_values: Vec<Conflict> = instances.iter().flat_map(add).collect();
        let shown = |conflicts: Vec<Conflict>| conflicts.iter().map(Conflict::to_string).collect();
        (shown(of_values), shown(table.place_conflicts()))
    }

    #[test]
    fn one_value_of_two_owners_is_a_conflict_in_claim_order() {
        let first = instance("/a", Some("x"), "/q", "/d");
        let (values, places) = conflicts(&[first.clone(), instance("/b", Some("x"), "/q", "/e"), first]);
        let name = "instance /b, multi_instance_name=x conflicts with instance /a, multi_instance_name=x";
        let queue = "instance /b, queue_directory=/q conflicts with instance /a, queue_directory=/q";
        assert_eq!((values, places), (vec![name.to_owned(), queue.to_owned()], vec![]));
    }

    #[test]
    fn values_of_an_instance_in_conflict_stay_its_own() {
        let (values, _) = conflicts(&[
            instance("/a", None, "/q", "/d"),
            instance("/b", None, "/q", "/e"),
            instance("/c", None, "/r", "/e"),
        ]);
        assert_eq!(values[1], "instance /c, data_directory=/e conflicts with instance /b, data_directory=/e");
    }

    #[test]
    fn an_empty_or_relative_directory_has_no_place() {
        let odd = [instance("/a", None, "", ""), instance("/b", None, "", "q"), instance("/c", None, "q/r", "")];
        assert_eq!(conflicts(&odd), (vec![], vec![]));
        assert_eq!(conflicts(&[instance("/a", None, "", "q"), instance("/b", None, "", "q")]).0.len(), 1);
    }

    #[test]
    fn places_are_compared_without_spelling() {
        let (values, places) = conflicts(&[instance("/a", None, "/s/q", "/d"), instance("/b", None, "/s//q/", "/e")]);
        let same = "instance /b, queue_directory=/s//q/ conflicts with instance /a, queue_directory=/s/q: \
                    they are the same directory";
        assert_eq!((values, places), (vec![], vec![same.to_owned()]));
    }

    #[test]
    fn the_same_place_counts_more_than_one_around_both() {
        let around = instance("/a", None, "/s", "/d");
        let (_, places) = conflicts(&[around, instance("/b", None, "/s/q", "/e"), instance("/c", None, "/s/q/", "/f")]);
        let ends: Vec<_> = places.iter().map(|place| place.rsplit(": ").next().unwrap_or_default()).collect();
        assert_eq!(ends, ["it lies inside", "they are the same directory"]);
    }

    #[test]
    fn configuration_directories_may_be_nested_and_queues_may_not() {
        assert_eq!(conflicts(&[instance("/a", None, "/q", "/d"), instance("/a/b", None, "/r", "/e")]).1.len(), 0);
        let mut table = ConflictTable::default();
        for instance in [instance("/a", None, "/q", "/d"), instance("/b", None, "/q/hold/b", "/e")] {
            table.add(&instance, private_directories(&instance).map(|(_, value)| value.into()));
        }
        let conflicts = table.place_conflicts();
        assert!(matches!(&conflicts[..], [Conflict::Inside { below, .. }] if below == Path::new("hold/b")));
    }
}
