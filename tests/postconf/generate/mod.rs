//! Generated files, which meet the corners of the grammar more often than people do.

pub mod edit;
pub mod main_cf;
pub mod master_cf;
pub mod postfix_files;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::{NewTree, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

type Bytes = BoxedStrategy<Vec<u8>>;

/// As many values of a strategy as asked for, always the same for the same seed.
pub fn generated<S: Strategy>(strategy: S, seed: u64, count: u64) -> impl Iterator<Item = S::Value> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..count).map(move |_| {
        let tree: NewTree<S> = strategy.new_tree(&mut runner);
        tree.unwrap().current()
    })
}

fn text(text: &'static str) -> Bytes {
    bytes(text.as_bytes())
}

fn bytes(bytes: &'static [u8]) -> Bytes {
    Just(bytes.to_vec()).boxed()
}

/// What may stand between two lines of text.
fn aside() -> Bytes {
    select(&["# a comment\n", "\n", " \t\n", "  # = $a ${\n", "\x0b\x0c\r\n", "#\\\n", "\r\n"][..])
        .prop_flat_map(text)
        .boxed()
}
