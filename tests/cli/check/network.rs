//! Where instances listen. What really comes of it is shown by tests/tutorial.

use super::{clean, finds, line, replace, set, shows};
use crate::host::Host;

const IN: &str = "/etc/postfix-in/master.cf";
const OUT: &str = "/etc/postfix-out/master.cf";

/// postfix-out listens by an entry with this name, and postfix-in by main.cf on port 25 of this.
fn listening(entry: &str, interfaces: &str) -> Host {
    let host = clean();
    replace(&host, OUT, "127.0.0.1:10026 inet", &format!("{entry} inet"));
    set(&host, "/etc/postfix-out", "inet_interfaces", "all");
    set(&host, "/etc/postfix-in", "inet_interfaces", interfaces);
    host
}

/// What is found if both listen there.
fn both_at(places: &str, entry: &str, host: &Host) -> String {
    let (here, other) = (line(host, IN, "smtp            inet"), line(host, OUT, &format!("{entry} inet")));
    format!(
        "error listen /etc/postfix-in {IN}:{here}: listens on {places}, and so does postfix-out (line {other} of its \
         master.cf): a connection goes to either of them"
    )
}

fn same(entry: &str, interfaces: &str, places: &str) {
    let host = listening(entry, interfaces);
    finds(&host, &[&both_at(places, entry, &host)]);
}

#[test]
fn the_same_address_and_port() {
    same("smtp", "all", "0.0.0.0:25 and [::]:25");
    same("25", "0.0.0.0", "0.0.0.0:25");
    same("127.0.0.1:smtp", "127.0.0.1", "127.0.0.1:25");
    same("[::1]:25", "loopback-only", "[::1]:25");
    same("mx.example.com:25", "mx.example.com", "mx.example.com:25");
    same("\u{1b}[1m:25", "\u{1b}[1m", "?[1m:25");
    same("\u{9b}1m:25", "\u{9b}1m", "??1m:25");
}

#[test]
fn an_address_and_all_addresses() {
    let host = listening("127.0.0.1:25", "all");
    let number = line(&host, OUT, "127.0.0.1:25");
    let expected = format!(
        "note listen /etc/postfix-out {OUT}:{number}: listens on 127.0.0.1:25, so postfix-in, which listens on all \
         addresses, gets no connections there"
    );
    finds(&host, &[&expected]);
}

#[test]
fn another_address_port_or_protocol() {
    finds(&listening("26", "all"), &[]);
    finds(&listening("127.0.0.2:25", "127.0.0.1"), &[]);
    finds(&listening("[::1]:25", "127.0.0.1"), &[]);
    let host = listening("25", "all");
    set(&host, "/etc/postfix-out", "inet_protocols", "ipv4");
    set(&host, "/etc/postfix-in", "inet_protocols", "ipv6");
    finds(&host, &[]);
}

/// Options come too late: it is master(8) that listens.
#[test]
fn options_of_a_service_make_no_difference() {
    let host = listening("25", "0.0.0.0");
    replace(&host, OUT, "-       smtpd", "-       smtpd -o inet_interfaces=127.0.0.1");
    finds(&host, &[&both_at("0.0.0.0:25", "25", &host)]);
}

#[test]
fn who_is_disabled_or_deaf_listens_nowhere() {
    let host = listening("25", "all");
    set(&host, "/etc/postfix-out", "master_service_disable", "25/inet");
    finds(&host, &[]);
    let host = listening("25", "all");
    set(&host, "/etc/postfix-out", "multi_instance_enable", "no");
    finds(&host, &[]);
}

#[test]
fn what_only_postconf_knows() {
    shows(
        |host| set(host, "/etc/postfix-in", "inet_interfaces", "$mail_version"),
        &[
            "note listen /etc/postfix-in /etc/postfix-in/main.cf: where it listens is not known: only postconf(1) can tell \
           inet_interfaces, inet_protocols or master_service_disable",
        ],
    );
}

/// Postfix does not start then.
#[test]
fn what_postfix_cannot_use() {
    for (name, value, reason) in [
        ("inet_interfaces", "${x", "inet_interfaces: truncated macro reference: \"${x\""),
        ("inet_protocols", "ipv5", "inet_protocols has a word that is none of all, ipv4 and ipv6"),
    ] {
        let host = clean();
        set(&host, "/etc/postfix-in", name, value);
        let number = line(&host, "/etc/postfix-in/main.cf", name);
        finds(&host, &[&format!("error broken /etc/postfix-in /etc/postfix-in/main.cf:{number}: {reason}")]);
    }
}
