//! postfix-files, the real one and generated ones: what `postfix set-permissions` does by them for a secondary
//! instance. Programs that only tell how they are called stand in for chown(1) and the others.

use super::ask::write_old;
use super::generate::{generated, postfix_files::postfix_files};
use super::{files, in_each_root, seed};
use postmulti::config::postfix_files::{Base, Entry, Kind, Owner, entries};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// The instance is a secondary by the list of the primary. Debian's Postfix also copies files into the queue
/// directory, by a script of its own.
const ASK: &str = r#"
mount --bind /mnt/primary /etc/postfix || exit
for program in chown chgrp chmod mkdir find; do
    cp -p /bin/$program /mnt/real && mount --bind /mnt/program /bin/$program || exit
done
debian=/usr/lib/postfix/configure-instance.sh
[ ! -e $debian ] || mount --bind /bin/true $debian || exit
postfix -c /mnt/config set-permissions >/mnt/complaints 2>&1 || cat /mnt/complaints /mnt/trace >&2
"#;

/// The script of Postfix finds the files in postfix-files.d with find(1).
const PROGRAM: &str = r#"#!/bin/sh
[ "${0##*/} $2 $3" != 'find -type f' ] || exec /mnt/real/find "$@"
echo "${0##*/} $*" >>/mnt/trace
"#;

const PRIMARY: &[u8] = b"multi_instance_directories = /mnt/config\n";
const SECONDARY: &[u8] =
    b"queue_directory = /mnt/queue\ndata_directory = /mnt/data\nmeta_directory = /mnt/meta\nmaillog_file =\n";

#[test]
fn permissions() {
    let seed = seed();
    let generated: Vec<_> = generated(postfix_files(), seed, files() / 25).collect();
    in_each_root(|reference| {
        let layout = reference.postfix.layout.unwrap();
        let stock = reference.root.join(layout.meta_directory.trim_start_matches('/')).join("postfix-files");
        let stock = fs::read(stock).unwrap();
        let work = tempfile::tempdir().unwrap();
        let place = |path: &str| work.path().join(path);
        for directory in ["primary", "config/a", "queue/a", "data/a", "meta/postfix-files.d", "real"] {
            fs::create_dir_all(place(directory)).unwrap();
        }
        write_old(&place("primary/main.cf"), PRIMARY);
        write_old(&place("config/main.cf"), SECONDARY);
        fs::write(place("meta/postfix-files"), &stock).unwrap();
        fs::write(place("program"), PROGRAM).unwrap();
        fs::set_permissions(place("program"), fs::Permissions::from_mode(0o755)).unwrap();

        let mut understood = vec![entries(&stock).unwrap()];
        for (number, file) in generated.iter().enumerate() {
            if let Ok(entries) = entries(file) {
                fs::write(place(&format!("meta/postfix-files.d/{number:06}")), file).unwrap();
                understood.push(entries);
            }
        }
        println!("Postfix {}: {} of {} generated files", reference.version, understood.len() - 1, generated.len());
        assert!(understood.len() * 3 > generated.len(), "too much is not understood");

        let ours: Vec<_> = understood.iter().flatten().flat_map(calls).collect();
        let output = reference.run(work.path(), ASK);
        let theirs = fs::read_to_string(place("trace")).unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        for (ours, theirs) in ours.iter().zip(theirs.lines()) {
            assert_eq!(ours, theirs, "POSTCONF_SEED={seed} {complaint}");
        }
        assert_eq!(ours.len(), theirs.lines().count(), "POSTCONF_SEED={seed} {complaint}");
    });
}

/// How programs are called for an entry. Only the base directories and the name `a` in them are there.
fn calls(entry: &Entry) -> Vec<String> {
    let base = match entry.base {
        Base::Config => "/mnt/config",
        Base::Queue => "/mnt/queue",
        Base::Data => "/mnt/data",
    };
    let below = String::from_utf8(entry.path.clone()).unwrap();
    let path = if below.is_empty() { base.to_owned() } else { format!("{base}/{below}") };
    let is_there = ["", "a", "main.cf"].contains(&&*below);
    if entry.only_if_readable && !is_there {
        return Vec::new();
    }
    let name = |owner: &Owner| match owner {
        Owner::MailOwner => "postfix".to_owned(),
        Owner::SetgidGroup => "postdrop".to_owned(),
        Owner::Name(name) => String::from_utf8(name.clone()).unwrap(),
    };
    let all = if entry.recursive { "-R " } else { "" };
    let mut calls = Vec::new();
    if entry.create && !is_there {
        calls.push(format!("mkdir {path}"));
    }
    calls.push(format!("chown {all}{} {path}", name(&entry.owner)));
    calls.extend(entry.group.as_ref().map(|group| format!("chgrp {all}{} {path}", name(group))));
    calls.push(match (entry.kind, entry.recursive) {
        (Kind::Directory, true) => format!("find {path} -type d -exec chmod {:o} {{}} ;", entry.mode),
        _ => format!("chmod {:o} {path}", entry.mode),
    });
    calls
}
