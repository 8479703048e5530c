//! The commands of the README's section "Install": a paragraph tells what they do, and below it each has a line `# COMMAND`.

use anyhow::{Context, Result, ensure};

/// The paragraphs that commands follow, in order, each as the test calls it, and as it begins.
const PARAGRAPHS: [(&str, &str); 6] = [
    ("On Debian", "All as root, in the top directory. On Debian, "),
    ("To take it away again", "To take it away again:"),
    ("Elsewhere", "Elsewhere, "),
    ("To take it away again, elsewhere", "Another `-e init` "),
    ("Completions", "Completions, "),
    ("and without them", "and without them:"),
];

pub struct Commands(Vec<(&'static str, Vec<String>)>);

impl Commands {
    /// Fails if there are commands that `PARAGRAPHS` does not know, or if some are missing.
    pub fn parse(readme: &str) -> Result<Self> {
        let section = readme.split("\n## ").find_map(|section| section.strip_prefix("Install\n"));
        let mut parts = section.context("README: no section Install")?.trim().split("\n\n");
        let mut commands = Vec::new();
        for (name, begin) in PARAGRAPHS {
            let paragraph = parts.next().with_context(|| format!("README: no paragraph for {name}"))?;
            ensure!(paragraph.starts_with(begin), "README: {paragraph}\nshould begin: {begin}");
            let block = parts.next().with_context(|| format!("README: no commands after: {paragraph}"))?;
            let lines = block.lines().map(|line| line.strip_prefix("    # ").map(str::to_owned));
            let lines = lines.collect::<Option<_>>().with_context(|| format!("README: no commands: {block}"))?;
            commands.push((name, lines));
        }
        let rest: Vec<_> = parts.collect();
        ensure!(rest.is_empty(), "README: not tried: {rest:?}");
        Ok(Commands(commands))
    }

    /// The commands after the paragraph of that name.
    pub fn after(&self, name: &str) -> Result<&[String]> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, commands)| commands.as_slice()).with_context(|| name.to_owned())
    }
}
