//! `--check`: what will bite, looked for in the files and directories of all instances. Nothing is changed, no command
//! is run, and neither the network nor a name service is looked at.
//!
//! A family of checks is a function from all instances to findings.

mod directories;
mod files;
mod finding;
mod host;
mod lists;
mod loops;
mod mail;
mod network;
mod settings;

use super::{print, settled};
use crate::cli::request::Request;
use crate::instance::parameters::Postfix;
use crate::instance::primary::Primary;
use crate::system::log::Log;
use anyhow::Result;
pub use finding::{CHECKS, Check};
use finding::{Findings, Severity};
use host::{Files, Host};

/// What is looked for.
const FAMILIES: [fn(&Host, &mut Findings); 10] = [
    lists::look,
    files::look,
    directories::conflicts,
    directories::permissions,
    network::look,
    loops::look,
    settings::syslog_names,
    settings::fresh,
    mail::waiting,
    mail::disk_space,
];

/// What is told in the end.
struct Report {
    text: Vec<u8>,
    worst: Option<Severity>,
}

/// Prints what was found about the instances that are meant, and returns the exit status: 1 if there are problems.
pub fn check(request: &Request, json: bool, primary: Primary, postfix: &Postfix, log: &Log) -> Result<u8> {
    let postfix = &postfix.without_postconf();
    let (_, report) = settled(primary, postfix, log, |primary| {
        let report = Report::of(request, json, primary, postfix);
        let wrong = report.worst.map(|_| report.text.clone());
        Ok((report, wrong))
    })?;
    print(&report.text)?;
    Ok(u8::from(report.worst > Some(Severity::Note)))
}

impl Report {
    fn of(request: &Request, json: bool, primary: &Primary, postfix: &Postfix) -> Report {
        let files = Files::read(postfix, primary);
        let host = Host::new(request, postfix, primary, &files);
        let mut findings = Findings::default();
        FAMILIES.iter().for_each(|look| look(&host, &mut findings));
        let (mut text, mut worst) = (Vec::new(), None);
        for finding in findings.told(&host.meant()) {
            worst = worst.max(Some(finding.severity));
            if json { finding.write_json(&host, &mut text) } else { finding.write_text(&host, &mut text) }
        }
        Report { text, worst }
    }
}
