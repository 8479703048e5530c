//! The whole program over hosts with odd files: it ends with 0 or 1, in time, and changes what it says.

use crate::command_line::argv;
use crate::host::Host;
use crate::input::{Text, file, main_cf, mutated, name, words};
use crate::property::Property;
use crate::tree::Tree;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::Output;
use std::time::{Duration, SystemTime};

/// How long a run may take; the machine may be busy.
const SOON: Duration = Duration::from_secs(60);

pub fn properties() -> Vec<Property> {
    let look = || prop_oneof![1 => select(LOOKS.to_vec()).prop_map(words_of), 1 => action()];
    vec![
        Property::new("program_looks", 60, move || (files(), look()), |(files, words)| looks(&files, &words)),
        Property::new(
            "program_acts",
            40,
            || (prepared(), files(), action()),
            |(prepared, files, words)| acts(prepared, &files, &words),
        ),
        Property::new("program_argv", 40, || (files(), argv(8)), |(files, words)| any_words(&files, &words)),
    ]
}

/// What replaces a file of the host, or is added to it.
#[derive(Debug, Clone)]
enum Change {
    Replace(&'static str, Text),
    Add(&'static str, Text),
    List(String),
}

const LOOKS: [&[&str]; 13] = [
    &["-l"],
    &["--status"],
    &["--status", "-j", "-g", "mta"],
    &["-lj"],
    &["-lRv", "-g", "mta"],
    &["-l", "-i", "in"],
    &["-p", "start"],
    &["-p", "status"],
    &["-x", "true"],
    &["-i", "-", "-x", "postconf", "-n"],
    &["-l", "operand"],
    &["--check"],
    &["--check", "-j", "-i", "in"],
];

fn words_of(words: &[&str]) -> Vec<Text> {
    words.iter().map(|word| Text(word.as_bytes().to_vec())).collect()
}

fn files() -> impl Strategy<Value = Vec<Change>> {
    let main_cfs = select(&["/etc/postfix/main.cf", "/etc/postfix-in/main.cf", "/etc/postfix-out/main.cf"][..]);
    let others = select(
        &[
            "/etc/postfix-in/main.cf",
            "/etc/postfix-out/main.cf",
            "/etc/postfix-in/master.cf",
            "/etc/postfix-out/master.cf",
            "/etc/postfix/main.cf.proto",
            "/etc/postfix/master.cf.proto",
            "/etc/postfix/postfix-files",
            "/etc/passwd",
        ][..],
    );
    let setting =
        (name(), words(8)).prop_map(|(name, value)| Text([b"\n", name.as_bytes(), b" = ", &value, b"\n"].concat()));
    let added = prop_oneof![3 => setting, 1 => words(12), 1 => main_cf(), 1 => mutated()];
    let list = vec(
        select(
            &[
                "/etc/postfix-in",
                "/etc/postfix-out",
                "/etc/postfix-new",
                "/etc/postfix",
                "$a",
                "relative",
                ",",
                "/",
                "/etc/x\"y",
            ][..],
        ),
        0..5,
    );
    let change = prop_oneof![
        4 => (main_cfs.clone(), added).prop_map(|(path, text)| Change::Add(path, text)),
        2 => (others, file()).prop_map(|(path, text)| Change::Replace(path, text)),
        1 => (Just("/etc/postfix/main.cf"), file()).prop_map(|(path, text)| Change::Replace(path, text)),
        1 => list.prop_map(|list| Change::List(list.join(" "))),
    ];
    vec(change, 0..3)
}

/// A change of the set of instances, as somebody may ask for it.
fn action() -> impl Strategy<Value = Vec<Text>> {
    let name = select(
        &["new", "new", "new", "in", "out", "-", "postfix-in", "/etc/postfix-out", "/etc/postfix-new", "nosuch", ""][..],
    );
    let new = select(&["postfix-new", "postfix-new", "postfix-in", "new", "-", "postfix-a/b", "postfix-\u{e9}"][..]);
    let group = option::of(select(&["mta", "-", "a b", "other"][..]));
    let kind = select(&["create", "create", "import", "assign", "deport", "destroy", "enable", "disable", "init"][..]);
    let directory = select(
        &[
            "config_directory=/etc/postfix-new",
            "config_directory=/etc/postfix-new",
            "config_directory = /etc/postfix-in/",
            "queue_directory=/var/spool/new",
            "queue_directory=/var/spool/postfix/new",
            "data_directory=/var/../var/lib/new",
            "data_directory=/etc",
            "config_directory=/new/deep/er",
            "queue_directory=relative",
            "config_directory=/etc/a b",
        ][..],
    );
    (kind, name, new, group, vec(directory, 0..2)).prop_map(|(kind, name, new, group, directories)| {
        let mut words = vec!["-e", kind];
        if matches!(kind, "create" | "import" | "assign") {
            words.extend(["-I", new]);
            words.extend(group.iter().flat_map(|group| ["-G", group]));
        }
        match kind {
            "create" | "import" => words.extend(directories),
            "init" => {}
            _ => words.extend(["-i", name]),
        }
        words_of(&words)
    })
}

fn host(changes: &[Change]) -> Host {
    let host = Host::as_root();
    change(&host, changes);
    host
}

fn change(host: &Host, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Replace(path, text) => write(host, path, text),
            Change::Add(path, text) => {
                let before = fs::read(host.path(path)).unwrap();
                write(host, path, &[&before[..], text].concat());
            }
            Change::List(list) => {
                let path = "/etc/postfix/main.cf";
                let before = fs::read(host.path(path)).unwrap();
                write(host, path, &[&before[..], b"\nmulti_instance_directories = ", list.as_bytes(), b"\n"].concat());
            }
        }
    }
}

/// Writes a file that nobody takes for one to which more is being written.
fn write(host: &Host, path: &str, text: &[u8]) {
    let mut file = File::create(host.path(path)).unwrap();
    file.write_all(text).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
}

/// Runs the program, which says why if it has failed, and nothing but messages.
fn run(host: &Host, before: &[&str], words: &[Text]) -> Result<(bool, Output), TestCaseError> {
    let mut command = host.postmulti(before);
    let output = command.args(words.iter().map(|word| OsStr::from_bytes(word))).timeout(SOON).output().unwrap();
    let told = output.stderr.escape_ascii().to_string();
    // That they do not run is told of stopped instances with --status alone.
    let is_status = output.stdout.starts_with(b"NAME ") || output.stdout.starts_with(b"{\"name\": ");
    let is_known = |code| matches!(code, 0 | 1) || code == 3 && is_status;
    prop_assert!(output.status.code().is_some_and(is_known), "{}: {told}", output.status);
    prop_assert!(output.stderr.is_empty() || output.stderr.ends_with(b"\n"), "{told}");
    let is_message = |line: &[u8]| line.starts_with(b"postmulti: ");
    prop_assert!(output.stderr.split(|byte| *byte == b'\n').all(|line| line.is_empty() || is_message(line)), "{told}");
    let failed = output.status.code() == Some(1);
    let is_silent = output.stderr.is_empty() && output.stdout.is_empty();
    prop_assert!(!failed || !is_silent, "exit 1 without a word");
    Ok((failed, output))
}

/// Whoever only looks changes nothing.
fn looks(changes: &[Change], words: &[Text]) -> TestCaseResult {
    let host = host(changes);
    let before = host.tree();
    let is_action = words.first().is_some_and(|word| **word == *b"-e");
    run(&host, if is_action { &["--dry-run"] } else { &[] }, words)?;
    before.assert_untouched(&host.tree());
    Ok(())
}

/// What was done before the files were changed: an instance made, or made and taken off the list again.
fn prepared() -> impl Strategy<Value = &'static [&'static [&'static str]]> {
    const CREATE: &[&str] = &["-I", "postfix-new", "-e", "create"];
    const DEPORT: &[&str] = &["-i", "new", "-e", "deport"];
    prop_oneof![2 => Just(&[][..]), 3 => Just(&[CREATE][..]), 1 => Just(&[CREATE, DEPORT][..])]
}

/// Done as announced, or not at all; and the host is as good for the next command as it was.
fn acts(prepared: &[&[&str]], changes: &[Change], words: &[Text]) -> TestCaseResult {
    let host = Host::as_root();
    prepared.iter().for_each(|arguments| host.does(arguments));
    change(&host, changes);
    let before = host.tree();
    let (listed_badly, _) = run(&host, &["-l"], &[])?;
    let (refused, announced) = run(&host, &["--dry-run"], words)?;
    before.assert_untouched(&host.tree());
    let (failed, done) = run(&host, &[], words)?;
    let told = || format!("{}\n{}", announced.stderr.escape_ascii(), done.stderr.escape_ascii());
    // A postfix-files that only Postfix can be trusted with is left to its own program, which is not there.
    let left_to_postfix = memchr::memmem::find(&done.stderr, b"set-permissions: No such file or directory").is_some();
    prop_assert!(refused == failed || left_to_postfix, "announced otherwise: {}", told());
    if failed && !left_to_postfix {
        before.assert_restored(&host.tree());
    }
    let after: Tree = host.tree();
    let (lists_badly, output) = run(&host, &["-l"], &[])?;
    prop_assert!(listed_badly || !lists_badly, "{}: {}", told(), output.stderr.escape_ascii());
    prop_assert!(!after.names().any(|name| name.as_os_str().as_bytes().ends_with(b".tmp")), "{}", told());
    Ok(())
}

/// A root is always given first, so that the host itself is safe.
fn any_words(changes: &[Change], words: &[Text]) -> TestCaseResult {
    let host = host(changes);
    let before = host.tree();
    let acts = words.iter().any(|word| word.starts_with(b"-") && word.contains(&b'e'));
    run(&host, &[], words)?;
    if !acts {
        before.assert_untouched(&host.tree());
    }
    Ok(())
}
