//! The operands of `-e create` and `-e import`: the directories of the instance, as far as they are given.

use crate::config::main_cf::split_name_value;
use crate::config::{expand, is_blank, split_list};
use crate::instance::Instance;
use crate::system::log::printable;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use thiserror::Error;

/// Why operands cannot be used. The words are Postfix's, where it has some.
#[derive(Debug, Error)]
pub enum OperandError {
    #[error("Malformed parameter setting '{0}'")]
    Malformed(String),
    #[error("Parameter '{parameter}' not valid with action {action}")]
    NotValid { parameter: String, action: &'static str },
    #[error("Parameter setting '{0}' is not an absolute path")]
    NotAbsolute(&'static str),
    #[error("Parameter setting '{0}' is the root directory")]
    RootDirectory(&'static str),
    #[error("Missing {0} parameter value")]
    Missing(&'static str),
    #[error("Invalid default {parameter} parameter value: '{value}': specify an absolute pathname")]
    InvalidDefault { parameter: &'static str, value: String },
    #[error("Parameter setting '{parameter}' cannot be used: {problem}. Nothing was changed")]
    Unusable { parameter: &'static str, problem: String },
    #[error("Parameter setting '{0}' has more than one line, which main.cf cannot hold. Nothing was changed")]
    SeveralLines(&'static str),
    #[error(
        "config_directory={0} cannot be put on multi_instance_directories, because it holds a blank, a comma or a '$'. \
         Nothing was changed: choose another name"
    )]
    NotListable(String),
}

/// The directories that are given. A value is text for main.cf: `$name` in it is not yet expanded.
#[derive(Debug, Default)]
pub struct Operands {
    pub config_directory: Option<OsString>,
    pub queue_directory: Option<OsString>,
    pub data_directory: Option<OsString>,
}

impl Operands {
    /// Reads `name=value` operands; of one that is given again, the last counts. Slashes at the end are dropped.
    ///
    /// Import knows `config_directory` only: the others are the business of the main.cf that is there.
    pub fn read(operands: &[OsString], action: &'static str) -> Result<Operands, OperandError> {
        let mut read = Operands::default();
        for operand in operands {
            let malformed = |_| OperandError::Malformed(printable(operand));
            let (name, value) = split_name_value(operand.as_bytes()).map_err(malformed)?;
            let (parameter, place) = match name {
                b"config_directory" => ("config_directory", &mut read.config_directory),
                b"queue_directory" if action == "create" => ("queue_directory", &mut read.queue_directory),
                b"data_directory" if action == "create" => ("data_directory", &mut read.data_directory),
                other => {
                    let parameter = printable(OsStr::from_bytes(other));
                    return Err(OperandError::NotValid { parameter, action });
                }
            };
            if !value.starts_with(b"/") {
                return Err(OperandError::NotAbsolute(parameter));
            }
            let value = without_slashes(value);
            if value.is_empty() {
                return Err(OperandError::RootDirectory(parameter));
            }
            *place = Some(OsStr::from_bytes(value).to_owned());
        }
        Ok(read)
    }

    /// The configuration directory: the one given, or the neighbour of the primary's that has the new name.
    pub fn config_directory(&self, primary: &Instance, name: Option<&OsStr>) -> Result<OsString, OperandError> {
        let given = self
            .config_directory
            .clone()
            .map_or_else(|| neighbour("config_directory", &primary.config_directory, name), Ok)?;
        let listed: Vec<&[u8]> = split_list(given.as_bytes()).collect();
        let changed = given.as_bytes().iter().any(|byte| is_blank(*byte) || *byte == b'$');
        if listed != [given.as_bytes()] || changed {
            return Err(OperandError::NotListable(printable(given)));
        }
        Ok(given)
    }

    /// Queue and data directory, each the one given, or the neighbour of the primary's that has the new name.
    pub fn private_directories(
        &self,
        primary: &Instance,
        name: Option<&OsStr>,
    ) -> Result<[(&'static str, OsString); 2], OperandError> {
        let take = |parameter, given: &Option<OsString>, primary: &OsStr| match given {
            Some(given) if given.as_bytes().contains(&b'\n') => Err(OperandError::SeveralLines(parameter)),
            Some(given) => Ok((parameter, given.clone())),
            // A path is plain, and a dollar in it no more than that.
            None => neighbour(parameter, primary, name).map(|path| (parameter, escaped(&path))),
        };
        let queue_directory = take("queue_directory", &self.queue_directory, &primary.queue_directory)?;
        Ok([queue_directory, take("data_directory", &self.data_directory, &primary.data_directory)?])
    }
}

/// The path with the last component replaced by the name.
fn neighbour(parameter: &'static str, path: &OsStr, name: Option<&OsStr>) -> Result<OsString, OperandError> {
    let name = name.ok_or(OperandError::Missing(parameter))?;
    let path = path.as_bytes();
    if !path.starts_with(b"/") {
        return Err(OperandError::InvalidDefault { parameter, value: printable(OsStr::from_bytes(path)) });
    }
    let parent = without_slashes(path).rsplitn(2, |byte| *byte == b'/').nth(1).unwrap_or_default();
    Ok(OsString::from_vec([without_slashes(parent), b"/", name.as_bytes()].concat()))
}

fn without_slashes(path: &[u8]) -> &[u8] {
    let slashes = path.iter().rev().take_while(|byte| **byte == b'/').count();
    &path[..path.len() - slashes]
}

/// A path as text for main.cf, where `$` has a meaning.
pub fn escaped(path: &OsStr) -> OsString {
    OsString::from_vec(expand::escaped(path.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbour_of(path: &str) -> String {
        neighbour("queue_directory", OsStr::new(path), Some(OsStr::new("new"))).unwrap().into_string().unwrap()
    }

    #[test]
    fn a_neighbour_lies_beside_its_model_however_that_is_spelled() {
        for (path, expected) in [
            ("/var/spool/postfix", "/var/spool/new"),
            ("/var/spool/postfix//", "/var/spool/new"),
            ("/var/spool//postfix", "/var/spool/new"),
            ("/postfix", "/new"),
            ("/", "/new"),
        ] {
            assert_eq!(neighbour_of(path), expected, "{path}");
        }
    }
}
