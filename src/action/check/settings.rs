//! Settings of several instances that do not go together, or of one that is not finished.

use super::finding::{Check, Finding, Findings, Severity};
use super::host::{Host, Whole};
use crate::action::deaf::{Deaf, Enabled};
use crate::system::log::printable;
use rustc_hash::FxHashMap;
use std::ffi::OsString;

/// Two that have the same name in the mail log, as two without a name have.
pub fn syslog_names(host: &Host, findings: &mut Findings) {
    let mut first: FxHashMap<OsString, (usize, &Whole)> = FxHashMap::default();
    for (member, whole) in host.whole() {
        let Some(name) = whole.parameters.known("syslog_name") else { continue };
        let (other, namesake) = *first.entry(name.clone()).or_insert((member, whole));
        let (own, others) = (&whole.instance.name, &namesake.instance.name);
        // If they have one name in all, that is told, and must be mended first: till then, no command is run for them.
        if other == member || (own.is_some() && own == others) {
            continue;
        }
        let place = whole.parameters.place("syslog_name");
        let remedy = match (own, place.line) {
            (None, None) if !whole.instance.primary => host.command(member, "-e assign -I postfix-NAME"),
            _ => host.set(member, "syslog_name = NAME"),
        };
        let reason = format!(
            "it is {} in the mail log, and so is {}: nobody can tell them apart there",
            printable(&name),
            host.called(other)
        );
        let finding = Finding::new(Severity::Warning, Check::SyslogName, member, reason, remedy);
        findings.add(finding.with([other]).at(place));
    }
}

/// Secondaries that are enabled as `-e create` made them, so that they can get no mail; and those that were given a
/// network service, but disable all network services, as `-e create` has set.
pub fn deaf(host: &Host, findings: &mut Findings) {
    let enabled = host.enabled().filter_map(|(_, whole)| {
        let Whole { instance, parameters, master_cf, .. } = whole;
        Some(Enabled { instance, parameters, master_cf: (*master_cf).ok()? })
    });
    for deaf in Deaf::find(&enabled.collect::<Vec<_>>(), host.postfix, host.primary) {
        let Some(member) = host.index_of(&deaf.instance.config_directory) else { continue };
        let advice = deaf.advice(|rest| host.command(member, rest));
        let (severity, check, remedy) = match deaf.is_fresh() {
            true => (Severity::Warning, Check::Fresh, advice),
            false => (Severity::Note, Check::Listen, format!("if it should listen: {advice}")),
        };
        let place = host.members[member].whole().map(|whole| whole.parameters.place("master_service_disable"));
        findings.add(Finding { place, ..Finding::new(severity, check, member, deaf.reason(), remedy) });
    }
}
