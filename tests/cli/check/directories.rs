//! The directories of instances.

use super::{POSTDROP, POSTFIX, clean, finds, line, remedies, set, shows};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

/// All of them, and what is wrong besides. Other modes end at the first.
#[test]
fn directories_that_are_shared() {
    let host = clean();
    set(&host, "/etc/postfix-out", "data_directory", "/var/lib/postfix");
    symlink("postfix", host.path("/var/spool/alias")).unwrap();
    set(&host, "/etc/postfix-in", "queue_directory", "/var/spool/alias");
    host.add("/etc/postfix-in", b"smtpd_timeout = 1s\nsmtpd_timeout = 2s\n");
    let out = line(&host, "/etc/postfix-out/main.cf", "data_directory");
    let queue = line(&host, "/etc/postfix-in/main.cf", "queue_directory");
    let twice = line(&host, "/etc/postfix-in/main.cf", "smtpd_timeout");
    let expected = [
        format!(
            "error conflict /etc/postfix-out /etc/postfix-out/main.cf:{out}: instance /etc/postfix-out, \
             data_directory=/var/lib/postfix conflicts with instance /etc/postfix, data_directory=/var/lib/postfix"
        ),
        format!(
            "error conflict /etc/postfix-in /etc/postfix-in/main.cf:{queue}: instance /etc/postfix-in, \
             queue_directory=/var/spool/alias conflicts with instance /etc/postfix, queue_directory=/var/spool/postfix: \
             they are the same directory"
        ),
        format!(
            "warning repeated /etc/postfix-in /etc/postfix-in/main.cf:{twice}: smtpd_timeout is set to different values, \
             in lines {} and {twice}",
            twice - 1
        ),
    ];
    finds(&host, &expected.each_ref().map(String::as_str));
    host.postmulti(&["-l"])
        .assert()
        .code(1)
        .stderr(predicates::str::contains("instance /etc/postfix-out is left out: "));
}

#[test]
fn a_directory_inside_another() {
    let host = clean();
    set(&host, "/etc/postfix-in", "data_directory", "/var/lib/postfix-out/in");
    let number = line(&host, "/etc/postfix-in/main.cf", "data_directory");
    let expected = format!(
        "warning conflict /etc/postfix-in /etc/postfix-in/main.cf:{number}: instance /etc/postfix-in, \
         data_directory=/var/lib/postfix-out/in conflicts with instance /etc/postfix-out, \
         data_directory=/var/lib/postfix-out: it lies inside"
    );
    finds(&host, &[&expected]);
    shows(|host| set(host, "/etc/postfix-in", "data_directory", "/var/lib/postfix-out-in"), &[]);
}

#[test]
fn the_same_name() {
    let host = clean();
    set(&host, "/etc/postfix-in", "multi_instance_name", "postfix-out");
    let number = line(&host, "/etc/postfix-in/main.cf", "multi_instance_name");
    let expected = format!(
        "error conflict /etc/postfix-in /etc/postfix-in/main.cf:{number}: instance /etc/postfix-in, \
         multi_instance_name=postfix-out conflicts with instance /etc/postfix-out, multi_instance_name=postfix-out"
    );
    finds(&host, &[&expected]);
}

/// A command with its name would be about the other instance.
#[test]
fn an_instance_in_conflict_goes_by_its_directory() {
    let host = clean();
    set(&host, "/etc/postfix-in", "multi_instance_name", "postfix-out");
    fs::write(host.path("/etc/postfix-in/master.cf"), "bogus\n").unwrap();
    let shown = host.postmulti(&["--check"]).output().unwrap().stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert_eq!(shown.matches("error: /etc/postfix-in: /etc/postfix-in/").count(), 2, "{shown}");
    assert!(!shown.contains("postfix-out: /etc/postfix-in"), "{shown}");
}

/// Mail there, and a master(8), are those of the first instance: to stop it would be a mistake.
#[test]
fn a_shared_queue_is_looked_at_for_its_first_instance_only() {
    for queue in ["/var/spool/postfix-out", "/var/spool/postfix-out/"] {
        let host = clean();
        set(&host, "/etc/postfix-in", "queue_directory", queue);
        host.add("/etc/postfix-in", b"multi_instance_enable = no\n");
        fs::create_dir_all(host.path("/var/spool/postfix-out/deferred")).unwrap();
        fs::write(host.path("/var/spool/postfix-out/deferred/1ABCDE"), "").unwrap();
        let shown = host.postmulti(&["--check"]).output().unwrap().stdout;
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.contains("queue_directory") && !shown.contains("has mail"), "{shown}");
    }
}

#[test]
fn a_queue_directory_that_is_missing() {
    let host = clean();
    fs::remove_dir_all(host.path("/var/spool/postfix-in")).unwrap();
    let number = line(&host, "/etc/postfix-in/main.cf", "queue_directory");
    let expected = format!(
        "error permissions /etc/postfix-in /etc/postfix-in/main.cf:{number}: the queue directory /var/spool/postfix-in is \
         missing, so that it does not start"
    );
    finds(&host, &[&expected]);
    let set_permissions = "postmulti --root ROOT -i postfix-in -x postfix set-permissions";
    let make = format!("mkdir -p ROOT/var/spool/postfix-in && {set_permissions}");
    assert_eq!(remedies(&host), [format!("mount it, or correct line {number}; only if it is new: {make}")]);
    fs::remove_file(host.path("/etc/postfix/postfix-files")).unwrap();
    assert!(super::findings(&host, &["-i", "in"]).contains(&expected));
}

/// postfix(1) checks it whenever the others are started.
#[test]
fn a_queue_directory_that_is_missing_in_a_disabled_instance() {
    let host = clean();
    set(&host, "/etc/postfix-in", "multi_instance_enable", "no");
    finds(&host, &[]);
    fs::remove_dir_all(host.path("/var/spool/postfix-in")).unwrap();
    let number = line(&host, "/etc/postfix-in/main.cf", "queue_directory");
    let expected = format!(
        "warning permissions /etc/postfix-in /etc/postfix-in/main.cf:{number}: the queue directory /var/spool/postfix-in is \
         missing, so that 'postfix start' fails, though the instance is disabled"
    );
    finds(&host, &[&expected]);
}

#[test]
fn a_directory_without_a_value() {
    for parameter in ["queue_directory", "data_directory"] {
        let host = clean();
        set(&host, "/etc/postfix-in", parameter, "");
        let number = line(&host, "/etc/postfix-in/main.cf", parameter);
        let expected = format!(
            "error permissions /etc/postfix-in /etc/postfix-in/main.cf:{number}: {parameter} has no value, so that it does \
             not start"
        );
        finds(&host, &[&expected]);
        assert_eq!(remedies(&host), [format!("set {parameter}")]);
    }
}

#[test]
fn something_else_in_the_place_of_a_directory() {
    for path in ["/var/spool/postfix-in", "/var/lib/postfix-in", "/var/spool/postfix-in/hold"] {
        let host = clean();
        let _ = fs::remove_dir_all(host.path(path));
        fs::write(host.path(path), "").unwrap();
        finds(&host, &[&format!("error permissions /etc/postfix-in -: {path} is no directory")]);
        let expected = format!("mv ROOT{path} ROOT{path}.old && mkdir ROOT{path} && postmulti --root ");
        assert!(remedies(&host)[0].starts_with(&expected), "{:?}", remedies(&host));
    }
}

#[test]
fn owners_groups_and_modes() {
    let host = clean();
    let queues =
        [("active", 0o700, POSTFIX, 0), ("maildrop", 0o730, POSTFIX, POSTDROP), ("public", 0o2710, POSTFIX, POSTDROP)];
    for (name, mode, user, group) in queues {
        let path = host.path(&format!("/var/spool/postfix-in/{name}"));
        fs::create_dir(&path).unwrap();
        chown(&path, Some(user), Some(group)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    finds(&host, &[]);
    let mode = |mode| {
        fs::set_permissions(host.path("/var/spool/postfix-in/maildrop"), fs::Permissions::from_mode(mode)).unwrap();
    };
    let maildrop = "warning permissions /etc/postfix-in -: /var/spool/postfix-in/maildrop";
    mode(0o720);
    finds(&host, &[&format!("{maildrop} has the mode 0720, and not 0730")]);
    mode(0o732);
    finds(&host, &[&format!("{maildrop} has the mode 0732, and not 0730")]);
    mode(0o734);
    finds(&host, &[]);
    chown(host.path("/var/spool/postfix-in/maildrop"), None, Some(0)).unwrap();
    finds(&host, &[&format!("{maildrop} has not the group postdrop")]);
    chown(host.path("/var/spool/postfix-in/active"), Some(0), None).unwrap();
    let active = "error permissions /etc/postfix-in -: /var/spool/postfix-in/active belongs to root, and not to postfix, \
                  and 1 more like this";
    finds(&host, &[active]);
}

/// Who may read the configuration is the administrator's choice, but not who may write.
#[test]
fn the_configuration_directory() {
    let mode = |mode| {
        move |host: &crate::host::Host| {
            fs::set_permissions(host.path("/etc/postfix-in"), fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    shows(mode(0o750), &[]);
    shows(mode(0o775), &["warning permissions /etc/postfix-in -: /etc/postfix-in has the mode 0775, and not 0755"]);
}

#[test]
fn a_file_in_a_data_directory_that_belongs_to_another() {
    let host = clean();
    chown(host.path("/var/lib/postfix-in/master.lock"), Some(0), None).unwrap();
    finds(
        &host,
        &[
            "error permissions /etc/postfix-in /var/lib/postfix-in/master.lock: belongs to root, and not to postfix, so that \
           the instance does not start",
        ],
    );
    assert_eq!(remedies(&host), [format!("chown -h {POSTFIX} ROOT/var/lib/postfix-in/master.lock")]);
    // Then master(8) can open it all the same.
    fs::set_permissions(host.path("/var/lib/postfix-in/master.lock"), fs::Permissions::from_mode(0o666)).unwrap();
    let warning = |file: &str| {
        format!("warning permissions /etc/postfix-in /var/lib/postfix-in/{file}: belongs to root, and not to postfix")
    };
    finds(&host, &[&warning("master.lock")]);
    let host = clean();
    fs::write(host.path("/var/lib/postfix-in/verify_cache.db"), "").unwrap();
    finds(&host, &[&warning("verify_cache.db")]);
    let host = clean();
    symlink("/etc/passwd", host.path("/var/lib/postfix-in/link")).unwrap();
    fs::create_dir(host.path("/var/lib/postfix-in/directory")).unwrap();
    finds(&host, &[]);
}

#[test]
fn an_owner_that_there_is_not() {
    shows(
        |host| set(host, "/etc/postfix-in", "mail_owner", "nosuch"),
        &[
            "error permissions /etc/postfix-in -: file /etc/postfix-in/main.cf: parameter mail_owner: unknown user name \
           value: nosuch",
        ],
    );
    let all = ["/etc/postfix", "/etc/postfix-out", "/etc/postfix-in"].map(|directory| {
        format!("error permissions {directory} -: /etc/postfix/postfix-files names the unknown user or group nosuch")
    });
    let add = |host: &crate::host::Host| {
        fs::write(host.path("/etc/postfix/postfix-files"), "$queue_directory/x:d:nosuch:-:755:uc\n").unwrap();
    };
    shows(add, &all.each_ref().map(String::as_str));
}

#[test]
fn permissions_that_are_not_known() {
    shows(
        |host| fs::remove_file(host.path("/etc/postfix/postfix-files")).unwrap(),
        &["note permissions /etc/postfix -: whose the private directories must be is not known: open \
           /etc/postfix/postfix-files: No such file or directory"],
    );
}
