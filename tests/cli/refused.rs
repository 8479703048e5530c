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

/// Where something would be lost: a main.cf or master.cf, or the owner and mode of a directory of another program's.
#[test]
fn a_directory_that_is_in_use() {
    let in_directory = |path: &'static str, file: &'static str| {
        move |host: &Host| {
            let file = host.path(path).join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
    };
    let other = "Nothing was changed: choose another directory";
    let queue = "queue_directory=/var/spool/postfix-new";
    let not_of_queue =
        |name: &str| format!("{queue} holds '{name}', which the queue needs, and which is not Postfix's. {other}");
    for (file, name) in [("deferred/notes", "deferred"), ("private/key", "private"), ("saved/2/old/mail", "saved")] {
        not_created(in_directory("/var/spool/postfix-new", file), &[], &not_of_queue(name));
    }
    let data = |found: &str| {
        format!(
            "data_directory=/var/lib/postfix-new holds '{found}', and would get owner postfix and mode 0700. {other}"
        )
    };
    for (file, found) in [("notes", "notes"), ("lost+found/#123", "lost+found")] {
        not_created(in_directory("/var/lib/postfix-new", file), &[], &data(found));
    }
    for (operand, directory) in [
        ("data_directory=/usr", "/usr"),
        ("queue_directory=/var/./spool", "/var/spool"),
        ("queue_directory=/proc/1", "/proc/1"),
    ] {
        not_created(|_| {}, &[operand], &format!("{operand} is the system directory {directory}. {other}"));
    }
}

/// Half of an instance: the message says what to type.
#[test]
fn a_configuration_directory_with_one_file_of_two() {
    for name in ["main.cf", "master.cf"] {
        let host = Host::as_root();
        fs::create_dir(host.path("/etc/postfix-new")).unwrap();
        fs::write(host.path("/etc/postfix-new").join(name), "# precious\n").unwrap();
        let [main_cf, master_cf] =
            ["main.cf", "master.cf"].map(|name| host.path("/etc/postfix-new").join(name).display().to_string());
        let prototype = host.path("/etc/postfix/master.cf.proto").display().to_string();
        let message = match name {
            "main.cf" => format!(
                "/etc/postfix-new holds a main.cf, but no master.cf. Nothing was changed: complete it with \
                 'cp {prototype} {master_cf}', or put it aside with 'mv -n {main_cf} {main_cf}.old'"
            ),
            _ => format!(
                "/etc/postfix-new holds a master.cf, but no main.cf. Nothing was changed: put it aside with \
                 'mv -n {master_cf} {master_cf}.old'"
            ),
        };
        host.refuses(&CREATE, &message);
    }
}

/// The administrator's files stay where they are.
#[test]
fn directories_with_other_files() {
    let host = Host::as_root();
    for file in ["/etc/postfix-new/sasl/passwd", "/etc/postfix-new/.tmp/notes", "/var/spool/postfix-new/notes"] {
        fs::create_dir_all(host.path(file).parent().unwrap()).unwrap();
        fs::write(host.path(file), "precious").unwrap();
    }
    let warning =
        "postmulti: warning: queue_directory=/var/spool/postfix-new holds 'notes', which is not Postfix's: it stays\n";
    host.postmulti(&CREATE).assert().success().stdout("").stderr(warning);
    for file in ["/etc/postfix-new/sasl/passwd", "/etc/postfix-new/.tmp/notes", "/var/spool/postfix-new/notes"] {
        assert_eq!(fs::read_to_string(host.path(file)).unwrap(), "precious");
    }
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

/// Operands that an existing main.cf contradicts count for nothing, as with the original.
#[test]
fn an_instance_that_is_another_one() {
    let host = Host::as_root();
    host.does(&CREATE);
    host.does(&["-i", "new", "-e", "deport"]);
    let line = 1 + fs::read_to_string(host.path("/etc/postfix-new/main.cf"))
        .unwrap()
        .lines()
        .position(|line| line.starts_with("data_directory"))
        .unwrap();
    let warning = format!(
        "postmulti: warning: data_directory=/var/lib/postfix-2 is ignored: \
         /etc/postfix-new/main.cf, line {line} says /var/lib/postfix-new\n"
    );
    let operands = ["data_directory=/var/lib/postfix-2", "queue_directory=/var/spool/postfix-new/"];
    host.postmulti(&[&CREATE[..], &operands].concat()).assert().success().stdout("").stderr(warning);
}

/// A value that is no path, or only by way of a name that means nothing.
#[test]
fn values_that_cannot_be_meant() {
    let cannot =
        |problem: &str| format!("Parameter setting 'queue_directory' cannot be used: {problem}. Nothing was changed");
    // Here there is no postconf(1) to ask whether that is a parameter.
    let unknown = cannot("only /usr/sbin/postconf can tell the value: No such file or directory");
    not_created(|_| {}, &["queue_directory=/srv/$nosuch/q"], &unknown);
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

/// Two spellings of one directory, or one inside the queue of another instance.
#[test]
fn directories_of_other_instances() {
    let host = Host::as_root();
    symlink("/var/spool", host.path("/queues")).unwrap();
    for (operand, end) in [
        ("queue_directory=/var/spool/postfix-in", "queue_directory=/var/spool/postfix-in"),
        ("queue_directory=/var/spool/../spool/postfix-in", "they are the same directory"),
        ("queue_directory=/queues/postfix-in", "they are the same directory"),
        (
            "queue_directory=/var/spool/postfix-in/hold/new",
            "it lies inside, in 'hold', and keeps that instance from starting. Nothing was changed: choose another directory",
        ),
        (
            "data_directory=/var/spool/postfix-in/active",
            "it lies inside, in 'active', and keeps that instance from starting. Nothing was changed: choose another directory",
        ),
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
