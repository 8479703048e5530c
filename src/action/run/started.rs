//! The command of an instance while it runs, and the end of one that takes too long.

use super::report::Report;
use crate::system::child::Child;
use nix::libc;
use nix::sys::signal::Signal;
use std::io;
use std::time::{Duration, Instant};

/// How long a command that takes too long may still take to end when it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// A command that is running.
#[derive(Debug)]
pub struct Started {
    pub child: Child,
    began: Instant,
    /// When it gets which signal.
    limit: Option<(Instant, Signal)>,
    /// The last one that it got because it took too long.
    told: Option<Signal>,
}

impl Started {
    /// The command has just begun, and may take so long.
    pub fn new(child: Child, time: Option<Duration>) -> Started {
        let began = Instant::now();
        Started { child, began, limit: time.map(|time| (began + time, Signal::SIGTERM)), told: None }
    }

    /// When something must be done about it.
    pub fn limit(&self) -> Option<Instant> {
        self.limit.map(|(limit, _)| limit)
    }

    /// If it has taken too long, it is told to end, and if that was told long ago, it is killed.
    pub fn heed_limit(&mut self, now: Instant) {
        let Some((_, signal)) = self.limit.filter(|(limit, _)| *limit <= now) else { return };
        self.child.signal(signal);
        self.told = Some(signal);
        self.limit = (signal == Signal::SIGTERM).then_some((now + GRACE, Signal::SIGKILL));
    }

    /// How it ended: it has.
    pub fn report(mut self) -> Report {
        let time = self.began.elapsed();
        match (self.told, self.child.status()) {
            (Some(signal), _) => Report::TimedOut { killed: signal == Signal::SIGKILL, time },
            (None, Ok(status)) => Report::Ended { status, time },
            (None, Err(error)) => Report::CannotStart(error),
        }
    }
}

/// Is there just too much running for another process?
pub fn is_scarcity(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::EAGAIN | libc::ENOMEM))
}
