//! Thousands of generated main.cf files: every value, as it stands and expanded, and what is refused.

use super::ask::{ask, path};
use super::generate::{generated, main_cf::main_cf};
use super::told::{Tally, judge};
use super::{files, in_each_root, seed};

#[test]
fn values_and_complaints() {
    let seed = seed();
    let files: Vec<_> = generated(main_cf(), seed, files()).collect();
    in_each_root(|reference| {
        // The versions differ in little: a part tells.
        let files = if reference.is_first() { &files[..] } else { &files[..files.len() * 2 / 5] };
        let work = tempfile::tempdir().unwrap();
        let told = ask(reference, work.path(), files);
        let mut tally = Tally::default();
        let mut failures = Vec::new();
        for (number, (file, told)) in files.iter().zip(&told).enumerate() {
            if let Err(difference) = judge(file, &path(number), told, &reference.postfix, &mut tally) {
                failures.push(format!("{number}/main.cf: {difference}\n{}", file.escape_ascii()));
            }
        }
        println!("Postfix {}: {tally:?}", reference.version);
        if !failures.is_empty() {
            let kept = work.keep();
            let first = failures[..failures.len().min(12)].join("\n\n");
            panic!("POSTCONF_SEED={seed}: {} files differ; see {}\n{first}", failures.len(), kept.display());
        }
        assert!(tally.left_to_postfix * 20 < tally.values, "too much is left to Postfix");
        assert!(tally.refused * 2 < tally.files, "too much is refused to tell much about values");
    });
}
