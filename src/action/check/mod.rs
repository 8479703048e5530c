//! `--check`: what will bite, looked for in the files and directories of all instances. Nothing is changed, no command
//! is run, and neither the network nor a name service is looked at.
//!
//! A family of checks is a function from all instances to findings.

mod directories;
mod entries;
mod files;
mod finding;
mod host;
mod lists;
mod loops;
mod mail;
mod network;
mod settings;
mod units;

use super::hint::Hints;
use super::{ActionError, Outcome, print};
use crate::cli::request::Request;
use crate::error::hinted;
use crate::instance::parameters::Postfix;
use crate::instance::primary::Primary;
use crate::instance::scan::MAX_LOOKS;
use crate::system::log::Log;
use anyhow::Result;
pub use finding::{CHECKS, Check};
use finding::{Findings, Severity};
use host::{Host, Snapshot};
use rustc_hash::FxHashSet;
use std::ffi::OsString;

/// What is looked for.
const FAMILIES: [fn(&Host, &mut Findings); 12] = [
    lists::look,
    files::look,
    entries::look,
    directories::conflicts,
    directories::permissions,
    network::look,
    loops::look,
    settings::syslog_names,
    settings::deaf,
    mail::waiting,
    mail::disk_space,
    units::look,
];

/// The findings about the selected instances, as they are printed.
struct Report {
    text: Vec<u8>,
    worst: Option<Severity>,
    /// Does the request select no instance?
    is_about_none: bool,
    /// The configuration directories of the instances concerned.
    doubtful: FxHashSet<OsString>,
}

/// Prints what was found about the instances that the request is about. The exit status is 1 if there are problems.
///
/// Nothing is locked while the files are read. So what was found is looked at again, until it is the same at two looks in
/// a row.
pub fn check(request: &Request, json: bool, primary: Primary, postfix: &Postfix, log: &Log) -> Result<Outcome> {
    let postfix = &postfix.without_postconf();
    let mut snapshot = Snapshot::read(primary, postfix);
    let mut report = Report::of(&Host::new(request, &snapshot, None), json);
    for _ in 1..MAX_LOOKS {
        if report.worst.is_none() {
            break;
        }
        snapshot.read_again(&report.doubtful, log)?;
        let again = Report::of(&Host::new(request, &snapshot, Some(&report.doubtful)), json);
        let is_settled = again.text == report.text;
        report = again;
        if is_settled {
            break;
        }
    }
    if report.is_about_none && request.names_instances() {
        let instances = snapshot.into_instances(request, log)?;
        return Err(hinted(ActionError::NoMatch, Hints { request }.closest(&instances)));
    }
    print(&report.text)?;
    Ok(Outcome { status: u8::from(report.worst > Some(Severity::Note)), hint: None })
}

impl Report {
    fn of(host: &Host, json: bool) -> Report {
        let mut findings = Findings::default();
        FAMILIES.iter().for_each(|look| look(host, &mut findings));
        let selected = host.meant();
        let is_about_none = !selected.contains(&true);
        let mut report = Report { text: Vec::new(), worst: None, is_about_none, doubtful: FxHashSet::default() };
        report
            .doubtful
            .extend(findings.unseen_members().map(|member| host.members[member].config_directory.to_owned()));
        for finding in findings.told(&selected) {
            report.worst = report.worst.max(Some(finding.severity));
            let concerned = finding.others.iter().chain([&finding.member]);
            report.doubtful.extend(concerned.map(|member| host.members[*member].config_directory.to_owned()));
            match json {
                true => finding.write_json(host, &mut report.text),
                false => finding.write_text(host, &mut report.text),
            }
        }
        report
    }
}
