//! The declared differences: where ours is allowed, and then required, to differ from the original.

use std::os::unix::ffi::OsStrExt;

use anyhow::{Context, Result, bail};
use regex::bytes::Regex;
use serde::{Deserialize, Deserializer};

use crate::capture::StandardError;
use crate::compare::{Change, Fact, Stream};

/// The file that declares them all.
const DECLARED: &str = include_str!("differences.toml");

/// One deliberate difference, as `differences.toml` declares it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// As the manual page counts it.
    pub number: String,
    /// One line for a reader.
    #[serde(rename = "title")]
    _title: String,
    /// May occur in every scenario; must in one of them. Others may, and must, where a scenario names them.
    #[serde(default)]
    pub everywhere: bool,
    #[serde(default)]
    stdout: Lines,
    #[serde(default)]
    stderr: Lines,
    /// On standard error, where that is a terminal.
    #[serde(default)]
    terminal: Lines,
    #[serde(default)]
    tree: Paths,
    /// Exit statuses, as `ORIGINAL -> OURS`.
    status: Option<Pattern>,
    /// The loss or damage by the original, with exit status 0, where ours ends with an error.
    loss: Option<String>,
    /// Our wording of a line that the original prints on standard error: `[pattern, replacement]`.
    #[serde(default)]
    reworded: Vec<(Pattern, String)>,
}

/// Lines that only one of the two prints.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Lines {
    #[serde(default)]
    original: Vec<Pattern>,
    #[serde(default)]
    ours: Vec<Pattern>,
}

/// Paths, from the root and without a slash in front, where the two leave something different.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Paths {
    /// Changed by the original alone.
    #[serde(default)]
    original: Vec<Pattern>,
    /// Changed by ours alone.
    #[serde(default)]
    ours: Vec<Pattern>,
    /// Of another type, mode or owner.
    #[serde(default)]
    attributes: Vec<Pattern>,
    /// With other bytes or another link target.
    #[serde(default)]
    content: Vec<Pattern>,
}

struct Pattern(Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The whole line or nothing; lines are bytes.
        Regex::new(&format!("^(?s-u:{text})$")).map(Pattern).map_err(serde::de::Error::custom)
    }
}

impl Lines {
    fn match_line(&self, only_ours: bool, line: &[u8]) -> bool {
        let patterns = if only_ours { &self.ours } else { &self.original };
        patterns.iter().any(|pattern| pattern.0.is_match(without_end(line)))
    }
}

impl Difference {
    /// All that are declared.
    pub fn declared() -> Result<Vec<Self>> {
        #[derive(Deserialize)]
        struct File {
            difference: Vec<Difference>,
        }
        let declared = toml::from_str::<File>(DECLARED).context("differences.toml")?.difference;
        declared.iter().try_for_each(Difference::justified)?;
        Ok(declared)
    }

    /// Being stricter is allowed only where the original loses something: then that is told, and only then.
    fn justified(&self) -> Result<()> {
        let allows = |change: String| self.status.as_ref().is_some_and(|pattern| pattern.0.is_match(change.as_bytes()));
        let is_stricter = (1..=255).any(|ours| allows(format!("0 -> {ours}")));
        let loss = self.loss.as_deref().map(str::trim);
        match (is_stricter, loss) {
            (true, None | Some("")) => bail!(
                "differences.toml: difference {} allows an error where the original exits with 0: `loss` must tell what the original loses",
                self.number
            ),
            (false, Some(_)) => {
                bail!(
                    "differences.toml: difference {} has a `loss`, and allows no error where the original exits with 0",
                    self.number
                )
            }
            _ => Ok(()),
        }
    }

    /// Whether this is what makes `fact` true.
    pub fn explains(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Status { original, ours } => {
                let change = format!("{original} -> {ours}");
                self.status.as_ref().is_some_and(|pattern| pattern.0.is_match(change.as_bytes()))
            }
            Fact::Line { stream, only_ours, text } => {
                let lines = match stream {
                    Stream::Stdout => &[&self.stdout][..],
                    Stream::Stderr(StandardError::Pipe) => &[&self.stderr],
                    Stream::Stderr(StandardError::Terminal) => &[&self.stderr, &self.terminal],
                };
                lines.iter().any(|lines| lines.match_line(*only_ours, text))
            }
            Fact::Path { path, change, .. } => {
                let patterns = match change {
                    Change::OnlyOriginal => &self.tree.original,
                    Change::OnlyOurs => &self.tree.ours,
                    Change::Attributes => &self.tree.attributes,
                    Change::Content => &self.tree.content,
                };
                patterns.iter().any(|pattern| pattern.0.is_match(path.as_os_str().as_bytes()))
            }
        }
    }

    /// Whether ours prints `line` on a terminal alone.
    pub fn is_for_terminals(&self, line: &[u8]) -> bool {
        self.terminal.match_line(true, line)
    }

    /// Our wording of `line`, without its newline, if it is another.
    pub fn reword(&self, line: &[u8]) -> Option<Vec<u8>> {
        let line = without_end(line);
        let (pattern, ours) = self.reworded.iter().find(|(pattern, _)| pattern.0.is_match(line))?;
        Some(pattern.0.replace(line, ours.as_bytes()).into_owned())
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}
