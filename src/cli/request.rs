//! What the arguments mean.
//!
//! The checks come in the order in which postmulti(1) has always made them, so that of two mistakes the same one is
//! reported: first what a single option can get wrong, left to right, then what they get wrong together.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use super::error::RequestError;
use super::getopt::{Arguments, Given};
use super::options::{self, Action, Opt};

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

impl Request {
    /// Judges the arguments.
    pub fn from_arguments(arguments: Arguments) -> Result<Request, RequestError> {
        let root = root(&arguments)?;
        let mut asked = Asked::default();
        for given in arguments.options {
            asked.take(given)?;
        }
        if let Some(cause) = arguments.error {
            return Err(RequestError::Usage { program: arguments.program, cause });
        }
        let verbose = asked.verbose;
        let (mode, selection, narrowing) = asked.judge(arguments.operands)?;
        Ok(Request { mode, selection, narrowing, root, verbose })
    }
}

impl CommandLine {
    fn from_operands(operands: Vec<OsString>) -> Result<CommandLine, RequestError> {
        let mut words = operands.into_iter();
        let name = words.next().ok_or(RequestError::NoCommand)?;
        Ok(CommandLine { name, arguments: words.collect() })
    }

    /// All words, the name first.
    pub fn words(&self) -> impl Iterator<Item = &OsStr> {
        std::iter::once(&self.name).chain(&self.arguments).map(OsString::as_os_str)
    }
}

/// What the options said, one after the other.
#[derive(Debug, Default)]
struct Asked {
    mode: Option<Asking>,
    several_modes: bool,
    /// Was one of the modes asked for that the original has not?
    new_mode: bool,
    selection: Selection,
    several_selections: bool,
    narrowing: Narrowing,
    assignment: Assignment,
    reverse: bool,
    json: bool,
    watch: Option<Duration>,
    running: Running,
    dry_run: bool,
    lock_timeout: Option<Duration>,
    verbose: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    List,
    Postfix,
    Execute,
    Check,
    Edit(&'static str, Action),
    Status,
}

impl Asked {
    fn take(&mut self, Given { opt, value }: Given) -> Result<(), RequestError> {
        match opt {
            Opt::List => self.ask(Asking::List),
            Opt::Postfix => self.ask(Asking::Postfix),
            Opt::Execute => self.ask(Asking::Execute),
            Opt::Check => self.ask(Asking::Check),
            Opt::Edit => self.ask(action(value)?),
            Opt::Status => self.ask(Asking::Status),
            // Alone among the selections, -a may be repeated.
            Opt::All if self.selection == Selection::All => {}
            Opt::All => self.select(Selection::All),
            Opt::Group => self.select(Selection::Group(value)),
            Opt::Instance => self.select(Selection::Name(value)),
            Opt::Match => once(&mut self.narrowing.pattern, value, "--match")?,
            Opt::Enabled => self.narrow(true)?,
            Opt::Disabled => self.narrow(false)?,
            Opt::AssignName => assign(&mut self.assignment.name, value, "-I")?,
            Opt::AssignGroup => assign(&mut self.assignment.group, value, "-G")?,
            Opt::Reverse => self.reverse = !self.reverse,
            Opt::Json => self.json = true,
            Opt::Watch => self.watch = Some(some_seconds(value, "--watch")?),
            Opt::DryRun => self.dry_run = true,
            Opt::Jobs => once(&mut self.running.jobs, number(value, "--jobs", "a number")?, "--jobs")?,
            Opt::Timeout => once(&mut self.running.timeout, some_seconds(value, "--timeout")?, "--timeout")?,
            Opt::Prefix => self.running.prefix = true,
            Opt::Summary => self.running.summary = true,
            Opt::LockTimeout => self.lock_timeout = Some(seconds(value, "--lock-timeout")?),
            Opt::Verbose => self.verbose += 1,
            // Not for the request: these have been looked at before.
            Opt::Root | Opt::Help | Opt::Version | Opt::Completions => {}
        }
        Ok(())
    }

    /// The same mode again is no second mode.
    fn ask(&mut self, mode: Asking) {
        self.new_mode |= matches!(mode, Asking::Status | Asking::Check);
        self.several_modes |= self.mode.is_some_and(|before| before != mode);
        self.mode = Some(mode);
    }

    fn select(&mut self, selection: Selection) {
        self.several_selections |= self.selection != Selection::Unselected;
        self.selection = selection;
    }

    /// The same state again narrows no further.
    fn narrow(&mut self, enabled: bool) -> Result<(), RequestError> {
        refuse(self.narrowing.enabled == Some(!enabled), RequestError::EnabledAndDisabled)?;
        self.narrowing.enabled = Some(enabled);
        Ok(())
    }

    fn judge(self, operands: Vec<OsString>) -> Result<(Mode, Selection, Narrowing), RequestError> {
        refuse(self.several_selections, RequestError::SeveralSelections)?;
        refuse(self.several_modes && self.new_mode, RequestError::NotOneModeOfAll)?;
        let asking = self.mode.filter(|_| !self.several_modes).ok_or(RequestError::NotOneMode)?;
        let Asked { selection, narrowing, assignment, reverse, json, watch, running, dry_run, lock_timeout, .. } = self;
        let mode = match asking {
            Asking::List => {
                refuse(!operands.is_empty(), RequestError::CommandNotAllowed("-l"))?;
                refuse_assignment(assignment)?;
                refuse_running(running)?;
                Mode::List { json, reverse }
            }
            Asking::Status => {
                refuse(!operands.is_empty(), RequestError::CommandNotAllowed("--status"))?;
                refuse_assignment(assignment)?;
                refuse_running(running)?;
                Mode::Status(View { json, reverse, watch })
            }
            Asking::Postfix => {
                let command = CommandLine::from_operands(operands)?;
                refuse(reverse, RequestError::Reverse)?;
                refuse_assignment(assignment)?;
                Mode::Postfix { command, running }
            }
            Asking::Execute => {
                let command = CommandLine::from_operands(operands)?;
                refuse_assignment(assignment)?;
                Mode::Execute { command, reverse, running }
            }
            Asking::Check => {
                refuse(!operands.is_empty(), RequestError::CommandNotAllowed("--check"))?;
                refuse_assignment(assignment)?;
                refuse_running(running)?;
                refuse(reverse, RequestError::OnlyWith("-R", "'-l', '-x' or '--status'"))?;
                Mode::Check { json }
            }
            Asking::Edit(name, action) => {
                refuse(reverse, RequestError::Reverse)?;
                let edit = edit(name, action, assignment, operands)?;
                refuse(json, RequestError::JsonWithoutList)?;
                refuse_narrowing(&narrowing)?;
                refuse(watch.is_some(), RequestError::OnlyWith("--watch", "'--status'"))?;
                refuse_running(running)?;
                let lock_timeout = lock_timeout.unwrap_or(Manner::default().lock_timeout);
                return Ok((Mode::Edit(edit, Manner { dry_run, lock_timeout }), selection, narrowing));
            }
        };
        let json_fits = matches!(mode, Mode::List { .. } | Mode::Status(_) | Mode::Check { .. });
        refuse(json && !json_fits, RequestError::JsonWithoutList)?;
        refuse(watch.is_some() && !matches!(mode, Mode::Status(_)), RequestError::OnlyWith("--watch", "'--status'"))?;
        refuse(dry_run, RequestError::OnlyWith("--dry-run", "'-e'"))?;
        refuse(lock_timeout.is_some(), RequestError::OnlyWith("--lock-timeout", "'-e'"))?;
        Ok((mode, selection, narrowing))
    }
}

fn edit(
    name: &'static str,
    action: Action,
    assignment: Assignment,
    parameters: Vec<OsString>,
) -> Result<Edit, RequestError> {
    let makes = matches!(action, Action::Create | Action::Import);
    match assignment != Assignment::default() {
        false => refuse(action == Action::Assign, RequestError::NoAssignment)?,
        true if makes || action == Action::Assign => {}
        true => return Err(RequestError::AssignmentWithAction { action: name, assignment }),
    }
    refuse(!parameters.is_empty() && !makes, RequestError::ParametersWithAction(name))?;
    Ok(match action {
        Action::Create => Edit::Create { assignment, parameters },
        Action::Import => Edit::Import { assignment, parameters },
        Action::Assign => Edit::Assign(assignment),
        Action::Init => Edit::Init,
        Action::Deport => Edit::Deport,
        Action::Destroy => Edit::Destroy,
        Action::Enable => Edit::Enable,
        Action::Disable => Edit::Disable,
    })
}

fn action(typed: OsString) -> Result<Asking, RequestError> {
    match options::ACTIONS.into_iter().find(|(name, _)| typed == *name) {
        Some((name, action)) => Ok(Asking::Edit(name, action)),
        None => Err(RequestError::InvalidAction(typed)),
    }
}

fn number(typed: OsString, option: &'static str, wanted: &'static str) -> Result<u32, RequestError> {
    let number = typed.to_str().and_then(|typed| typed.parse().ok());
    number.ok_or(RequestError::InvalidNumber(option, typed, wanted))
}

fn seconds(typed: OsString, option: &'static str) -> Result<Duration, RequestError> {
    // More than a clock can count to is no number of seconds.
    number(typed, option, "seconds").map(|number| Duration::from_secs(number.into()))
}

/// A time that is not over at once.
fn some_seconds(typed: OsString, option: &'static str) -> Result<Duration, RequestError> {
    let wanted = "seconds, at least 1";
    let number = number(typed.clone(), option, wanted)?;
    refuse(number == 0, RequestError::InvalidNumber(option, typed, wanted))?;
    Ok(Duration::from_secs(number.into()))
}

/// `-` stands for the empty value.
fn assign(place: &mut Option<OsString>, value: OsString, option: &'static str) -> Result<(), RequestError> {
    once(place, if value == "-" { OsString::new() } else { value }, option)
}

fn once<T>(place: &mut Option<T>, value: T, option: &'static str) -> Result<(), RequestError> {
    refuse(place.is_some(), RequestError::Repeated(option))?;
    *place = Some(value);
    Ok(())
}

fn refuse_assignment(assignment: Assignment) -> Result<(), RequestError> {
    refuse(assignment != Assignment::default(), RequestError::AssignmentWithoutEdit(assignment))
}

fn refuse_narrowing(narrowing: &Narrowing) -> Result<(), RequestError> {
    let not_here = |option| RequestError::OnlyWith(option, "'-l', '-p', '-x', '--status' or '--check'");
    refuse(narrowing.pattern.is_some(), not_here("--match"))?;
    refuse(narrowing.enabled == Some(true), not_here("--enabled"))?;
    refuse(narrowing.enabled == Some(false), not_here("--disabled"))
}

fn refuse_running(running: Running) -> Result<(), RequestError> {
    let not_here = |option| RequestError::OnlyWith(option, "'-p' or '-x'");
    refuse(running.jobs.is_some(), not_here("--jobs"))?;
    refuse(running.timeout.is_some(), not_here("--timeout"))?;
    refuse(running.prefix, not_here("--prefix"))?;
    refuse(running.summary, not_here("--summary"))
}

fn refuse(wrong: bool, error: RequestError) -> Result<(), RequestError> {
    if wrong { Err(error) } else { Ok(()) }
}
