//! Entries of a main.cf that Postfix reads otherwise than their author meant them.

use super::finding::{Check, Finding, Findings, Severity};
use super::host::{Host, Whole};
use crate::config::is_separator;
use crate::config::main_cf::comment;
use crate::instance::parameters::{Place, main_cf};
use crate::system::log::printable;
use rustc_hash::FxHashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

pub fn look(host: &Host, findings: &mut Findings) {
    for (member, whole) in host.whole() {
        comments(member, whole, findings);
        names(member, whole, findings);
        group(host, member, whole, findings);
    }
}

fn warning(check: Check, member: usize, whole: &Whole, name: &[u8], reason: String, remedy: String) -> Finding {
    let file = main_cf(&whole.instance.config_directory);
    let place = Place { file, line: whole.parameters.main_cf().line_of(name) };
    Finding::new(Severity::Warning, check, member, reason, remedy).at(place)
}

/// Comments behind values, which Postfix takes for a part of them.
fn comments(member: usize, whole: &Whole, findings: &mut Findings) {
    for (name, value) in whole.parameters.main_cf().entries() {
        let Some(comment) = comment(value) else { continue };
        let [shown, comment] = [name, comment].map(|text| printable(OsStr::from_bytes(text)));
        let reason = format!("the value of {shown} includes what looks like a comment: \"{comment}\"");
        let remedy = "move the comment to a line of its own".to_owned();
        findings.add(warning(Check::Comment, member, whole, name, reason, remedy));
    }
}

/// Names with characters that no parameter of Postfix has in its name.
fn names(member: usize, whole: &Whole, findings: &mut Findings) {
    let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let main_cf = whole.parameters.main_cf();
    let mut odd = main_cf.entries().map(|(name, _)| name).filter(|name| !name.iter().all(is_usual)).peekable();
    if odd.peek().is_none() {
        return;
    }
    let words = words(whole);
    for name in odd.filter(|name| !is_used(name, &words)) {
        let (shown, characters) = odd_characters(name);
        let reason = format!("the name {shown} has {}: no parameter of Postfix is called so", characters.join(" and "));
        let remedy = "correct the name, or put a # in front of it".to_owned();
        findings.add(warning(Check::Name, member, whole, name, reason, remedy));
    }
}

/// The words of main.cf and master.cf that can make a parameter of another name: services, restriction classes, tables.
fn words<'w>(whole: &'w Whole) -> FxHashSet<&'w [u8]> {
    let is_end = |byte: &u8| is_separator(*byte) || b":{}$()?=".contains(byte);
    let values = whole.parameters.main_cf().entries().map(|(_, value)| value);
    let services = whole.master_cf.iter().flat_map(|master_cf| master_cf.services());
    let services: Vec<_> = services.collect();
    let overrides = services.iter().flat_map(|service| service.overrides().map(|(_, value)| value));
    let names = services.iter().map(|service| service.name.as_slice());
    values.chain(overrides).flat_map(|value| value.split(is_end)).chain(names).collect()
}

/// Returns true if a word stands for the parameter, or for a table or service whose parameters begin with its name, as in
/// `slow-smtp_destination_recipient_limit`.
fn is_used(name: &[u8], words: &FxHashSet<&[u8]>) -> bool {
    let ends = name.iter().enumerate().filter(|(_, byte)| **byte == b'_').map(|(at, _)| at);
    name.is_ascii() && ends.chain([name.len()]).any(|end| words.contains(&name[..end]))
}

/// A name with `?` for what is not ASCII, and each of its unusual characters, described.
fn odd_characters(name: &[u8]) -> (String, Vec<String>) {
    let (mut shown, mut described) = (String::new(), Vec::new());
    let mut describe = |text: String| {
        if !described.contains(&text) {
            described.push(text);
        }
    };
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            let is_usual = character.is_ascii_alphanumeric() || character == '_';
            shown.push(if character.is_ascii_graphic() { character } else { '?' });
            match character.is_ascii_graphic() {
                true if is_usual => {}
                true => describe(format!("'{character}'")),
                false => describe(format!("U+{:04X}", u32::from(character))),
            }
        }
        for byte in chunk.invalid() {
            shown.push('?');
            describe(format!("the byte 0x{byte:02X}"));
        }
    }
    (shown, described)
}

/// A group that looks like several.
fn group(host: &Host, member: usize, whole: &Whole, findings: &mut Findings) {
    const NAME: &[u8] = b"multi_instance_group";
    let Some(group) = &whole.instance.group else { return };
    let has_separator = group.as_bytes().iter().any(|byte| is_separator(*byte));
    // A comment is reported as such.
    if !has_separator || comment(group.as_bytes()).is_some() {
        return;
    }
    let reason = format!("multi_instance_group is the name of one group, \"{}\": it is in no other", printable(group));
    let remedy = host.command(member, "-e assign -G GROUP");
    findings.add(warning(Check::Group, member, whole, NAME, reason, remedy));
}
