//! Hints: after the message, on a terminal, and nowhere else.

use crate::environment::postmulti;
use crate::host::Host;
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Runs postmulti on a terminal, and returns its exit status, standard output, and what the terminal shows.
fn on_terminal(host: &Host, arguments: &[&str]) -> (Option<i32>, Vec<u8>, String) {
    shown_by(&mut postmulti(host, arguments, || Ok(())))
}

fn shown_by(command: &mut Command) -> (Option<i32>, Vec<u8>, String) {
    let terminal = openpty(None, None).unwrap();
    let mut settings = tcgetattr(&terminal.slave).unwrap();
    cfmakeraw(&mut settings);
    tcsetattr(&terminal.slave, SetArg::TCSANOW, &settings).unwrap();
    let output = command.stdout(Stdio::piped()).stderr(terminal.slave).spawn().unwrap();
    // Else the command keeps the other end of the terminal open, and reading never ends.
    command.stderr(Stdio::null());
    let mut shown = Vec::new();
    let _end = File::from(terminal.master).read_to_end(&mut shown);
    let output = output.wait_with_output().unwrap();
    (output.status.code(), output.stdout, String::from_utf8(shown).unwrap())
}

/// The hint about what an unchanged host is asked for: empty if there is none. Without a terminal, all else is the same.
#[track_caller]
fn hint(host: &Host, arguments: &[&str]) -> String {
    let before = host.tree();
    let piped = postmulti(host, arguments, || Ok(())).output().unwrap();
    let messages = String::from_utf8(piped.stderr).unwrap();
    assert!(!messages.contains("hint"), "{messages}");
    before.assert_restored(&host.tree());
    let (status, stdout, shown) = on_terminal(host, arguments);
    before.assert_restored(&host.tree());
    assert_eq!((status, stdout), (piped.status.code(), piped.stdout));
    the_hint(host, shown.strip_prefix(&messages).expect("the messages come first"))
}

/// Of the last line on a terminal.
#[track_caller]
fn the_hint(host: &Host, shown: &str) -> String {
    let line = match shown.strip_prefix("postmulti: hint: ") {
        Some(line) => line.strip_suffix('\n').expect("a whole line"),
        None => shown,
    };
    assert!(!line.contains('\n'), "{shown}");
    line.replace(&format!(" --root {}", host.path("/").display()), "")
}

#[test]
fn what_is_wrong_with_a_command() {
    let host = Host::as_root();
    for (arguments, expected) in [
        (&["-I", "postfix-in", "-e", "enable"][..], "-I assigns a name; select with -i postfix-in"),
        (&["-I", "in", "-l"], "-I assigns a name; select with -i in"),
        (&["-G", "mta", "-p", "stop"], "-G assigns a group; select with -g mta"),
        (&["-I", "new", "-e", "create"], "give the name as -I postfix-new"),
        (&["-i", "out", "-I", "relay", "-e", "assign"], "give the name as -I postfix-relay"),
        (&["-I", "Postfix_new", "-e", "import"], "give the name as -I postfix-new"),
        (&["-i", "in"], "--status shows how the instances are, --check what is wrong with them, --help all options"),
        (&["start", "-i", "in"], "did you mean -i in -p start?"),
        (&["--halp"], "did you mean --help?"),
        (&["-h"], "did you mean --help?"),
        (&["--status", "in"], "select with -i in"),
        (&["-j", "-p", "stop"], "-j goes with -l, --status and --check"),
        (&["-l", "-p"], ""),
        (&["-l"], ""),
    ] {
        assert_eq!(hint(&host, arguments), expected, "{arguments:?}");
    }
}

const UNUSABLE: &str = "/etc/postfix-out cannot be used; to see what is wrong: postmulti -i /etc/postfix-out --check";

#[test]
fn what_is_close_to_a_name() {
    let host = Host::as_root();
    fs::remove_file(host.path("/etc/postfix-out/main.cf")).unwrap();
    for (arguments, expected) in [
        (&["-i", "inn", "-e", "disable"][..], "did you mean -i postfix-in?"),
        (&["-i", "inn", "-l"], "did you mean -i postfix-in?"),
        (&["-g", "mat", "-x", "true"], "did you mean -g mta?"),
        (&["-i", "mta", "-p", "stop"], "did you mean -g mta?"),
        (&["-i", "inn", "--status"], "did you mean -i postfix-in?"),
        (&["-i", "/etc/postfix-inn", "--check"], "did you mean -i /etc/postfix-in?"),
        (&["-i", "inn", "-l", "--match", "*"], "did you mean -i postfix-in?"),
        (&["-i", "out", "-e", "deport"], "did you mean -i /etc/postfix-out?"),
        (&["-i", "out", "-x", "true"], UNUSABLE),
        (&["-i", "/etc/postfix-out", "-p", "start"], UNUSABLE),
        (&["-i", "out", "-l"], UNUSABLE),
        (&["-i", "/etc/postfix-out", "-e", "enable"], UNUSABLE),
        (&["-i", "/etc/postfix-out", "-e", "destroy"], "take it off the list: postmulti -i /etc/postfix-out -e deport"),
        (&["-i", "out", "--status"], UNUSABLE),
        (&["-i", "out", "--check"], ""),
        (&["-i", "/etc/postfix-inn", "-l"], "did you mean -i /etc/postfix-in?"),
        (&["-i", "a\x1b[1m\nb", "-x", "true"], "see what there is: postmulti -l"),
        (&["-i", "inn", "-I", "postfix-new", "-e", "create"], "did you mean -i postfix-in?"),
        (&["-i", "in", "-l"], ""),
        (&["-l", "-g", "mta"], ""),
    ] {
        assert_eq!(hint(&host, arguments), expected, "{arguments:?}");
    }
}

/// The hints lead to the end, one after the other.
#[test]
fn what_comes_before_destroy() {
    let host = Host::as_root();
    let destroy = ["-i", "in", "-e", "destroy"];
    let pid = host.path("/var/spool/postfix-in/pid/master.pid");
    fs::create_dir_all(pid.parent().unwrap()).unwrap();
    let master = File::create(&pid).unwrap();
    master.lock().unwrap();
    let both = "stop and disable it first: postmulti -i in -p stop && postmulti -i in -e disable";
    assert_eq!(hint(&host, &destroy), both);
    master.unlock().unwrap();
    assert_eq!(hint(&host, &destroy), "disable it first: postmulti -i in -e disable");
    host.does(&["-i", "in", "-e", "disable"]);
    master.lock().unwrap();
    assert_eq!(hint(&host, &destroy), "stop it first: postmulti -i in -x postfix stop");
    assert_eq!(hint(&host, &["-i", "in", "-e", "deport"]), "stop it first: postmulti -i in -x postfix stop");
    let passed_over = "stop passes over what is disabled; to do it all the same: postmulti -i in -x postfix stop";
    assert_eq!(hint(&host, &["-i", "in", "-p", "stop"]), passed_over);
    drop(master);
    let queue = host.path("/var/spool/postfix-in/deferred");
    fs::create_dir_all(&queue).unwrap();
    fs::write(queue.join("4cXyZ"), "").unwrap();
    assert_eq!(hint(&host, &destroy), "look at the mail: postmulti -i in -x mailq");
    fs::remove_file(queue.join("4cXyZ")).unwrap();
    let (status, _, shown) = on_terminal(&host, &destroy);
    assert_eq!((status, &*shown), (Some(0), ""));
}

#[test]
fn what_a_new_instance_waits_for() {
    let host = Host::as_root();
    host.does(&["-I", "postfix-new", "-e", "create"]);
    let main_cf = host.path("/etc/postfix-new/main.cf");
    let replace = |old, new| fs::write(&main_cf, fs::read_to_string(&main_cf).unwrap().replace(old, new)).unwrap();
    let enable = |instance: &str| {
        let (status, _, shown) = on_terminal(&host, &["-i", instance, "-e", "enable"]);
        assert_eq!(status, Some(0));
        the_hint(&host, &shown)
    };
    let set = "postmulti -i new -x postconf -e";
    let fresh = "new: it is as -e create made it: it listens nowhere, and no user may submit mail; to change that: ";
    let open = format!("{set} 'master_service_disable =' 'authorized_submit_users = root'");
    assert_eq!(hint(&host, &["-i", "new", "-e", "enable", "--dry-run"]), "");
    let beside = format!(
        "first give each its own address, since postfix-in listens on 0.0.0.0:25: {set} 'inet_interfaces = ADDRESS'; or another \
         port in its master.cf; then: {open}"
    );
    assert_eq!(enable("new"), format!("{fresh}{beside}"));
    host.does(&["-i", "in", "-e", "disable"]);
    assert_eq!(enable("new"), format!("{fresh}{open}"));
    assert_eq!(enable("out"), "");
    // It is what makes a primary that only sends mail.
    assert_eq!(enable("-"), "");
    replace("master_service_disable = inet\n", "");
    assert_eq!(enable("new"), "");
    replace("multi_instance_name", "master_service_disable = inet\nmulti_instance_name");
    assert_eq!(enable("new"), format!("{fresh}{open}"));
    replace("authorized_submit_users =", "authorized_submit_users = root");
    assert_eq!(enable("new"), "");
}

#[test]
fn conflict_is_explained_by_check() {
    let host = Host::as_root();
    host.instance("postfix-new", "multi_instance_name = postfix-in\n");
    let check = "to see what is in conflict: postmulti --check";
    for arguments in [&["-l"][..], &["-i", "out", "-l"], &["--status"], &["-i", "out", "-e", "enable"]] {
        assert_eq!(hint(&host, arguments), check, "{arguments:?}");
    }
    assert_eq!(hint(&host, &["-i", "nosuch", "-e", "enable"]), "see what there is: postmulti -l");
    assert_eq!(hint(&host, &["--check"]), "");
}

#[test]
fn ordinary_user_needs_root() {
    let host = Host::as_root();
    fs::set_permissions(host.path("/"), fs::Permissions::from_mode(0o755)).unwrap();
    let denied = |arguments: &[&str]| {
        let mut command = postmulti(&host, arguments, || Ok(()));
        let (status, _, shown) = shown_by(command.uid(65534).gid(65534));
        assert_eq!(status, Some(1));
        assert!(shown.contains("Permission denied"), "{shown}");
        shown.lines().last().unwrap().to_owned()
    };
    let expected = "postmulti: hint: run it as root";
    assert_eq!(denied(&["-e", "init"]), expected);
    assert_eq!(denied(&["-I", "postfix-new", "-e", "create"]), expected);
    assert_eq!(denied(&["-i", "out", "-e", "disable"]), expected);
    fs::set_permissions(host.path("/etc/postfix-out/main.cf"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(denied(&["-l"]), expected);
    assert_eq!(denied(&["-i", "out", "-x", "true"]), expected);
    fs::set_permissions(host.path("/etc/postfix/main.cf"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(denied(&["-l"]), expected);
}

#[test]
fn mail_config_is_to_be_unset() {
    let host = Host::as_root();
    for (value, message) in [
        ("/etc/postfix-in", "Non-default configuration directory: MAIL_CONFIG=/etc/postfix-in"),
        ("/etc/nosuch", "open /etc/nosuch/main.cf: No such file or directory"),
    ] {
        let mut command = postmulti(&host, &["-l"], || Ok(()));
        let (status, _, shown) = shown_by(command.env("MAIL_CONFIG", value));
        let hint = "postmulti: hint: unset MAIL_CONFIG, and select an instance with -i\n";
        assert_eq!((status, shown), (Some(1), format!("postmulti: fatal: {message}\n{hint}")));
    }
    let mut command = postmulti(&host, &["-l"], || Ok(()));
    let (status, _, shown) = shown_by(command.env("MAIL_CONFIG", "/etc/postfix"));
    assert_eq!((status, &*shown), (Some(0), ""));
}

/// A selection after the command comes too late: every instance gets the command, as with the original.
#[test]
fn selection_after_the_command_is_reported_before_it_runs() {
    let host = Host::with_programs(&[]);
    host.postfix("echo \"$MAIL_CONFIG: $*\" >&2");
    let (status, _, shown) = on_terminal(&host, &["-p", "stop", "-i", "in"]);
    let hint = "-i in after stop selects nothing: stop is for all instances; to select: postmulti -i in -p stop";
    let (first, rest) = shown.split_once('\n').unwrap();
    assert_eq!((status, the_hint(&host, &format!("{first}\n"))), (Some(0), hint.to_owned()));
    assert_eq!(rest, "/etc/postfix-in: -- stop -i in\n/etc/postfix-out: -- stop -i in\n/etc/postfix: -- stop -i in\n");
}

#[test]
fn commands_that_do_not_do_what_was_expected() {
    let host = Host::with_programs(&["postfix-off"]);
    host.postfix("[ $2 = check ]");
    let last = |arguments: &[&str]| {
        let (_, _, shown) = on_terminal(&host, arguments);
        the_hint(&host, &shown)
    };
    let off = "off is disabled: it was checked, not started; enable it first: postmulti -i off -e enable";
    assert_eq!(last(&["-i", "off", "-p", "start"]), off);
    assert_eq!(last(&["-i", "in", "-p", "start"]), "");
    assert_eq!(last(&["-i", "in", "-p", "restart"]), "postfix(1) has no restart: use -p stop, and then -p start");
    assert_eq!(last(&["-i", "in", "-p", "enable"]), "enable is an action: use -e enable");
    assert_eq!(last(&["-i", "in", "-p", "status"]), "");
}
