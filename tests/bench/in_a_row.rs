//! Many instances that are made in a row.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::measure::Figures;
use crate::sandbox::{self, words};
use crate::state::State;
use crate::{ORIGINAL, OURS};

/// So many are made.
const INSTANCES: usize = 300;

/// For the original that takes a quarter of an hour. One create is measured with so many instances listed instead, each
/// so often; the time grows with the list, as a straight line between these.
const LISTED: [usize; 4] = [1, 100, 200, 300];
const TRIALS: usize = 2;

/// What was measured.
pub struct InARow {
    /// How many instances are listed, and the least time of one create of the original's, in ms.
    original: Vec<(usize, f64)>,
    ours: Figures,
}

impl InARow {
    pub fn measure() -> Result<InARow> {
        let original = LISTED.into_iter().map(|listed| Ok((listed, measure_original(listed)?)));
        let original = original.collect::<Result<_>>()?;
        // Each is to be what the original would have made.
        let name = |number| format!("postfix-row-{number:03}");
        let model = State::of_files(sandbox::PATTERN)?;
        let mut ours = Figures::default();
        sandbox::list(0)?;
        for number in 1..=INSTANCES {
            let name = name(number);
            ours.add(&words(OURS, &sandbox::create(&name)))?;
            check_last(&name, number)?;
            State::of_files(&name)?.ensure_same(&model, &name)?;
        }
        (1..=INSTANCES).try_for_each(|number| remove(&name(number)))?;
        Ok(InARow { original, ours })
    }

    /// How many times as fast as the original we are.
    pub fn faster(&self) -> f64 {
        self.reckoned() / self.ours.total()
    }

    /// What all would take the original, in ms: the first, and then the sum over the list as it grows.
    fn reckoned(&self) -> f64 {
        let between = |pair: &[(usize, f64)]| (pair[1].0 - pair[0].0) as f64 * (pair[0].1 + pair[1].1) / 2.0;
        self.original[0].1 + self.original.windows(2).map(between).sum::<f64>()
    }

    pub fn print(&self) {
        let (original, ours) = (self.reckoned() / 1000.0, self.ours.total() / 1000.0);
        println!(
            "{INSTANCES} creates in a row: original {original:.0} s (reckoned), ours {ours:.2} s: {:.0}x",
            self.faster()
        );
        println!(
            "The original's are reckoned by trapezoids, from one create, right after another one (least of {TRIALS}):"
        );
        let points = self.original.iter().map(|(listed, time)| format!("{time:.0} ms with {listed} listed"));
        println!("{}", points.collect::<Vec<_>>().join(", "));
    }
}

/// The least time that the original takes for one create right after another one, whose new main.cf it waits for.
fn measure_original(listed: usize) -> Result<f64> {
    let (first, second) = ("postfix-row-first", "postfix-row-second");
    let mut figures = Figures::default();
    for _ in 0..TRIALS {
        sandbox::list(listed - 1)?;
        sandbox::run(&words(ORIGINAL, &sandbox::create(first)))?;
        figures.add(&words(ORIGINAL, &sandbox::create(second)))?;
        check_last(second, listed + 1)?;
        [first, second].into_iter().try_for_each(remove)?;
    }
    Ok(figures.minimum())
}

/// Checks that so many are listed, this one last.
fn check_last(name: &str, number: usize) -> Result<()> {
    let listed = sandbox::listed()?;
    let last = listed.last().context("nothing is listed")?;
    ensure!(sandbox::config(name) == *last && listed.len() == number, "{name} is not the last of {number}");
    Ok(())
}

fn remove(name: &str) -> Result<()> {
    sandbox::directories(name).iter().try_for_each(fs::remove_dir_all)?;
    Ok(())
}
