//! Which instances are meant by `-a`, `-g` and `-i`.

use super::{Instance, Instances, LeftOut};
use crate::cli::request::{Narrowing, Request, Selection};
use fast_glob::glob_match;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// What the name of a secondary instance begins with.
pub const NAME_PREFIX: &str = "postfix-";

impl Request {
    /// Is this instance meant?
    pub fn means(&self, instance: &Instance) -> bool {
        self.selection.matches(instance) && self.narrowing.matches(instance)
    }

    /// Returns true if the request names instances, by name, group or pattern: then there should be one.
    pub fn names_instances(&self) -> bool {
        matches!(self.selection, Selection::Group(_) | Selection::Name(_)) || self.narrowing.pattern.is_some()
    }

    /// Returns true if the request could be about an instance that is left out. `found`: it selects one that is served.
    ///
    /// A path is compared with its directory. A name that was found elsewhere is not its own: names are unique.
    pub fn could_mean(&self, left_out: &LeftOut, found: bool) -> bool {
        let (directory, instance) = (&left_out.config_directory, left_out.instance());
        let is_selected = match &self.selection {
            Selection::Name(name) if is_path(name) => name == directory,
            Selection::Name(_) if found => false,
            selection => instance.is_none_or(|instance| selection.matches(instance)),
        };
        let narrowing = &self.narrowing;
        is_selected && instance.map_or_else(|| narrowing.could_match(directory), |instance| narrowing.matches(instance))
    }
}

impl Instances {
    /// The instances that a request selects. One in conflict is selected by its directory only.
    pub fn selected(&self, request: &Request) -> Vec<&Instance> {
        let by_directory = |instance: &&Instance| matches!(&request.selection, Selection::Name(name) if *name == instance.config_directory);
        let in_conflict = self.left_out.iter().filter_map(LeftOut::instance).filter(by_directory);
        self.served.iter().chain(in_conflict).filter(|instance| request.means(instance)).collect()
    }
}

impl Selection {
    /// Is this instance meant? No selection means all: that is the rule for listing and for running commands.
    pub fn matches(&self, instance: &Instance) -> bool {
        match self {
            Selection::Unselected | Selection::All => true,
            Selection::Group(group) => instance.group.as_ref() == Some(group),
            Selection::Name(name) => name == called(name, instance) || (instance.primary && name == "-"),
        }
    }
}

impl Narrowing {
    fn matches(&self, instance: &Instance) -> bool {
        let shown = |glob: &[u8]| {
            let name = instance.name.as_deref().unwrap_or(OsStr::new("-")).as_bytes();
            let short = name.strip_prefix(NAME_PREFIX.as_bytes()).unwrap_or(name);
            [name, short, instance.config_directory.as_bytes()].iter().any(|text| glob_match(glob, text))
        };
        self.enabled.is_none_or(|enabled| enabled == instance.enabled) && self.fits(shown)
    }

    /// Returns true if an instance could match of which only the directory is known.
    fn could_match(&self, config_directory: &OsStr) -> bool {
        let mut about_directory = false;
        let fits = self.fits(|glob| {
            about_directory = glob.starts_with(b"/");
            glob_match(glob, config_directory.as_bytes())
        });
        // Its name may be anything.
        fits || !about_directory
    }

    fn fits(&self, matches: impl FnOnce(&[u8]) -> bool) -> bool {
        let Some(pattern) = &self.pattern else { return true };
        match pattern.as_bytes() {
            [b'!', glob @ ..] => !matches(glob),
            glob => matches(glob),
        }
    }
}

/// What an instance is called when it is looked for by that name: a path asks for its configuration directory, and the
/// prefix may be left out.
fn called<'a>(name: &OsStr, instance: &'a Instance) -> &'a OsStr {
    let own = match &instance.name {
        Some(own) if !is_path(name) => own,
        _ => return &instance.config_directory,
    };
    let has_prefix = |name: &OsStr| name.as_bytes().starts_with(NAME_PREFIX.as_bytes());
    match own.as_bytes().strip_prefix(NAME_PREFIX.as_bytes()) {
        Some(suffix) if !has_prefix(name) => OsStr::from_bytes(suffix),
        _ => own,
    }
}

fn is_path(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"/")
}
