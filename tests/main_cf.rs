//! Our reading of the files under fixtures/main.cf against what the real postconf told of them.

#[expect(dead_code, reason = "some of it is for asking the real postconf")]
#[path = "postconf/told.rs"]
mod told;

use std::fs;
use told::{Postfix, Tally, Told, fixtures, judge, recorded_as};

#[test]
fn as_postconf_told() {
    let fixtures = fixtures();
    assert!(!fixtures.is_empty());
    for fixture in fixtures {
        let file = fs::read(&fixture).unwrap();
        let told = Told::read(&fs::read(recorded_as(&fixture)).unwrap(), &file);
        let parameters = told.raw.iter().map(|(name, _)| name.clone()).collect();
        let postfix = Postfix { layout: None, parameters };
        if let Err(difference) = judge(&file, "main.cf", &told, &postfix, &mut Tally::default()) {
            panic!("{}: {difference}", fixture.display());
        }
    }
}
