//! Settings of several instances that do not go together, or of one that is not finished.

use super::finding::{Check, Finding, Findings, Severity};
use super::host::{Host, Whole};
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

/// Secondaries that are enabled as they were made, so that no mail can come in.
pub fn fresh(host: &Host, findings: &mut Findings) {
    for (member, whole) in host.enabled().filter(|(_, whole)| !whole.instance.primary) {
        let (deaf, shut) = (is(whole, "master_service_disable", "inet"), is(whole, "authorized_submit_users", ""));
        let (severity, parameter, reason, remedy) = match (deaf, shut) {
            (true, true) => (
                Severity::Warning,
                "master_service_disable",
                "it can get no mail: it listens nowhere, and lets nobody submit any",
                "-x postconf -e 'master_service_disable =' 'authorized_submit_users = root'",
            ),
            (true, false) => (
                Severity::Note,
                "master_service_disable",
                "it listens nowhere, so that mail comes from local users only",
                "-x postconf -e 'master_service_disable ='",
            ),
            (false, true) => (
                Severity::Note,
                "authorized_submit_users",
                "it lets no user submit mail, not even root",
                "-x postconf -e 'authorized_submit_users = root'",
            ),
            (false, false) => continue,
        };
        let finding = Finding::new(severity, Check::Fresh, member, reason, host.command(member, remedy));
        findings.add(finding.at(whole.parameters.place(parameter)));
    }
}

fn is(whole: &Whole, name: &str, value: &str) -> bool {
    whole.parameters.own(name).is_some_and(|own| own == value)
}
