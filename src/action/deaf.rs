//! Enabled secondary instances whose network services are all disabled, as `-e create` leaves them, and what to type to
//! change that.

use crate::config::master_cf::{MasterCf, Service, ServiceType};
use crate::instance::Instance;
use crate::instance::listeners::{Host, Listener, listeners, listeners_if_disabled};
use crate::instance::parameters::{Parameters, Postfix};
use crate::instance::primary::Primary;
use crate::system::file;
use crate::system::log::printable;
use crate::system::services::Services;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// An enabled instance, with the files that say where it listens.
#[derive(Clone, Copy)]
pub struct Enabled<'a> {
    pub instance: &'a Instance,
    pub parameters: &'a Parameters<'a>,
    pub master_cf: &'a MasterCf,
}

/// A secondary whose `master_service_disable` is `inet`, which seems not to be meant.
pub struct Deaf<'a> {
    pub instance: &'a Instance,
    /// The network service that its administrator has added; None if it is as `-e create` made it.
    added: Option<&'a Service>,
    obstacle: Option<Obstacle>,
}

/// Why its network services must not be enabled as they are.
enum Obstacle {
    /// Another enabled instance, by its label, listens on this address and port: a connection would go to either of them.
    Taken(Listener, String),
    /// Only postconf(1) can tell where the services would listen.
    Unknown,
}

impl Enabled<'_> {
    fn sets(&self, name: &str, value: &str) -> bool {
        self.parameters.own(name).is_some_and(|own| own == value)
    }
}

impl<'a> Deaf<'a> {
    /// Finds those among all enabled instances.
    pub fn find(enabled: &[Enabled<'a>], postfix: &Postfix, primary: &Primary) -> Vec<Deaf<'a>> {
        let is_deaf = |one: &&Enabled| !one.instance.primary && one.sets("master_service_disable", "inet");
        let deaf: Vec<&Enabled> = enabled.iter().filter(is_deaf).collect();
        let Some(prototype) = (!deaf.is_empty()).then(|| prototype(postfix, primary)).flatten() else {
            return Vec::new();
        };
        let services = Services::of(postfix.root);
        let labelled = |listeners: Option<Vec<Listener>>, instance: &Instance| {
            let label = printable(instance.label());
            listeners.unwrap_or_default().into_iter().map(move |listener| (listener, label.clone()))
        };
        let listeners_of = |one: &Enabled| listeners(one.parameters, one.master_cf, &services);
        let mut taken: Vec<_> = enabled.iter().flat_map(|one| labelled(listeners_of(one), one.instance)).collect();
        let mut found = Vec::new();
        for one in deaf {
            let Enabled { instance, parameters, master_cf } = *one;
            let mut added = added(master_cf, &prototype).peekable();
            let is_fresh = added.peek().is_none() && one.sets("authorized_submit_users", "");
            let added = added.find(|service| service.service_type == ServiceType::Inet);
            if !is_fresh && added.is_none() {
                continue;
            }
            let wanted = listeners_if_disabled(b"", parameters, master_cf, &services);
            let obstacle = match &wanted {
                Some(wanted) => Obstacle::find(wanted, &taken),
                None => Some(Obstacle::Unknown),
            };
            found.push(Deaf { instance, added, obstacle });
            // The advice may be followed for all of them.
            taken.extend(labelled(wanted, instance));
        }
        found
    }

    /// Returns true if it is as `-e create` made it: no mail can come in.
    pub fn is_fresh(&self) -> bool {
        self.added.is_none()
    }

    /// The problem, in words.
    pub fn reason(&self) -> String {
        match self.added {
            None => "it is as -e create made it: it listens nowhere, and no user may submit mail".to_owned(),
            Some(Service { name, line, .. }) => {
                let name = printable(OsStr::from_bytes(name));
                format!("all its inet services are disabled, also {name} (line {line} of its master.cf)")
            }
        }
    }

    /// The commands to type, given the command line that runs a command for the instance.
    ///
    /// It is safe where the instance runs already: where another instance listens, its address or port comes first, and
    /// nothing is reloaded.
    pub fn advice(&self, command: impl Fn(&str) -> String) -> String {
        let submit = if self.is_fresh() { " 'authorized_submit_users = root'" } else { "" };
        let open = command(&format!("-x postconf -e 'master_service_disable ='{submit}"));
        let why = match &self.obstacle {
            None => return open,
            Some(Obstacle::Taken(listener, other)) => format!("since {other} listens on {listener}"),
            Some(Obstacle::Unknown) => "since only postconf(1) can tell where it would listen".to_owned(),
        };
        let address = command("-x postconf -e 'inet_interfaces = ADDRESS'");
        format!("first give each its own address, {why}: {address}; or another port in its master.cf; then: {open}")
    }
}

impl Obstacle {
    fn find(wanted: &[Listener], taken: &[(Listener, String)]) -> Option<Obstacle> {
        let (listener, label) = taken.iter().find(|(other, _)| wanted.iter().any(|own| meet(own, other)))?;
        Some(Obstacle::Taken(listener.clone(), label.clone()))
    }
}

/// The master.cf that new instances get a copy of; None if it cannot be read.
fn prototype(postfix: &Postfix, primary: &Primary) -> Option<MasterCf> {
    let path = Path::new(&primary.shared.meta_directory).join("master.cf.proto");
    file::read(postfix.root, &path).ok().map(MasterCf::parse)
}

/// The services that the prototype has not, by type and name.
fn added<'m>(master_cf: &'m MasterCf, prototype: &MasterCf) -> impl Iterator<Item = &'m Service> {
    let is_same = |one: &Service, other: &Service| one.service_type == other.service_type && one.name == other.name;
    let is_known = move |service: &Service| prototype.services().iter().any(|known| is_same(known, service));
    master_cf.services().iter().filter(move |service| !is_known(service))
}

/// Returns true if one connection could go to either of two listeners.
fn meet(one: &Listener, other: &Listener) -> bool {
    let is_same_host = || match (&one.host, &other.host) {
        (Host::Address(one), Host::Address(other)) => {
            one == other || (one.is_ipv4() == other.is_ipv4() && (one.is_unspecified() || other.is_unspecified()))
        }
        (one, other) => one == other,
    };
    one.port == other.port && is_same_host()
}
