//! Hints from a request and the instances alone.

use super::*;
use crate::cli::getopt::Arguments;
use crate::instance::conflicts::ConflictTable;

fn request(line: &str) -> Request {
    Request::from_arguments(Arguments::read(line.split(' ').map(Into::into))).unwrap()
}

fn instance(name: Option<&str>, group: Option<&str>, config_directory: &str) -> Instance {
    Instance {
        name: name.map(Into::into),
        group: group.map(Into::into),
        enabled: config_directory != "/etc/postfix-off",
        config_directory: config_directory.into(),
        queue_directory: "/var/spool/x".into(),
        data_directory: "/var/lib/x".into(),
        primary: config_directory == "/etc/postfix",
        main_cf: Vec::new(),
    }
}

fn instances() -> Instances {
    let left_out = |directory: &str, cause| LeftOut { config_directory: directory.into(), cause };
    let clash = instance(Some("postfix-clash"), None, "/etc/postfix-clash");
    Instances {
        served: vec![
            instance(None, None, "/etc/postfix"),
            instance(Some("postfix-out"), Some("mta"), "/etc/postfix-out"),
            instance(Some("postfix-in"), Some("mta"), "/etc/postfix-in"),
            instance(None, Some("a b"), "/srv/it's"),
            instance(Some("postfix-a\x1b\u{9b}"), None, "/etc/postfix-odd"),
            instance(Some("postfix-off"), Some("off"), "/etc/postfix-off"),
        ],
        left_out: vec![
            left_out("/etc/postfix-broken", Cause::Broken),
            left_out("/etc/postfix-clash", Cause::Conflict(Box::new(clash), Vec::new())),
        ],
        conflicts: ConflictTable::default(),
    }
}

/// A hint from a request and those of the instances that it selects.
fn hint(line: &str, make: impl FnOnce(Hints, &CommandLine, &[&Instance]) -> Option<String>) -> String {
    let (request, instances) = (request(line), instances());
    let command = match &request.mode {
        crate::cli::request::Mode::Postfix { command, .. } => command,
        _ => &CommandLine { name: "".into(), arguments: Vec::new() },
    };
    let selected: Vec<_> = instances.served.iter().filter(|instance| request.means(instance)).collect();
    make(Hints { request: &request }, command, &selected).unwrap_or_default()
}

fn closest(line: &str) -> String {
    let request = request(line);
    Hints { request: &request }.closest(&instances()).unwrap_or_default()
}

#[test]
fn closest_name_or_group() {
    assert_eq!(closest("postmulti -i postifx-in -e enable"), "did you mean -i postfix-in?");
    assert_eq!(closest("postmulti -i uot -e enable"), "did you mean -i postfix-out?");
    assert_eq!(closest("postmulti -i /etc/postfix-on -e enable"), "did you mean -i /etc/postfix-in?");
    assert_eq!(closest("postmulti -i /srv/its -e deport"), r"did you mean -i '/srv/it'\''s'?");
    // Names come from files, and may hold what a terminal takes for a command.
    assert_eq!(closest("postmulti -i odd -e deport"), "did you mean -i 'postfix-a???'?");
    // Actions take no group.
    assert_eq!(closest("postmulti -i mta -e enable"), "see what there is: postmulti -l");
    assert_eq!(closest("postmulti -i mta -p stop"), "did you mean -g mta?");
    assert_eq!(closest("postmulti -g in -x true"), "did you mean -i postfix-in?");
    assert_eq!(closest("postmulti -g mtb --status"), "did you mean -g mta?");
    assert_eq!(closest("postmulti -i postfix --check"), "did you mean -i -?");
    assert_eq!(closest("postmulti --root /mnt/a -g nosuch -x true"), "see what there is: postmulti --root /mnt/a -l");
    // The primary has no place on the list.
    assert_eq!(closest("postmulti -g mtb -e create"), "did you mean -g mta?");
    assert_eq!(closest("postmulti -i postfix -e create"), "see what there is: postmulti -l");
    assert_eq!(closest("postmulti -i - -e create"), "");
    assert_eq!(closest("postmulti -l --match nosuch"), "");
}

#[test]
fn closest_to_an_instance_that_is_left_out() {
    let broken = "/etc/postfix-broken cannot be used; to see what is wrong: postmulti -i /etc/postfix-broken --check";
    for line in ["-i broken -x true", "-i postfix-brokn -l", "-i /etc/postfix-broken -p start"] {
        assert_eq!(closest(&format!("postmulti {line}")), broken, "{line}");
    }
    assert_eq!(closest("postmulti -i broken -e deport"), "did you mean -i /etc/postfix-broken?");
    // It can be selected by its directory.
    assert_eq!(closest("postmulti -i clash -x true"), "did you mean -i /etc/postfix-clash?");
    assert_eq!(closest("postmulti -i /etc/postfix-clash -x true"), "");
}

#[test]
fn conflicts_are_explained_by_check() {
    let hint = |line| {
        let request = request(line);
        Hints { request: &request }.left_out(&instances()).unwrap_or_default()
    };
    assert_eq!(hint("postmulti -l"), "to see what is in conflict: postmulti --check");
    assert_eq!(hint("postmulti --root /mnt/a -l"), "to see what is in conflict: postmulti --root /mnt/a --check");
}

#[test]
fn disabled_instances_are_passed_over() {
    let hint = |line| hint(line, |hints, command, selected| hints.passed_over(command, selected));
    let what = "stop passes over what is disabled; to do it all the same: postmulti";
    assert_eq!(hint("postmulti -i off -p stop"), format!("{what} -i off -x postfix stop"));
    assert_eq!(hint("postmulti -g off -p stop"), format!("{what} -g off -x postfix stop"));
    let narrowed = "postmulti --disabled --match *off -p -- stop";
    assert_eq!(hint(narrowed), format!("{what} --match '*off' --disabled -x postfix stop"));
    // The primary's would come back to us.
    assert_eq!(hint("postmulti -p stop"), "");
    assert_eq!(hint("postmulti -i nosuch -p stop"), "");
}

#[test]
fn selection_after_a_postfix_command() {
    let hint = |line, course| hint(line, |hints, command, _| hints.misplaced(command, course));
    let expected = |selected: &str, typed: &str| {
        format!("{typed} after stop selects nothing: stop is for {selected}; to select: postmulti {typed} -p stop")
    };
    assert_eq!(hint("postmulti -p stop -i in", Course::Stop), expected("all instances", "-i in"));
    assert_eq!(hint("postmulti -p stop --group=a;b -v", Course::Stop), expected("all instances", "-g 'a;b'"));
    assert_eq!(hint("postmulti -p -- stop -vi in", Course::Stop), expected("all instances", "-i in"));
    assert_eq!(hint("postmulti -g mta -p stop -i in", Course::Stop), expected("-g mta", "-i in"));
    assert_eq!(hint("postmulti -i in -p stop -a", Course::Stop), expected("-i in", "-a"));
    assert_eq!(hint("postmulti -p stop -a", Course::Stop), "");
    assert_eq!(hint("postmulti -p stop -v", Course::Stop), "");
    assert_eq!(hint("postmulti -p stop in", Course::Stop), "");
    let status =
        "-i in after status selects nothing: status is for all instances; to select: postmulti -i in -p status";
    assert_eq!(hint("postmulti -p status -i in", Course::Any), status);
    // Its -a is an algorithm.
    assert_eq!(hint("postmulti -p tls new-server-key -a rsa", Course::Any), "");
    assert_eq!(hint("postmulti -p tls -a rsa", Course::Any), "");
}

#[test]
fn start_of_a_disabled_instance() {
    let hint = |line| hint(line, |hints, _, selected| hints.not_started(selected));
    let off = "off is disabled: it was checked, not started; enable it first: postmulti -i off -e enable";
    assert_eq!(hint("postmulti -i off -p start"), off);
    let off =
        "postfix-off is disabled: it was checked, not started; enable it first: postmulti -i postfix-off -e enable";
    assert_eq!(hint("postmulti -g off -p start"), off);
    assert_eq!(hint("postmulti -i in -p start"), "");
    assert_eq!(hint("postmulti -p start"), "");
    let (request, mut instances) = (request("postmulti -i - -p start"), instances());
    instances.served[0].enabled = false;
    let hint = Hints { request: &request }.not_started(&[&instances.served[0]]).unwrap();
    assert_eq!(hint, "- is disabled: it was checked, not started; enable it first: postmulti -e init");
}

#[test]
fn what_comes_before_the_end_of_an_instance() {
    let target = instance(Some("postfix-in"), None, "/etc/postfix-in");
    let request_in = request("postmulti -i in -e destroy");
    let hints = Hints { request: &request_in };
    assert_eq!(hints.disable_first(&target, false), "disable it first: postmulti -i in -e disable");
    let both = "stop and disable it first: postmulti -i in -p stop && postmulti -i in -e disable";
    assert_eq!(hints.disable_first(&target, true), both);
    assert_eq!(hints.look_at_mail(&target), "look at the mail: postmulti -i in -x mailq");
    let request = request("postmulti -i /etc/postfix-in -e deport");
    let hints = Hints { request: &request };
    assert_eq!(hints.stop_first(&target), "stop it first: postmulti -i /etc/postfix-in -x postfix stop");
    let gone = OsStr::new("/etc/it's");
    assert_eq!(hints.deport(gone), r"take it off the list: postmulti -i '/etc/it'\''s' -e deport");
}
