//! Wrong usage, in postmulti's own words.

use std::ffi::{OsStr, OsString};

use super::getopt::GetoptError;
use super::request::Assignment;
use crate::system::log::printable;

/// Wrong usage. All of it is fatal; the wording is postmulti's own, typing error included.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The getopt line goes to stderr before this, as it is: see [`RequestError::getopt_line`].
    #[error("{}", usage(program))]
    Usage { program: OsString, cause: GetoptError },
    #[error(
        "Invalid '-e' edit action '{}'. Specify 'create', 'destroy', 'import', 'deport', \
         'enable', 'disable', 'assign' or 'init'",
        printable(.0)
    )]
    InvalidAction(OsString),
    #[error("Specify at most one '{0}' option")]
    Repeated(&'static str),
    #[error("Invalid '--completions' shell '{}'. Specify 'bash', 'zsh' or 'fish'", printable(.0))]
    InvalidShell(OsString),
    #[error("Specity no more than one of '-a', '-g', '-i'")]
    SeveralSelections,
    /// The operands, none or several.
    #[error("Specify exactly one of '-e', '-l', '-p', '-x'")]
    NoMode(Vec<OsString>),
    #[error("Specify exactly one of '-e', '-l', '-p', '-x'")]
    SeveralModes,
    /// One of them is a mode that the original has not.
    #[error("Specify exactly one of '-e', '-l', '-p', '-x', '--status', '--check'")]
    SeveralModesOfAll,
    /// The mode, and the first operand.
    #[error("Command not allowed with '{0}'")]
    CommandNotAllowed(&'static str, OsString),
    #[error("Command required with '-p' or '-x' option")]
    NoCommand,
    #[error("The '-p' and '-e' options preclude the use of '-R'")]
    Reverse,
    #[error("Cannot assign instance name or group without '-e assign'")]
    AssignmentWithoutEdit(Assignment),
    #[error("Cannot assign instance name or group with '-e {action}'")]
    AssignmentWithAction { action: &'static str, assignment: Assignment },
    #[error("Specify new instance name or group with '-e assign'")]
    NoAssignment,
    /// The action, and the first operand.
    #[error("Parameter overrides not valid with '-e {0}'")]
    ParametersWithAction(&'static str, OsString),
    /// An option, what was given, and what it takes.
    #[error("Invalid '{0}' value '{value}'. Specify {2}", value = printable(.1))]
    InvalidValue(&'static str, OsString, &'static str),
    #[error("JSON output available only with '-l'")]
    JsonWithoutList,
    /// An option of ours, and the modes that it belongs to.
    #[error("The '{0}' option is available only with {1}")]
    OnlyWith(&'static str, &'static str),
    #[error("Specify no more than one of '--enabled', '--disabled'")]
    EnabledAndDisabled,
}

impl RequestError {
    /// The line to be printed on stderr before the message, without newline: raw bytes, and never for the mail log.
    pub fn getopt_line(&self) -> Option<Vec<u8>> {
        match self {
            RequestError::Usage { program, cause } => Some(cause.line(program)),
            _ => None,
        }
    }
}

fn usage(program: &OsStr) -> String {
    let program = printable(program);
    format!(
        "Usage:{program} -l [-v] [-a] [-g group] [-i instance] | \
         {program} -p [-v] [-a] [-g group] [-i instance] command... | \
         {program} -x [-v] [-a] [-i name] [-g group] command... | \
         {program} -e action [-v] [-a] [-i name] [-g group] [-I name] [-G group] [param=value ...]"
    )
}
