//! What cannot come to a good end is refused before anything is changed.

use crate::host::Host;
use std::fs;
use std::os::unix::fs::symlink;

const CREATE: [&str; 4] = ["-I", "postfix-new", "-e", "create"];

/// Checks that an instance cannot be created on a host like this.
#[track_caller]
fn not_created(prepare: impl Fn(&Host), operands: &[&str], message: &str) {
    let host = Host::as_root();
    prepare(&host);
    host.refuses(&[&CREATE, operands].concat(), message);
}

#[test]
fn a_directory_that_cannot_be_made() {
    let file = |host: &Host| fs::write(host.path("/var/lib/file"), "").unwrap();
    let below = ["data_directory=/var/lib/file/data"];
    not_created(file, &below, "open /var/lib/file/data: Not a directory. Nothing was changed");
    let itself = ["data_directory=/var/lib/file"];
    not_created(file, &itself, "open /var/lib/file: Not a directory. Nothing was changed");
    let dangling = |host: &Host| symlink("/nowhere", host.path("/var/lib/link")).unwrap();
    let link = ["data_directory=/var/lib/link"];
    not_created(dangling, &link, "mkdir /var/lib/link: File exists. Nothing was changed");
    let dots = ["data_directory=/var/lib/new/../data"];
    not_created(|_| {}, &dots, "mkdir /var/lib/new/../data: No such file or directory. Nothing was changed");
}

#[test]
fn prototypes_that_are_missing() {
    for name in ["main.cf", "master.cf"] {
        let path = format!("/etc/postfix/{name}.proto");
        let message = format!("Missing {name} prototype: {path}");
        not_created(|host| fs::remove_file(host.path(&path)).unwrap(), &[], &message);
        let directory = |host: &Host| {
            fs::remove_file(host.path(&path)).unwrap();
            fs::create_dir(host.path(&path)).unwrap();
        };
        not_created(directory, &[], &message);
    }
}

#[test]
fn a_mail_owner_that_nobody_knows() {
    let host = Host::as_root();
    host.does(&CREATE);
    host.does(&["-i", "new", "-e", "deport"]);
    host.add("/etc/postfix-new", b"mail_owner = nobody-at-all\n");
    let import = ["-e", "import", "config_directory=/etc/postfix-new"];
    let message = "file /etc/postfix-new/main.cf: parameter mail_owner: unknown user name value: nobody-at-all";
    host.refuses(&import, message);
    host.add("/etc/postfix-new", b"mail_owner = postfix\nsetgid_group = nobody-at-all\n");
    let message = "file /etc/postfix-new/main.cf: parameter setgid_group: unknown group name: nobody-at-all";
    host.refuses(&import, message);
}

/// A new instance takes nothing that is not its own.
#[test]
fn a_directory_that_is_in_use() {
    let not_empty = |parameter: &str, path: &str, found: &str| {
        format!(
            "{parameter}={path} is not empty, it holds '{found}'. \
             Nothing was changed: choose another directory, or empty it"
        )
    };
    let in_directory = |path: &'static str, file: &'static str| {
        move |host: &Host| {
            fs::create_dir_all(host.path(path)).unwrap();
            let file = host.path(path).join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
    };
    for (parameter, path, file, found) in [
        ("config_directory", "/etc/postfix-new", "virtual", "virtual"),
        ("config_directory", "/etc/postfix-new", "main.cf", "main.cf"),
        ("config_directory", "/etc/postfix-new", "master.cf", "master.cf"),
        ("config_directory", "/etc/postfix-new", ".tmp/virtual", ".tmp"),
        ("queue_directory", "/var/spool/postfix-new", "notes", "notes"),
        ("queue_directory", "/var/spool/postfix-new", "deferred/4cXyZ", "deferred"),
        ("queue_directory", "/var/spool/postfix-new", "pid/master.pid", "pid"),
        ("data_directory", "/var/lib/postfix-new", "master.lock", "master.lock"),
        ("data_directory", "/var/lib/postfix-new", "lost+found/#123", "lost+found"),
    ] {
        not_created(in_directory(path, file), &[], &not_empty(parameter, path, found));
    }
    not_created(|_| {}, &["data_directory=/usr"], &not_empty("data_directory", "/usr", "lib"));
}

/// A new file system, mounted there for the purpose.
#[test]
fn a_directory_that_counts_as_empty() {
    let host = Host::as_root();
    for directory in ["/var/spool/postfix-new", "/var/lib/postfix-new"] {
        fs::create_dir_all(host.path(directory).join("lost+found")).unwrap();
    }
    host.does(&CREATE);
    assert!(host.path("/var/spool/postfix-new/lost+found").exists());
}

#[test]
fn an_instance_that_is_another_one() {
    let host = Host::as_root();
    host.does(&CREATE);
    host.does(&["-i", "new", "-e", "deport"]);
    let message = "there is an instance in /etc/postfix-new already, with data_directory=/var/lib/postfix-new and not \
                   /var/lib/postfix-2. Nothing was changed";
    host.refuses(&[&CREATE[..], &["data_directory=/var/lib/postfix-2"]].concat(), message);
    host.does(&[&CREATE[..], &["data_directory=/var/lib/postfix-new/"]].concat());
}

/// A value that is no path, or only by way of a name that means nothing.
#[test]
fn values_that_cannot_be_meant() {
    let cannot =
        |problem: &str| format!("Parameter setting 'queue_directory' cannot be used: {problem}. Nothing was changed");
    let undefined = cannot("it refers to nosuch, which nothing gives a value here");
    not_created(|_| {}, &["queue_directory=/srv/$nosuch"], &undefined);
    not_created(|_| {}, &["queue_directory=/srv/${nosuch}x"], &undefined);
    not_created(|_| {}, &["queue_directory=/srv/${nosuch"], &cannot("truncated macro reference: \"/srv/${nosuch\""));

    let host = Host::as_root();
    host.does(&CREATE);
    host.does(&["-i", "new", "-e", "deport"]);
    host.add("/etc/postfix-new", b"data_directory = $nosuch/data\n");
    let output = host.postmulti(&["-e", "import", "config_directory=/etc/postfix-new"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("fatal: /etc/postfix-new/main.cf, line 65: data_directory: "), "{told}");
    host.add("/etc/postfix-new", b"data_directory = data\n");
    let before = host.tree();
    let output = host.postmulti(&["-e", "import", "config_directory=/etc/postfix-new"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.ends_with(": data_directory: 'data' is not an absolute path. Nothing was changed\n"), "{told}");
    before.assert_restored(&host.tree());
}

/// Two spellings of one directory, or one inside another.
#[test]
fn directories_of_other_instances() {
    let host = Host::as_root();
    symlink("/var/spool", host.path("/queues")).unwrap();
    for (operand, end) in [
        ("queue_directory=/var/spool/postfix-in", "queue_directory=/var/spool/postfix-in"),
        ("queue_directory=/var/spool/../spool/postfix-in", "they are the same directory"),
        ("queue_directory=/queues/postfix-in", "they are the same directory"),
        ("queue_directory=/var/spool/postfix-in/new", "it lies inside"),
        ("queue_directory=/var/spool", "it lies inside"),
        ("data_directory=/etc", "it lies inside"),
        ("data_directory=/var/lib/postfix", "data_directory=/var/lib/postfix"),
        ("data_directory=/etc/postfix", "config_directory=/etc/postfix"),
        ("data_directory=/usr/sbin", "command_directory=/usr/sbin"),
    ] {
        let before = host.tree();
        let output = host.postmulti(&[&CREATE[..], &[operand]].concat()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(" conflicts with instance ") && told.ends_with(&format!("{end}\n")), "{operand}: {told}");
        assert_eq!(output.status.code(), Some(1));
        before.assert_restored(&host.tree());
    }
    let message = "new config_directory=/etc/postfix-in is already in use by instance /etc/postfix-in, \
                   config_directory=/etc/postfix-in";
    host.refuses(&["-e", "import", "config_directory=/etc/postfix-in/"], message);
}
