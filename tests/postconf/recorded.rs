//! The files under fixtures/main.cf: each shows where a reading of main.cf can go wrong, and has beside it what
//! the real postconf told of it. Plain `cargo test` holds our reading against that.
//!
//! ```text
//! POSTCONF_RECORD=1 cargo test --test postconf recorded
//! ```

use super::ask::{ask, path};
use super::in_each_root;
use super::told::{Tally, Told, fixtures, judge, recorded_as, written};
use std::fs;

#[test]
fn recorded() {
    let fixtures = fixtures();
    let files: Vec<_> = fixtures.iter().map(|name| fs::read(name).unwrap()).collect();
    in_each_root(|reference| {
        let work = tempfile::tempdir().unwrap();
        for (number, mut told) in ask(reference, work.path(), &files).into_iter().enumerate() {
            told.asked = written(&files[number]);
            let name = fixtures[number].display();
            let mut tally = Tally::default();
            if let Err(difference) = judge(&files[number], &path(number), &told, &reference.postfix, &mut tally) {
                panic!("{name}: {difference}");
            }
            assert_eq!(tally.left_to_postfix, 0, "{name}: a fixture is to tell something");
            if !reference.is_first() {
                continue;
            }
            let record = told.record(&reference.version, &path(number));
            let place = recorded_as(&fixtures[number]);
            if std::env::var_os("POSTCONF_RECORD").is_some() {
                fs::write(place, record).unwrap();
            } else {
                let kept = fs::read(place).unwrap();
                let read = |record: &[u8]| Told::read(record, &files[number]);
                assert_eq!(read(&kept), read(&record), "{name}: told otherwise; POSTCONF_RECORD=1 records it");
            }
        }
    });
}
