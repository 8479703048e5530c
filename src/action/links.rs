//! Links in place of the queue's subdirectories: the administrator keeps, say, deferred mail on another file system.
//!
//! A link stays, and nothing changes where it leads. The original sets owner and mode there, or gives away the link itself.

use super::lifecycle::Host;
use super::occupied::system_directory;
use super::private_files::PrivateFiles;
use crate::change::plan::Step;
use crate::instance::{Instance, Instances};
use crate::system::directory::{Directory, kind};
use crate::system::file;
use crate::system::log::printable;
use anyhow::Result;
use nix::sys::stat::SFlag;
use std::ffi::OsStr;
use std::path::Path;
use thiserror::Error;

/// A link leads to what is not the instance's.
#[derive(Debug, Error)]
#[error(
    "{link} is a link to {target}, {owner}. Nothing was changed: \
     make it a directory, or a link to one that belongs to this instance alone"
)]
pub struct LinkError {
    link: String,
    target: String,
    owner: String,
}

/// Leaves subdirectories of the queue that are links out of what is to be changed. Returns a warning for each.
///
/// A link that leads to no directory is refused later, as the original refuses it.
///
/// # Errors
///
/// A link leads to a system directory, or to a directory of another instance.
pub fn leave(
    host: &Host,
    instances: &Instances,
    instance: &Instance,
    private: &mut PrivateFiles,
) -> Result<Vec<String>> {
    let root = host.postfix.root;
    let queue = Path::new(&instance.queue_directory);
    let directory = match Directory::open(root, queue) {
        Err(error) if error.not_found() => return Ok(Vec::new()),
        directory => directory?,
    };
    let mut warnings = Vec::new();
    for name in private.queues(instance) {
        let link = queue.join(&name);
        let is_link = directory.look_at(&name)?.as_ref().map(kind) == Some(SFlag::S_IFLNK);
        if !is_link || !file::status(root, &link)?.is_some_and(|found| found.is_dir()) {
            continue;
        }
        let target = root.resolve(&link);
        let owner = match system_directory(root, &link) {
            Some(_) => Some("which is a system directory".to_owned()),
            None => {
                let overlaps = instances.conflicts.overlap(&target, &instance.config_directory);
                overlaps.map(|claimed| format!("which overlaps with {claimed}"))
            }
        };
        let (link, target) = (printable(link), printable(target));
        if let Some(owner) = owner {
            return Err(LinkError { link, target, owner }.into());
        }
        warnings.push(format!("{link} is a link: owner and mode of {target} stay as they are"));
        private.prepare.retain(|step| !is_below(step, queue, &name));
    }
    Ok(warnings)
}

fn is_below(step: &Step, queue: &Path, name: &OsStr) -> bool {
    matches!(step, Step::SetPermissions(wanted) if wanted.place.base == queue && wanted.place.below.starts_with(name))
}
