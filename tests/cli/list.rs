//! Listing and selecting.

use crate::host::Host;

/// What the original prints for this host (its columns are `%-15s %-15s %-9s %s`).
const PRIMARY: &str = "-               -               y         /etc/postfix\n";
const OUT: &str = "postfix-out     mta             y         /etc/postfix-out\n";
const IN: &str = "postfix-in      mta             y         /etc/postfix-in\n";

fn lists(arguments: &[&str], rows: &[&str]) {
    Host::new().postmulti(arguments).assert().success().stdout(rows.concat()).stderr("");
}

#[test]
fn all_in_the_order_of_the_list() {
    lists(&["-l"], &[PRIMARY, OUT, IN]);
    lists(&["-l", "-a"], &[PRIMARY, OUT, IN]);
    lists(&["-lR"], &[IN, OUT, PRIMARY]);
    lists(&["-lRR"], &[PRIMARY, OUT, IN]);
}

#[test]
fn by_group_and_by_name() {
    lists(&["-l", "-g", "mta"], &[OUT, IN]);
    lists(&["-l", "-g", "-"], &[]);
    lists(&["-l", "-i", "-"], &[PRIMARY]);
    lists(&["-l", "-i", "postfix-in"], &[IN]);
    lists(&["-l", "-i", "in"], &[IN]);
    lists(&["-l", "-i", "/etc/postfix-in"], &[IN]);
    lists(&["-l", "-i", "/etc/postfix-in/"], &[]);
    lists(&["-l", "-i", "postfix"], &[]);
}

#[test]
fn narrowed_by_what_is_shown() {
    for all in ["*", "!x*", "{-,postfix-*}", "/etc/*"] {
        lists(&["-l", "--match", all], &[PRIMARY, OUT, IN]);
    }
    lists(&["-l", "--match", "postfix-*"], &[OUT, IN]);
    lists(&["-l", "--match", "o?t"], &[OUT]);
    lists(&["-l", "--match", "-"], &[PRIMARY]);
    lists(&["-l", "--match=!*t"], &[PRIMARY, IN]);
    lists(&["-lR", "--match", "/etc/postfix-[io]*"], &[IN, OUT]);
    lists(&["-l", "-g", "mta", "--match", "[!i]*"], &[OUT, IN]);
    lists(&["-l", "-g", "mta", "--match", "!in"], &[OUT]);
}

/// A pattern is ours; without one, the original prints nothing.
#[test]
fn match_that_selects_nothing_is_fatal() {
    let host = Host::new();
    for pattern in ["", "x*", "!*", "/etc/x*"] {
        host.refuses(&["-l", "--match", pattern], "No matching instances");
    }
    host.refuses(&["-lj", "-i", "in", "--match", "out"], "No matching instances");
    host.refuses(&["-l", "--match", "in", "--disabled"], "No matching instances");
    host.refuses(&["-l", "--match", "["], "Invalid '--match' value '['. Specify a pattern");
}

#[test]
fn narrowed_by_whether_it_is_enabled() {
    let host = Host::new();
    host.add("/etc/postfix-in", b"multi_instance_enable = no\n");
    let lists = |arguments: &[&str], rows: &[&str]| {
        host.postmulti(arguments).assert().success().stdout(rows.concat());
    };
    let disabled = IN.replace(" y ", " n ");
    lists(&["-l", "--enabled"], &[PRIMARY, OUT]);
    lists(&["-l", "--disabled"], &[&disabled]);
    lists(&["-l", "--disabled", "--disabled", "-i", "out"], &[]);
    lists(&["-l", "--enabled", "-i", "in"], &[]);
}

#[test]
fn a_broken_instance_is_missed_where_its_name_could_match() {
    let host = Host::new();
    host.add("/etc/postfix-out", b"broken\n");
    for (pattern, code) in [("*", 1), ("in", 1), ("!in", 1), ("/etc/*-in", 0), ("/etc/*-out", 1), ("!/etc/*-out", 0)] {
        let run = host.postmulti(&["-l", "--match", pattern]).assert();
        run.code(code).stderr(predicates::str::contains("instance /etc/postfix-out is left out"));
    }
}

#[test]
fn as_json() {
    let out = r#"{"name": "postfix-out","group": "mta","enabled": "y","config_directory": "/etc/postfix-out"}"#;
    lists(&["-lj", "-i", "out"], &[out, "\n"]);
}

#[test]
fn long_names_are_the_letters() {
    lists(&["--list", "--reverse", "--group=mta"], &[IN, OUT]);
    lists(&["--list", "--instance", "in"], &[IN]);
}

#[test]
fn a_primary_without_secondaries_is_enabled() {
    let host = Host::new();
    host.list(" ,, ");
    host.add("/etc/postfix", b"multi_instance_enable = no\n");
    host.postmulti(&["-l"]).assert().success().stdout(PRIMARY);
}

#[test]
fn commands_below_a_root_take_privilege() {
    let host = Host::new();
    let program = assert_cmd::cargo::cargo_bin("postmulti");
    let mut command = std::process::Command::new(program);
    command.arg("--root").arg(host.path("/")).args(["-x", "true"]);
    if nix::unistd::geteuid().is_root() {
        use std::os::unix::process::CommandExt;
        std::fs::set_permissions(host.path("/"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        command.uid(65534);
    }
    assert_cmd::Command::from_std(command)
        .assert()
        .code(1)
        .stderr(predicates::str::contains("running commands there takes chroot(2), which only root may use"));
}
