//! Names in the mail log, and instances that are not finished.

use super::{clean, finds, line, remedies, set, shows};
use crate::host::Host;
use std::fs;

#[test]
fn the_same_name_in_the_mail_log() {
    let host = clean();
    set(&host, "/etc/postfix-in", "syslog_name", "postfix-out");
    let number = line(&host, "/etc/postfix-in/main.cf", "syslog_name");
    let expected = format!(
        "warning syslog-name /etc/postfix-in /etc/postfix-in/main.cf:{number}: it is postfix-out in the mail log, and so is \
         postfix-out: nobody can tell them apart there"
    );
    finds(&host, &[&expected]);
    shows(
        |host| set(host, "/etc/postfix-in", "multi_instance_name", ""),
        &["warning syslog-name /etc/postfix-in /etc/postfix-in/main.cf: it is postfix in the mail log, and so is \
           -: nobody can tell them apart there"],
    );
    shows(|host| set(host, "/etc/postfix-in", "syslog_name", "${mail_name}-in"), &[]);
}

/// A host whose first secondary was made by create and then enabled, and whose postfix-in does not listen on port 25.
fn with_new() -> Host {
    let host = clean();
    set(&host, "/etc/postfix-in", "inet_interfaces", "");
    host.does(&["-I", "postfix-new", "-a", "-e", "create"]);
    finds(&host, &[]);
    host.does(&["-i", "new", "-e", "enable"]);
    host
}

fn fresh(host: &Host, name: &str) -> String {
    let number = line(host, &format!("/etc/{name}/main.cf"), "master_service_disable");
    format!(
        "warning fresh /etc/{name} /etc/{name}/main.cf:{number}: it is as -e create made it: it listens nowhere, and no user \
         may submit mail"
    )
}

const OPEN: &str = "postconf -e 'master_service_disable =' 'authorized_submit_users = root'";

#[test]
fn an_instance_that_is_new() {
    let host = with_new();
    finds(&host, &[&fresh(&host, "postfix-new")]);
    assert_eq!(remedies(&host), [format!("postmulti --root ROOT -i postfix-new -x {OPEN}")]);
    for (parameter, value) in
        [("multi_instance_enable", "no"), ("authorized_submit_users", "root"), ("master_service_disable", "smtp/inet")]
    {
        let host = with_new();
        set(&host, "/etc/postfix-new", parameter, value);
        finds(&host, &[]);
    }
}

/// With its services enabled, every other connection to port 25 would meet the settings of the prototype.
#[test]
fn an_instance_that_is_new_beside_one_that_listens() {
    for (interfaces, listener) in [("all", "0.0.0.0:25"), ("127.0.0.1", "127.0.0.1:25"), ("::1", "[::1]:25")] {
        let host = with_new();
        set(&host, "/etc/postfix-in", "inet_interfaces", interfaces);
        finds(&host, &[&fresh(&host, "postfix-new")]);
        let new = "postmulti --root ROOT -i postfix-new -x";
        let expected = format!(
            "first give each its own address, since postfix-in listens on {listener}: \
             {new} postconf -e 'inet_interfaces = ADDRESS'; or another port in its master.cf; then: {new} {OPEN}"
        );
        assert_eq!(remedies(&host), [expected]);
        set(&host, "/etc/postfix-in", "multi_instance_enable", "no");
        assert_eq!(remedies(&host), [format!("{new} {OPEN}")]);
    }
    // The remedies of two may be typed one after the other.
    let host = with_new();
    host.does(&["-I", "postfix-second", "-e", "create"]);
    host.does(&["-i", "second", "-e", "enable"]);
    finds(&host, &[&fresh(&host, "postfix-new"), &fresh(&host, "postfix-second")]);
    let remedies = remedies(&host);
    assert_eq!(remedies[0], format!("postmulti --root ROOT -i postfix-new -x {OPEN}"));
    assert!(remedies[1].starts_with("first give each its own address, since postfix-new listens on 0.0.0.0:25: "));
    // With an address of its own, it is configured.
    set(&host, "/etc/postfix-new", "inet_interfaces", "127.0.0.2");
    set(&host, "/etc/postfix-second", "inet_interfaces", "127.0.0.3");
    assert_eq!(super::remedies(&host)[1], format!("postmulti --root ROOT -i postfix-second -x {OPEN}"));
}

#[test]
fn an_instance_that_is_new_and_where_it_would_listen_is_not_known() {
    let host = with_new();
    set(&host, "/etc/postfix-new", "inet_interfaces", "$myhostname");
    let expected = "first give each its own address, since only postconf(1) can tell where it would listen: ";
    assert!(remedies(&host).iter().any(|remedy| remedy.starts_with(expected)), "{:?}", remedies(&host));
}

/// It has an administrator, who may want it so, or has forgotten that its services are disabled.
#[test]
fn an_instance_with_services_of_its_own() {
    let add = |host: &Host, service: &str| {
        let path = host.path("/etc/postfix-new/master.cf");
        fs::write(&path, fs::read_to_string(&path).unwrap() + service).unwrap();
    };
    let host = with_new();
    add(&host, "intake unix - - n - - smtpd\n");
    finds(&host, &[]);
    let host = with_new();
    add(&host, "127.0.0.1:10027 inet n - n - - smtpd\n");
    let [number, entry] = [("main", "master_service_disable"), ("master", "127.0.0.1:10027")]
        .map(|(file, begin)| line(&host, &format!("/etc/postfix-new/{file}.cf"), begin));
    let expected = format!(
        "note listen /etc/postfix-new /etc/postfix-new/main.cf:{number}: all its inet services are disabled, also \
         127.0.0.1:10027 (line {entry} of its master.cf)"
    );
    finds(&host, &[&expected]);
    let set_it = "if it should listen: postmulti --root ROOT -i postfix-new -x postconf -e 'master_service_disable ='";
    assert_eq!(remedies(&host), [set_it]);
}
