//! The hint about a name or group that no instance has: what is spelled alike.

use super::{Hints, quoted};
use crate::cli::request::{Edit, Mode, Selection};
use crate::instance::alike::distance;
use crate::instance::{Instances, LeftOut};
use crate::system::log::printable;
use indexmap::IndexMap;
use std::ffi::OsStr;
use std::path::Path;

/// Most names in a hint that are equally close.
const MAX_NAMES: usize = 3;

impl Hints<'_> {
    /// The names or groups that are close to one that no instance has.
    pub fn closest(&self, instances: &Instances) -> Option<String> {
        let (Selection::Name(typed) | Selection::Group(typed)) = &self.request.selection else { return None };
        if instances.served.iter().any(|instance| self.request.selection.matches(instance)) {
            return None;
        }
        if let Some(left_out) = instances.left_out.iter().find(|left_out| left_out.config_directory == *typed) {
            return self.unusable(left_out);
        }
        let typed = printable(typed);
        let near = self.near(&typed, instances);
        let least = near.values().min();
        let unusable = instances.left_out.iter().filter(|left_out| !self.is_selectable(left_out));
        let unusable = unusable.filter_map(|left_out| Some((distance_of_directory(&typed, left_out)?, left_out)));
        if let Some((distance, left_out)) = unusable.min_by_key(|(distance, _)| *distance)
            && least.is_none_or(|least| distance < *least)
        {
            return self.unusable(left_out);
        }
        let nearest = near.iter().filter(|(_, distance)| Some(*distance) == least).map(|(option, _)| option.as_str());
        match nearest.take(MAX_NAMES).collect::<Vec<_>>().join(" or ") {
            none if none.is_empty() => Some(format!("see what there is: {} -l", self.postmulti())),
            options => Some(format!("did you mean {options}?")),
        }
    }

    /// The options that would select something with a name like that, each with the distance.
    fn near(&self, typed: &str, instances: &Instances) -> IndexMap<String, usize> {
        // Where a place on the list is asked for, the primary has none.
        let (groups, primary) = match self.request.mode {
            Mode::Edit(Edit::Create { .. } | Edit::Import { .. }, _) => (true, false),
            Mode::Edit(..) => (false, true),
            _ => (true, true),
        };
        let mut near = IndexMap::new();
        let mut add = |option: &str, value: &OsStr, distance: Option<usize>| {
            if let Some(distance) = distance {
                let least = near.entry(format!("{option} {}", quoted(value))).or_insert(distance);
                *least = distance.min(*least);
            }
        };
        for instance in instances.served.iter().filter(|instance| primary || !instance.primary) {
            let directory = instance.config_directory.as_os_str();
            let label = if instance.primary { OsStr::new("-") } else { instance.label() };
            let last = Path::new(directory).file_name();
            let names = instance.name.as_deref().into_iter().chain(last);
            names.for_each(|name| add("-i", label, distance(typed, &printable(name))));
            add("-i", directory, distance(typed, &printable(directory)));
            let groups = instance.group.iter().filter(|_| groups);
            groups.for_each(|group| add("-g", group, distance(typed, &printable(group))));
        }
        for left_out in instances.left_out.iter().filter(|left_out| self.is_selectable(left_out)) {
            add("-i", &left_out.config_directory, distance_of_directory(typed, left_out));
        }
        near
    }

    /// Returns true if -i and its directory select an instance that is left out: one in conflict always, one without a
    /// usable main.cf for the actions of -e only.
    fn is_selectable(&self, left_out: &LeftOut) -> bool {
        left_out.instance().is_some() || matches!(self.request.mode, Mode::Edit(..))
    }
}

/// How many slips of the hand are between what was typed and a directory or its last component, if they are few.
fn distance_of_directory(typed: &str, left_out: &LeftOut) -> Option<usize> {
    let directory = Path::new(&left_out.config_directory);
    let names = [Some(directory.as_os_str()), directory.file_name()];
    names.into_iter().flatten().filter_map(|name| distance(typed, &printable(name))).min()
}
