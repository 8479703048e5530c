//! Entries of a main.cf that Postfix reads otherwise than they look.

use super::{clean, finds, line, set, shows};
use std::fs;

const MAIN_CF: &str = "/etc/postfix-in/main.cf";

#[test]
fn a_comment_behind_a_value() {
    let host = clean();
    host.add("/etc/postfix-in", b"smtpd_timeout = 5m # not so long\n");
    let number = line(&host, MAIN_CF, "smtpd_timeout");
    let expected = format!(
        "warning comment /etc/postfix-in {MAIN_CF}:{number}: the value of smtpd_timeout includes what looks like a comment: \
         \"# not so long\""
    );
    finds(&host, &[&expected]);
    // It is no such line, and no word of its own.
    shows(|host| host.add("/etc/postfix-in", b"relay_recipient_maps =\n # none\nsmtpd_banner = a#b =#c\n"), &[]);
}

/// As postconf(1) does since 3.9, where a value holds it that postmulti itself uses.
#[test]
fn a_comment_behind_a_value_that_postmulti_uses() {
    let host = clean();
    host.add("/etc/postfix-in", b"smtpd_timeout = 5m # not so long\nown = mta #1 and more than twenty bytes\n");
    host.postmulti(&["-l"]).assert().success().stderr("");
    set(&host, "/etc/postfix-in", "multi_instance_group", "$own");
    host.postmulti(&["-l", "-i", "in"]).assert().success().stderr(
        "postmulti: warning: /etc/postfix-in/main.cf: #comment after other text is not allowed: #1 and more than twenty...\n",
    );
}

#[test]
fn a_name_that_no_parameter_has() {
    for (name, shown, characters) in [
        ("\u{feff}smtpd_timeout", "?smtpd_timeout", "U+FEFF"),
        ("\u{a0}\u{a0}smtpd_timeout", "??smtpd_timeout", "U+00A0"),
        ("smtpd\u{2010}time\u{ad}out", "smtpd?time?out", "U+2010 and U+00AD"),
        ("\u{1b}x", "?x", "U+001B"),
        ("smtpd-timeout", "smtpd-timeout", "'-'"),
        (";smtpd_timeout", ";smtpd_timeout", "';'"),
    ] {
        let host = clean();
        host.add("/etc/postfix-in", format!("{name} = 5m\n").as_bytes());
        let number = fs::read_to_string(host.path(MAIN_CF)).unwrap().lines().count();
        let expected = format!(
            "warning name /etc/postfix-in {MAIN_CF}:{number}: the name {shown} has {characters}: no parameter of Postfix is \
             called so"
        );
        finds(&host, &[&expected]);
    }
    let host = clean();
    host.add("/etc/postfix-in", b"na\xefve = x\n");
    assert!(
        super::findings(&host, &[])[0]
            .ends_with("the name na?ve has the byte 0xEF: no parameter of Postfix is called so")
    );
}

#[test]
fn a_name_of_a_service_a_class_or_a_table() {
    let host = clean();
    host.add(
        "/etc/postfix-in",
        b"slow-smtp_destination_recipient_limit = 1\nsmtpd_restriction_classes = from.inside\nfrom.inside = permit\n\
          virtual_mailbox_maps = mysql:my-map\nmy-map_hosts = localhost\n",
    );
    let path = host.path("/etc/postfix-in/master.cf");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "slow-smtp unix - - n - - smtp\n").unwrap();
    finds(&host, &[]);
}

#[test]
fn a_group_that_looks_like_several() {
    for group in ["mta, inner", "mta inner", "mta,inner"] {
        let host = clean();
        set(&host, "/etc/postfix-in", "multi_instance_group", group);
        let number = line(&host, MAIN_CF, "multi_instance_group");
        let expected = format!(
            "warning group /etc/postfix-in {MAIN_CF}:{number}: multi_instance_group is the name of one group, \"{group}\": it \
             is in no other"
        );
        finds(&host, &[&expected]);
    }
    shows(|host| set(host, "/etc/postfix-in", "multi_instance_group", "mta+inner"), &[]);
}
