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
    Status,
    Check,
    All,
    Group,
    Instance,
    Match,
    Enabled,
    Disabled,
    Reverse,
    Json,
    Watch,
    Jobs,
    Timeout,
    Prefix,
    Summary,
    AssignName,
    AssignGroup,
    Root,
    DryRun,
    LockTimeout,
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

pub(super) const MODES: &str = "Modes (exactly one)";
const SELECTION: &str = "Selection (at most one; none means all, but not with -e)";
const NARROWING: &str = "Of the selected ones (not with -e)";
const OUTPUT: &str = "Order and output";
const RUNNING: &str = "Running commands (with -p and -x)";
const ASSIGNMENT: &str = "Assignment (with -e create, import or assign)";
const CHANGES: &str = "Changes (with -e)";
const OTHERS: &str = "Others";

/// All options, in the order in which help shows them.
#[rustfmt::skip] // a table reads best as one
pub static TABLE: [Row; 28] = {
    use Opt::*;
    [
        row(List,        Some('l'), "list",         None,           MODES,      "Name, group, enabled (y/n), directory"),
        row(Postfix,     Some('p'), "postfix",      None,           MODES,      "Run the postfix(1) command COMMAND"),
        row(Execute,     Some('x'), "execute",      None,           MODES,      "Run any COMMAND, in the instance's environment"),
        row(Edit,        Some('e'), "edit",         Some("ACTION"), MODES,      "Change what instances there are (see below)"),
        row(Status,      None,      "status",       None,           MODES,      "What runs, where it listens, how much mail there is"),
        row(Check,       None,      "check",        None,           MODES,      "Tell what will bite, and what to do about it"),
        row(All,         Some('a'), "all",          None,           SELECTION,  "All instances"),
        row(Group,       Some('g'), "group",        Some("GROUP"),  SELECTION,  "The instances of GROUP"),
        row(Instance,    Some('i'), "instance",     Some("NAME"),   SELECTION,  "One, by name or directory; '-': the primary"),
        row(Match,       None,      "match",        Some("GLOB"),   NARROWING,  "Those that a pattern matches, such as 'in*'"),
        row(Enabled,     None,      "enabled",      None,           NARROWING,  "Those that are enabled"),
        row(Disabled,    None,      "disabled",     None,           NARROWING,  "Those that are not"),
        row(Reverse,     Some('R'), "reverse",      None,           OUTPUT,     "Last instance first (with -l, -x or --status)"),
        row(Json,        Some('j'), "json",         None,           OUTPUT,     "One JSON object a line (-l, --status, --check)"),
        row(Watch,       None,      "watch",        Some("SECONDS"), OUTPUT,    "Look again and again (with --status)"),
        row(Jobs,        None,      "jobs",         Some("N"),      RUNNING,    "Up to N at once, groups in order; 0: one per core"),
        row(Timeout,     None,      "timeout",      Some("SECONDS"), RUNNING,   "End a command that takes longer"),
        row(Prefix,      None,      "prefix",       None,           RUNNING,    "Put the instance in front of each line printed"),
        row(Summary,     None,      "summary",      None,           RUNNING,    "End with exit statuses and a count, on stderr"),
        row(AssignName,  Some('I'), "assign-name",  Some("NAME"),   ASSIGNMENT, "Name the instance; '-': no name"),
        row(AssignGroup, Some('G'), "assign-group", Some("GROUP"),  ASSIGNMENT, "Put it into GROUP; '-': no group"),
        row(DryRun,      None,      "dry-run",      None,           CHANGES,    "Show what would change, and change nothing"),
        row(LockTimeout, None,      "lock-timeout", Some("SECONDS"), CHANGES,   "Wait so long for other edits, default 30"),
        row(Root,        None,      "root",         Some("DIR"),    OTHERS,     "Work on the system whose root is DIR"),
        row(Verbose,     Some('v'), "verbose",      None,           OTHERS,     "Verbose logging of the Postfix commands run"),
        row(Completions, None,      "completions",  Some("SHELL"),  OTHERS,     "Print completions for bash, zsh or fish"),
        row(Version,     None,      "version",      None,           OTHERS,     "Print the version"),
        row(Help,        None,      "help",         None,           OTHERS,     "Print this help"),
    ]
};

const fn row(
    opt: Opt,
    short: Option<char>,
    long: &'static str,
    value: Option<&'static str>,
    heading: &'static str,
    help: &'static str,
) -> Row {
    Row { opt, short, long, value, heading, help }
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
        let colon = |row: &Row| if row.value.is_some() { ":" } else { "" };
        let letter = |row: &Row| Some(format!("{}{}", row.short?, colon(row)));
        let mut letters: Vec<String> = TABLE.iter().filter_map(letter).collect();
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
