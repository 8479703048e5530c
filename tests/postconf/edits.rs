//! Generated edits of generated main.cf files.

use super::edit::differences;
use super::generate::{edit::edit, generated, main_cf::main_cf};
use super::{files, in_each_root, seed};
use proptest::strategy::Strategy;
use std::cell::RefCell;

#[test]
fn edits() {
    let seed = seed();
    // A NUL ends a line of Postfix's, and what was after it is lost. We lose nothing.
    let without_nul = main_cf().prop_map(|mut file| {
        file.retain(|byte| *byte != 0);
        file
    });
    let count = files() / 5;
    // The versions differ in little, so each has edits of its own.
    let generated = RefCell::new(generated((without_nul, edit()), seed ^ 0xed17, count * 3));
    in_each_root(|reference| {
        let edits: Vec<_> = generated.borrow_mut().by_ref().take(count as usize).collect();
        let work = tempfile::tempdir().unwrap();
        let failures: Vec<_> = differences(reference, work.path(), &edits).into_iter().flatten().collect();
        let repeated = edits.iter().filter(|(file, edit)| !edit.ours(file).repeated.is_empty()).count();
        let appended = edits.iter().filter(|(file, edit)| edit.appended(file) > 0).count();
        let version = &reference.version;
        println!("Postfix {version}: {} edits, {repeated} of repeated names, {appended} append", edits.len());
        if !failures.is_empty() {
            let kept = work.keep();
            let first = failures[..failures.len().min(12)].join("\n\n");
            panic!("POSTCONF_SEED={seed}: {} edits differ; see {}\n{first}", failures.len(), kept.display());
        }
        assert!(repeated * 20 > edits.len() && appended * 4 > edits.len(), "too little is edited to tell much");
    });
}
