//! Mail that nobody delivers, and queues that can take none.

use super::finding::{Check, Finding, Findings, Severity};
use super::host::{Host, Whole};
use super::lists::{alternates, init_first};
use crate::action::hint::quoted;
use crate::instance::parameters::{Parameters, main_cf};
use crate::instance::running::is_running;
use crate::system::directory::SystemError;
use crate::system::log::printable;
use crate::system::space::{Space, space};
use indexmap::IndexMap;
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};

/// Room for less than this, and less than one in twenty, is nearly none: in bytes, and in files.
const LITTLE: u64 = 1 << 30;
const FEW_FILES: u64 = 100_000;

/// How large a message may be, unless main.cf says otherwise, in bytes.
const MESSAGE_SIZE_LIMIT: u64 = 10_240_000;

/// Instances that are disabled or deported, but have mail, or still run.
pub fn waiting(host: &Host, findings: &mut Findings) {
    let root = host.postfix.root;
    let disabled = host.in_focus().filter(|(_, whole)| !whole.instance.enabled);
    for (member, whole) in disabled.filter(|(member, _)| !host.has_queue_of_another(*member)) {
        match is_running(root, whole.instance) {
            Ok(true) => findings.add(running(host, member, whole)),
            Ok(false) => match host.messages(Path::new(&whole.instance.queue_directory)) {
                Ok(found) if found.is_empty() => {}
                Ok(found) => {
                    let reason = format!("it is disabled and stopped, and has mail: {}", counted(&found));
                    let [enable, start] = ["-e enable", "-p start"].map(|words| host.command(member, words));
                    let finding = warning(Check::Mail, member, reason, format!("{enable} && {start}"));
                    findings.add(finding.at(whole.parameters.place("multi_instance_enable")));
                }
                Err(error) => unseen(member, error, findings),
            },
            Err(error) => unseen(member, error, findings),
        }
    }
    deported(host, findings);
}

fn running(host: &Host, member: usize, whole: &Whole) -> Finding {
    let reason = "it runs though it is disabled: 'postmulti -p stop' passes it over".to_owned();
    let finding = warning(Check::Running, member, reason, host.command(member, "-x postfix stop"));
    finding.at(whole.parameters.place("multi_instance_enable"))
}

/// Mail in the queues of directories that are on `alternate_config_directories` only.
fn deported(host: &Host, findings: &mut Findings) {
    let root = host.postfix.root;
    let queues: FxHashSet<&PathBuf> = host.whole().map(|(_, whole)| &whole.places[1]).collect();
    for directory in alternates(host) {
        let mut buffer = Vec::new();
        let parameters = Parameters::read(host.postfix, &directory, &mut buffer).1.ok();
        let Some(queue) = parameters.and_then(|parameters| parameters.own("queue_directory")) else { continue };
        // Another configuration of an instance that is listed.
        if host.index_of(&directory).is_some() || queues.contains(&root.resolve(Path::new(&queue))) {
            continue;
        }
        match host.messages(Path::new(&queue)) {
            Ok(found) if found.is_empty() => {}
            Ok(found) => {
                let reason = format!("{} is deported, and has mail: {}", printable(&directory), counted(&found));
                let (init, postmulti) = (init_first(host), host.postmulti());
                let remedy = format!("{init}{postmulti} -e import config_directory={}", quoted(&directory));
                findings.add(warning(Check::Mail, 0, reason, remedy).in_file(main_cf(&directory)));
            }
            Err(error) => unseen(0, error, findings),
        }
    }
}

fn counted(found: &[(&'static str, usize)]) -> String {
    found.iter().map(|(queue, number)| format!("{number} in {queue}")).collect::<Vec<_>>().join(", ")
}

fn unseen(member: usize, error: SystemError, findings: &mut Findings) {
    if error.is_denied() {
        findings.unseen(member, error);
    }
}

fn warning(check: Check, member: usize, reason: String, remedy: String) -> Finding {
    Finding::new(Severity::Warning, check, member, reason, remedy)
}

/// File systems that are nearly full, each told once, of the first instance whose queue is there.
pub fn disk_space(host: &Host, findings: &mut Findings) {
    let mut systems: IndexMap<u64, (Space, Vec<(usize, u64)>)> = IndexMap::new();
    for (member, whole) in host.enabled() {
        // What is missing is told elsewhere.
        if let Ok(space) = space(host.postfix.root, Path::new(&whole.instance.queue_directory)) {
            systems.entry(space.device).or_insert((space, Vec::new())).1.push((member, needed(whole)));
        }
    }
    for (space, members) in systems.into_values() {
        // The first of those that need most.
        let most = members.iter().map(|(_, needed)| *needed).max().unwrap_or_default();
        let Some((member, needed)) = members.iter().find(|(_, needed)| *needed == most).copied() else { continue };
        let Some((severity, reason, option)) = judge(&space, needed) else { continue };
        let Some(whole) = host.members[member].whole() else { continue };
        let queue = PathBuf::from(&whole.instance.queue_directory);
        let remedy = format!("df {option} {}", host.path(&queue));
        let finding = Finding::new(severity, Check::DiskSpace, member, reason, remedy);
        findings.add(finding.with(members.into_iter().map(|(other, _)| other)).in_file(queue));
    }
}

/// What smtpd(8) wants to be free, in bytes, before it takes a message.
fn needed(whole: &Whole) -> u64 {
    let number = |name| whole.parameters.own(name).and_then(|value| value.to_str()?.parse::<u64>().ok());
    let message = number("message_size_limit").unwrap_or(MESSAGE_SIZE_LIMIT);
    number("queue_minfree").unwrap_or_default().max(message.saturating_add(message / 2))
}

/// Is there too little room on a file system for a queue whose instance needs so much, in bytes?
///
/// How much is free is not told: it changes while one looks. An option of df(1) shows it.
fn judge(space: &Space, needed: u64) -> Option<(Severity, String, &'static str)> {
    const BYTES: &str = "-h";
    const FILES: &str = "-i";
    let is_little = |free: u64, all: u64, little: u64| free < little && free < all / 20;
    let (severity, reason, option) = if space.free <= needed {
        let megabytes = needed.div_ceil(1_000_000);
        (
            Severity::Error,
            format!("no more than {megabytes} MB are free on its file system, so that it takes no mail"),
            BYTES,
        )
    } else if space.files > 0 && space.free_files == 0 {
        (Severity::Error, "its file system can hold no more files, so that it takes no mail".to_owned(), FILES)
    } else if is_little(space.free, space.size, LITTLE) {
        (Severity::Warning, "its file system is nearly full: less than 5 % and than 1 GiB are free".to_owned(), BYTES)
    } else if is_little(space.free_files, space.files, FEW_FILES) {
        (Severity::Warning, "its file system can hold few more files: less than 5 % are left".to_owned(), FILES)
    } else {
        return None;
    };
    Some((severity, reason, option))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_is_full_before_nothing_is_free() {
        let space =
            |free: u64, size: u64, free_files: u64, files: u64| Space { device: 1, size, free, files, free_files };
        let judged = |space: Space| judge(&space, 15_360_000).map(|(severity, ..)| severity);
        const GB: u64 = 1_000_000_000;
        assert_eq!(judged(space(15_360_000, GB, 9, 9)), Some(Severity::Error));
        assert_eq!(judged(space(16_000_000, GB, 9, 9)), Some(Severity::Warning));
        assert_eq!(judged(space(40_000_000, 8 * GB / 10, 9, 9)), None);
        assert_eq!(judged(space(39_999_999, 8 * GB / 10, 9, 9)), Some(Severity::Warning));
        assert_eq!(judged(space(2 * GB, 1000 * GB, 9, 9)), None);
        assert_eq!(judged(space(2 * GB, 2 * GB, 0, 9)), Some(Severity::Error));
        let shown_by = |space: Space| judge(&space, 15_360_000).unwrap().2;
        assert_eq!([space(1, GB, 0, 9), space(2 * GB, 2 * GB, 0, 9)].map(shown_by), ["-h", "-i"]);
        assert_eq!(judged(space(2 * GB, 2 * GB, 0, 0)), None);
        assert_eq!(judged(space(2 * GB, 2 * GB, 4, 100)), Some(Severity::Warning));
        assert_eq!(judged(space(2 * GB, 2 * GB, 5, 100)), None);
        assert_eq!(judged(space(2 * GB, 2 * GB, 200_000, 1 << 30)), None);
    }
}
