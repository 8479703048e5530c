//! The system calls of one undisturbed run, as strace(1) tells them.

use crate::host::Host;
use crate::trace::always_changing;
use anyhow::{Context, Result, ensure};
use regex::Regex;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One call.
#[derive(Debug)]
pub struct Call {
    pub name: String,
    /// How many calls of this name came before, plus one: this is how strace counts.
    pub number: usize,
    /// What it is about: the path of the descriptor, and the name that is looked up from there, if there is one.
    pub path: String,
    /// The other name of a rename.
    pub to: String,
    /// Does it change files, or make a change durable?
    pub changes: bool,
    pub succeeded: bool,
}

/// Calls by which files are looked at; some of them may change files, too.
const LOOKING: [&str; 15] = [
    "open",
    "openat",
    "openat2",
    "read",
    "pread64",
    "write",
    "stat",
    "fstat",
    "newfstatat",
    "statx",
    "getdents64",
    "readlink",
    "readlinkat",
    "faccessat2",
    "flock",
];

/// Runs a command undisturbed, and returns its calls from the point on where the program itself is there.
pub fn calls(host: &Host, command: &[&str]) -> Result<Vec<Call>> {
    let names = always_changing().chain(LOOKING).collect::<Vec<_>>().join(",?");
    let log = "/tmp/calls";
    let trace = format!("trace=?{names}");
    let strace = ["/usr/bin/strace", "-y", "-s", "4096", "-o", log, "-e", &trace, "/usr/sbin/postmulti"];
    let output = host.command(&[&strace, command].concat()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "traced: {} {said}", output.status);
    let log = std::fs::read_to_string(host.path(log)).context("strace's log")?;
    let mut counts = HashMap::new();
    let all: Vec<(Call, &str)> = log.lines().filter_map(|line| Some((Call::read(line, &mut counts)?, line))).collect();
    ensure!(!all.is_empty(), "no call was seen");
    // First the loader is at work.
    let first = all.iter().rposition(|(_, line)| line.contains(".so")).map_or(0, |last| last + 1);
    Ok(all.into_iter().skip(first).map(|(call, _)| call).collect())
}

static LINE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(\w+)\((.*)\) += (-?\d+|\?)").unwrap());
/// A descriptor with its path, or a string.
static PART: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?:\d+|AT_FDCWD)<([^>]*)>|"((?:[^"\\]|\\.)*)""#).unwrap());

impl Call {
    fn read(line: &str, counts: &mut HashMap<String, usize>) -> Option<Call> {
        let line = LINE.captures(line)?;
        let (name, arguments) = (line[1].to_owned(), &line[2]);
        let number = counts.entry(name.clone()).or_default();
        *number += 1;
        let parts: Vec<_> = PART.captures_iter(arguments).collect();
        let text =
            |index: usize, group: usize| parts.get(index).and_then(|part| part.get(group)).map(|text| text.as_str());
        // Names after a descriptor are relative to it; what is read or written is no name.
        let join =
            |from: usize| match (text(from, 1), text(from + 1, 2).filter(|_| !matches!(&*name, "read" | "write"))) {
                (Some(directory), Some(name)) if name.starts_with('/') || directory == "/" => {
                    Some(format!("/{}", name.trim_start_matches('/')))
                }
                (Some(directory), Some("")) => Some(directory.to_owned()),
                (Some(directory), Some(name)) => Some(format!("{directory}/{name}")),
                (Some(path), None) => Some(path.to_owned()),
                _ => text(from, 2).map(str::to_owned),
            };
        let path = join(0).unwrap_or_default();
        let to = if name.starts_with("rename") {
            join(if text(0, 1).is_some() { 2 } else { 1 }).unwrap_or_default()
        } else {
            String::new()
        };
        let creates = arguments.contains("O_CREAT") || arguments.contains("O_TRUNC");
        let is_file = || path.starts_with('/') && !path.starts_with("/dev/");
        let changes = always_changing().any(|changing| name == changing) || creates || (name == "write" && is_file());
        Some(Call { number: *number, path, to, changes, succeeded: !line[3].starts_with('-'), name })
    }
}
