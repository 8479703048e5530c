//! What was found, as data, and how it is told.

use super::host::Host;
use crate::action::json::Value;
use crate::system::log::printable;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// How bad it is. A note is no problem: it is good to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Note,
    Warning,
    Error,
}

/// What was looked for, by the names that programs see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    Broken,
    Conflict,
    DiskSpace,
    Fresh,
    Listed,
    Listen,
    Loop,
    Mail,
    Permissions,
    Repeated,
    Running,
    SyslogName,
    Temporary,
    Unlisted,
    Unseen,
    Wrapper,
}

/// Something to tell about an instance.
#[derive(Debug)]
pub struct Finding {
    pub severity: Severity,
    pub check: Check,
    /// Whom it is about: an index into the members of the host.
    pub member: usize,
    /// With whom, if that takes more than one.
    pub others: Vec<usize>,
    pub file: Option<PathBuf>,
    /// From 1.
    pub line: Option<usize>,
    pub reason: String,
    /// A command or setting to type.
    pub remedy: String,
}

/// All that was found so far.
#[derive(Debug, Default)]
pub struct Findings {
    pub all: Vec<Finding>,
    /// What this user may not look at: whose it is, and the system's words.
    unseen: Vec<(usize, String)>,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// The names of the checks.
pub const CHECKS: [(Check, &str); 16] = [
    (Check::Broken, "broken"),
    (Check::Conflict, "conflict"),
    (Check::DiskSpace, "disk-space"),
    (Check::Fresh, "fresh"),
    (Check::Listed, "listed"),
    (Check::Listen, "listen"),
    (Check::Loop, "loop"),
    (Check::Mail, "mail"),
    (Check::Permissions, "permissions"),
    (Check::Repeated, "repeated"),
    (Check::Running, "running"),
    (Check::SyslogName, "syslog-name"),
    (Check::Temporary, "temporary"),
    (Check::Unlisted, "unlisted"),
    (Check::Unseen, "unseen"),
    (Check::Wrapper, "wrapper"),
];

impl Check {
    fn name(self) -> &'static str {
        CHECKS.iter().find(|(check, _)| *check == self).map_or("", |(_, name)| name)
    }
}

impl Findings {
    pub fn add(&mut self, finding: Finding) {
        self.all.push(finding);
    }

    /// Notes what could not be looked at.
    pub fn unseen(&mut self, member: usize, error: impl ToString) {
        self.unseen.push((member, error.to_string()));
    }

    /// Those that concern a member who is meant, in order. What was not looked at is one of them.
    pub fn told(mut self, meant: &[bool]) -> Vec<Finding> {
        self.unseen.retain(|(member, _)| meant[*member]);
        self.unseen.sort();
        if let Some((member, first)) = self.unseen.first() {
            let more = match self.unseen.len() - 1 {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            self.all.push(Finding {
                severity: Severity::Note,
                check: Check::Unseen,
                member: *member,
                others: Vec::new(),
                file: None,
                line: None,
                reason: format!("not all could be looked at: {first}{more}"),
                remedy: "run this as root".to_owned(),
            });
        }
        self.all.retain(|finding| meant[finding.member] || finding.others.iter().any(|other| meant[*other]));
        self.all.sort_by(|one, other| {
            let key = |finding: &Finding| (finding.check == Check::Unseen, finding.member);
            key(one).cmp(&key(other)).then_with(|| (&one.file, one.line).cmp(&(&other.file, other.line)))
        });
        self.all
    }
}

impl Finding {
    /// Two lines: what is wrong where, and what to do about it.
    pub fn write_text(&self, host: &Host, text: &mut Vec<u8>) {
        let place = match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{}, line {line}: ", printable(file)),
            (Some(file), None) => format!("{}: ", printable(file)),
            (None, _) => String::new(),
        };
        let (severity, called) = (self.severity.name(), host.called(self.member));
        let told = format!("{severity}: {called}: {place}{}\n    {}\n", self.reason, self.remedy);
        text.extend_from_slice(told.as_bytes());
    }

    /// An object in a line.
    pub fn write_json(&self, host: &Host, text: &mut Vec<u8>) {
        let directory = |member: &usize| Value::Text(host.members[*member].config_directory.as_bytes());
        let name = host.members[self.member].whole().map(|whole| whole.instance.name.as_deref());
        let name = name.map(|name| Value::Text(name.unwrap_or(OsStr::new("-")).as_bytes()));
        let file = self.file.as_ref().map(|file| Value::Text(file.as_os_str().as_bytes()));
        let object = Value::Object(vec![
            ("severity", Value::Text(self.severity.name().as_bytes())),
            ("check", Value::Text(self.check.name().as_bytes())),
            ("name", name.unwrap_or(Value::Null)),
            ("config_directory", directory(&self.member)),
            ("others", Value::List(self.others.iter().map(directory).collect())),
            ("file", file.unwrap_or(Value::Null)),
            ("line", self.line.map_or(Value::Null, |line| Value::Number(line as u64))),
            ("reason", Value::Text(self.reason.as_bytes())),
            ("remedy", Value::Text(self.remedy.as_bytes())),
        ]);
        object.write(text);
        text.push(b'\n');
    }
}
