//! Expansion: it ends soon, in little memory, and the forms of a reference agree.

use crate::input::{NAMES, Text, file, main_cf, name, raw, words};
use crate::property::Property;
use crate::told::{Known, Postfix};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use postmulti::config::defaults::LAYOUTS;
use postmulti::config::expand::{ExpandError, Lookup, Meaning, expand};
use postmulti::config::main_cf::MainCf;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use std::collections::HashSet;
use std::time::Duration;

/// However odd the values are, none may take longer; without a limit it would be hours.
const SOON: Duration = Duration::from_secs(10);
/// Nor may a result become larger, in bytes.
const LARGE: usize = 33 << 20;

pub fn properties() -> Vec<Property> {
    let value = || prop_oneof![4 => words(20), 1 => raw()];
    vec![
        Property::new("expand", 4000, move || (file(), value()), |(file, value)| ends(&file, &value)),
        Property::new("expand_forms", 1000, || (main_cf(), name()), |(file, name)| forms(&file, name)),
        Property::new("expand_literal", 4000, || prop_oneof![words(20), raw()], |text| literal(&text)),
        Property::new("expand_laughs", 8, laughs, |file| ends(&file, b"$a0")),
    ]
}

fn with<T>(file: &[u8], run: impl FnOnce(&dyn Lookup) -> T) -> T {
    let main_cf = MainCf::parse(file);
    let postfix = Postfix { layout: Some(&LAYOUTS[0]), parameters: HashSet::new() };
    run(&Known { main_cf: &main_cf, postfix: &postfix })
}

/// What this thread has used, however busy the machine is.
fn processor_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    let time = usage.user_time() + usage.system_time();
    Duration::from_micros(time.num_microseconds() as u64)
}

fn soon(lookup: &dyn Lookup, value: &[u8]) -> Result<Result<Vec<u8>, ExpandError>, TestCaseError> {
    let started = processor_time();
    let result = expand(value, lookup);
    let time = processor_time() - started;
    prop_assert!(time < SOON, "{time:?}");
    prop_assert!(result.as_ref().is_ok_and(|result| result.len() < LARGE) || result.is_err());
    if let Err(error) = &result {
        prop_assert!(!error.to_string().is_empty());
    }
    Ok(result)
}

/// Every value of the file, and one more.
fn ends(file: &[u8], value: &[u8]) -> TestCaseResult {
    with(file, |lookup| {
        let first = soon(lookup, value)?;
        prop_assert!(first == soon(lookup, value)?, "not the same again");
        for name in NAMES {
            if let Meaning::Value(value) = lookup.lookup(name.as_bytes()) {
                let _ = soon(lookup, &value)?;
            }
        }
        Ok(())
    })
}

/// A value may be referred to in several ways.
fn forms(file: &[u8], name: &str) -> TestCaseResult {
    with(file, |lookup| {
        let plain = soon(lookup, format!("${name}").as_bytes())?;
        for form in ["${NAME}", "$(NAME)", "${ NAME }", "${NAME}${nosuch}", "${nosuch:$NAME}", "${nosuch?x}$NAME"] {
            let result = soon(lookup, form.replace("NAME", name).as_bytes())?;
            // A form of more levels may be one level too deep, and a complaint quotes the form.
            let is_same = result == plain || plain.is_err() == result.is_err() && plain.is_err();
            let is_too_deep = matches!(&result, Err(ExpandError::Syntax(texts)) if texts.iter().any(|text| text.starts_with(b"unreasonable ")));
            prop_assert!(is_same || is_too_deep, "{form}: {result:?} in place of {plain:?}");
        }
        Ok(())
    })
}

/// A dollar written twice is one, and everything else stands for itself.
fn literal(text: &[u8]) -> TestCaseResult {
    let quoted: Vec<_> =
        text.iter().flat_map(|byte| std::iter::repeat_n(*byte, 1 + usize::from(*byte == b'$'))).collect();
    with(b"", |lookup| {
        prop_assert_eq!(expand(&quoted, lookup), Ok(text.to_vec()));
        Ok(())
    })
}

/// Values that refer to values many times over: `a0` is made of `a1`, and so on.
fn laughs() -> impl Strategy<Value = Text> {
    let part = select(
        &[
            "$a1",
            "$a1$a1",
            "${a1?$a1}",
            "${a1?{$a1}:{$a1}}",
            "${{$a1} == {$a1} ? {$a1} : {$a1$a1}}",
            "${{$a1} < {$a1$a1} ? {$a1}}",
            "${nosuch?{LONG}}$a1",
            "${nosuch?LONG}",
            "LONG",
            "${a1:LONG}",
            "$a0",
            "x",
            "${",
        ][..],
    );
    let level = (vec(part, 1..6), 1..40usize, 1..60usize, 0..18u32);
    vec(level, 1..12).prop_map(|levels| {
        let mut file = Vec::new();
        let mut place = 0;
        for (parts, repeated, times, long) in levels {
            let long = "x".repeat(1 << long);
            for _ in 0..times {
                let next = format!("$a{}", place + 1);
                let value = parts.concat().repeat(repeated).replace("LONG", &long);
                let value = value.replace("$a1", &next).replace("{a1", &format!("{{a{}", place + 1));
                // A few lines of megabytes do; more only fill the memory.
                if file.len() + value.len() < 16 << 20 {
                    file.extend(format!("a{place} = {value}\n").into_bytes());
                }
                place += 1;
            }
        }
        Text(file)
    })
}
