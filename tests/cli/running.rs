//! `--timeout`, `--prefix`, `--summary`, and interrupts while commands run.

use crate::environment::postmulti;
use crate::host::Host;
use crate::programs::{failure, lives, outcome};
use crate::session::{Session, screen};
use nix::libc;
use nix::sys::signal::{SigHandler, SigSet, Signal, kill, raise, signal};
use nix::unistd::Pid;
use regex::Regex;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The table with its times as `#`, of which the width is not known.
fn timeless(text: &str) -> String {
    Regex::new(r" +([0-9]+\.[0-9]{2}|seconds|-)\n").unwrap().replace_all(text, " #\n").into_owned()
}

#[test]
fn who_takes_too_long_is_ended_with_all_that_it_has_started() {
    let host = Host::with_programs(&[]);
    let lines = "sleep 1000 & echo $!; setsid sleep 1000 >/dev/null 2>&1 & echo $!; echo begun; wait";
    for options in [&["-i", "in", "--timeout", "1"][..], &["-i", "in", "--timeout", "1", "--jobs", "2"]] {
        let (code, stdout, stderr) = host.executed(options, lines);
        let told = "postmulti: warning: instance postfix-in: terminated after 1 s: sh -c meet()";
        assert!(code == Some(124) && stderr.starts_with(told) && stderr.lines().count() == 1, "{stderr}");
        let words: Vec<_> = stdout.split_whitespace().collect();
        let [child, daemon, "begun"] = words[..] else { panic!("{stdout}") };
        while lives(child) {}
        assert!(lives(daemon));
        kill(Pid::from_raw(daemon.parse().unwrap()), Signal::SIGKILL).unwrap();
    }
}

#[test]
fn who_does_not_end_is_killed() {
    let host = Host::with_programs(&["postfix-quick"]);
    host.postfix("[ $MAIL_CONFIG = /etc/postfix-quick ] && exit; echo begun; while :; do sleep 1; done");
    // So no command is ended before it could set a trap.
    // SAFETY: no handler is set that could run.
    let ignore = || unsafe { signal(Signal::SIGTERM, SigHandler::SigIgn) }.map(drop).map_err(io::Error::from);
    let began = Instant::now();
    let arguments = ["--match", "{in,quick}", "--timeout", "1", "--jobs", "2", "--summary", "-p", "status"];
    let (code, stdout, stderr) = outcome(postmulti(&host, &arguments, ignore).output().unwrap());
    assert_eq!((code, &*stdout), (Some(1), "begun\n"));
    let expected = "\
postmulti: warning: instance postfix-in: killed after 1 s: /usr/sbin/postfix -- status
instance       status #
postfix-in     timed out #
postfix-quick  0 #
1 succeeded, 1 failed: postfix-in
";
    assert_eq!(timeless(&stderr), expected);
    assert!((6..60).contains(&began.elapsed().as_secs()));
}

#[test]
fn who_is_in_time_is_not_disturbed() {
    let host = Host::with_programs(&[]);
    assert_eq!(host.executed(&["--timeout", "60", "-i", "in"], "sleep 0.1; exit 3").0, Some(3));
    assert_eq!(host.executed(&["--timeout", "4294967295"], "true"), (Some(0), String::new(), String::new()));
}

#[test]
fn each_line_begins_with_the_instance() {
    let host = Host::with_programs(&["postfix-a"]);
    host.list("$multi_instance_directories_before /etc/postfix-b");
    std::fs::create_dir(host.path("/etc/postfix-b")).unwrap();
    let main_cf = b"queue_directory = /var/spool/b\ndata_directory = /var/lib/b\n";
    std::fs::write(host.path("/etc/postfix-b/main.cf"), main_cf).unwrap();
    let lines = r"printf 'one\n\ntw'; printf wrong >&2; printf '\377o'";
    for options in [&["--prefix"][..], &["--prefix", "--jobs", "3"]] {
        let output = host.execute(options, lines).output().unwrap();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        for label in ["-", "postfix-out", "postfix-in", "postfix-a", "/etc/postfix-b"] {
            write!(stdout, "{label}: one\n{label}: \n{label}: tw").unwrap();
            stdout.extend_from_slice(b"\xffo\n");
            writeln!(stderr, "{label}: wrong").unwrap();
        }
        assert_eq!((output.stdout, output.stderr, output.status.code()), (stdout, stderr, Some(0)));
    }
}

#[test]
fn a_summary_of_all() {
    let host = Host::with_programs(&["postfix-a"]);
    let lines = "case $name in primary) exit 75;; postfix-a) kill -KILL $$;; esac";
    let table = "\
instance     status #
-            75 #
postfix-out  0 #
postfix-in   0 #
postfix-a    signal 9 #
2 succeeded, 2 failed: -, postfix-a
";
    let expected = failure("-", "exited with status 75") + &failure("postfix-a", "killed by signal 9") + table;
    for options in [&["--summary"][..], &["--summary", "--jobs", "2"]] {
        let (code, stdout, stderr) = host.executed(options, lines);
        assert_eq!((code, &*stdout, &*timeless(&stderr)), (Some(1), "", &*expected));
    }
    let all = "instance     status #\npostfix-out  0 #\npostfix-in   0 #\n2 succeeded, 0 failed\n";
    assert_eq!(timeless(&host.executed(&["--summary", "-g", "mta"], "true").2), all);
}

/// Any run option names the instance whose command fails, before the next one's is run or shown; without one, only the exit
/// status tells.
#[test]
fn failed_instance_is_named() {
    let host = Host::with_programs(&[]);
    let lines = "echo $name >&2; [ $name != postfix-out ] || exit 3";
    for options in [&["--jobs", "2"][..], &["--timeout", "9"], &["--jobs", "1", "--timeout", "9"]] {
        let expected = format!("primary\npostfix-out\n{}postfix-in\n", failure("postfix-out", "exited with status 3"));
        assert_eq!(host.executed(options, lines), (Some(1), String::new(), expected));
    }
    assert_eq!(host.executed(&[], lines), (Some(1), String::new(), "primary\npostfix-out\npostfix-in\n".into()));
}

/// A signal that is sent to postmulti alone.
#[test]
fn what_ends_postmulti_is_passed_on() {
    let host = Host::with_programs(&["postfix-a"]);
    host.meeting("x");
    for (signal, options) in [
        (Signal::SIGTERM, &["--jobs", "2"][..]),
        (Signal::SIGHUP, &["--jobs", "2"]),
        (Signal::SIGQUIT, &["--jobs", "2"]),
        (Signal::SIGINT, &["--jobs", "2", "--timeout", "99"]),
        (Signal::SIGTERM, &["--jobs", "2", "--prefix"]),
    ] {
        // The first one survives it, and the second one does not. The others do not begin.
        let lines = "trap '[ $name != primary ] || { echo caught; exit 5; }; trap - HUP INT QUIT TERM; kill -KILL $$' \
                     HUP INT QUIT TERM; meet x; while :; do sleep 0.02; done";
        let mut command = host.execute(&[options, &["--summary"]].concat(), lines);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        host.met("x", 2);
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(signal as i32), "{output:?}");
        let caught = if options.contains(&"--prefix") { "-: caught\n" } else { "caught\n" };
        assert_eq!(String::from_utf8(output.stdout).unwrap(), caught);
        let table = "\
instance     status #
-            5 #
postfix-out  signal 9 #
postfix-in   not started #
postfix-a    not started #
0 succeeded, 4 failed: -, postfix-out, postfix-in, postfix-a
";
        let expected = failure("-", "exited with status 5") + &failure("postfix-out", "killed by signal 9") + table;
        assert_eq!(timeless(&String::from_utf8(output.stderr).unwrap()), expected);
    }
}

/// A signal that comes while no command is running.
#[test]
fn an_interrupt_before_the_first_command() {
    let host = Host::with_programs(&[]);
    for options in [&[][..], &["--summary"], &["--jobs", "2"]] {
        let mut command = host.execute(options, "echo begun");
        let interrupt = || {
            SigSet::from(Signal::SIGINT).thread_block()?;
            Ok(raise(Signal::SIGINT)?)
        };
        // SAFETY: all that is done between fork and exec here are two system calls.
        unsafe { command.pre_exec(interrupt) };
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(60), "it has not ended: {options:?}");
            sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.signal(), output.stdout), (Some(libc::SIGINT), vec![]));
    }
}

#[test]
fn an_interrupt_at_the_terminal() {
    let host = Host::with_programs(&["postfix-a"]);
    host.meeting("x");
    for options in [&["--jobs", "2"][..], &["--jobs", "2", "--timeout", "99"], &["--timeout", "99"], &["--summary"]] {
        let lines = "trap 'echo caught; exit 5' INT; meet x; while :; do sleep 0.02; done";
        let mut session = Session::begin(host.execute(&[options, &["--summary"]].concat(), lines), "dumb");
        let jobs = if options[0] == "--jobs" { 2 } else { 1 };
        host.met("x", jobs);
        session.terminal.write_all(b"\x03").unwrap();
        let (shown, signal) = session.end();
        let second = if jobs == 1 { "not started #" } else { "5 #" };
        let caught = |instance| format!("caught\n{}", failure(instance, "exited with status 5"));
        let expected = format!(
            "{}instance     status #\n-            5 #\npostfix-out  {second}\npostfix-in   not started #\n\
             postfix-a    not started #\n0 succeeded, 4 failed: -, postfix-out, postfix-in, postfix-a\n",
            ["-", "postfix-out"][..jobs].iter().copied().map(caught).collect::<String>()
        );
        assert_eq!((timeless(&shown), signal), (expected, Some(libc::SIGINT)), "{options:?}");
    }
}

/// Of a terminal that goes away, the system tells only who leads its session.
#[test]
fn a_terminal_that_goes_away() {
    let host = Host::with_programs(&[]);
    host.meeting("x");
    for options in [&["--jobs", "2"][..], &["--jobs", "2", "--timeout", "99"], &["--summary"]] {
        let lines = "trap 'echo told >/tmp/$name; exit' HUP; meet x; for i in 1 2 3 4 5; do sleep 1; done";
        let mut session = Session::begin(host.execute(options, lines), "dumb");
        let jobs = if options[0] == "--jobs" { 2 } else { 1 };
        host.met("x", jobs);
        drop(session.terminal);
        assert_eq!(session.child.wait().unwrap().signal(), Some(libc::SIGHUP), "{options:?}");
        for name in &["primary", "postfix-out"][..jobs] {
            let told = host.path("/tmp").join(name);
            assert_eq!(fs::read_to_string(&told).unwrap(), "told\n");
            fs::remove_file(told).unwrap();
        }
    }
}

/// With a time limit, nobody waits for what is typed at the terminal.
#[test]
fn reading_from_the_terminal() {
    let host = Host::with_programs(&[]);
    let session = Session::begin(host.execute(&["--timeout", "99"], "cat; echo $name"), "dumb");
    assert_eq!(session.end(), ("primary\npostfix-out\npostfix-in\n".to_owned(), None));
    let mut session = Session::begin(host.execute(&["--prefix", "-i", "in"], "read line; echo $line"), "dumb");
    session.terminal.write_all(b"word\n").unwrap();
    assert_eq!(session.end(), ("postfix-in: word\n".to_owned(), None));
}

#[test]
fn progress() {
    let host = Host::with_programs(&["postfix-a", "postfix-b"]);
    host.meeting("x");
    let lines = "sleep 0.1; echo $name; printf wrong >&2; sleep 0.1; echo >&2";
    // The last one does not begin to print until it has been read how far the others are: then nothing is shown.
    let in_time = format!("[ $name != postfix-b ] || meet x; {lines}");
    let mut session = Session::begin(host.execute(&["--jobs", "2"], &in_time), "xterm");
    session.shows("4 of 5 done, running: postfix-b ");
    host.met("x", 1);
    let sent = session.end().0;
    assert!(sent.contains("0 of 5 done, running: - postfix-out "), "{sent:?}");
    let shown = |options: &[&str], kind| Session::begin(host.execute(options, lines), kind).end().0;
    let names = ["primary", "postfix-out", "postfix-in", "postfix-a", "postfix-b"];
    let expected = names.map(|name| format!("{name}\nwrong\n")).concat();
    assert_eq!(screen(&sent), expected);
    for (options, kind) in
        [(&["--jobs", "2"][..], "dumb"), (&["--jobs", "2"], ""), (&["--prefix"], "xterm"), (&[], "xterm")]
    {
        let sent = shown(options, kind);
        assert!(!sent.contains("done") && !sent.contains('\x1b'), "{sent:?}");
    }
    // Of few instances nobody needs to be told.
    assert_eq!(shown(&["--jobs", "2", "-g", "mta"], "xterm"), "postfix-out\nwrong\npostfix-in\nwrong\n");
    let (_, stdout, stderr) = host.executed(&["--jobs", "2"], lines);
    assert_eq!((stdout.lines().count(), &*stderr), (5, &*"wrong\n".repeat(5)));
}
