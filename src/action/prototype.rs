//! The files of a new instance, which are made from the prototypes that Postfix brings along.

use super::lifecycle::Host;
use crate::change::plan::Write;
use crate::config::edit;
use crate::instance::Instance;
use crate::instance::parameters::{main_cf, master_cf};
use crate::system::file;
use crate::system::log::printable;
use anyhow::Result;
use std::ffi::OsString;
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
        directories: &[(&'static str, OsString)],
        names: &[(&'static str, OsString)],
    ) -> NewMainCf {
        let set = shared(host);
        let unset: Vec<&str> = SHARED.into_iter().filter(|name| set.iter().all(|(set, _)| set != name)).collect();
        let commented = edit::comment_out(&self.main_cf, &unset);

        let mut settings: Vec<(&str, Vec<u8>)> =
            vec![("authorized_submit_users", Vec::new()), ("master_service_disable", b"inet".to_vec())];
        settings.extend(directories.iter().map(|(name, value)| (*name, value.as_encoded_bytes().to_vec())));
        settings.extend(set);
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

/// What the primary sets of that which all instances share, as its main.cf has it.
pub fn shared(host: &Host) -> Vec<(&'static str, Vec<u8>)> {
    let main_cf = host.primary.raw();
    let set = |name: &'static str| main_cf.get(name.as_bytes()).map(|value| (name, value.to_vec()));
    SHARED.into_iter().filter_map(set).filter(|(_, value)| !value.is_empty()).collect()
}

fn read(host: &Host, file: &'static str) -> Result<(Vec<u8>, PathBuf)> {
    let path = Path::new(&host.primary.shared.meta_directory).join(format!("{file}.proto"));
    let root = host.postfix.root;
    if !file::is_regular(root, &path)? {
        return Err(PrototypeError { file, path: printable(path) }.into());
    }
    Ok((file::read(root, &path)?, path))
}
