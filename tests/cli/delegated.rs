//! A user who owns one secondary's configuration directory, and nothing else.

use crate::host::Host;
use assert_cmd::cargo::cargo_bin;
use std::fs::{self, Permissions, read_to_string, set_permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;

const USER: u32 = 65534;
const FILE: &str = "/etc/postfix-out/main.cf";

/// A host on which the user owns the directory of the instance, but not its main.cf.
fn delegated() -> Host {
    let host = Host::as_root();
    set_permissions(host.path("/"), Permissions::from_mode(0o755)).unwrap();
    chown(host.path("/etc/postfix-out"), Some(USER), Some(USER)).unwrap();
    host
}

/// The standard error of the user's postmulti, and its exit status.
fn run(host: &Host, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(cargo_bin("postmulti"));
    command.arg("--root").arg(host.path("/")).args(arguments).uid(USER).gid(USER);
    let output = command.output().unwrap();
    host.assert_tidy();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// The lock of the primary's main.cf cannot be had, and is not needed.
#[test]
fn one_main_cf_is_edited_without_the_lock_of_the_primary() {
    let host = delegated();
    chown(host.path(FILE), Some(USER), Some(USER)).unwrap();
    for (arguments, line) in [
        (&["-i", "out", "-e", "disable"][..], "multi_instance_enable = no"),
        (&["-i", "out", "-e", "enable"], "multi_instance_enable = yes"),
        (&["-i", "out", "-e", "assign", "-G", "mta"], "multi_instance_group = mta"),
    ] {
        assert_eq!(run(&host, arguments), (0, String::new()), "{arguments:?}");
        assert!(read_to_string(host.path(FILE)).unwrap().lines().any(|found| found == line), "{line}");
    }
}

#[test]
fn other_actions_need_the_lock_of_the_primary() {
    let host = delegated();
    run(&host, &["-i", "out", "-e", "disable"]);
    let denied = "postmulti: fatal: open /etc/postfix/main.cf.tmp: Permission denied. Nothing was changed\n";
    for arguments in
        [&["-i", "out", "-e", "deport"][..], &["-i", "-", "-e", "disable"], &["-i", "-", "-e", "assign", "-G", "mta"]]
    {
        let before = host.tree();
        assert_eq!(run(&host, arguments), (1, denied.to_owned()), "{arguments:?}");
        assert_eq!(run(&host, &[&["--dry-run"], arguments].concat()), (1, denied.to_owned()), "{arguments:?}");
        before.assert_untouched(&host.tree());
    }
}

/// The user cannot give the file back to its owner; nobody else gets to read or write it by that.
#[test]
fn owner_that_is_not_kept_is_told() {
    for (group, before, after) in [(102, 0o664, 0o644), (102, 0o604, 0o600), (102, 0o6644, 0o644), (USER, 0o660, 0o660)]
    {
        let host = delegated();
        chown(host.path(FILE), Some(100), Some(group)).unwrap();
        set_permissions(host.path(FILE), Permissions::from_mode(before)).unwrap();
        let told = |what: String| format!("postmulti: warning: {FILE}: {what}\n");
        let owner = told(format!("owner is {USER}:{USER}, was 100:{group}: chown: Operation not permitted"));
        let text = "so that no other user can read or write it";
        let mode = told(format!("mode is {after:04o}, was {before:04o}, {text}"));
        let expected = if before == after { owner } else { owner + &mode };
        assert_eq!(run(&host, &["-i", "out", "-e", "disable"]), (0, expected));
        let found = fs::metadata(host.path(FILE)).unwrap();
        assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (USER, USER, after));
    }
}

/// In a sticky directory, a file is replaced by its owner, or that of the directory.
#[test]
fn file_of_another_user_in_a_sticky_directory_is_refused() {
    let host = Host::as_root();
    set_permissions(host.path("/"), Permissions::from_mode(0o755)).unwrap();
    set_permissions(host.path("/etc/postfix-out"), Permissions::from_mode(0o1777)).unwrap();
    let message =
        "postmulti: fatal: rename /etc/postfix-out/main.cf.tmp: Operation not permitted. Nothing was changed\n";
    for dry_run in [&["--dry-run"][..], &[]] {
        assert_eq!(run(&host, &[dry_run, &["-i", "out", "-e", "disable"]].concat()), (1, message.to_owned()));
    }
}
