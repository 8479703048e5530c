//! The one table of options: getopt, `--help` and the completions are all read from it.
//!
//! It is plain data. [`help`](super::help) makes clap's `Command` of it when help or completions are asked for; clap's
//! own parser will not do, as it reads past the first operand and drops the `=` of `-i=a`.

use clap_complete::Shell;

/// What an option is called inside the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opt {
    List,
    Postfix,
    Execute,
    Edit,
    All,
    Group,
    Instance,
    Reverse,
    Json,
    AssignName,
    AssignGroup,
    Root,
    Verbose,
    Completions,
    Version,
    Help,
}

/// An option as the user sees it: one row of [`TABLE`].
#[derive(Debug)]
pub struct Row {
    pub opt: Opt,
    /// The letter, for the options that every postmulti has. Ours have none, so that no future letter can collide.
    pub short: Option<char>,
    pub long: &'static str,
    /// What its value is called; `None` for an option that takes none.
    pub value: Option<&'static str>,
    pub heading: &'static str,
    /// One line, short enough for a screen of 80 columns.
    pub help: &'static str,
}

const MODES: &str = "Modes (exactly one)";
const SELECTION: &str = "Selection (at most one; none: all instances)";
const OUTPUT: &str = "Order and output";
const ASSIGNMENT: &str = "Assignment (with -e create, import or assign)";
const OTHERS: &str = "Others";

/// All options, in the order in which help shows them.
#[rustfmt::skip] // a table reads best with a row per line
pub const TABLE: [Row; 16] = {
    use Opt::*;
    [
        flag(List, 'l', "list", MODES, "Name, group, enabled (y/n), directory"),
        flag(Postfix, 'p', "postfix", MODES, "Run the postfix(1) command COMMAND"),
        flag(Execute, 'x', "execute", MODES, "Run any COMMAND, in the instance's environment"),
        valued(Edit, 'e', "edit", "ACTION", MODES, "Change what instances there are (see below)"),
        flag(All, 'a', "all", SELECTION, "All instances"),
        valued(Group, 'g', "group", "GROUP", SELECTION, "The instances of GROUP"),
        valued(Instance, 'i', "instance", "NAME", SELECTION, "One, by name or directory; '-': the primary"),
        flag(Reverse, 'R', "reverse", OUTPUT, "Last instance first (with -l or -x)"),
        flag(Json, 'j', "json", OUTPUT, "One JSON object per instance (with -l)"),
        valued(AssignName, 'I', "assign-name", "NAME", ASSIGNMENT, "Name the instance; '-': no name"),
        valued(AssignGroup, 'G', "assign-group", "GROUP", ASSIGNMENT, "Put it into GROUP; '-': no group"),
        own(Root, "root", Some("DIR"), "Work on the system whose root is DIR"),
        flag(Verbose, 'v', "verbose", OTHERS, "Verbose logging, also of the commands run"),
        own(Completions, "completions", Some("SHELL"), "Print completions for bash, zsh or fish"),
        own(Version, "version", None, "Print the version"),
        own(Help, "help", None, "Print this help"),
    ]
};

const fn flag(opt: Opt, short: char, long: &'static str, heading: &'static str, help: &'static str) -> Row {
    Row { opt, short: Some(short), long, value: None, heading, help }
}

const fn valued(
    opt: Opt,
    short: char,
    long: &'static str,
    value: &'static str,
    heading: &'static str,
    help: &'static str,
) -> Row {
    Row { opt, short: Some(short), long, value: Some(value), heading, help }
}

const fn own(opt: Opt, long: &'static str, value: Option<&'static str>, help: &'static str) -> Row {
    Row { opt, short: None, long, value, heading: OTHERS, help }
}

/// What `-e` can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Destroy,
    Import,
    Deport,
    Enable,
    Disable,
    Assign,
    Init,
}

/// The names of the actions.
pub const ACTIONS: [(&str, Action); 8] = [
    ("create", Action::Create),
    ("destroy", Action::Destroy),
    ("import", Action::Import),
    ("deport", Action::Deport),
    ("enable", Action::Enable),
    ("disable", Action::Disable),
    ("assign", Action::Assign),
    ("init", Action::Init),
];

/// The shells that `--completions` knows.
pub const SHELLS: [(&str, Shell); 3] = [("bash", Shell::Bash), ("zsh", Shell::Zsh), ("fish", Shell::Fish)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_upstream_letter_is_there_and_takes_what_it_takes() {
        let mut letters: Vec<String> =
            TABLE.iter().filter_map(|row| Some(format!("{}{}", row.short?, row.value.map_or("", |_| ":")))).collect();
        letters.sort();
        assert_eq!(letters.concat(), "G:I:Rae:g:i:jlpvx");
    }

    #[test]
    fn every_option_has_one_row() {
        for (at, row) in TABLE.iter().enumerate() {
            for other in &TABLE[at + 1..] {
                assert!(row.opt != other.opt && row.long != other.long, "{row:?}, {other:?}");
            }
        }
    }
}
