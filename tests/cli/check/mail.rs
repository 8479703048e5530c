//! Mail that nobody delivers, and queues that can take none.

use super::{clean, finds, line, set};
use crate::host::Host;
use std::fs;

/// A message in the queue of postfix-in.
fn queued(host: &Host) {
    let queue = host.path("/var/spool/postfix-in/deferred/A");
    fs::create_dir_all(&queue).unwrap();
    std::os::unix::fs::chown(queue.parent().unwrap(), Some(super::POSTFIX), None).unwrap();
    fs::write(queue.join("ABCDEF"), "").unwrap();
}

#[test]
fn in_an_instance_that_is_disabled() {
    let host = clean();
    queued(&host);
    finds(&host, &[]);
    set(&host, "/etc/postfix-in", "multi_instance_enable", "no");
    let number = line(&host, "/etc/postfix-in/main.cf", "multi_instance_enable");
    let expected = format!(
        "warning mail /etc/postfix-in /etc/postfix-in/main.cf:{number}: it is disabled and stopped, and has mail: 1 in deferred"
    );
    finds(&host, &[&expected]);
    // As master(8) does.
    let lock = fs::File::open(host.path("/var/spool/postfix-in/pid/master.pid")).unwrap();
    lock.lock().unwrap();
    let expected = format!(
        "warning running /etc/postfix-in /etc/postfix-in/main.cf:{number}: it runs though it is disabled: 'postmulti -p \
         stop' passes it over"
    );
    finds(&host, &[&expected]);
    drop(lock);
    fs::remove_dir_all(host.path("/var/spool/postfix-in/deferred")).unwrap();
    finds(&host, &[]);
}

#[test]
fn in_an_instance_that_is_deported() {
    let host = clean();
    host.list("/etc/postfix-out");
    set(&host, "/etc/postfix", "alternate_config_directories", "/etc/postfix-in");
    finds(&host, &[]);
    queued(&host);
    finds(
        &host,
        &[
            "warning mail /etc/postfix /etc/postfix-in/main.cf: /etc/postfix-in is deported, and has mail: 1 in deferred",
        ],
    );
    // Now it is another configuration of an instance that is listed, and delivers.
    set(&host, "/etc/postfix-out", "queue_directory", "/var/spool/postfix-in");
    finds(&host, &[]);
}

/// smtpd(8) refuses mail then; tests/tutorial has it do so.
#[test]
fn no_room() {
    let host = clean();
    let limit = u64::MAX / 4;
    set(&host, "/etc/postfix-in", "message_size_limit", &limit.to_string());
    let expected = format!(
        "error disk-space /etc/postfix-in /var/spool/postfix-in: no more than {} MB are free on its file system, so that it \
         takes no mail",
        (limit + limit / 2).div_ceil(1_000_000)
    );
    finds(&host, &[&expected]);
    // It is the file system of all.
    assert_eq!(super::findings(&host, &["-i", "out"]), [expected]);
    set(&host, "/etc/postfix-in", "message_size_limit", "1");
    finds(&host, &[]);
    set(&host, "/etc/postfix-in", "queue_minfree", &limit.to_string());
    assert_eq!(super::findings(&host, &[]).len(), 1);
}
