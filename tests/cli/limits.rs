//! Input beyond all measure gets an answer, and no panic.

use crate::host::Host;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, ends_with};
use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

#[test]
fn a_value_defined_by_itself() {
    let host = Host::new();
    host.add("/etc/postfix-out", b"a = $a\nmulti_instance_name = $a\n");
    let complaint = contains("multi_instance_name: unreasonable macro call nesting: \"a\"");
    host.postmulti(&["-l"]).assert().code(1).stderr(complaint);
    let host = Host::new();
    host.add("/etc/postfix", b"a = $b\nb = x$a\nmulti_instance_name = $a\n");
    host.postmulti(&["-l"]).assert().code(1).stderr(ends_with("fatal: dictionary mail_dict: macro processing error\n"));
}

#[test]
fn a_loop_through_a_comparison() {
    let host = Host::new();
    host.add("/etc/postfix-out", b"a = ${{$a} == {x} ? {y} : {z}}\nmulti_instance_name = $a\n");
    host.postmulti(&["-l"]).assert().code(1).stderr(contains("expands to more than can be meant"));
}

#[test]
fn a_hundred_levels() {
    let chain = |levels: usize| -> String {
        (0..levels)
            .map(|level| format!("v{level} = $v{}\n", level + 1))
            .chain([format!("v{levels} = deep\n")])
            .collect()
    };
    let host = Host::new();
    host.add("/etc/postfix-out", (chain(99) + "multi_instance_group = $v0\n").as_bytes());
    host.postmulti(&["-l", "-i", "out"]).assert().success().stdout(contains(" deep "));
    let host = Host::new();
    host.add("/etc/postfix-out", (chain(102) + "multi_instance_group = $v0\n").as_bytes());
    host.postmulti(&["-l"]).assert().code(1).stderr(contains("unreasonable macro call nesting"));
}

#[test]
fn a_value_that_doubles_itself() {
    let host = Host::new();
    let doubling: String = (0..90).map(|level| format!("v{level} = $v{0}$v{0}\n", level + 1)).collect();
    host.add("/etc/postfix-out", (doubling + "v90 = x\nmulti_instance_name = $v0\n").as_bytes());
    let started = Instant::now();
    host.postmulti(&["-l"]).assert().code(1).stderr(contains("expands to more than can be meant"));
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_line_of_ten_megabytes() {
    let host = Host::new();
    host.add("/etc/postfix-out", format!("smtpd_banner = {}\n", "x".repeat(10 << 20)).as_bytes());
    host.postmulti(&["-l"]).assert().success().stderr("");
}

#[test]
fn a_file_of_a_hundred_megabytes() {
    let host = Host::new();
    host.add("/etc/postfix-out", b"# a hole of a hundred megabytes:");
    let mut file = OpenOptions::new().append(true).open(host.path("/etc/postfix-out/main.cf")).unwrap();
    file.set_len(file.metadata().unwrap().len() + (100 << 20)).unwrap();
    file.write_all(b"\nmulti_instance_group = late\n").unwrap();
    host.postmulti(&["-l", "-g", "late"]).assert().success().stdout(contains("postfix-out"));
}

#[test]
fn ten_thousand_directories() {
    let host = Host::new();
    let gone: Vec<_> = (0..10_000).map(|number| format!("/etc/postfix-{number}")).collect();
    host.list(&format!("/etc/postfix-out, {}, /etc/postfix-in", gone.join(" ")));
    let assert = host.postmulti(&["-l"]).assert().code(1).stdout(contains("postfix-out").and(contains("postfix-in")));
    let warnings = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    let expected = gone.iter().map(|directory| {
        format!(
            "postmulti: warning: instance {directory} is left out: \
             open {directory}/main.cf: No such file or directory\n"
        )
    });
    assert_eq!(warnings, expected.collect::<String>());
}

/// Values of one secondary that a careless program could not bear, on its stack or at all.
fn unreasonable_values() -> Vec<String> {
    vec![
        "/a".repeat(7000),
        "/a".repeat(2000),
        "/..".repeat(5000),
        "/./".repeat(1300),
        format!("/{}", "x".repeat(100_000)),
        format!("{}x{}", "${nosuch:{".repeat(5000), "}}".repeat(5000)),
        format!("{}x{}", "${{".repeat(500), "}=={x}?{y}:{x}}".repeat(500)),
        "{".repeat(100_000),
        "$(".repeat(100_000),
        "$queue_directory$data_directory".to_owned(),
        ", ".repeat(100_000),
    ]
}

/// Every mode gives an answer, whichever parameter has such a value: the other instances are served.
#[test]
fn no_value_brings_a_mode_down() {
    let modes: [&[&str]; 4] = [&["-l"], &["--status"], &["--check"], &["-e", "disable", "-i", "in", "--dry-run"]];
    for value in unreasonable_values() {
        for parameter in ["queue_directory", "multi_instance_name", "inet_interfaces"] {
            let host = Host::new();
            host.add("/etc/postfix-out", format!("{parameter} = {value}\n").as_bytes());
            for mode in modes {
                let output = host.postmulti(mode).output().unwrap();
                let shown = value.chars().take(30).collect::<String>();
                assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{mode:?}, {parameter} = {shown}: {output:?}");
            }
            host.postmulti(&["-l", "-i", "in"]).assert().success().stdout(contains("postfix-in"));
        }
    }
}

/// Threads have smaller stacks.
#[test]
fn deep_paths_of_many_instances_are_listed() {
    let host = Host::new();
    for number in 0..100 {
        let path = format!("/{number}{}", "/a".repeat(1900));
        host.instance(&format!("postfix-{number}"), &format!("queue_directory = {path}\n"));
    }
    host.add("/etc/postfix-out", format!("queue_directory = {}\n", "/a".repeat(7000)).as_bytes());
    host.postmulti(&["-l"]).assert().success().stdout(contains("postfix-99").and(contains("postfix-out")));
    host.postmulti(&["--check"]).assert().code(1);
}
