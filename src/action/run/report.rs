//! How the command of an instance ended, and the table of all of them.

use crate::action::table::{Align, Cell, Column, Table};
use std::ffi::OsStr;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// The exit status of a command that cannot be started.
const FAILED: u8 = 1;
/// That of one that took too long, as timeout(1) has it.
const TIMED_OUT: u8 = 124;
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
}
