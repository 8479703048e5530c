//! Instances that systemd does not start at boot: where each instance has a unit of its own, as in Debian 13 and later.
//!
//! There `postfix.service` runs the primary alone, and `postfix@NAME.service` the instance in `/etc/postfix-NAME`. Debian
//! 12 makes the links to its units at boot.

use super::finding::{Check, Finding, Findings, Severity};
use super::host::Host;
use crate::action::hint::quoted;
use crate::instance::Instance;
use crate::system::directory::Directory;
use crate::system::file;
use crate::system::root::Root;
use rustc_hash::FxHashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Exists where systemd runs (sd_booted(3)).
const RUNS: &str = "/run/systemd/system";
/// Where units and links to them are, the first place counts (systemd.unit(5)).
const PLACES: [&str; 4] = ["/etc/systemd/system", RUNS, "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];
/// Where generators make links at boot.
const GENERATED: [&str; 3] = ["/run/systemd/generator.early", "/run/systemd/generator", "/run/systemd/generator.late"];
/// Lines of units that serve one instance only.
const OF_PRIMARY: &[u8] = b"\nEnvironment=MAIL_CONFIG=/etc/postfix\n";
const OF_INSTANCE: &[u8] = b"\nEnvironment=MAIL_CONFIG=/etc/postfix-%I\n";
/// The beginning of the configuration directories of such instances.
const PREFIX: &[u8] = b"/etc/postfix-";

pub fn look(host: &Host, findings: &mut Findings) {
    let root = host.postfix.root;
    if !root.is_host() || host.primary.secondaries.is_empty() || root.metadata(Path::new(RUNS)).is_err() {
        return;
    }
    let Some(units) = Units::find(root) else { return };
    for (member, whole) in host.enabled() {
        let Some(unit) = unit(whole.instance).filter(|unit| !units.enabled.contains(OsStr::new(unit))) else {
            continue;
        };
        let reason = format!("its unit {unit} is not enabled, so that it does not start at boot");
        let remedy = format!("systemctl enable {}", quoted(&unit));
        findings.add(Finding::new(Severity::Warning, Check::Unit, member, reason, remedy));
    }
}

/// The units of a host on which each instance has its own.
struct Units {
    /// Those to which another unit has a link, so that it starts them.
    enabled: FxHashSet<OsString>,
}

impl Units {
    /// Returns None if the instances are started in another way.
    fn find(root: &Root) -> Option<Units> {
        let has = |unit: &str, line: &[u8]| {
            let read = |place: &&str| file::read(root, &Path::new(place).join(unit)).ok();
            let text = PLACES.iter().find_map(read)?;
            memchr::memmem::find(&text, line)
        };
        has("postfix.service", OF_PRIMARY)?;
        has("postfix@.service", OF_INSTANCE)?;
        if PLACES.iter().any(|place| is_changed(root, &Path::new(place).join("postfix.service.d"))) {
            return None;
        }
        let enabled = PLACES.iter().chain(&GENERATED).flat_map(|place| links(root, Path::new(place))).collect();
        Some(Units { enabled })
    }
}

/// Returns true if a file in a directory changes what a unit runs.
fn is_changed(root: &Root, directory: &Path) -> bool {
    let runs = |name: &OsString| {
        let text = file::read(root, &directory.join(name)).unwrap_or_default();
        memchr::memmem::find(&text, b"\nExecStart=").is_some()
    };
    names(root, directory).iter().any(runs)
}

fn names(root: &Root, directory: &Path) -> Vec<OsString> {
    Directory::open(root, directory).and_then(|directory| directory.names()).unwrap_or_default()
}

/// The names in the directories in which units have links to others that they start.
fn links(root: &Root, place: &Path) -> Vec<OsString> {
    let is_of_links =
        |name: &&OsString| [".wants", ".requires"].iter().any(|end| name.as_bytes().ends_with(end.as_bytes()));
    names(root, place).iter().filter(is_of_links).flat_map(|name| names(root, &place.join(name))).collect()
}

/// The unit that starts an instance; None if there can be none.
fn unit(instance: &Instance) -> Option<String> {
    if instance.primary {
        return Some("postfix.service".to_owned());
    }
    let name = instance.config_directory.as_bytes().strip_prefix(PREFIX)?;
    Some(format!("postfix@{}.service", escaped(name)))
}

/// A string as a part of the name of a unit, as systemd-escape(1) writes it.
fn escaped(bytes: &[u8]) -> String {
    let escape = |(at, byte): (usize, &u8)| match byte {
        b'/' => "-".to_owned(),
        b'.' if at == 0 => r"\x2e".to_owned(),
        b'.' | b':' | b'_' => char::from(*byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
        byte => format!(r"\x{byte:02x}"),
    };
    bytes.iter().enumerate().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A root with the units of Debian 13, in which each of these files has a text.
    fn root(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let directory = tempfile::tempdir().unwrap();
        let units = [
            ("usr/lib/systemd/system/postfix.service", "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix\n"),
            ("usr/lib/systemd/system/postfix@.service", "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix-%I\n"),
        ];
        for (file, text) in units.iter().chain(files) {
            let path = directory.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let root = Root::image(directory.path()).unwrap();
        (directory, root)
    }

    /// The enabled units that a root has with these files; None if its instances have no units of their own.
    fn enabled(files: &[(&str, &str)]) -> Option<Vec<String>> {
        let (_directory, root) = root(files);
        let enabled = Units::find(&root)?.enabled;
        let mut enabled: Vec<String> = enabled.into_iter().map(|unit| unit.into_string().unwrap()).collect();
        enabled.sort();
        Some(enabled)
    }

    #[test]
    fn unit_enabled_by_any_link_of_another_unit() {
        assert_eq!(enabled(&[]), Some(Vec::new()));
        let links = [
            ("etc/systemd/system/multi-user.target.wants/postfix.service", ""),
            ("run/systemd/system/mail.target.requires/postfix@a.service", ""),
            ("usr/lib/systemd/system/postfix.service.wants/postfix@b.service", ""),
            ("run/systemd/generator/postfix.service.wants/postfix@c.service", ""),
            ("etc/systemd/system/postfix@d.service", ""),
            ("etc/systemd/system/postfix@e.service.d/limits.conf", ""),
        ];
        let all = ["postfix.service", "postfix@a.service", "postfix@b.service", "postfix@c.service"];
        assert_eq!(enabled(&links), Some(all.map(str::to_owned).to_vec()));
    }

    #[test]
    fn units_unknown_where_they_start_instances_in_another_way() {
        for (unit, text) in [
            ("usr/lib/systemd/system/postfix@.service", "[Service]\nExecStart=/usr/sbin/postmulti -i %i -p start\n"),
            ("etc/systemd/system/postfix.service", "[Service]\nExecStart=/usr/sbin/postfix start\n"),
            ("etc/systemd/system/postfix.service.d/all.conf", "[Service]\nEnvironment=\nExecStart=\n"),
        ] {
            assert_eq!(enabled(&[(unit, text)]), None, "{unit}");
        }
        let harmless = "[Unit]\nAfter=network-online.target\n";
        assert!(enabled(&[("etc/systemd/system/postfix.service.d/network.conf", harmless)]).is_some());
    }

    /// Compared with systemd-escape(1).
    #[test]
    fn unit_name_escaped() {
        assert_eq!(escaped(b"out"), "out");
        assert_eq!(escaped(b"a-b_c.d:e"), r"a\x2db_c.d:e");
        assert_eq!(escaped(b".a@\xe9/b"), r"\x2ea\x40\xe9-b");
    }
}
