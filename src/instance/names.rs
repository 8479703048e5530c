//! New names for an instance.

use super::Instance;
use super::select::NAME_PREFIX;
use crate::cli::request::Assignment;
use crate::error::Hint;
use crate::system::log::printable;
use crate::system::quote::quoted;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use thiserror::Error;

/// What a name or group may hold besides letters and digits.
const PUNCTUATION: &[u8] = b"!@%-_=+:./";

/// Why a name or group cannot be given. The words are Postfix's.
#[derive(Debug, Error)]
pub enum NameError {
    #[error("Unsafe characters in new instance name: '{0}'")]
    UnsafeName(String),
    #[error("Illegal '/' character in new instance name: '{0}'")]
    Slash(String),
    #[error("New instance name must start with '{NAME_PREFIX}'")]
    Prefix(OsString),
    #[error("Unsafe characters in '-G {0}'")]
    UnsafeGroup(String),
}

impl NameError {
    /// The name with the prefix that it lacks.
    fn hint(&self) -> Option<String> {
        let NameError::Prefix(name) = self else { return None };
        let name = printable(name);
        let begins = name.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("postfix"));
        let rest = if begins { name[7..].trim_start_matches(['-', '_', '.']) } else { &name };
        (!rest.is_empty()).then(|| format!("give the name as -I {}", quoted(format!("{NAME_PREFIX}{rest}"))))
    }
}

/// A new name and a new group that an instance may have: None leaves it alone, empty clears it.
#[derive(Debug)]
pub struct Names {
    name: Option<OsString>,
    group: Option<OsString>,
}

impl Names {
    /// Judges what `-I` and `-G` ask for.
    pub fn new(asked: &Assignment) -> anyhow::Result<Names> {
        Names::check(asked).hint(NameError::hint)
    }

    fn check(asked: &Assignment) -> Result<Names, NameError> {
        let Assignment { name, group } = asked;
        if let Some(name) = name.as_ref().filter(|name| !name.is_empty()) {
            if !is_safe(name) {
                return Err(NameError::UnsafeName(printable(name)));
            }
            if name.as_bytes().contains(&b'/') {
                return Err(NameError::Slash(printable(name)));
            }
            if !name.as_bytes().starts_with(NAME_PREFIX.as_bytes()) {
                return Err(NameError::Prefix(name.clone()));
            }
        }
        if let Some(group) = group.as_ref().filter(|group| !group.is_empty() && !is_safe(group)) {
            return Err(NameError::UnsafeGroup(printable(group)));
        }
        Ok(Names { name: name.clone(), group: group.clone() })
    }

    /// The new name, if there is one and it is not empty.
    pub fn name(&self) -> Option<&OsStr> {
        self.name.as_deref().filter(|name| !name.is_empty())
    }

    /// Names an instance, and returns the parameters whose values change, with those values.
    pub fn assign(&self, instance: &mut Instance) -> Vec<(&'static str, OsString)> {
        let parameters = [
            ("multi_instance_name", &self.name, &mut instance.name),
            ("multi_instance_group", &self.group, &mut instance.group),
        ];
        let changes = parameters.into_iter().filter_map(|(parameter, new, place)| {
            let new = new.as_ref().filter(|new| place.as_ref().unwrap_or(&OsString::new()) != *new)?;
            *place = Some(new.clone()).filter(|new| !new.is_empty());
            Some((parameter, new.clone()))
        });
        changes.collect()
    }
}

fn is_safe(name: &OsStr) -> bool {
    name.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || PUNCTUATION.contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_adds_the_prefix() {
        for (name, expected) in [
            ("in", "give the name as -I postfix-in"),
            ("Postfix-in", "give the name as -I postfix-in"),
            ("postfix_in", "give the name as -I postfix-in"),
            ("a!", "give the name as -I 'postfix-a!'"),
            ("postfix", ""),
        ] {
            assert_eq!(NameError::Prefix(name.into()).hint().unwrap_or_default(), expected, "{name}");
        }
    }
}
