//! One round: every instance gets its command.

use super::Runner;
use super::output::Output;
use super::progress::Progress;
use super::report::{Report, count, failure, table};
use super::schedule::Schedule;
use super::started::{Started, is_scarcity};
use crate::action::ActionError;
use crate::cli::request::Running;
use crate::instance::Instance;
use crate::system::child::{Apart, Child, Stream};
use crate::system::log::printable;
use crate::system::process::{Interrupts, Program, killed_by};
use crate::system::reason;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

/// So many characters of a command are shown in a message.
const MAX_SHOWN: usize = 60;
/// As much as is read at once: what a pipe usually holds.
const BUFFER: usize = 1 << 16;

/// An interrupt from the terminal, which reaches the running command by itself.
const INTERRUPTS: [Signal; 2] = [Signal::SIGINT, Signal::SIGQUIT];
/// All by which a user ends us; those who have been asked to watch over commands pass them on.
const ENDINGS: [Signal; 4] = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGHUP];

/// Starts commands, watches over them, and shows what they print.
pub struct Round<'a> {
    runner: &'a Runner<'a>,
    instances: &'a [&'a Instance],
    prepare: &'a dyn Fn(&Instance) -> Program,
    apart: Apart,
    /// Nothing is asked for but the commands: then nobody stands between them and the caller.
    is_plain: bool,
    schedule: Schedule,
    output: Output,
    progress: Progress,
    interrupts: Interrupts,
    interrupted: Option<Signal>,
    started: BTreeMap<usize, Started>,
    reports: Vec<Report>,
}

/// What there is to be done.
#[derive(Clone, Copy)]
enum Event {
    Interrupt,
    Ended(usize),
    Printed(usize, Stream),
    /// The stream that waits for it can be written to.
    Writable,
}

impl<'a> Round<'a> {
    /// A round over these instances, in this order; `prepare` makes the command of each.
    pub fn new(runner: &'a Runner, instances: &'a [&'a Instance], prepare: &'a dyn Fn(&Instance) -> Program) -> Self {
        let Running { jobs, timeout, prefix, .. } = runner.running;
        let limit = match jobs {
            None => 1,
            Some(0) => available_parallelism().map_or(1, |cores| cores.get()),
            Some(jobs) => jobs as usize,
        };
        let apart = Apart {
            // Who is not in the foreground would be stopped for reading from the terminal.
            input: jobs.is_some() || timeout.is_some() && io::stdin().is_terminal(),
            streams: jobs.is_some() || prefix,
            // postlog(1) 3.7 and others print messages on a terminal only.
            terminal: io::stderr().is_terminal(),
            group: timeout.is_some(),
        };
        let is_plain = runner.running == Running::default();
        let interrupts = Interrupts::hold(if is_plain { &INTERRUPTS } else { &ENDINGS });
        if !is_plain {
            // Who no longer reads what the first instances have to say does not keep the last from being served.
            interrupts.hold_output_signals();
        }
        let prefixes = instances.iter().map(|instance| prefix.then(|| [instance.label().as_bytes(), b": "].concat()));
        Round {
            runner,
            instances,
            prepare,
            apart,
            is_plain,
            schedule: Schedule::new(instances.iter().map(|instance| instance.group.as_ref()), limit),
            output: Output::new(prefixes),
            progress: Progress::new(if jobs.is_some() { instances.len() } else { 0 }),
            interrupts,
            interrupted: None,
            started: BTreeMap::new(),
            reports: instances.iter().map(|_| Report::NotStarted).collect(),
        }
    }

    /// Has every instance served, until an interrupt; then what runs is waited for. Tells how each command ended.
    ///
    /// Where an interrupt keeps an instance from being served, or ends a command, it ends this process, too.
    pub fn run(mut self) -> Result<Vec<Report>, ActionError> {
        loop {
            // First this: it may be that nobody is left whose end would be waited for.
            self.heed_interrupts();
            while self.output.pass_on() {}
            while let Some(instance) = self.next() {
                self.start(instance);
            }
            if self.output.turn().is_none() {
                return self.finish();
            }
            self.show_progress();
            for event in self.wait() {
                match event {
                    Event::Interrupt => self.heed_interrupts(),
                    Event::Printed(instance, stream) => drop(self.read(instance, stream)),
                    Event::Ended(instance) => self.end(instance),
                    Event::Writable => self.write(),
                }
            }
            let now = Instant::now();
            self.started.values_mut().for_each(|started| started.heed_limit(now));
        }
    }

    /// Who begins now. Where commands print themselves, what is to be said about the one before is said first.
    fn next(&mut self) -> Option<usize> {
        let is_free = self.apart.streams || self.output.waiting().is_none();
        if is_free { self.schedule.begin() } else { None }
    }

    fn start(&mut self, instance: usize) {
        let program = (self.prepare)(self.instances[instance]);
        let child = program.command(self.runner.root).and_then(|mut command| {
            self.interrupts.release_in(&mut command);
            Child::start(command, self.apart)
        });
        match child {
            Ok(child) => drop(self.started.insert(instance, Started::new(child, self.runner.running.timeout))),
            Err(error) if is_scarcity(&error) && self.schedule.postpone(instance) => {}
            Err(error) => self.report(instance, Report::CannotStart(error)),
        }
    }

    /// Waits until there is something to be done.
    fn wait(&self) -> Vec<Event> {
        let (mut events, mut watched) = (Vec::new(), Vec::new());
        let mut watch = |event: Event, descriptor, flags| {
            events.push(event);
            watched.push(PollFd::new(descriptor, flags));
        };
        let readable = PollFlags::POLLIN;
        self.interrupts.descriptor().inspect(|interrupts| watch(Event::Interrupt, *interrupts, readable));
        let stream = self.output.waiting().map(standard);
        stream.iter().for_each(|stream| watch(Event::Writable, stream.as_fd(), PollFlags::POLLOUT));
        // Room comes from what is shown; who waits for room must not keep from running the one whose turn it is.
        let room_will_come = self.output.turn().is_some_and(|turn| self.started.contains_key(&turn));
        for (&instance, started) in &self.started {
            let child = &started.child;
            if !(room_will_come && self.output.is_full(instance)) {
                for stream in Stream::BOTH {
                    child.pipe(stream).inspect(|pipe| watch(Event::Printed(instance, stream), *pipe, readable));
                }
            }
            watch(Event::Ended(instance), child.end(), readable);
        }
        let limit = self.started.values().filter_map(Started::limit).min();
        let time = limit.map_or(PollTimeout::NONE, |limit| {
            // To the millisecond, not before it is over.
            let time = limit.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX)
        });
        // A signal that is not held, such as SIGCONT, may end it early.
        let _ = poll(&mut watched, time);
        let ready = watched.iter().map(|watched| watched.any().unwrap_or(false));
        events.into_iter().zip(ready).filter_map(|(event, is_ready)| is_ready.then_some(event)).collect()
    }

    /// Reads once what a command has printed, and tells how much it was.
    fn read(&mut self, instance: usize, stream: Stream) -> usize {
        let mut buffer = [0; BUFFER];
        let Some(started) = self.started.get_mut(&instance) else { return 0 };
        let bytes = started.child.read(stream, &mut buffer);
        self.output.take(instance, stream, bytes);
        bytes.len()
    }

    /// A command has ended. What it left running may keep the pipes open for ever, so only what is in them is read.
    fn end(&mut self, instance: usize) {
        for stream in Stream::BOTH {
            let mut rest = self.started.get(&instance).map_or(0, |started| started.child.capacity(stream));
            while let count @ 1.. = self.read(instance, stream) {
                rest = rest.saturating_sub(count);
                if rest == 0 {
                    break;
                }
            }
        }
        if let Some(started) = self.started.remove(&instance) {
            self.report(instance, started.report());
        }
    }

    fn report(&mut self, instance: usize, report: Report) {
        self.schedule.end(instance);
        self.output.end(instance);
        self.comment(instance, &report);
        self.reports[instance] = report;
    }

    fn write(&mut self) {
        self.progress.hide();
        self.output.write(|stream, bytes| Ok(nix::unistd::write(standard(stream), bytes)?));
    }

    /// Reports a command that failed, after what it has printed. The message waits for a reader as that does: nothing else
    /// may have to. Without a run option there are only the original's messages, which name no instance.
    fn comment(&mut self, instance: usize, report: &Report) {
        let program = || (self.prepare)(self.instances[instance]);
        let label = printable(self.instances[instance].label());
        let about = if self.is_plain { String::new() } else { format!("instance {label}: ") };
        let messages = self.runner.log.keeping();
        match report {
            Report::CannotStart(error) => {
                let name = program().arguments.first().map(printable).unwrap_or_default();
                messages.fatal(format!("{about}execvp {name}: {}", reason(error)));
            }
            Report::TimedOut { killed, .. } => {
                let seconds = self.runner.running.timeout.unwrap_or_default().as_secs();
                let how = if *killed { "killed" } else { "terminated" };
                messages.warning(format!("{about}{how} after {seconds} s: {}", shown(&program())));
            }
            Report::Ended { status, .. } if !self.is_plain => {
                let Some(failure) = failure(*status) else { return };
                // Not for the mail log: for many commands, such as grep(1), an exit status other than 0 is no fault.
                messages.aside(&format!("{about}{failure}: {}", shown(&program())));
            }
            Report::NotStarted | Report::Ended { .. } => return,
        }
        self.output.tell(instance, &messages.kept());
        // What is shown there is left to the mail log.
        self.runner.log.take_over(&messages);
    }

    fn heed_interrupts(&mut self) {
        while let Some(interrupt) = self.interrupts.arrived() {
            self.interrupted.get_or_insert(interrupt.signal);
            self.schedule.stop();
            let waiting = (0..self.instances.len()).filter(|instance| !self.started.contains_key(instance));
            waiting.for_each(|instance| self.output.end(instance));
            // What is typed has reached them already, unless they are in groups of their own. That a terminal is gone, only
            // who leads its session is told.
            let is_typed = interrupt.from_terminal && interrupt.signal != Signal::SIGHUP;
            if !self.is_plain && (self.apart.group || !is_typed) {
                self.started.values().for_each(|started| started.child.signal(interrupt.signal));
            }
        }
        if self.interrupted.is_some() && self.started.is_empty() {
            // Who does not want to see the rest need not.
            self.interrupts.release();
        }
    }

    fn show_progress(&mut self) {
        if self.output.waiting().is_some() || self.output.in_line() {
            return;
        }
        let (all, reports) = (self.instances.len(), &self.reports);
        self.progress.show(|| {
            let ended = reports.iter().filter(|report| !matches!(report, Report::NotStarted)).count();
            let running: Vec<_> =
                self.started.keys().map(|instance| printable(self.instances[*instance].label())).collect();
            format!("{ended} of {all} done, running: {}", running.join(" "))
        });
    }

    fn finish(mut self) -> Result<Vec<Report>, ActionError> {
        self.progress.hide();
        let log = self.runner.log;
        if self.runner.running.summary {
            let reports = || self.instances.iter().map(|instance| instance.label()).zip(&self.reports);
            log.line(table(reports()).trim_end().as_bytes());
            log.line(count(reports()).as_bytes());
        }
        if let Some(signal) = self.interrupted {
            let concerns = |report: &Report| match report {
                Report::NotStarted | Report::CannotStart(_) => true,
                Report::Ended { status, .. } => killed_by(*status, signal),
                Report::TimedOut { .. } => false,
            };
            if self.reports.iter().any(concerns) {
                log.close(true);
                self.interrupts.die_of(signal);
            }
        }
        self.interrupts.restore();
        match self.output.into_error() {
            None => Ok(self.reports),
            Some(error) => Err(ActionError::Output(error)),
        }
    }
}

fn standard(stream: Stream) -> Box<dyn AsFd> {
    match stream {
        Stream::Output => Box::new(io::stdout()),
        Stream::Error => Box::new(io::stderr()),
    }
}

/// The words of a command, as far as a line has room for them.
fn shown(program: &Program) -> String {
    let words = program.arguments.iter().map(printable).collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}...", &words[..end]),
        None => words,
    }
}
