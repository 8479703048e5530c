//! What must be reached, and whether it is.

use crate::Row;
use crate::in_a_row::InARow;
use crate::measure::{Figures, Started};
use crate::running::Running;

/// Up to so many secondaries no thread is worth its start.
const FEW: usize = 64;

pub struct Target {
    what: &'static str,
    wanted: String,
    reached: String,
    pub met: bool,
}

impl Target {
    pub fn print(&self) {
        let verdict = if self.met { "met" } else { "MISSED" };
        println!("{:54}  {:>18}  {:>12}  {verdict}", self.what, self.wanted, self.reached);
    }
}

/// Judges what was measured; `start` is how many ms longer `-l` takes than true(1) if there is no secondary.
pub fn judge(
    rows: &[Row],
    (check, started): (&Figures, &Started),
    in_a_row: &InARow,
    running: &Running,
    start: f64,
) -> Vec<Target> {
    let mut targets = vec![at_most("-l without a secondary, over true", start, 2.0, " ms")];
    for row in rows {
        let (ours, started) = &row.ours;
        match (row.secondaries, row.command.as_str()) {
            (0, "-l") => {
                targets.push(faster("-l without a secondary, times as fast as the original", row, 1.0));
            }
            (1000, "-l") => {
                let waiting = row.original.0.waiting();
                targets.push(at_most("quiet machine: the original's time over CPU time", waiting, 1.25, "x"));
                targets.push(faster("-l with 1000, times as fast as the original", row, 300.0));
                if let Some(floor) = &row.floor {
                    let over = ours.median() / floor.median();
                    targets.push(at_most("-l with 1000, over the floor", over, 1.5, "x"));
                }
                targets.push(at_most("-l with 1000, processes started", started.processes as f64, 0.0, ""));
                targets.push(at_most(
                    "-l with 1000, programs executed after the first",
                    started.programs as f64,
                    0.0,
                    "",
                ));
            }
            (0, "-e create") => targets.push(faster("-e create, times as fast as the original", row, 100.0)),
            (0, "-e enable") => targets.push(faster("-e enable, times as fast as the original", row, 10.0)),
            (0, "-e assign") => targets.push(faster("-e assign, times as fast as the original", row, 10.0)),
            (0, "-e destroy") => targets.push(faster("-e destroy, times as fast as the original", row, 20.0)),
            _ => {}
        }
    }
    targets.push(at_most("--check with 1000", check.median(), 1000.0, " ms"));
    targets.push(at_most("--check with 1000, processes started", started.processes as f64, 0.0, ""));
    targets.push(at_least("-e create in a row, times as fast as the original", in_a_row.faster(), 200.0, "x"));
    targets.push(at_least("-p stop of 40 that take a moment, --jobs 8 over none", running.faster(), 5.0, "x"));
    let actions = || rows.iter().filter(|row| row.is_action());
    let most = |count: fn(&Row) -> usize| actions().map(count).max().unwrap_or_default() as f64;
    targets.push(at_most("-e, processes started", most(|row| row.ours.1.processes), 0.0, ""));
    targets.push(at_most("-e, programs executed after the first", most(|row| row.ours.1.programs), 0.0, ""));
    let threads = |row: &Row| if row.secondaries <= FEW { row.ours.1.threads } else { 0 };
    targets.push(at_most("-e with few secondaries, threads started", most(threads), 0.0, ""));
    let most = rows.iter().map(|row| row.ours.0.megabytes()).fold(check.megabytes(), f64::max);
    targets.push(at_most("memory with up to 1000", most, 64.0, " MB"));
    targets
}

fn faster(what: &'static str, row: &Row, times: f64) -> Target {
    at_least(what, row.faster(), times, "x")
}

pub fn at_most(what: &'static str, reached: f64, limit: f64, unit: &str) -> Target {
    let [wanted, reached_text] = [format!("at most {limit}{unit}"), format!("{reached:.2}{unit}")];
    Target { what, wanted, reached: reached_text, met: reached <= limit }
}

pub fn at_least(what: &'static str, reached: f64, limit: f64, unit: &str) -> Target {
    let [wanted, reached_text] = [format!("at least {limit}{unit}"), format!("{reached:.2}{unit}")];
    Target { what, wanted, reached: reached_text, met: reached >= limit }
}
