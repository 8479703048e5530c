//! Life-cycle actions among secondaries whose main.cf is missing or broken.

use crate::host::Host;
use std::fs;

const OUT: &str = "/etc/postfix-out";

/// A host whose postfix-out has lost its main.cf.
fn lost() -> Host {
    let host = Host::as_root();
    host.remove_main_cf(OUT);
    host
}

/// A host whose postfix-out has a main.cf that is none.
fn broken() -> Host {
    let host = Host::as_root();
    fs::write(host.remove_main_cf(OUT), "no value\n").unwrap();
    host
}

/// Runs an action, of which only the left-out instance is told besides.
#[track_caller]
fn does(host: &Host, arguments: &[&str], more: &str) {
    let output = host.postmulti(arguments).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let (first, rest) = told.split_once('\n').unwrap();
    assert!(first.starts_with("postmulti: warning: instance /etc/postfix-out is left out: "), "{told}");
    assert_eq!((output.status.code(), rest), (Some(0), more));
    host.assert_tidy();
}

fn list(host: &Host, parameter: &str) -> Option<String> {
    let text = fs::read_to_string(host.path("/etc/postfix/main.cf")).unwrap();
    let mut values = text.lines().filter_map(|line| line.strip_prefix(&format!("{parameter} = ")).map(str::to_owned));
    values.next()
}

#[test]
fn deport_by_directory() {
    let warning =
        "postmulti: warning: whether instance /etc/postfix-out is running cannot be known: see for yourself\n";
    for (host, elsewhere) in [(lost(), None), (broken(), Some(OUT.to_owned()))] {
        for other in ["out", "postfix-out"] {
            host.refuses(&["-i", other, "-e", "deport"], &format!("No instance named {other}"));
        }
        does(&host, &["-i", OUT, "-e", "deport"], warning);
        assert_eq!(list(&host, "multi_instance_directories").as_deref(), Some("/etc/postfix-in"));
        assert_eq!(list(&host, "alternate_config_directories"), elsewhere);
        host.postmulti(&["-l"]).assert().success().stderr("");
    }
}

#[test]
fn nothing_else_can_be_done_with_it() {
    let mend = "instance /etc/postfix-out cannot be used as long as its main.cf is not mended. Nothing was changed";
    for host in [lost(), broken()] {
        for arguments in [&["-e", "enable"][..], &["-e", "disable"], &["-I", "postfix-x", "-e", "assign"]] {
            host.refuses(&[&["-i", OUT], arguments].concat(), mend);
        }
    }
    broken().refuses(&["-i", OUT, "-e", "destroy"], mend);
    lost().refuses(&["-i", OUT, "-e", "destroy"], "/etc/postfix-out/main.cf file not found");
    let in_use = "new config_directory=/etc/postfix-out is already in use by instance /etc/postfix-out, \
                  config_directory=/etc/postfix-out";
    broken().refuses(&["-e", "import", "config_directory=/etc/postfix-out"], in_use);
    broken().refuses(&["-I", "postfix-out", "-e", "create"], in_use);
    lost().refuses(&["-e", "import", "config_directory=/etc/postfix-out"], in_use);
}

#[test]
fn the_others_go_on_as_before() {
    let host = lost();
    does(&host, &["-I", "postfix-new", "-i", OUT, "-e", "create"], "");
    let directories = "/etc/postfix-new /etc/postfix-out /etc/postfix-in";
    assert_eq!(list(&host, "multi_instance_directories").as_deref(), Some(directories));
    does(&host, &["-i", "new", "-e", "enable"], "");
    does(&host, &["-i", "in", "-e", "disable"], "");
    does(&host, &["-i", "in", "-e", "deport"], "");
    does(&host, &["-e", "import", "config_directory=/etc/postfix-in"], "");
    let directories = "/etc/postfix-new /etc/postfix-out /etc/postfix-in";
    assert_eq!(list(&host, "multi_instance_directories").as_deref(), Some(directories));
}

/// What is left is a name on the list: the instance is made anew, in its old place.
#[test]
fn create_where_only_the_list_knows_of_it() {
    let host = Host::as_root();
    fs::remove_dir_all(host.path(OUT)).unwrap();
    fs::remove_dir_all(host.path("/var/lib/postfix-out")).unwrap();
    let create = ["-I", "postfix-out", "-e", "create"];
    let before = fs::read(host.path("/etc/postfix/main.cf")).unwrap();
    let queue = "postmulti: warning: queue_directory=/var/spool/postfix-out holds a queue without mail, \
                 which postfix-out takes over\n";
    host.postmulti(&create).assert().success().stdout("").stderr(predicates::str::ends_with(queue));
    assert_eq!(fs::read(host.path("/etc/postfix/main.cf")).unwrap(), before);
    let row = "postfix-out     -               n         /etc/postfix-out\n";
    host.postmulti(&["-l", "-i", "out"]).assert().success().stdout(row).stderr("");
}

/// Once its main.cf is mended, all is as before.
#[test]
fn mended() {
    let host = broken();
    let main_cf = fs::read(Host::new().path("/etc/postfix-out/main.cf")).unwrap();
    fs::write(host.path("/etc/postfix-out/main.cf"), main_cf).unwrap();
    host.does(&["-i", "out", "-e", "disable"]);
}
