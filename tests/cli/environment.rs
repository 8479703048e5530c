//! Odd surroundings: what the caller has closed, limited, unset, masked or taken away.

use crate::host::Host;
use nix::libc;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{chdir, close};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Output, Stdio};

/// Something to do, on a host that was prepared for it.
struct Action {
    arguments: &'static [&'static str],
    prepared_by: &'static [&'static [&'static str]],
}

const CREATE: &[&str] = &["-I", "postfix-new", "-G", "mta", "-e", "create"];
const DEPORT: &[&str] = &["-i", "new", "-e", "deport"];
const DESTROY: &[&str] = &["-i", "/etc/postfix-new", "-e", "destroy"];

const ACTIONS: [Action; 7] = [
    Action { arguments: CREATE, prepared_by: &[] },
    Action { arguments: &["-e", "import", "config_directory=/etc/postfix-new"], prepared_by: &[CREATE, DEPORT] },
    Action { arguments: &["-i", "out", "-I", "postfix-other", "-G", "-", "-e", "assign"], prepared_by: &[] },
    Action { arguments: &["-i", "new", "-e", "enable"], prepared_by: &[CREATE] },
    Action { arguments: &["-e", "init"], prepared_by: &[] },
    Action { arguments: DEPORT, prepared_by: &[CREATE] },
    Action { arguments: DESTROY, prepared_by: &[CREATE] },
];

impl Action {
    fn prepared(&self) -> Host {
        let host = Host::as_root();
        if self.arguments == ["-e", "init"] {
            uninitialise(&host);
        }
        self.prepared_by.iter().for_each(|arguments| host.does(arguments));
        host
    }

    /// A host on which it was done, in the usual surroundings.
    fn done(&self) -> Host {
        let host = self.prepared();
        host.does(self.arguments);
        host
    }
}

/// Takes back what -e init does.
fn uninitialise(host: &Host) {
    let file = host.path("/etc/postfix/main.cf");
    let text = fs::read_to_string(&file).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with("multi_instance_wrapper"));
    fs::write(&file, kept.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

/// postmulti on a host, and what is done in its process before it begins.
fn postmulti(host: &Host, arguments: &[&str], before: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("postmulti"));
    command.arg("--root").arg(host.path("/")).args(arguments).env_remove("MAIL_CONFIG").stdin(Stdio::null());
    // SAFETY: all that is done between fork and exec here are a few system calls.
    unsafe { command.pre_exec(before) };
    command
}

/// Does everything under one limit after the other, each wider than the one before, until it was done three times. Until
/// then it is an error, and all is as it was; but what destroy has not removed any more, it removes when it is run again.
fn within_limits(resource: Resource, limits: &[u64]) {
    for action in &ACTIONS {
        let name = action.arguments.join(" ");
        let complete = action.done();
        let mut host = action.prepared();
        let (mut done, mut refused) = (0, 0);
        for &limit in limits {
            if done == 3 {
                break;
            }
            let before = host.tree();
            let output =
                postmulti(&host, action.arguments, move || Ok(setrlimit(resource, limit, limit)?)).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0) => {
                    complete.tree().assert_alike(&host.tree());
                    host = action.prepared();
                    done += 1;
                }
                // Before there is a process of ours.
                Some(127) if told.contains("error while loading shared libraries") => {
                    before.assert_untouched(&host.tree());
                }
                Some(1) if action.arguments == DESTROY && !is_listed(&host) => {
                    assert!(told.contains("-e destroy"), "limit {limit}: {told}");
                    host.does(DESTROY);
                    complete.tree().assert_alike(&host.tree());
                    host = action.prepared();
                    refused += 1;
                }
                Some(1) => {
                    assert!(told.starts_with("postmulti: "), "{name}, limit {limit}: {told}");
                    before.assert_restored(&host.tree());
                    refused += 1;
                }
                code => panic!("{name}, limit {limit}: {code:?}, signal {:?}: {told}", output.status.signal()),
            }
        }
        assert!(done == 3 && refused > 0, "{name}: {done} done, {refused} refused");
    }
}

fn is_listed(host: &Host) -> bool {
    fs::read_to_string(host.path("/etc/postfix/main.cf")).unwrap().contains("/etc/postfix-new")
}

#[test]
fn few_descriptors() {
    let limits: Vec<_> = (0..=40).collect();
    within_limits(Resource::RLIMIT_NOFILE, &limits);
    let host = Host::new();
    let complete = host.postmulti(&["-l"]).output().unwrap();
    for limit in limits {
        let limited = move || Ok(setrlimit(Resource::RLIMIT_NOFILE, limit, limit)?);
        let output = postmulti(&host, &["-l"], limited).output().unwrap();
        match output.status.code() {
            Some(0) => {
                assert_eq!((output.stdout, output.stderr), (complete.stdout.clone(), Vec::new()), "limit {limit}")
            }
            _ => assert!(!output.stderr.is_empty(), "limit {limit}: {}", output.status),
        }
    }
}

/// At the limit the system sends a signal that ends a process; the process that has a file half written must not end.
#[test]
fn small_files() {
    let host = Host::new();
    let largest = fs::metadata(host.path("/etc/postfix/main.cf.proto")).unwrap().len();
    let coarse = (0..=largest + 1000).step_by(largest as usize / 16);
    let limits: Vec<_> = [0, 1].into_iter().chain(coarse.skip(1)).chain([1 << 20, 2 << 20, 3 << 20]).collect();
    within_limits(Resource::RLIMIT_FSIZE, &limits);
}

/// A message, or anything else that is printed, never gets into a file that happens to have the descriptor.
#[test]
fn closed_descriptors() {
    for closed in 0..8 {
        let close_some = move || {
            (0..3)
                .filter(|descriptor| closed & (1 << descriptor) != 0)
                .try_for_each(|descriptor| Ok(close(descriptor)?))
        };
        for action in &ACTIONS {
            // So there is something to say: a directory that is listed, and is not there.
            let with_message = || {
                let host = action.prepared();
                host.list("$multi_instance_directories_before /etc/postfix-gone");
                host
            };
            let complete = with_message();
            let status = complete.postmulti(action.arguments).output().unwrap().status;
            let host = with_message();
            let output = postmulti(&host, action.arguments, close_some).output().unwrap();
            assert_eq!(output.status, status, "{:?}, closed {closed:03b}", action.arguments);
            complete.tree().assert_alike(&host.tree());
        }
        let host = Host::new();
        let before = host.tree();
        let output = postmulti(&host, &["-l"], close_some).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(output.stdout.is_empty(), closed & 2 != 0);
        let output = postmulti(&host, &["-l", "nosuch"], close_some).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(output.stderr.is_empty(), closed & 4 != 0);
        before.assert_untouched(&host.tree());
    }
}

#[test]
fn any_umask() {
    for action in &ACTIONS {
        let complete = action.done();
        for mask in [0, 0o077, 0o777] {
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

/// A host of thousands of instances: more than a pipe takes.
fn crowded() -> Host {
    let host = Host::new();
    let names: Vec<_> = (0..3000).map(|number| format!("postfix-with-a-long-name-{number}")).collect();
    for name in &names {
        let directory = host.path(&format!("/etc/{name}"));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("main.cf"), crate::host::own_parameters(name)).unwrap();
    }
    host.list(&names.iter().map(|name| format!("/etc/{name}")).collect::<Vec<_>>().join(" "));
    host
}

/// Has the table read to the end of its first line, as head(1) does it.
fn first_line_only(host: &Host, broken_pipe: SigHandler) -> Output {
    // SAFETY: no handler is set that could run.
    let handle = move || unsafe { signal(Signal::SIGPIPE, broken_pipe) }.map(drop).map_err(io::Error::from);
    let (reader, writer) = io::pipe().unwrap();
    let mut head = Command::new("head").arg("-n1").stdin(reader).stdout(Stdio::null()).spawn().unwrap();
    let output = postmulti(host, &["-l"], handle).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert!(head.wait().unwrap().success());
    output
}

#[test]
fn a_reader_that_has_seen_enough() {
    let host = crowded();
    let output = first_line_only(&host, SigHandler::SigDfl);
    assert_eq!((output.status.signal(), &*output.stderr), (Some(libc::SIGPIPE), &b""[..]));
    let output = first_line_only(&host, SigHandler::SigIgn);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*told), (Some(1), "postmulti: fatal: error writing output: Broken pipe\n"));
}

#[test]
fn a_full_device() {
    let host = Host::new();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let told = b"postmulti: fatal: error writing output: No space left on device\n";
    for arguments in [&["-l"][..], &["-lj"], &["--help"], &["--version"], &["-e", "init", "--dry-run"]] {
        uninitialise(&host);
        let output = postmulti(&host, arguments, || Ok(())).stdout(full()).output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(1), &told[..]), "{arguments:?}");
    }
    // What cannot be told is no reason to leave anything undone.
    let output = postmulti(&Host::new(), &["-l", "nosuch"], || Ok(())).stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}
