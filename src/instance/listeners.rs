//! Where master(8) listens on the network for an instance: by its master.cf and main.cf, not by the network.

use super::parameters::Parameters;
use crate::config::master_cf::{MasterCf, Service, ServiceType};
use crate::config::split_list;
use crate::system::log::printable;
use crate::system::services::Services;
use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The ports that Postfix knows by these names before it asks for others (`known_tcp_ports`).
const KNOWN_PORTS: [(&[u8], u16); 5] =
    [(b"lmtp", 24), (b"smtp", 25), (b"smtps", 465), (b"submissions", 465), (b"submission", 587)];

/// One address and port on which a service listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    pub host: Host,
    pub port: Port,
    /// The line of its entry in master.cf, from 1.
    pub line: usize,
}

/// An address, of which the unspecified ones, `0.0.0.0` and `::`, stand for all; or a name, which nobody has looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    Address(IpAddr),
    Name(OsString),
}

/// A number, or a name that has none on this host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Port {
    Number(u16),
    Name(OsString),
}

impl Listener {
    /// `ip:port`, with brackets around the colons of an IPv6 address. Names are the bytes of master.cf or main.cf.
    pub fn text(&self) -> OsString {
        let host = match &self.host {
            Host::Address(IpAddr::V6(address)) => format!("[{address}]").into(),
            Host::Address(IpAddr::V4(address)) => address.to_string().into(),
            Host::Name(name) => name.clone(),
        };
        let port = match &self.port {
            Port::Number(number) => number.to_string().into(),
            Port::Name(name) => name.clone(),
        };
        [host, ":".into(), port].into_iter().collect()
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&printable(self.text()))
    }
}

/// Where an instance listens, in the order of master.cf; None if main.cf says so in terms that only postconf(1) knows, or
/// that Postfix does not.
///
/// Of two entries for one port, master(8) uses the last one; both are here. `loopback-only` stands for the two addresses
/// that every host has, though an interface may have more of them.
///
/// What a service sets with `-o` comes too late: it is master(8) that listens, before the service is started.
pub fn listeners(parameters: &Parameters, master_cf: &MasterCf, services: &Services) -> Option<Vec<Listener>> {
    listeners_if_disabled(parameters.known("master_service_disable")?.as_bytes(), parameters, master_cf, services)
}

/// Where it would listen if `master_service_disable` were this list.
pub fn listeners_if_disabled(
    disabled: &[u8],
    parameters: &Parameters,
    master_cf: &MasterCf,
    services: &Services,
) -> Option<Vec<Listener>> {
    let [interfaces, protocols] = ["inet_interfaces", "inet_protocols"].map(|name| parameters.known(name));
    let families = Families::of(protocols?.as_bytes())?;
    let interfaces = families.hosts(interfaces?.as_bytes());
    let mut found = Vec::new();
    for service in master_cf.services() {
        if service.service_type != ServiceType::Inet || is_listed(disabled, service) {
            continue;
        }
        let (host, port) = host_port(&service.name);
        let hosts = if host.is_empty() { interfaces.clone() } else { families.host(host) };
        let port = self::port(port, services);
        found.extend(hosts.into_iter().map(|host| Listener { host, port: port.clone(), line: service.line }));
    }
    Some(found)
}

/// Does a list such as `master_service_disable` have this service? Its patterns are `type` or `name/type`, an older form
/// of which is `name.type`; the first that matches decides, and one with a `!` decides against it.
fn is_listed(list: &[u8], service: &Service) -> bool {
    let service_type = service.service_type.name().as_bytes();
    let decides = |pattern: &[u8]| {
        let parts = pattern.iter().rposition(|byte| *byte == b'/' || *byte == b'.').map(|at| pattern.split_at(at));
        match parts {
            Some((name, of_type)) => {
                name.eq_ignore_ascii_case(&service.name) && of_type[1..].eq_ignore_ascii_case(service_type)
            }
            None => pattern.eq_ignore_ascii_case(service_type),
        }
    };
    for pattern in split_list(list) {
        let bare = &pattern[pattern.iter().take_while(|byte| **byte == b'!').count()..];
        if decides(bare) {
            return (pattern.len() - bare.len()) % 2 == 0;
        }
    }
    false
}

/// `host:port`, `[host]:port` or `port`, taken apart. The host may be empty.
fn host_port(name: &[u8]) -> (&[u8], &[u8]) {
    let Some(colon) = name.iter().rposition(|byte| *byte == b':') else { return (b"", name) };
    let (host, port) = (&name[..colon], &name[colon + 1..]);
    let bare = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]"));
    (bare.unwrap_or(host), port)
}

fn port(text: &[u8], services: &Services) -> Port {
    let number = std::str::from_utf8(text).ok().and_then(|digits| digits.parse().ok());
    let known = || KNOWN_PORTS.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    let number = number.or_else(known).or_else(|| services.port(text));
    number.map_or_else(|| Port::Name(OsString::from_vec(text.to_vec())), Port::Number)
}

/// The address that a host is, if it is no name: in brackets or without.
pub fn literal(host: &[u8]) -> Option<IpAddr> {
    let bare = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host);
    let bare = bare.strip_prefix(b"ipv6:").or_else(|| bare.strip_prefix(b"IPv6:")).unwrap_or(bare);
    std::str::from_utf8(bare).ok()?.parse().ok()
}

/// The address that stands for all of the same protocol.
pub fn wildcard(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// The protocols of `inet_protocols`.
#[derive(Debug, Clone, Copy)]
struct Families {
    ipv4: bool,
    ipv6: bool,
}

impl Families {
    /// None if there is a word that is none of theirs: then Postfix does not start.
    fn of(protocols: &[u8]) -> Option<Families> {
        let mut families = Families { ipv4: false, ipv6: false };
        for word in split_list(protocols) {
            let (ipv4, ipv6) = match word {
                b"all" => (true, true),
                b"ipv4" => (true, false),
                b"ipv6" => (false, true),
                _ => return None,
            };
            families = Families { ipv4: families.ipv4 || ipv4, ipv6: families.ipv6 || ipv6 };
        }
        Some(families)
    }

    /// The hosts of `inet_interfaces`.
    fn hosts(self, interfaces: &[u8]) -> Vec<Host> {
        // These words count only if they are all there is.
        match interfaces {
            b"all" => return self.only([Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]),
            b"loopback-only" => return self.only([Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
            _ => {}
        }
        let mut hosts = Vec::new();
        for host in split_list(interfaces).flat_map(|interface| self.host(interface)) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }

    /// What a host stands for in these protocols: nothing, if its address belongs to another one.
    fn host(self, host: &[u8]) -> Vec<Host> {
        match literal(host) {
            Some(address) => self.only([address]),
            None => vec![Host::Name(OsString::from_vec(host.to_vec()))],
        }
    }

    fn only<const N: usize>(self, addresses: [IpAddr; N]) -> Vec<Host> {
        let is_one = |address: &IpAddr| if address.is_ipv4() { self.ipv4 } else { self.ipv6 };
        addresses.into_iter().filter(is_one).map(Host::Address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::parameters::Postfix;
    use crate::system::root::Root;
    use std::ffi::OsStr;

    /// Where an instance with these files listens, on a host that has neither Postfix nor /etc/services.
    fn listening(main_cf: &str, master_cf: &str) -> Option<String> {
        let root = Root::image(&std::env::temp_dir()).unwrap();
        let postfix = Postfix::recognise(&root);
        let parameters = Parameters::parse(&postfix, OsStr::new("/etc/postfix"), main_cf.as_bytes()).1.unwrap();
        let entries: String = master_cf.split_whitespace().map(|name| format!("{name} n - n - - smtpd\n")).collect();
        let master_cf = MasterCf::parse(entries.replace('|', " ").into_bytes());
        let found = listeners(&parameters, &master_cf, &Services::of(&root))?;
        Some(found.iter().map(Listener::to_string).collect::<Vec<_>>().join(" "))
    }

    fn assert_listens(main_cf: &str, master_cf: &str, expected: &str) {
        assert_eq!(listening(main_cf, master_cf).as_deref(), Some(expected), "{main_cf}");
    }

    #[test]
    fn the_address_is_that_of_the_entry_or_of_main_cf() {
        assert_listens("", "smtp|inet", "0.0.0.0:25 [::]:25");
        assert_listens("inet_protocols = ipv4", "smtp|inet 127.0.0.1:10026|inet", "0.0.0.0:25 127.0.0.1:10026");
        assert_listens("inet_interfaces = loopback-only", "submission|inet", "127.0.0.1:587 [::1]:587");
        assert_listens(
            "inet_interfaces = 192.0.2.1, [2001:db8::1] 192.0.2.1",
            "25|inet",
            "192.0.2.1:25 [2001:db8::1]:25",
        );
        assert_listens("inet_protocols = ipv6", "[::1]:26|inet ::1:27|inet 127.0.0.1:28|inet", "[::1]:26 [::1]:27");
        assert_listens(
            "inet_interfaces = mx.example.com",
            "x-nosuch|inet localhost:26|inet",
            "mx.example.com:x-nosuch localhost:26",
        );
        assert_listens("inet_interfaces =", "smtp|inet smtp|unix", "");
        assert_listens("inet_interfaces = ALL", "smtp|inet all:26|inet", "ALL:25 all:26");
        assert_listens("inet_interfaces = 127.0.0.1, all", "smtp|inet", "127.0.0.1:25 all:25");
        assert_eq!(listening("inet_protocols = IPv4", "smtp|inet"), None);
        assert_eq!(listening("inet_interfaces = $nosuch", "smtp|inet"), None);
    }

    #[test]
    fn the_first_pattern_that_matches_disables_or_spares() {
        let left = |list: &str| {
            let main_cf = format!("inet_interfaces = 127.0.0.1\nmaster_service_disable = {list}");
            listening(&main_cf, "smtp|inet 10025|inet").unwrap().replace("127.0.0.1:", "")
        };
        assert_eq!(left(""), "25 10025");
        assert_eq!(left("inet"), "");
        assert_eq!(left("unix, INET"), "");
        assert_eq!(left("smtp/inet"), "10025");
        assert_eq!(left("10025.inet smtp/unix"), "25");
        assert_eq!(left("!smtp/inet inet"), "25");
        assert_eq!(left("inet !smtp/inet"), "");
    }
}
