//! What is told without looking at any instance.

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty, starts_with};

fn postmulti(arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("postmulti").unwrap().args(arguments).assert()
}

#[test]
fn help_and_version_need_no_postfix() {
    postmulti(&["--help"]).success().stdout(starts_with("Usage: postmulti")).stderr(is_empty());
    postmulti(&["-z", "--version"]).code(1);
    postmulti(&["-l", "--version"]).success().stdout(format!("postmulti {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        postmulti(&["--completions", shell]).success().stdout(contains("postmulti").and(contains("instance")));
    }
    postmulti(&["--completions", "tcsh"]).code(1).stderr(contains("'tcsh'"));
}

#[test]
fn a_root_that_is_not_there_is_named() {
    let text = "postmulti: fatal: --root /nowhere/at/all: No such file or directory\n";
    postmulti(&["--root", "/nowhere/at/all", "-l"]).code(1).stderr(text);
}
