//! `--status`: which instances run, where they listen, and how much mail waits.
//!
//! Everything is looked at in this process, and nothing is asked of the instances.

mod columns;
mod members;
mod report;
mod watch;

use super::{in_order, look, print, settled};
use crate::cli::request::{Request, View};
use crate::instance::Instances;
use crate::instance::load::Keep;
use crate::instance::parameters::Postfix;
use crate::instance::primary::Primary;
use crate::system::log::Log;
use crate::system::parallel::in_parts;
use crate::system::processes::Processes;
use crate::system::services::Services;
use crate::system::terminal::Terminal;
use anyhow::Result;
use report::{Report, Scene, State};
use rustc_hash::FxHashMap;
use std::ffi::OsString;
use std::time::SystemTime;

/// The exit status if something is wrong, and if an enabled instance does not run.
const FAILED: u8 = 1;
const NOT_RUNNING: u8 = 3;

/// Shows the instances that are meant, and returns the exit status; with `watch` again and again.
pub fn show(request: &Request, view: View, primary: Primary, postfix: &Postfix, log: &Log) -> Result<u8> {
    if let Some(interval) = view.watch {
        match watch::watch(request, view, interval, primary, postfix, log)? {}
    }
    let terminal = Terminal::on_standard_output();
    let (text, code) = text(request, view, primary, postfix, log, terminal.as_ref())?;
    print(&text)?;
    Ok(code)
}

/// What to show, and the exit status that goes with it. The log is told of what is wrong.
fn text(
    request: &Request,
    view: View,
    primary: Primary,
    postfix: &Postfix,
    log: &Log,
    terminal: Option<&Terminal>,
) -> Result<(Vec<u8>, u8)> {
    let (_, (text, code, messages)) = settled(primary, postfix, log, |primary| {
        let messages = log.keeping();
        let found = look(primary.clone(), postfix, Keep::File, &messages);
        let (primary, instances) = found.inspect_err(|_| log.take_over(&messages))?;
        let reports = in_order(reports(request, &primary.secondaries, &instances, postfix), view.reverse);
        tell(&reports, &messages);
        let complaints: Vec<String> = reports.iter().filter_map(Report::complaint).collect();
        let seen = (shown(&reports, view, terminal), exit_status(&reports), messages);
        Ok((seen, (!complaints.is_empty()).then_some(complaints)))
    })?;
    log.take_over(&messages);
    Ok((text, code))
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

/// What is to be told of each instance that is meant, in the order of the list.
fn reports<'a>(request: &Request, list: &[OsString], instances: &'a Instances, postfix: &Postfix) -> Vec<Report<'a>> {
    let (services, processes) = (Services::of(postfix.root), Processes::default());
    let scene = Scene { postfix, services: &services, processes: &processes };
    let meant: Vec<_> = instances.whole.iter().filter(|instance| request.means(instance)).collect();
    let broken = instances.broken.iter().filter(|broken| request.may_mean(broken, !meant.is_empty()));
    let mut reports: Vec<Report> = broken.map(Report::of_broken).collect();
    reports.extend(in_parts(&meant, |part| part.iter().map(|instance| scene.report(instance)).collect()));
    let places: FxHashMap<_, _> =
        list.iter().enumerate().rev().map(|(place, directory)| (directory.as_os_str(), place)).collect();
    // The primary is not on the list, and comes first.
    reports.sort_by_key(|report| places.get(report.config_directory).copied());
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
    let is_enabled = |report: &&Report| report.instance.is_some_and(|instance| instance.enabled);
    let fails = |report: &Report| match report.state() {
        Some(State::Damaged) => true,
        None => report.instance.is_none_or(|instance| instance.enabled),
        Some(_) => false,
    };
    match () {
        () if reports.iter().any(fails) => FAILED,
        () if reports.iter().filter(is_enabled).any(|report| report.state() != Some(State::Running)) => NOT_RUNNING,
        () => 0,
    }
}
