//! `--status` on a terminal: colours, width, and `--watch`, which also works without one.

use crate::environment::postmulti;
use crate::host::Host;
use crate::status::{HEADINGS, IN, OUT, PRIMARY, master, message};
use nix::libc;
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::Pid;
use regex::Regex;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A screen of that many columns, on which postmulti runs.
struct Screen {
    process: Child,
    shown: File,
    text: Vec<u8>,
}

impl Screen {
    fn new(host: &Host, arguments: &[&str], columns: u16, environment: &[(&str, &str)]) -> Screen {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(Some(&size), None).unwrap();
        let mut settings = tcgetattr(&terminal.slave).unwrap();
        cfmakeraw(&mut settings);
        tcsetattr(&terminal.slave, SetArg::TCSANOW, &settings).unwrap();
        let mut command = postmulti(host, &[&["--status"], arguments].concat(), || Ok(()));
        command.env("TERM", "xterm").env_remove("NO_COLOR").envs(environment.iter().copied());
        let process = command.stdout(terminal.slave).stderr(Stdio::null()).spawn().unwrap();
        Screen { process, shown: terminal.master.into(), text: Vec::new() }
    }

    /// All that is shown until the end.
    fn end(mut self) -> String {
        // Whoever reads a terminal that nobody writes to any more gets an error.
        let _end = self.shown.read_to_end(&mut self.text);
        self.process.wait().unwrap();
        String::from_utf8(self.text).unwrap()
    }

    /// Reads on until that is shown, after what was read before.
    #[track_caller]
    fn shows(&mut self, text: &str) {
        let from = self.text.len();
        let began = Instant::now();
        while !String::from_utf8_lossy(&self.text[from..]).contains(text) {
            let mut buffer = [0; 4096];
            let length = self.shown.read(&mut buffer).unwrap();
            self.text.extend_from_slice(&buffer[..length]);
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{text} is not in: {:?}",
                self.text.escape_ascii().to_string()
            );
        }
    }
}

fn shown(columns: u16, environment: &[(&str, &str)]) -> String {
    let host = Host::new();
    message(&host, "postfix-in/corrupt/1ABCDE");
    message(&host, "postfix-in/hold/3Pt2mN2VXxznjll");
    host.add("/etc/postfix-out", b"multi_instance_enable = no\n");
    fs::write(host.path("/etc/postfix/master.cf"), "x\n").unwrap();
    let _master = master(&host, "postfix-in", "1");
    Screen::new(&host, &[], columns, environment).end()
}

#[test]
fn colours_are_for_terminals_that_have_them() {
    let coloured = shown(200, &[]);
    for expected in [
        "\x1b[1mNAME\x1b[0m",
        "\x1b[1m\x1b[31mdamaged\x1b[0m",
        "\x1b[2mstopped\x1b[0m",
        "\x1b[32mrunning\x1b[0m",
        "\x1b[1m\x1b[31m1\x1b[0m",
    ] {
        assert!(coloured.contains(expected), "{expected:?} is not in {coloured:?}");
    }
    let old = Regex::new("\x1b\\[33m[0-9]+d[0-9]+h\x1b").unwrap();
    assert!(old.is_match(&coloured), "{coloured:?}");
    assert_eq!(shown(200, &[("NO_COLOR", "")]).matches('\x1b').count(), coloured.matches('\x1b').count());
    for none in [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "")] {
        let plain = shown(200, &[none]);
        assert!(plain.starts_with("NAME  ") && !plain.contains('\x1b'), "{none:?}: {plain:?}");
    }
}

#[test]
fn a_narrow_terminal_shows_less() {
    let plain = |columns| shown(columns, &[("NO_COLOR", "1")]);
    let headings = |columns| plain(columns).lines().next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let all =
        "NAME GROUP ENABLED STATE PID UP MAILDROP INCOMING ACTIVE DEFERRED HOLD CORRUPT OLDEST LISTENERS DIRECTORY";
    assert_eq!(headings(200), all);
    assert_eq!(headings(0), all);
    assert_eq!(headings(130), all.replace("MAILDROP INCOMING ", ""));
    assert_eq!(headings(80), "NAME ENABLED STATE UP HOLD CORRUPT OLDEST LISTENERS");
    for columns in [20, 60, 80, 100, 120, 140] {
        let text = plain(columns);
        let width = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(width <= usize::from(columns.max(46)), "{columns}:\n{text}");
    }
}

/// One in conflict may have its name from another instance, and a broken one has none that is known.
#[test]
fn a_damaged_instance_goes_by_its_directory_in_a_narrow_terminal() {
    let host = Host::new();
    host.add("/etc/postfix-in", b"multi_instance_name = postfix-out\n");
    host.instance("postfix-broken", "broken\n");
    host.instance("postfix-unnamed", "multi_instance_name =\n");
    let first_words = |columns| {
        let shown = Screen::new(&host, &[], columns, &[("NO_COLOR", "1")]).end();
        let words = shown.lines().skip(1).filter_map(|line| line.split_whitespace().next());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(first_words(200), ["-", "postfix-out", "postfix-out", "?", "-"]);
    let directories = ["/etc/postfix-in", "/etc/postfix-broken", "/etc/postfix-unnamed"];
    assert_eq!(first_words(60), [&["-", "postfix-out"][..], &directories].concat());
}

#[test]
fn watched_on_a_terminal_an_instance_appears_and_vanishes() {
    let host = Host::new();
    let mut screen = Screen::new(&host, &["--watch", "1"], 200, &[("NO_COLOR", "1")]);
    screen.shows("postfix-in ");
    assert!(screen.text.starts_with(b"\x1b[H\x1b[JNAME "), "{:?}", screen.text.escape_ascii().to_string());
    host.instance("postfix-new", "");
    fs::create_dir_all(host.path("/var/spool/postfix-new")).unwrap();
    fs::copy(host.path("/etc/postfix/master.cf"), host.path("/etc/postfix-new/master.cf")).unwrap();
    screen.shows("postfix-new  -      n ");
    let main_cf = host.path("/etc/postfix/main.cf");
    let text = fs::read(&main_cf).unwrap();
    fs::write(&main_cf, "x\n").unwrap();
    screen
        .shows("\x1b[H\x1b[Jpostmulti: fatal: /etc/postfix/main.cf, line 1: missing '=' after attribute name: \"x\"\n");
    fs::write(&main_cf, text).unwrap();
    screen.shows("postfix-new ");
    host.list("/etc/postfix-out");
    screen.shows("/etc/postfix-out\n\x1b[H");
    kill(Pid::from_raw(screen.process.id() as i32), Signal::SIGINT).unwrap();
    assert_eq!(screen.process.wait().unwrap().signal(), Some(libc::SIGINT));
}

#[test]
fn watch_goes_on_while_nothing_matches() {
    let host = Host::new();
    let mut screen = Screen::new(&host, &["--watch", "1", "-i", "new"], 200, &[("NO_COLOR", "1")]);
    screen.shows("\x1b[H\x1b[Jpostmulti: fatal: No matching instances\n");
    host.instance("postfix-new", "");
    fs::create_dir_all(host.path("/var/spool/postfix-new")).unwrap();
    fs::copy(host.path("/etc/postfix/master.cf"), host.path("/etc/postfix-new/master.cf")).unwrap();
    screen.shows("postfix-new  -      n ");
    kill(Pid::from_raw(screen.process.id() as i32), Signal::SIGINT).unwrap();
    assert_eq!(screen.process.wait().unwrap().signal(), Some(libc::SIGINT));
}

#[test]
fn watched_through_a_pipe_it_is_printed_again_and_again() {
    for (json, expected) in
        [(false, [HEADINGS, PRIMARY, OUT, IN, "\n", HEADINGS, PRIMARY, OUT, IN].concat()), (true, String::new())]
    {
        let host = Host::new();
        let arguments = if json { vec!["--status", "--watch=1", "-j"] } else { vec!["--status", "--watch=1"] };
        let mut process = postmulti(&host, &arguments, || Ok(())).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = process.stdout.take().unwrap();
        let mut text = vec![0; if json { 2000 } else { expected.len() }];
        output.read_exact(&mut text).unwrap();
        match json {
            false => assert_eq!(String::from_utf8(text).unwrap(), expected),
            true => assert!(String::from_utf8(text).unwrap().lines().all(|line| line.starts_with("{\"name\": "))),
        }
        // Nobody reads on.
        drop(output);
        assert_eq!(process.wait().unwrap().signal(), Some(libc::SIGPIPE));
    }
}
