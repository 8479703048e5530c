//! Our agreement with the real postconf: what it reads, and what it makes of a file. Each round asks another Postfix.

use crate::ask::{ask, path};
use crate::edit::{Edit, differences};
use crate::generate::{edit::edit, generated};
use crate::input::{Text, file, main_cf, mutated, with_errors, words};
use crate::property::{Failure, Property};
use crate::reference::{Reference, suites};
use crate::shrink::shrink;
use crate::told::{Tally, judge, names};
use memchr::memchr;
use postmulti::config::main_cf::{Finding, MainCf};
use proptest::prelude::*;
use std::sync::OnceLock;

/// How many files are asked about at once.
const FILES: u64 = 40;
const EDITS: u64 = 40;

static REFERENCES: [OnceLock<Reference>; 3] = [const { OnceLock::new() }; 3];

pub fn properties() -> Vec<Property> {
    vec![Property::of_rounds("postconf_reads", reads), Property::of_rounds("postconf_edits", edits)]
}

fn reference(seed: u64) -> &'static Reference {
    let suites: Vec<_> = suites().collect();
    let place = seed as usize % suites.len();
    REFERENCES[place].get_or_init(|| Reference::open(suites[place]))
}

fn reads(seed: u64) -> Result<u64, Failure> {
    let reference = reference(seed);
    let any = prop_oneof![2 => main_cf(), 4 => with_errors(main_cf()), 2 => mutated(), 1 => words(40)];
    let files: Vec<_> =
        generated(any.prop_map(|Text(file)| file).prop_filter("asked", |file| is_asked(file)), seed, FILES).collect();
    let differ = |files: &[Vec<u8>]| -> Vec<Option<String>> {
        let work = tempfile::tempdir().unwrap();
        let told = ask(reference, work.path(), files);
        let judge = |(number, file): (usize, &Vec<u8>)| {
            judge(file, &path(number), &told[number], &reference.postfix, &mut Tally::default()).err()
        };
        files.iter().enumerate().map(judge).collect()
    };
    let Some(place) = differ(&files).iter().position(Option::is_some) else { return Ok(FILES) };
    let fails = |files: &[Vec<u8>]| {
        let differences = differ(files);
        files.iter().zip(differences).map(|(file, difference)| difference.is_some() && is_asked(file)).collect()
    };
    let file = shrink(files[place].clone(), fails);
    let difference = differ(std::slice::from_ref(&file)).pop().flatten().unwrap_or_default();
    Err(format!("Postfix {}: b\"{}\"\n{difference}", reference.version, file.escape_ascii()))
}

/// Parameters from which postconf makes defaults of others, and whose values it refuses for what they say.
const JUDGED: [&str; 7] = [
    "inet_interfaces",
    "inet_protocols",
    "mynetworks_style",
    "proxy_interfaces",
    "myhostname",
    "mydomain",
    "compatibility_level",
];

/// postconf is asked for some names only, and tells nothing of an error in the value of another. And where it quotes an
/// orphan, what follows a NUL counts for the length at which it breaks off.
fn is_asked(file: &[u8]) -> bool {
    let names = names();
    let main_cf = MainCf::parse(file);
    let has_orphan = matches!(
        main_cf.findings().iter().find(|finding| !matches!(finding, Finding::Nul { .. })),
        Some(Finding::Orphan { .. })
    );
    if has_orphan && memchr(0, file).is_some() {
        return false;
    }
    let is_asked = |(name, value): (&[u8], &[u8])| {
        let is_one_of = |names: &[&str]| names.iter().any(|known| known.as_bytes() == name);
        is_one_of(&names) || memchr(b'$', value).is_none() && !is_one_of(&JUDGED)
    };
    main_cf.entries().all(is_asked)
}

/// A file that postconf does not shorten: a NUL ends a line of its own, and a last line without newline that ends in the
/// byte 255 is none to it. We lose nothing.
fn kept(mut file: Vec<u8>) -> Vec<u8> {
    file.retain(|byte| *byte != 0);
    if file.ends_with(b"\xff") {
        file.push(b'\n');
    }
    file
}

fn edits(seed: u64) -> Result<u64, Failure> {
    let reference = reference(seed);
    let edits: Vec<_> = generated((file().prop_map(|Text(file)| kept(file)), edit()), seed, EDITS).collect();
    let differ = |edits: &[(Vec<u8>, Edit)]| {
        let work = tempfile::tempdir().unwrap();
        differences(reference, work.path(), edits)
    };
    let Some(place) = differ(&edits).iter().position(Option::is_some) else { return Ok(EDITS) };
    let (file, edit) = &edits[place];
    let with_edit = |file: &Vec<u8>| (kept(file.clone()), edit.clone());
    let fails = |files: &[Vec<u8>]| {
        differ(&files.iter().map(with_edit).collect::<Vec<_>>()).iter().map(Option::is_some).collect()
    };
    let file = shrink(file.clone(), fails);
    let difference = differ(&[with_edit(&file)]).pop().flatten().unwrap_or_default();
    Err(format!("Postfix {}: {difference}", reference.version))
}
