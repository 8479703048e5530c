//! What destroy removes, what it leaves, and when it refuses.

use crate::host::Host;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

const DESTROY: [&str; 4] = ["-i", "new", "-e", "destroy"];
const CONFIG: &str = "/etc/postfix-new";
const QUEUE: &str = "/var/spool/postfix-new";
const DATA: &str = "/var/lib/postfix-new";

fn created() -> Host {
    let host = Host::as_root();
    host.does(&["-I", "postfix-new", "-e", "create"]);
    host
}

/// Writes a file, and makes the directories above it that are missing.
fn write(host: &Host, path: &str) {
    let path = host.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "x\n").unwrap();
}

/// The tree of a host without the instance, but with what `leave` has left of it.
#[track_caller]
fn assert_left(host: &Host, leave: impl FnOnce(&Host)) {
    let never = Host::as_root();
    leave(&never);
    never.tree().assert_alike(&host.tree());
}

#[test]
fn all_that_postfix_makes() {
    let host = created();
    host.add(
        CONFIG,
        b"smtp_tls_session_cache_database = btree:${data_directory}/smtp_scache\n\
          smtpd_tls_session_cache_database = btree:/var/cache/smtpd_scache\n\
          postscreen_cache_map = proxy:lmdb:$data_directory/ps_cache\n",
    );
    for hashed in ["deferred/A", "deferred/0/F", "defer/A", "incoming/1", "active/2", "hold/3", "bounce/4/5/6"] {
        fs::create_dir_all(host.path(&format!("{QUEUE}/{hashed}"))).unwrap();
    }
    for socket in ["private/smtp", "private/rewrite", "public/cleanup", "public/qmgr"] {
        UnixListener::bind(host.path(&format!("{QUEUE}/{socket}"))).unwrap();
    }
    nix::unistd::mkfifo(&host.path(&format!("{QUEUE}/public/pickup")), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for name in ["master.pid", "unix.smtp", "inet.127.0.0.1:10026", "pass.smtpd", "fifo.pickup", "unix-dgram.postlog"] {
        write(&host, &format!("{QUEUE}/pid/{name}"));
    }
    for name in ["flush/example_com", "flush/e/example_org"] {
        write(&host, &format!("{QUEUE}/{name}"));
    }
    for name in ["master.lock", "prng_exch", "verify_cache.db", "ps_cache.lmdb", "smtp_scache.db", "smtp_scache"] {
        write(&host, &format!("{DATA}/{name}"));
    }
    write(&host, "/var/cache/smtpd_scache.db");
    write(&host, &format!("{CONFIG}/main.cf.tmp"));
    host.does(&DESTROY);
    assert_left(&host, |never| write(never, "/var/cache/smtpd_scache.db"));
}

#[test]
fn data_below_the_queue() {
    let host = Host::as_root();
    let directories = [&format!("queue_directory={QUEUE}")[..], &format!("data_directory={QUEUE}/data/own")];
    host.does(&[&["-I", "postfix-new", "-e", "create"], &directories[..]].concat());
    let warning = format!("postmulti: warning: {QUEUE}: please verify contents and remove by hand\n");
    host.postmulti(&DESTROY).assert().success().stderr(warning);
    assert_left(&host, |never| {
        fs::create_dir_all(never.path(&format!("{QUEUE}/data"))).unwrap();
        copy_owner(&host, never, &format!("{QUEUE}/data"));
    });
}

/// What belongs to the administrator stays, and is told.
#[test]
fn what_is_not_postfixs_own() {
    let host = created();
    let files = [
        "/etc/postfix-new/virtual",
        "/var/spool/postfix-new/README",
        "/var/spool/postfix-new/pid/other.pid",
        "/var/spool/postfix-new/private/notes",
        "/var/spool/postfix-new/public/notes",
        "/var/spool/postfix-new/defer/4cXyZ",
        "/var/spool/postfix-new/deferred/old/4cXyZ",
        "/var/lib/postfix-new/smtpd_scache.db",
    ];
    files.iter().for_each(|file| write(&host, file));
    let told = [
        "/var/spool/postfix-new/defer",
        "/var/spool/postfix-new/deferred",
        "/var/spool/postfix-new/pid",
        "/var/spool/postfix-new/private",
        "/var/spool/postfix-new/public",
        "/var/lib/postfix-new",
        "/var/spool/postfix-new",
        "/etc/postfix-new",
    ];
    let warnings: String = told
        .iter()
        .map(|path| format!("postmulti: warning: {path}: please verify contents and remove by hand\n"))
        .collect();
    host.postmulti(&DESTROY).assert().success().stdout("").stderr(warnings);
    for file in files {
        assert!(host.path(file).exists(), "{file}");
    }
    for gone in ["/etc/postfix-new/main.cf", "/etc/postfix-new/destroy.unfinished", "/var/spool/postfix-new/active"] {
        assert!(!host.path(gone).exists(), "{gone}");
    }
    host.refuses(&DESTROY, "No instance named new");
    host.refuses(&["-i", CONFIG, "-e", "destroy"], "No instance named /etc/postfix-new");
}

/// Daemons in a chroot jail have copies of system files. As long as they are no more than that, they go.
#[test]
fn copies_for_a_jail() {
    let host = created();
    for name in ["etc/hosts", "etc/ssl/certs.pem", "lib/libnss.so"] {
        for directory in ["", QUEUE] {
            write(&host, &format!("{directory}/{name}"));
        }
    }
    write(&host, &format!("{QUEUE}/usr/changed"));
    write(&host, "/usr/changed");
    fs::write(host.path("/usr/changed"), "y\n").unwrap();
    let warning = format!("postmulti: warning: {QUEUE}: please verify contents and remove by hand\n");
    host.postmulti(&DESTROY).assert().success().stderr(warning);
    assert_left(&host, |never| {
        for name in ["/etc/hosts", "/etc/ssl/certs.pem", "/lib/libnss.so", "/usr/changed"] {
            write(never, name);
        }
        fs::write(never.path("/usr/changed"), "y\n").unwrap();
        write(never, &format!("{QUEUE}/usr/changed"));
    });
}

/// So do links that lead to system files, and devices that are also outside.
#[test]
fn links_and_devices_for_a_jail() {
    let host = created();
    let device = |path: &str, number| {
        let path = host.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        mknod(&path, SFlag::S_IFCHR, Mode::S_IRUSR, number).unwrap();
    };
    for directory in ["", QUEUE] {
        device(&format!("{directory}/dev/random"), makedev(1, 8));
    }
    let link = |name: &str, target: &str| {
        let path = host.path(&format!("{QUEUE}/usr/lib/zoneinfo")).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    };
    link("localtime", "/etc/passwd");
    host.does(&DESTROY);
    assert!(!host.path(QUEUE).exists());
    assert!(host.path("/etc/passwd").exists() && host.path("/dev/random").exists());

    let host = created();
    let kept = host.path(&format!("{QUEUE}/etc"));
    fs::create_dir(&kept).unwrap();
    symlink("/etc/nosuch", kept.join("nowhere")).unwrap();
    symlink("hosts", kept.join("relative")).unwrap();
    mknod(&kept.join("null"), SFlag::S_IFCHR, Mode::S_IRUSR, makedev(1, 3)).unwrap();
    let warning = format!("postmulti: warning: {QUEUE}: please verify contents and remove by hand\n");
    host.postmulti(&DESTROY).assert().success().stderr(warning);
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 3);
}

#[test]
fn mail() {
    let host = created();
    let refused = |files: &[&str], queues: &str| {
        let files: Vec<String> = files.iter().map(|file| format!("{QUEUE}/{file}")).collect();
        files.iter().for_each(|file| write(&host, file));
        let message = format!(
            "Instance '{CONFIG}' has mail: {queues}. Nothing was changed: deliver it, move it or delete it first"
        );
        host.refuses(&DESTROY, &message);
        host.refuses(&[&["--dry-run"], &DESTROY[..]].concat(), &message);
        files.iter().for_each(|file| fs::remove_file(host.path(file)).unwrap());
    };
    for queue in ["maildrop", "incoming", "active", "deferred", "hold", "corrupt", "saved"] {
        refused(&[&format!("{queue}/4cXyZ")], &format!("1 in {queue}"));
        refused(&[&format!("{queue}/4/c/4cXyZ"), &format!("{queue}/4/4cXyA")], &format!("2 in {queue}"));
    }
    refused(&["hold/1", "deferred/2/2", "maildrop/3", "deferred/5"], "1 in maildrop, 2 in deferred, 1 in hold");
    host.does(&DESTROY);
}

/// A link in the place of anything is not followed.
#[test]
fn links() {
    let precious = |host: &Host| {
        write(host, "/srv/precious/file");
        fs::create_dir(host.path("/srv/precious/A")).unwrap();
        fs::create_dir_all(host.path("/srv/empty/B")).unwrap();
        UnixListener::bind(host.path("/srv/precious/socket")).unwrap();
    };
    let host = created();
    precious(&host);
    let link = |target: &str, path: &str| {
        let path = host.path(path);
        let _ = fs::remove_dir(&path);
        let _ = fs::remove_file(&path);
        symlink(target, path).unwrap();
    };
    for (target, name) in [
        ("/srv/precious", "deferred"),
        ("../../../srv/precious", "private"),
        ("/srv/precious", "flush"),
        ("/srv/empty", "saved"),
        ("/srv/empty/B", "hold/A"),
        ("/srv/precious/file", "pid/master.pid"),
    ] {
        link(target, &format!("{QUEUE}/{name}"));
    }
    link("/srv/precious/file", &format!("{DATA}/master.lock"));
    fs::rename(host.path("/etc/postfix-new/main.cf"), host.path("/srv/main.cf")).unwrap();
    link("/srv/main.cf", "/etc/postfix-new/main.cf");
    let message = format!("open {QUEUE}/pid/master.pid: Too many levels of symbolic links. Nothing was changed");
    host.refuses(&DESTROY, &message);

    fs::remove_file(host.path(&format!("{QUEUE}/pid/master.pid"))).unwrap();
    let main_cf = fs::read(host.path("/srv/main.cf")).unwrap();
    let stay = ["deferred", "flush", "hold", "private", "saved"];
    let told = stay.iter().map(|name| format!("{QUEUE}/{name}")).chain([QUEUE.to_owned()]);
    let warnings: String =
        told.map(|path| format!("postmulti: warning: {path}: please verify contents and remove by hand\n")).collect();
    host.postmulti(&DESTROY).assert().success().stderr(warnings);
    assert_left(&host, |never| {
        precious(never);
        fs::write(never.path("/srv/main.cf"), main_cf).unwrap();
        fs::create_dir_all(never.path(QUEUE)).unwrap();
        fs::create_dir(never.path(&format!("{QUEUE}/hold"))).unwrap();
        for name in ["deferred", "flush", "private", "saved", "hold/A"] {
            let target = fs::read_link(host.path(&format!("{QUEUE}/{name}"))).unwrap();
            symlink(target, never.path(&format!("{QUEUE}/{name}"))).unwrap();
        }
        copy_owner(&host, never, &format!("{QUEUE}/hold"));
    });
}

fn copy_owner(from: &Host, to: &Host, path: &str) {
    use std::os::unix::fs::{MetadataExt, chown};
    let found = from.path(path).metadata().unwrap();
    chown(to.path(path), Some(found.uid()), Some(found.gid())).unwrap();
    fs::set_permissions(to.path(path), found.permissions()).unwrap();
}

/// A directory that is elsewhere by way of a link is emptied there, and the link stays.
#[test]
fn a_queue_directory_that_is_a_link() {
    let host = created();
    fs::rename(host.path(QUEUE), host.path("/queue")).unwrap();
    symlink("/queue", host.path(QUEUE)).unwrap();
    let warning = format!("postmulti: warning: {QUEUE}: please verify contents and remove by hand\n");
    host.postmulti(&DESTROY).assert().success().stderr(warning);
    assert_left(&host, |never| {
        fs::create_dir(never.path("/queue")).unwrap();
        symlink("/queue", never.path(QUEUE)).unwrap();
    });
}

#[test]
fn an_instance_that_is_running() {
    let host = created();
    let master_pid = host.path(&format!("{QUEUE}/pid/master.pid"));
    let held = File::create(&master_pid).unwrap();
    held.lock().unwrap();
    for action in ["destroy", "deport"] {
        host.refuses(&["-i", "new", "-e", action], "Instance '/etc/postfix-new' is not stopped");
    }
    host.does(&["-i", "new", "-e", "enable"]);
    let warning = "postmulti: warning: instance /etc/postfix-new is running: \
                   from now on 'postmulti -p stop' passes it over\n";
    host.postmulti(&["-i", "new", "-e", "disable"]).assert().success().stderr(warning);
    drop(held);
    assert!(Path::new(&master_pid).exists());
    host.does(&["-i", "new", "-e", "disable"]);
    host.does(&DESTROY);
    assert_left(&host, |_| {});
}

#[test]
fn one_that_is_enabled_or_the_primary() {
    let host = created();
    host.does(&["-i", "new", "-e", "enable"]);
    for action in ["destroy", "deport"] {
        host.refuses(&["-i", "new", "-e", action], "Cannot remove enabled instances");
        host.refuses(&["-i", "-", "-e", action], "Cannot remove the primary instance");
        host.refuses(&["-a", "-e", action], "Select an instance via '-i name'");
        host.refuses(&["-i", "nobody", "-e", action], "No instance named nobody");
    }
}
