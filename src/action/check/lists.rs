//! What the primary says about the instances, and directories that it says nothing about.

use super::files::is_edited;
use super::finding::{Check, Finding, Findings, Severity};
use super::host::Host;
use crate::action::destroy::MARKER;
use crate::action::hint::quoted;
use crate::cli::getopt::Arguments;
use crate::cli::request::{Mode, Request};
use crate::config::{is_blank, split_list};
use crate::instance::parameters::Parameters;
use crate::instance::primary::Primary;
use crate::system::directory::Directory;
use crate::system::file;
use crate::system::log::printable;
use rustc_hash::FxHashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const LIST: &str = "multi_instance_directories";
const ALTERNATES: &str = "alternate_config_directories";

pub fn look(host: &Host, findings: &mut Findings) {
    let alternates = alternates(host);
    wrapper(host, findings);
    listed(host, &alternates, findings);
    unlisted(host, &alternates, findings);
}

/// The directories on `alternate_config_directories`.
pub fn alternates(host: &Host) -> Vec<OsString> {
    let value = host.members[0].whole().and_then(|whole| whole.parameters.known(ALTERNATES));
    split_list(value.unwrap_or_default().as_bytes()).map(|word| OsStr::from_bytes(word).to_owned()).collect()
}

/// A finding about a parameter of the primary.
fn of_primary(
    host: &Host,
    parameter: &str,
    (severity, check): (Severity, Check),
    reason: impl Into<String>,
    remedy: impl Into<String>,
) -> Finding {
    let place = host.members[0].whole().map(|whole| whole.parameters.place(parameter));
    Finding { place, ..Finding::new(severity, check, 0, reason, remedy) }
}

/// Does postfix(1) of the primary call postmulti(1) for all instances?
fn wrapper(host: &Host, findings: &mut Findings) {
    if host.primary.secondaries.is_empty() {
        return;
    }
    let init = || format!("{} -e init", host.postmulti());
    let mut add = |parameter, severity, reason: String, remedy| {
        findings.add(of_primary(host, parameter, (severity, Check::Wrapper), reason, remedy));
    };
    if host.primary.enable.eq_ignore_ascii_case("no") {
        let reason = "it is no, so that the primary is not started, and no action of -e is possible".to_owned();
        add("multi_instance_enable", Severity::Warning, format!("multi_instance_enable: {reason}"), init());
    }
    // postfix(1) splits it at blanks, not at commas.
    let words = host.primary.wrapper.as_bytes().split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
    let words: Vec<OsString> = words.map(|word| OsStr::from_bytes(word).to_owned()).collect();
    let Some(program) = words.first() else {
        let reason = "multi_instance_wrapper is empty, so that postfix(1) fails, as it does not serve the secondaries";
        return add("multi_instance_wrapper", Severity::Error, reason.to_owned(), init());
    };
    let shown = printable(program);
    // What is no path is searched for elsewhere, and an image may lack the programs.
    let is_missing = || file::is_regular(host.postfix.root, Path::new(program)).is_ok_and(|there| !there);
    if Path::new(program).is_absolute() && host.postfix.root.is_host() && is_missing() {
        let reason = format!("multi_instance_wrapper: there is no {shown}, so that postfix(1) fails");
        add("multi_instance_wrapper", Severity::Error, reason, init());
    } else if Path::new(program).file_name() != Some(OsStr::new("postmulti")) {
        let reason = format!("multi_instance_wrapper is {shown}, which is not postmulti");
        add("multi_instance_wrapper", Severity::Note, reason, format!("if it is not meant: {}", init()));
    } else if !runs_postfix(&words) {
        let reason = "multi_instance_wrapper runs postmulti without -p, so that every postfix(1) command fails";
        add("multi_instance_wrapper", Severity::Error, reason.to_owned(), init());
    }
}

/// Returns true if postmulti(1) runs postfix(1) for the instances when it gets these words and a command of postfix(1)'s.
fn runs_postfix(wrapper: &[OsString]) -> bool {
    let words = wrapper.iter().cloned().chain(["start".into()]);
    let request = Request::from_arguments(Arguments::read(words));
    request.is_ok_and(|request| matches!(request.mode, Mode::Postfix { command, .. } if command.name == "start"))
}

/// The command that has to come first on a host that is not initialised, with `&&`.
pub fn init_first(host: &Host) -> String {
    let Primary { wrapper, enable, .. } = host.primary;
    let is_initialised = !wrapper.is_empty() && enable.eq_ignore_ascii_case("yes");
    if is_initialised { String::new() } else { format!("{} -e init && ", host.postmulti()) }
}

/// Directories that are on a list twice, or on both lists.
fn listed(host: &Host, alternates: &[OsString], findings: &mut Findings) {
    let mut seen = FxHashSet::default();
    let mut told = FxHashSet::default();
    for directory in &host.primary.secondaries {
        if !seen.insert(directory) && told.insert(directory) {
            let member = host.index_of(directory);
            let reason = format!("{LIST} has {} more than once: the first place counts", printable(directory));
            let remedy = format!("remove it from all places but one on {LIST}");
            findings.add(of_primary(host, LIST, (Severity::Warning, Check::Listed), reason, remedy).with(member));
        }
    }
    for directory in alternates.iter().filter(|directory| seen.contains(directory)) {
        let reason = format!("{ALTERNATES} has {}, and so has {LIST}", printable(directory));
        let remedy = format!("remove it from {ALTERNATES}");
        let finding = of_primary(host, ALTERNATES, (Severity::Note, Check::Listed), reason, remedy);
        findings.add(finding.with(host.index_of(directory)));
    }
}

/// Has this configuration the queue of an instance that is listed, as a backup has? Then it is no instance of its own.
fn is_copy(host: &Host, directory: &Path) -> bool {
    let mut buffer = Vec::new();
    let parameters = Parameters::read(host.postfix, directory.as_os_str(), &mut buffer).1.ok();
    let queue = parameters.and_then(|parameters| parameters.known("queue_directory"));
    let queue = queue.map(|queue| host.postfix.root.resolve(Path::new(&queue)));
    queue.is_some_and(|queue| host.whole().any(|(_, whole)| whole.places[1] == queue))
}

/// Directories beside the primary's that are instances, or what is left of one, and are on no list.
fn unlisted(host: &Host, alternates: &[OsString], findings: &mut Findings) {
    let root = host.postfix.root;
    let known: FxHashSet<PathBuf> = host
        .members
        .iter()
        .map(|member| member.config_directory)
        .chain(alternates.iter().map(OsString::as_os_str))
        .map(|directory| root.resolve(Path::new(directory)))
        .collect();
    let Some(parent) = Path::new(&host.primary.instance.config_directory).parent() else { return };
    let names = Directory::open(root, parent).and_then(|directory| directory.names());
    let names = match names {
        Err(error) if error.is_denied() => return findings.unseen(0, error),
        names => names.unwrap_or_default(),
    };
    for path in names.iter().map(|name| parent.join(name)) {
        let has = |name: &str| file::is_regular(root, &path.join(name)).unwrap_or(false);
        if known.contains(&path) || known.contains(&root.resolve(&path)) {
            continue;
        }
        let (init, postmulti, word) = (init_first(host), host.postmulti(), quoted(path.as_os_str()));
        let (severity, reason, remedy) = if has(MARKER) {
            let reason = "it is what an interrupted destroy has left of an instance";
            (Severity::Warning, reason, format!("{init}{postmulti} -i {word} -e destroy"))
        } else if has("main.cf") && has("master.cf") && !is_copy(host, &path) {
            let reason = "it looks like an instance, and is on no list";
            (Severity::Note, reason, format!("{init}{postmulti} -e import config_directory={word}"))
        } else {
            continue;
        };
        // It may just be made, or removed.
        if [path.as_path(), Path::new(&host.primary.instance.config_directory)].iter().any(|at| is_edited(host, at)) {
            continue;
        }
        findings.add(Finding::new(severity, Check::Unlisted, 0, reason, remedy).in_file(path));
    }
}
