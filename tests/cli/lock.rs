//! Taking turns with others who edit main.cf: who holds a lock on main.cf.tmp owns main.cf.

use crate::environment::postmulti;
use crate::host::Host;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use predicates::str::contains;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const DISABLE: [&str; 4] = ["-i", "out", "-e", "disable"];

/// Takes a lock as Postfix does, by opening the file and locking it.
fn lock(path: &Path) -> File {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).unwrap();
    file.lock().unwrap();
    file
}

/// How this process, which holds the locks, is called.
fn holder() -> String {
    format!("process {} ({})", std::process::id(), fs::read_to_string("/proc/self/comm").unwrap().trim_end())
}

/// postmulti in the background, when it has just said that it waits; and how long it took to say so.
fn waiting(host: &Host, arguments: &[&str], file: &str) -> (Child, BufReader<std::process::ChildStderr>, Duration) {
    let started = Instant::now();
    let mut child = postmulti(host, arguments, || Ok(())).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert_eq!(line, format!("postmulti: warning: waiting for {file}, held by {}\n", holder()));
    (child, stderr, started.elapsed())
}

fn goes_on(mut child: Child, mut stderr: impl Read) {
    let mut more = String::new();
    stderr.read_to_string(&mut more).unwrap();
    assert_eq!((child.wait().unwrap().code(), more.as_str()), (Some(0), ""));
}

fn is_enabled(host: &Host) -> bool {
    let main_cf = fs::read_to_string(host.path("/etc/postfix-out/main.cf")).unwrap();
    assert_ne!(main_cf.contains("\nmulti_instance_enable = yes\n"), main_cf.contains("\nmulti_instance_enable = no\n"));
    main_cf.contains("\nmulti_instance_enable = yes\n")
}

/// Somebody else has this file locked for good.
fn times_out(file: &str) {
    let host = Host::new();
    let _held = lock(&host.path(file));
    let before = host.tree();
    let started = Instant::now();
    let stderr = format!(
        "postmulti: warning: waiting for {file}, held by {0}\n\
         postmulti: fatal: {file} was not free within 2 seconds, held by {0}: try again later. \
         Nothing was changed\n",
        holder()
    );
    let arguments = [&["--lock-timeout", "2"], &DISABLE[..]].concat();
    host.postmulti(&arguments).assert().code(1).stdout("").stderr(stderr);
    assert!(started.elapsed() >= Duration::from_secs(2));
    before.assert_restored(&host.tree());
}

#[test]
fn waiting_has_an_end() {
    times_out("/etc/postfix/main.cf.tmp");
}

#[test]
fn waiting_for_the_target_has_an_end() {
    times_out("/etc/postfix-out/main.cf.tmp");
}

#[test]
fn no_seconds_are_no_waiting() {
    let host = Host::new();
    let _held = lock(&host.path("/etc/postfix/main.cf.tmp"));
    let message = format!(
        "/etc/postfix/main.cf.tmp was not free within 0 seconds, held by {}: try again later. Nothing was changed",
        holder()
    );
    host.refuses(&[&["--lock-timeout", "0"], &DISABLE[..]].concat(), &message);
    host.postmulti(&[&["--dry-run"], &DISABLE[..]].concat()).assert().success().stderr("");
}

#[test]
fn it_goes_on_when_the_lock_is_released() {
    let host = Host::new();
    let held = lock(&host.path("/etc/postfix-out/main.cf.tmp"));
    let (child, stderr, time) = waiting(&host, &DISABLE, "/etc/postfix-out/main.cf.tmp");
    assert!(time >= Duration::from_secs(1));
    assert!(is_enabled(&host));
    drop(held);
    goes_on(child, stderr);
    assert!(!is_enabled(&host));
    host.assert_tidy();
}

#[test]
fn what_the_other_has_written_counts() {
    let host = Host::new();
    let temporary = host.path("/etc/postfix-out/main.cf.tmp");
    let mut held = lock(&temporary);
    let (child, stderr, _) = waiting(&host, &DISABLE, "/etc/postfix-out/main.cf.tmp");
    let mut text = fs::read(host.path("/etc/postfix-out/main.cf")).unwrap();
    text.extend(b"smtpd_banner = changed\n");
    held.write_all(&text).unwrap();
    fs::rename(&temporary, host.path("/etc/postfix-out/main.cf")).unwrap();
    drop(held);
    goes_on(child, stderr);
    let main_cf = fs::read_to_string(host.path("/etc/postfix-out/main.cf")).unwrap();
    assert!(main_cf.ends_with("smtpd_banner = changed\n"));
    assert!(!is_enabled(&host));
    host.assert_tidy();
}

#[test]
fn the_list_that_the_other_has_written_counts() {
    let host = Host::new();
    let temporary = host.path("/etc/postfix/main.cf.tmp");
    let mut held = lock(&temporary);
    let (child, stderr, _) = waiting(&host, &DISABLE, "/etc/postfix/main.cf.tmp");
    let text = fs::read_to_string(host.path("/etc/postfix/main.cf")).unwrap();
    held.write_all(text.replace(" /etc/postfix-out ", " ").as_bytes()).unwrap();
    fs::rename(&temporary, host.path("/etc/postfix/main.cf")).unwrap();
    fs::set_permissions(host.path("/etc/postfix/main.cf"), fs::Permissions::from_mode(0o644)).unwrap();
    drop(held);
    let mut more = String::new();
    { stderr }.read_to_string(&mut more).unwrap();
    assert_eq!(more, "postmulti: fatal: No instance named out\n");
    assert_eq!({ child }.wait().unwrap().code(), Some(1));
    host.assert_tidy();
}

/// Who gives up waiting leaves nothing behind, not even an empty file.
#[test]
fn an_interrupt_ends_the_waiting() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let host = Host::new();
        let held = lock(&host.path("/etc/postfix-out/main.cf.tmp"));
        let before = host.tree();
        let (mut child, mut stderr, _) = waiting(&host, &DISABLE, "/etc/postfix-out/main.cf.tmp");
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        let mut more = String::new();
        stderr.read_to_string(&mut more).unwrap();
        assert_eq!((child.wait().unwrap().signal(), more.as_str()), (Some(signal as i32), ""));
        before.assert_restored(&host.tree());
        drop(held);
    }
}

/// Somebody is about to destroy what a new instance is to be made of.
#[test]
fn what_the_other_destroys_is_made_anew() {
    let (host, alone) = (Host::as_root(), Host::as_root());
    let create = ["-I", "postfix-new", "-e", "create"];
    alone.does(&create);
    let list = fs::read(host.path("/etc/postfix/main.cf")).unwrap();
    host.does(&create);
    fs::write(host.path("/etc/postfix/main.cf"), list).unwrap();
    let directory = host.path("/etc/postfix-new");
    fs::write(directory.join("destroy.unfinished"), "").unwrap();
    fs::remove_file(directory.join("master.cf")).unwrap();
    let held = lock(&directory.join("main.cf.tmp"));
    let (child, stderr, _) = waiting(&host, &create, "/etc/postfix-new/main.cf.tmp");
    fs::remove_dir_all(&directory).unwrap();
    fs::remove_dir_all(host.path("/var/lib/postfix-new")).unwrap();
    drop(held);
    goes_on(child, stderr);
    alone.tree().assert_alike(&host.tree());
}

/// Somebody has just destroyed what is to be destroyed.
#[test]
fn what_the_other_destroys_is_gone() {
    let (host, before) = (Host::as_root(), Host::as_root().tree());
    let list = fs::read(host.path("/etc/postfix/main.cf")).unwrap();
    host.does(&["-I", "postfix-new", "-e", "create"]);
    fs::write(host.path("/etc/postfix/main.cf"), list).unwrap();
    let directory = host.path("/etc/postfix-new");
    fs::write(directory.join("destroy.unfinished"), "").unwrap();
    let held = lock(&directory.join("main.cf.tmp"));
    let destroy = ["-i", "/etc/postfix-new", "-e", "destroy"];
    let (mut child, mut stderr, _) = waiting(&host, &destroy, "/etc/postfix-new/main.cf.tmp");
    for rest in ["/var/spool/postfix-new", "/var/lib/postfix-new", "/etc/postfix-new"] {
        fs::remove_dir_all(host.path(rest)).unwrap();
    }
    drop(held);
    let mut more = String::new();
    stderr.read_to_string(&mut more).unwrap();
    assert_eq!(more, "postmulti: fatal: No instance named /etc/postfix-new\n");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    before.assert_alike(&host.tree());
}

#[test]
fn bad_numbers_of_seconds() {
    let host = Host::new();
    for value in ["", "x", "-1", "1.5", "1s", "18446744073709551615", "99999999999999999999"] {
        let message = format!("Invalid '--lock-timeout' value '{value}'. Specify seconds");
        host.refuses(&[&["--lock-timeout", value], &DISABLE[..]].concat(), &message);
    }
    host.postmulti(&["--lock-timeout", "1", "-l"]).assert().code(1).stderr(contains("--lock-timeout"));
    host.does(&[&["--lock-timeout", "4294967295"], &DISABLE[..]].concat());
}

/// Leaves a file behind as a crash may do, and checks that it is in nobody's way.
fn left_behind(leave: impl Fn(&Host, PathBuf)) {
    for directory in ["/etc/postfix-out", "/etc/postfix"] {
        let (host, other) = (Host::new(), Host::new());
        leave(&host, host.path(directory).join("main.cf.tmp"));
        let new = ["-I", "postfix-new", "-e", "assign", "-i", if directory == "/etc/postfix" { "-" } else { "out" }];
        host.does(&new);
        other.does(&new);
        host.tree().assert_alike(&other.tree());
    }
}

#[test]
fn what_a_crash_has_left() {
    let write = |path: &Path, mode: u32| {
        fs::write(path, "half a lin".repeat(1000)).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    left_behind(|_, path| write(&path, 0o600));
    left_behind(|_, path| write(&path, 0o644));
    left_behind(|_, path| write(&path, 0o666));
    left_behind(|_, path| fs::hard_link(path.with_extension(""), &path).unwrap());
    left_behind(|host, path| {
        write(&path, 0o600);
        fs::hard_link(&path, host.path("/etc/another-name")).unwrap();
        fs::remove_file(host.path("/etc/another-name")).unwrap();
    });
    left_behind(|_, path| nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR).unwrap());
}

/// Somebody else may have a file open that he could write.
#[test]
fn what_others_may_have_open_does_not_become_main_cf() {
    let host = Host::new();
    let path = host.path("/etc/postfix-out/main.cf.tmp");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let open = OpenOptions::new().write(true).open(&path).unwrap();
    host.does(&DISABLE);
    let main_cf = host.path("/etc/postfix-out/main.cf").metadata().unwrap();
    assert_ne!(open.metadata().unwrap().ino(), main_cf.ino());
}

#[test]
fn the_other_name_of_what_a_crash_has_left_keeps_its_contents() {
    let host = Host::new();
    let (main_cf, other) = (host.path("/etc/postfix-out/main.cf"), host.path("/etc/other"));
    let text = fs::read(&main_cf).unwrap();
    fs::set_permissions(&main_cf, fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&main_cf, &other).unwrap();
    fs::hard_link(&main_cf, host.path("/etc/postfix-out/main.cf.tmp")).unwrap();
    host.does(&DISABLE);
    assert_eq!(fs::read(other).unwrap(), text);
    assert!(!is_enabled(&host));
}

#[test]
fn what_no_crash_leaves_is_refused() {
    let host = Host::new();
    let path = host.path("/etc/postfix-out/main.cf.tmp");
    fs::create_dir(&path).unwrap();
    host.refuses(&DISABLE, "open /etc/postfix-out/main.cf.tmp: Is a directory. Nothing was changed");
    fs::remove_dir(&path).unwrap();
    symlink("/etc/passwd", &path).unwrap();
    host.refuses(&DISABLE, "open /etc/postfix-out/main.cf.tmp: Too many levels of symbolic links. Nothing was changed");
}

/// A lock that is refused, for whatever reason, is no lock that is kept.
#[test]
fn nothing_is_left_behind() {
    let host = Host::as_root();
    for arguments in [
        &["-e", "create"][..],
        &["-I", "postfix-new", "-e", "create", "queue_directory=/var/spool/postfix-in"],
        &["-i", "nobody", "-e", "enable"],
        &["-i", "out", "-e", "destroy"],
        &["-i", "out", "-e", "deport"],
        &["-i", "out", "-I", "postfix-in", "-e", "assign"],
    ] {
        host.postmulti(arguments).assert().code(1);
        host.assert_tidy();
    }
}
