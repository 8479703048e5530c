//! How often files and directories are opened: once, unless something is in doubt.

use crate::check::clean;
use crate::host::Host;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::collections::BTreeMap;

const MAIN_CF: [&str; 3] = ["/etc/postfix/main.cf", "/etc/postfix-out/main.cf", "/etc/postfix-in/main.cf"];

/// Runs postmulti, and returns how often it opened each of these absolute paths of the host.
fn opened<const N: usize>(host: &Host, arguments: &[&str], paths: [&str; N]) -> [usize; N] {
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK).unwrap();
    // Of equal events in a row, the kernel reports one: so that no open is lost, each close is reported, too.
    let what = AddWatchFlags::IN_OPEN | AddWatchFlags::IN_CLOSE;
    let watch = |path: &str| inotify.add_watch(&host.path(path), what).unwrap();
    let watches = paths.map(watch);
    host.postmulti(arguments).output().unwrap();
    let mut counts = BTreeMap::new();
    while let Ok(events) = inotify.read_events() {
        // A directory also reports what is opened in it.
        let itself = events.iter().filter(|event| event.name.is_none() && event.mask.contains(AddWatchFlags::IN_OPEN));
        itself.for_each(|event| *counts.entry(event.wd).or_default() += 1);
    }
    watches.map(|watch| counts.get(&watch).copied().unwrap_or_default())
}

#[test]
fn without_doubt_each_main_cf_is_read_once() {
    for mode in [&["-l"][..], &["--status"], &["--check"]] {
        assert_eq!(opened(&clean(), mode, MAIN_CF), [1, 1, 1], "{mode:?}");
    }
}

#[test]
fn a_broken_main_cf_is_read_again_and_no_other() {
    let host = clean();
    host.add("/etc/postfix-out", b"broken\n");
    for mode in [&["-l"][..], &["--status"], &["--check"]] {
        assert_eq!(opened(&host, mode, MAIN_CF), [2, 2, 1], "{mode:?}");
    }
}

#[test]
fn a_queue_is_counted_again_only_where_something_is_wrong() {
    let host = Host::new();
    for instance in ["postfix", "postfix-out", "postfix-in"] {
        std::fs::create_dir_all(host.path(&format!("/var/spool/{instance}/deferred"))).unwrap();
    }
    let queues = ["/var/spool/postfix/deferred", "/var/spool/postfix-in/deferred"];
    host.add("/etc/postfix-out", b"broken\n");
    assert_eq!(opened(&host, &["--status"], queues), [1, 1]);
    std::fs::remove_file(host.path("/etc/postfix-in/master.cf")).unwrap();
    assert_eq!(opened(&host, &["--status"], queues), [1, 2]);
}

/// --check counts mail of disabled instances. That they have some is no reason to count it again.
#[test]
fn check_counts_mail_once() {
    let host = Host::new();
    std::fs::create_dir_all(host.path("/var/spool/postfix-in/deferred")).unwrap();
    std::fs::write(host.path("/var/spool/postfix-in/deferred/1ABCDE"), "").unwrap();
    host.add("/etc/postfix-in", b"multi_instance_enable = no\n");
    assert_eq!(opened(&host, &["--check"], ["/var/spool/postfix-in/deferred"]), [1]);
}
