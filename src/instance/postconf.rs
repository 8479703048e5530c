//! Asking the installed Postfix for what only it can know.

use crate::system::log::printable;
use crate::system::process::Program;
use crate::system::reason;
use crate::system::root::Root;
use indexmap::IndexSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::Stdio;
use thiserror::Error;

/// The postconf(1) of the Postfix that is installed. It is slow, so it is asked only when nothing else will do.
#[derive(Debug)]
pub struct Postconf {
    /// None: it is not to be run.
    program: Option<OsString>,
}

/// What postconf(1) says at last when it has complained of a value.
const SYNTAX_ERROR: &str = "fatal: macro processing error";

/// Why postconf(1) gave no value.
#[derive(Debug, Error)]
pub enum AskError {
    #[error("only postconf(1) can tell the value")]
    NotAsked,
    #[error("only {program} can tell the value: {}", reason(.error))]
    NotRun { program: String, error: io::Error },
    /// Each complaint is in Postfix's own words.
    #[error("{}", .0.join("; "))]
    Syntax(Vec<String>),
    #[error("{}", .0.join("; "))]
    Refused(Vec<String>),
}

impl AskError {
    /// Judges what postconf(1) has printed on stderr.
    fn from_messages(messages: &[u8]) -> AskError {
        let lines = messages.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let texts = lines.map(|line| printable(OsStr::from_bytes(line)));
        // A line begins with the name of the program, which is a path.
        let texts = texts.map(|line| line.split_once(": ").map_or(line.clone(), |(_, text)| text.to_owned()));
        let texts: IndexSet<String> = texts.collect();
        if texts.last().is_none_or(|text| text != SYNTAX_ERROR) {
            return AskError::Refused(texts.into_iter().collect());
        }
        // It reads every value twice; and what it warns of in the file has been told.
        let complaints = texts.iter().filter_map(|text| text.strip_prefix("warning: "));
        AskError::Syntax(complaints.filter(|text| !text.starts_with('/')).map(str::to_owned).collect())
    }
}

impl Postconf {
    /// The postconf(1) in a command directory.
    pub fn in_directory(command_directory: &OsStr) -> Postconf {
        Postconf { program: Some(Path::new(command_directory).join("postconf").into_os_string()) }
    }

    /// One that is never run.
    pub fn unasked() -> Postconf {
        Postconf { program: None }
    }

    /// The expanded value of a parameter, as `postconf -xhc DIRECTORY NAME` prints it.
    pub fn value(&self, root: &Root, config_directory: &OsStr, name: &str) -> Result<OsString, AskError> {
        let value = self.ask(root, &[OsStr::new("-xhc"), config_directory, OsStr::new(name)])?;
        Ok(OsString::from_vec(without_newline(value)))
    }

    /// The built-in default of a parameter, not expanded, as `postconf -dh NAME` prints it; None if Postfix has no
    /// parameter of that name.
    pub fn default(&self, root: &Root, name: &OsStr) -> Result<Option<Vec<u8>>, AskError> {
        let value = self.ask(root, &[OsStr::new("-dh"), name])?;
        Ok(Some(value).filter(|value| !value.is_empty()).map(without_newline))
    }

    /// The output of postconf(1) with these arguments.
    fn ask(&self, root: &Root, arguments: &[&OsStr]) -> Result<Vec<u8>, AskError> {
        let asked = self.program.as_ref().ok_or(AskError::NotAsked)?;
        let arguments = [asked.as_os_str()].iter().chain(arguments).map(|word| (*word).to_owned()).collect();
        let program = Program { arguments, environment: Vec::new() };
        let not_run = |error| AskError::NotRun { program: printable(asked), error };
        let mut command = program.command(root).map_err(not_run)?;
        let output = command.stdin(Stdio::null()).output().map_err(not_run)?;
        if !output.status.success() {
            return Err(AskError::from_messages(&output.stderr));
        }
        Ok(output.stdout)
    }
}

fn without_newline(mut text: Vec<u8>) -> Vec<u8> {
    text.pop_if(|last| *last == b'\n');
    text
}
