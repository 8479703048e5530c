//! `--status`, which the original has not: beside `-l` and the directories that it must read, and beside find(1).

use std::fs::{self, File};

use anyhow::{Result, ensure};

use crate::measure::{Figures, compare};
use crate::sandbox::{self, directories, name_of};
use crate::target::{Target, at_least, at_most};
use crate::{FLOOR, OURS};

const INSTANCES: usize = 1000;

/// In the queue of one of them.
const MESSAGES: usize = 1_000_000;

/// What it looks into, in the queue directory of each.
const DIRECTORIES: [&str; 7] = ["pid", "maildrop", "incoming", "active", "deferred", "hold", "corrupt"];

/// The directories that the floor program lists.
const LIST: &str = "/tmp/queues";

/// What was measured.
pub struct Status {
    list: Figures,
    status: Figures,
    /// Opens, lists and closes the same directories, and does nothing else.
    floor: Figures,
    /// Of one instance: of no message, of many, and find(1) in the same queue.
    empty: Figures,
    full: Figures,
    find: Figures,
}

impl Status {
    pub fn measure() -> Result<Status> {
        sandbox::list(INSTANCES)?;
        let queues = |name: &str| DIRECTORIES.map(|queue| directories(name)[1].join(queue));
        let all: Vec<_> = (1..=INSTANCES).flat_map(|number| queues(&name_of(number))).collect();
        all.iter().try_for_each(fs::create_dir_all)?;
        fs::write(LIST, all.iter().map(|path| format!("{}/\n", path.display())).collect::<String>())?;
        // Those that are disabled may be stopped, which the exit status would tell of others.
        let status = [OURS, "--status", "-g", "bench"];
        let [list, status, floor] = compare([&[OURS, "-l"], &status, &[FLOOR, LIST]])?;

        let name = name_of(INSTANCES);
        let deferred = directories(&name)[1].join("deferred");
        let one = [OURS, "--status", "-i", &name, "-j"];
        let [empty] = compare([&one])?;
        fill(&deferred)?;
        let told = String::from_utf8(sandbox::run(&one)?)?;
        ensure!(told.contains(&format!("\"deferred\": {MESSAGES},")), "not all are counted: {told}");
        let path = deferred.display().to_string();
        let [find, full] = compare([&["find", &path, "-type", "f"], &one])?;
        fs::remove_dir_all(deferred)?;
        Ok(Status { list, status, floor, empty, full, find })
    }

    /// How often the time of `-l` goes into that of `--status`, the reading of directories left out.
    fn over_list(&self) -> f64 {
        (self.status.median() - self.floor.median()) / self.list.median()
    }

    fn beside_find(&self) -> f64 {
        self.find.minimum() / self.full.median()
    }

    pub fn print(&self) {
        let [list, status, floor, full, find] =
            [&self.list, &self.status, &self.floor, &self.full, &self.find].map(Figures::median);
        println!(
            "--status of {INSTANCES}: {status:.1} ms, -l {list:.1} ms, reading the directories alone {floor:.1} ms"
        );
        println!(
            "--status of {MESSAGES} messages: {full:.0} ms and {:.1} MB, find -type f {find:.0} ms and {:.1} MB",
            self.full.megabytes(),
            self.find.megabytes()
        );
    }

    pub fn targets(&self) -> Vec<Target> {
        let more = self.full.megabytes() - self.empty.megabytes();
        vec![
            at_most("--status of 1000 without the directories, over -l", self.over_list(), 3.0, "x"),
            at_least("--status of a million messages, as fast as find", self.beside_find(), 0.5, "x"),
            at_most("--status of a million messages, memory over none", more, 1.0, " MB"),
        ]
    }
}

/// Puts the messages into a queue as Postfix does it, in hashed directories, under short queue IDs.
fn fill(queue: &std::path::Path) -> Result<()> {
    for digit in 0..16 {
        fs::create_dir(queue.join(format!("{digit:X}")))?;
    }
    for number in 0..MESSAGES {
        // Spread over the microseconds of a second, as chance does it.
        let name = format!("{:05X}{number:X}", number * 7919 % 1_000_000);
        File::create(queue.join(&name[..1]).join(name))?;
    }
    Ok(())
}
