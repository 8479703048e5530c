//! The private files of an instance: who owns them, and who may do what with them, as postfix-files says.
//!
//! The outcome is that of `postfix set-permissions`, which is run itself where postfix-files is not understood.

use super::destroy::QUEUES;
use super::lifecycle::Host;
use crate::change::plan::{Account, Permissions, Place, Step};
use crate::config::postfix_files::{Base, Entry, Kind, Owner, entries};
use crate::instance::Instance;
use crate::instance::parameters::{Parameters, Postfix, main_cf};
use crate::instance::primary::Primary;
use crate::system::directory::{Directory, SystemError, kind};
use crate::system::file;
use crate::system::log::printable;
use crate::system::passwd::Accounts;
use crate::system::process::Program;
use crate::system::root::Root;
use anyhow::Result;
use indexmap::IndexSet;
use nix::sys::stat::SFlag;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why nobody can own a file. The words are Postfix's, where it has some.
#[derive(Debug, Error)]
pub enum OwnerError {
    #[error("file {file}: parameter mail_owner: unknown user name value: {user}")]
    MailOwner { file: String, user: String },
    #[error("file {file}: parameter mail_owner: user {user} has privileged user ID")]
    Privileged { file: String, user: String },
    #[error("file {file}: parameter setgid_group: unknown group name: {group}")]
    SetgidGroup { file: String, group: String },
}

/// There is nobody of the name that postfix-files has.
#[derive(Debug, Error)]
#[error("{file} names the unknown user or group {name}")]
pub struct UnknownOwner {
    file: String,
    name: String,
}

/// Why postfix-files is left to Postfix's own script.
#[derive(Debug)]
pub struct NotFollowed(pub String);

/// The steps that give the private files their owners and modes.
#[derive(Debug, Default)]
pub struct PrivateFiles {
    pub prepare: Vec<Step>,
    /// The command that does it, if that is left to Postfix: it wants the instance to be listed.
    pub finish: Vec<Step>,
}

impl PrivateFiles {
    /// For an instance whose main.cf has these parameters.
    pub fn plan(host: &Host, instance: &Instance, parameters: &Parameters) -> Result<PrivateFiles> {
        let entries = match read(host.postfix, host.primary)? {
            Ok(entries) => entries,
            Err(NotFollowed(reason)) => {
                let program = set_permissions(host, &instance.config_directory);
                return Ok(PrivateFiles { prepare: Vec::new(), finish: vec![Step::Run { program, reason }] });
            }
        };
        let root = host.postfix.root;
        let mut prepare = Vec::new();
        for (permissions, only_if_readable) in wanted(host.postfix, host.primary, instance, parameters, entries)? {
            if !only_if_readable || file::exists(root, &permissions.place.path())? {
                prepare.push(Step::SetPermissions(permissions));
            }
        }
        Ok(PrivateFiles { prepare, finish: Vec::new() })
    }

    /// The subdirectories of the queue: those that postfix-files names, and those that every Postfix has.
    pub fn queues(&self, instance: &Instance) -> IndexSet<OsString> {
        let in_queue = self.prepare.iter().filter_map(|step| match step {
            Step::SetPermissions(Permissions { place, create: true, .. }) if place.base == instance.queue_directory => {
                place.below.iter().next().map(OsStr::to_owned)
            }
            _ => None,
        });
        in_queue.chain(QUEUES.map(OsString::from)).collect()
    }
}

/// What each entry means for an instance, and whether it is passed over where there is no such file.
pub fn wanted(
    postfix: &Postfix,
    primary: &Primary,
    instance: &Instance,
    parameters: &Parameters,
    entries: Vec<Entry>,
) -> Result<Vec<(Permissions, bool)>> {
    let owners = Owners::new(postfix, primary, instance, parameters)?;
    let wanted = entries.into_iter().map(|entry| owners.permissions(instance, entry));
    Ok(wanted.collect::<Result<_, _>>()?)
}

/// `postfix set-permissions` for one instance.
fn set_permissions(host: &Host, config_directory: &OsStr) -> Program {
    let postfix = Path::new(&host.primary.shared.command_directory).join("postfix").into_os_string();
    let words = [&postfix, OsStr::new("-c"), config_directory, OsStr::new("set-permissions")];
    Program { arguments: words.map(OsStr::to_owned).into(), environment: Vec::new() }
}

/// All entries, of the file and of the directory beside it; or why they are not followed.
pub fn read(postfix: &Postfix, primary: &Primary) -> Result<Result<Vec<Entry>, NotFollowed>> {
    let file = Path::new(&primary.shared.meta_directory).join("postfix-files");
    let mut files = vec![file.clone()];
    match more_files(postfix.root, &file.with_extension("d"))? {
        Ok(more) => files.extend(more),
        Err(reason) => return Ok(Err(NotFollowed(reason))),
    }
    let mut all = Vec::new();
    for file in files {
        let bytes = match file::read(postfix.root, &file) {
            Err(error) if error.says_unusable() => return Ok(Err(NotFollowed(error.to_string()))),
            bytes => bytes?,
        };
        match entries(&bytes) {
            Ok(entries) => all.extend(entries),
            Err(error) => {
                let text = format!("{}, {}", printable(&file), printable(error.to_string()));
                return Ok(Err(NotFollowed(text)));
            }
        }
    }
    Ok(Ok(all))
}

/// The regular files in a directory. Postfix looks for them in a way of its own, which strange names and further
/// directories would lead elsewhere.
fn more_files(root: &Root, directory: &Path) -> Result<Result<Vec<PathBuf>, String>, SystemError> {
    let directory = match Directory::open(root, directory) {
        Err(error) if error.not_found() => return Ok(Ok(Vec::new())),
        directory => directory?,
    };
    let mut files = Vec::new();
    for name in directory.names()? {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+".contains(byte);
        match directory.look_at(&name)?.as_ref().map(kind) {
            Some(SFlag::S_IFREG) if name.as_bytes().iter().all(is_plain) => files.push(directory.path_of(&name)),
            Some(SFlag::S_IFREG | SFlag::S_IFDIR) => {
                return Ok(Err(format!("{} is not understood", printable(directory.path_of(&name)))));
            }
            _ => {}
        }
    }
    Ok(Ok(files))
}

fn is_link(root: &Root, path: &Path) -> bool {
    let found = Directory::open_parent(root, path).and_then(|(directory, name)| directory.look_at(name));
    found.is_ok_and(|found| found.is_some_and(|found| kind(&found) == SFlag::S_IFLNK))
}

/// Whom `$mail_owner` and `$setgid_group` stand for.
struct Owners<'a> {
    root: &'a Root,
    accounts: &'a Accounts,
    mail_owner: Account,
    setgid_group: Account,
    file: String,
}

impl<'a> Owners<'a> {
    fn new(
        postfix: &Postfix<'a>,
        primary: &'a Primary,
        instance: &Instance,
        parameters: &Parameters,
    ) -> Result<Owners<'a>> {
        let accounts = &primary.accounts;
        let (owner, group) = (parameters.value("mail_owner")?, parameters.value("setgid_group")?);
        let file = || printable(main_cf(&instance.config_directory));
        let user = accounts.user(owner.as_bytes());
        let user = user.ok_or_else(|| OwnerError::MailOwner { file: file(), user: printable(&owner) })?;
        if user.uid == 0 {
            return Err(OwnerError::Privileged { file: file(), user: printable(&owner) }.into());
        }
        let gid = accounts.group(group.as_bytes());
        let gid = gid.ok_or_else(|| OwnerError::SetgidGroup { file: file(), group: printable(&group) })?.gid;
        let mail_owner = Account { name: printable(&owner), id: user.uid };
        let setgid_group = Account { name: printable(&group), id: gid };
        let file = printable(Path::new(&primary.shared.meta_directory).join("postfix-files"));
        Ok(Owners { root: postfix.root, accounts, mail_owner, setgid_group, file })
    }

    /// An entry as a step, and whether it is passed over where there is no such file.
    fn permissions(&self, instance: &Instance, entry: Entry) -> Result<(Permissions, bool), UnknownOwner> {
        let path = Path::new(OsStr::from_bytes(&entry.path));
        let place = match entry.base {
            // The main.cf of an instance may be a link; whether others could have put that there is checked later.
            Base::Config if is_link(self.root, &Path::new(&instance.config_directory).join(path)) => {
                Place::of(Path::new(&instance.config_directory).join(path))
            }
            Base::Config => Place { below: path.into(), ..Place::of(&instance.config_directory) },
            Base::Queue => Place { below: path.into(), ..Place::of(&instance.queue_directory) },
            Base::Data => Place { below: path.into(), ..Place::of(&instance.data_directory) },
        };
        let user = |name: &[u8]| self.accounts.user(name).map(|user| user.uid);
        let group = |name: &[u8]| self.accounts.group(name).map(|group| group.gid);
        let permissions = Permissions {
            place,
            directory: entry.kind == Kind::Directory,
            owner: self.account(entry.owner, user)?,
            group: entry.group.map(|owner| self.account(owner, group)).transpose()?,
            mode: entry.mode,
            create: entry.create,
            recursive: entry.recursive,
        };
        Ok((permissions, entry.only_if_readable))
    }

    fn account(&self, owner: Owner, id: impl Fn(&[u8]) -> Option<u32>) -> Result<Account, UnknownOwner> {
        let name = match owner {
            Owner::MailOwner => return Ok(self.mail_owner.clone()),
            Owner::SetgidGroup => return Ok(self.setgid_group.clone()),
            Owner::Name(name) => name,
        };
        let printed = printable(OsStr::from_bytes(&name));
        match id(&name) {
            Some(id) => Ok(Account { name: printed, id }),
            None => Err(UnknownOwner { file: self.file.clone(), name: printed }),
        }
    }
}
