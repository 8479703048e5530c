//! `--jobs` and `--prefix`: a command's standard error is a terminal of its own where that of postmulti is a terminal.

use crate::host::Host;
use crate::session::{SIZE, Session};
use nix::mount::{MsFlags, mount};
use nix::pty::openpty;
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{Pid, setsid};
use std::os::unix::process::CommandExt;
use std::process::Stdio;

/// Tells on standard error which streams are terminals.
const TERMINALS: &str = "[ ! -t 1 ] || echo stdout >&2; [ ! -t 2 ] || echo stderr >&2; echo end >&2";

/// The output of these shell lines on the terminal of postmulti, run for postfix-in with these options.
fn shown(host: &Host, options: &[&str], lines: &str) -> String {
    Session::begin(host.execute(&[options, &["-i", "in"]].concat(), lines), "dumb").end().0
}

#[test]
fn command_stderr_is_a_terminal_where_ours_is_one() {
    let host = Host::with_programs(&[]);
    for options in [&["--jobs", "2"][..], &["--jobs", "1", "--timeout", "99"]] {
        assert_eq!(shown(&host, options, TERMINALS), "stderr\nend\n");
        assert_eq!(host.executed(&[options, &["-i", "in"]].concat(), TERMINALS).2, "end\n");
    }
    assert_eq!(shown(&host, &["--prefix"], TERMINALS), "postfix-in: stderr\npostfix-in: end\n");
    // Without these options, the streams are those of postmulti.
    for options in [&["--timeout", "99"][..], &[]] {
        assert_eq!(shown(&host, options, TERMINALS), "stdout\nstderr\nend\n");
    }
    assert!(shown(&host, &["--summary"], TERMINALS).starts_with("stdout\nstderr\nend\ninstance "));
}

#[test]
fn command_terminal_passes_on_every_byte() {
    let host = Host::with_programs(&[]);
    let lines = r"printf 'a\nb\r\n\tc\001\003\004\021\023\032\177d' >&2";
    assert_eq!(shown(&host, &["--jobs", "2"], lines), "a\nb\r\n\tc\u{1}\u{3}\u{4}\u{11}\u{13}\u{1a}\u{7f}d");
}

#[test]
fn command_terminal_has_the_window_size_of_ours() {
    let host = Host::with_programs(&[]);
    let size = format!("{} {}\n", SIZE.ws_row, SIZE.ws_col);
    assert_eq!(shown(&host, &["--jobs", "2"], "stty size <&2"), size);
}

/// In a session without a controlling terminal, as under setsid(1), none comes by the terminal of a command.
#[test]
fn command_terminal_does_not_control_the_session() {
    let host = Host::with_programs(&[]);
    mknod(&host.path("/dev/tty"), SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(5, 0)).unwrap();
    let pty = openpty(None, None).unwrap();
    let mut command = host.execute(&["--jobs", "2"], "[ -t 2 ] && { (: </dev/tty) 2>/dev/null || echo none; }");
    // SAFETY: all that is done between fork and exec here is one system call.
    unsafe { command.pre_exec(|| Ok(setsid().map(drop)?)) };
    let output = command.stdout(Stdio::piped()).stderr(pty.slave).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "none\n".repeat(3));
}

#[test]
fn much_output_on_command_terminals() {
    let host = Host::with_programs(&[]);
    zero(&host);
    let lines = "head -c 300000 /dev/zero >&2; echo $name >&2";
    let (shown, _) = Session::begin(host.execute(&["--jobs", "3"], lines), "dumb").end();
    let expected = ["primary", "postfix-out", "postfix-in"].map(|name| format!("{}{name}\n", "\0".repeat(300_000)));
    assert!(shown == expected.concat(), "{} bytes", shown.len());
}

fn zero(host: &Host) {
    mknod(&host.path("/dev/zero"), SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(1, 5)).unwrap();
}

/// The output of the command itself is shown; more is not waited for.
#[test]
fn background_process_keeps_the_command_terminal_open() {
    let host = Host::with_programs(&[]);
    zero(&host);
    for background in ["sleep 1000", "while :; do echo x >&2; done"] {
        let lines = format!("head -c 30000 /dev/zero >&2; {{ {background}; }} & echo $! >/tmp/background");
        let shown = shown(&host, &["--jobs", "2"], &lines);
        let background = host.read("/tmp/background").trim().parse().unwrap();
        kill(Pid::from_raw(background), Signal::SIGKILL).unwrap();
        assert!(shown.starts_with(&"\0".repeat(30_000)), "{} bytes", shown.len());
    }
}

/// The terminal of a command goes away with its last process, and a message about the command follows.
#[test]
fn command_that_closes_its_terminal() {
    let host = Host::with_programs(&[]);
    assert_eq!(shown(&host, &["--jobs", "2"], "echo begun >&2; exec 2>&-; sleep 0.2"), "begun\n");
    let killed = shown(&host, &["--jobs", "2"], "echo begun >&2; kill -KILL $$");
    assert!(
        killed.starts_with("begun\npostmulti: warning: instance postfix-in: killed by signal 9: sh -c "),
        "{killed}"
    );
}

#[test]
fn without_pseudo_terminals_command_stderr_is_a_pipe() {
    let host = Host::with_programs(&[]);
    let mut command = host.execute(&["--jobs", "2", "-i", "in"], TERMINALS);
    let none = None::<&str>;
    let hide = move || {
        unshare(CloneFlags::CLONE_NEWNS)?;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
        Ok(mount(Some("/dev/null"), "/dev/ptmx", none, MsFlags::MS_BIND, none)?)
    };
    // SAFETY: all that is done between fork and exec here are a few system calls.
    unsafe { command.pre_exec(hide) };
    assert_eq!(Session::begin(command, "dumb").end().0, "end\n");
}

#[test]
fn few_descriptors_for_command_terminals() {
    let names: Vec<_> = (0..20).map(|number| format!("postfix-{number:02}")).collect();
    let host = Host::with_programs(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for limit in [20, 25, 40] {
        let mut command = host.execute(&["--jobs", "99", "--match", "postfix-[0-9]*"], "[ -t 2 ] && echo $name >&2");
        // SAFETY: all that is done between fork and exec here is one system call.
        unsafe { command.pre_exec(move || Ok(setrlimit(Resource::RLIMIT_NOFILE, limit, limit)?)) };
        let shown = Session::begin(command, "dumb").end().0;
        assert_eq!(shown.lines().collect::<Vec<_>>(), names, "limit {limit}");
    }
}
