//! `--status`: what is told of instances, of those that run and of others, to people and to programs.

use crate::environment::postmulti;
use crate::host::Host;
use predicates::str::{contains, ends_with, starts_with};
use std::fs::{self, File, FileTimes, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::time::{Duration, SystemTime};

/// The fixture's instances, as nobody has ever started them.
pub const HEADINGS: &str = "NAME         GROUP  ENABLED  STATE    PID  UP  MAILDROP  INCOMING  ACTIVE  DEFERRED  HOLD  CORRUPT  OLDEST  LISTENERS        DIRECTORY\n";
pub const PRIMARY: &str = "-            -      y        stopped    -   -         0         0       0         0     0        0       -  -                /etc/postfix\n";
pub const OUT: &str = "postfix-out  mta    y        stopped    -   -         0         0       0         0     0        0       -  127.0.0.1:10026  /etc/postfix-out\n";
pub const IN: &str = "postfix-in   mta    y        stopped    -   -         0         0       0         0     0        0       -  *:25             /etc/postfix-in\n";

/// A master(8) of that number, as far as its lock tells.
#[must_use]
pub fn master(host: &Host, name: &str, pid: &str) -> File {
    let mut file = File::create(host.path(&format!("/var/spool/{name}/pid/master.pid"))).unwrap();
    file.lock().unwrap();
    file.write_all(pid.as_bytes()).unwrap();
    file
}

/// Puts a message of that name into a queue.
pub fn message(host: &Host, path: &str) {
    let file = host.path("/var/spool").join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, "").unwrap();
}

/// The table as words, without headings.
fn words(host: &Host, arguments: &[&str]) -> Vec<Vec<String>> {
    let output = host.postmulti(&[&["--status"], arguments].concat()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().skip(1).map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// What `-j` says of a member of one instance that is no text.
fn member(host: &Host, instance: &str, name: &str) -> String {
    let output = host.postmulti(&["--status", "-j", "-i", instance]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, value) = text.split_once(&format!("\"{name}\": ")).unwrap();
    value.split([',', '}']).next().unwrap().to_owned()
}

#[test]
fn stopped_instances_as_a_table() {
    let status = |arguments: &[&str], rows: &[&str]| {
        let run = Host::new().postmulti(&[&["--status"], arguments].concat()).assert();
        run.code(3).stdout(rows.concat()).stderr("");
    };
    status(&[], &[HEADINGS, PRIMARY, OUT, IN]);
    status(&["-a", "-v"], &[HEADINGS, PRIMARY, OUT, IN]);
    status(&["-R", "-g", "mta", "--match", "*"], &[HEADINGS, IN, OUT]);
    let in_alone = Host::new().postmulti(&["--status", "-i", "in"]).output().unwrap().stdout;
    assert!(String::from_utf8(in_alone).unwrap().ends_with("  *:25       /etc/postfix-in\n"));
}

#[test]
fn selection_that_matches_nothing_is_fatal() {
    let host = Host::new();
    for none in [&["-g", "nosuch"][..], &["-i", "nosuch"], &["--match", "x*"], &["-i", "in", "--disabled"]] {
        host.refuses(&[&["--status"], none].concat(), "No matching instances");
        host.refuses(&[&["--status", "-j"], none].concat(), "No matching instances");
    }
    host.does(&["--status", "--disabled"]);
    host.does(&["--status", "-a", "--disabled"]);
    // Its name may be that of the instance.
    host.remove_main_cf("/etc/postfix-out");
    host.postmulti(&["--status", "-i", "nosuch"]).assert().code(1).stdout(contains("damaged"));
    host.refuses(&["--status", "-i", "/etc/nosuch"], "No matching instances");
}

#[test]
fn as_json() {
    let host = Host::new();
    message(&host, "postfix-in/hold/4jX0r06Hp6z1L");
    let _master = master(&host, "postfix-in", "        4711\n");
    let expected = r#"{"name": "postfix-in","group": "mta","enabled": "y","config_directory": "/etc/postfix-in","queue_directory": "/var/spool/postfix-in","data_directory": "/var/lib/postfix-in","state": "running","running": true,"pid": 4711,"since": null,"listeners": ["0.0.0.0:25","[::]:25"],"queues": {"maildrop": 0,"incoming": 0,"active": 0,"deferred": 0,"hold": 1,"corrupt": 0},"oldest": 1795285232,"oldest_is_exact": true}"#;
    host.postmulti(&["--status", "-ji", "in"]).assert().success().stdout(format!("{expected}\n")).stderr("");
    fs::remove_file(host.path("/etc/postfix-out/main.cf")).unwrap();
    let unknown = r#""queue_directory": null,"data_directory": null,"state": "damaged","running": null,"pid": null,"since": null,"listeners": null,"queues": {"maildrop": null,"incoming": null,"active": null,"deferred": null,"hold": null,"corrupt": null},"oldest": null,"oldest_is_exact": false}"#;
    let damaged =
        format!(r#"{{"name": null,"group": null,"enabled": null,"config_directory": "/etc/postfix-out",{unknown}"#);
    let run = host.postmulti(&["--status", "-jg", "mta"]).assert().code(1);
    run.stdout(format!("{damaged}\n{expected}\n")).stderr(contains("instance /etc/postfix-out is left out: open "));
}

/// A lock makes a master, and not a number in a file.
#[test]
fn whether_they_run() {
    let host = Host::new();
    let in_row = |host: &Host| words(host, &["-i", "in"])[0][3..6].join(" ");
    fs::write(host.path("/var/spool/postfix-in/pid/master.pid"), "       1\n").unwrap();
    assert_eq!(in_row(&host), "stopped - -");
    let locks = [("postfix", "7"), ("postfix-out", "8"), ("postfix-in", "           9\n")];
    let locks = locks.map(|(name, pid)| master(&host, name, pid));
    assert_eq!(in_row(&host), "running 9 ?");
    host.postmulti(&["--status"]).assert().success();
    locks[0].unlock().unwrap();
    host.postmulti(&["--status"]).assert().code(3);
    host.postmulti(&["--status", "-g", "mta"]).assert().success();
    host.add("/etc/postfix", b"multi_instance_enable = no\n");
    host.postmulti(&["--status"]).assert().success();
    host.postmulti(&["--status", "--disabled"]).assert().success().stdout(contains("\n-     -      n        stopped "));
    // It has the lock, and has not yet written its number.
    locks[2].set_len(0).unwrap();
    assert_eq!(in_row(&host), "running ? ?");
    // Of several who look at once, none is taken for a master.
    let reader = File::open(host.path("/var/spool/postfix/pid/master.pid")).unwrap();
    reader.lock_shared().unwrap();
    assert_eq!(words(&host, &["-i", "-"])[0][3], "stopped");
}

#[test]
fn messages_are_counted_where_they_lie_and_links_lead_nowhere() {
    let host = Host::new();
    for path in ["maildrop/A1", "incoming/B1", "active/C1", "active/C2", "hold/D1", "corrupt/E1"] {
        message(&host, &format!("postfix-in/{path}"));
    }
    for path in ["0/01", "0/02", "A/A1", "F/F/F/F1", "F2", "README/no", ".x/no"] {
        message(&host, &format!("postfix-in/deferred/{path}"));
    }
    message(&host, "elsewhere/1");
    message(&host, "elsewhere/2");
    let deferred = host.path("/var/spool/postfix-in/deferred");
    symlink("../../elsewhere", deferred.join("B")).unwrap();
    symlink(host.path("/var/spool/elsewhere/1"), deferred.join("F3")).unwrap();
    nix::unistd::mkfifo(&deferred.join("F4"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    assert_eq!(words(&host, &["-i", "in"])[0][6..12], ["1", "1", "2", "5", "1", "1"]);
    host.postmulti(&["--status", "-i", "in"]).assert().code(3).stderr("");

    symlink("../elsewhere", host.path("/var/spool/postfix-out/hold")).unwrap();
    let run = host.postmulti(&["--status", "-i", "out"]).assert().code(3);
    let complaint = "instance /etc/postfix-out is not all known: open /var/spool/postfix-out/hold: Not a directory\n";
    run.stderr(format!("postmulti: warning: {complaint}"));
    assert_eq!(words(&host, &["-i", "out"])[0][6..13], ["0", "0", "0", "0", "?", "0", "?"]);
}

/// As it is in Postfix, where the time of change is that of the next attempt.
#[test]
fn the_oldest_message_is_the_one_that_came_first() {
    let host = Host::new();
    let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    message(&host, "postfix-in/deferred/1/1ABCDE");
    for hours in [-100i64, 100] {
        let seconds = Duration::from_secs(hours.unsigned_abs() * 3600);
        let then = if hours < 0 { SystemTime::now() - seconds } else { SystemTime::now() + seconds };
        let file = File::options().write(true).open(host.path("/var/spool/postfix-in/deferred/1/1ABCDE")).unwrap();
        file.set_times(FileTimes::new().set_modified(then).set_accessed(then)).unwrap();
        let oldest: u64 = member(&host, "in", "oldest").parse().unwrap();
        assert!((before - 1..before + 60).contains(&oldest), "{oldest}, {before}");
        assert_eq!(member(&host, "in", "oldest_is_exact"), "true");
    }
    // Its name tells when this one came.
    message(&host, "postfix-in/active/3Pt2mN2VXxznjll");
    assert_eq!(member(&host, "in", "oldest"), "1300631508");
    assert_eq!(member(&host, "out", "oldest"), "null");
    assert_eq!(member(&host, "out", "oldest_is_exact"), "true");
}

#[test]
fn what_is_damaged_is_told_and_shown() {
    let damaged = |name: &str, reason: &str| {
        let file = format!("/etc/postfix-out/{name}");
        (file, format!("postmulti: warning: instance /etc/postfix-out {reason}\n"))
    };
    let (main_cf, left_out) =
        damaged("main.cf", "is left out: /etc/postfix-out/main.cf, line 1: missing '=' after attribute name: \"x\"");
    let (master_cf, bad) =
        damaged("master.cf", "is damaged: /etc/postfix-out/master.cf, line 1: the entry has less than eight fields");
    for (file, message) in [(main_cf, left_out), (master_cf, bad)] {
        let host = Host::new();
        fs::write(host.path(&file), "x\n").unwrap();
        host.postmulti(&["--status"]).assert().code(1).stderr(message);
        let rows = words(&host, &[]);
        assert_eq!(rows.iter().map(|row| &*row[3]).collect::<Vec<_>>(), ["stopped", "damaged", "stopped"]);
        assert_eq!(rows[1].last().unwrap(), "/etc/postfix-out");
        host.postmulti(&["--status", "-i", "in"]).assert().code(3);
    }
    let host = Host::new();
    fs::remove_dir_all(host.path("/var/spool/postfix-out")).unwrap();
    host.add("/etc/postfix-out", b"multi_instance_enable = no\n");
    let gone = "is damaged: open /var/spool/postfix-out: No such file or directory\n";
    host.postmulti(&["--status"]).assert().code(1).stderr(ends_with(gone));
    assert_eq!(words(&host, &[])[1][2..7], ["n", "damaged", "-", "-", "?"]);
}

#[test]
fn an_instance_in_conflict_is_damaged() {
    let host = Host::new();
    host.add("/etc/postfix-out", b"queue_directory = /var/spool/postfix-in\n");
    host.postmulti(&["--status"]).assert().code(1).stderr(contains(" conflicts with instance "));
    assert_eq!(words(&host, &[])[2][..5], ["postfix-in", "mta", "y", "damaged", "?"]);
}

#[test]
fn what_is_kept_from_an_ordinary_user_is_unknown() {
    let host = Host::as_root();
    message(&host, "postfix-in/deferred/1ABCDE");
    for path in ["/", "/var/spool/postfix-in/pid"] {
        fs::set_permissions(host.path(path), Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(host.path("/var/spool/postfix-in/deferred"), Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(host.path("/var/spool/postfix-in/pid/master.pid"), Permissions::from_mode(0o600)).unwrap();
    let mut command = postmulti(&host, &["--status", "-i", "in"], || Ok(()));
    let output = command.uid(65534).gid(65534).output().unwrap();
    let (shown, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let row: Vec<&str> = shown.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[3..13], ["?", "?", "?", "0", "0", "0", "?", "0", "0", "?"], "{shown}");
    let reason = "open /var/spool/postfix-in/pid/master.pid: Permission denied, and 1 more like it: \
                  what only root may look at is shown as unknown";
    assert_eq!((output.status.code(), &*told), (Some(1), &*format!("postmulti: warning: {reason}\n")));
}

/// It may run as well as any other.
#[test]
fn whose_main_cf_is_not_for_this_user_is_not_damaged() {
    let host = Host::as_root();
    fs::set_permissions(host.path("/"), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(host.path("/etc/postfix-out/main.cf"), Permissions::from_mode(0o600)).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = postmulti(&host, arguments, || Ok(()));
        let output = command.uid(65534).gid(65534).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        let left_out = "instance /etc/postfix-out is left out: open /etc/postfix-out/main.cf: Permission denied\n";
        assert!(told.contains(left_out), "{told}");
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = run(&["--status", "-i", "/etc/postfix-out"]);
    let row: Vec<&str> = shown.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..4], ["?"; 4], "{shown}");
    assert!(run(&["--status", "-ji", "/etc/postfix-out"]).contains(r#""state": null,"running": null,"#));
}

#[test]
fn names_do_nothing_to_a_terminal() {
    let host = Host::new();
    host.add("/etc/postfix-out", b"multi_instance_group = a\x1b[2Jb\xc2\x9b1mc\xe2\x80\xae\n");
    host.add("/etc/postfix-in", "multi_instance_group = 郵便\n".as_bytes());
    let rows = words(&host, &[]);
    assert_eq!((&*rows[1][1], &*rows[2][1]), ("a?[2Jb??1mc?", "郵便"));
}

#[test]
fn wrong_usage() {
    let host = Host::new();
    for (arguments, message) in [
        (&["--status", "-l"][..], "Specify exactly one of '-e', '-l', '-p', '-x', '--status', '--check'"),
        (&["--status", "x"], "Command not allowed with '--status'"),
        (&["--status", "-I", "postfix-a"], "Cannot assign instance name or group without '-e assign'"),
        (&["--status", "--dry-run"], "The '--dry-run' option is available only with '-e'"),
        (&["--status", "--watch", "0"], "Invalid '--watch' value '0'. Specify seconds, at least 1"),
        (&["--status", "--watch=1.5"], "Invalid '--watch' value '1.5'. Specify seconds, at least 1"),
        (&["-l", "--watch", "1"], "The '--watch' option is available only with '--status'"),
        (&["-e", "init", "--watch", "1"], "The '--watch' option is available only with '--status'"),
    ] {
        host.refuses(arguments, message);
    }
    host.postmulti(&["--status", "--status"]).assert().code(3).stdout(starts_with("NAME "));
}
