//! The manual page and `--help` tell of everything there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use postmulti::action::check::CHECKS;
use postmulti::cli::options::{ACTIONS, Row, SHELLS, TABLE};

const PAGE: &str = include_str!("../man/postmulti.1");

/// The lines of a section of the manual page.
fn section(title: &str) -> impl Iterator<Item = &'static str> {
    let heading = format!(".Sh {title}");
    let lines = PAGE.lines().skip_while(move |line| *line != heading).skip(1);
    lines.take_while(|line| !line.starts_with(".Sh "))
}

/// How the manual page begins the paragraph about an option.
fn item(row: &Row) -> String {
    let short = row.short.map_or(String::new(), |letter| format!("Fl {letter} , "));
    let value = row.value.map_or(String::new(), |value| format!(" Ar {}", value.to_lowercase()));
    format!(".It {short}Fl -{}{value}", row.long)
}

#[test]
fn the_manual_page_tells_of_every_option_and_of_no_other() {
    let told: BTreeSet<_> =
        section("DESCRIPTION").filter(|line| line.starts_with(".It Fl ")).map(str::to_owned).collect();
    assert_eq!(told, TABLE.iter().map(item).collect());
}

#[test]
fn the_synopsis_names_every_letter() {
    let synopsis: Vec<_> = section("SYNOPSIS").collect();
    let bundles = synopsis.iter().flat_map(|line| line.split("Fl ").skip(1)).filter_map(|rest| rest.split(' ').next());
    let letters: String = bundles.filter(|bundle| !bundle.starts_with('-')).collect();
    for letter in TABLE.iter().filter_map(|row| row.short) {
        assert!(letters.contains(letter), "-{letter} is not in: {letters}");
    }
}

#[test]
fn the_manual_page_names_every_action_and_shell() {
    let words: BTreeSet<_> =
        section("DESCRIPTION").filter_map(|line| line.strip_prefix(".Cm ")?.split(' ').next()).collect();
    let names = ACTIONS.map(|(name, _)| name).into_iter().chain(SHELLS.map(|(name, _)| name));
    for name in names {
        assert!(words.contains(name), "{name} is not in: {words:?}");
    }
}

#[test]
fn the_manual_page_has_a_paragraph_on_every_action_and_on_no_other() {
    let items = section("CHANGING INSTANCES").filter_map(|line| line.strip_prefix(".It Cm "));
    let told: BTreeSet<_> = items.flat_map(|names| names.split(" , Cm ")).collect();
    assert_eq!(told, ACTIONS.map(|(name, _)| name).into());
}

#[test]
fn the_manual_page_has_a_paragraph_on_every_check_and_on_no_other() {
    let told: BTreeSet<_> = section("CHECKS").filter_map(|line| line.strip_prefix(".It Ql ")).collect();
    assert_eq!(told, CHECKS.map(|(_, name)| name).into());
}

/// `.Ql` quotes the rest of its line, so that one after a comma would be quoted within it.
#[test]
fn words_are_quoted_one_by_one() {
    let quoted = PAGE.lines().filter(|line| line.starts_with(".Ql ") || line.starts_with(".It Ql "));
    let several: Vec<_> = quoted.filter(|line| line.contains(" , ")).collect();
    assert!(several.is_empty(), "{several:?}");
}

#[test]
fn differences_are_numbered_in_order() {
    let items =
        section("DIFFERENCES FROM THE ORIGINAL").filter_map(|line| line.strip_prefix(".It ")?.strip_suffix('.'));
    let numbers: Vec<u32> = items.map(|number| number.parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
}

#[test]
fn the_manual_page_tells_of_every_declared_difference() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/differences.toml");
    let declared: toml::Table = fs::read_to_string(file).unwrap().parse().unwrap();
    let items = section("DIFFERENCES FROM THE ORIGINAL");
    let told: BTreeSet<_> = items.filter_map(|line| line.strip_prefix(".It ")?.strip_suffix('.')).collect();
    for difference in declared["difference"].as_array().unwrap() {
        let number = difference["number"].as_str().unwrap();
        assert!(told.contains(number), "difference {number} is not in: {told:?}");
    }
}

#[test]
fn help_tells_of_every_option() {
    let help = Command::new(env!("CARGO_BIN_EXE_postmulti")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for row in &TABLE {
        let short = row.short.map_or("    ".to_owned(), |letter| format!("-{letter}, "));
        let value = row.value.map_or(String::new(), |value| format!(" <{value}>"));
        let option = format!("  {short}--{}{value}", row.long);
        let line = help.lines().find(|line| line.starts_with(&option) && line.ends_with(row.help));
        assert!(line.is_some(), "no line for {option} in:\n{help}");
    }
}
