//! Scenario files: what is set up, and the commands that both programs run. README describes the format.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// One scenario file.
pub struct Scenario {
    /// Its path under `scenarios`, without the suffix, such as `options/bundle`.
    pub name: String,
    /// The reference roots that it runs in; `None` means all.
    pub roots: Option<Vec<String>>,
    /// The declared differences that it shows, each by its number.
    pub differences: Vec<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One step of a scenario.
pub enum Step {
    /// Shell lines that prepare the sandbox; they must succeed.
    SetUp(String),
    /// A command under test.
    Command(Command),
}

/// A command under test, and what stands for its standard output where the original has nothing to show.
pub struct Command {
    /// The shell line that both programs run.
    pub line: String,
    /// The shell line whose standard output, under the original, ours must equal.
    pub like: Option<String>,
}

impl Scenario {
    /// Reads the scenario file at `path`; `name` is how reports call it.
    pub fn read(name: String, path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(name, &text).with_context(|| path.display().to_string())
    }

    /// The lines of the commands under test.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Command(command) => Some(command.line.as_str()),
            Step::SetUp(_) => None,
        })
    }

    fn parse(name: String, text: &str) -> Result<Self> {
        if !text.starts_with("# ") {
            bail!("the first line must be the title, `# ...`");
        }
        let mut scenario = Scenario { name, roots: None, differences: Vec::new(), steps: Vec::new() };
        let mut lines = text.lines().skip_while(|line| line.starts_with('#') || line.is_empty()).peekable();
        while let Some(line) = lines.peek() {
            let words = |list: &str| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            match line.split_once(": ") {
                Some(("roots", list)) => scenario.roots = Some(words(list)),
                Some(("difference", list)) => scenario.differences = words(list),
                _ => break,
            }
            lines.next();
        }
        for line in lines {
            scenario.add(line)?;
        }
        if !scenario.steps.iter().any(|step| matches!(step, Step::Command(_))) {
            bail!("no command under test");
        }
        Ok(scenario)
    }

    fn add(&mut self, line: &str) -> Result<()> {
        let last = self.steps.last_mut();
        if let Some(command) = line.strip_prefix("$ ") {
            self.steps.push(Step::Command(Command { line: command.to_owned(), like: None }));
        } else if let Some(like) = line.strip_prefix("like$ ") {
            let Some(Step::Command(command)) = last else { bail!("`like$` must follow a command: {line}") };
            command.like = Some(like.to_owned());
        } else if let (Some(more), Some(Step::Command(command))) = (line.strip_prefix("> "), last) {
            let line = command.like.as_mut().unwrap_or(&mut command.line);
            line.push('\n');
            line.push_str(more);
        } else if let Some(Step::SetUp(script)) = self.steps.last_mut() {
            script.push_str(line);
            script.push('\n');
        } else if !line.trim().is_empty() {
            self.steps.push(Step::SetUp(format!("{line}\n")));
        }
        Ok(())
    }
}
