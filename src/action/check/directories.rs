//! The directories of an instance: that they are its own, that they are there, and whose they are.

use super::finding::{Check, Finding, Findings, Severity};
use super::host::{Host, Whole};
use crate::action::private_files::{self, NotFollowed};
use crate::change::plan::Permissions;
use crate::config::postfix_files::{Entry, Kind};
use crate::instance::Instance;
use crate::instance::conflicts::Conflict;
use crate::system::directory::{Directory, OTHERS_WRITE, SystemError, kind, mode};
use crate::system::file;
use crate::system::log::printable;
use nix::sys::stat::{FileStat, SFlag};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The file in a data directory that master(8) opens for reading and writing, as the mail_owner, before it starts.
const MASTER_LOCK: &str = "master.lock";
/// The bits of a mode by which another user than the owner may do so.
const OTHERS_READ_WRITE: u32 = 0o006;

/// Names and directories that two instances claim.
pub fn conflicts(host: &Host, findings: &mut Findings) {
    for conflict in &host.conflicts {
        let (later, first) = conflict.claims();
        let (member, other) = (host.index_of(&later.config_directory), host.index_of(&first.config_directory));
        let (Some(member), Some(other)) = (member, other) else { continue };
        let remedy = match later.parameter {
            "config_directory" => "take one of them off multi_instance_directories".to_owned(),
            "multi_instance_name" => "give one of them another multi_instance_name".to_owned(),
            parameter => format!("give one of them another {parameter}, and move there what is its own"),
        };
        // The original serves both, and neither does harm to the other.
        let severity = if matches!(conflict, Conflict::Inside { .. }) { Severity::Warning } else { Severity::Error };
        let finding = Finding::new(severity, Check::Conflict, member, conflict.to_string(), remedy);
        let place = host.members[member].whole().map(|whole| whole.parameters.place(later.parameter));
        findings.add(Finding { place, ..finding.with([other]) });
    }
}

/// Queue directories that are missing, and private directories with the wrong owner or mode.
pub fn permissions(host: &Host, findings: &mut Findings) {
    let with_queue: Vec<(usize, &Whole)> = host.in_focus().filter(|found| has_queue(host, *found, findings)).collect();
    let entries = match private_files::read(host.postfix, host.primary) {
        Ok(Ok(entries)) => entries.into_iter().filter(|entry| entry.kind == Kind::Directory),
        Ok(Err(NotFollowed(reason))) => {
            return findings.add(unknown(reason));
        }
        Err(error) => return findings.unseen(0, error),
    };
    let entries: Vec<Entry> = entries.collect();
    for (member, whole) in with_queue {
        private_directories(host, member, whole, &entries, findings);
    }
}

/// Returns true if the queue directory of a member exists.
fn has_queue(host: &Host, (member, whole): (usize, &Whole), findings: &mut Findings) -> bool {
    let Instance { queue_directory, data_directory, .. } = whole.instance;
    for (parameter, value) in [("queue_directory", queue_directory), ("data_directory", data_directory)] {
        if value.is_empty() {
            findings.add(without_value(member, whole, parameter));
        }
    }
    let queue = Path::new(queue_directory);
    let found = file::exists(host.postfix.root, queue);
    match &found {
        Ok(false) if !queue_directory.is_empty() => findings.add(missing(host, member, whole, queue)),
        Err(error) => findings.unseen(member, error),
        Ok(_) => {}
    }
    found.unwrap_or(false)
}

fn unknown(reason: String) -> Finding {
    let reason = format!("whose the private directories must be is not known: {reason}");
    Finding::new(Severity::Note, Check::Permissions, 0, reason, "postfix check")
}

fn without_value(member: usize, whole: &Whole, parameter: &str) -> Finding {
    let reason = format!("{parameter} has no value, so that it does not start");
    let finding = Finding::new(Severity::Error, Check::Permissions, member, reason, format!("set {parameter}"));
    finding.at(whole.parameters.place(parameter))
}

/// A queue directory that is missing. To make it is right only if it is new: where its file system is not mounted, or main.cf
/// has the wrong path, an empty queue would hide the mail.
fn missing(host: &Host, member: usize, whole: &Whole, queue: &Path) -> Finding {
    let (severity, consequence) = match whole.instance.enabled {
        true => (Severity::Error, "it does not start"),
        false => (Severity::Warning, "'postfix start' fails, though the instance is disabled"),
    };
    let reason = format!("the queue directory {} is missing, so that {consequence}", printable(queue));
    let place = whole.parameters.place("queue_directory");
    let correct = place.line.map_or("set queue_directory".to_owned(), |line| format!("correct line {line}"));
    let make = format!("mkdir -p {} && {}", host.path(queue), set_permissions(host, member));
    let remedy = format!("mount it, or {correct}; only if it is new: {make}");
    Finding::new(severity, Check::Permissions, member, reason, remedy).at(place)
}

/// The command that gives the private directories of a member the owners and modes that Postfix wants.
fn set_permissions(host: &Host, member: usize) -> String {
    host.command(member, "-x postfix set-permissions")
}

/// Something else where a directory should be. Postfix makes none as long as it is there.
fn in_the_way(host: &Host, member: usize, path: &Path) -> Finding {
    // Without a slash at the end.
    let path: PathBuf = path.components().collect();
    let mut old = path.clone().into_os_string();
    old.push(".old");
    let [path_word, old_word] = [&*path, Path::new(&old)].map(|path| host.path(path));
    let remedy = format!("mv {path_word} {old_word} && mkdir {path_word} && {}", set_permissions(host, member));
    let reason = format!("{} is no directory", printable(&path));
    Finding::new(Severity::Error, Check::Permissions, member, reason, remedy)
}

fn private_directories(host: &Host, member: usize, whole: &Whole, entries: &[Entry], findings: &mut Findings) {
    let of_member =
        |severity, reason: String, remedy: String| Finding::new(severity, Check::Permissions, member, reason, remedy);
    let (instance, parameters) = (whole.instance, &whole.parameters);
    let wanted = match private_files::wanted(host.postfix, host.primary, instance, parameters, entries.to_vec()) {
        Ok(wanted) => wanted,
        Err(error) => {
            let remedy = "name users and groups that there are".to_owned();
            return findings.add(of_member(Severity::Error, error.to_string(), remedy));
        }
    };
    let mut wrong: Vec<(Severity, String)> = Vec::new();
    for base in [&instance.config_directory, &instance.queue_directory, &instance.data_directory].map(Path::new) {
        let is_config = *base == *instance.config_directory;
        let directory = match Directory::open(host.postfix.root, base) {
            Err(error) if error.is_denied() => {
                findings.unseen(member, error);
                continue;
            }
            Err(error) if error.not_a_directory() => {
                findings.add(in_the_way(host, member, base));
                continue;
            }
            // postfix(1) makes it when it starts, or it is told elsewhere.
            Err(_) => continue,
            Ok(directory) => directory,
        };
        for (permissions, _) in wanted.iter().filter(|(permissions, _)| permissions.place.base == base) {
            match status(&directory, &permissions.place.below) {
                Ok(Some(status)) if kind(&status) != SFlag::S_IFDIR => {
                    findings.add(in_the_way(host, member, &permissions.place.path()));
                }
                Ok(Some(status)) => {
                    wrong.extend(judge(host, permissions, &status, is_config));
                    if *permissions.place.path() == *instance.data_directory {
                        files_of_others(host, member, &directory, permissions, findings);
                    }
                }
                Ok(None) => {}
                Err(error) if error.is_denied() => findings.unseen(member, error),
                Err(error) => wrong.push((Severity::Error, error.to_string())),
            }
        }
    }
    let Some((_, first)) = wrong.first() else { return };
    let more = match wrong.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more like this"),
    };
    let severity = wrong.iter().map(|(severity, _)| *severity).max().unwrap_or(Severity::Warning);
    let remedy = set_permissions(host, member);
    findings.add(of_member(severity, format!("{first}{more}"), remedy));
}

/// Files in a data directory that have another owner, as after a backup was restored: `postfix check` warns of each, and
/// the daemon that uses it goes without. Only master(8) does not start, if that is its lock file.
fn files_of_others(host: &Host, member: usize, directory: &Directory, wanted: &Permissions, findings: &mut Findings) {
    // In an image, the name is that of one of its own users.
    let owner = if host.postfix.root.is_host() { wanted.owner.name.to_string() } else { wanted.owner.id.to_string() };
    let mut look = || {
        for name in directory.names()? {
            let status = directory.look_at(&name)?;
            let is_other = |status: &FileStat| kind(status) == SFlag::S_IFREG && status.st_uid != wanted.owner.id;
            let Some(status) = status.filter(is_other) else { continue };
            let path = wanted.place.path().join(&name);
            let remedy = format!("chown -h {owner} {}", host.path(&path));
            let mut reason = belongs(host, &status, wanted);
            let severity = match name == MASTER_LOCK && mode(&status) & OTHERS_READ_WRITE != OTHERS_READ_WRITE {
                true => Severity::Error,
                false => Severity::Warning,
            };
            if severity == Severity::Error {
                reason += ", so that the instance does not start";
            }
            findings.add(Finding::new(severity, Check::Permissions, member, reason, remedy).in_file(path));
        }
        Ok(())
    };
    look().unwrap_or_else(|error: SystemError| findings.unseen(member, error));
}

/// What there is in a base; None if there is nothing, which postfix(1) makes when it starts.
fn status(base: &Directory, below: &Path) -> Result<Option<FileStat>, SystemError> {
    match (below.parent(), below.file_name()) {
        (Some(parent), Some(name)) if parent.as_os_str().is_empty() => base.look_at(name),
        _ if below.as_os_str().is_empty() => base.look_at(OsStr::new(".")),
        _ => Ok(None),
    }
}

/// What is wrong with a directory. More to read than Postfix wants does no harm, as in the data directory of Debian; and
/// that the configuration is not for all to read is the administrator's choice.
fn judge(host: &Host, wanted: &Permissions, status: &FileStat, is_config: bool) -> Option<(Severity, String)> {
    let path = printable(wanted.place.path());
    if status.st_uid != wanted.owner.id {
        return Some((Severity::Error, format!("{path} {}", belongs(host, status, wanted))));
    }
    if let Some(group) = wanted.group.as_ref().filter(|group| group.id != status.st_gid) {
        return Some((Severity::Warning, format!("{path} has not the group {}", group.name)));
    }
    let (found, expected) = (mode(status), wanted.mode);
    let more = found & !expected & OTHERS_WRITE;
    let less = if is_config { 0 } else { expected & !found };
    (more | less != 0).then(|| (Severity::Warning, format!("{path} has the mode {found:04o}, and not {expected:04o}")))
}

fn belongs(host: &Host, status: &FileStat, wanted: &Permissions) -> String {
    let user = host.primary.accounts.user_of(status.st_uid);
    let user = user.map(|user| String::from_utf8_lossy(&user.name).into_owned());
    let user = user.unwrap_or_else(|| format!("user {}", status.st_uid));
    format!("belongs to {user}, and not to {}", wanted.owner.name)
}
