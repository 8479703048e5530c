//! Edits: what is asked for is done, once and for all, and nothing else.

use crate::input::{Text, file, name, words};
use crate::property::Property;
use postmulti::config::edit::{comment_out, set};
use postmulti::config::lines::{Kind, physical, without_newline};
use postmulti::config::main_cf::{Finding, MainCf};
use postmulti::config::trim;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

/// A name and a value as it is to stand in the file.
type Setting = (&'static str, Text);

pub fn properties() -> Vec<Property> {
    vec![
        Property::new("edit_set", 4000, || (file(), settings()), |(file, settings)| sets(&file, &settings)),
        Property::new(
            "edit_comment_out",
            4000,
            || (file(), vec(name(), 0..4)),
            |(file, names)| comments(&file, &names),
        ),
        Property::new("edit_set_to_itself", 4000, file, |file| to_itself(&file)),
    ]
}

fn settings() -> impl Strategy<Value = Vec<Setting>> {
    let value = words(8).prop_map(|Text(mut value)| {
        value.retain(|byte| !matches!(byte, b'\n' | 0));
        Text(trim(&value).to_vec())
    });
    vec((name(), value), 0..4)
}

/// The value that counts of those that are given for a name.
fn wanted<'a>(settings: &'a [Setting], name: &[u8]) -> Option<&'a [u8]> {
    settings.iter().rev().find(|(set, _)| set.as_bytes() == name).map(|(_, value)| &**value)
}

fn is_sound(main_cf: &MainCf) -> bool {
    !matches!(main_cf.findings().last(), Some(Finding::Malformed { .. }))
}

/// To an edit VT and FF are part of a name, as they are to `postconf -e`; to a reader they end it.
fn is_ambiguous(file: &[u8]) -> bool {
    file.iter().any(|byte| matches!(byte, b'\x0b' | b'\x0c'))
}

fn asides(file: &[u8]) -> Vec<&[u8]> {
    physical(file).map(without_newline).filter(|line| Kind::of(line) == Kind::Ignored).collect()
}

fn sets(file: &[u8], settings: &[Setting]) -> TestCaseResult {
    let pairs: Vec<_> = settings.iter().map(|(name, value)| (*name, &**value)).collect();
    let edited = set(file, &pairs);
    prop_assert_eq!(&set(&edited.bytes, &pairs), &edited);
    prop_assert_eq!(asides(file), asides(&edited.bytes));
    let starts = physical(file).filter(|line| Kind::of(line) == Kind::Start).count();
    let longest = settings.iter().map(|(name, value)| name.len() + value.len() + 4).max().unwrap_or(0);
    prop_assert!(edited.bytes.len() <= file.len() + 1 + (starts + settings.len()) * longest);

    let (before, after) = (MainCf::parse(file), MainCf::parse(&edited.bytes));
    prop_assert!(!is_sound(&before) || is_sound(&after));
    if is_sound(&after) && !is_ambiguous(file) {
        for (name, _) in settings {
            prop_assert_eq!(after.get(name.as_bytes()), wanted(settings, name.as_bytes()));
        }
    }
    if is_sound(&before) {
        for (name, value) in before.entries().filter(|(name, _)| wanted(settings, name).is_none()) {
            prop_assert_eq!(after.get(name), Some(value));
        }
    }
    Ok(())
}

fn comments(file: &[u8], names: &[&str]) -> TestCaseResult {
    let edited = comment_out(file, names);
    let again = comment_out(&edited.bytes, names);
    prop_assert_eq!(&again.bytes, &edited.bytes);
    prop_assert_eq!(again.repeated.len(), 0);
    prop_assert_eq!(physical(&edited.bytes).count(), physical(file).count());
    let mut marked = 0;
    for (edited, line) in physical(&edited.bytes).zip(physical(file)) {
        let (edited, line) = (without_newline(edited), without_newline(line));
        marked += usize::from(edited != line);
        prop_assert!(edited == line || edited.strip_prefix(b"#") == Some(line));
    }
    let (before, after) = (MainCf::parse(file), MainCf::parse(&edited.bytes));
    if !is_ambiguous(file) {
        prop_assert!(names.iter().all(|name| after.get(name.as_bytes()).is_none()));
    }
    if is_sound(&before) {
        let others = |(name, _): &(&[u8], &[u8])| !names.iter().any(|gone| gone.as_bytes() == *name);
        prop_assert!(before.entries().filter(others).eq(after.entries().filter(others)));
    }
    prop_assert!(!names.is_empty() || marked == 0);
    Ok(())
}

/// To set each parameter to the value that it has changes nothing for a reader.
fn to_itself(file: &[u8]) -> TestCaseResult {
    let before = MainCf::parse(file);
    if is_ambiguous(file) || !is_sound(&before) {
        return Ok(());
    }
    let values: Vec<_> = before.entries().collect();
    let edited = set(file, &values).bytes;
    prop_assert!(MainCf::parse(&edited).entries().eq(values));
    Ok(())
}
