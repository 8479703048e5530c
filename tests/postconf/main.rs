//! Our reading of main.cf and master.cf, and our edits of main.cf, against those of the real postconf(1), and our
//! reading of postfix-files against what the real `postfix set-permissions` does, in the reference roots under
//! target/roots. Needs root, for chroot(2).
//!
//! ```text
//! cargo test --test postconf
//! POSTCONF_SEED=7 POSTCONF_FILES=100000 cargo test --test postconf
//! ```
//!
//! What is generated depends on the seed alone. The files of a failed run are kept, and named.

mod ask;
mod defaults;
mod edit;
mod edits;
mod generate;
mod main_cf;
mod master_cf;
mod postfix_files;
mod primary;
mod recorded;
mod reference;
mod told;

use reference::{Reference, suites};

/// Runs a check in each reference root, and says in which one it failed.
fn in_each_root(check: impl Fn(&Reference)) {
    for suite in suites() {
        println!("== {suite}");
        check(&Reference::open(suite));
    }
}

/// What chance begins with.
fn seed() -> u64 {
    setting("POSTCONF_SEED", 1)
}

/// How many files are generated for the largest test; the others have a part of it.
fn files() -> u64 {
    setting("POSTCONF_FILES", 2000)
}

/// A number from the environment, for a longer run or another one.
fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")),
        Err(_) => default,
    }
}
