//! Standard output that nobody reads to its end, or that is full.

use crate::environment::{postmulti, uninitialise};
use crate::host::{Host, own_parameters};
use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};

/// A host of thousands of instances: more than a pipe takes.
fn crowded() -> Host {
    let host = Host::new();
    let names: Vec<_> = (0..3000).map(|number| format!("postfix-with-a-long-name-{number}")).collect();
    for name in &names {
        let directory = host.path(&format!("/etc/{name}"));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("main.cf"), own_parameters(name)).unwrap();
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
