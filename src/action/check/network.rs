//! Instances that listen on the same address and port.
//!
//! The kernel lets them: master(8) binds with SO_REUSEPORT, so that both start and connections go to either. And of an
//! address and the wildcard of its family, which go together as well, the address has what comes there.

use super::finding::{Check, Finding, Findings, Severity};
use super::host::{Host, Whole};
use crate::config::master_cf::Service;
use crate::instance::listeners::{self, Listener, Port, wildcard};
use crate::instance::parameters::{Place, Problem, ValueError, main_cf, master_cf};
use indexmap::IndexMap;
use rustc_hash::FxHashMap;

/// Who listens where: the first one, with the place in its master.cf.
type First<'a> = FxHashMap<(&'a listeners::Host, &'a Port), (usize, usize)>;

pub fn look(host: &Host, findings: &mut Findings) {
    let mut first = First::default();
    for (member, whole) in host.enabled() {
        let Some(listeners) = &whole.listeners else {
            findings.add(unknown(member, whole));
            continue;
        };
        // An entry may stand for several addresses.
        let mut shared: IndexMap<(usize, usize, usize), Vec<&Listener>> = IndexMap::new();
        for listener in listeners {
            let (other, line) = *first.entry((&listener.host, &listener.port)).or_insert((member, listener.line));
            if other != member {
                shared.entry((listener.line, other, line)).or_default().push(listener);
            }
        }
        for ((line, other, other_line), listeners) in shared {
            findings.add(same(host, (member, line), (other, other_line), &listeners));
        }
    }
    host.enabled().for_each(|(member, whole)| divided(host, member, whole, &first, findings));
}

/// Two that listen on the very same address and port.
fn same(host: &Host, (member, line): (usize, usize), (other, other_line): (usize, usize), at: &[&Listener]) -> Finding {
    let at: Vec<String> = at.iter().map(|listener| listener.to_string()).collect();
    let remedy = match host.members[member].whole().and_then(|whole| service(whole, line)) {
        Some(service) if service.name.contains(&b':') => "give it another address or port in that line".to_owned(),
        _ => format!("give each its own address: {}", host.set(member, "inet_interfaces = ADDRESS")),
    };
    let reason = format!(
        "listens on {}, and so does {} (line {other_line} of its master.cf): a connection goes to either of them",
        at.join(" and "),
        host.called(other)
    );
    let finding = Finding::new(Severity::Error, Check::Listen, member, reason, remedy).with([other]);
    let file = master_cf(host.members[member].config_directory);
    finding.at(Place { file, line: Some(line) })
}

/// One that listens on an address, where another one listens on all.
fn divided(host: &Host, member: usize, whole: &Whole, first: &First, findings: &mut Findings) {
    let mut last = None;
    for listener in whole.listeners.iter().flatten() {
        let listeners::Host::Address(address) = listener.host else { continue };
        let wildcard = listeners::Host::Address(wildcard(address));
        let Some((other, _)) = first.get(&(&wildcard, &listener.port)).copied() else { continue };
        if address.is_unspecified() || other == member || last == Some(listener.line) {
            continue;
        }
        last = Some(listener.line);
        let reason = format!(
            "listens on {listener}, so {}, which listens on all addresses, gets no connections there",
            host.called(other)
        );
        let remedy = format!("if it should: {}", host.set(other, "inet_interfaces = ADDRESS"));
        let place = Place { file: whole.master_cf_path(), line: Some(listener.line) };
        findings.add(Finding::new(Severity::Note, Check::Listen, member, reason, remedy).with([other]).at(place));
    }
}

/// The parameters that say where an instance listens.
const PARAMETERS: [&str; 3] = ["inet_interfaces", "inet_protocols", "master_service_disable"];

/// Postfix cannot use what is set, or only postconf(1) can tell what it is.
fn unknown(member: usize, whole: &Whole) -> Finding {
    let errors = PARAMETERS.iter().filter_map(|name| whole.parameters.value(name).err());
    let (unasked, broken): (Vec<_>, Vec<_>) = errors.partition(|error| matches!(error.problem, Problem::Ask(_)));
    let unusable = |reason: String, place| {
        Finding::new(Severity::Error, Check::Broken, member, reason, "mend the value").at(place)
    };
    if let Some(ValueError { place, name, problem }) = broken.into_iter().next() {
        return unusable(format!("{name}: {problem}"), place);
    }
    if unasked.is_empty() {
        let reason = "inet_protocols has a word that is none of all, ipv4 and ipv6";
        return unusable(reason.to_owned(), whole.parameters.place("inet_protocols"));
    }
    let reason = "where it listens is not known: only postconf(1) can tell inet_interfaces, inet_protocols \
                  or master_service_disable";
    let remedy = "set them without referring to other parameters";
    let file = main_cf(&whole.instance.config_directory);
    Finding::new(Severity::Note, Check::Listen, member, reason, remedy).in_file(file)
}

/// The entry of master.cf that begins in a line.
pub fn service<'w>(whole: &'w Whole, line: usize) -> Option<&'w Service> {
    whole.master_cf.as_ref().ok()?.services().iter().find(|service| service.line == line)
}
