//! Paths are data: whatever bytes they are made of, they mean nothing to a shell, and a file can hold them or not.

use crate::host::Host;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

const CREATE: [&str; 4] = ["-I", "postfix-new", "-e", "create"];

/// Bytes that a shell would make something of, and some that are no text.
const STRANGE: [&[u8]; 9] = [
    b"two words  and\tmore",
    b"it's \"quoted\"",
    b"`touch x`;touch y&|<>",
    b"*?[a-z]{a,b}~",
    b"#comment\\",
    b"a=b,c",
    b"\xff\xfe\xc3",
    b"a\rb\x0bc\x0cd\x01e",
    "caf\u{e9} \u{2603}".as_bytes(),
];

fn below(directory: &str, name: &[u8]) -> Vec<u8> {
    [directory.as_bytes(), b"/", name].concat()
}

fn operand(parameter: &str, path: &[u8]) -> Vec<u8> {
    [parameter.as_bytes(), b"=", path].concat()
}

#[test]
fn private_directories_of_any_name() {
    for name in STRANGE {
        let host = Host::as_root();
        let before = host.tree();
        let (queue, data) = (below("/srv", name), below("/srv/data", name));
        let mut create = host.postmulti(&CREATE);
        create.arg(OsStr::from_bytes(&operand("queue_directory", &queue)));
        create.arg(OsStr::from_bytes(&operand("data_directory", &data)));
        create.assert().success().stdout("").stderr("");
        assert!(host.path("/srv").join(OsStr::from_bytes(name)).join("deferred").is_dir());
        assert_eq!(host.path("/srv/data").join(OsStr::from_bytes(name)).metadata().unwrap().uid(), 100);
        // It is found again, and no other file was made.
        host.does(&["-i", "new", "-e", "destroy"]);
        fs::remove_dir(host.path("/srv/data")).unwrap();
        fs::remove_dir(host.path("/srv")).unwrap();
        before.assert_alike(&host.tree());
    }
}

#[test]
fn configuration_directories_of_any_name() {
    for name in [&b"it's\"quoted\""[..], b"`x`;y&|<>(z)", b"*?[a-z]{a}~", b"#x\\", b"a=b", b"\xff\xfe", b"a\x01b"] {
        let host = Host::as_root();
        let path = below("/etc", name);
        let mut create = host.postmulti(&CREATE);
        create.arg(OsStr::from_bytes(&operand("config_directory", &path))).assert().success().stderr("");
        let row = [&b"postfix-new     -               n         "[..], &path, b"\n"].concat();
        host.postmulti(&["-l", "-i", "new"]).assert().success().stdout(row);
        for action in ["enable", "disable", "deport"] {
            host.does(&["-i", "new", "-e", action]);
        }
        let mut import = host.postmulti(&["-e", "import"]);
        import.arg(OsStr::from_bytes(&operand("config_directory", &path))).assert().success().stderr("");
        host.does(&["-i", "new", "-e", "destroy"]);
        assert!(!host.path("/etc").join(OsStr::from_bytes(name)).exists());
    }
}

#[test]
fn what_the_list_cannot_hold() {
    let host = Host::as_root();
    for name in ["a b", "a\tb", "a\nb", "a\rb", "a\u{b}b", "a\u{c}b", "a,b", "a$b", "a$$b", "${x}"] {
        for action in ["create", "import"] {
            let directory = format!("/etc/{name}");
            let printed = directory.replace(|byte: char| byte.is_ascii_control(), "?");
            let message = format!(
                "config_directory={printed} cannot be put on multi_instance_directories, \
                 because it holds a blank, a comma or a '$'. Nothing was changed: choose another name"
            );
            host.refuses(&["-e", action, &format!("config_directory={directory}")], &message);
        }
    }
}

#[test]
fn what_main_cf_cannot_hold() {
    let host = Host::as_root();
    for parameter in ["queue_directory", "data_directory"] {
        let message = format!(
            "Parameter setting '{parameter}' has more than one line, which main.cf cannot hold. Nothing was changed"
        );
        host.refuses(&[&CREATE[..], &[&format!("{parameter}=/srv/a\nb")]].concat(), &message);
    }
}

#[test]
fn blanks_and_slashes_around_a_value_do_not_count() {
    let host = Host::as_root();
    host.does(&[&CREATE[..], &[" queue_directory = /srv/queue/// ", "data_directory\t=\t/srv/data"]].concat());
    let main_cf = fs::read_to_string(host.path("/etc/postfix-new/main.cf")).unwrap();
    assert!(main_cf.contains("\nqueue_directory = /srv/queue\n"), "{main_cf}");
    assert!(main_cf.contains("\ndata_directory = /srv/data\n"), "{main_cf}");
}

/// A value is text for main.cf: what it refers to is found there.
#[test]
fn values_that_refer_to_others() {
    let host = Host::as_root();
    fs::write(host.path("/etc/passwd"), "root:x:0:0:::\nvmail:x:100:101:::\n").unwrap();
    let primary = fs::read_to_string(host.path("/etc/postfix/main.cf")).unwrap();
    fs::write(host.path("/etc/postfix/main.cf"), primary.replace("mail_owner = postfix", "mail_owner = vmail"))
        .unwrap();
    for instance in ["out", "in"] {
        host.add(&format!("/etc/postfix-{instance}"), b"mail_owner = vmail\n");
    }
    let operands = ["queue_directory=/srv/$multi_instance_name/queue", "data_directory=/srv/${mail_owner}/$$(data)"];
    let create = [&CREATE[..], &operands].concat();
    let made = |host: &Host| {
        assert!(host.path("/srv/postfix-new/queue/deferred").is_dir());
        assert_eq!(host.path("/srv/vmail/$(data)").metadata().unwrap().uid(), 100);
        assert!(!host.path("/srv/postfix").exists());
    };
    let quiet = |arguments: &[&str]| host.postmulti(arguments).assert().success().stdout("");
    quiet(&create);
    made(&host);
    let main_cf = fs::read_to_string(host.path("/etc/postfix-new/main.cf")).unwrap();
    assert!(main_cf.contains("\nqueue_directory = /srv/$multi_instance_name/queue\n"), "{main_cf}");
    // The same request means the same instance: listed but incomplete, and complete but not listed.
    fs::remove_dir(host.path("/srv/postfix-new/queue/deferred")).unwrap();
    quiet(&create);
    made(&host);
    quiet(&["-i", "new", "-e", "deport"]);
    quiet(&create);
    host.postmulti(&["-l", "-i", "new"]).assert().success();
}

#[test]
fn a_path_that_is_too_long() {
    let host = Host::as_root();
    let long = format!("/srv/{}", "x".repeat(300));
    let message = format!("mkdir {long}: File name too long. Nothing was changed");
    host.refuses(&[&CREATE[..], &[&format!("data_directory={long}")]].concat(), &message);
}
