//! Many at once: they take turns, and nobody's work is lost.

use crate::host::Host;
use std::fs;
use std::process::{Child, Command, Stdio};

fn start(host: &Host, arguments: &[&str]) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("postmulti"));
    command.arg("--root").arg(host.path("/")).args(["--lock-timeout", "300"]).args(arguments);
    command.env_remove("MAIL_CONFIG").stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for all of them; each has done its work, and may have said that it waits.
fn all_done(running: Vec<Child>) {
    for child in running {
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.lines().all(|line| line.starts_with("postmulti: warning: waiting for /etc/postfix")), "{told}");
        assert_eq!(output.status.code(), Some(0));
    }
}

fn listed(host: &Host) -> Vec<String> {
    let text = fs::read_to_string(host.path("/etc/postfix/main.cf")).unwrap();
    let mut lists = text.lines().filter_map(|line| line.strip_prefix("multi_instance_directories = "));
    let mut directories: Vec<String> = lists.next().unwrap().split(' ').map(str::to_owned).collect();
    assert_eq!(lists.next(), None);
    directories.sort();
    directories
}

fn names(numbers: impl Iterator<Item = usize>) -> Vec<String> {
    let mut names: Vec<String> = numbers.map(|number| format!("/etc/postfix-{number}")).collect();
    names.extend(["/etc/postfix-in", "/etc/postfix-out"].map(str::to_owned));
    names.sort();
    names
}

#[test]
fn fifty_instances_are_created_while_others_are_edited() {
    let host = Host::as_root();
    let mut running = Vec::new();
    for number in 0..50_usize {
        running.push(start(&host, &["-I", &format!("postfix-{number}"), "-e", "create"]));
        if number.is_multiple_of(5) {
            running
                .push(start(&host, &["-i", "out", "-e", if number.is_multiple_of(2) { "disable" } else { "enable" }]));
            running.push(start(&host, &["-i", "in", "-G", &format!("group-{number}"), "-e", "assign"]));
        }
    }
    all_done(running);
    assert_eq!(listed(&host), names(0..50));
    host.assert_tidy();
    let list = host.postmulti(&["-l"]).assert().success().stderr("").get_output().stdout.clone();
    assert_eq!(String::from_utf8(list).unwrap().lines().count(), 53);

    // And away with every other one, while more come.
    let mut running = Vec::new();
    for number in 0..20_usize {
        let name = format!("postfix-{number}");
        running.push(if number.is_multiple_of(2) {
            start(&host, &["-i", &name, "-e", "destroy"])
        } else {
            start(&host, &["-I", &format!("postfix-{}", 50 + number), "-e", "create"])
        });
    }
    all_done(running);
    assert_eq!(listed(&host), names((1..20).step_by(2).chain(20..50).chain((51..70).step_by(2))));
    for number in (0..20).step_by(2) {
        for directory in ["/etc", "/var/spool", "/var/lib"] {
            assert!(!host.path(&format!("{directory}/postfix-{number}")).exists());
        }
    }
    host.assert_tidy();
}

/// One of them makes it. The others come too late, or find it whole.
#[test]
fn the_same_instance_is_created_once() {
    let (host, alone) = (Host::as_root(), Host::as_root());
    let create = ["-I", "postfix-new", "-e", "create"];
    alone.does(&create);
    let running: Vec<Child> = (0..8).map(|_| start(&host, &create)).collect();
    let outputs: Vec<_> = running.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    assert_eq!(outputs.iter().filter(|output| output.status.success()).count(), 1);
    for output in outputs.iter().filter(|output| !output.status.success()) {
        let told = String::from_utf8_lossy(&output.stderr);
        let in_use = "fatal: new config_directory=/etc/postfix-new is already in use by instance /etc/postfix-new, \
                      config_directory=/etc/postfix-new\n";
        assert!(told.ends_with(in_use), "{told}");
    }
    alone.tree().assert_alike(&host.tree());
}

/// An edit by another tool, which follows the same protocol, is not lost.
#[test]
fn edits_of_one_file() {
    let host = Host::as_root();
    let edit = |number: usize| {
        let group = format!("group-{number}");
        start(&host, &["-i", "out", "-G", &group, "-e", "assign"])
    };
    let toggle =
        |number: usize| start(&host, &["-i", "out", "-e", if number.is_multiple_of(2) { "disable" } else { "enable" }]);
    all_done(
        (0..30_usize).map(|number| if number.is_multiple_of(3) { toggle(number) } else { edit(number) }).collect(),
    );
    let expected = fs::read_to_string(Host::new().path("/etc/postfix-out/main.cf")).unwrap();
    let main_cf = fs::read_to_string(host.path("/etc/postfix-out/main.cf")).unwrap();
    assert_eq!(main_cf.lines().count(), expected.lines().count());
    let changed = expected.lines().zip(main_cf.lines()).filter(|(one, other)| one != other);
    let names: Vec<_> = changed.map(|(_, line)| line.split(' ').next().unwrap().to_owned()).collect();
    assert!(names.contains(&"multi_instance_group".to_owned()), "{names:?}");
    assert!(names.iter().all(|name| name == "multi_instance_group" || name == "multi_instance_enable"), "{names:?}");
    host.assert_tidy();
}
