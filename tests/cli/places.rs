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

/// A warning that ends like this; everything is listed.
fn is_served(host: &Host, message: &str) {
    let message = format!("postmulti: warning: instance /etc/postfix-new, {message}\n");
    host.postmulti(&["-l"]).assert().code(0).stdout(contains(" /etc/postfix-new\n")).stderr(ends_with(message));
}

#[test]
fn the_same_spelling_leaves_the_later_instance_out() {
    let host = with_queue("/var/spool/postfix-in");
    let reason = "instance /etc/postfix-new, queue_directory=/var/spool/postfix-in conflicts with \
                  instance /etc/postfix-in, queue_directory=/var/spool/postfix-in\n";
    let others = contains("/etc/postfix\n").and(contains("/etc/postfix-in\n")).and(contains("-new").not());
    let warning = format!("postmulti: warning: instance /etc/postfix-new is left out: {reason}");
    host.postmulti(&["-l"]).assert().code(1).stdout(others).stderr(ends_with(warning));
    host.postmulti(&["-l", "-i", "in"]).assert().code(0);
    host.postmulti(&["-l", "-i", "new"]).assert().code(1).stdout("");
    let selected = host.postmulti(&["-l", "-i", "/etc/postfix-new"]).assert();
    let warning = format!("postmulti: warning: {reason}");
    selected.code(0).stdout(ends_with(" /etc/postfix-new\n")).stderr(ends_with(warning));
}

#[test]
fn other_spellings_of_a_queue_directory_are_served() {
    for other in ["/var/spool/postfix-in/", "/var/spool/../spool/postfix-in", "/var/spool/./postfix-in"] {
        let message = format!(
            "queue_directory={other} conflicts with instance /etc/postfix-in, \
             queue_directory=/var/spool/postfix-in: they are the same directory"
        );
        is_served(&with_queue(other), &message);
    }
}

#[test]
fn a_symbolic_link_to_anothers_queue_is_served() {
    let host = with_queue("/srv/queue");
    fs::create_dir(host.path("/srv")).unwrap();
    symlink("/var/spool/postfix-in", host.path("/srv/queue")).unwrap();
    host.postmulti(&["-l"]).assert().success().stderr(contains("they are the same directory"));
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
    host.postmulti(&["-l"]).assert().success().stderr(contains(message).or(contains(other)));
}

#[test]
fn a_queue_inside_anothers_is_served() {
    is_served(
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

#[test]
fn the_primary_on_its_own_list_is_one_instance() {
    let host = Host::new();
    host.list("/etc/postfix");
    let warning =
        "postmulti: warning: multi_instance_directories lists /etc/postfix, the primary itself: this has no effect\n";
    host.postmulti(&["-l"]).assert().success().stdout(contains(" /etc/postfix\n").count(1)).stderr(warning);
}

/// An empty value claims nothing: two instances may have none.
#[test]
fn directories_without_a_value_are_served() {
    let host = Host::new();
    for name in ["postfix-x", "postfix-y"] {
        host.instance(name, "queue_directory =\ndata_directory =\n");
    }
    let warning = "postmulti: warning: /etc/postfix-y/main.cf, line 5: data_directory has no value\n";
    host.postmulti(&["-l"]).assert().success().stdout(contains("/etc/postfix-y\n")).stderr(ends_with(warning));
    let damaged = "data_directory has no value; queue_directory has no value\n";
    host.postmulti(&["--status", "-i", "/etc/postfix-x"]).assert().code(1).stderr(ends_with(damaged));
}
