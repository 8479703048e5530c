//! Mail that would come back. What smtp(8) really does is shown by tests/tutorial.

use super::{clean, finds, line, remedies, replace, set};
use crate::host::Host;

/// postfix-out takes mail at port 25 of 192.0.2.1, which is no address of postfix-in's, by the name of that.
fn alike() -> Host {
    let host = clean();
    replace(&host, "/etc/postfix-out/master.cf", "127.0.0.1:10026 inet", "192.0.2.1:25    inet");
    set(&host, "/etc/postfix-in", "inet_interfaces", "127.0.0.1");
    set(&host, "/etc/postfix-out", "myhostname", "MTA1-in.example.com");
    host
}

#[track_caller]
fn loops(host: &Host, parameter: &str, to: &str, reason: &str) {
    let number = line(host, "/etc/postfix-in/main.cf", &format!("{parameter} ="));
    let expected = format!(
        "error loop /etc/postfix-in /etc/postfix-in/main.cf:{number}: {parameter}: mail for {to} loops back: {reason}"
    );
    finds(host, &[&expected]);
}

const SAME_NAME: &str = "postfix-out has the same myhostname, and listens there on port 25";

#[test]
fn to_an_instance_of_the_same_name() {
    for (parameter, value, to) in [
        ("default_transport", "smtp:[192.0.2.1]", "[192.0.2.1]"),
        ("relay_transport", "smtp:192.0.2.1:25", "192.0.2.1:25"),
        ("content_filter", "relay:[192.0.2.1]:smtp", "[192.0.2.1]:smtp"),
    ] {
        let host = alike();
        set(&host, "/etc/postfix-in", parameter, value);
        loops(&host, parameter, to, SAME_NAME);
    }
    let host = alike();
    for parameter in ["default_transport", "relay_transport", "virtual_transport"] {
        set(&host, "/etc/postfix-in", parameter, "smtp");
    }
    set(&host, "/etc/postfix-in", "relayhost", "[192.0.2.9], [192.0.2.1]");
    loops(&host, "relayhost", "[192.0.2.9], [192.0.2.1]", SAME_NAME);
}

/// Another name would not help.
#[test]
fn to_itself() {
    let host = clean();
    set(&host, "/etc/postfix-in", "inet_interfaces", "all");
    set(&host, "/etc/postfix-in", "default_transport", "smtp:[127.0.0.9]");
    loops(&host, "default_transport", "[127.0.0.9]", "that is where it listens itself");
    assert_eq!(remedies(&host), ["name another address or port"]);
}

#[test]
fn to_another_name_or_port_or_by_another_program() {
    for change in [
        |host: &Host| set(host, "/etc/postfix-in", "default_transport", "smtp:[192.0.2.1]:26"),
        |host: &Host| set(host, "/etc/postfix-in", "default_transport", "lmtp:[192.0.2.1]:25"),
        |host: &Host| set(host, "/etc/postfix-in", "default_transport", "smtp:[192.0.2.2]"),
        |host: &Host| set(host, "/etc/postfix-in", "default_transport", "smtp:mta1-in.example.com"),
        |host: &Host| set(host, "/etc/postfix-out", "myhostname", "mta1-out.example.com"),
        |host: &Host| set(host, "/etc/postfix-out", "multi_instance_enable", "no"),
    ] {
        let host = alike();
        set(&host, "/etc/postfix-in", "default_transport", "smtp:[192.0.2.1]");
        change(&host);
        finds(&host, &[]);
    }
}

/// What a service sets with -o is its name.
#[test]
fn names_of_services() {
    let transports = |host: &Host| {
        set(host, "/etc/postfix-in", "default_transport", "smtp:[192.0.2.1]");
    };
    let host = alike();
    transports(&host);
    replace(&host, "/etc/postfix-out/master.cf", "-       smtpd", "-       smtpd -o myhostname=other.example.com");
    finds(&host, &[]);
    set(&host, "/etc/postfix-out", "myhostname", "mta1-out.example.com");
    replace(&host, "/etc/postfix-out/master.cf", "other.example.com", "mta1-in.example.com");
    loops(&host, "default_transport", "[192.0.2.1]", SAME_NAME);
    replace(
        &host,
        "/etc/postfix-in/master.cf",
        "-       smtp\nrelay",
        "-       smtp -o myhostname=other.example.com\nrelay",
    );
    finds(&host, &[]);
}

#[test]
fn names_that_nobody_sets() {
    let host = alike();
    for name in ["postfix-in", "postfix-out"] {
        let file = format!("/etc/{name}/main.cf");
        replace(&host, &file, "myhostname = ", "# ");
    }
    set(&host, "/etc/postfix-in", "default_transport", "smtp:[192.0.2.1]");
    loops(&host, "default_transport", "[192.0.2.1]", SAME_NAME);
}

#[test]
fn to_an_address_of_its_own() {
    let reason = "127.0.0.1 is one of its own inet_interfaces, and port 25 is where it looks for that";
    for (interfaces, is_own) in [("all", true), ("loopback-only", true), ("127.0.0.1", true), ("192.0.2.7", false)] {
        let host = clean();
        set(&host, "/etc/postfix-in", "inet_interfaces", interfaces);
        set(&host, "/etc/postfix-in", "default_transport", "smtp:[127.0.0.1]");
        match is_own {
            true => loops(&host, "default_transport", "[127.0.0.1]", reason),
            false => finds(&host, &[]),
        }
    }
}
