//! The primary instance: its main.cf lists the others, and says what all of them share.

use super::Instance;
use super::owners::{OwnerError, Owners};
use super::parameters::{FileError, Parameters, Postfix, Problem, ValueError, main_cf};
use super::postlog::Postlog;
use crate::config::main_cf::MainCf;
use crate::config::split_list;
use crate::system::file;
use crate::system::log::{Log, printable};
use crate::system::mail_log::{Facility, MailLog};
use crate::system::passwd::Accounts;
use crate::system::reason;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use thiserror::Error;

/// The facilities that `syslog_facility` may name. For some, nix has no word: those are left to postlog(1).
const FACILITIES: [(&str, Option<Facility>); 21] = [
    ("auth", Some(Facility::LOG_AUTH)),
    ("authpriv", None),
    ("cron", None),
    ("daemon", Some(Facility::LOG_DAEMON)),
    ("ftp", None),
    ("kern", Some(Facility::LOG_KERN)),
    ("lpr", Some(Facility::LOG_LPR)),
    ("mail", Some(Facility::LOG_MAIL)),
    ("news", Some(Facility::LOG_NEWS)),
    ("security", Some(Facility::LOG_AUTH)),
    ("syslog", Some(Facility::LOG_SYSLOG)),
    ("user", Some(Facility::LOG_USER)),
    ("uucp", Some(Facility::LOG_UUCP)),
    ("local0", Some(Facility::LOG_LOCAL0)),
    ("local1", Some(Facility::LOG_LOCAL1)),
    ("local2", Some(Facility::LOG_LOCAL2)),
    ("local3", Some(Facility::LOG_LOCAL3)),
    ("local4", Some(Facility::LOG_LOCAL4)),
    ("local5", Some(Facility::LOG_LOCAL5)),
    ("local6", Some(Facility::LOG_LOCAL6)),
    ("local7", Some(Facility::LOG_LOCAL7)),
];

/// What the primary main.cf says, beyond being an instance.
#[derive(Debug, Clone)]
pub struct Primary {
    pub instance: Instance,
    /// `multi_instance_directories`, as listed.
    pub secondaries: Vec<OsString>,
    pub shared: Shared,
    pub postmulti: Commands,
    /// `multi_instance_wrapper` and `multi_instance_enable`, which make postfix(1) use the instances.
    pub wrapper: OsString,
    pub enable: OsString,
    /// Who there is to own files.
    pub accounts: Accounts,
    /// The way to the mail log.
    pub mail_log: MailLog,
    /// The whole main.cf, as it was read.
    pub main_cf: Vec<u8>,
}

/// What all instances share.
#[derive(Debug, Clone)]
pub struct Shared {
    pub command_directory: OsString,
    pub daemon_directory: OsString,
    pub meta_directory: OsString,
    pub shlib_directory: OsString,
    /// `syslog_name` of the primary.
    pub syslog_name: OsString,
    /// If `maillog_file` of the primary is set.
    pub postlog: Option<Postlog>,
}

/// The postfix(1) commands that need special treatment, as listed in the `postmulti_*_commands` parameters.
#[derive(Debug, Clone)]
pub struct Commands {
    pub start: OsString,
    pub stop: OsString,
    pub control: OsString,
}

/// Why the primary instance cannot be used. The words are Postfix's.
#[derive(Debug, Error)]
pub enum PrimaryError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("dictionary mail_dict: macro processing error")]
    Syntax { complaints: Vec<String> },
    #[error(transparent)]
    Number(Problem),
    #[error(transparent)]
    Value(ValueError),
    #[error("bad string length 0 < 1: {0} = ")]
    Empty(&'static str),
    #[error("bad boolean configuration: multi_instance_enable = {0}")]
    Boolean(String),
    #[error("file {file}: parameter {name}: {problem}")]
    Parameter { file: String, name: &'static str, problem: String },
    #[error("file {file}: {error}")]
    Owner { file: String, error: OwnerError },
    #[error("Non-default configuration directory: MAIL_CONFIG={0}")]
    NonDefault(String),
    #[error("{name} = '{value}': directory not found: {}", reason(.error))]
    NoDirectory { name: &'static str, value: String, error: io::Error },
    #[error("{name} = '{value}' is not a directory")]
    NotDirectory { name: &'static str, value: String },
}

impl PrimaryError {
    /// Returns true if this user may not read the file.
    pub fn is_denied(&self) -> bool {
        matches!(self, PrimaryError::File(FileError::Read(error)) if error.is_denied())
    }
}

impl From<ValueError> for PrimaryError {
    fn from(error: ValueError) -> Self {
        match error.problem {
            Problem::Syntax(complaints) => PrimaryError::Syntax { complaints },
            Problem::BadNumber(_) => PrimaryError::Number(error.problem),
            _ => PrimaryError::Value(error),
        }
    }
}

impl Primary {
    /// Reads and checks the primary main.cf, in the order in which Postfix does, since the first error is the one to tell.
    pub fn load(postfix: &Postfix, config_directory: &OsStr, log: &Log) -> Result<Primary, PrimaryError> {
        let mut buffer = Vec::new();
        let (warnings, parameters) = Parameters::read(postfix, config_directory, &mut buffer);
        warnings.into_iter().for_each(|warning| log.warning(warning));
        let primary = Primary::check(postfix, &parameters?, config_directory, log);
        if let Err(PrimaryError::Syntax { complaints }) = &primary {
            complaints.iter().for_each(|complaint| log.warning(complaint));
        }
        primary
    }

    fn check(
        postfix: &Postfix,
        parameters: &Parameters,
        config_directory: &OsStr,
        log: &Log,
    ) -> Result<Primary, PrimaryError> {
        let file = || printable(main_cf(config_directory));
        let value = |name| parameters.value(name);
        let not_empty = |name| match parameters.value(name)? {
            empty if empty.is_empty() => Err(PrimaryError::Empty(name)),
            value => Ok(value),
        };
        let syslog_facility = not_empty("syslog_facility")?;
        let secondaries = value("multi_instance_directories")?;
        let group = value("multi_instance_group")?;
        let name = value("multi_instance_name")?;
        let facility =
            facility(&syslog_facility).map_err(|problem| parameter_error(&file(), "syslog_facility", problem))?;
        log.show_utf8();
        let maillog_file = value("maillog_file")?;
        let syslog_name = not_empty("syslog_name")?;
        let mail_owner = not_empty("mail_owner")?;
        let setgid_group = not_empty("setgid_group")?;
        let daemon_directory = not_empty("daemon_directory")?;
        let data_directory = not_empty("data_directory")?;
        let command_directory = not_empty("command_directory")?;
        let meta_directory = not_empty("meta_directory")?;
        let queue_directory = not_empty("queue_directory")?;
        let shlib_directory = not_empty("shlib_directory")?;
        value("alternate_config_directories")?;
        let wrapper = value("multi_instance_wrapper")?;
        let enable = value("multi_instance_enable")?;
        let enabled = boolean(&enable).ok_or_else(|| PrimaryError::Boolean(printable(&enable)))?;
        let accounts = Accounts::read(postfix.root);
        let owners = Owners { mail_owner, setgid_group, default_privs: parameters.known("default_privs") };
        owners.check(&accounts).map_err(|error| PrimaryError::Owner { file: file(), error })?;
        let postmulti = Commands {
            start: value("postmulti_start_commands")?,
            stop: value("postmulti_stop_commands")?,
            control: value("postmulti_control_commands")?,
        };
        let secondaries: Vec<_> =
            split_list(secondaries.as_bytes()).map(|item| OsStr::from_bytes(item).to_owned()).collect();
        let instance = Instance {
            name: Some(name).filter(|name| !name.is_empty()),
            group: Some(group).filter(|group| !group.is_empty()),
            // Without secondaries there is nothing to be enabled in.
            enabled: enabled || secondaries.is_empty(),
            config_directory: config_directory.to_owned(),
            queue_directory,
            data_directory,
            primary: true,
            main_cf: Vec::new(),
        };
        let postlog = (!maillog_file.is_empty()).then(|| Postlog::of(parameters, &instance.queue_directory));
        let shared =
            Shared { command_directory, daemon_directory, meta_directory, shlib_directory, syslog_name, postlog };
        let mail_log = match facility.filter(|_| shared.postlog.is_none()) {
            Some(facility) => MailLog::Syslog(facility),
            None => MailLog::Postlog(Path::new(&shared.command_directory).join("postlog").into()),
        };
        let main_cf = parameters.main_cf.to_bytes().to_vec();
        Ok(Primary { instance, secondaries, shared, postmulti, wrapper, enable, accounts, mail_log, main_cf })
    }

    /// The same, or what has become of it if its main.cf has changed meanwhile.
    pub fn again(self, postfix: &Postfix, log: &Log) -> anyhow::Result<Primary> {
        let config_directory = &self.instance.config_directory;
        match file::read(postfix.root, &main_cf(config_directory))? {
            same if same == self.main_cf => Ok(self),
            _ => Ok(Primary::load(postfix, config_directory, log)?),
        }
    }

    /// The instance with its main.cf.
    pub fn whole_instance(&self) -> Instance {
        Instance { main_cf: self.main_cf.clone(), ..self.instance.clone() }
    }

    /// What the main.cf sets, nothing expanded.
    pub fn raw(&self) -> MainCf<'_> {
        MainCf::parse(&self.main_cf)
    }

    /// Refuses a primary main.cf that is not the one this Postfix was built to use.
    pub fn check_default(&self, default: &str) -> Result<(), PrimaryError> {
        if self.instance.config_directory == default {
            return Ok(());
        }
        Err(PrimaryError::NonDefault(printable(&self.instance.config_directory)))
    }
}

impl Shared {
    /// Each shared directory that is one, with its parameter. `no` and the like stand for none.
    pub fn directories(&self) -> impl Iterator<Item = (&'static str, &OsStr)> {
        let all: [(_, &OsStr); 4] = [
            ("command_directory", &self.command_directory),
            ("daemon_directory", &self.daemon_directory),
            ("meta_directory", &self.meta_directory),
            ("shlib_directory", &self.shlib_directory),
        ];
        all.into_iter().filter(|(_, value)| value.as_bytes().starts_with(b"/"))
    }

    /// Refuses a shared directory that is not there.
    pub fn check(&self, postfix: &Postfix) -> Result<(), PrimaryError> {
        for (name, value) in self.directories() {
            let found = postfix.root.metadata(Path::new(value));
            let found = found.map_err(|error| PrimaryError::NoDirectory { name, value: printable(value), error })?;
            if !found.is_dir() {
                return Err(PrimaryError::NotDirectory { name, value: printable(value) });
            }
        }
        Ok(())
    }
}

/// `yes` or `no`, in any case.
pub(super) fn boolean(value: &OsStr) -> Option<bool> {
    match value {
        yes if yes.eq_ignore_ascii_case("yes") => Some(true),
        no if no.eq_ignore_ascii_case("no") => Some(false),
        _ => None,
    }
}

fn parameter_error(file: &str, name: &'static str, problem: String) -> PrimaryError {
    PrimaryError::Parameter { file: file.to_owned(), name, problem }
}

fn facility(value: &OsStr) -> Result<Option<Facility>, String> {
    let named = FACILITIES.iter().find(|(name, _)| value == *name);
    named.map(|(_, facility)| *facility).ok_or_else(|| format!("unrecognized value: {}", printable(value)))
}
