//! A directory of another instance's past is taken over only if no instance uses it any more.

use super::destroy::MARKER;
use super::lifecycle::Host;
use super::occupied::{Contents, Occupied};
use crate::instance::conflicts::places;
use crate::instance::parameters::main_cf;
use crate::instance::running::{is_locked, is_running};
use crate::instance::scan::load_one;
use crate::instance::{Instance, Instances, LeftOut};
use crate::system::directory::{Directory, SystemError};
use crate::system::file;
use crate::system::log::printable;
use crate::system::quote::quoted;
use anyhow::Result;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use thiserror::Error;

/// Why a directory is not taken over.
#[derive(Debug, Error)]
pub enum UsedError {
    #[error("a Postfix is running in {0}. Nothing was changed: stop it, or choose another directory")]
    Running(String),
    #[error(
        "{setting} is that of instance {owner}, which is not on the list. Nothing was changed: \
         put it there with '{postmulti} -e import config_directory={owner}', or choose another directory"
    )]
    Unlisted { setting: String, owner: String, postmulti: String },
    #[error(
        "{setting} is that of instance {owner}, whose destroy was interrupted. Nothing was changed: \
         complete it with '{postmulti} -i {owner} -e destroy', or choose another directory"
    )]
    Destroyed { setting: String, owner: String, postmulti: String },
    #[error(
        "{setting} may be that of instance {owner}, whose main.cf cannot be used. Nothing was changed: \
         correct it, or choose another directory"
    )]
    Unknown { setting: String, owner: String },
}

/// Refuses a directory that an instance uses. Those on the list that can be read have been asked: they claim it.
pub fn check(host: &Host, instances: &Instances, new: &Instance, occupied: &Occupied) -> Result<()> {
    let path = &occupied.path;
    let root = host.postfix.root;
    let is_running = match occupied.contents {
        Contents::Queue | Contents::EmptyQueue => is_running(root, new)?,
        Contents::Data => is_locked(root, &path.join("master.lock"))?,
        Contents::Other(_) => return Ok(()),
    };
    let setting = format!("{}={}", occupied.parameter, printable(path));
    if is_running {
        return Err(UsedError::Running(setting).into());
    }
    let unknown = |owner: &OsStr| UsedError::Unknown { setting: setting.clone(), owner: quoted(owner) };
    let is_unknown =
        |left_out: &&LeftOut| left_out.instance().is_none() && left_out.config_directory != new.config_directory;
    if let Some(broken) = instances.left_out.iter().find(is_unknown) {
        return Err(unknown(&broken.config_directory).into());
    }
    let uses = |owner: &OsStr| uses(host, owner, path);
    for owner in host.alternates().iter().filter(|owner| **owner != new.config_directory) {
        match uses(owner)? {
            Some(true) => {
                return Err(UsedError::Unlisted { setting, owner: quoted(owner), postmulti: host.postmulti() }.into());
            }
            Some(false) => {}
            None => return Err(unknown(owner).into()),
        }
    }
    for owner in unfinished(host, new)? {
        match uses(&owner)? {
            Some(true) => {
                return Err(UsedError::Destroyed { setting, owner: quoted(&owner), postmulti: host.postmulti() }.into());
            }
            Some(false) => {}
            None => return Err(unknown(&owner).into()),
        }
    }
    Ok(())
}

/// Says whether the instance in a configuration directory has this directory; None if its main.cf cannot be used. Without
/// a main.cf there is no instance.
fn uses(host: &Host, config_directory: &OsStr, path: &Path) -> Result<Option<bool>, SystemError> {
    let root = host.postfix.root;
    if !file::exists(root, &main_cf(config_directory))? {
        return Ok(Some(false));
    }
    let instance = load_one(host.postfix, config_directory, host.log).ok();
    Ok(instance.map(|instance| places(root, &instance).contains(&root.resolve(path))))
}

/// The configuration directories that an interrupted destroy has left. They are on no list, but lie beside the others.
fn unfinished(host: &Host, new: &Instance) -> Result<Vec<OsString>, SystemError> {
    let root = host.postfix.root;
    let known = host.primary.secondaries.iter().chain([&host.primary.instance.config_directory, &new.config_directory]);
    let parents: BTreeSet<&Path> = known.filter_map(|directory| Path::new(directory).parent()).collect();
    let mut found = Vec::new();
    for parent in parents {
        let names = match Directory::open(root, parent) {
            Err(error) if error.not_found() || error.not_a_directory() => continue,
            directory => directory?.names()?,
        };
        for directory in names.iter().map(|name| parent.join(name)).filter(|path| *path != new.config_directory) {
            if file::exists(root, &directory.join(MARKER))? {
                found.push(directory.into());
            }
        }
    }
    Ok(found)
}
