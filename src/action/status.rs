//! `--status`: which instances run, where they listen, and how much mail waits.
//!
//! Everything is looked at in this process, and nothing is asked of the instances.

mod columns;
mod members;
mod report;
mod watch;

use super::hint::Hints;
use super::{ActionError, Outcome, in_order, print};
use crate::cli::request::{Request, View};
use crate::error::hinted;
use crate::instance::Instances;
use crate::instance::parameters::Postfix;
use crate::instance::primary::Primary;
use crate::instance::scan::{Keep, MAX_LOOKS, Scan, reload};
use crate::system::log::Log;
use crate::system::parallel::in_parts;
use crate::system::processes::Processes;
use crate::system::services::Services;
use crate::system::terminal::Terminal;
use anyhow::Result;
use report::{Probe, Report, State};
use rustc_hash::FxHashMap;
use std::time::SystemTime;

/// The exit status if something is wrong, and if an enabled instance does not run.
const FAILED: u8 = 1;
const NOT_RUNNING: u8 = 3;

/// Shows the instances that are meant; with `watch` again and again.
pub fn show(request: &Request, view: View, primary: Primary, postfix: &Postfix, log: &Log) -> Result<Outcome> {
    if let Some(interval) = view.watch {
        match watch::watch(request, view, interval, primary, postfix, log)? {}
    }
    let terminal = Terminal::on_standard_output();
    let (text, outcome) = text(request, view, primary, postfix, log, terminal.as_ref())?;
    print(&text)?;
    Ok(outcome)
}

/// The text to show, and the outcome. The log is told of what is wrong.
fn text(
    request: &Request,
    view: View,
    primary: Primary,
    postfix: &Postfix,
    log: &Log,
    terminal: Option<&Terminal>,
) -> Result<(Vec<u8>, Outcome)> {
    let scan = Scan::run(primary, postfix, Keep::File).settle(log)?;
    let (mut primary, instances) = scan.report(&request.selection, log)?;
    let (services, processes) = (Services::of(postfix.root), Processes::default());
    let probe = Probe { postfix, services: &services, processes: &processes };
    let mut reports = reports(request, &primary, &instances, &probe);
    settle(&mut reports, &mut primary, &probe, log)?;
    let hints = Hints { request };
    if reports.is_empty() && request.names_instances() {
        return Err(hinted(ActionError::NoMatch, hints.closest(&instances)));
    }
    tell(&reports, log);
    let reports = in_order(reports, view.reverse);
    let hint = hints.closest(&instances).or_else(|| hints.left_out(&instances));
    let outcome = Outcome { status: exit_status(&reports), hint };
    Ok((shown(&reports, view, terminal), outcome))
}

/// Looks again at the instances with complaints, until these are the same at two looks in a row.
///
/// Nothing is locked: since its main.cf was read, another process may have destroyed an instance, or moved its queue.
fn settle(reports: &mut Vec<Report>, primary: &mut Primary, probe: &Probe, log: &Log) -> Result<()> {
    for _ in 1..MAX_LOOKS {
        let mut is_settled = true;
        let mut doubtful = reports.iter_mut().filter(|report| report.complaint().is_some()).peekable();
        if doubtful.peek().is_none() {
            break;
        }
        *primary = primary.clone().again(probe.postfix, log)?;
        for report in doubtful {
            let instance = match report.is_primary() {
                true => Some(primary.whole_instance()),
                false => reload(probe.postfix, &report.config_directory),
            };
            // One whose main.cf cannot be used any more stays as it was found before.
            if let Some(again) = instance.map(|instance| probe.report(&instance)) {
                is_settled &= again.complaint() == report.complaint();
                *report = again;
            }
        }
        let is_listed = |report: &Report| report.is_primary() || primary.secondaries.contains(&report.config_directory);
        reports.retain(|report| report.complaint().is_none() || is_listed(report));
        if is_settled {
            break;
        }
    }
    Ok(())
}

fn shown(reports: &[Report], view: View, terminal: Option<&Terminal>) -> Vec<u8> {
    let mut text = Vec::new();
    match view.json {
        true => reports.iter().for_each(|report| {
            members::of(report).write(&mut text);
            text.push(b'\n');
        }),
        false if reports.is_empty() => {}
        false => text = columns::table(reports, SystemTime::now()).text(terminal).into_bytes(),
    }
    text
}

/// A report of each instance that the request is about, in the order of the list.
fn reports(request: &Request, primary: &Primary, instances: &Instances, probe: &Probe) -> Vec<Report> {
    let selected: Vec<_> = instances.served.iter().filter(|instance| request.means(instance)).collect();
    let left_out = instances.left_out.iter().filter(|left_out| request.could_mean(left_out, !selected.is_empty()));
    let mut reports: Vec<Report> = left_out.map(Report::of_left_out).collect();
    reports.extend(in_parts(&selected, |part| part.iter().map(|instance| probe.report(instance)).collect()));
    let listed = primary.secondaries.iter().enumerate().rev();
    let places: FxHashMap<_, _> = listed.map(|(place, directory)| (directory, place)).collect();
    // The primary comes first, listed or not.
    reports.sort_by_key(|report| (!report.is_primary(), places.get(&report.config_directory).copied()));
    reports
}

/// Tells what could not be looked at. Want of privilege has many effects and one cause, and is no matter for the mail log.
fn tell(reports: &[Report], log: &Log) {
    for report in reports {
        report.complaint().into_iter().for_each(|complaint| log.warning(complaint));
    }
    let mut denied = reports.iter().flat_map(|report| &report.denied);
    if let Some(first) = denied.next() {
        let more = match denied.count() {
            0 => String::new(),
            more => format!(", and {more} more like it"),
        };
        log.aside(&format!("{first}{more}: what only root may look at is shown as unknown"));
    }
}

fn exit_status(reports: &[Report]) -> u8 {
    let is_enabled = |report: &&Report| report.instance.as_ref().is_some_and(|instance| instance.enabled);
    let fails = |report: &Report| match report.state() {
        Some(State::Damaged) => true,
        None => report.instance.as_ref().is_none_or(|instance| instance.enabled),
        Some(_) => false,
    };
    match () {
        () if reports.iter().any(fails) => FAILED,
        () if reports.iter().filter(is_enabled).any(|report| report.state() != Some(State::Running)) => NOT_RUNNING,
        () => 0,
    }
}
