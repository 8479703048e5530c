//! Case files: what is done to the host, the command, and what the user sees. README describes the format.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::capture::Outcome;

/// Stands for any text in what the user sees.
const ANYTHING: &str = "[...]";

/// The cases of one file.
pub struct Topic {
    pub name: String,
    pub cases: Vec<Case>,
}

/// One hostile input.
#[derive(Default)]
pub struct Case {
    pub title: String,
    /// Shell lines that prepare the host; they must succeed.
    pub set_up: String,
    /// The shell line that is judged.
    pub command: String,
    pub status: i32,
    /// The lines that the user sees on standard output and standard error.
    pub seen: [Vec<String>; 2],
    /// Where the command may make, change and remove what it likes.
    pub may_change: Vec<PathBuf>,
    /// The loss or damage by the original, with exit status 0, where ours ends with an error.
    pub loss: Option<String>,
    /// Why the original is not asked.
    pub not_for_original: Option<String>,
}

impl Topic {
    /// Reads the case file at `path`.
    pub fn read(path: &Path) -> Result<Topic> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path)?;
        let mut parts = text.split("\n== ");
        let head = parts.next().unwrap_or_default();
        let common: String =
            head.lines().filter(|line| !line.starts_with('#')).map(|line| line.to_owned() + "\n").collect();
        let cases = parts.map(|part| Case::parse(&common, part).with_context(|| path.display().to_string()));
        Ok(Topic { name, cases: cases.collect::<Result<_>>()? })
    }
}

impl Case {
    fn parse(common: &str, text: &str) -> Result<Case> {
        let (title, lines) = text.split_once('\n').context("a case needs lines")?;
        let mut case = Case { title: title.to_owned(), set_up: common.to_owned(), status: -1, ..Case::default() };
        for line in lines.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "$" => case.command = rest.to_owned(),
                ">" if !case.command.is_empty() => case.command = format!("{}\n{rest}", case.command),
                "exit" => case.status = rest.parse().with_context(|| format!("{title}: {line}"))?,
                "1|" => case.seen[0].push(rest.to_owned()),
                "2|" => case.seen[1].push(rest.to_owned()),
                "changes" => case.may_change.extend(rest.split_whitespace().flat_map(places)),
                "loss:" => case.loss = Some(rest.to_owned()),
                "not-for-original:" => case.not_for_original = Some(rest.to_owned()),
                "" => {}
                _ => {
                    ensure!(case.command.is_empty(), "{title}: set-up after the command: {line}");
                    case.set_up.push_str(line);
                    case.set_up.push('\n');
                }
            }
        }
        if case.command.is_empty() || case.status < 0 {
            bail!("{title}: a command and its exit status are needed");
        }
        Ok(case)
    }

    /// Being stricter is allowed only where the original loses something: then that is told, and only then. Returns what is
    /// wrong with that, if the original exits with 0 or not.
    pub fn justify(&self, original_succeeds: bool) -> Option<String> {
        let is_stricter = original_succeeds && self.status != 0;
        match (is_stricter, self.loss.as_deref().map(str::trim)) {
            (true, None | Some("")) => {
                Some(format!("{}: the original exits with 0: what does it lose? (loss:)", self.title))
            }
            (false, Some(_)) => {
                Some(format!("{}: a loss where the original does not exit with 0, or ours does", self.title))
            }
            _ => None,
        }
    }

    /// What is not as it should be in what the user sees.
    pub fn compare(&self, outcome: &Outcome) -> Vec<String> {
        let mut wrong = Vec::new();
        if outcome.status != self.status {
            wrong.push(format!("exit status {} in place of {}", outcome.status, self.status));
        }
        for (name, expected, found) in
            [("output", &self.seen[0], &outcome.stdout), ("error", &self.seen[1], &outcome.stderr)]
        {
            let found = String::from_utf8_lossy(found);
            let expected: String = expected.iter().map(|line| format!("{line}\n")).collect();
            if !matches(&expected, &found) {
                wrong.push(format!("standard {name} is\n{found}in place of\n{expected}"));
            }
        }
        wrong
    }
}

/// A path, or the name of an instance, which stands for its three directories.
fn places(word: &str) -> Vec<PathBuf> {
    match word.starts_with('/') {
        true => vec![word.into()],
        false => ["/etc", "/var/spool", "/var/lib"].map(|parent| Path::new(parent).join(word)).into(),
    }
}

/// Is it this text, with anything where the pattern says so?
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once(ANYTHING) {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).filter(|from| text.is_char_boundary(*from)).any(|from| matches(rest, &text[from..]))
        }),
    }
}
