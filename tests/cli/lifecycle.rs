//! The life of an instance: its names, its place on the list, and what is asked of it.

use crate::host::Host;
use std::fs;

fn listed(host: &Host) -> String {
    let text = fs::read_to_string(host.path("/etc/postfix/main.cf")).unwrap();
    let list = text.lines().find_map(|line| line.strip_prefix("multi_instance_directories = ")).unwrap();
    list.replace("/etc/postfix-", "")
}

fn row(host: &Host, instance: &str) -> String {
    let list = host.postmulti(&["-l", "-i", instance]).assert().success().get_output().stdout.clone();
    String::from_utf8(list).unwrap()
}

#[test]
fn a_place_on_the_list() {
    for (place, expected) in [
        (&[][..], "out in new"),
        (&["-a"], "new out in"),
        (&["-i", "in"], "out new in"),
        (&["-i", "/etc/postfix-in"], "out new in"),
        (&["-i", "out"], "new out in"),
        (&["-g", "mta"], "new out in"),
    ] {
        let host = Host::as_root();
        host.does(&[place, &["-I", "postfix-new", "-e", "create"]].concat());
        assert_eq!(listed(&host), expected);
        host.does(&["-i", "new", "-e", "deport"]);
        assert_eq!(listed(&host), "out in");
        host.does(&[place, &["-e", "import", "config_directory=/etc/postfix-new"]].concat());
        assert_eq!(listed(&host), expected);
    }
    let host = Host::as_root();
    for place in [["-g", "nobody"], ["-i", "nobody"], ["-i", "-"]] {
        let create = ["-I", "postfix-new", "-e", "create"];
        host.refuses(&[&place, &create[..]].concat(), "No matching secondary instances");
    }
}

#[test]
fn names_and_groups() {
    let host = Host::as_root();
    host.does(&["-I", "postfix-new", "-G", "mta", "-e", "create"]);
    assert_eq!(row(&host, "new"), "postfix-new     mta             n         /etc/postfix-new\n");
    host.does(&["-i", "new", "-I", "postfix-a!@%-_=+:.1", "-G", "a/b", "-e", "assign"]);
    assert_eq!(row(&host, "a!@%-_=+:.1"), "postfix-a!@%-_=+:.1 a/b             n         /etc/postfix-new\n");
    host.does(&["-i", "/etc/postfix-new", "-I", "-", "-G", "-", "-e", "assign"]);
    assert_eq!(row(&host, "/etc/postfix-new"), "-               -               n         /etc/postfix-new\n");
    host.does(&["-i", "-", "-G", "first", "-e", "assign"]);
    assert_eq!(row(&host, "-"), "-               first           y         /etc/postfix\n");
    host.does(&["-i", "/etc/postfix-new", "-e", "enable"]);
    assert_eq!(row(&host, "/etc/postfix-new"), "-               -               y         /etc/postfix-new\n");
    for (name, message) in [
        ("postfix-a b", "Unsafe characters in new instance name: 'postfix-a b'"),
        ("postfix-a/b", "Illegal '/' character in new instance name: 'postfix-a/b'"),
        ("new", "New instance name must start with 'postfix-'"),
    ] {
        for arguments in [&["-e", "create"][..], &["-e", "import"], &["-i", "out", "-e", "assign"]] {
            host.refuses(&[&["-I", name], arguments].concat(), message);
        }
    }
    host.refuses(&["-i", "out", "-G", "a b", "-e", "assign"], "Unsafe characters in '-G a b'");
    let taken = "instance /etc/postfix-out, multi_instance_name=postfix-in conflicts with instance /etc/postfix-in, \
                 multi_instance_name=postfix-in";
    host.refuses(&["-i", "out", "-I", "postfix-in", "-e", "assign"], taken);
}

#[test]
fn elsewhere_and_back() {
    let host = Host::as_root();
    host.does(&["-I", "postfix-new", "-e", "create"]);
    let before = host.tree();
    host.does(&["-i", "new", "-e", "deport"]);
    let main_cf = fs::read_to_string(host.path("/etc/postfix/main.cf")).unwrap();
    assert!(main_cf.ends_with("\nalternate_config_directories = /etc/postfix-new\n"), "{main_cf}");
    host.refuses(&["-i", "new", "-e", "enable"], "No instance named new");
    host.does(&["-e", "import", "config_directory=/etc/postfix-new"]);
    let main_cf = fs::read_to_string(host.path("/etc/postfix/main.cf")).unwrap();
    assert!(main_cf.ends_with("\nalternate_config_directories = \n"), "{main_cf}");
    let kept = main_cf.strip_suffix("alternate_config_directories = \n").unwrap();
    fs::write(host.path("/etc/postfix/main.cf"), kept).unwrap();
    before.assert_alike(&host.tree());
}

#[test]
fn before_init() {
    let host = Host::as_root();
    let main_cf = host.path("/etc/postfix/main.cf");
    let text = fs::read_to_string(&main_cf).unwrap();
    fs::write(&main_cf, text.replace("multi_instance_wrapper", "#multi_instance_wrapper")).unwrap();
    let refused = |message: &str| {
        for arguments in [
            &["-I", "postfix-new", "-e", "create"][..],
            &["-i", "out", "-e", "disable"],
            &["-i", "out", "-G", "other", "-e", "assign"],
        ] {
            host.refuses(arguments, message);
        }
    };
    refused("multi_instance_wrapper is empty, run 'postmulti -e init' first.");
    host.does(&["-i", "out", "-G", "mta", "-e", "assign"]);
    fs::write(&main_cf, text.replace("multi_instance_enable = yes", "multi_instance_enable = no")).unwrap();
    refused("multi_instance_enable!=yes, run 'postmulti -e init' first.");
    host.does(&["-e", "init"]);
    assert_eq!(fs::read_to_string(&main_cf).unwrap(), text);
}

/// Other spellings of what is there already.
#[test]
fn configuration_directories_that_are_one() {
    let host = Host::as_root();
    std::os::unix::fs::symlink("postfix-in", host.path("/etc/link")).unwrap();
    for spelling in ["/etc/../etc/postfix-in", "/etc/./postfix-in", "/etc//postfix-in", "/etc/link"] {
        for action in ["create", "import"] {
            let before = host.tree();
            let operand = format!("config_directory={spelling}");
            let output = host.postmulti(&["-I", "postfix-new", "-e", action, &operand]).output().unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            assert!(told.contains(" conflicts with instance /etc/postfix-in, "), "{action} {spelling}: {told}");
            assert_eq!(output.status.code(), Some(1));
            before.assert_restored(&host.tree());
        }
    }
}
