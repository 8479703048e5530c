//! The command line: whatever is typed is read, and judged, without a word lost.

use crate::input::{Text, word};
use crate::property::Property;
use postmulti::cli::getopt::Arguments;
use postmulti::cli::help::Information;
use postmulti::cli::options::{ACTIONS, TABLE};
use postmulti::cli::request::{Mode, Request};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

pub fn properties() -> Vec<Property> {
    vec![Property::new("argv", 10_000, || argv(8), |argv| judged(&argv))]
}

/// Words as someone may type them, or a program that has gone mad.
pub fn argv(most: usize) -> impl Strategy<Value = Vec<Text>> {
    let long = (0..TABLE.len(), 0..15usize, select(&["", "", "", "=", "=v", "=/"][..]));
    let long = long.prop_map(|(row, length, value)| {
        let name = TABLE[row].long;
        format!("--{}{value}", &name[..length.min(name.len())])
    });
    let text = prop_oneof![
        6 => "-[aegijGIlpRvx]{1,3}[zh=:-]?[a-z]{0,2}",
        3 => long,
        2 => select(&ACTIONS[..]).prop_map(|(name, _)| name.to_owned()),
        3 => select(&["-l", "-e", "-x", "-p", "-i", "-", "--", "", "in", "mta", "postfix-in", "postfix-new", "-I"][..])
            .prop_map(str::to_owned),
        1 => "(config|queue|data)_directory ?= ?/?[a-z./]{0,9}",
    ];
    let word = prop_oneof![
        12 => text.prop_map(String::into_bytes),
        1 => vec(word(), 0..4).prop_map(|words| words.concat()),
        1 => vec(any::<u8>(), 0..9),
    ];
    // No word of a command line can hold a NUL.
    vec(word.prop_map(|bytes| Text(bytes.into_iter().filter(|byte| *byte != 0).collect())), 0..most)
}

fn judged(words: &[Text]) -> TestCaseResult {
    let words: Vec<_> = words.iter().map(|word| OsString::from_vec(word.0.clone())).collect();
    let arguments = Arguments::read(words.iter().cloned());
    let options: usize = arguments.options.len();
    prop_assert!(
        options + arguments.operands.len() <= words.iter().map(|word| word.len()).sum::<usize>() + words.len()
    );
    match &arguments.error {
        None => prop_assert!(words.ends_with(&arguments.operands)),
        Some(error) => {
            prop_assert!(arguments.operands.is_empty());
            prop_assert!(error.line(&arguments.program).starts_with(arguments.program.as_bytes()));
        }
    }
    let is_wrong = arguments.error.is_some();
    let operands = arguments.operands.clone();
    let _ = Information::from_arguments(&arguments);
    match Request::from_arguments(arguments) {
        Ok(Request { mode, .. }) => {
            prop_assert!(!is_wrong);
            if let Mode::Execute { command, .. } | Mode::Postfix { command, .. } = mode {
                prop_assert!(command.words().eq(&operands));
            }
        }
        Err(error) => prop_assert!(!error.to_string().contains(|letter: char| letter.is_ascii_control())),
    }
    // What follows `--` is nobody's option.
    let quoted = ["postmulti", "--"].map(OsString::from).into_iter().chain(words.iter().cloned());
    prop_assert_eq!(Arguments::read(quoted).operands, words);
    Ok(())
}
