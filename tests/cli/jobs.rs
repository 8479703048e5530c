//! `--jobs`: several instances at once, and what they print in order.

use crate::environment::postmulti;
use crate::host::Host;
use crate::programs::{failure, lives, outcome};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::Pid;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// A command that is done only if that of the neighbour is running, too.
const RENDEZVOUS: &str = "case $name in primary) meet x;; postfix-out) meet x+;; esac";

#[test]
fn side_by_side_and_not_without() {
    let host = Host::with_programs(&[]);
    host.meeting("x");
    assert_eq!(host.executed(&["--jobs", "2"], RENDEZVOUS), (Some(0), String::new(), String::new()));
    for options in [&["--timeout", "1"][..], &["--timeout", "1", "--jobs", "1"]] {
        let (code, _, told) = host.executed(options, RENDEZVOUS);
        assert_eq!((code, told.matches(": terminated after 1 s: ").count()), (Some(1), 2), "{told}");
    }
}

#[test]
fn no_more_than_so_many() {
    let names: Vec<_> = (0..9).map(|number| format!("postfix-{number}")).collect();
    let host = Host::with_programs(&names.iter().map(String::as_str).collect::<Vec<_>>());
    host.meeting("x");
    let lines = "echo begin >>/tmp/log; meet x; sleep 0.05; echo end >>/tmp/log";
    let mut child = host.execute(&["--jobs", "3"], lines).spawn().unwrap();
    // None ends until so many have begun.
    until("three have begun", || fs::read_to_string(host.path("/tmp/log")).is_ok_and(|log| log.lines().count() >= 3));
    host.met("x", names.len() + 3);
    assert!(child.wait().unwrap().success());
    let (mut running, mut most) = (0, 0);
    for line in host.read("/tmp/log").lines() {
        running += if line == "begin" { 1 } else { -1 };
        most = most.max(running);
    }
    assert_eq!((running, most), (0, 3));
}

/// Waits for that.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// The members of a group, one after the other: in which order the commands begin and end.
#[track_caller]
fn in_turn(host: &Host, arguments: &[&str], expected: &str) {
    host.postfix(
        r#"echo "${MAIL_CONFIG#/etc/} $2" >>/tmp/log; sleep 0.1; echo "${MAIL_CONFIG#/etc/} done" >>/tmp/log"#,
    );
    let _ = fs::remove_file(host.path("/tmp/log"));
    let (code, _, told) = outcome(postmulti(host, arguments, || Ok(())).output().unwrap());
    assert_eq!((code, &*told), (Some(0), ""));
    let log = host.read("/tmp/log");
    let of_group = log.lines().filter(|line| line.starts_with("postfix-"));
    assert_eq!(of_group.collect::<Vec<_>>().join(", "), expected);
}

#[test]
fn order_within_a_group() {
    let host = Host::with_programs(&[]);
    let forth = "postfix-out start, postfix-out done, postfix-in start, postfix-in done";
    in_turn(&host, &["--jobs", "8", "-p", "start"], forth);
    let back = "postfix-in stop, postfix-in done, postfix-out stop, postfix-out done";
    in_turn(&host, &["--jobs", "8", "-p", "stop"], back);
    in_turn(&host, &["--jobs", "8", "-Rx", "postfix", "--", "stop"], back);
    host.does(&["-i", "out", "-e", "disable"]);
    in_turn(&host, &["--jobs", "8", "-p", "stop"], "postfix-in stop, postfix-in done");
    let checked = "postfix-out check, postfix-out done, postfix-in start, postfix-in done";
    in_turn(&host, &["--jobs", "8", "-p", "start"], checked);
}

#[test]
fn output_in_the_order_of_the_instances() {
    let host = Host::with_programs(&["postfix-last"]);
    host.meeting("x");
    // The first one goes on when the last one is done with all but its end.
    let lines = "[ $name != primary ] || meet x+
        echo $name; echo $name wrong >&2; printf end; [ $name != postfix-out ]
        [ $name != postfix-last ] || meet x; [ $name != postfix-in ] || exit 7";
    let stdout = "primary\nendpostfix-out\nendpostfix-in\nendpostfix-last\nend";
    let failure = failure("postfix-in", "exited with status 7");
    let stderr = format!("primary wrong\npostfix-out wrong\npostfix-in wrong\n{failure}postfix-last wrong\n");
    assert_eq!(host.executed(&["--jobs", "8"], lines), (Some(1), stdout.into(), stderr));
    let (_, shown) = together(&mut host.execute(&["--jobs", "8", "-g", "mta"], "echo a; sleep 0.05; echo b >&2"));
    assert_eq!(shown, "a\nb\na\nb\n");
    for zero_or_one in ["0", "1"] {
        let (code, stdout, _) = host.executed(&["--jobs", zero_or_one, "-R"], "echo $name");
        assert_eq!((code, &*stdout), (Some(0), "postfix-last\npostfix-in\npostfix-out\nprimary\n"));
    }
    let (code, stdout, _) = host.executed(&["--jobs", "3", "--match", "postfix-*", "-v"], "echo ${MAIL_VERBOSE-unset}");
    assert_eq!((code, &*stdout), (Some(0), "\n\n\n"));
}

/// Exit status, and what is printed on one pipe.
fn together(command: &mut Command) -> (Option<i32>, String) {
    let (mut reader, writer) = io::pipe().unwrap();
    let mut child = command.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
    // It holds the other end of the pipe.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut shown = String::new();
    reader.read_to_string(&mut shown).unwrap();
    (child.wait().unwrap().code(), shown)
}

#[test]
fn what_cannot_be_started_is_told_in_its_place() {
    let host = Host::with_programs(&[]);
    let told = |instances: &[&str], command| {
        let line = |instance: &&str| {
            format!("postmulti: fatal: instance {instance}: execvp {command}: No such file or directory\n")
        };
        instances.iter().map(line).collect::<String>()
    };
    let mut command = postmulti(&host, &["--jobs", "8", "-x", "nosuch"], || Ok(()));
    assert_eq!(together(&mut command), (Some(1), told(&["-", "postfix-out", "postfix-in"], "nosuch")));
    // The program goes away as soon as the first one runs.
    host.postfix("echo $MAIL_CONFIG; echo '#!/nosuch' >/usr/sbin/postfix");
    let mut command = postmulti(&host, &["--jobs", "1", "-x", "postfix"], || Ok(()));
    let expected = format!("/etc/postfix\n{}", told(&["postfix-out", "postfix-in"], "postfix"));
    assert_eq!(together(&mut command), (Some(1), expected));
    // Without a run option, the message is the original's.
    let mut command = postmulti(&host, &["-x", "nosuch"], || Ok(()));
    let original = "postmulti: fatal: execvp nosuch: No such file or directory\n".repeat(3);
    assert_eq!(together(&mut command), (Some(1), original));
}

/// Nobody waits for a reader, nor one command for the other, however much they print.
#[test]
fn much_output() {
    let names: Vec<_> = (0..47).map(|number| format!("postfix-{number:02}")).collect();
    let host = Host::with_programs(&names.iter().map(String::as_str).collect::<Vec<_>>());
    mknod(&host.path("/dev/zero"), SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(1, 5)).unwrap();
    let lines = "head -c 2000000 /dev/zero >&2 & head -c 2000000 /dev/zero; wait; echo >>/tmp/done";
    let mut command = host.execute(&["--jobs", "10"], lines);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while fs::read(host.path("/tmp/done")).map_or(0, |lines| lines.len()) < 50 {
        sleep(Duration::from_millis(20));
    }
    let mut stderr = child.stderr.take().unwrap();
    let wrong = thread::spawn(move || io::copy(&mut stderr, &mut io::sink()).unwrap());
    let right = io::copy(&mut child.stdout.take().unwrap(), &mut io::sink()).unwrap();
    assert_eq!((right, wrong.join().unwrap()), (100_000_000, 100_000_000));
    assert!(child.wait().unwrap().success());
}

/// Nor does postmulti wait for one with what it has to say itself: all others are watched over meanwhile.
#[test]
fn a_message_that_nobody_reads() {
    let host = Host::with_programs(&[]);
    let (mut reader, mut full) = io::pipe().unwrap();
    full.write_all(&[b'.'; 1 << 16]).unwrap();
    // The last one begins when the second one has ended, which is after the first one.
    let lines = "case $name in
        primary) sleep 1000;;
        postfix-out) trap 'sleep 0.5; exit' TERM; while :; do sleep 0.02; done;;
        postfix-in) echo >/tmp/begun;;
    esac";
    let mut command = host.execute(&["--jobs", "2", "--timeout", "1"], lines);
    let mut child = command.stderr(full).spawn().unwrap();
    drop(command);
    until("the last one has begun", || host.path("/tmp/begun").exists());
    let mut told = String::new();
    reader.read_to_string(&mut told).unwrap();
    assert_eq!(
        (child.wait().unwrap().code(), told.matches(": terminated after 1 s: ").count()),
        (Some(1), 2),
        "{told}"
    );
}

#[test]
fn a_daemon_that_keeps_the_streams_open() {
    let host = Host::with_programs(&[]);
    let (code, stdout, _) = host.executed(&["--jobs", "2", "-g", "mta"], "sleep 1000 & echo $!");
    assert_eq!(code, Some(0));
    for daemon in stdout.lines() {
        assert!(lives(daemon));
        kill(Pid::from_raw(daemon.parse().unwrap()), Signal::SIGKILL).unwrap();
    }
    assert_eq!(stdout.lines().count(), 2);
}

/// All are run, whether anybody can be told or not.
#[test]
fn output_that_nobody_reads_or_that_is_full() {
    let host = Host::with_programs(&[]);
    let run = |stdout: Stdio, broken_pipe: SigHandler| {
        let mut command = host.execute(&["--jobs", "2", "--summary"], "echo $name; echo $name >>/tmp/run");
        // SAFETY: no handler is set that could run.
        let handle = move || unsafe { signal(Signal::SIGPIPE, broken_pipe) }.map(drop).map_err(io::Error::from);
        // SAFETY: all that is done between fork and exec here is that system call.
        unsafe { command.pre_exec(handle) };
        let output = command.stdout(stdout).stderr(Stdio::piped()).output().unwrap();
        let mut run: Vec<_> = host.read("/tmp/run").lines().map(str::to_owned).collect();
        run.sort();
        assert_eq!(run, ["postfix-in", "postfix-out", "primary"]);
        fs::remove_file(host.path("/tmp/run")).unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.starts_with("instance     status  seconds\n-            0  "), "{told}");
        (output.status.signal(), output.status.code(), told.lines().skip(5).collect::<String>())
    };
    let unread = || Stdio::from(io::pipe().unwrap().1);
    let error = |reason| (None, Some(1), format!("postmulti: fatal: error writing output: {reason}"));
    assert_eq!(run(unread(), SigHandler::SigDfl), (Some(Signal::SIGPIPE as i32), None, String::new()));
    assert_eq!(run(unread(), SigHandler::SigIgn), error("Broken pipe"));
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(run(full.into(), SigHandler::SigDfl), error("No space left on device"));
}

/// A command finds its signals as they were given to postmulti.
#[test]
fn a_broken_pipe_in_a_command() {
    let host = Host::with_programs(&[]);
    let lines = "{ sh -c 'kill -PIPE $$; echo ignored'; echo $?; }";
    for (handler, expected) in [(SigHandler::SigDfl, "141\n"), (SigHandler::SigIgn, "ignored\n0\n")] {
        let mut command = host.execute(&["--jobs", "2", "-i", "in"], lines);
        // SAFETY: no handler is set that could run, and nothing else is done between fork and exec here.
        unsafe { command.pre_exec(move || signal(Signal::SIGPIPE, handler).map(drop).map_err(io::Error::from)) };
        assert_eq!(outcome(command.output().unwrap()).1, expected);
    }
}

#[test]
fn standard_input_is_empty() {
    let host = Host::with_programs(&[]);
    let read = |options: &[&str]| {
        let mut command = host.execute(options, "while read line; do echo $name $line; done");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"word\n").unwrap();
        outcome(child.wait_with_output().unwrap()).1
    };
    assert_eq!(read(&["--jobs", "1"]), "");
    for others in [&["--prefix"][..], &["--timeout", "9"], &["--summary"], &[]] {
        assert!(read(others).ends_with("primary word\n"), "{others:?}");
    }
}

/// Where not so many can run at once, fewer do.
#[test]
fn few_descriptors() {
    let names: Vec<_> = (0..20).map(|number| format!("postfix-{number:02}")).collect();
    let host = Host::with_programs(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for limit in [20, 25, 40] {
        let mut command = host.execute(&["--jobs", "99", "-R"], "echo $name; echo $name >&2");
        // SAFETY: all that is done between fork and exec here is one system call.
        unsafe { command.pre_exec(move || Ok(setrlimit(Resource::RLIMIT_NOFILE, limit, limit)?)) };
        let (code, stdout, stderr) = outcome(command.output().unwrap());
        assert_eq!((code, stdout.lines().count()), (Some(0), 23), "limit {limit}: {stderr}");
        assert!(stdout == stderr && stdout.starts_with("postfix-19\npostfix-18\n") && stdout.ends_with("primary\n"));
    }
}

/// What waits for its turn may not fill more of a file than this process may write.
#[test]
fn a_limit_of_file_size() {
    let host = Host::with_programs(&[]);
    mknod(&host.path("/dev/zero"), SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(1, 5)).unwrap();
    host.meeting("much");
    let lines = "case $name in
        primary) meet much; sleep 0.2;;
        *) head -c 1500000 /dev/zero >&2; meet much+; head -c 3000000 /dev/zero;;
    esac";
    let mut command = host.execute(&["--jobs", "9", "--match", "{-,out}", "--prefix", "--summary"], lines);
    let limit = 1 << 20;
    // SAFETY: all that is done between fork and exec here is one system call.
    unsafe { command.pre_exec(move || Ok(setrlimit(Resource::RLIMIT_FSIZE, limit, limit)?)) };
    let output = command.output().unwrap();
    let count = |stream: &[u8]| stream.iter().filter(|byte| **byte == 0).count();
    assert_eq!((output.status.code(), count(&output.stdout), count(&output.stderr)), (Some(0), 3_000_000, 1_500_000));
}

#[test]
fn exit_status() {
    let host = Host::with_programs(&[]);
    assert_eq!(host.executed(&["--jobs", "2", "-i", "in"], "exit 75").0, Some(75));
    assert_eq!(host.executed(&["--jobs", "2", "-i", "in"], "kill -TERM $$").0, Some(128 + 15));
    assert_eq!(host.executed(&["--jobs", "2"], "[ $name = primary ]").0, Some(1));
    assert_eq!(host.executed(&["--jobs", "2", "-g", "nosuch"], "true").0, Some(1));
}
