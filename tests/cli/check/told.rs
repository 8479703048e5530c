//! How findings are told, and which of them.

use super::{clean, findings, line, remedies, set};
use crate::host::Host;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

/// postfix-out and postfix-in want the same port, and postfix-in has a parameter twice.
fn troubled() -> Host {
    let host = clean();
    super::replace(&host, "/etc/postfix-in/master.cf", "smtp            inet", "127.0.0.1:10026 inet");
    host.add("/etc/postfix-in", b"relay_domains = example.org\n");
    host
}

#[test]
fn as_text() {
    let host = troubled();
    let [first, last] = ["relay_domains = example.com", "relay_domains = example.org"]
        .map(|begin| line(&host, "/etc/postfix-in/main.cf", begin));
    let [here, there] =
        ["in", "out"].map(|name| line(&host, &format!("/etc/postfix-{name}/master.cf"), "127.0.0.1:10026"));
    let expected = format!(
        "warning: postfix-in: /etc/postfix-in/main.cf, line {last}: relay_domains is set to different values, in lines {first} and {last}
    remove all but one; line {last} counts
error: postfix-in: /etc/postfix-in/master.cf, line {here}: listens on 127.0.0.1:10026, and so does postfix-out \
         (line {there} of its master.cf): a connection goes to either of them
    give it another address or port in that line
"
    );
    host.postmulti(&["--check"]).assert().code(1).stdout(expected).stderr("");
}

#[test]
fn as_json() {
    let host = troubled();
    let output = host.postmulti(&["--check", "-j"]).assert().code(1).get_output().stdout.clone();
    let lines = String::from_utf8(output).unwrap();
    let objects: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    let listen = &objects[1];
    let members: Vec<&String> = listen.as_object().unwrap().keys().collect();
    let mut expected =
        ["severity", "check", "name", "config_directory", "others", "file", "line", "reason", "remedy"].to_vec();
    expected.sort();
    assert_eq!(members, expected);
    assert_eq!(listen["severity"], "error");
    assert_eq!(listen["check"], "listen");
    assert_eq!(listen["name"], "postfix-in");
    assert_eq!(listen["others"], serde_json::json!(["/etc/postfix-out"]));
    assert_eq!(listen["file"], "/etc/postfix-in/master.cf");
    assert_eq!(listen["line"], line(&host, "/etc/postfix-in/master.cf", "127.0.0.1:10026"));
}

/// What is between two is told of either.
#[test]
fn of_those_that_are_meant() {
    let host = troubled();
    let checks = |arguments: &[&str]| {
        let found = findings(&host, arguments);
        found.iter().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(checks(&["-a"]), "repeated listen");
    assert_eq!(checks(&["-g", "mta"]), "repeated listen");
    assert_eq!(checks(&["-i", "in"]), "repeated listen");
    assert_eq!(checks(&["-i", "out"]), "listen");
    assert_eq!(checks(&["--match", "o*"]), "listen");
    assert_eq!(checks(&["-i", "-"]), "");
    assert_eq!(checks(&["--disabled"]), "");
}

#[test]
fn selection_that_matches_nothing_is_fatal() {
    let host = troubled();
    for none in [&["-i", "nosuch"][..], &["-g", "nosuch"], &["--match", "x*"], &["-g", "mta", "--disabled"]] {
        host.refuses(&[&["--check"], none].concat(), "No matching instances");
        host.refuses(&[&["--check", "-j"], none].concat(), "No matching instances");
    }
    // Its name may be that of the instance.
    host.remove_main_cf("/etc/postfix-out");
    host.postmulti(&["--check", "-i", "nosuch"]).assert().code(1).stdout(predicates::str::contains("/etc/postfix-out"));
    host.refuses(&["--check", "-i", "/etc/nosuch"], "No matching instances");
}

#[test]
fn what_it_does_not_go_with() {
    let host = clean();
    let refuses = |arguments: &[&str], message: &str| host.refuses(arguments, message);
    refuses(&["--check", "true"], "Command not allowed with '--check'");
    refuses(&["--check", "-l"], "Specify exactly one of '-e', '-l', '-p', '-x', '--status', '--check'");
    refuses(&["--check", "-R"], "The '-R' option is available only with '-l', '-x' or '--status'");
    refuses(&["--check", "--dry-run"], "The '--dry-run' option is available only with '-e'");
    refuses(&["--check", "-I", "a"], "Cannot assign instance name or group without '-e assign'");
}

/// The primary's warnings are findings; where it cannot be used, they are told as ever.
#[test]
fn nothing_is_told_twice() {
    let host = clean();
    host.add("/etc/postfix", b"relayhost = [x.example.com]\n");
    let last = line(&host, "/etc/postfix/main.cf", "relayhost");
    assert_eq!(findings(&host, &[]).len(), 1);
    set(&host, "/etc/postfix", "mail_owner", "nobody-has-this-name");
    let expected = format!(
        "postmulti: warning: /etc/postfix/main.cf, line {}: overriding earlier entry: relayhost=[mailhub.example.com]\n",
        last - 1
    );
    host.postmulti(&["--check"]).assert().code(1).stderr(predicates::str::starts_with(expected));
}

#[test]
fn to_an_ordinary_user() {
    let host = clean();
    for open in ["/", "/var/lib/postfix"] {
        fs::set_permissions(host.path(open), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(host.path("/var/lib/postfix-in"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(host.path("/etc/postfix-out/main.cf"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("postmulti"));
    command.arg("--root").arg(host.path("/")).arg("--check").uid(65534).gid(65534);
    let expected = "\
note: /etc/postfix-out: not all could be looked at: open /etc/postfix-out/main.cf: Permission denied, and 1 more
    run this as root
";
    assert_cmd::Command::from_std(command).assert().success().stdout(expected).stderr("");
}

/// A command that knows nothing of `--root` must not reach for the files of this host.
#[test]
fn paths_in_remedies_lie_below_the_root() {
    let host = clean();
    fs::File::create(host.path("/etc/postfix-out/main.cf.tmp")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    fs::remove_file(host.path("/etc/postfix-out/master.cf")).unwrap();
    fs::remove_dir_all(host.path("/var/spool/postfix-in")).unwrap();
    set(&host, "/etc/postfix", "message_size_limit", &(u64::MAX / 4).to_string());
    let expected = [
        "df -h ROOT/var/spool/postfix",
        "rm ROOT/etc/postfix-out/main.cf.tmp",
        "cp ROOT/etc/postfix/master.cf.proto ROOT/etc/postfix-out/master.cf",
        "mkdir -p ROOT/var/spool/postfix-in && postmulti --root ROOT -i postfix-in -x postfix set-permissions",
    ];
    let found = remedies(&host);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.ends_with(expected), "{found}");
    }
}
