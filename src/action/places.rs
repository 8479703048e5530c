//! The places of a new instance: whether it can have the directories that it names.

use super::lifecycle::Host;
use super::occupied::{Contents, Occupied, judge};
use super::private_files::PrivateFiles;
use super::{links, unused};
use crate::instance::conflicts::Conflict;
use crate::instance::queues::messages;
use crate::instance::{Instance, Instances};
use crate::system::directory::SystemError;
use crate::system::log::printable;
use crate::system::root::Root;
use anyhow::Result;
use std::ffi::OsStr;
use thiserror::Error;

/// Two instances of which one keeps the other from starting.
#[derive(Debug, Error)]
#[error(
    "{conflict}, in '{subdirectory}', and keeps that instance from starting. Nothing was changed: choose another directory"
)]
pub struct InsideQueueError {
    conflict: Conflict,
    subdirectory: String,
}

/// The action that looks at the directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Files found there were another instance's.
    Create,
    /// Files found there are the instance's own.
    Import,
}

/// Checks the directories of a new instance, which claims them already. Returns warnings.
///
/// Subdirectories that are links are left out of what is to be changed.
pub fn check(
    host: &Host,
    instances: &Instances,
    new: &Instance,
    private: &mut PrivateFiles,
    by: By,
) -> Result<Vec<String>> {
    let subdirectories = private.queues(new);
    let is_subdirectory = |name: &OsStr| subdirectories.contains(name);
    if let Some((conflict, name)) = instances.conflicts.inside_queue(&new.config_directory, is_subdirectory) {
        return Err(InsideQueueError { conflict, subdirectory: printable(name) }.into());
    }
    let occupied = judge(host, new, private, by)?;
    let mut warnings = links::leave(host, instances, new, private)?;
    if by == By::Create {
        for occupied in &occupied {
            unused::check(host, instances, new, occupied)?;
            warnings.extend(warning(host.postfix.root, new, occupied)?);
        }
    }
    Ok(warnings)
}

/// Says what a new instance finds in a directory, and what becomes of it.
fn warning(root: &Root, new: &Instance, occupied: &Occupied) -> Result<Option<String>, SystemError> {
    let Occupied { parameter, path, contents } = occupied;
    let contents = match contents {
        Contents::Queue => match messages(root, path)?.iter().map(|(_, number)| number).sum() {
            0 => "a queue without mail".to_owned(),
            1 => "1 message".to_owned(),
            number => format!("{number} messages"),
        },
        Contents::EmptyQueue => return Ok(None),
        Contents::Data => "the data of an earlier instance".to_owned(),
        Contents::Other(name) => {
            let name = printable(name);
            let path = printable(path);
            return Ok(Some(format!("{parameter}={path} holds '{name}', which is not Postfix's: it stays")));
        }
    };
    let (path, new) = (printable(path), printable(new.label()));
    Ok(Some(format!("{parameter}={path} holds {contents}, which {new} takes over")))
}
