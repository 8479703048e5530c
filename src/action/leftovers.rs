//! A new instance takes nothing that is not its own: its directories are empty, but for what an earlier run of the same
//! action has left that did not come to its end.

use super::destroy::MARKER;
use super::lifecycle::Host;
use super::prototype::NewMainCf;
use crate::change::plan::{Contents, Part, Removal, Step};
use crate::instance::Instance;
use crate::instance::parameters::main_cf;
use crate::system::directory::{Directory, SystemError, kind};
use crate::system::file;
use crate::system::log::printable;
use anyhow::Result;
use nix::sys::stat::SFlag;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use thiserror::Error;

/// Where the original keeps new files until they are complete, and what it has there.
const UNFINISHED: &str = ".tmp";
const UNFINISHED_FILES: [&str; 3] = ["main.cf", "main.cf.tmp", "master.cf"];

/// What a file system has in its top directory from the start.
const LOST_AND_FOUND: &str = "lost+found";

/// A directory holds something else.
#[derive(Debug, Error)]
#[error(
    "{parameter}={path} is not empty, it holds '{found}'. Nothing was changed: choose another directory, or empty it"
)]
pub struct NotEmpty {
    parameter: &'static str,
    path: String,
    found: String,
}

/// Checks the directories of a new instance that are there already. Returns the main.cf that an earlier run has left.
pub fn check(host: &Host, new: &Instance, queues: &[OsString], new_main_cf: &NewMainCf) -> Result<Option<Vec<u8>>> {
    let mut left = None;
    check_directory(host, new, "config_directory", &new.config_directory, |directory, name| match name.to_str() {
        Some("main.cf.tmp" | "master.cf.tmp" | MARKER) => Ok(true),
        Some(UNFINISHED) => holds_only(directory, name, |inside| UNFINISHED_FILES.iter().any(|file| inside == *file)),
        Some("main.cf") => {
            let found = left.insert(file::read(host.postfix.root, &main_cf(&new.config_directory))?);
            Ok(new_main_cf.may_be_left(found))
        }
        _ => Ok(false),
    })?;
    check_directory(host, new, "queue_directory", &new.queue_directory, |directory, name| {
        Ok(queues.iter().any(|queue| queue == name) && holds_only(directory, name, |_| false)?)
    })?;
    check_directory(host, new, "data_directory", &new.data_directory, |_, _| Ok(false))?;
    Ok(left)
}

fn check_directory(
    host: &Host,
    new: &Instance,
    parameter: &'static str,
    path: &OsStr,
    mut is_left: impl FnMut(&Directory, &OsStr) -> Result<bool>,
) -> Result<()> {
    let path = Path::new(path);
    let directory = match Directory::open(host.postfix.root, path) {
        Err(error) if error.not_found() => return Ok(()),
        directory => directory?,
    };
    for name in directory.names()? {
        let own = [&new.config_directory, &new.queue_directory, &new.data_directory];
        let leads_to_own = own.into_iter().any(|own| Path::new(own).starts_with(path.join(&name)));
        let is_own = leads_to_own || (name == LOST_AND_FOUND && holds_only(&directory, &name, |_| false)?);
        if !is_own && !is_left(&directory, &name)? {
            return Err(NotEmpty { parameter, path: printable(path), found: printable(name) }.into());
        }
    }
    Ok(())
}

/// Is it a directory in which there are such names only?
fn holds_only(parent: &Directory, name: &OsStr, may_hold: impl Fn(&OsStr) -> bool) -> Result<bool> {
    let is_directory = parent.look_at(name)?.is_some_and(|found| kind(&found) == SFlag::S_IFDIR);
    Ok(is_directory && parent.child(name)?.names()?.iter().all(|inside| may_hold(inside)))
}

/// Removes from a configuration directory what says that the instance in it was to come, or to go.
pub fn remove(host: &Host, config_directory: &OsStr) -> Result<Option<Step>, SystemError> {
    let directory = Path::new(config_directory);
    let mut parts = Vec::new();
    for (name, contents) in [(MARKER, Contents::File), (UNFINISHED, Contents::Files)] {
        if file::exists(host.postfix.root, &directory.join(name))? {
            parts.push(Part { name: name.into(), contents });
        }
    }
    let removal = |parts| Step::Remove(Removal { directory: directory.into(), parts, itself: false });
    Ok(Some(parts).filter(|parts| !parts.is_empty()).map(removal))
}
