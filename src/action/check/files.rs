//! What is wrong in a main.cf or master.cf, line by line, and what an interrupted edit has left beside it.

use super::finding::{Check, Finding, Findings, Severity};
use super::host::{Host, Whole};
use crate::config::{main_cf, master_cf};
use crate::instance::parameters::{self, FileError, Place, Problem};
use crate::instance::postconf::AskError;
use crate::instance::scan::LoadError;
use crate::system::directory::{Directory, SystemError, kind};
use crate::system::file;
use crate::system::log::printable;
use crate::system::root::Root;
use nix::fcntl::OFlag;
use nix::sys::stat::SFlag;
use std::ffi::OsStr;
use std::fs::TryLockError;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// It takes no longer than this to lock a file that has been made for that.
const MOMENT: Duration = Duration::from_secs(1);

pub fn look(host: &Host, findings: &mut Findings) {
    for (index, member) in host.members.iter().enumerate() {
        match &member.state {
            Ok(whole) => {
                main_cf(index, whole, findings);
                master_cf(host, index, whole, findings);
                ["main.cf.tmp", "master.cf.tmp"].iter().for_each(|name| temporary(host, index, whole, name, findings));
            }
            Err(error) => broken(host, index, error, findings),
        }
    }
}

/// A secondary whose main.cf cannot be used.
fn broken(host: &Host, member: usize, error: &LoadError, findings: &mut Findings) {
    let directory = host.members[member].config_directory;
    let file = parameters::main_cf(directory);
    let deport = || host.command(member, "-e deport");
    let (line, reason, remedy) = match error {
        LoadError::File(FileError::Read(error)) if error.is_denied() => return findings.unseen(member, error),
        LoadError::File(FileError::Read(error)) => match file::exists(host.postfix.root, Path::new(directory)) {
            Ok(false) => {
                let place = host.members[0].whole().map(|whole| whole.parameters.place("multi_instance_directories"));
                let reason = format!("{} is listed, and there is no such directory", printable(directory));
                let finding = Finding::new(Severity::Error, Check::Broken, member, reason, deport());
                return findings.add(Finding { place, ..finding });
            }
            _ => {
                (None, error.to_string(), format!("restore the file, or take the instance off the list: {}", deport()))
            }
        },
        LoadError::File(FileError::Malformed { line, reason, text, .. }) => {
            (Some(*line), format!("{reason}: \"{text}\""), "mend the line, or put a # in front of it".to_owned())
        }
        LoadError::Value(error) if matches!(error.problem, Problem::Ask(AskError::NotAsked)) => {
            let reason = format!("{}: {}, so nothing more is known of this instance", error.name, error.problem);
            let remedy = "write the value without that reference";
            let finding = Finding::new(Severity::Note, Check::Broken, member, reason, remedy);
            return findings.add(finding.at(error.place.clone()));
        }
        LoadError::Value(error) => {
            (error.place.line, format!("{}: {}", error.name, error.problem), "mend the value".to_owned())
        }
        LoadError::Boolean { line, value, .. } => {
            (*line, format!("multi_instance_enable = {value} is neither yes nor no"), "set it to yes or no".to_owned())
        }
    };
    let finding = Finding::new(Severity::Error, Check::Broken, member, reason, remedy);
    findings.add(finding.at(Place { file, line }));
}

fn main_cf(member: usize, whole: &Whole, findings: &mut Findings) {
    let file = parameters::main_cf(&whole.instance.config_directory);
    let main_cf = whole.parameters.main_cf();
    if whole.parameters.is_empty() && !whole.instance.primary {
        let reason = "it sets no parameter, as a file that was lost in a crash";
        let finding = Finding::new(Severity::Warning, Check::Broken, member, reason, "restore the file");
        findings.add(finding.at(Place { file: file.clone(), line: None }));
    }
    for repeated in main_cf.repeated() {
        let name = printable(OsStr::from_bytes(&repeated.name));
        let lines: Vec<String> = repeated.lines.iter().map(usize::to_string).collect();
        let last = repeated.lines.last().copied();
        let (severity, reason) = match repeated.differs {
            true => (Severity::Warning, format!("{name} is set to different values, in lines {}", lines.join(" and "))),
            false => (Severity::Note, format!("{name} is set more than once, in lines {}", lines.join(" and "))),
        };
        let remedy = format!("remove all but one; line {} counts", lines.last().map_or("", String::as_str));
        let finding = Finding::new(severity, Check::Repeated, member, reason, remedy);
        findings.add(finding.at(Place { file: file.clone(), line: last }));
    }
    for finding in main_cf.findings() {
        let (line, reason, remedy) = match finding {
            main_cf::Finding::Orphan { line, text } => (Some(*line), orphan(text), "remove the blanks before it"),
            main_cf::Finding::Nul { first, .. } => {
                (Some(*first), "text after a NUL byte is lost".to_owned(), "remove the NUL byte")
            }
            main_cf::Finding::Override { .. } | main_cf::Finding::Malformed { .. } => continue,
        };
        let finding = Finding::new(Severity::Warning, Check::Broken, member, reason, remedy);
        findings.add(finding.at(Place { file: file.clone(), line }));
    }
}

fn orphan(text: &[u8]) -> String {
    format!("a first line that begins with a blank counts for nothing: \"{}\"", printable(OsStr::from_bytes(text)))
}

fn master_cf(host: &Host, member: usize, whole: &Whole, findings: &mut Findings) {
    let file = whole.master_cf_path();
    let master_cf = match &whole.master_cf {
        Ok(master_cf) => master_cf,
        Err(error) if error.is_denied() => return findings.unseen(member, error),
        Err(error) => {
            let prototype = Path::new(&host.primary.shared.meta_directory).join("master.cf.proto");
            let copy = format!("cp {} {}", host.path(&prototype), host.path(&file));
            let remedy = format!("restore the file; or take the stock one, which listens on port 25: {copy}");
            let finding = Finding::new(Severity::Error, Check::Broken, member, error.to_string(), remedy);
            return findings.add(finding.in_file(file));
        }
    };
    for finding in master_cf.findings() {
        let text = |bytes: &[u8]| printable(OsStr::from_bytes(bytes));
        let (severity, line, reason) = match (finding, finding.defect()) {
            (_, Some((line, defect))) => (Severity::Error, Some(line), text(&defect)),
            (master_cf::Finding::Orphan { line, text }, _) => (Severity::Warning, Some(*line), orphan(text)),
            (master_cf::Finding::Argument { line, complaint }, _) => (Severity::Warning, Some(*line), text(complaint)),
            _ => continue,
        };
        let remedy = "mend the entry, or put a # in front of it";
        let finding = Finding::new(severity, Check::Broken, member, reason, remedy);
        findings.add(finding.at(Place { file: file.clone(), line }));
    }
}

/// What is left of an edit that was interrupted: not what somebody holds the lock of.
fn temporary(host: &Host, member: usize, whole: &Whole, name: &str, findings: &mut Findings) {
    let directory = Path::new(&whole.instance.config_directory);
    let path = directory.join(name);
    // Between making it and locking it, somebody may still be at it.
    let is_old = || {
        let status = host.postfix.root.metadata(&path).and_then(|status| status.modified());
        status.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > MOMENT))
    };
    match is_locked(host.postfix.root, directory, name) {
        Ok(Some(false)) if is_old() => {
            let remedy = format!("rm {}", host.path(&path));
            let reason = "an edit was interrupted and has left this file";
            findings.add(Finding::new(Severity::Note, Check::Temporary, member, reason, remedy).in_file(path));
        }
        Err(error) if error.is_denied() => findings.unseen(member, error),
        _ => {}
    }
}

/// Does somebody hold the lock of this file? None if there is no such file.
fn is_locked(root: &Root, directory: &Path, name: &str) -> Result<Option<bool>, SystemError> {
    let directory = Directory::open(root, directory)?;
    let found = directory.look_at(OsStr::new(name))?;
    if found.is_none_or(|found| kind(&found) != SFlag::S_IFREG) {
        return Ok(None);
    }
    let file = directory.open_file(OsStr::new(name), OFlag::O_RDONLY | OFlag::O_NONBLOCK)?;
    Ok(Some(matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))))
}

/// May somebody be at the main.cf in a directory, as far as can be told?
pub fn is_edited(host: &Host, directory: &Path) -> bool {
    !matches!(is_locked(host.postfix.root, directory, "main.cf.tmp"), Ok(None | Some(false)))
}
