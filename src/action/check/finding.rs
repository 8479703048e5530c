//! What was found, as data, and how it is told.

use super::host::Host;
use crate::action::json::Value;
use crate::instance::parameters::Place;
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
    Comment,
    Conflict,
    DiskSpace,
    Fresh,
    Group,
    Listed,
    Listen,
    Loop,
    Mail,
    Name,
    Permissions,
    Repeated,
    Running,
    SyslogName,
    Temporary,
    Unit,
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
    pub place: Option<Place>,
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
pub const CHECKS: [(Check, &str); 20] = [
    (Check::Broken, "broken"),
    (Check::Comment, "comment"),
    (Check::Conflict, "conflict"),
    (Check::DiskSpace, "disk-space"),
    (Check::Fresh, "fresh"),
    (Check::Group, "group"),
    (Check::Listed, "listed"),
    (Check::Listen, "listen"),
    (Check::Loop, "loop"),
    (Check::Mail, "mail"),
    (Check::Name, "name"),
    (Check::Permissions, "permissions"),
    (Check::Repeated, "repeated"),
    (Check::Running, "running"),
    (Check::SyslogName, "syslog-name"),
    (Check::Temporary, "temporary"),
    (Check::Unit, "unit"),
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

    /// The members of which something could not be looked at.
    pub fn unseen_members(&self) -> impl Iterator<Item = usize> {
        self.unseen.iter().map(|(member, _)| *member)
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
            let reason = format!("not all could be looked at: {first}{more}");
            self.all.push(Finding::new(Severity::Note, Check::Unseen, *member, reason, "run this as root"));
        }
        self.all.retain(|finding| meant[finding.member] || finding.others.iter().any(|other| meant[*other]));
        self.all.sort_by(|one, other| {
            let key = |finding: &Finding| (finding.check == Check::Unseen, finding.member);
            key(one).cmp(&key(other)).then_with(|| one.place.cmp(&other.place))
        });
        self.all
    }
}

impl Finding {
    /// A finding about a member alone, and about no file.
    pub fn new(
        severity: Severity,
        check: Check,
        member: usize,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        let (reason, remedy) = (printable(reason.into()), printable(remedy.into()));
        Finding { severity, check, member, others: Vec::new(), place: None, reason, remedy }
    }

    /// The same at a place in a file.
    pub fn at(self, place: Place) -> Finding {
        Finding { place: Some(place), ..self }
    }

    /// The same in a file.
    pub fn in_file(self, file: PathBuf) -> Finding {
        self.at(Place { file, line: None })
    }

    /// The same with other members that have a part in it.
    pub fn with(self, others: impl IntoIterator<Item = usize>) -> Finding {
        let others = others.into_iter().filter(|other| *other != self.member).collect();
        Finding { others, ..self }
    }

    /// Two lines: what is wrong where, and what to do about it.
    pub fn write_text(&self, host: &Host, text: &mut Vec<u8>) {
        let place = self.place.as_ref().map_or(String::new(), |place| format!("{place}: "));
        let (severity, called) = (self.severity.name(), host.called(self.member));
        let told = format!("{severity}: {called}: {place}{}\n    {}\n", self.reason, self.remedy);
        text.extend_from_slice(told.as_bytes());
    }

    /// An object in a line.
    pub fn write_json(&self, host: &Host, text: &mut Vec<u8>) {
        let directory = |member: &usize| Value::Text(host.members[*member].config_directory.as_bytes());
        let name = host.members[self.member].whole().map(|whole| whole.instance.name.as_deref());
        let name = name.map(|name| Value::Text(name.unwrap_or(OsStr::new("-")).as_bytes()));
        let file = self.place.as_ref().map(|place| Value::Text(place.file.as_os_str().as_bytes()));
        let line = self.place.as_ref().and_then(|place| place.line);
        let object = Value::Object(vec![
            ("severity", Value::Text(self.severity.name().as_bytes())),
            ("check", Value::Text(self.check.name().as_bytes())),
            ("name", name.unwrap_or(Value::Null)),
            ("config_directory", directory(&self.member)),
            ("others", Value::List(self.others.iter().map(directory).collect())),
            ("file", file.unwrap_or(Value::Null)),
            ("line", line.map_or(Value::Null, |line| Value::Number(line as u64))),
            ("reason", Value::Text(self.reason.as_bytes())),
            ("remedy", Value::Text(self.remedy.as_bytes())),
        ]);
        object.write(text);
        text.push(b'\n');
    }
}
