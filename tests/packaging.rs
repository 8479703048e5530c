//! What is packed, and what it depends on. Nothing is asked of the network, so nothing is known of advisories.
//!
//! Whether this program needs a newer Rust than Cargo.toml says is for clippy's incompatible_msrv, as far as the standard
//! library goes; what the dependencies need is here.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

/// Licences that let anybody use, change and pass on the program, under its own.
const LICENCES: [&str; 8] =
    ["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "Unicode-3.0", "Unlicense", "Zlib"];

/// The crates of other systems need not even be here.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    license: Option<String>,
    rust_version: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    source: Option<String>,
    checksum: Option<String>,
}

#[test]
fn the_package_is_whole_and_has_no_more() {
    // There is no public repository to name yet.
    let output = cargo("package", &["--list", "--allow-dirty", "--no-metadata"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!told.contains("warning"), "{told}");
    let list = String::from_utf8(output.stdout).unwrap();
    let packed: BTreeSet<&str> = list.lines().filter(|name| *name != ".cargo_vcs_info.json").collect();
    let top: BTreeSet<&str> = packed.iter().map(|name| name.split('/').next().unwrap()).collect();
    let expected =
        ["Cargo.lock", "Cargo.toml", "Cargo.toml.orig", "LICENSE", "README.md", "fixtures", "man", "src", "tests"];
    assert_eq!(top, expected.into());

    for folder in ["fixtures", "man", "src"] {
        for entry in walkdir::WalkDir::new(folder) {
            let entry = entry.unwrap();
            let name = entry.path().to_str().unwrap();
            assert!(entry.file_type().is_dir() || packed.contains(name), "{name} is not packed");
        }
    }
}

#[test]
fn no_dependency_needs_a_newer_rust() {
    let ours = version(env!("CARGO_PKG_RUST_VERSION"));
    for package in metadata().packages {
        // Some do not say.
        if let Some(theirs) = package.rust_version {
            assert!(version(&theirs) <= ours, "{} needs Rust {theirs}", package.name);
        }
    }
}

#[test]
fn every_licence_is_a_free_one() {
    let allowed = LICENCES.map(|licence| Licensee::parse(licence).unwrap());
    for package in metadata().packages {
        let licence = package.license.unwrap_or_else(|| panic!("{} has no licence", package.name));
        // Older ones write `MIT/Apache-2.0`.
        let expression = Expression::parse_mode(&licence, ParseMode::LAX).unwrap();
        let free = expression.evaluate(|required| allowed.iter().any(|licence| licence.satisfies(required)));
        assert!(free, "{}: {licence}", package.name);
    }
}

#[test]
fn the_program_has_every_crate_once() {
    let output = cargo(
        "tree",
        &["--locked", "--edges", "normal,build", "--target", PLATFORM, "--prefix", "none", "--no-dedupe"],
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| line.split_once(" v"))
        .map(|(name, rest)| (name, rest.split(' ').next().unwrap()))
        .collect();
    assert!(crates.iter().any(|(name, _)| *name == "clap"), "{tree}");
    let names: BTreeSet<&str> = crates.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), crates.len(), "{crates:?}");
}

#[test]
fn every_dependency_comes_from_the_registry_with_a_checksum() {
    let lock: Lock = toml::from_str(&fs::read_to_string("Cargo.lock").unwrap()).unwrap();
    assert!(lock.package.len() > 1);
    for package in lock.package.iter().filter(|package| package.name != env!("CARGO_PKG_NAME")) {
        let source = package.source.as_deref().unwrap_or("a directory");
        assert!(source.starts_with("registry+"), "{} comes from {source}", package.name);
        assert!(package.checksum.is_some(), "{} has no checksum", package.name);
    }
}

fn metadata() -> Metadata {
    let output = cargo("metadata", &["--locked", "--format-version", "1", "--filter-platform", PLATFORM]);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn cargo(command: &str, arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO")).args([command, "--offline"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "cargo {command}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The parts of a version; those that it does not say are 0.
fn version(text: &str) -> [u32; 3] {
    let mut parts = text.split('.').map(|part| part.parse().unwrap());
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}
