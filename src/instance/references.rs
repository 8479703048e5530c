//! References in a value of one instance, and which of them lead to nothing.

use super::parameters::{Parameters, Problem, ValueError};
use super::postconf::AskError;
use crate::config::expand::{ExpandError, Lookup, Meaning, expand, expand_to_text};
use crate::system::log::printable;
use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// A directory as Postfix finds it.
#[derive(Debug)]
pub struct Located {
    pub path: PathBuf,
    /// The names that its value refers to and that are no parameters: Postfix takes each for an empty value.
    pub undefined: Vec<OsString>,
}

impl Located {
    /// A warning about undefined names.
    pub fn warning(&self, parameter: &str) -> Option<String> {
        let names: Vec<String> = self.undefined.iter().map(printable).collect();
        let (plural, names) = (if names.len() == 1 { "" } else { "s" }, names.join(" and "));
        let path = printable(&self.path);
        (!names.is_empty())
            .then(|| format!("{parameter}: undefined parameter{plural} {names}: the directory is {path}"))
    }
}

/// A lookup in a main.cf that need not be there yet. It asks postconf(1) for a default that is not known here, and notes
/// undefined names.
struct References<'a> {
    parameters: &'a Parameters<'a>,
    undefined: RefCell<Vec<Vec<u8>>>,
    /// Why postconf(1) did not tell.
    unasked: RefCell<Option<AskError>>,
}

impl<'a> References<'a> {
    fn new(parameters: &'a Parameters<'a>) -> References<'a> {
        References { parameters, undefined: RefCell::default(), unasked: RefCell::default() }
    }
}

impl Lookup for References<'_> {
    fn lookup(&self, name: &[u8]) -> Meaning<'_> {
        let default = match self.parameters.lookup(name) {
            Meaning::Unknown => self.parameters.ask_default(OsStr::from_bytes(name)),
            known => return known,
        };
        match default {
            Ok(Some(value)) => return Meaning::Value(Cow::Owned(value)),
            Ok(None) => {}
            Err(error) => *self.unasked.borrow_mut() = Some(error),
        }
        let mut undefined = self.undefined.borrow_mut();
        if !undefined.iter().any(|known| known == name) {
            undefined.push(name.to_owned());
        }
        Meaning::Undefined
    }
}

/// The directory that a parameter stands for in a main.cf.
///
/// # Errors
///
/// The path is not absolute, or the value cannot be expanded.
pub fn locate(parameters: &Parameters, name: &'static str) -> Result<Located, ValueError> {
    let references = References::new(parameters);
    let value = match references.lookup(name.as_bytes()) {
        Meaning::Value(value) => expand(&value, &references),
        Meaning::Undefined | Meaning::Unknown => Err(ExpandError::Unknown(name.into())),
    };
    let undefined = references.undefined.into_inner().into_iter().map(OsString::from_vec).collect();
    let problem = match (value, references.unasked.into_inner()) {
        (_, Some(error)) => Problem::Ask(error),
        (Ok(path), None) if path.starts_with(b"/") => {
            return Ok(Located { path: OsString::from_vec(path).into(), undefined });
        }
        (Ok(path), None) => Problem::not_absolute(&path),
        (Err(error), None) => error.into(),
    };
    Err(ValueError { place: parameters.place(name), name, problem })
}

/// The names that a value refers to and that nothing defines in this main.cf.
pub fn undefined(parameters: &Parameters, value: &[u8]) -> Vec<Vec<u8>> {
    let references = References::new(parameters);
    // A value that cannot be expanded is copied as it stands, with what it refers to.
    let _ = expand(value, &references);
    references.undefined.into_inner()
}

/// A value of this main.cf as text that means the same in another one; None if it cannot be expanded.
pub fn to_text(parameters: &Parameters, value: &[u8]) -> Option<Vec<u8>> {
    expand_to_text(value, &References::new(parameters)).ok()
}
