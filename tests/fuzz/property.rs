//! A property, and how a round of it is run.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};
use std::cell::RefCell;
use std::fmt::Debug;
use std::panic;

/// What is wrong, and the smallest input found that shows it.
pub type Failure = String;

/// Something that holds for every input.
pub struct Property {
    pub name: &'static str,
    round: Box<dyn Fn(u64) -> Result<u64, Failure> + Send + Sync>,
}

thread_local! {
    /// Where this thread has panicked last.
    static PLACE: RefCell<String> = RefCell::default();
}

/// A panic fails a property. Its place is remembered and not printed, as there are many while an input is made smaller.
pub fn remember_where_panics_are() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        PLACE.set(place);
    }));
}

impl Property {
    /// A property whose rounds are of `cases` values of a strategy.
    pub fn new<S: Strategy>(
        name: &'static str,
        cases: u32,
        strategy: impl Fn() -> S + Send + Sync + 'static,
        test: impl Fn(S::Value) -> TestCaseResult + Send + Sync + 'static,
    ) -> Property
    where
        S::Value: Debug,
    {
        let round = move |seed| {
            let config = Config {
                cases,
                failure_persistence: None,
                max_shrink_iters: 5000,
                max_shrink_time: 60_000,
                ..Config::default()
            };
            let mut runner = TestRunner::new_with_rng(config, rng(seed));
            match runner.run(&strategy(), &test) {
                Ok(()) => Ok(u64::from(cases)),
                Err(TestError::Abort(reason)) => Err(reason.to_string()),
                Err(TestError::Fail(reason, value)) => {
                    Err(format!("{reason}\n{}\nwith {value:#?}", PLACE.with(|place| place.borrow().clone())))
                }
            }
        };
        Property { name, round: Box::new(round) }
    }

    /// A property that takes all values of a round at once.
    pub fn of_rounds(
        name: &'static str,
        round: impl Fn(u64) -> Result<u64, Failure> + Send + Sync + 'static,
    ) -> Property {
        Property { name, round: Box::new(round) }
    }

    /// Runs a round, and says how many cases there were. All depends on the seed alone.
    pub fn run(&self, seed: u64) -> Result<u64, Failure> {
        panic::catch_unwind(panic::AssertUnwindSafe(|| (self.round)(seed)))
            .unwrap_or_else(|_| Err(format!("panic at {}", PLACE.with(|place| place.borrow().clone()))))
    }
}

fn rng(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}
