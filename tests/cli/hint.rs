//! Hints: after the message, on a terminal, and nowhere else.

use crate::environment::postmulti;
use crate::host::Host;
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use std::fs::{self, File};
use std::io::Read;
use std::process::Stdio;

/// Runs postmulti on a terminal, and returns its exit status, standard output, and what the terminal shows.
fn on_terminal(host: &Host, arguments: &[&str]) -> (Option<i32>, Vec<u8>, String) {
    let terminal = openpty(None, None).unwrap();
    let mut settings = tcgetattr(&terminal.slave).unwrap();
    cfmakeraw(&mut settings);
    tcsetattr(&terminal.slave, SetArg::TCSANOW, &settings).unwrap();
    let mut command = postmulti(host, arguments, || Ok(()));
    let output = command.stdout(Stdio::piped()).stderr(terminal.slave).spawn().unwrap();
    // It holds the other end of the terminal, without which reading comes to an end.
    drop(command);
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
        (&["-z"], ""),
        (&["-l"], ""),
    ] {
        assert_eq!(hint(&host, arguments), expected, "{arguments:?}");
    }
}

#[test]
fn what_is_close_to_a_name() {
    let host = Host::as_root();
    fs::remove_file(host.path("/etc/postfix-out/main.cf")).unwrap();
    for (arguments, expected) in [
        (&["-i", "inn", "-e", "disable"][..], "did you mean -i postfix-in?"),
        (&["-i", "inn", "-l"], "did you mean -i postfix-in?"),
        (&["-g", "mat", "-x", "true"], "did you mean -g mta?"),
        (&["-i", "mta", "-p", "stop"], "did you mean -g mta?"),
        (&["-i", "out", "-e", "deport"], "did you mean -i /etc/postfix-out?"),
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
