//! Directories that are one, however they are spelled, and directories inside one another.

use crate::host::{Host, own_parameters};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, ends_with};
use std::fs;
use std::os::unix::fs::symlink;

fn with_queue(queue: &str) -> Host {
    let host = Host::new();
    host.instance("postfix-new", &format!("queue_directory = {queue}\n"));
    host
}

fn conflicts(host: &Host, message: &str) {
    let message = format!("postmulti: fatal: instance /etc/postfix-new, {message}\n");
    host.postmulti(&["-l"]).assert().code(1).stdout("").stderr(ends_with(message));
}

#[test]
fn the_same_spelling() {
    conflicts(
        &with_queue("/var/spool/postfix-in"),
        "queue_directory=/var/spool/postfix-in conflicts with instance /etc/postfix-in, queue_directory=/var/spool/postfix-in",
    );
}

#[test]
fn other_spellings() {
    for other in ["/var/spool/postfix-in/", "/var/spool/../spool/postfix-in", "/var/spool/./postfix-in"] {
        let message = format!(
            "queue_directory={other} conflicts with instance /etc/postfix-in, \
             queue_directory=/var/spool/postfix-in: they are the same directory"
        );
        conflicts(&with_queue(other), &message);
    }
}

#[test]
fn a_symbolic_link() {
    let host = with_queue("/srv/queue");
    fs::create_dir(host.path("/srv")).unwrap();
    symlink("/var/spool/postfix-in", host.path("/srv/queue")).unwrap();
    host.postmulti(&["-l"]).assert().code(1).stderr(contains("they are the same directory"));
}

/// Among so many, the directory is listed in place of looking at each of its entries.
#[test]
fn a_symbolic_link_among_many() {
    let host = with_queue("/var/spool/postfix-link");
    for number in 0..100 {
        host.instance(&format!("postfix-{number}"), "");
    }
    host.postmulti(&["-l"]).assert().success();
    symlink("postfix-77", host.path("/var/spool/postfix-link")).unwrap();
    fs::create_dir(host.path("/var/spool/postfix-77")).unwrap();
    let message = "queue_directory=/var/spool/postfix-77: they are the same directory";
    let other = "queue_directory=/var/spool/postfix-link: they are the same directory";
    host.postmulti(&["-l"]).assert().code(1).stdout("").stderr(contains(message).or(contains(other)));
}

#[test]
fn inside_anothers_queue() {
    conflicts(
        &with_queue("/var/spool/postfix-in/new"),
        "queue_directory=/var/spool/postfix-in/new conflicts with instance /etc/postfix-in, \
         queue_directory=/var/spool/postfix-in: it lies inside",
    );
}

#[test]
fn what_only_begins_alike_is_another_directory() {
    with_queue("/var/spool/postfix-in.new").postmulti(&["-l"]).assert().success();
}

#[test]
fn configuration_directories_may_be_nested() {
    let host = Host::new();
    fs::create_dir(host.path("/etc/postfix/new")).unwrap();
    fs::write(host.path("/etc/postfix/new/main.cf"), own_parameters("postfix-new")).unwrap();
    host.list("/etc/postfix/new");
    host.postmulti(&["-l"])
        .assert()
        .success()
        .stdout(ends_with("postfix-new     -               n         /etc/postfix/new\n"));
}

#[test]
fn listed_twice_is_one_instance() {
    let host = Host::new();
    host.list("/etc/postfix-in /etc/postfix-in");
    let warning =
        "postmulti: warning: multi_instance_directories lists /etc/postfix-in more than once: the first place counts\n";
    let once = predicates::str::contains("/etc/postfix-in").count(1).and(contains("postfix-out").not());
    host.postmulti(&["-l"]).assert().success().stdout(once).stderr(warning);
}
