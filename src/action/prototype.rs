//! The files of a new instance, which are made from the prototypes that Postfix brings along.

use super::lifecycle::Host;
use crate::change::plan::Write;
use crate::config::edit;
use crate::instance::Instance;
use crate::instance::parameters::{Parameters, main_cf, master_cf};
use crate::instance::references;
use crate::system::file;
use crate::system::log::printable;
use anyhow::Result;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What all instances share: a new one has the primary's value, if its main.cf sets one, or else the built-in default.
const SHARED: [&str; 13] = [
    "command_directory",
    "daemon_directory",
    "meta_directory",
    "mail_owner",
    "setgid_group",
    "sendmail_path",
    "mailq_path",
    "newaliases_path",
    "html_directory",
    "manpage_directory",
    "sample_directory",
    "readme_directory",
    "shlib_directory",
];

/// Why there is no model for the new files. The words are Postfix's.
#[derive(Debug, Error)]
#[error("Missing {file} prototype: {path}")]
pub struct PrototypeError {
    file: &'static str,
    path: String,
}

/// `main.cf.proto` and `master.cf.proto`, whole.
#[derive(Debug)]
pub struct Prototypes {
    main_cf: Vec<u8>,
    master_cf: Vec<u8>,
    master_cf_path: PathBuf,
}

/// The main.cf of a new instance.
#[derive(Debug)]
pub struct NewMainCf {
    pub bytes: Vec<u8>,
    /// The same without the names, which the original adds last: an earlier run may have left it so.
    unnamed: Vec<u8>,
}

impl NewMainCf {
    /// Could an earlier run have left this?
    pub fn may_be_left(&self, found: &[u8]) -> bool {
        found == self.bytes || found == self.unnamed
    }
}

impl Prototypes {
    pub fn read(host: &Host) -> Result<Prototypes> {
        let (main_cf, _) = read(host, "main.cf")?;
        let (master_cf, master_cf_path) = read(host, "master.cf")?;
        Ok(Prototypes { main_cf, master_cf, master_cf_path })
    }

    /// The main.cf of an instance with these directories and these names. It will submit no local mail, and listen nowhere.
    pub fn new_main_cf(
        &self,
        host: &Host,
        instance: &Instance,
        shared: &[Setting],
        directories: &[Setting],
        names: &[Setting],
    ) -> NewMainCf {
        let unset: Vec<&str> = SHARED.into_iter().filter(|name| shared.iter().all(|(set, _)| set != name)).collect();
        let commented = edit::comment_out(&self.main_cf, &unset);

        let mut settings: Vec<(&str, &[u8])> =
            vec![("authorized_submit_users", b""), ("master_service_disable", b"inet")];
        settings.extend(directories.iter().chain(shared).map(|(name, value)| (*name, value.as_bytes())));
        let unnamed = edit::set(&commented.bytes, &settings);

        let path = main_cf(&instance.config_directory);
        host.warn_of_repeated(path.as_os_str(), &commented.repeated);
        host.warn_of_repeated(path.as_os_str(), &unnamed.repeated);
        let named = host.edit(path.as_os_str(), unnamed.bytes.clone(), names);
        NewMainCf { bytes: named.after, unnamed: unnamed.bytes }
    }

    /// The master.cf of an instance: a copy.
    pub fn master_cf(&self, instance: &Instance) -> Write {
        let path = master_cf(&instance.config_directory);
        Write { path, before: None, after: self.master_cf.clone(), copy_of: Some(self.master_cf_path.clone()) }
    }
}

/// A parameter and its text in a main.cf.
pub type Setting = (&'static str, OsString);

/// The settings of the primary's that a new instance gets, which sets `own` besides.
///
/// A value is copied as it stands. Only if it refers to a parameter that the primary's main.cf alone defines, it is
/// expanded first: otherwise it would mean something else in the new main.cf.
pub fn shared(host: &Host, config_directory: &OsStr, own: &[Setting]) -> Result<Vec<Setting>> {
    let main_cf = host.primary.raw();
    let set =
        |name: &'static str| main_cf.get(name.as_bytes()).map(|value| (name, OsStr::from_bytes(value).to_owned()));
    let mut shared: Vec<Setting> = SHARED.into_iter().filter_map(set).filter(|(_, value)| !value.is_empty()).collect();

    let text = main_cf_text(shared.iter().chain(own));
    let (_, new) = Parameters::parse(host.postfix, config_directory, &text);
    let new = new?;
    let (_, primary) = Parameters::parse(host.postfix, &host.primary.instance.config_directory, &host.primary.main_cf);
    let primary = primary?;
    for (_, value) in &mut shared {
        let undefined = references::undefined(&new, value.as_bytes());
        if undefined.iter().any(|name| main_cf.get(name).is_some()) {
            *value = references::to_text(&primary, value.as_bytes()).map_or(value.clone(), OsString::from_vec);
        }
    }
    Ok(shared)
}

/// A main.cf with these settings.
pub fn main_cf_text<'s>(settings: impl Iterator<Item = &'s Setting>) -> Vec<u8> {
    settings.flat_map(|(name, value)| [name.as_bytes(), b" = ", value.as_bytes(), b"\n"].concat()).collect()
}

fn read(host: &Host, file: &'static str) -> Result<(Vec<u8>, PathBuf)> {
    let path = Path::new(&host.primary.shared.meta_directory).join(format!("{file}.proto"));
    let root = host.postfix.root;
    if !file::is_regular(root, &path)? {
        return Err(PrototypeError { file, path: printable(path) }.into());
    }
    Ok((file::read(root, &path)?, path))
}
