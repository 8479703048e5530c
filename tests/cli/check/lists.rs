//! What the primary says about the instances.

use super::{clean, finds, line, remedies, set, shows};
use std::fs;

const MAIN_CF: &str = "/etc/postfix/main.cf";

#[test]
fn the_wrapper() {
    for (value, severity, reason) in [
        ("", "error", "is empty, so that postfix(1) fails, as it does not serve the secondaries"),
        ("/usr/local/sbin/mm -p --", "note", "is /usr/local/sbin/mm, which is not postmulti"),
        (
            "${command_directory}/postmulti",
            "error",
            "runs postmulti without -p, so that every postfix(1) command fails",
        ),
        ("postmulti -x --", "error", "runs postmulti without -p, so that every postfix(1) command fails"),
        ("postmulti -vl", "error", "runs postmulti without -p, so that every postfix(1) command fails"),
    ] {
        let host = clean();
        set(&host, "/etc/postfix", "multi_instance_wrapper", value);
        let number = line(&host, MAIN_CF, "multi_instance_wrapper");
        let expected = format!("{severity} wrapper /etc/postfix {MAIN_CF}:{number}: multi_instance_wrapper {reason}");
        finds(&host, &[&expected]);
    }
    for value in [
        "/usr/local/sbin/postmulti -p --",
        "postmulti -p",
        "${command_directory}/postmulti -vap",
        "postmulti -p -g mta --",
    ] {
        shows(|host| set(host, "/etc/postfix", "multi_instance_wrapper", value), &[]);
    }
    let alone = |host: &crate::host::Host| {
        host.list("");
        ["postfix-in", "postfix-out"].iter().for_each(|name| {
            fs::remove_dir_all(host.path(&format!("/etc/{name}"))).unwrap();
        });
        set(host, "/etc/postfix", "multi_instance_wrapper", "");
        set(host, "/etc/postfix", "multi_instance_enable", "no");
    };
    shows(alone, &[]);
}

#[test]
fn a_primary_that_is_disabled() {
    let host = clean();
    set(&host, "/etc/postfix", "multi_instance_enable", "no");
    let number = line(&host, MAIN_CF, "multi_instance_enable");
    let expected = format!(
        "warning wrapper /etc/postfix {MAIN_CF}:{number}: multi_instance_enable: it is no, so that the primary is not \
         started, and no action of -e is possible"
    );
    finds(&host, &[&expected]);
}

#[test]
fn a_directory_that_is_listed_twice() {
    let host = clean();
    host.list("/etc/postfix-out /etc/postfix-in /etc/postfix-out");
    let number = line(&host, MAIN_CF, "multi_instance_directories");
    let expected = format!(
        "warning listed /etc/postfix {MAIN_CF}:{number}: multi_instance_directories has /etc/postfix-out more than once: \
         the first place counts"
    );
    finds(&host, &[&expected]);
}

#[test]
fn a_directory_on_both_lists() {
    let host = clean();
    set(&host, "/etc/postfix", "alternate_config_directories", "/etc/postfix-in");
    let number = line(&host, MAIN_CF, "alternate_config_directories");
    let expected = format!(
        "note listed /etc/postfix {MAIN_CF}:{number}: alternate_config_directories has /etc/postfix-in, and so has \
         multi_instance_directories"
    );
    finds(&host, &[&expected]);
}

/// It could not be put on a list.
#[test]
fn a_backup_is_no_instance() {
    let host = clean();
    fs::create_dir(host.path("/etc/postfix.bak")).unwrap();
    for name in ["main.cf", "master.cf"] {
        fs::copy(host.path("/etc/postfix").join(name), host.path("/etc/postfix.bak").join(name)).unwrap();
    }
    finds(&host, &[]);
    set(&host, "/etc/postfix.bak", "queue_directory", "/var/spool/other");
    finds(&host, &["note unlisted /etc/postfix /etc/postfix.bak: it looks like an instance, and is on no list"]);
}

#[test]
fn what_looks_like_an_instance() {
    let host = clean();
    host.list("/etc/postfix-out");
    finds(&host, &["note unlisted /etc/postfix /etc/postfix-in: it looks like an instance, and is on no list"]);
    let import = "postmulti --root ROOT -e import config_directory=/etc/postfix-in";
    assert_eq!(remedies(&host), [import]);
    // import refuses a host that is not initialised.
    let bare = clean();
    bare.list("");
    fs::remove_dir_all(bare.path("/etc/postfix-out")).unwrap();
    set(&bare, "/etc/postfix", "multi_instance_wrapper", "");
    assert_eq!(remedies(&bare), [format!("postmulti --root ROOT -e init && {import}")]);
    let alternate = |host: &crate::host::Host| {
        host.list("/etc/postfix-out");
        set(host, "/etc/postfix", "alternate_config_directories", "/etc/postfix-in");
    };
    shows(alternate, &[]);
    fs::remove_file(host.path("/etc/postfix-in/master.cf")).unwrap();
    finds(&host, &[]);
    fs::write(host.path("/etc/postfix-in/destroy.unfinished"), "").unwrap();
    // As long as somebody is at it, nothing was interrupted.
    for directory in ["postfix", "postfix-in"] {
        let lock = host.path(&format!("/etc/{directory}/main.cf.tmp"));
        let file = fs::File::create(&lock).unwrap();
        file.lock().unwrap();
        finds(&host, &[]);
        fs::remove_file(lock).unwrap();
    }
    finds(
        &host,
        &["warning unlisted /etc/postfix /etc/postfix-in: it is what an interrupted destroy has left of an \
           instance"],
    );
}

/// A link to an instance that is listed is no other one.
#[test]
fn another_name_of_an_instance() {
    shows(|host| std::os::unix::fs::symlink("postfix-in", host.path("/etc/postfix-mx")).unwrap(), &[]);
}
