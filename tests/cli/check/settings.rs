//! Names in the mail log, and instances that are not finished.

use super::{clean, finds, line, set, shows};

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

#[test]
fn an_instance_that_is_not_finished() {
    let host = clean();
    set(&host, "/etc/postfix-in", "master_service_disable", "inet");
    let number = line(&host, "/etc/postfix-in/main.cf", "master_service_disable");
    let deaf = format!(
        "note fresh /etc/postfix-in /etc/postfix-in/main.cf:{number}: it listens nowhere, so that mail comes from local users only"
    );
    finds(&host, &[&deaf]);
    set(&host, "/etc/postfix-in", "authorized_submit_users", "");
    let number = line(&host, "/etc/postfix-in/main.cf", "master_service_disable");
    let both = format!(
        "warning fresh /etc/postfix-in /etc/postfix-in/main.cf:{number}: it can get no mail: it listens nowhere, and lets \
         nobody submit any"
    );
    finds(&host, &[&both]);
    set(&host, "/etc/postfix-in", "multi_instance_enable", "no");
    finds(&host, &[]);
    let host = clean();
    set(&host, "/etc/postfix-in", "authorized_submit_users", "");
    let number = line(&host, "/etc/postfix-in/main.cf", "authorized_submit_users");
    let shut = format!(
        "note fresh /etc/postfix-in /etc/postfix-in/main.cf:{number}: it lets no user submit mail, not even root"
    );
    finds(&host, &[&shut]);
}

/// It is made so, and is not one of these as long as it is disabled.
#[test]
fn an_instance_that_is_new() {
    let host = clean();
    host.does(&["-I", "postfix-new", "-e", "create"]);
    finds(&host, &[]);
    host.does(&["-i", "new", "-e", "enable"]);
    assert_eq!(super::findings(&host, &["-i", "new"]).len(), 1);
}
