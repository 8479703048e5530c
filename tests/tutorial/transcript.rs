//! The transcript: what is done and what it prints, as a text for people.
//!
//! A paragraph tells what a step is about. Below it, indented, is what happens: `# COMMAND` is run, `? COMMAND` is run again and
//! again until it succeeds and prints what it should, `original? COMMAND` likewise, but with the original only, and
//! `ours# COMMAND` is run with our program only. A here-document, or a line after a backslash, belongs to the command. Then comes the expected output.

use anyhow::{Context, Result, bail};

const INDENTATION: &str = "    ";

pub struct Step {
    pub title: String,
    pub commands: Vec<Command>,
}

pub struct Command {
    pub text: String,
    pub mode: Mode,
    pub output: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Once,
    /// Until the output is as expected.
    Polled,
    /// Polled, too. For what our program does by itself.
    OriginalOnly,
    /// Once. For what the original cannot do.
    OursOnly,
}

const MARKS: [(&str, Mode); 4] =
    [("# ", Mode::Once), ("? ", Mode::Polled), ("original? ", Mode::OriginalOnly), ("ours# ", Mode::OursOnly)];

pub fn parse(text: &str) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    for line in text.lines() {
        let last = steps.last_mut();
        if let Some(line) = line.strip_prefix(INDENTATION) {
            last.with_context(|| format!("no paragraph comes before: {line}"))?.add(line)?;
        } else if let Some(step) = last.filter(|step| step.is_open()) {
            if line.is_empty() { step.add(line)? } else { step.title = format!("{} {line}", step.title) }
        } else if !line.is_empty() {
            steps.push(Step { title: line.to_owned(), commands: Vec::new() });
        }
    }
    Ok(steps)
}

impl Step {
    /// Does the next line belong to what is begun: the paragraph, or a here-document?
    fn is_open(&self) -> bool {
        self.commands.last().is_none_or(Command::is_open)
    }

    fn add(&mut self, line: &str) -> Result<()> {
        match self.commands.last_mut() {
            Some(command) if command.is_open() => command.text += &format!("\n{line}"),
            last => match (MARKS.iter().find_map(|(mark, mode)| Some((line.strip_prefix(mark)?, *mode))), last) {
                (Some((text, mode)), _) => {
                    self.commands.push(Command { text: text.to_owned(), mode, output: String::new() });
                }
                (None, Some(command)) => command.output += &format!("{line}\n"),
                (None, None) => bail!("no command comes before: {line}"),
            },
        }
        Ok(())
    }
}

impl Command {
    /// Does the next line belong to the command?
    fn is_open(&self) -> bool {
        let document = ["<<EOF", "<<'EOF'"].iter().any(|start| self.text.contains(start));
        self.text.ends_with('\\') || document && !self.text.ends_with("\nEOF")
    }
}
