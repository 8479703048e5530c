//! The users and groups that own what Postfix works with: they must exist, be unprivileged, and not be shared.

use crate::system::log::printable;
use crate::system::passwd::{Accounts, Group, User};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use thiserror::Error;

/// The values of the parameters that name users and groups.
#[derive(Debug)]
pub struct Owners {
    pub mail_owner: OsString,
    pub setgid_group: OsString,
    /// None if postmulti cannot tell.
    pub default_privs: Option<OsString>,
}

/// Why Postfix refuses these. The words are Postfix's.
#[derive(Debug, Error)]
pub enum OwnerError {
    #[error("parameter {name}: {problem}")]
    Parameter { name: &'static str, problem: String },
    #[error("parameters default_privs and mail_owner specify the same user {0}")]
    SameUser(String),
    #[error("parameters {parameters}: {owners} have the same {kind} ID: {id}")]
    SameId { parameters: &'static str, owners: String, kind: &'static str, id: u32 },
}

impl Owners {
    /// Checks them in the order in which Postfix does.
    ///
    /// An unknown default_privs is no error: postmulti runs nothing with those privileges.
    pub fn check(&self, accounts: &Accounts) -> Result<(), OwnerError> {
        let owner = self.owner(accounts)?;
        let group = self.group(accounts)?;
        let default = self.default_privs.as_ref().and_then(|name| accounts.user(name.as_bytes()));
        if let Some(default) = &default {
            distinct_from_default(default, &owner, &group)?;
        }
        let owners = format!("user {} and group {}", shown(&owner.name), shown(&group.name));
        different_groups("mail_owner and setgid_group", owners, owner.gid, group.gid)
    }

    fn owner(&self, accounts: &Accounts) -> Result<User, OwnerError> {
        let error = |problem| OwnerError::Parameter { name: "mail_owner", problem };
        let name = shown(self.mail_owner.as_bytes());
        let user = accounts.user(self.mail_owner.as_bytes());
        let user = user.ok_or_else(|| error(format!("unknown user name value: {name}")))?;
        if user.uid == 0 {
            return Err(error(format!("user {name} has privileged user ID")));
        }
        if user.gid == 0 {
            return Err(error(format!("user {name} has privileged group ID")));
        }
        if let Some(other) = accounts.user_of(user.uid).filter(|other| other.name != user.name) {
            let other = shown(&other.name);
            return Err(error(format!("user {name} has the same user ID {} as user {other}", user.uid)));
        }
        Ok(user)
    }

    fn group(&self, accounts: &Accounts) -> Result<Group, OwnerError> {
        let error = |problem| OwnerError::Parameter { name: "setgid_group", problem };
        let name = shown(self.setgid_group.as_bytes());
        let group = accounts.group(self.setgid_group.as_bytes());
        let group = group.ok_or_else(|| error(format!("unknown group name: {name}")))?;
        if group.gid == 0 {
            return Err(error(format!("group {name} has privileged group ID")));
        }
        if let Some(other) = accounts.group_of(group.gid).filter(|other| other.name != group.name) {
            let other = shown(&other.name);
            return Err(error(format!("group {name} has the same group ID {} as group {other}", group.gid)));
        }
        Ok(group)
    }
}

fn distinct_from_default(default: &User, owner: &User, group: &Group) -> Result<(), OwnerError> {
    if default.name == owner.name {
        return Err(OwnerError::SameUser(shown(&default.name)));
    }
    let parameters = "default_privs and mail_owner";
    let users = format!("users {} and {}", shown(&default.name), shown(&owner.name));
    if default.uid == owner.uid {
        return Err(OwnerError::SameId { parameters, owners: users, kind: "user", id: owner.uid });
    }
    different_groups(parameters, users, default.gid, owner.gid)?;
    let owners = format!("user {} and group {}", shown(&default.name), shown(&group.name));
    different_groups("default_privs and setgid_group", owners, default.gid, group.gid)
}

fn different_groups(parameters: &'static str, owners: String, one: u32, other: u32) -> Result<(), OwnerError> {
    if one == other {
        return Err(OwnerError::SameId { parameters, owners, kind: "group", id: one });
    }
    Ok(())
}

fn shown(name: &[u8]) -> String {
    printable(OsStr::from_bytes(name))
}
