//! Inputs: bytes at random, words of the grammar at random, well-formed files, and real files with a few errors.

use crate::generate;
use crate::reference::{root, suites};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::fmt;
use std::fs;
use std::ops::Deref;
use std::sync::LazyLock;
use walkdir::WalkDir;

/// Bytes, shown as text.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(pub Vec<u8>);

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "b\"{}\"", self.0.escape_ascii())
    }
}

impl Deref for Text {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Names that files set and refer to.
pub const NAMES: [&str; 12] = [
    "a",
    "b",
    "c",
    "multi_instance_name",
    "multi_instance_group",
    "multi_instance_enable",
    "multi_instance_directories",
    "queue_directory",
    "data_directory",
    "mail_name",
    "syslog_name",
    "nosuch",
];

/// Words of all the grammars.
#[rustfmt::skip] // one line for each grammar
const WORDS: [&[u8]; 86] = [
    b"$", b"$$", b"${", b"$(", b"{", b"}", b"(", b")", b"?", b":", b"?{", b"}:{", b"${{", b"} == {", b"$a", b"${a", b"$b$b",
    b"==", b"!=", b"<", b"<=", b">=", b">", b"<=level", b"=", b"9", b"09", b"10", b"3.6", b"99999999999999999999", b"-",
    b"\n", b"\n", b"\n", b"\n ", b"\n\t", b"\n#", b"\r\n", b" ", b"  ", b"\t", b"\r", b"\x0b", b"\x0c", b"\0", b"#", b"\\", b"\"", b"'",
    b"\xff", b"\xe9", b"\xc3\xa9", b"\x7f", b"\x01", b",", b";", b"*", b"`id`", b"/", b"//", b"/..", b"/.", b"~",
    b"/etc/postfix", b"/etc/postfix-in", b"/var/spool/postfix-in", b"postfix-", b"postfix-in", b"yes", b"no", b" = ", b"\na = ",
    b"inet", b"unix", b"fifo", b" n - y ", b" - - ", b"60?", b" -o ", b"{ x = y }", b"smtpd",
    b"$queue_directory/", b":d:root:-:755:uc\n", b":f:", b"$mail_owner", b"main.cf",
];

/// The files of the fixtures and of the reference roots, each as its lines.
static REAL: LazyLock<Vec<Vec<Vec<u8>>>> = LazyLock::new(|| {
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut places = vec![top.join("fixtures")];
    for suite in suites() {
        places.extend(["etc/postfix", "usr/share/postfix"].map(|place| root(suite).join(place)));
    }
    let is_meant = |name: &str| {
        name.ends_with(".cf") || ["main.cf", "master.cf", "postfix-files"].iter().any(|start| name.starts_with(start))
    };
    let mut files = Vec::new();
    for place in places {
        for entry in WalkDir::new(&place).sort_by_file_name() {
            let entry = entry.unwrap();
            if entry.file_type().is_file() && is_meant(&entry.file_name().to_string_lossy()) {
                let file = fs::read(entry.path()).unwrap();
                files.push(file.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect());
            }
        }
    }
    assert!(files.len() > 30, "the fixtures and the reference roots have more files than {}", files.len());
    files
});

/// A file: whatever may lie where one is expected.
pub fn file() -> impl Strategy<Value = Text> {
    prop_oneof![2 => raw(), 4 => words(60), 3 => mutated(), 1 => main_cf()]
}

/// A main.cf, most of which is well-formed.
pub fn main_cf() -> impl Strategy<Value = Text> {
    generate::main_cf::main_cf().prop_map(Text)
}

/// A master.cf, most of which is well-formed.
pub fn master_cf() -> impl Strategy<Value = Text> {
    generate::master_cf::master_cf().prop_map(Text)
}

pub fn postfix_files() -> impl Strategy<Value = Text> {
    generate::postfix_files::postfix_files().prop_map(Text)
}

/// Bytes at random.
pub fn raw() -> impl Strategy<Value = Text> {
    vec(any::<u8>(), 0..200).prop_map(Text)
}

/// Words at random, some of them names.
pub fn words(most: usize) -> impl Strategy<Value = Text> {
    vec(word(), 0..most).prop_map(|words| Text(words.concat()))
}

pub fn word() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![3 => select(&WORDS[..]), 1 => select(&NAMES[..]).prop_map(str::as_bytes)]
}

pub fn name() -> impl Strategy<Value = &'static str> {
    select(&NAMES[..])
}

/// Some lines of a real file, with a few errors.
pub fn mutated() -> impl Strategy<Value = Text> {
    let lines = (any::<Index>(), any::<Index>(), 0..60usize).prop_map(|(file, start, count)| {
        let lines = file.get(&REAL);
        let start = start.index(lines.len().max(1));
        Text(lines[start..lines.len().min(start + count)].concat())
    });
    with_errors(lines)
}

/// A file with a few errors: something left out, added, replaced, or written twice.
pub fn with_errors(file: impl Strategy<Value = Text>) -> impl Strategy<Value = Text> {
    let error = (any::<Index>(), 0..12usize, vec(word(), 0..3), 0..4);
    (file, vec(error, 0..6)).prop_map(|(Text(mut text), errors)| {
        for (place, length, words, kind) in errors {
            let at = place.index(text.len() + 1);
            let end = text.len().min(at + length);
            let (range, new) = match kind {
                0 => (at..end, Vec::new()),
                1 => (at..at, words.concat()),
                2 => (at..end, words.concat()),
                _ => (at..at, text[at..end].to_vec()),
            };
            text.splice(range, new);
        }
        Text(text)
    })
}
