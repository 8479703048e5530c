//! Parameter values of one instance: its main.cf, over the built-in defaults.

use super::postconf::{AskError, Postconf};
use crate::config::defaults::{self, Layout};
use crate::config::expand::{ExpandError, Lookup, Meaning, expand};
use crate::config::is_separator;
use crate::config::main_cf::{Finding, MainCf, comment};
use crate::system::file::{self, ReadError};
use crate::system::log::printable;
use crate::system::root::Root;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// As much as a warning quotes of text that counts for nothing, in bytes.
const MAX_QUOTE: usize = 30;
/// Longest part of a comment behind a value that a warning quotes after its first word, in bytes.
const MAX_COMMENT: usize = 20;

/// What does not depend on the instance: where to read, and what a parameter is that nobody sets.
#[derive(Debug)]
pub struct Postfix<'a> {
    pub root: &'a Root,
    pub layout: Option<&'static Layout>,
    pub postconf: Postconf,
}

/// The main.cf of one instance, ready to be asked for values.
#[derive(Debug)]
pub struct Parameters<'a> {
    postfix: &'a Postfix<'a>,
    config_directory: &'a OsStr,
    pub(super) main_cf: MainCf<'a>,
}

/// Why a main.cf cannot be used at all.
#[derive(Debug, Error)]
pub enum FileError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{file}, line {line}: {reason}: \"{text}\"")]
    Malformed { file: String, line: usize, reason: &'static str, text: String },
}

/// Why a parameter has no value that can be used: where it is set, its name, and what is wrong.
#[derive(Debug, Error)]
#[error("{place}: {name}: {problem}")]
pub struct ValueError {
    pub place: Place,
    pub name: &'static str,
    pub problem: Problem,
}

/// Where a parameter gets its value: the file, and the line if it is set there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: PathBuf,
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&printable(&self.file))?;
        self.line.map_or(Ok(()), |line| write!(f, ", line {line}"))
    }
}

/// What is wrong with a value.
#[derive(Debug, Error)]
pub enum Problem {
    /// Each complaint is in Postfix's own words.
    #[error("{}", .0.join("; "))]
    Syntax(Vec<String>),
    #[error("mac_exp_eval: bad conversion: {0}")]
    BadNumber(String),
    #[error("the value expands to more than can be meant")]
    TooLarge,
    #[error("it refers to {0}, which nothing gives a value here")]
    Undefined(String),
    #[error("'{0}' is not an absolute path")]
    NotAbsolute(String),
    #[error(transparent)]
    Ask(AskError),
}

impl Problem {
    pub(super) fn not_absolute(path: &[u8]) -> Problem {
        Problem::NotAbsolute(printable(OsStr::from_bytes(path)))
    }
}

impl From<ExpandError> for Problem {
    fn from(error: ExpandError) -> Problem {
        let text = |bytes: &Vec<u8>| printable(OsStr::from_bytes(bytes));
        match error {
            ExpandError::Unknown(name) => Problem::Undefined(text(&name)),
            ExpandError::TooLarge => Problem::TooLarge,
            ExpandError::BadNumber(number) => Problem::BadNumber(text(&number)),
            ExpandError::Syntax(complaints) => Problem::Syntax(complaints.iter().map(text).collect()),
        }
    }
}

impl<'a> Parameters<'a> {
    /// Reads the main.cf in a configuration directory, into a buffer. Warnings are returned, in the order of the lines.
    pub fn read(
        postfix: &'a Postfix<'a>,
        config_directory: &'a OsStr,
        buffer: &'a mut Vec<u8>,
    ) -> (Vec<String>, Result<Self, FileError>) {
        match file::read_into(postfix.root, &main_cf(config_directory), buffer) {
            Ok(bytes) => Parameters::parse(postfix, config_directory, bytes),
            Err(error) => (Vec::new(), Err(error.into())),
        }
    }

    /// The same with the bytes of a main.cf that need not be there yet.
    pub fn parse(
        postfix: &'a Postfix<'a>,
        config_directory: &'a OsStr,
        bytes: &'a [u8],
    ) -> (Vec<String>, Result<Self, FileError>) {
        let path = main_cf(config_directory);
        let main_cf = MainCf::parse_in(config_directory.as_bytes(), bytes);
        let file = printable(&path);
        let mut warnings = Vec::new();
        for finding in main_cf.findings() {
            match judge(finding, &file) {
                Ok(warning) => warnings.push(warning),
                Err(error) => return (warnings, Err(error)),
            }
        }
        (warnings, Ok(Parameters { postfix, config_directory, main_cf }))
    }

    /// The value that is used: expanded, or the expanded built-in default.
    pub fn value(&self, name: &'static str) -> Result<OsString, ValueError> {
        let problem = match self.expanded(name) {
            Ok(value) => return Ok(OsString::from_vec(value)),
            Err(ExpandError::Unknown(_)) => {
                match self.postfix.postconf.value(self.postfix.root, self.config_directory, name) {
                    Ok(value) => return Ok(value),
                    Err(AskError::Syntax(complaints)) => Problem::Syntax(complaints),
                    Err(error) => Problem::Ask(error),
                }
            }
            Err(error) => error.into(),
        };
        Err(ValueError { place: self.place(name), name, problem })
    }

    /// The value of a directory that is to be made or removed: an absolute path, to which nothing undefined contributes.
    ///
    /// postconf(1) is not asked: it takes an undefined name for an empty value.
    pub fn directory(&self, name: &'static str) -> Result<PathBuf, ValueError> {
        let problem = match self.expanded(name) {
            Ok(path) if path.starts_with(b"/") => return Ok(PathBuf::from(OsString::from_vec(path))),
            Ok(path) => Problem::not_absolute(&path),
            Err(error) => error.into(),
        };
        Err(ValueError { place: self.place(name), name, problem })
    }

    /// Is nothing set, as in a file that was lost in a crash?
    pub fn is_empty(&self) -> bool {
        self.main_cf.entries().all(|(name, _)| name == b"config_directory")
    }

    /// The value of a parameter that this main.cf sets; None if it does not, or if nothing can be made of it here.
    pub fn own(&self, name: &str) -> Option<OsString> {
        self.main_cf.get(name.as_bytes())?;
        self.known(name)
    }

    /// The value of a parameter, set or not, as far as it can be told without asking postconf(1).
    pub fn known(&self, name: &str) -> Option<OsString> {
        self.expanded(name).ok().map(OsString::from_vec)
    }

    fn expanded(&self, name: &str) -> Result<Vec<u8>, ExpandError> {
        match self.lookup(name.as_bytes()) {
            Meaning::Value(value) => expand(&value, self),
            Meaning::Undefined => Ok(Vec::new()),
            Meaning::Unknown => Err(ExpandError::Unknown(name.into())),
        }
    }

    /// The warning of postconf(1) 3.9 and later about a value with a word that begins with `#`.
    pub fn warning_of_comment(&self, value: &OsStr) -> Option<String> {
        let text = comment(value.as_bytes())?;
        let (word, rest) = text.split_at(text.iter().position(|byte| is_separator(*byte)).unwrap_or(text.len()));
        // Without the one byte that ended the word.
        let rest = rest.get(1..).unwrap_or_default();
        let [word, rest] = [word, &rest[..rest.len().min(MAX_COMMENT)]].map(|text| printable(OsStr::from_bytes(text)));
        let file = printable(main_cf(self.config_directory));
        Some(format!("{file}: #comment after other text is not allowed: {word} {rest}..."))
    }

    /// The built-in default of a parameter, as the installed Postfix says; None if it has no such parameter.
    pub(super) fn ask_default(&self, name: &OsStr) -> Result<Option<Vec<u8>>, AskError> {
        self.postfix.postconf.default(self.postfix.root, name)
    }

    /// Where a parameter gets its value.
    pub fn place(&self, name: &str) -> Place {
        Place { file: main_cf(self.config_directory), line: self.main_cf.line_of(name.as_bytes()) }
    }

    /// The file, parsed.
    pub fn main_cf(&self) -> &MainCf<'a> {
        &self.main_cf
    }
}

impl Lookup for Parameters<'_> {
    fn lookup(&self, name: &[u8]) -> Meaning<'_> {
        if let Some(value) = self.main_cf.get(name) {
            return Meaning::Value(Cow::Borrowed(value));
        }
        match defaults::default(name, self.postfix.layout) {
            Some(value) => Meaning::Value(Cow::Borrowed(value.as_bytes())),
            None => Meaning::Unknown,
        }
    }
}

/// The path of the main.cf in a configuration directory, spelled as Postfix does: with a slash in between, always.
pub fn main_cf(config_directory: &OsStr) -> PathBuf {
    let mut path = config_directory.to_owned();
    path.push("/main.cf");
    path.into()
}

/// The path of the master.cf in a configuration directory.
pub fn master_cf(config_directory: &OsStr) -> PathBuf {
    Path::new(config_directory).join("master.cf")
}

/// A finding as a warning, or as the error that makes the whole file unusable.
fn judge(finding: &Finding, file: &str) -> Result<String, FileError> {
    match finding {
        Finding::Orphan { text, .. } => {
            let quoted = printable(OsStr::from_bytes(&text[..text.len().min(MAX_QUOTE)]));
            let more = if text.len() > MAX_QUOTE { "..." } else { "" };
            Ok(format!("{file}: logical line must not start with whitespace: \"{quoted}{more}\""))
        }
        Finding::Nul { first, last } => {
            let lines = if first == last { first.to_string() } else { format!("{first}-{last}") };
            Ok(format!("{file}, line {lines}: text after null byte may be ignored"))
        }
        Finding::Override { line, name, old } => {
            let (name, old) = (printable(OsStr::from_bytes(name)), printable(OsStr::from_bytes(old)));
            Ok(format!("{file}, line {line}: overriding earlier entry: {name}={old}"))
        }
        Finding::Malformed { line, reason, text } => {
            let text = printable(OsStr::from_bytes(text));
            Err(FileError::Malformed { file: file.to_owned(), line: *line, reason, text })
        }
    }
}

impl<'a> Postfix<'a> {
    /// Recognises the Postfix that is installed below a root.
    pub fn recognise(root: &'a Root) -> Postfix<'a> {
        let marked = |layout: &&Layout| layout.marks.iter().all(|mark| root.metadata(Path::new(mark)).is_ok());
        let layout = defaults::LAYOUTS.iter().find(marked);
        let command_directory = defaults::default(b"command_directory", layout).unwrap_or("/usr/sbin");
        Postfix { root, layout, postconf: Postconf::in_directory(OsStr::new(command_directory)) }
    }

    /// The same, but nobody is asked: what postconf(1) would have to tell is an error.
    pub fn without_postconf(&self) -> Postfix<'a> {
        Postfix { postconf: Postconf::unasked(), ..*self }
    }

    /// The same, but with the postconf(1) of that command directory to ask.
    pub fn with_commands_of(&self, command_directory: &OsStr) -> Postfix<'a> {
        Postfix { postconf: Postconf::in_directory(command_directory), ..*self }
    }
}
