//! `--check`: every finding has a host that shows it, and one that comes close and does not.

mod directories;
mod entries;
mod files;
mod lists;
mod loops;
mod mail;
mod network;
mod settings;
mod told;
mod units;

use crate::host::Host;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::chown;

/// The user and the groups that the mail system has there.
const POSTFIX: u32 = 100;
const POSTDROP: u32 = 102;

/// A host with nothing to tell: the border mail server, with the owners that Git does not keep.
pub fn clean() -> Host {
    let host = Host::as_root();
    for name in ["postfix", "postfix-out", "postfix-in"] {
        for file in ["", "/master.lock"] {
            chown(host.path(&format!("/var/lib/{name}{file}")), Some(POSTFIX), None).unwrap();
        }
    }
    host
}

/// The findings, a line each: `SEVERITY CHECK DIRECTORY FILE:LINE: REASON`. Whether there are problems must be the exit
/// status, and nothing may have changed.
#[track_caller]
fn findings(host: &Host, arguments: &[&str]) -> Vec<String> {
    let before = host.tree();
    let assert = host.postmulti(&[&["--check", "-j"], arguments].concat()).assert();
    let output = assert.get_output().clone();
    before.assert_untouched(&host.tree());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let lines = std::str::from_utf8(&output.stdout).unwrap().lines();
    let found: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let problems = found.iter().any(|finding| finding["severity"] != "note");
    assert_eq!(output.status.code(), Some(i32::from(problems)), "{found:?}");
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_else(|| "-".to_owned());
    let line = |finding: &Value| {
        let [severity, check, directory, file, reason] =
            ["severity", "check", "config_directory", "file", "reason"].map(|member| text(&finding[member]));
        assert!(!text(&finding["remedy"]).is_empty());
        let number = finding["line"].as_u64().map_or(String::new(), |line| format!(":{line}"));
        format!("{severity} {check} {directory} {file}{number}: {reason}")
    };
    found.iter().map(line).collect()
}

/// Checks that exactly this is found.
#[track_caller]
fn finds(host: &Host, expected: &[&str]) {
    assert_eq!(findings(host, &[]), expected);
}

/// What there is to do about each finding, with `ROOT` in place of the host's root.
#[track_caller]
fn remedies(host: &Host) -> Vec<String> {
    let output = host.postmulti(&["--check"]).output().unwrap().stdout;
    let root = host.path("/").canonicalize().unwrap();
    let text = String::from_utf8(output).unwrap().replace(root.to_str().unwrap(), "ROOT");
    text.lines().filter_map(|line| line.strip_prefix("    ")).map(str::to_owned).collect()
}

/// Changes the clean host, and checks that exactly this is found.
#[track_caller]
fn shows(change: impl FnOnce(&Host), expected: &[&str]) {
    let host = clean();
    change(&host);
    finds(&host, expected);
}

/// The number of the last line of a file that begins so.
fn line(host: &Host, file: &str, begin: &str) -> usize {
    let text = fs::read_to_string(host.path(file)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().rposition(|line| line.starts_with(begin)).unwrap() + 1
}

/// Replaces text in a file.
#[track_caller]
fn replace(host: &Host, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(host.path(file)).unwrap();
    assert!(text.contains(from), "{from} is not in {file}");
    fs::write(host.path(file), text.replacen(from, to, 1)).unwrap();
}

/// Sets a parameter in a main.cf, where it stands or at the end.
fn set(host: &Host, directory: &str, name: &str, value: &str) {
    let file = format!("{directory}/main.cf");
    let text = fs::read_to_string(host.path(&file)).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with(&format!("{name} =")));
    let kept: String = kept.map(|line| format!("{line}\n")).collect();
    fs::write(host.path(&file), format!("{kept}{name} = {value}\n")).unwrap();
}

#[test]
fn a_host_on_which_all_is_well() {
    clean().postmulti(&["--check"]).assert().success().stdout("").stderr("");
    clean().postmulti(&["--check", "-j"]).assert().success().stdout("").stderr("");
}
