//! What is asked for.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use super::error::RequestError;
use super::getopt::Arguments;
use super::options::Opt;

/// What is asked for. Not every combination of options is one: see postmulti(1) for what goes with what.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub mode: Mode,
    pub selection: Selection,
    pub narrowing: Narrowing,
    /// The directory to take for `/`, as given.
    pub root: Option<PathBuf>,
    /// How often `-v` was given.
    pub verbose: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Mode {
    List { json: bool, reverse: bool },
    Postfix { command: CommandLine, running: Running },
    Execute { command: CommandLine, reverse: bool, running: Running },
    Check { json: bool },
    Edit(Edit, Manner),
    Status(View),
}

/// How the instances are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    pub json: bool,
    /// Last instance first.
    pub reverse: bool,
    /// After this time they are looked at again, and again.
    pub watch: Option<Duration>,
}

/// How a change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Only show what would change.
    pub dry_run: bool,
    /// How long to wait for others who edit the same files.
    pub lock_timeout: Duration,
}

impl Default for Manner {
    fn default() -> Manner {
        Manner { dry_run: false, lock_timeout: Duration::from_secs(30) }
    }
}

/// How commands are run: one after the other, on the streams of this process, unless something else is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Running {
    /// How many at once, their output in order; 0 stands for the number of processors.
    pub jobs: Option<u32>,
    /// How long each may take.
    pub timeout: Option<Duration>,
    /// Each line that they print begins with the instance.
    pub prefix: bool,
    /// At the end comes a table of how they ended.
    pub summary: bool,
}

/// A command to run: never empty, though its name may be the empty word.
#[derive(Debug, PartialEq, Eq)]
pub struct CommandLine {
    pub name: OsString,
    pub arguments: Vec<OsString>,
}

/// The instances that are meant. With create and import: the place in the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Selection {
    #[default]
    Unselected,
    All,
    Group(OsString),
    Name(OsString),
}

/// Which of those that are meant are passed over.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// A pattern for what `-l` shows of the instance; after a `!`, for what it must not show.
    pub pattern: Option<OsString>,
    /// The only state of `multi_instance_enable` that will do.
    pub enabled: Option<bool>,
}

/// A change to the set of instances.
#[derive(Debug, PartialEq, Eq)]
pub enum Edit {
    Init,
    /// The parameters are the operands, `name=value`, not yet looked at.
    Create {
        assignment: Assignment,
        parameters: Vec<OsString>,
    },
    /// The parameters are the operands, `name=value`, not yet looked at.
    Import {
        assignment: Assignment,
        parameters: Vec<OsString>,
    },
    /// At least one of name and group is there.
    Assign(Assignment),
    Deport,
    Destroy,
    Enable,
    Disable,
}

/// New name and group of an instance: `None` leaves it alone, empty (`-I -`) clears it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    pub name: Option<OsString>,
    pub group: Option<OsString>,
}

/// The value of `--root`, which must be known before main.cf is read, and so before anything else is judged.
///
/// Of two roots neither is taken.
pub fn root(arguments: &Arguments) -> Result<Option<PathBuf>, RequestError> {
    let mut roots = arguments.options.iter().filter(|given| given.opt == Opt::Root);
    match (roots.next(), roots.next()) {
        (_, Some(_)) => Err(RequestError::Repeated("--root")),
        (first, None) => Ok(first.map(|given| PathBuf::from(&given.value))),
    }
}

impl CommandLine {
    /// All words, the name first.
    pub fn words(&self) -> impl Iterator<Item = &OsStr> {
        std::iter::once(&self.name).chain(&self.arguments).map(OsString::as_os_str)
    }
}
