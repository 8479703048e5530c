//! A main.cf that is replaced stays what it was: its attributes, a link to it, its bytes.

use crate::host::Host;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

const DISABLE: [&str; 4] = ["-i", "out", "-e", "disable"];
const FILE: &str = "/etc/postfix-out/main.cf";

/// Disables the instance, and checks that its file says so, and is otherwise as it was.
#[track_caller]
fn disabled(host: &Host) {
    let text = fs::read(host.path(FILE)).unwrap();
    host.does(&DISABLE);
    let expected = replaced(&text, b"\nmulti_instance_enable = yes\n", b"\nmulti_instance_enable = no\n");
    assert_eq!(fs::read(host.path(FILE)).unwrap().escape_ascii().to_string(), expected.escape_ascii().to_string());
}

fn replaced(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let place = text.windows(old.len()).position(|window| window == old).unwrap();
    [&text[..place], new, &text[place + old.len()..]].concat()
}

/// master.cf is a copy of its prototype; postfix-files then says whose it is, and with which mode.
#[test]
fn a_copy_has_the_attributes_of_its_model() {
    let host = Host::as_root();
    let prototype = host.path("/etc/postfix/master.cf.proto");
    chown(&prototype, None, Some(102)).unwrap();
    xattr::set(&prototype, "user.note", b"ours").unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    File::open(&prototype).unwrap().set_modified(time).unwrap();
    host.does(&["-I", "postfix-new", "-e", "create"]);
    let copy = host.path("/etc/postfix-new/master.cf");
    assert_eq!(fs::read(&copy).unwrap(), fs::read(&prototype).unwrap());
    assert_eq!(xattr::get(&copy, "user.note").unwrap().as_deref(), Some(&b"ours"[..]));
    let found = copy.metadata().unwrap();
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (0, 102, 0o644));
    assert_eq!(found.modified().unwrap(), time);
}

const ACCESS: &str = "system.posix_acl_access";

/// An access control list in which user 1234 may read and write, as the kernel keeps it: tag, permissions and ID.
fn list() -> Vec<u8> {
    let nobody = u32::MAX;
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, nobody), (2, 6, 1234), (4, 4, nobody), (16, 6, nobody), (32, 4, nobody)];
    let bytes = entries
        .into_iter()
        .flat_map(|(tag, may, id)| [&tag.to_le_bytes()[..], &may.to_le_bytes(), &id.to_le_bytes()].concat());
    2u32.to_le_bytes().into_iter().chain(bytes).collect()
}

#[test]
fn mode() {
    for mode in [0o600, 0o640, 0o664, 0o444, 0o4755] {
        let host = Host::new();
        fs::set_permissions(host.path(FILE), fs::Permissions::from_mode(mode)).unwrap();
        disabled(&host);
        assert_eq!(host.path(FILE).metadata().unwrap().mode() & 0o7777, mode);
    }
}

#[test]
fn owner_and_group() {
    let host = Host::as_root();
    for file in [FILE, "/etc/postfix/main.cf"] {
        chown(host.path(file), Some(100), Some(102)).unwrap();
        fs::set_permissions(host.path(file), fs::Permissions::from_mode(0o6640)).unwrap();
    }
    disabled(&host);
    host.does(&["-i", "out", "-e", "deport"]);
    for file in [FILE, "/etc/postfix/main.cf"] {
        let found = host.path(file).metadata().unwrap();
        assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (100, 102, 0o6640), "{file}");
    }
}

#[test]
fn extended_attributes() {
    let host = Host::new();
    let path = host.path(FILE);
    for (name, value) in [("user.note", &b"ours"[..]), ("user.empty", b""), ("user.bytes", b"\0\xff")] {
        xattr::set(&path, name, value).unwrap();
    }
    disabled(&host);
    assert_eq!(xattr::get(&path, "user.note").unwrap().as_deref(), Some(&b"ours"[..]));
    assert_eq!(xattr::get(&path, "user.empty").unwrap().as_deref(), Some(&b""[..]));
    assert_eq!(xattr::get(&path, "user.bytes").unwrap().as_deref(), Some(&b"\0\xff"[..]));
}

#[test]
fn access_control_list() {
    let host = Host::new();
    let path = host.path(FILE);
    xattr::set(&path, ACCESS, &list()).unwrap();
    disabled(&host);
    assert_eq!(xattr::get(&path, ACCESS).unwrap(), Some(list()));
    assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o664);
}

/// A directory may give new files a list of their own. The file that is replaced had none.
#[test]
fn no_access_control_list_of_the_directory() {
    let host = Host::new();
    let path = host.path(FILE);
    xattr::set(path.parent().unwrap(), "system.posix_acl_default", &list()).unwrap();
    disabled(&host);
    assert_eq!(xattr::get(&path, ACCESS).unwrap(), None);
    assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o644);
}

/// Moves the file elsewhere, puts a link in its place, and disables the instance.
fn through_link(place: &str, target: &str) {
    let host = Host::new();
    fs::create_dir_all(host.path(place).parent().unwrap()).unwrap();
    fs::rename(host.path(FILE), host.path(place)).unwrap();
    fs::set_permissions(host.path(place), fs::Permissions::from_mode(0o640)).unwrap();
    symlink(target, host.path(FILE)).unwrap();
    let text = fs::read(host.path(place)).unwrap();
    host.does(&DISABLE);
    assert_eq!(fs::read_link(host.path(FILE)).unwrap(), PathBuf::from(target));
    let expected = replaced(&text, b"\nmulti_instance_enable = yes\n", b"\nmulti_instance_enable = no\n");
    assert_eq!(fs::read(host.path(place)).unwrap(), expected);
    assert_eq!(host.path(place).metadata().unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn a_link() {
    through_link("/etc/postfix-out/real.cf", "real.cf");
    through_link("/srv/out/main.cf", "../../srv/out/main.cf");
    // Above the root is the root.
    through_link("/srv/out/main.cf", "../../../../../../../../srv/out/main.cf");
    through_link("/srv/out/main.cf", "/srv/out/main.cf");
}

#[test]
fn a_link_to_a_link_and_a_directory_that_is_one() {
    let host = Host::new();
    fs::create_dir(host.path("/srv")).unwrap();
    fs::rename(host.path("/etc/postfix-out"), host.path("/srv/out")).unwrap();
    symlink("/srv/out", host.path("/etc/postfix-out")).unwrap();
    fs::rename(host.path("/srv/out/main.cf"), host.path("/srv/real.cf")).unwrap();
    symlink("/srv/real.cf", host.path("/srv/link.cf")).unwrap();
    symlink("../link.cf", host.path("/srv/out/main.cf")).unwrap();
    let before = host.tree();
    host.does(&DISABLE);
    assert_eq!(before.new_names(&host.tree()), Vec::<PathBuf>::new());
    assert!(fs::read_to_string(host.path("/srv/real.cf")).unwrap().contains("\nmulti_instance_enable = no\n"));
}

#[test]
fn a_link_in_place_of_the_list() {
    let host = Host::as_root();
    let (link, real) = (host.path("/etc/postfix/main.cf"), host.path("/usr/lib/postfix/main.cf"));
    fs::rename(&link, &real).unwrap();
    symlink("../../usr/lib/postfix/main.cf", &link).unwrap();
    host.does(&["-I", "postfix-new", "-e", "create"]);
    host.does(&["-i", "new", "-e", "deport"]);
    assert_eq!(fs::read_link(&link).unwrap(), PathBuf::from("../../usr/lib/postfix/main.cf"));
    assert!(fs::read_to_string(&real).unwrap().ends_with("\nalternate_config_directories = /etc/postfix-new\n"));
}

#[test]
fn link_into_directory_of_others_is_followed_with_warning() {
    for (owner, mode) in [(0, 0o1777), (0, 0o775), (1234, 0o755)] {
        let host = Host::as_root();
        let directory = host.path("/srv");
        fs::create_dir(&directory).unwrap();
        fs::rename(host.path(FILE), directory.join("main.cf")).unwrap();
        symlink("/srv/main.cf", host.path(FILE)).unwrap();
        chown(&directory, Some(owner), None).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
        let warning = "postmulti: warning: /etc/postfix-out/main.cf is a link into /srv, where other users can replace \
                       the file: put the file in place of the link\n";
        host.postmulti(&DISABLE).assert().success().stdout("").stderr(warning);
        assert_eq!(fs::read_link(host.path(FILE)).unwrap(), PathBuf::from("/srv/main.cf"));
        assert!(fs::read_to_string(directory.join("main.cf")).unwrap().contains("\nmulti_instance_enable = no\n"));
        host.assert_tidy();
    }
}

/// Nothing is ever written to the device, nor put in its place.
#[test]
fn link_to_null_device_is_replaced() {
    let host = Host::as_root();
    fs::create_dir(host.path("/dev")).unwrap();
    mknod(&host.path("/dev/null"), SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(1, 3)).unwrap();
    // Such an instance has the default directories.
    host.add("/etc/postfix", b"queue_directory = /srv/queue\ndata_directory = /srv/data\n");
    let file = host.remove_main_cf("/etc/postfix-out");
    symlink("/dev/null", &file).unwrap();
    host.postmulti(&["-i", "/etc/postfix-out", "-e", "enable"]).assert().success();
    assert_eq!(fs::read_to_string(&file).unwrap(), "multi_instance_enable = yes\n");
    let found = file.symlink_metadata().unwrap();
    assert!(found.is_file());
    assert_eq!(found.mode() & 0o7777, 0o644);
    assert_eq!(host.path("/dev/null").metadata().unwrap().rdev(), makedev(1, 3));
}

#[test]
fn a_link_that_leads_nowhere() {
    let host = Host::as_root();
    host.does(&["-I", "postfix-new", "-e", "create"]);
    fs::remove_file(host.path("/etc/postfix-new/master.cf")).unwrap();
    symlink("/etc/master.cf", host.path("/etc/postfix-new/master.cf")).unwrap();
    let message = "open /etc/postfix-new/master.cf: No such file or directory. Nothing was changed";
    host.refuses(&["-I", "postfix-new", "-e", "create"], message);
}

/// As with Postfix's own tools, the other name keeps what it had.
#[test]
fn a_second_name() {
    let host = Host::new();
    fs::hard_link(host.path(FILE), host.path("/etc/other.cf")).unwrap();
    let text = fs::read(host.path(FILE)).unwrap();
    disabled(&host);
    assert_eq!(fs::read(host.path("/etc/other.cf")).unwrap(), text);
}

#[test]
fn nothing_is_written_where_nothing_changes() {
    let host = Host::new();
    let before = host.tree();
    host.does(&["-i", "out", "-e", "enable"]);
    host.does(&["-e", "init"]);
    before.assert_restored(&host.tree());
}

#[test]
fn strange_bytes_stay() {
    let host = Host::new();
    host.add("/etc/postfix-out", b"a = \xff\xfe\r\n#\t\xc3\n \t\r\n  more\n\n\n$strange\x0b= \x0c\n");
    disabled(&host);
}

#[test]
fn a_last_line_without_end_gets_one() {
    let host = Host::new();
    host.add("/etc/postfix-out", b"a = b");
    let text = fs::read(host.path(FILE)).unwrap();
    host.does(&DISABLE);
    let expected = replaced(&text, b"\nmulti_instance_enable = yes\n", b"\nmulti_instance_enable = no\n");
    assert_eq!(fs::read(host.path(FILE)).unwrap(), [&expected, &b"\n"[..]].concat());
}

/// A program that reads the file while it is replaced has the old one to its end.
#[test]
fn an_open_file_stays_as_it_is() {
    let host = Host::new();
    let mut open = OpenOptions::new().read(true).open(host.path(FILE)).unwrap();
    let text = fs::read(host.path(FILE)).unwrap();
    disabled(&host);
    let mut read = Vec::new();
    std::io::Read::read_to_end(&mut open, &mut read).unwrap();
    assert_eq!(read, text);
}
