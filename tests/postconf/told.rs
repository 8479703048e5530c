//! What postconf told of a main.cf, and whether we agree.

use postmulti::config::defaults::{Layout, default};
use postmulti::config::expand::{ExpandError, Lookup, Meaning, expand};
use postmulti::config::main_cf::{Finding, MainCf};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where recorded main.cf files lie.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/main.cf");

/// Parameters of Postfix that are strings and nothing more.
pub const PARAMETERS: [&str; 7] =
    ["smtpd_banner", "multi_instance_name", "relayhost", "myorigin", "syslog_name", "mynetworks", "mydestination"];

/// Names of the user's own.
pub const OWN: [&str; 6] = ["a", "B2", "name_with_underscores", "_", "7", "z"];

/// Names that are asked for even when main.cf does not set them.
const ALSO_ASKED: [&str; 6] = [
    "mail_name",
    "daemon_directory",
    "data_directory",
    "multi_instance_group",
    "multi_instance_enable",
    "setgid_group",
];

/// All names that postconf can be asked for.
pub fn names() -> Vec<&'static str> {
    [&PARAMETERS[..], &OWN, &ALSO_ASKED].concat()
}

/// What postconf said of one file.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// The names that it was asked for.
    pub asked: Vec<&'static str>,
    pub status: i32,
    pub raw: Vec<NameValue>,
    pub expanded: Vec<NameValue>,
    pub complaints: Vec<Vec<u8>>,
}

type NameValue = (Vec<u8>, Vec<u8>);

/// The recorded main.cf files.
pub fn fixtures() -> Vec<PathBuf> {
    let files = fs::read_dir(FIXTURES).unwrap().map(|entry| entry.unwrap().path());
    let mut fixtures: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "cf")).collect();
    fixtures.sort();
    fixtures
}

/// The names that are recorded for a file: what is not written there tells nothing of our reading, and may
/// depend on the host.
pub fn written(file: &[u8]) -> Vec<&'static str> {
    names().into_iter().filter(|name| memchr::memmem::find(file, name.as_bytes()).is_some()).collect()
}

/// Where it is recorded what postconf told of a file.
pub fn recorded_as(fixture: &Path) -> PathBuf {
    fixture.with_extension("told")
}

impl Told {
    /// As a text, with the version of Postfix. Warnings about parameters that nobody has set are left out.
    pub fn record(&self, version: &str, path: &str) -> Vec<u8> {
        let mut record = format!("# Postfix {version}: exit {}\n", self.status).into_bytes();
        let mut add = |mark: &[u8], text: &[u8]| record.extend([mark, b" ", text, b"\n"].concat());
        for (mark, values) in [(b"=", &self.raw), (b"x", &self.expanded)] {
            let asked = values.iter().filter(|(name, _)| self.asked.iter().any(|asked| asked.as_bytes() == name));
            asked.for_each(|(name, value)| add(mark, &[name, &b" = "[..], value].concat()));
        }
        for complaint in &self.complaints {
            let text = String::from_utf8(complaint.clone()).unwrap().replace(path, "main.cf");
            if !text.contains(": undefined parameter: ") && !text.ends_with(": unknown parameter") {
                add(b"!", text.as_bytes());
            }
        }
        record
    }

    /// Reads what has been recorded for a file.
    pub fn read(record: &[u8], file: &[u8]) -> Told {
        let mut told =
            Told { asked: written(file), status: 0, raw: Vec::new(), expanded: Vec::new(), complaints: Vec::new() };
        for line in record.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n') {
            let text = &line[2..];
            match line[0] {
                b'#' => told.status = String::from_utf8_lossy(text).rsplit(' ').next().unwrap().parse().unwrap(),
                b'=' => told.raw.push(name_value(text)),
                b'x' => told.expanded.push(name_value(text)),
                _ => told.complaints.push(text.to_vec()),
            }
        }
        told
    }
}

/// Takes a line of postconf's output apart: `name = value`.
pub fn name_value(line: &[u8]) -> NameValue {
    let at = memchr::memmem::find(line, b" =").unwrap_or_else(|| panic!("{:?}", line.escape_ascii().to_string()));
    let value = &line[at + 2..];
    (line[..at].to_vec(), value.strip_prefix(b" ").unwrap_or(value).to_vec())
}

/// How the files fared.
#[derive(Debug, Default)]
pub struct Tally {
    pub files: usize,
    pub refused: usize,
    pub crashes: usize,
    pub values: usize,
    pub left_to_postfix: usize,
}

/// What there is to know of a Postfix beside its main.cf.
pub struct Postfix {
    pub layout: Option<&'static Layout>,
    pub parameters: HashSet<Vec<u8>>,
}

/// What a name stands for, as far as we can know.
pub struct Known<'a> {
    pub main_cf: &'a MainCf<'a>,
    pub postfix: &'a Postfix,
}

impl Lookup for Known<'_> {
    fn lookup(&self, name: &[u8]) -> Meaning<'_> {
        if let Some(value) = self.main_cf.get(name) {
            Meaning::Value(Cow::Borrowed(value))
        } else if let Some(value) = default(name, self.postfix.layout) {
            Meaning::Value(Cow::Borrowed(value.as_bytes()))
        } else if self.postfix.parameters.contains(name) {
            Meaning::Unknown
        } else {
            Meaning::Undefined
        }
    }
}

/// Compares our reading of a file with what postconf told; `path` is the file's, as postconf saw it.
pub fn judge(file: &[u8], path: &str, told: &Told, postfix: &Postfix, tally: &mut Tally) -> Result<(), String> {
    tally.files += 1;
    let main_cf = MainCf::parse(file);
    let mut findings: Vec<_> = main_cf.findings().iter().map(|finding| complaint(finding, path)).collect();
    let complaints = &told.complaints;
    // Before version 3.9 Postfix says nothing of it.
    let about_nul = |line: &Vec<u8>| line.ends_with(b"text after null byte may be ignored");
    if !complaints.iter().any(about_nul) {
        findings.retain(|finding| !about_nul(finding));
    }
    if !complaints.starts_with(&findings) {
        return Err(format!("findings\nours:   {}\ntheirs: {}", show(&findings), show(complaints)));
    }
    if matches!(main_cf.findings().last(), Some(Finding::Malformed { .. })) {
        tally.refused += 1;
        let agreed = told.status == 1 && complaints.len() == findings.len();
        return if agreed { Ok(()) } else { Err(format!("not refused: {}", show(complaints))) };
    }
    let known = Known { main_cf: &main_cf, postfix };
    let errors: Vec<_> = main_cf.entries().filter_map(|(_, value)| expand(value, &known).err()).collect();
    match told.status {
        0 => {
            if let Some(error) = errors.iter().find(|error| !matches!(error, ExpandError::Unknown(_))) {
                return Err(format!("only we complain: {error}"));
            }
            values(&known, told, tally)
        }
        // A loop through a comparison makes postconf call itself until there is no more stack.
        status => {
            tally.refused += 1;
            tally.crashes += usize::from(status != 1);
            let told = |error: &ExpandError| match error {
                ExpandError::Unknown(_) => false,
                ExpandError::Syntax(_) | ExpandError::BadNumber(_) if status == 1 => ends_in(complaints, error),
                _ => status != 1,
            };
            if errors.iter().any(told) {
                return Ok(());
            }
            tally.left_to_postfix += 1;
            let unknown = errors.iter().any(|error| matches!(error, ExpandError::Unknown(_)));
            if unknown { Ok(()) } else { Err(format!("{status}\nours:   {errors:?}\ntheirs: {}", show(complaints))) }
        }
    }
}

/// Compares each value, as it stands and expanded.
fn values(known: &Known, told: &Told, tally: &mut Tally) -> Result<(), String> {
    let raw: HashMap<_, _> = told.raw.iter().cloned().collect();
    let expanded: HashMap<_, _> = told.expanded.iter().cloned().collect();
    for name in &told.asked {
        let (raw, expanded) = (raw.get(name.as_bytes()), expanded.get(name.as_bytes()));
        let (our_raw, our_expanded) = match known.lookup(name.as_bytes()) {
            Meaning::Value(value) => {
                let expanded = expand(&value, known);
                (Some(value.into_owned()), Some(expanded))
            }
            Meaning::Undefined => (None, None),
            Meaning::Unknown => continue,
        };
        tally.values += 1;
        let our_raw = our_raw.map(|value| printed(&value));
        if raw != our_raw.as_ref() {
            return Err(format!("{name}\nours:   {}\ntheirs: {}", show(&our_raw), show(raw)));
        }
        match (our_expanded, expanded) {
            (Some(Err(ExpandError::Unknown(_))), Some(_)) => tally.left_to_postfix += 1,
            (Some(Ok(ours)), Some(theirs)) if printed(&ours) == *theirs => {}
            (None, None) => {}
            (ours, theirs) => return Err(format!("{name}, expanded\nours:   {ours:?}\ntheirs: {}", show(theirs))),
        }
    }
    Ok(())
}

/// postconf prints the words of a value with one blank between them.
fn printed(value: &[u8]) -> Vec<u8> {
    let words: Vec<_> = value.split(|byte| b" \t\r\n".contains(byte)).filter(|word| !word.is_empty()).collect();
    words.join(&b' ')
}

/// A finding in the words of Postfix.
fn complaint(finding: &Finding, path: &str) -> Vec<u8> {
    let (head, text) = match finding {
        Finding::Orphan { text, .. } => {
            let dots = if text.len() > 30 { "..." } else { "" };
            let text = String::from_utf8_lossy(&printable(&text[..text.len().min(30)])).into_owned();
            let line = format!("warning: {path}: logical line must not start with whitespace: \"{text}{dots}\"");
            (line, Vec::new())
        }
        Finding::Nul { first, last } => {
            let lines = if first == last { first.to_string() } else { format!("{first}-{last}") };
            (format!("warning: {path}, line {lines}: text after null byte may be ignored"), Vec::new())
        }
        Finding::Override { line, name, old } => {
            (format!("warning: {path}, line {line}: overriding earlier entry: "), [&name[..], b"=", old].concat())
        }
        Finding::Malformed { line, reason, text } => {
            (format!("fatal: {path}, line {line}: {reason}: "), [b"\"", &text[..], b"\""].concat())
        }
    };
    printable(&[b"postconf: ", head.as_bytes(), &text].concat())
}

/// True if the complaints end in those that the error stands for.
fn ends_in(complaints: &[Vec<u8>], error: &ExpandError) -> bool {
    let end = match error {
        ExpandError::Syntax(texts) => {
            let warnings = texts.iter().map(|text| printable(&[b"postconf: warning: ", &text[..]].concat()));
            warnings.chain([b"postconf: fatal: macro processing error".to_vec()]).collect()
        }
        ExpandError::BadNumber(_) => vec![format!("postconf: fatal: {error}").into_bytes()],
        ExpandError::Unknown(_) | ExpandError::TooLarge => return false,
    };
    complaints.ends_with(&end)
}

/// Messages of Postfix show other bytes than printable ASCII as question marks.
pub fn printable(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| if (b' '..=b'~').contains(byte) { *byte } else { b'?' }).collect()
}

pub fn show<'a>(lines: impl IntoIterator<Item = &'a Vec<u8>>) -> String {
    lines.into_iter().map(|line| format!("\n  {:?}", line.escape_ascii().to_string())).collect()
}
