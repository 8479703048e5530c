//! Hints about the command line to type in place of wrong usage.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::iter::once;
use std::os::unix::ffi::OsStrExt;

use super::error::RequestError;
use super::getopt::{Arguments, GetoptError, Given};
use super::options::{ACTIONS, MODES, Opt, Row, TABLE};
use super::request::Assignment;
use crate::instance::alike::distance;
use crate::system::log::printable;
use crate::system::quote::quoted;

/// Commands of postfix(1), but for `status` and `check`: these are modes, too.
const POSTFIX_COMMANDS: [&str; 10] = [
    "start",
    "stop",
    "reload",
    "abort",
    "flush",
    "drain",
    "quick-stop",
    "logrotate",
    "set-permissions",
    "upgrade-configuration",
];

/// A command that many services have, and postfix(1) has not.
pub const RESTART: &str = "restart";
pub const NO_RESTART: &str = "postfix(1) has no restart: use -p stop, and then -p start";

const SUMMARY: &str = "--status shows how the instances are, --check what is wrong with them, --help all options";

impl RequestError {
    /// The hint that goes with the message, if there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            RequestError::Usage { cause, .. } => cause.hint(),
            RequestError::NoMode(operands) => Some(in_place_of(operands)),
            RequestError::InvalidAction(typed) if typed == RESTART => Some(NO_RESTART.to_owned()),
            RequestError::InvalidAction(typed) => option_for(typed).map(did_you_mean),
            RequestError::SeveralSelections => Some(
                "with -e, select one instance at a time; otherwise -g GROUP or --match PATTERN selects several"
                    .to_owned(),
            ),
            RequestError::CommandNotAllowed(_, operand) | RequestError::ParametersWithAction(_, operand) => {
                select(operand)
            }
            RequestError::JsonWithoutList => Some("-j goes with -l, --status and --check".to_owned()),
            RequestError::AssignmentWithAction { action: "init", .. } => None,
            RequestError::AssignmentWithoutEdit(Assignment { name: Some(name), .. })
            | RequestError::AssignmentWithAction { assignment: Assignment { name: Some(name), .. }, .. } => {
                // That is how the empty value is typed.
                let name = if name.is_empty() { "-".to_owned() } else { quoted(name) };
                Some(format!("-I assigns a name; select with -i {name}"))
            }
            RequestError::AssignmentWithoutEdit(Assignment { group: Some(group), .. }) if !group.is_empty() => {
                Some(format!("-G assigns a group; select with -g {}", quoted(group)))
            }
            RequestError::AssignmentWithAction { action, .. } => {
                Some(format!("-G assigns a group; -e {action} is about one instance: select it with -i"))
            }
            _ => None,
        }
    }
}

impl GetoptError {
    fn hint(&self) -> Option<String> {
        match self {
            GetoptError::Invalid(b'h' | b'?') => Some(did_you_mean("--help")),
            GetoptError::Invalid(b'V') => Some(did_you_mean("--version")),
            GetoptError::Invalid(_) => Some("--help lists all options".to_owned()),
            GetoptError::Unrecognized(typed) => {
                let typed = printable(typed);
                let name = typed.split('=').next().unwrap_or_default();
                let longs = TABLE.iter().map(|row| (row.long, format!("--{}", row.long)));
                Some(nearest(name, longs).map_or("--help lists all options".to_owned(), did_you_mean))
            }
            _ => None,
        }
    }
}

/// The hint about operands without a mode: what the first one may stand for, with the selection that follows it.
fn in_place_of(operands: &[OsString]) -> String {
    let Some((word, rest)) = operands.split_first() else { return SUMMARY.to_owned() };
    let selection = selection_among(rest).map(|selection| selection + " ").unwrap_or_default();
    match option_for(word) {
        _ if word == RESTART => NO_RESTART.to_owned(),
        Some(option) => did_you_mean(selection + &option),
        None => SUMMARY.to_owned(),
    }
}

/// The option that a word may stand for: a command of postfix(1), an action of -e, or a mode, perhaps misspelled.
fn option_for(word: &OsStr) -> Option<String> {
    let commands = POSTFIX_COMMANDS.map(|command| (command, format!("-p {command}")));
    let actions = ACTIONS.map(|(action, _)| (action, format!("-e {action}")));
    let is_offered = |row: &&Row| row.heading == MODES || matches!(row.opt, Opt::Help | Opt::Version);
    let modes = TABLE.iter().filter(is_offered).map(|row| (row.long, format!("--{}", row.long)));
    nearest(&printable(word), commands.into_iter().chain(actions).chain(modes))
}

fn nearest<'a>(typed: &str, known: impl Iterator<Item = (&'a str, String)>) -> Option<String> {
    let near = known.filter_map(|(name, option)| Some((distance(typed, name)?, option)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, option)| option)
}

fn did_you_mean(option: impl Display) -> String {
    format!("did you mean {option}?")
}

/// The hint about an operand that may be the name of an instance.
fn select(operand: &OsStr) -> Option<String> {
    let is_name = operand == "-" || !(operand.is_empty() || operand.as_bytes().starts_with(b"-"));
    (is_name && !operand.as_bytes().contains(&b'=')).then(|| format!("select with -i {}", quoted(operand)))
}

/// The selection that stands among the words after a command, as it is to be typed before it.
pub fn selection_among(words: &[OsString]) -> Option<String> {
    let given = Arguments::read(once(OsString::new()).chain(words.iter().cloned())).options;
    let select = |Given { opt, value }: &Given| match opt {
        Opt::All => Some("-a".to_owned()),
        Opt::Group => Some(format!("-g {}", quoted(value))),
        Opt::Instance => Some(format!("-i {}", quoted(value))),
        _ => None,
    };
    let selection: Vec<String> = given.iter().filter_map(select).collect();
    (!selection.is_empty()).then(|| selection.join(" "))
}
