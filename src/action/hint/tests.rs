//! Hints from an error and the instances alone.

use super::*;
use crate::cli::getopt::Arguments;
use crate::instance::conflicts::ConflictTable;
use crate::instance::{Cause, LeftOut};

fn request(line: &str) -> Result<Request, RequestError> {
    Request::from_arguments(Arguments::read(line.split(' ').map(Into::into)))
}

fn instance(name: Option<&str>, group: Option<&str>, config_directory: &str) -> Instance {
    Instance {
        name: name.map(Into::into),
        group: group.map(Into::into),
        enabled: false,
        config_directory: config_directory.into(),
        queue_directory: "/var/spool/x".into(),
        data_directory: "/var/lib/x".into(),
        primary: config_directory == "/etc/postfix",
        main_cf: Vec::new(),
    }
}

/// The hint about an error on a host with some instances, all of which are running.
fn hint(line: &str, error: impl std::error::Error + Send + Sync + 'static) -> String {
    let instances = Instances {
        served: vec![
            instance(None, None, "/etc/postfix"),
            instance(Some("postfix-out"), Some("mta"), "/etc/postfix-out"),
            instance(Some("postfix-in"), Some("mta"), "/etc/postfix-in"),
            instance(None, Some("a b"), "/srv/it's"),
            instance(Some("postfix-a\x1b\u{9b}"), None, "/etc/postfix-odd"),
        ],
        left_out: vec![LeftOut { config_directory: "/etc/postfix-broken".into(), cause: Cause::Broken }],
        conflicts: ConflictTable::default(),
    };
    let request = request(line).unwrap();
    Hints { request: &request, instances }.of_error(&error.into(), |_| true).unwrap_or_default()
}

#[test]
fn an_assignment_in_place_of_a_selection() {
    let hint = |line: &str| request(line).err().as_ref().and_then(of_usage).unwrap_or_default();
    for action in ["-e enable", "-e disable", "-e deport", "-e destroy", "-p start", "-x true", "-l"] {
        let assigned = |option: &str| format!("postmulti {option} {action}");
        assert_eq!(hint(&assigned("-I postfix-in")), "-I assigns a name; select with -i postfix-in", "{action}");
        assert_eq!(hint(&assigned("-I a'b")), r"-I assigns a name; select with -i 'a'\''b'", "{action}");
        assert_eq!(hint(&assigned("-I -")), "-I assigns a name; select with -i -", "{action}");
    }
    assert_eq!(hint("postmulti -l -G mta"), "-G assigns a group; select with -g mta");
    let one = "-G assigns a group; -e destroy is about one instance: select it with -i";
    assert_eq!(hint("postmulti -G mta -e destroy"), one);
    // Which selects nothing.
    assert_eq!(hint("postmulti -I postfix-in -e init"), "");
    assert_eq!(hint("postmulti -l -p"), "");
}

#[test]
fn a_name_without_prefix() {
    for (name, expected) in [
        ("in", "give the name as -I postfix-in"),
        ("Postfix-in", "give the name as -I postfix-in"),
        ("postfix_in", "give the name as -I postfix-in"),
        ("a!", "give the name as -I 'postfix-a!'"),
        ("postfix", ""),
    ] {
        assert_eq!(hint("postmulti -I x -e create", NameError::Prefix(name.into())), expected, "{name}");
    }
}

#[test]
fn a_name_that_is_close() {
    let none = || EditError::NoInstance(String::new());
    assert_eq!(hint("postmulti -i postifx-in -e enable", none()), "did you mean -i postfix-in?");
    assert_eq!(hint("postmulti -i uot -e enable", none()), "did you mean -i postfix-out?");
    assert_eq!(hint("postmulti -i /etc/postfix-on -e enable", none()), "did you mean -i /etc/postfix-in?");
    assert_eq!(hint("postmulti -i broken -e deport", none()), "did you mean -i /etc/postfix-broken?");
    assert_eq!(hint("postmulti -i /srv/its -e deport", none()), r"did you mean -i '/srv/it'\''s'?");
    // Names come from files, and may hold what a terminal takes for a command.
    assert_eq!(hint("postmulti -i odd -e deport", none()), "did you mean -i 'postfix-a???'?");
    // Actions take no group.
    assert_eq!(hint("postmulti -i mta -e enable", none()), "see what there is: postmulti -l");
    let none = || ActionError::NoMatch;
    assert_eq!(hint("postmulti -i mta -p stop", none()), "did you mean -g mta?");
    assert_eq!(hint("postmulti -g in -x true", none()), "did you mean -i postfix-in?");
    assert_eq!(hint("postmulti -g mtb -x true", none()), "did you mean -g mta?");
    assert_eq!(hint("postmulti -i postfix -x true", none()), "did you mean -i -?");
    assert_eq!(
        hint("postmulti --root /mnt/a -g nosuch -x true", none()),
        "see what there is: postmulti --root /mnt/a -l"
    );
    // What is wrong there has been told.
    assert_eq!(hint("postmulti -i /etc/postfix-broken -x true", none()), "");
    let none = || NewError::NoMatchingSecondary;
    assert_eq!(hint("postmulti -g mtb -e create", none()), "did you mean -g mta?");
    assert_eq!(hint("postmulti -i postfix -e create", none()), "see what there is: postmulti -l");
    assert_eq!(hint("postmulti -i - -e create", none()), "");
}

#[test]
fn disabled_instances_are_passed_over() {
    let what = "stop passes over what is disabled; to do it all the same: postmulti";
    let hint = |line| hint(line, ActionError::NoMatch);
    assert_eq!(hint("postmulti -i in -p stop"), format!("{what} -i in -x postfix stop"));
    assert_eq!(hint("postmulti -g mta -p stop"), format!("{what} -g mta -x postfix stop"));
    assert_eq!(hint("postmulti -p stop"), "");
}

#[test]
fn what_comes_before_the_end_of_an_instance() {
    let enabled = hint("postmulti -i in -e destroy", EditError::RemoveEnabled);
    assert_eq!(enabled, "stop and disable it first: postmulti -i in -p stop && postmulti -i in -e disable");
    let running = hint("postmulti -i /etc/postfix-in -e deport", EditError::NotStopped(String::new()));
    assert_eq!(running, "stop it first: postmulti -i /etc/postfix-in -x postfix stop");
    let mail = || DestroyError::Mail { directory: String::new(), queues: String::new() };
    assert_eq!(hint("postmulti -i in -e destroy", mail()), "look at the mail: postmulti -i in -x mailq");
    // What is left of one that is not on the list cannot be selected for a command.
    assert_eq!(hint("postmulti -i /etc/postfix-rest -e destroy", mail()), "");
}
