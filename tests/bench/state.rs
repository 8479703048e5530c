//! What there is of an instance on disk: nothing is measured that was not done.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use walkdir::WalkDir;

use crate::sandbox::{MAIN_CF, config, directories, listed};

/// All that an action can change, in lines that are sorted: the original appends parameters in an order of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct State(Vec<String>);

impl State {
    /// The files of an instance, and the main.cf of the primary.
    pub fn read(name: &str) -> Result<State> {
        let is_listed = listed()?.iter().any(|directory| config(name) == Path::new(directory));
        let mut lines = contents(Path::new(MAIN_CF))?;
        lines.push(format!("listed: {is_listed}"));
        lines.extend(State::of_files(name)?.0);
        lines.sort();
        Ok(State(lines))
    }

    /// The files of an instance alone, in which it is called NAME: so all new instances are alike.
    pub fn of_files(name: &str) -> Result<State> {
        let mut lines = Vec::new();
        for directory in directories(name).iter().filter(|directory| directory.exists()) {
            for entry in WalkDir::new(directory) {
                let entry = entry?;
                let status = entry.metadata()?;
                let (path, mode) = (entry.path().display(), status.mode());
                lines.push(format!("{path} {mode:o} {} {}", status.uid(), status.gid()));
                if status.is_file() {
                    lines.extend(contents(entry.path())?);
                }
            }
        }
        lines.iter_mut().for_each(|line| *line = line.replace(name, "NAME"));
        lines.sort();
        Ok(State(lines))
    }

    pub fn has(&self, line: &str) -> bool {
        self.0.iter().any(|known| known == line)
    }

    /// Fails, and names a line that only one of them has, unless both are the same.
    pub fn ensure_same(&self, other: &State, what: &str) -> Result<()> {
        let surplus = self.0.iter().find(|line| !other.has(line));
        let differs = surplus.or_else(|| other.0.iter().find(|line| !self.has(line)));
        ensure!(self == other, "{what}: not as it must be: {differs:?}");
        Ok(())
    }
}

/// The lines of a file, each with the path of that.
fn contents(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text.lines().map(|line| format!("{}: {line}", path.display())).collect())
}
