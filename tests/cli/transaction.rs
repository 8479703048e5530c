//! All or nothing: whatever goes wrong on the way, all is as it was.

use crate::host::Host;
use assert_cmd::cargo::cargo_bin;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::sys::statvfs::statvfs;
use std::fs;
use std::io::pipe;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::resume_unwind;
use std::process::Command;
use std::thread;

/// Runs a test among mounts of its own.
pub fn with_mounts(test: impl FnOnce(&Host) + Send) {
    let host = &Host::as_root();
    let run = || {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
        test(host);
    };
    thread::scope(|scope| scope.spawn(run).join().unwrap_or_else(|panic| resume_unwind(panic)));
}

/// Lets an action run out of space at one place after the other, until it has enough of it.
fn runs_out_of(what: &str, prepare: impl Fn(&Host) + Send + Sync, arguments: &[&str]) {
    with_mounts(|host| {
        let undisturbed = Host::as_root();
        prepare(&undisturbed);
        undisturbed.does(arguments);

        let root = &host.path("/");
        let tmpfs = |flags, options: &str| mount(Some("tmpfs"), root, Some("tmpfs"), flags, Some(options)).unwrap();
        tmpfs(MsFlags::empty(), "mode=755");
        host.fill();
        prepare(host);
        let used = statvfs(root).unwrap();
        let used = match what {
            "nr_inodes" => used.files() - used.files_free(),
            _ => (used.blocks() - used.blocks_free()) * used.fragment_size(),
        };
        let step = if what == "nr_inodes" { 1 } else { 4096 };
        let mut failures = 0;
        loop {
            tmpfs(MsFlags::MS_REMOUNT, &format!("mode=755,{what}={}", used + failures * step));
            let before = host.tree();
            let output = host.postmulti(arguments).output().unwrap();
            if output.status.success() {
                break;
            }
            before.assert_alike(&host.tree());
            let told = String::from_utf8(output.stderr).unwrap();
            assert!(told.starts_with("postmulti: fatal: "), "{told}");
            assert!(told.ends_with(": No space left on device. Nothing was changed\n"), "{told}");
            failures += 1;
        }
        assert!(failures > 0);
        host.tree().assert_alike(&undisturbed.tree());
        umount2(root, MntFlags::MNT_DETACH).unwrap();
    });
}

fn with_deported(host: &Host) {
    host.does(&["-I", "postfix-new", "-e", "create"]);
    host.does(&["-i", "new", "-e", "deport"]);
    fs::remove_dir(host.path("/var/spool/postfix-new/hold")).unwrap();
    fs::remove_dir(host.path("/var/spool/postfix-new/saved")).unwrap();
    fs::set_permissions(host.path("/var/spool/postfix-new/pid"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn create_without_space_for_another_file() {
    runs_out_of("nr_inodes", |_| {}, &["-I", "postfix-new", "-e", "create"]);
}

#[test]
fn create_without_space_for_more_bytes() {
    runs_out_of("size", |_| {}, &["-I", "postfix-new", "-e", "create"]);
}

#[test]
fn import_without_space_for_another_file() {
    let import = ["-I", "postfix-2", "-e", "import", "config_directory=/etc/postfix-new"];
    runs_out_of("nr_inodes", with_deported, &import);
}

#[test]
fn import_without_space_for_more_bytes() {
    let import = ["-I", "postfix-2", "-e", "import", "config_directory=/etc/postfix-new"];
    runs_out_of("size", with_deported, &import);
}

#[test]
fn the_others_without_space() {
    let new = |host: &Host| host.does(&["-I", "postfix-new", "-e", "create"]);
    for what in ["nr_inodes", "size"] {
        runs_out_of(what, new, &["-i", "new", "-e", "enable"]);
        runs_out_of(what, new, &["-i", "new", "-G", "group", "-e", "assign"]);
        runs_out_of(what, new, &["-i", "new", "-e", "deport"]);
        runs_out_of(what, new, &["-i", "new", "-e", "destroy"]);
    }
}

/// Has the last step of all fail: the primary's main.cf is larger than a new file may become.
fn fails_at_commit(host: &Host, arguments: &[&str]) {
    host.add("/etc/postfix", format!("#{}\n", "x".repeat(100_000)).as_bytes());
    let mut command = Command::new(cargo_bin("postmulti"));
    command.arg("--root").arg(host.path("/")).args(arguments);
    // SAFETY: setrlimit(2) may be called between fork and exec.
    unsafe { command.pre_exec(|| Ok(setrlimit(Resource::RLIMIT_FSIZE, 100_000, 100_000)?)) };
    let before = host.tree();
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = "postmulti: fatal: write /etc/postfix/main.cf.tmp: File too large. Nothing was changed\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), message);
    before.assert_alike(&host.tree());
}

#[test]
fn the_list_cannot_be_replaced() {
    for arguments in [
        &["-I", "postfix-2", "-e", "create"][..],
        &["-I", "postfix-2", "-i", "-", "-e", "assign"],
        // This one edits the instance's own main.cf, too.
        &["-I", "postfix-2", "-e", "import", "config_directory=/etc/postfix-new"],
    ] {
        let host = Host::as_root();
        with_deported(&host);
        fails_at_commit(&host, arguments);
        host.does(&["-I", "postfix-2", "-e", "create"]);
    }
}

#[test]
fn a_file_system_that_cannot_be_written() {
    with_mounts(|host| {
        fs::create_dir_all(host.path("/var/lib/here")).unwrap();
        let readonly = |path: &str| {
            let path = &host.path(path);
            mount(Some(path), path, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
            let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
            mount(None::<&str>, path, None::<&str>, flags, None::<&str>).unwrap();
        };
        readonly("/var/lib");
        let before = host.tree();
        let message = "mkdir /var/lib/postfix-new: Read-only file system. Nothing was changed";
        host.refuses(&["-I", "postfix-new", "-e", "create"], message);
        let operands = ["-I", "postfix-new", "-e", "create", "data_directory=/var/lib/here"];
        let told = host.postmulti(&operands).output().unwrap().stderr;
        let told = String::from_utf8(told).unwrap();
        assert!(told.ends_with("/var/lib/here: Read-only file system. Nothing was changed\n"), "{told}");
        before.assert_restored(&host.tree());
        readonly("/etc/postfix");
        let before = host.tree();
        let message = "open /etc/postfix/main.cf.tmp: Read-only file system. Nothing was changed";
        host.refuses(&["-I", "postfix-new", "-e", "create", "data_directory=/srv/new"], message);
        host.refuses(&["-i", "-", "-I", "postfix-new", "-e", "assign"], message);
        before.assert_untouched(&host.tree());
        for mounted in ["/var/lib", "/etc/postfix"] {
            umount2(&host.path(mounted), MntFlags::MNT_DETACH).unwrap();
        }
    });
}

/// Owners and modes below the queue directory are set before the list is, and set back when that fails.
#[test]
fn all_kinds_of_files_get_their_owners_back() {
    let host = Host::as_root();
    with_deported(&host);
    let queue = host.path("/var/spool/postfix-new/deferred");
    fs::create_dir(queue.join("A")).unwrap();
    fs::set_permissions(queue.join("A"), fs::Permissions::from_mode(0o711)).unwrap();
    fs::write(queue.join("A/message"), "").unwrap();
    symlink("/etc/passwd", queue.join("link")).unwrap();
    nix::unistd::mkfifo(&queue.join("fifo"), Mode::S_IRWXU).unwrap();
    for name in ["", "A", "A/message", "link", "fifo"] {
        lchown(queue.join(name), Some(1234), Some(5678)).unwrap();
    }
    fs::set_permissions(queue.join("A/message"), fs::Permissions::from_mode(0o6700)).unwrap();
    fails_at_commit(&host, &["-e", "import", "config_directory=/etc/postfix-new"]);
    host.does(&["-e", "import", "config_directory=/etc/postfix-new"]);
    assert_eq!(fs::symlink_metadata(queue.join("link")).unwrap().uid(), 100);
    assert_eq!(host.path("/etc/passwd").metadata().unwrap().uid(), 0);
}

/// A file that its owner could have from elsewhere is not given to the mail system.
#[test]
fn a_file_with_another_name_keeps_its_owner() {
    let host = Host::as_root();
    with_deported(&host);
    let file = host.path("/var/spool/postfix-new/deferred/file");
    fs::hard_link(host.path("/etc/passwd"), &file).unwrap();
    let warning = "postmulti: warning: /var/spool/postfix-new/deferred/file: \
                   this file has other names, too: its owner is left as it is\n";
    let import = ["-e", "import", "config_directory=/etc/postfix-new"];
    host.postmulti(&import).assert().success().stdout("").stderr(warning);
    assert_eq!(host.path("/etc/passwd").metadata().unwrap().uid(), 0);
}

/// Whoever has stopped listening does not end what has begun.
#[test]
fn nobody_reads_a_warning() {
    let (host, undisturbed) = (Host::as_root(), Host::as_root());
    let import = ["-e", "import", "config_directory=/etc/postfix-new"];
    for host in [&host, &undisturbed] {
        with_deported(host);
        fs::hard_link(host.path("/etc/passwd"), host.path("/var/spool/postfix-new/deferred/file")).unwrap();
    }
    undisturbed.postmulti(&import).assert().success();
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut command = Command::new(cargo_bin("postmulti"));
    let ended = command.arg("--root").arg(host.path("/")).args(import).stderr(writer).status().unwrap();
    assert_eq!(ended.signal(), Some(Signal::SIGPIPE as i32));
    undisturbed.tree().assert_alike(&host.tree());
}
