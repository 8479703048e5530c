//! `--status` as a table for people.

use super::report::{QUEUES, Report, State};
use crate::action::table::{Align, Cell, Column, Sacrifice, Table};
use crate::instance::Instance;
use anstyle::{AnsiColor, Style};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::{Duration, SystemTime};

const UNKNOWN: &str = "?";
const NONE: &str = "-";

const GOOD: Style = AnsiColor::Green.on_default();
const ODD: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// Mail that is older than this is shown as odd: that is when Postfix could tell its sender, were it asked to.
const OLD: Duration = Duration::from_secs(4 * 3600);

/// The headings of the columns of [`QUEUES`].
const HEADINGS: [&str; QUEUES.len()] = ["MAILDROP", "INCOMING", "ACTIVE", "DEFERRED", "HOLD", "CORRUPT"];

/// What is missed least comes first.
const SACRIFICES: [Sacrifice; 14] = [
    Sacrifice::Length("LISTENERS"),
    Sacrifice::Zeros("CORRUPT"),
    Sacrifice::Zeros("MAILDROP"),
    Sacrifice::Zeros("INCOMING"),
    Sacrifice::Zeros("HOLD"),
    Sacrifice::ColumnFor("DIRECTORY", "NAME"),
    Sacrifice::Column("PID"),
    Sacrifice::Column("GROUP"),
    Sacrifice::Zeros("ACTIVE"),
    Sacrifice::Zeros("DEFERRED"),
    Sacrifice::Column("LISTENERS"),
    Sacrifice::Column("UP"),
    Sacrifice::Column("OLDEST"),
    Sacrifice::Column("ENABLED"),
];

/// A row for each report, as things are at that time.
pub fn table(reports: &[Report], now: SystemTime) -> Table {
    let column = |heading, align, cell: &dyn Fn(&Report) -> Cell| {
        let cells = reports.iter().map(cell).collect();
        Column { heading, align, cells }
    };
    let mut columns = vec![
        column("NAME", Align::Left, &name),
        column("GROUP", Align::Left, &|report| of_instance(report, |instance| instance.group.as_deref())),
        column("ENABLED", Align::Left, &|report| {
            of_instance(report, |instance| Some(OsStr::new(if instance.enabled { "y" } else { "n" })))
        }),
        column("STATE", Align::Left, &state),
        column("PID", Align::Right, &|report| of_running(report, report.pid.map(|pid| pid.to_string()))),
        column("UP", Align::Right, &|report| of_running(report, report.since.map(|since| age(since, now)))),
    ];
    for (place, heading) in HEADINGS.into_iter().enumerate() {
        columns.push(column(heading, Align::Right, &|report| messages(report.queues[place], heading)));
    }
    columns.push(column("OLDEST", Align::Right, &|report| oldest(report, now)));
    columns.push(column("LISTENERS", Align::Left, &listeners));
    columns.push(column("DIRECTORY", Align::Left, &|report| Cell::new(&report.config_directory)));
    Table { columns, sacrifices: &SACRIFICES }
}

/// The name; where there is no room for directories, what else tells the instance from others.
fn name(report: &Report) -> Cell {
    of_instance(report, |instance| instance.name.as_deref()).or_short(report.label())
}

fn of_instance(report: &Report, value: impl Fn(&Instance) -> Option<&OsStr>) -> Cell {
    let instance = report.instance.as_ref();
    Cell::new(instance.map_or(OsStr::new(UNKNOWN), |instance| value(instance).unwrap_or(OsStr::new(NONE))))
}

fn state(report: &Report) -> Cell {
    let Some(state) = report.state() else { return Cell::new(UNKNOWN) };
    let is_enabled = report.instance.as_ref().is_some_and(|instance| instance.enabled);
    Cell::new(state.name()).styled(match state {
        State::Running => GOOD,
        State::Stopped if is_enabled => ODD,
        State::Stopped => DIM,
        State::Damaged => BAD,
    })
}

/// Something that only an instance has that runs.
fn of_running(report: &Report, value: Option<String>) -> Cell {
    match report.runs {
        Some(false) => Cell::new(NONE),
        _ => Cell::new(value.as_deref().unwrap_or(UNKNOWN)),
    }
}

fn messages(number: Option<u64>, heading: &str) -> Cell {
    let text = number.map_or(UNKNOWN.to_owned(), |number| number.to_string());
    Cell::new(&text).styled(match number {
        Some(0) => DIM,
        Some(_) if heading == "CORRUPT" => BAD,
        _ => Style::new(),
    })
}

fn oldest(report: &Report, now: SystemTime) -> Cell {
    match (report.oldest.since, report.oldest_is_exact()) {
        (None, true) => Cell::new(NONE),
        (None, false) => Cell::new(UNKNOWN),
        (Some(since), exact) => {
            let text = format!("{}{}", if exact { "" } else { ">" }, age(since, now));
            let is_old = now.duration_since(since).is_ok_and(|age| age >= OLD);
            Cell::new(text).styled(if is_old { ODD } else { Style::new() })
        }
    }
}

fn listeners(report: &Report) -> Cell {
    let Some(listeners) = &report.listeners else { return Cell::new(UNKNOWN) };
    match on_all_addresses(listeners).as_slice() {
        [] => Cell::new(NONE),
        [one] => Cell::new(one),
        [first, more @ ..] => {
            let mut short = first.clone();
            short.push(format!(",+{}", more.len()));
            let mut all = first.clone();
            more.iter().for_each(|listener| all.extend([OsStr::new(","), listener]));
            Cell::new(all).or_short(short)
        }
    }
}

/// The same with `*:PORT` for a port on all addresses of both protocols.
fn on_all_addresses(listeners: &[OsString]) -> Vec<OsString> {
    let mut shown = listeners.to_vec();
    for listener in listeners {
        let Some(port) = listener.as_bytes().strip_prefix(b"0.0.0.0:") else { continue };
        let on = |host: &[u8]| OsString::from_vec([host, b":", port].concat());
        let ipv6 = on(b"[::]");
        if shown.contains(&ipv6) {
            shown.retain(|other| *other != ipv6);
            shown.iter_mut().filter(|other| *other == listener).for_each(|other| *other = on(b"*"));
        }
    }
    shown
}

/// How long ago something was, in the two largest units that there are: `45s`, `12m3s`, `3h12m`, `4d3h`.
fn age(since: SystemTime, now: SystemTime) -> String {
    // A clock may have been set back.
    let seconds = now.duration_since(since).unwrap_or_default().as_secs();
    let [minutes, hours, days] = [60, 3600, 86400].map(|unit| seconds / unit);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{}s", seconds % 60),
        (0, ..) => format!("{hours}h{}m", minutes % 60),
        _ => format!("{days}d{}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_two_units() {
        let age = |seconds| super::age(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!([0, 59, 60, 3599].map(age), ["0s", "59s", "1m0s", "59m59s"]);
        assert_eq!([3600, 86399, 86400, 100 * 86400].map(age), ["1h0m", "23h59m", "1d0h", "100d0h"]);
        assert_eq!(super::age(SystemTime::UNIX_EPOCH + OLD, SystemTime::UNIX_EPOCH), "0s");
    }

    #[test]
    fn all_addresses_are_one() {
        let shown = |listeners: &str| {
            on_all_addresses(&listeners.split(' ').map(OsString::from).collect::<Vec<_>>()).join(OsStr::new(" "))
        };
        assert_eq!(shown("0.0.0.0:25 [::]:25 0.0.0.0:587"), "*:25 0.0.0.0:587");
        assert_eq!(shown("[::]:25 0.0.0.0:25"), "*:25");
        assert_eq!(shown("[::]:25 [::1]:26 127.0.0.1:26"), "[::]:25 [::1]:26 127.0.0.1:26");
    }
}
