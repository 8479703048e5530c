//! Users and groups by name.
//!
//! The files in /etc are asked first, so that neither a name service nor the network is waited for when they
//! know the answer. Under another root only its own files count.

use super::file;
use super::root::Root;
use nix::unistd;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A user: name, user ID and primary group ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub name: Vec<u8>,
    pub uid: u32,
    pub gid: u32,
}

/// A group: name and group ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: Vec<u8>,
    pub gid: u32,
}

/// The users and groups that the files of a root name, in file order.
#[derive(Debug, Clone)]
pub struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
    name_service: bool,
}

impl Accounts {
    /// Reads etc/passwd and etc/group. A file that cannot be read names nobody.
    pub fn read(root: &Root) -> Accounts {
        let read = |path| file::read(root, Path::new(path)).unwrap_or_default();
        let user =
            |fields: Vec<&[u8]>| Some(User { name: fields[0].into(), uid: id(&fields, 2)?, gid: id(&fields, 3)? });
        let group = |fields: Vec<&[u8]>| Some(Group { name: fields[0].into(), gid: id(&fields, 2)? });
        let users = records(&read("/etc/passwd")).filter_map(user).collect();
        let groups = records(&read("/etc/group")).filter_map(group).collect();
        Accounts { users, groups, name_service: root.is_host() }
    }

    /// The user of that name.
    pub fn user(&self, name: &[u8]) -> Option<User> {
        let listed = self.users.iter().find(|user| user.name == name).cloned();
        listed.or_else(|| {
            let found = self.ask(|name| unistd::User::from_name(name).ok()?, name)?;
            Some(User { name: found.name.into_bytes(), uid: found.uid.as_raw(), gid: found.gid.as_raw() })
        })
    }

    /// The group of that name.
    pub fn group(&self, name: &[u8]) -> Option<Group> {
        let listed = self.groups.iter().find(|group| group.name == name).cloned();
        listed.or_else(|| {
            let found = self.ask(|name| unistd::Group::from_name(name).ok()?, name)?;
            Some(Group { name: found.name.into_bytes(), gid: found.gid.as_raw() })
        })
    }

    /// The first user that the files list with that user ID.
    pub fn user_of(&self, uid: u32) -> Option<&User> {
        self.users.iter().find(|user| user.uid == uid)
    }

    /// The first group that the files list with that group ID.
    pub fn group_of(&self, gid: u32) -> Option<&Group> {
        self.groups.iter().find(|group| group.gid == gid)
    }

    fn ask<T>(&self, by_name: impl Fn(&str) -> Option<T>, name: &[u8]) -> Option<T> {
        OsStr::from_bytes(name).to_str().filter(|_| self.name_service).and_then(by_name)
    }
}

/// The lines of a file, each split at its colons; there is at least one field.
fn records(file: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    file.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == b':').collect())
}

fn id(fields: &[&[u8]], index: usize) -> Option<u32> {
    std::str::from_utf8(fields.get(index)?).ok()?.parse().ok()
}
