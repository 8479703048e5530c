//! Mail that an instance is to send to port 25 of this host, and that smtp(8) refuses to send because it would be to
//! itself: `mail for ... loops back to myself`.
//!
//! smtp(8) takes an address for its own that inet_interfaces has, and a server for itself that greets it with its own
//! myhostname; both at port 25 only. What it would take a name service to find out is left alone.

use super::finding::{Check, Finding, Findings, Severity};
use super::host::{Host, Whole};
use super::network::service;
use crate::config::master_cf::{Service, ServiceType};
use crate::config::split_list;
use crate::instance::listeners::{self, Listener, Port, literal, wildcard};
use crate::system::log::printable;
use rustc_hash::FxHashMap;
use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use thiserror::Error;

const SMTP: u16 = 25;

/// The parameters that say where mail goes: a transport, and where to, after a colon.
const TRANSPORTS: [&str; 5] =
    ["default_transport", "relay_transport", "virtual_transport", "local_transport", "content_filter"];

/// What a parameter is if main.cf does not set it, where that leads anywhere.
fn default(parameter: &str) -> &'static str {
    if parameter == "default_transport" { "smtp" } else { "" }
}

/// The name by which an instance greets: in lower case, or what the default is made from.
#[derive(Debug, PartialEq, Eq)]
enum Name {
    Set(Vec<u8>),
    OfHost(Option<OsString>),
}

/// By what smtp(8) takes a server for itself.
#[derive(Debug, Error)]
enum Reason {
    #[error("{0} is one of its own inet_interfaces, and port 25 is where it looks for that")]
    OwnAddress(IpAddr),
    #[error("that is where it listens itself")]
    Itself,
    #[error("{0} has the same myhostname, and listens there on port 25")]
    OwnName(String),
}

pub fn look(host: &Host, findings: &mut Findings) {
    let mut servers: FxHashMap<IpAddr, (usize, usize)> = FxHashMap::default();
    for (member, whole) in host.enabled() {
        for Listener { host, port, line } in whole.listeners.iter().flatten() {
            if let (listeners::Host::Address(address), Port::Number(SMTP)) = (host, port) {
                servers.entry(*address).or_insert((member, *line));
            }
        }
    }
    for (member, whole) in host.enabled() {
        let mut seen = Vec::new();
        for parameter in TRANSPORTS {
            let value = whole.parameters.own(parameter).unwrap_or_else(|| default(parameter).into());
            // One often refers to another.
            if seen.contains(&value) {
                continue;
            }
            let (transport, next_hop) = split(value.as_bytes());
            let Some(client) = client(whole, transport) else { continue };
            let relayhost = whole.parameters.own("relayhost").filter(|_| parameter == "default_transport");
            let (parameter, next_hop) = match (next_hop, &relayhost) {
                (b"", Some(relayhost)) => ("relayhost", relayhost.as_bytes()),
                (next_hop, _) => (parameter, next_hop),
            };
            let found =
                split_list(next_hop).filter_map(address).find_map(|to| loops(host, &servers, whole, client, to));
            let Some((reason, other)) = found else { continue };
            let remedy = match reason {
                Reason::OwnAddress(_) => "have the other one listen on another port, and name that".to_owned(),
                Reason::Itself => "name another address or port".to_owned(),
                Reason::OwnName(_) => host.set(member, "myhostname = NAME"),
            };
            let next_hop = printable(OsStr::from_bytes(next_hop));
            let reason = format!("{parameter}: mail for {next_hop} loops back: {reason}");
            let finding = Finding::new(Severity::Error, Check::Loop, member, reason, remedy);
            findings.add(finding.with(other).at(whole.parameters.place(parameter)));
            seen.push(value);
        }
    }
}

/// Why mail to port 25 of an address is not sent, and by whom it would be taken.
fn loops(
    host: &Host,
    servers: &FxHashMap<IpAddr, (usize, usize)>,
    whole: &Whole,
    client: &Service,
    to: IpAddr,
) -> Option<(Reason, Option<usize>)> {
    let server = servers.get(&to).or_else(|| servers.get(&wildcard(to)).filter(|_| to.is_loopback()));
    if is_own(whole, client, to) {
        let other = server.map(|(other, _)| *other);
        return Some((Reason::OwnAddress(to), other));
    }
    let (other, line) = *server?;
    let server = host.members[other].whole()?;
    let (own, greeting) = (name(whole, client)?, greeting(server, line)?);
    let is_itself = std::ptr::eq(server, whole);
    let reason = || if is_itself { Reason::Itself } else { Reason::OwnName(host.called(other)) };
    (own == greeting).then(|| (reason(), Some(other)))
}

/// The name by which the server greets whose entry begins in that line.
fn greeting(whole: &Whole, line: usize) -> Option<Name> {
    let entry = service(whole, line)?;
    match entry.command.as_slice() {
        b"smtpd" => name(whole, entry),
        // It hands connections over to this one.
        b"postscreen" => {
            let services = whole.master_cf.as_ref().ok()?.services();
            let behind = services.iter().find(|service| service.service_type == ServiceType::Pass)?;
            name(whole, behind)
        }
        _ => None,
    }
}

/// myhostname for a service; None if it cannot be told.
fn name(whole: &Whole, service: &Service) -> Option<Name> {
    match overridden(service, b"myhostname") {
        Some(value) => (!value.contains(&b'$')).then(|| Name::Set(value.to_ascii_lowercase())),
        None if whole.parameters.main_cf().get(b"myhostname").is_none() => {
            Some(Name::OfHost(whole.parameters.own("mydomain")))
        }
        None => {
            let own = whole.parameters.own("myhostname")?;
            Some(Name::Set(own.into_vec().to_ascii_lowercase()))
        }
    }
}

/// Does smtp(8) take this address for its own? Of those of all interfaces, only the usual ones of the loopback are known.
fn is_own(whole: &Whole, client: &Service, to: IpAddr) -> bool {
    let of_main_cf = || whole.parameters.known("inet_interfaces").map(OsString::into_vec);
    let interfaces = overridden(client, b"inet_interfaces").map(<[u8]>::to_vec).or_else(of_main_cf);
    let is_usual = to == IpAddr::V4(Ipv4Addr::LOCALHOST) || to == IpAddr::V6(Ipv6Addr::LOCALHOST);
    split_list(&interfaces.unwrap_or_default()).any(|word| match word.to_ascii_lowercase().as_slice() {
        b"all" | b"loopback-only" => is_usual,
        _ => literal(word) == Some(to),
    })
}

/// What a service sets a parameter to for itself.
fn overridden<'s>(service: &'s Service, name: &[u8]) -> Option<&'s [u8]> {
    service.overrides().filter(|(set, _)| *set == name).map(|(_, value)| value).last()
}

/// The smtp(8) that is called for a transport.
fn client<'w>(whole: &'w Whole, transport: &[u8]) -> Option<&'w Service> {
    let services = whole.master_cf.as_ref().ok()?.services().iter();
    let mut services = services.filter(|service| service.service_type == ServiceType::Unix);
    services.find(|service| service.name == transport && service.command == b"smtp")
}

fn split(value: &[u8]) -> (&[u8], &[u8]) {
    match value.iter().position(|byte| *byte == b':') {
        Some(colon) => (&value[..colon], &value[colon + 1..]),
        None => (value, b""),
    }
}

/// The address of a next hop, if it is one, and if port 25 is meant.
fn address(next_hop: &[u8]) -> Option<IpAddr> {
    if let Some(address) = literal(next_hop) {
        return Some(address);
    }
    let colon = next_hop.iter().rposition(|byte| *byte == b':')?;
    let port = &next_hop[colon + 1..];
    literal(&next_hop[..colon]).filter(|_| port == b"25" || port == b"smtp")
}
