//! `--dry-run` shows all that would change, and changes nothing.

use crate::host::Host;
use crate::shown::apply;
use crate::transaction::with_mounts;
use nix::mount::{MsFlags, mount};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Checks that what a dry run shows is what then happens.
#[track_caller]
fn shows(prepare: impl Fn(&Host), arguments: &[&str]) -> Vec<u8> {
    let (shown, done) = (Host::as_root(), Host::as_root());
    prepare(&shown);
    prepare(&done);
    let before = shown.tree();
    let dry_run = [&["--dry-run"], arguments].concat();
    let output = shown.postmulti(&dry_run).assert().success().get_output().clone();
    before.assert_untouched(&shown.tree());
    let stderr = String::from_utf8(output.stderr).unwrap();
    done.postmulti(arguments).assert().success().stdout("").stderr(stderr);
    done.assert_tidy();
    apply(&shown, &output.stdout);
    done.tree().assert_alike(&shown.tree());
    output.stdout
}

/// A host with a disabled instance that was made here.
fn with_new(host: &Host) {
    host.does(&["-I", "postfix-new", "-G", "mta", "-e", "create"]);
}

fn with_deported(host: &Host) {
    with_new(host);
    host.does(&["-i", "new", "-e", "deport"]);
    host.add("/etc/postfix-new", b"multi_instance_group = other\n");
    fs::remove_dir(host.path("/var/spool/postfix-new/hold")).unwrap();
    fs::set_permissions(host.path("/var/spool/postfix-new/maildrop"), fs::Permissions::from_mode(0o777)).unwrap();
}

fn not_initialised(host: &Host) {
    let main_cf = host.path("/etc/postfix/main.cf");
    let text = fs::read_to_string(&main_cf).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with("multi_instance_")).map(|line| format!("{line}\n"));
    fs::write(&main_cf, kept.collect::<String>()).unwrap();
}

#[test]
fn init() {
    shows(not_initialised, &["-e", "init"]);
}

#[test]
fn create() {
    let shown = shows(|_| {}, &["-I", "postfix-new", "-e", "create"]);
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("make directory /var/lib/postfix-new owner postfix mode 0700\n"), "{shown}");
    assert!(shown.contains("\n+multi_instance_name = postfix-new\n"), "{shown}");
    shows(with_new, &["-I", "postfix-2", "-G", "new", "-a", "-e", "create"]);
}

#[test]
fn create_in_directories_whose_parents_are_missing() {
    let directories = [
        "config_directory=/srv/mail/new/etc",
        "queue_directory=/srv/mail/new/queue",
        "data_directory=/srv/mail/data/new",
    ];
    shows(|_| {}, &[&["-e", "create"], &directories[..]].concat());
}

#[test]
fn import() {
    shows(
        with_deported,
        &["-I", "postfix-2", "-G", "-", "-i", "in", "-e", "import", "config_directory=/etc/postfix-new"],
    );
}

#[test]
fn assign_and_enable() {
    shows(|_| {}, &["-i", "out", "-I", "postfix-away", "-G", "-", "-e", "assign"]);
    shows(|_| {}, &["-i", "out", "-e", "disable"]);
    shows(with_new, &["-i", "new", "-e", "enable"]);
}

#[test]
fn deport() {
    shows(with_new, &["-i", "new", "-e", "deport"]);
    let listed_elsewhere = |host: &Host| {
        with_new(host);
        host.add("/etc/postfix", b"alternate_config_directories = /etc/postfix-a,\n  /etc/postfix-b\n");
    };
    shows(listed_elsewhere, &["-i", "new", "-e", "deport"]);
}

#[test]
fn destroy() {
    shows(with_new, &["-i", "new", "-e", "destroy"]);
}

/// The mark is there, but the instance still listed.
#[test]
fn destroy_after_an_interrupted_one() {
    let interrupted = |host: &Host| {
        with_new(host);
        fs::write(host.path("/etc/postfix-new/destroy.unfinished"), "Once upon a time\n").unwrap();
    };
    shows(interrupted, &["-i", "new", "-e", "destroy"]);
}

#[test]
fn lines_of_all_kinds() {
    let strange = |host: &Host| {
        host.add("/etc/postfix-out", b"a = \xff\xfe\nb = x\ry\n \r\nmulti_instance_enable = yes\r\n# no newline");
    };
    let shown = shows(strange, &["-i", "out", "-e", "disable"]);
    let tail = b"-# no newline\n\\ No newline at end of file\n+multi_instance_enable = no\n+# no newline\n";
    assert!(shown.ends_with(tail), "{}", shown.escape_ascii());
}

#[test]
fn a_last_line_that_ends_in_a_carriage_return() {
    let strange = |host: &Host| host.add("/etc/postfix-out", b"# x\r");
    let shown = shows(strange, &["-i", "out", "-e", "disable"]);
    assert!(shown.ends_with(b"-# x\r\n\\ No newline at end of file\n+# x\r\n"), "{}", shown.escape_ascii());
}

#[test]
fn where_nothing_changes_nothing_is_shown_or_written() {
    let host = Host::as_root();
    with_new(&host);
    host.does(&["-i", "new", "-e", "disable"]);
    for arguments in [
        &["-e", "init"][..],
        &["-i", "out", "-e", "enable"],
        &["-i", "new", "-e", "disable"],
        &["-i", "new", "-I", "postfix-new", "-G", "mta", "-e", "assign"],
    ] {
        let before = host.tree();
        host.does(&[&["--dry-run"], arguments].concat());
        before.assert_untouched(&host.tree());
        host.does(arguments);
        before.assert_restored(&host.tree());
    }
}

#[test]
fn what_is_refused_is_refused_alike() {
    let host = Host::as_root();
    with_new(&host);
    fs::remove_file(host.path("/etc/postfix/master.cf.proto")).unwrap();
    symlink("/nowhere", host.path("/etc/dangling")).unwrap();
    fs::write(host.path("/var/lib/postfix-file"), "").unwrap();
    for arguments in [
        &["-e", "create"][..],
        &["-I", "postfix-new", "-e", "create"],
        &["-I", "postfix-2", "-e", "create"],
        &["-I", "postfix-file", "-e", "create"],
        &["-e", "create", "config_directory=/etc/x", "queue_directory=/q", "data_directory=/etc/dangling"],
        &["-I", "postfix-2", "-e", "import"],
        &["-e", "import", "config_directory=/etc/postfix-out"],
        &["-i", "out", "-e", "destroy"],
        &["-i", "-", "-e", "deport"],
        &["-i", "nobody", "-e", "enable"],
        &["-i", "new", "-I", "postfix-out", "-e", "assign"],
    ] {
        let before = host.tree();
        let dry_run = host.postmulti(&[&["--dry-run"], arguments].concat()).output().unwrap();
        before.assert_untouched(&host.tree());
        let real = host.postmulti(arguments).output().unwrap();
        before.assert_restored(&host.tree());
        assert_eq!(real.status.code(), Some(1), "{arguments:?}");
        assert_eq!(dry_run, real);
    }
}

/// A container may have a single file mounted: rename(2) cannot put another one in its place.
#[test]
fn mount_point_is_refused_alike() {
    for (file, name, arguments) in [
        ("/etc/postfix-out/main.cf", "/etc/postfix-out/main.cf", &["-i", "out", "-e", "disable"][..]),
        ("/etc/postfix/main.cf", "/etc/postfix/main.cf", &["-I", "postfix-new", "-e", "create"]),
        ("/srv/main.cf", "/etc/postfix-in/main.cf", &["-i", "in", "-e", "disable"]),
    ] {
        with_mounts(|host| {
            let path = host.path(file);
            if file != name {
                fs::create_dir(host.path("/srv")).unwrap();
                fs::rename(host.path(name), &path).unwrap();
                symlink(file, host.path(name)).unwrap();
            }
            let volume = host.path("/volume.cf");
            fs::copy(&path, &volume).unwrap();
            mount(Some(&volume), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
            let directory = file.strip_suffix("/main.cf").unwrap();
            let message = format!(
                "rename {file}.tmp: Device or resource busy: main.cf is a mount point and cannot be replaced: mount the \
                 directory {directory} instead. Nothing was changed"
            );
            host.refuses(&[&["--dry-run"], arguments].concat(), &message);
            host.refuses(arguments, &message);
        });
    }
}

/// Whoever may read may ask what would be, and is told what the real run would be told.
#[test]
fn for_a_user_without_privilege() {
    let host = Host::as_root();
    fs::set_permissions(host.path("/"), fs::Permissions::from_mode(0o755)).unwrap();
    for arguments in [&["-i", "out", "-e", "disable"][..], &["-I", "postfix-new", "-e", "create"]] {
        let run = |more: &[&str]| {
            let mut command = Command::new(assert_cmd::cargo::cargo_bin("postmulti"));
            command.arg("--root").arg(host.path("/")).args(more).args(arguments).uid(65534).gid(65534);
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(1));
            String::from_utf8(output.stderr).unwrap()
        };
        let before = host.tree();
        let told = run(&["--dry-run"]);
        assert!(told.ends_with(": Permission denied. Nothing was changed\n"), "{told}");
        assert_eq!(run(&[]), told);
        before.assert_untouched(&host.tree());
    }
    host.postmulti(&["-i", "out", "-e", "enable", "--dry-run"]).assert().success();
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let host = Host::new();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("postmulti"));
    command.arg("--root").arg(host.path("/")).args(["-i", "out", "-e", "disable", "--dry-run"]);
    let output = command.stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "postmulti: fatal: error writing output: No space left on device\n");
}
