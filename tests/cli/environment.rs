//! Odd surroundings: what the caller has closed, unset, masked or taken away.

use crate::host::Host;
use crate::programs::outcome;
use nix::libc;
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, chdir, close};
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};

/// Something to do, on a host that was prepared for it.
pub struct Action {
    pub arguments: &'static [&'static str],
    prepared_by: &'static [&'static [&'static str]],
}

const CREATE: &[&str] = &["-I", "postfix-new", "-G", "mta", "-e", "create"];
const DEPORT: &[&str] = &["-i", "new", "-e", "deport"];
pub const DESTROY: &[&str] = &["-i", "/etc/postfix-new", "-e", "destroy"];

pub const ACTIONS: [Action; 7] = [
    Action { arguments: CREATE, prepared_by: &[] },
    Action { arguments: &["-e", "import", "config_directory=/etc/postfix-new"], prepared_by: &[CREATE, DEPORT] },
    Action { arguments: &["-i", "out", "-I", "postfix-other", "-G", "-", "-e", "assign"], prepared_by: &[] },
    Action { arguments: &["-i", "new", "-e", "enable"], prepared_by: &[CREATE] },
    Action { arguments: &["-e", "init"], prepared_by: &[] },
    Action { arguments: DEPORT, prepared_by: &[CREATE] },
    Action { arguments: DESTROY, prepared_by: &[CREATE] },
];

impl Action {
    pub fn prepared(&self) -> Host {
        let host = Host::as_root();
        if self.arguments == ["-e", "init"] {
            uninitialise(&host);
        }
        self.prepared_by.iter().for_each(|arguments| host.does(arguments));
        host
    }

    /// A host on which it was done, in the usual surroundings.
    pub fn done(&self) -> Host {
        let host = self.prepared();
        host.does(self.arguments);
        host
    }
}

/// Takes back what -e init does.
pub fn uninitialise(host: &Host) {
    let file = host.path("/etc/postfix/main.cf");
    let text = fs::read_to_string(&file).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with("multi_instance_wrapper"));
    fs::write(&file, kept.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

/// postmulti on a host, and what is done in its process before it begins.
pub fn postmulti(
    host: &Host,
    arguments: &[&str],
    before: impl Fn() -> io::Result<()> + Send + Sync + 'static,
) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("postmulti"));
    command.arg("--root").arg(host.path("/")).args(arguments).env_remove("MAIL_CONFIG").stdin(Stdio::null());
    // SAFETY: all that is done between fork and exec here are a few system calls.
    unsafe { command.pre_exec(heed_signals).pre_exec(before) };
    command
}

/// Whoever runs the tests may ignore signals, as a shell lets a job in the background do; postmulti and its commands
/// would, too.
fn heed_signals() -> io::Result<()> {
    [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM].into_iter().try_for_each(|heeded| {
        // SAFETY: no handler is set that could run.
        unsafe { signal(heeded, SigHandler::SigDfl) }?;
        Ok(())
    })
}

/// Closes the standard descriptors whose bits are set.
fn close_some(closed: u32) -> impl Fn() -> io::Result<()> {
    move || (0..3).filter(|bit| closed & (1 << bit) != 0).try_for_each(|descriptor| Ok(close(descriptor)?))
}

/// A message, or anything else that is printed, never gets into a file that happens to have the descriptor.
#[test]
fn closed_descriptors() {
    for action in &ACTIONS {
        // So there is something to say: a directory that is listed, and is not there.
        let with_message = || {
            let host = action.prepared();
            host.list("$multi_instance_directories_before /etc/postfix-gone");
            host
        };
        let complete = with_message();
        let expected = complete.postmulti(action.arguments).output().unwrap();
        assert!(!expected.stderr.is_empty() || action.arguments == ["-e", "init"]);
        let all: &[u32] = if action.arguments == CREATE { &[1, 2, 3, 4, 5, 6, 7] } else { &[4, 7] };
        for &closed in all {
            let host = with_message();
            let output = postmulti(&host, action.arguments, close_some(closed)).output().unwrap();
            assert_eq!(output.status, expected.status, "{:?}, closed {closed:03b}", action.arguments);
            complete.tree().assert_alike(&host.tree());
        }
    }
    for closed in 0..8 {
        let host = Host::new();
        let before = host.tree();
        let output = postmulti(&host, &["-l"], close_some(closed)).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(output.stdout.is_empty(), closed & 2 != 0);
        let output = postmulti(&host, &["-l", "nosuch"], close_some(closed)).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(output.stderr.is_empty(), closed & 4 != 0);
        before.assert_untouched(&host.tree());
    }
}

#[test]
fn any_umask() {
    for action in &ACTIONS {
        let complete = action.done();
        for mask in [0, 0o777] {
            let host = action.prepared();
            let masked = move || {
                umask(Mode::from_bits_truncate(mask));
                Ok(())
            };
            let output = postmulti(&host, action.arguments, masked).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            complete.tree().assert_alike(&host.tree());
        }
    }
}

#[test]
fn an_empty_environment() {
    for action in &ACTIONS {
        let complete = action.done();
        let host = action.prepared();
        let output = postmulti(&host, action.arguments, || Ok(())).env_clear().output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        complete.tree().assert_alike(&host.tree());
        let listed = postmulti(&host, &["-l"], || Ok(())).env_clear().output().unwrap();
        assert_eq!(listed.stdout, host.postmulti(&["-l"]).output().unwrap().stdout);
    }
}

#[test]
fn a_working_directory_that_is_gone() {
    for action in &ACTIONS {
        let complete = action.done();
        let host = action.prepared();
        let place = tempfile::tempdir().unwrap().keep();
        let go_and_remove = {
            let place = std::ffi::CString::new(place.to_str().unwrap()).unwrap();
            move || {
                chdir(&*place)?;
                // SAFETY: the path is a string that lives on.
                nix::errno::Errno::result(unsafe { libc::rmdir(place.as_ptr()) })?;
                Ok(())
            }
        };
        let output = postmulti(&host, action.arguments, go_and_remove).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert!(!place.exists());
        complete.tree().assert_alike(&host.tree());
    }
}

#[test]
fn a_working_directory_that_may_not_be_read() {
    let host = Host::as_root();
    fs::set_permissions(host.path("/"), fs::Permissions::from_mode(0o755)).unwrap();
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o000)).unwrap();
    let directory = place.path().to_owned();
    // Who was root when he came here may have become another since.
    let enter = move || {
        chdir(&directory)?;
        nix::unistd::setgroups(&[])?;
        nix::unistd::setgid(65534.into())?;
        Ok(nix::unistd::setuid(65534.into())?)
    };
    let output = postmulti(&host, &["-l"], enter).output().unwrap();
    assert_eq!(output.stdout, host.postmulti(&["-l"]).output().unwrap().stdout, "{output:?}");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

/// Whether or not the caller wants to know how its own processes end, it is known how a command did.
#[test]
fn a_caller_that_ignores_the_end_of_processes() {
    let ignoring = || {
        // SAFETY: no handler is set that could run.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }.map(drop).map_err(io::Error::from)
    };
    let host = Host::with_programs(&[]);
    for options in [&[][..], &["--timeout", "9"], &["--jobs", "2"]] {
        let arguments = [options, &["-i", "in", "-x", "sh", "-c", "exit 7"]].concat();
        let (code, stdout, stderr) = outcome(postmulti(&host, &arguments, ignoring).output().unwrap());
        assert_eq!((code, &*stdout), (Some(7), ""), "{options:?}: {stderr}");
    }
    // A program that an action needs.
    host.postfix("exit 0");
    fs::remove_file(host.path("/etc/postfix/postfix-files")).unwrap();
    let output = postmulti(&host, CREATE, ignoring).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Has a system call fail, as in a container that does not know it.
fn without(call: libc::c_long) -> io::Result<()> {
    let statement = |code: u32, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    let mut filter = [
        // The first word of what is known of a call is its number.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, call as u32),
        statement(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        statement(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the program and its statements are there as long as the call takes.
    nix::errno::Errno::result(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) })?;
    Ok(())
}

#[test]
fn interrupts_that_cannot_be_waited_for() {
    let host = Host::with_programs(&[]);
    for options in [&[][..], &["--timeout", "9"]] {
        let arguments = [options, &["-i", "in", "-x", "sh", "-c", "echo $$; exec sleep 9"]].concat();
        let mut command = postmulti(&host, &arguments, || without(libc::SYS_signalfd4));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut begun = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut begun).unwrap();
        kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGINT), "{options:?}");
        // It is not the end of the command that has ended postmulti.
        kill(Pid::from_raw(begun.trim().parse().unwrap()), Signal::SIGKILL).unwrap();
    }
}
