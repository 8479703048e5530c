//! What an earlier run, interrupted, has left in the configuration directory of a new instance. The administrator's files
//! there stay.

use super::destroy::MARKER;
use super::lifecycle::Host;
use super::prototype::NewMainCf;
use crate::change::plan::{Contents, Part, Removal, Step};
use crate::instance::Instance;
use crate::instance::parameters::{main_cf, master_cf};
use crate::system::directory::{Directory, SystemError, kind};
use crate::system::file;
use crate::system::quote::quoted;
use anyhow::Result;
use nix::sys::stat::SFlag;
use std::ffi::OsStr;
use std::path::Path;
use thiserror::Error;

/// Where the original keeps new files until they are complete, and what it has there.
const UNFINISHED: &str = ".tmp";
const UNFINISHED_FILES: [&str; 3] = ["main.cf", "main.cf.tmp", "master.cf"];

/// Half of an instance, which would be overwritten.
#[derive(Debug, Error)]
pub enum HalfError {
    #[error(
        "{directory} holds a main.cf, but no master.cf. Nothing was changed: complete it with \
         'cp {prototype} {master_cf}', or put it aside with 'mv -n {main_cf} {main_cf}.old'"
    )]
    NoMasterCf { directory: String, main_cf: String, master_cf: String, prototype: String },
    #[error(
        "{directory} holds a master.cf, but no main.cf. Nothing was changed: put it aside with \
         'mv -n {master_cf} {master_cf}.old'"
    )]
    NoMainCf { directory: String, master_cf: String },
    #[error(
        "the instance in {directory} is being destroyed, which was interrupted. Nothing was changed: \
         complete it with '{postmulti} -i {directory} -e destroy'"
    )]
    Destroyed { directory: String, postmulti: String },
}

/// Returns the main.cf that an earlier run of create has left, if it has.
///
/// # Errors
///
/// The directory holds a main.cf or a master.cf that create has not made.
pub fn check(host: &Host, new: &Instance, new_main_cf: &NewMainCf) -> Result<Option<Vec<u8>>> {
    let directory = match Directory::open(host.postfix.root, Path::new(&new.config_directory)) {
        Err(error) if error.not_found() => return Ok(None),
        directory => directory?,
    };
    let has = |name| Ok::<_, SystemError>(directory.look_at(OsStr::new(name))?.is_some());
    let (main_cf, master_cf) = (main_cf(&new.config_directory), master_cf(&new.config_directory));
    let name = || quoted(&new.config_directory);
    match (has("main.cf")?, has("master.cf")?) {
        (false, false) => Ok(None),
        (false, true) => Err(HalfError::NoMainCf { directory: name(), master_cf: host.path(&master_cf) }.into()),
        (true, _) if has(MARKER)? => {
            Err(HalfError::Destroyed { directory: name(), postmulti: host.postmulti() }.into())
        }
        (true, _) => {
            let found = file::read(host.postfix.root, &main_cf)?;
            if new_main_cf.may_be_left(&found) {
                return Ok(Some(found));
            }
            let prototype = Path::new(&host.primary.shared.meta_directory).join("master.cf.proto");
            let (main_cf, master_cf, prototype) = (host.path(&main_cf), host.path(&master_cf), host.path(&prototype));
            Err(HalfError::NoMasterCf { directory: name(), main_cf, master_cf, prototype }.into())
        }
    }
}

/// Removes from a configuration directory what says that the instance in it was to come, or to go.
pub fn remove(host: &Host, config_directory: &OsStr) -> Result<Option<Step>, SystemError> {
    let directory = match Directory::open(host.postfix.root, Path::new(config_directory)) {
        Err(error) if error.not_found() => return Ok(None),
        directory => directory?,
    };
    let mut parts = Vec::new();
    if directory.look_at(OsStr::new(MARKER))?.is_some() {
        parts.push(Part { name: MARKER.into(), contents: Contents::File });
    }
    if is_unfinished(&directory)? {
        parts.push(Part { name: UNFINISHED.into(), contents: Contents::Files });
    }
    let removal = |parts| Step::Remove(Removal { directory: config_directory.into(), parts, itself: false });
    Ok(Some(parts).filter(|parts| !parts.is_empty()).map(removal))
}

/// Returns true if there is a directory in which the original has left new files, and nothing else.
fn is_unfinished(directory: &Directory) -> Result<bool, SystemError> {
    let name = OsStr::new(UNFINISHED);
    let is_directory = directory.look_at(name)?.is_some_and(|found| kind(&found) == SFlag::S_IFDIR);
    let is_known = |inside: &OsStr| UNFINISHED_FILES.iter().any(|file| inside == *file);
    Ok(is_directory && directory.child(name)?.names()?.iter().all(|inside| is_known(inside)))
}
