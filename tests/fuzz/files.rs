//! Reading files: nothing is lost, and what is read stands there.

use crate::input::{Text, file, main_cf, master_cf, mutated, name, postfix_files, raw, words};
use crate::property::Property;
use postmulti::config::lines::{Kind, logical, physical};
use postmulti::config::main_cf::MainCf;
use postmulti::config::master_cf::{MasterCf, Service};
use postmulti::config::postfix_files::entries;
use postmulti::config::{is_blank, split_list, trim};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseResult;

pub fn properties() -> Vec<Property> {
    let any_master_cf = || prop_oneof![3 => master_cf(), 2 => mutated(), 2 => words(60), 1 => raw()];
    let any_postfix_files = || prop_oneof![3 => postfix_files(), 2 => mutated(), 2 => words(40), 1 => raw()];
    vec![
        Property::new("lines", 4000, file, |file| lines(&file)),
        Property::new("main_cf", 4000, file, |file| values(&file)),
        Property::new(
            "main_cf_comments",
            4000,
            || (file(), any::<Index>()),
            |(file, place)| comment_inside(&file, place),
        ),
        Property::new("master_cf", 4000, any_master_cf, |file| services(&file)),
        Property::new("postfix_files", 4000, any_postfix_files, |file| private_files(&file)),
        Property::new("lists", 4000, || prop_oneof![words(40), raw()], |value| list(&value)),
        Property::new(
            "written_is_read",
            4000,
            || (name(), words(8), main_cf()),
            |(name, value, file)| written(name, value, file),
        ),
    ]
}

fn lines(file: &[u8]) -> TestCaseResult {
    prop_assert_eq!(physical(file).collect::<Vec<_>>().concat(), file);
    let mut end = 0;
    for line in logical(file) {
        prop_assert!(end <= line.span.start && line.span.start < line.span.end);
        prop_assert!(physical(&file[end..line.span.start]).all(|line| Kind::of(line) == Kind::Ignored));
        prop_assert_eq!(line.number, 1 + physical(&file[..line.span.start]).count());
        let text = line.text(file);
        prop_assert!(!text.contains(&0) && !text.contains(&b'\n'));
        end = line.span.end;
    }
    prop_assert!(physical(&file[end..]).all(|line| Kind::of(line) == Kind::Ignored));
    Ok(())
}

fn values(file: &[u8]) -> TestCaseResult {
    let main_cf = MainCf::parse(file);
    prop_assert_eq!(main_cf.to_bytes(), file);
    let lines: Vec<_> = physical(file).collect();
    for (name, value) in main_cf.entries() {
        prop_assert_eq!(main_cf.get(name), Some(value));
        prop_assert!(!name.is_empty() && !name.iter().any(|byte| is_blank(*byte) || matches!(byte, b'=' | 0)));
        prop_assert_eq!(trim(value), value);
        prop_assert!(!value.contains(&b'\n') && !value.contains(&0));
        let line = main_cf.line_of(name).and_then(|number| lines.get(number - 1)).copied().unwrap_or_default();
        prop_assert!(line.starts_with(name), "line_of {}", name.escape_ascii());
    }
    Ok(())
}

/// A comment may stand everywhere between two lines.
fn comment_inside(file: &[u8], place: Index) -> TestCaseResult {
    let lines: Vec<_> = physical(file).collect();
    let (before, after) = lines.split_at(place.index(lines.len() + 1));
    if before.last().is_some_and(|line| !line.ends_with(b"\n")) {
        return Ok(());
    }
    let commented = [&before.concat(), &b" # ${comment = \n"[..], &after.concat()].concat();
    let (one, other) = (MainCf::parse(file), MainCf::parse(&commented));
    prop_assert!(one.entries().eq(other.entries()));
    Ok(())
}

fn services(file: &[u8]) -> TestCaseResult {
    let master_cf = MasterCf::parse(file.to_vec());
    prop_assert_eq!(&master_cf.to_bytes()[..], file);
    let mut end = 0;
    for service in master_cf.services() {
        prop_assert!(end <= service.span.start && service.span.start < service.span.end);
        end = service.span.end;
        prop_assert!(service.overrides().all(|(name, _)| !name.is_empty()));
        prop_assert!(!service.name.is_empty() && !service.command.is_empty());
        // Alone, it is the same.
        let alone = MasterCf::parse(file[service.span.clone()].to_vec());
        let expected = Service { span: 0..service.span.len(), line: 1, ..service.clone() };
        prop_assert_eq!(alone.services(), &[expected][..]);
    }
    Ok(())
}

fn private_files(file: &[u8]) -> TestCaseResult {
    match entries(file) {
        Ok(entries) => {
            for entry in &entries {
                let mut names = entry.path.split(|byte| *byte == b'/');
                prop_assert!(entry.path.is_empty() || names.all(|name| !matches!(name, b"" | b"." | b"..")));
                prop_assert!(entry.mode <= 0o7777);
            }
            prop_assert!(entries.len() <= physical(file).count());
        }
        Err(odd) => prop_assert_eq!(&[&odd.text, &b"\n"[..]].concat(), physical(file).nth(odd.line - 1).unwrap()),
    }
    Ok(())
}

fn list(value: &[u8]) -> TestCaseResult {
    let items: Vec<_> = split_list(value).collect();
    prop_assert!(items.iter().all(|item| !item.is_empty() && !item.iter().any(|byte| b" ,\t\r\n".contains(byte))));
    // Nothing but separators is lost, and the list may be written anew.
    let kept: Vec<_> = value.iter().copied().filter(|byte| !b" ,\t\r\n".contains(byte)).collect();
    prop_assert_eq!(items.concat(), kept);
    prop_assert!(split_list(&items.join(&b' ')).eq(items));
    Ok(())
}

/// What is added to a file that is read to its end counts.
fn written(name: &str, Text(mut value): Text, Text(mut file): Text) -> TestCaseResult {
    value.retain(|byte| !matches!(byte, b'\n' | 0));
    let is_read_whole = |file: &[u8]| {
        !matches!(MainCf::parse(file).findings().last(), Some(postmulti::config::main_cf::Finding::Malformed { .. }))
    };
    if !is_read_whole(&file) {
        file.clear();
    }
    file.extend([b"\n", name.as_bytes(), b" = ", &value, b"\n"].concat());
    let main_cf = MainCf::parse(&file);
    prop_assert_eq!(main_cf.get(name.as_bytes()), Some(trim(&value)));
    Ok(())
}
