//! The names of TCP ports: `/etc/services`.

use super::file;
use super::root::Root;
use rustc_hash::FxHashMap;
use std::path::Path;
use std::sync::OnceLock;

/// The names of TCP ports below a root. The file is read when the first name is asked for.
#[derive(Debug)]
pub struct Services<'a> {
    root: &'a Root,
    ports: OnceLock<FxHashMap<Vec<u8>, u16>>,
}

impl<'a> Services<'a> {
    pub fn of(root: &'a Root) -> Services<'a> {
        Services { root, ports: OnceLock::new() }
    }

    /// The number of the port with that name. A file that cannot be read names none.
    pub fn port(&self, name: &[u8]) -> Option<u16> {
        let read = || parse(&file::read(self.root, Path::new("/etc/services")).unwrap_or_default());
        self.ports.get_or_init(read).get(name).copied()
    }
}

/// Lines are `name port/protocol alias...`, and a `#` begins a comment. Of two with the same name, the first counts.
fn parse(bytes: &[u8]) -> FxHashMap<Vec<u8>, u16> {
    let mut ports = FxHashMap::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let text = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let (Some(name), Some(place)) = (words.next(), words.next()) else { continue };
        let port = std::str::from_utf8(place).ok().and_then(|place| place.strip_suffix("/tcp")?.parse().ok());
        for name in port.iter().flat_map(|_| std::iter::once(name).chain(words.clone())) {
            port.map(|port| ports.entry(name.to_vec()).or_insert(port));
        }
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_of_tcp_ports() {
        let ports = parse(
            b"smtp\t\t25/tcp mail # x\n#a 1/tcp\nb 2/udp\nc 3/tcp\nc 4/tcp\nd 70000/tcp\ne\nsmtps 465/tcp  ssmtp",
        );
        let mut found: Vec<_> = ports.iter().map(|(name, port)| (str::from_utf8(name).unwrap(), *port)).collect();
        found.sort();
        assert_eq!(found, [("c", 3), ("mail", 25), ("smtp", 25), ("smtps", 465), ("ssmtp", 465)]);
    }
}
