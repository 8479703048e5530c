//! What must be reached, and whether it is.

use crate::Row;

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
pub fn judge(rows: &[Row], start: f64) -> Vec<Target> {
    let mut targets = vec![at_most("-l without a secondary, over true", start, 2.0, " ms")];
    for row in rows {
        let (ours, started) = &row.ours;
        match (row.secondaries, row.command.as_str()) {
            (0, "-l") => {
                targets.push(at_least("-l without a secondary, times as fast as the original", row.faster(), 1.0, "x"));
            }
            (1000, "-l") => {
                let waiting = row.original.0.waiting();
                targets.push(at_most("quiet machine: the original's time over CPU time", waiting, 1.25, "x"));
                targets.push(at_least("-l with 1000, times as fast as the original", row.faster(), 300.0, "x"));
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
            _ => {}
        }
    }
    let most = rows.iter().map(|row| row.ours.0.megabytes()).fold(0.0, f64::max);
    targets.push(at_most("memory with up to 1000", most, 64.0, " MB"));
    targets
}

fn at_most(what: &'static str, reached: f64, limit: f64, unit: &str) -> Target {
    let [wanted, reached_text] = [format!("at most {limit}{unit}"), format!("{reached:.2}{unit}")];
    Target { what, wanted, reached: reached_text, met: reached <= limit }
}

fn at_least(what: &'static str, reached: f64, limit: f64, unit: &str) -> Target {
    let [wanted, reached_text] = [format!("at least {limit}{unit}"), format!("{reached:.2}{unit}")];
    Target { what, wanted, reached: reached_text, met: reached >= limit }
}
