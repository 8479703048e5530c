//! What the options said, and whether that is a request.
//!
//! The checks come in the order in which postmulti(1) has always made them, so that of two mistakes the same one is
//! reported: first what a single option can get wrong, left to right, then what they get wrong together.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::error::RequestError;
use super::getopt::{Arguments, Given};
use super::options::{self, Action, Opt};
use super::request::{Assignment, CommandLine, Edit, Manner, Mode, Narrowing, Request, Running, Selection, View, root};

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
            Opt::Match => once(&mut self.narrowing.pattern, pattern(value)?, "--match")?,
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
        refuse(self.several_modes && self.new_mode, RequestError::SeveralModesOfAll)?;
        refuse(self.several_modes, RequestError::SeveralModes)?;
        let Some(asking) = self.mode else { return Err(RequestError::NoMode(operands)) };
        let Asked { selection, narrowing, assignment, reverse, json, watch, running, dry_run, lock_timeout, .. } = self;
        let mode = match asking {
            Asking::List => {
                refuse_operands(operands, "-l")?;
                refuse_assignment(assignment)?;
                refuse_running(running)?;
                Mode::List { json, reverse }
            }
            Asking::Status => {
                refuse_operands(operands, "--status")?;
                refuse_assignment(assignment)?;
                refuse_running(running)?;
                Mode::Status(View { json, reverse, watch })
            }
            Asking::Postfix => {
                let command = command(operands)?;
                refuse(reverse, RequestError::Reverse)?;
                refuse_assignment(assignment)?;
                Mode::Postfix { command, running }
            }
            Asking::Execute => {
                let command = command(operands)?;
                refuse_assignment(assignment)?;
                Mode::Execute { command, reverse, running }
            }
            Asking::Check => {
                refuse_operands(operands, "--check")?;
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

fn command(operands: Vec<OsString>) -> Result<CommandLine, RequestError> {
    let mut words = operands.into_iter();
    let name = words.next().ok_or(RequestError::NoCommand)?;
    Ok(CommandLine { name, arguments: words.collect() })
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
    if let Some(first) = parameters.first().filter(|_| !makes) {
        return Err(RequestError::ParametersWithAction(name, first.clone()));
    }
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
    number.ok_or(RequestError::InvalidValue(option, typed, wanted))
}

fn seconds(typed: OsString, option: &'static str) -> Result<Duration, RequestError> {
    // More than a clock can count to is no number of seconds.
    number(typed, option, "seconds").map(|number| Duration::from_secs(number.into()))
}

/// A time that is not over at once.
fn some_seconds(typed: OsString, option: &'static str) -> Result<Duration, RequestError> {
    let wanted = "seconds, at least 1";
    let number = number(typed.clone(), option, wanted)?;
    refuse(number == 0, RequestError::InvalidValue(option, typed, wanted))?;
    Ok(Duration::from_secs(number.into()))
}

/// Refuses a pattern that fast-glob calls malformed: it would match nothing.
fn pattern(typed: OsString) -> Result<OsString, RequestError> {
    match fast_glob::validate(typed.as_bytes()) {
        Ok(()) => Ok(typed),
        Err(_) => Err(RequestError::InvalidValue("--match", typed, "a pattern")),
    }
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

fn refuse_operands(operands: Vec<OsString>, mode: &'static str) -> Result<(), RequestError> {
    operands.into_iter().next().map_or(Ok(()), |first| Err(RequestError::CommandNotAllowed(mode, first)))
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
