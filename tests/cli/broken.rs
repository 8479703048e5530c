//! A main.cf that cannot be used: a secondary's stops no other instance, the primary's stops everything.

use crate::host::Host;
use nix::sys::stat::Mode;
use std::fs;
use std::os::unix::fs::symlink;

const OTHERS: &str = "\
-               -               y         /etc/postfix
postfix-in      mta             y         /etc/postfix-in
";

/// Breaks postfix-out, and checks that it is named with the reason while the others are listed.
fn left_out(break_it: impl FnOnce(&Host), reason: &str) -> Host {
    let host = Host::new();
    break_it(&host);
    let warning = format!("postmulti: warning: instance /etc/postfix-out is left out: {reason}\n");
    host.postmulti(&["-l"]).assert().code(1).stdout(OTHERS).stderr(warning);
    host
}

/// Breaks the primary, and checks what is said about it.
fn fatal(break_it: impl FnOnce(&Host), message: &str) {
    let host = Host::new();
    break_it(&host);
    host.postmulti(&["-l"]).assert().code(1).stdout("").stderr(format!("{message}\n"));
}

#[test]
fn missing() {
    let reason = "open /etc/postfix-out/main.cf: No such file or directory";
    left_out(|host| drop(host.remove_main_cf("/etc/postfix-out")), reason);
    fatal(
        |host| drop(host.remove_main_cf("/etc/postfix")),
        "postmulti: fatal: open /etc/postfix/main.cf: No such file or directory",
    );
}

/// As a crash, or an editor on a full disk, leaves it: with nothing but defaults it has the primary's directories.
#[test]
fn empty() {
    for text in ["", "\n", "# nothing is left\n"] {
        let empty = |host: &Host| fs::write(host.path("/etc/postfix-out/main.cf"), text).unwrap();
        left_out(
            empty,
            "instance /etc/postfix-out, queue_directory=/var/spool/postfix conflicts with instance /etc/postfix, \
             queue_directory=/var/spool/postfix",
        );
    }
}

/// Where the primary has other directories, the default ones are free.
#[test]
fn empty_beside_primary_with_other_directories() {
    let host = Host::new();
    let file = host.path("/etc/postfix/main.cf");
    let text = fs::read_to_string(&file).unwrap();
    let text =
        text.replace("= /var/spool/postfix\n", "= /srv/queue\n").replace("= /var/lib/postfix\n", "= /srv/data\n");
    fs::write(&file, text).unwrap();
    fs::write(host.path("/etc/postfix-out/main.cf"), "").unwrap();
    let list = host.postmulti(&["-l", "-i", "/etc/postfix-out"]).assert().success().stderr("");
    list.stdout("-               -               n         /etc/postfix-out\n");
}

#[test]
fn a_directory_or_a_fifo_or_a_dangling_link() {
    let directory = |host: &Host| fs::create_dir(host.remove_main_cf("/etc/postfix-out")).unwrap();
    left_out(directory, "read /etc/postfix-out/main.cf: Is a directory");
    let fifo = |host: &Host| {
        nix::unistd::mkfifo(&host.remove_main_cf("/etc/postfix-out"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    };
    left_out(fifo, "open /etc/postfix-out/main.cf: not a regular file");
    let dangling = |host: &Host| symlink("/nowhere", host.remove_main_cf("/etc/postfix-out")).unwrap();
    left_out(dangling, "open /etc/postfix-out/main.cf: No such file or directory");
}

#[test]
fn a_link_stays_below_the_root() {
    let host = Host::new();
    let main_cf = host.path("/etc/postfix-out/main.cf");
    fs::rename(&main_cf, host.path("/etc/out.cf")).unwrap();
    symlink("/etc/out.cf", &main_cf).unwrap();
    host.postmulti(&["-l", "-i", "out"]).assert().success().stdout(predicates::str::starts_with("postfix-out "));
}

#[test]
fn malformed() {
    let reason = "/etc/postfix-out/main.cf, line 1: missing '=' after attribute name: \"no value\"";
    let malformed = |host: &Host| fs::write(host.remove_main_cf("/etc/postfix-out"), "no value\n").unwrap();
    left_out(malformed, reason);
    fatal(
        |host| fs::write(host.remove_main_cf("/etc/postfix"), "a = b\n\n= c\n").unwrap(),
        "postmulti: fatal: /etc/postfix/main.cf, line 3: missing attribute name: \"= c\"",
    );
}

#[test]
fn a_value_that_cannot_be_expanded_is_named_with_its_line() {
    let host = Host::new();
    let lines = fs::read_to_string(host.path("/etc/postfix-out/main.cf")).unwrap().lines().count();
    host.add("/etc/postfix-out", b"multi_instance_group = ${mta\n");
    let reason = format!(
        "is left out: /etc/postfix-out/main.cf, line {}: multi_instance_group: truncated macro reference: \"${{mta\"\n",
        lines + 1
    );
    host.postmulti(&["-l"]).assert().code(1).stdout(OTHERS).stderr(predicates::str::ends_with(reason));
}

#[test]
fn a_boolean_that_is_none() {
    let host = Host::new();
    host.add("/etc/postfix-out", b"multi_instance_enable = maybe\n");
    let expected = "is left out: Unexpected /etc/postfix-out/main.cf entry: multi_instance_enable = maybe\n";
    host.postmulti(&["-l"]).assert().code(1).stderr(predicates::str::ends_with(expected));
}

#[test]
fn another_instance_by_name_is_not_concerned() {
    let host = left_out(
        |host| drop(host.remove_main_cf("/etc/postfix-out")),
        "open /etc/postfix-out/main.cf: No such file or directory",
    );
    host.postmulti(&["-l", "-i", "postfix-in"]).assert().success();
    host.postmulti(&["-l", "-i", "/etc/postfix-in"]).assert().success();
    host.postmulti(&["-l", "-i", "-"]).assert().success();
    for concerned in ["postfix-out", "out", "/etc/postfix-out", "nobody"] {
        host.postmulti(&["-l", "-i", concerned]).assert().code(1).stdout("");
    }
    host.postmulti(&["-l", "-g", "mta"]).assert().code(1);
}

#[test]
fn the_primary_says_first_what_postfix_says_first() {
    let add = |lines: &'static [u8]| move |host: &Host| host.add("/etc/postfix", lines);
    let warning = "postmulti: warning: /etc/postfix/main.cf, line";
    let host = Host::new();
    host.add("/etc/postfix", b"setgid_group = nobody\nmail_owner =\n");
    let stderr = predicates::str::ends_with("postmulti: fatal: bad string length 0 < 1: mail_owner = \n");
    host.postmulti(&["-z"]).assert().code(1).stderr(stderr);
    let syntax =
        "postmulti: warning: empty macro name: \"$ x\"\npostmulti: fatal: dictionary mail_dict: macro processing error";
    fatal(add(b"multi_instance_name = $ x\n"), syntax);
    let host = Host::new();
    host.add("/etc/postfix", b"queue_directory = /a\nqueue_directory = /b\n");
    host.postmulti(&["-l"]).assert().success().stderr(predicates::str::starts_with(warning));
}
