//! Limits of the process: however tight, an action is done, or it is an error and all is as it was.

use crate::environment::{ACTIONS, DESTROY, postmulti};
use crate::host::Host;
use nix::sys::resource::{Resource, setrlimit};
use std::fs;
use std::os::unix::process::ExitStatusExt;

/// Does everything under one limit after the other, each wider than the one before, until it was done twice. Until
/// then it is an error, and all is as it was; but what destroy has not removed any more, it removes when it is run again.
fn within_limits(resource: Resource, limits: &[u64]) {
    for action in &ACTIONS {
        let name = action.arguments.join(" ");
        let complete = action.done();
        let mut host = action.prepared();
        let (mut done, mut refused) = (0, 0);
        for &limit in limits {
            if done == 2 {
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
        assert!(done == 2 && refused > 0, "{name}: {done} done, {refused} refused");
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
    let limits: Vec<_> = [0, 1].into_iter().chain(coarse.skip(1)).chain([1 << 20, 2 << 20]).collect();
    within_limits(Resource::RLIMIT_FSIZE, &limits);
}
