//! Files that are broken, and what is left beside them.

use super::{clean, finds, line, replace, set, shows};
use std::fs;

#[test]
fn a_main_cf_that_cannot_be_used() {
    let host = clean();
    host.add("/etc/postfix-out", b"broken\n");
    let number = line(&host, "/etc/postfix-out/main.cf", "broken");
    let expected = format!(
        "error broken /etc/postfix-out /etc/postfix-out/main.cf:{number}: missing '=' after attribute name: \"broken\""
    );
    finds(&host, &[&expected]);

    let host = clean();
    host.add("/etc/postfix-out", b"multi_instance_group = ${x\n");
    let number = line(&host, "/etc/postfix-out/main.cf", "multi_instance_group = ${x");
    let expected = format!(
        "error broken /etc/postfix-out /etc/postfix-out/main.cf:{number}: multi_instance_group: truncated macro reference: \"${{x\""
    );
    finds(&host, &[&expected]);
    let host = clean();
    set(&host, "/etc/postfix-out", "multi_instance_enable", "maybe");
    let number = line(&host, "/etc/postfix-out/main.cf", "multi_instance_enable");
    let expected = format!(
        "error broken /etc/postfix-out /etc/postfix-out/main.cf:{number}: multi_instance_enable = maybe is neither yes nor no"
    );
    finds(&host, &[&expected]);
    shows(
        |host| drop(host.remove_main_cf("/etc/postfix-out")),
        &[
            "error broken /etc/postfix-out /etc/postfix-out/main.cf: open /etc/postfix-out/main.cf: No such file or directory",
        ],
    );
}

#[test]
fn a_main_cf_that_sets_nothing() {
    let conflict = |name: &str, value: &str| {
        format!(
            "error conflict /etc/postfix-out /etc/postfix-out/main.cf: instance /etc/postfix-out, {name}={value} conflicts \
             with instance /etc/postfix, {name}={value}"
        )
    };
    shows(
        |host| fs::write(host.path("/etc/postfix-out/main.cf"), "# lost\n").unwrap(),
        &[
            "warning broken /etc/postfix-out /etc/postfix-out/main.cf: it sets no parameter, as a file that was lost in a crash",
            &conflict("queue_directory", "/var/spool/postfix"),
            &conflict("data_directory", "/var/lib/postfix"),
            "warning syslog-name /etc/postfix-out /etc/postfix-out/main.cf: it is postfix in the mail log, and so is -: \
             nobody can tell them apart there",
        ],
    );
}

/// No command is run to learn it.
#[test]
fn a_value_that_only_postconf_knows() {
    let host = clean();
    set(&host, "/etc/postfix-out", "queue_directory", "/var/spool/$mail_version");
    let number = line(&host, "/etc/postfix-out/main.cf", "queue_directory");
    let expected = format!(
        "note broken /etc/postfix-out /etc/postfix-out/main.cf:{number}: queue_directory: only postconf(1) can tell the \
         value, so nothing more is known of this instance"
    );
    finds(&host, &[&expected]);
}

#[test]
fn a_directory_that_is_gone() {
    let host = clean();
    fs::remove_dir_all(host.path("/etc/postfix-out")).unwrap();
    let number = line(&host, "/etc/postfix/main.cf", "multi_instance_directories");
    let expected = format!(
        "error broken /etc/postfix-out /etc/postfix/main.cf:{number}: /etc/postfix-out is listed, and there is no such directory"
    );
    finds(&host, &[&expected]);
}

#[test]
fn text_that_counts_for_nothing() {
    let begin = |host: &crate::host::Host, file: &str, text: &[u8]| {
        let path = host.path(file);
        fs::write(&path, [text, &fs::read(&path).unwrap()].concat()).unwrap();
    };
    shows(
        |host| begin(host, "/etc/postfix-out/main.cf", b"  lost = 1\n"),
        &[
            "warning broken /etc/postfix-out /etc/postfix-out/main.cf:1: a first line that begins with a blank counts for \
           nothing: \"  lost = 1\"",
        ],
    );
    shows(
        |host| begin(host, "/etc/postfix-out/main.cf", b"a = b\0c\n"),
        &["warning broken /etc/postfix-out /etc/postfix-out/main.cf:1: text after a NUL byte is lost"],
    );
    shows(|host| begin(host, "/etc/postfix-out/main.cf", b"  # a comment\n"), &[]);
    shows(
        |host| begin(host, "/etc/postfix-in/master.cf", b"# a comment\n -v\n"),
        &[
            "warning broken /etc/postfix-in /etc/postfix-in/master.cf:2: a first line that begins with a blank counts for \
           nothing: \" -v\"",
        ],
    );
}

#[test]
fn a_master_cf_that_cannot_be_used() {
    shows(
        |host| fs::remove_file(host.path("/etc/postfix-in/master.cf")).unwrap(),
        &[
            "error broken /etc/postfix-in /etc/postfix-in/master.cf: open /etc/postfix-in/master.cf: No such file or directory",
        ],
    );
    let host = clean();
    replace(&host, "/etc/postfix-in/master.cf", "pickup          unix       n ", "pickup          unix       x ");
    replace(&host, "/etc/postfix-in/master.cf", "qmgr            unix", "qmgr            ");
    let lines = ["pickup", "qmgr"].map(|service| line(&host, "/etc/postfix-in/master.cf", service));
    let expected = [
        format!("error broken /etc/postfix-in /etc/postfix-in/master.cf:{}: field private cannot be \"x\"", lines[0]),
        format!(
            "error broken /etc/postfix-in /etc/postfix-in/master.cf:{}: the entry has less than eight fields",
            lines[1]
        ),
    ];
    finds(&host, &[&expected[0], &expected[1]]);
}

#[test]
fn a_parameter_that_is_set_twice() {
    let host = clean();
    host.add("/etc/postfix-out", b"smtpd_timeout = 1s\nmydomain =\n  example.com\nmydomain = example.com\n");
    let file = "/etc/postfix-out/main.cf";
    let text = fs::read_to_string(host.path(file)).unwrap();
    let lines_of = |begin: &str| -> Vec<String> {
        let numbers = text.lines().enumerate().filter(|(_, line)| line.starts_with(begin));
        numbers.map(|(index, _)| (index + 1).to_string()).collect()
    };
    let [timeouts, domains] = ["smtpd_timeout =", "mydomain ="].map(lines_of);
    assert_eq!((timeouts.len(), domains.len()), (2, 3));
    let expected = [
        format!(
            "warning repeated /etc/postfix-out {file}:{}: smtpd_timeout is set to different values, in lines {}",
            timeouts[1],
            timeouts.join(" and ")
        ),
        format!(
            "note repeated /etc/postfix-out {file}:{}: mydomain is set more than once, in lines {}",
            domains[2],
            domains.join(" and ")
        ),
    ];
    finds(&host, &[&expected[0], &expected[1]]);
}

#[test]
fn an_edit_that_was_interrupted() {
    let host = clean();
    let path = host.path("/etc/postfix-out/main.cf.tmp");
    let file = fs::File::create(&path).unwrap();
    // Somebody may be about to lock it.
    finds(&host, &[]);
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(60)).unwrap();
    finds(
        &host,
        &[
            "note temporary /etc/postfix-out /etc/postfix-out/main.cf.tmp: an edit was interrupted and has left this file",
        ],
    );
    // Now somebody is at it.
    file.lock().unwrap();
    finds(&host, &[]);
}
