//! How the command of an instance ended, and the table of all of them.

use crate::action::table::{Align, Cell, Column, Table};
use crate::system::log::printable;
use std::ffi::OsStr;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// The exit status of a command that cannot be started.
const FAILED: u8 = 1;
/// That of one that took too long, as timeout(1) has it.
const TIMED_OUT: u8 = 124;
/// Most instances that the count names: they fit into a line or two.
const MAX_NAMED: usize = 10;
/// Added to the number of the signal that killed a command, as shells do.
const KILLED: u8 = 128;

/// What has become of the command of one instance.
#[derive(Debug)]
pub enum Report {
    /// An interrupt came before.
    NotStarted,
    CannotStart(io::Error),
    Ended {
        status: ExitStatus,
        time: Duration,
    },
    /// It was ended; `killed` says that this took SIGKILL.
    TimedOut {
        killed: bool,
        time: Duration,
    },
}

impl Report {
    /// The exit status, as a shell would show it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Report::NotStarted | Report::CannotStart(_) => FAILED,
            Report::TimedOut { .. } => TIMED_OUT,
            Report::Ended { status, .. } => {
                let killed = || status.signal().map(|signal| KILLED.wrapping_add(signal as u8));
                status.code().map(|code| code as u8).or_else(killed).unwrap_or(FAILED)
            }
        }
    }

    fn status(&self) -> String {
        match self {
            Report::NotStarted => "not started".to_owned(),
            Report::CannotStart(_) => "cannot be started".to_owned(),
            Report::TimedOut { .. } => "timed out".to_owned(),
            Report::Ended { status, .. } => match status.signal() {
                Some(signal) => format!("signal {signal}"),
                None => self.exit_code().to_string(),
            },
        }
    }

    fn seconds(&self) -> String {
        match self {
            Report::NotStarted | Report::CannotStart(_) => "-".to_owned(),
            Report::Ended { time, .. } | Report::TimedOut { time, .. } => format!("{:.2}", time.as_secs_f64()),
        }
    }
}

/// A table with a line for each instance, under a heading.
pub fn table<'a>(reports: impl Iterator<Item = (&'a OsStr, &'a Report)>) -> String {
    let mut columns = [("instance", Align::Left), ("status", Align::Left), ("seconds", Align::Right)]
        .map(|(heading, align)| Column { heading, align, cells: Vec::new() });
    for (label, report) in reports {
        let cells = [Cell::new(label), Cell::new(report.status()), Cell::new(report.seconds())];
        columns.iter_mut().zip(cells).for_each(|(column, cell)| column.cells.push(cell));
    }
    Table { columns: columns.into(), sacrifices: &[] }.text(None)
}

/// How many commands succeeded and how many failed, and the instances of those that failed.
pub fn count<'a>(reports: impl Iterator<Item = (&'a OsStr, &'a Report)>) -> String {
    let (succeeded, failed): (Vec<_>, Vec<_>) = reports.partition(|(_, report)| report.exit_code() == 0);
    let mut text = format!("{} succeeded, {} failed", succeeded.len(), failed.len());
    let named: Vec<_> = failed.iter().take(MAX_NAMED).map(|(label, _)| printable(label)).collect();
    if !named.is_empty() {
        text += &format!(": {}", named.join(", "));
    }
    if failed.len() > named.len() {
        text += &format!(" and {} more", failed.len() - named.len());
    }
    text
}

/// How a command ended, for a message; None if it succeeded.
pub fn failure(status: ExitStatus) -> Option<String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) => Some(format!("exited with status {code}")),
        (None, signal) => Some(format!("killed by signal {}", signal.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_tells_how_each_ended() {
        let ended =
            |status, time| Report::Ended { status: ExitStatus::from_raw(status), time: Duration::from_millis(time) };
        let reports = [
            ("-", ended(75 << 8, 12_345)),
            ("postfix-out", ended(15, 4)),
            ("/etc/unnamed", Report::TimedOut { killed: true, time: Duration::from_secs(100) }),
            ("postfix-\u{e9}\u{1b}", Report::CannotStart(io::ErrorKind::NotFound.into())),
            ("postfix-in", Report::NotStarted),
        ];
        assert_eq!(reports.each_ref().map(|(_, report)| report.exit_code()), [75, 143, 124, 1, 1]);
        let text = table(reports.iter().map(|(label, report)| (OsStr::new(label), report)));
        let expected = "\
instance      status             seconds
-             75                   12.35
postfix-out   signal 15             0.00
/etc/unnamed  timed out           100.00
postfix-\u{e9}?    cannot be started        -
postfix-in    not started              -
";
        assert_eq!(text, expected);
    }

    #[test]
    fn count_of_failed_instances() {
        let counted =
            |reports: &[(&str, Report)]| count(reports.iter().map(|(label, report)| (OsStr::new(label), report)));
        let ended = |status| Report::Ended { status: ExitStatus::from_raw(status), time: Duration::ZERO };
        assert_eq!(counted(&[("-", ended(0)), ("postfix-a", ended(0))]), "2 succeeded, 0 failed");
        let timed_out = Report::TimedOut { killed: false, time: Duration::ZERO };
        let others = [("-", ended(15)), ("postfix-a", ended(0)), ("b\u{1b}", timed_out), ("c", Report::NotStarted)];
        assert_eq!(counted(&others), "1 succeeded, 3 failed: -, b?, c");
        let failed = |number| (0..number).map(|_| ("c", ended(256))).collect::<Vec<_>>();
        assert_eq!(counted(&failed(10)), format!("0 succeeded, 10 failed: {}", ["c"; 10].join(", ")));
        assert_eq!(counted(&failed(12)), format!("0 succeeded, 12 failed: {} and 2 more", ["c"; 10].join(", ")));
    }

    #[test]
    fn failure_by_exit_status_and_by_signal() {
        let failure = |status| failure(ExitStatus::from_raw(status));
        assert_eq!(failure(0), None);
        assert_eq!(failure(75 << 8).unwrap(), "exited with status 75");
        assert_eq!(failure(9).unwrap(), "killed by signal 9");
    }
}
