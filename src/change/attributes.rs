//! The attributes of a file that is replaced or copied: owner, group, extended attributes (ACLs and security labels are
//! such), and mode.

use crate::system::directory::{SystemError, mode};
use crate::system::log::printable;
use crate::system::reason;
use nix::sys::stat::{FileStat, Mode, fchmod, fstat};
use nix::unistd::{Gid, Uid, fchown};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;
use xattr::FileExt;

/// The extended attribute that is the ACL of a file.
const ACL: &str = "system.posix_acl_access";

/// The bits by which a file of another owner or group would run as these.
const SET_ID: u32 = 0o6000;

/// Gives the file `to` the attributes of another one; both come with their paths. Returns what it has not got, in words.
///
/// A file without its group or its ACL is open to nobody to whom the other one is not: group and others get the
/// permissions that both had.
///
/// # Errors
/// The mode cannot be set, or the system does not tell the attributes.
pub(super) fn copy_attributes(
    (from, of): (&File, &Path),
    (to, path): (&File, &Path),
) -> Result<Vec<String>, SystemError> {
    let mut wrong = Vec::new();
    let old = fstat(from).map_err(|error| SystemError::new("stat", of, error))?;
    let new = copy_owner(&old, to, &mut wrong).map_err(|error| SystemError::new("stat", path, error))?;
    let has_acl = copy_extended(from, to, &mut wrong);
    // The mode comes last: the others affect it.
    let is_narrowed = old.st_gid != new.st_gid || !has_acl;
    let kept = if (old.st_uid, old.st_gid) == (new.st_uid, new.st_gid) { mode(&old) } else { mode(&old) & !SET_ID };
    let wanted = if is_narrowed { narrowed(kept) } else { kept };
    set_mode(to, wanted).map_err(|error| SystemError::new("chmod", path, error))?;
    if wanted != mode(&old) {
        let text = "so that no other user can read or write it";
        wrong.push(format!("mode is {wanted:04o}, was {:04o}, {text}", mode(&old)));
    }
    Ok(wrong)
}

pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    Ok(fchmod(file, Mode::from_bits_truncate(mode))?)
}

/// Sets owner and group; at least the group where the owner cannot be set. Returns the status of the file after that.
fn copy_owner(old: &FileStat, to: &File, wrong: &mut Vec<String>) -> io::Result<FileStat> {
    let is_owned = |new: &FileStat| (new.st_uid, new.st_gid) == (old.st_uid, old.st_gid);
    let new = fstat(to)?;
    if is_owned(&new) {
        return Ok(new);
    }
    let (owner, group) = (Uid::from_raw(old.st_uid), Gid::from_raw(old.st_gid));
    let refused = fchown(to, Some(owner), Some(group)).err();
    if refused.is_some() {
        // The group may be one of this user's own. Whether it was set, the status tells.
        let _ = fchown(to, None, Some(group));
    }
    let new = fstat(to)?;
    if !is_owned(&new) {
        let reason = refused.map(|error| format!(": chown: {}", error.desc())).unwrap_or_default();
        let (now, before) = ((new.st_uid, new.st_gid), (old.st_uid, old.st_gid));
        wrong.push(format!("owner is {}:{}, was {}:{}{reason}", now.0, now.1, before.0, before.1));
    }
    Ok(new)
}

/// Sets the extended attributes. Returns false if the ACL is not that of the other file.
fn copy_extended(from: &File, to: &File, wrong: &mut Vec<String>) -> bool {
    let (names, present) = match (names(from), names(to)) {
        (Ok(names), Ok(present)) => (names, present),
        (Err(error), _) | (_, Err(error)) => {
            wrong.push(format!("extended attributes cannot be read: {}", reason(&error)));
            return false;
        }
    };
    let mut has_acl = true;
    let mut check = |name: &OsStr, outcome: io::Result<()>| {
        if let Err(error) = outcome {
            has_acl &= name != ACL;
            wrong.push(format!("attribute {} is not kept: {}", printable(name), reason(&error)));
        }
    };
    // A directory may give its new files an ACL that the old one has not.
    for name in present.iter().filter(|name| !names.contains(name)) {
        check(name, to.remove_xattr(name));
    }
    for name in &names {
        check(name, copy_one(from, to, name));
    }
    has_acl
}

fn copy_one(from: &File, to: &File, name: &OsStr) -> io::Result<()> {
    let value = from.get_xattr(name)?;
    // The label that the new file has got by itself may be the right one already, and not for us to set.
    match value {
        Some(value) if to.get_xattr(name)?.as_ref() != Some(&value) => to.set_xattr(name, &value),
        _ => Ok(()),
    }
}

/// The names of the extended attributes: none where the file system has no such thing.
fn names(file: &File) -> io::Result<Vec<OsString>> {
    match file.list_xattr() {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Vec::new()),
        names => Ok(names?.collect()),
    }
}

/// The mode of a file that has lost its group or its ACL, whose members now count as others, or the reverse.
fn narrowed(mode: u32) -> u32 {
    let both = (mode >> 3) & mode & 0o007;
    (mode & 0o700) | (both << 3) | both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mode_without_the_group_opens_nothing() {
        for (old, new) in
            [(0o644, 0o644), (0o640, 0o600), (0o664, 0o644), (0o604, 0o600), (0o4755, 0o755), (0o660, 0o600)]
        {
            assert_eq!(narrowed(old), new, "{old:o}");
        }
    }
}
