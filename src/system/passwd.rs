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
#[derive(Debug)]
pub struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
    name_service: bool,
}

impl Accounts {
    /// Reads etc/passwd and etc/group. A file that cannot be read names nobody.
    pub fn read(root: &Root) -> Accounts {
        let read = |path: &str| file::read(root, Path::new(path)).unwrap_or_default();
        let users = fields(&read("/etc/passwd"))
            .filter_map(|user| Some(User { name: user.first()?.clone(), uid: id(&user, 2)?, gid: id(&user, 3)? }))
            .collect();
        let groups = fields(&read("/etc/group"))
            .filter_map(|group| Some(Group { name: group.first()?.clone(), gid: id(&group, 2)? }))
            .collect();
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

fn fields(file: &[u8]) -> impl Iterator<Item = Vec<Vec<u8>>> + use<> {
    let lines: Vec<Vec<Vec<u8>>> = file
        .split(|byte| *byte == b'\n')
        .map(|line| line.split(|byte| *byte == b':').map(<[u8]>::to_vec).collect())
        .collect();
    lines.into_iter()
}

fn id(fields: &[Vec<u8>], index: usize) -> Option<u32> {
    std::str::from_utf8(fields.get(index)?).ok()?.parse().ok()
}
