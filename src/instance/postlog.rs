//! What the environment says of postlogd(8), to which Postfix programs log if `maillog_file` is set.

use super::parameters::Parameters;
use nix::unistd::gethostname;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Where the mail log goes until a program has read its own main.cf.
#[derive(Debug, Clone)]
pub struct Postlog {
    /// The path of the socket.
    pub service: OsString,
    /// The name of this host there.
    pub hostname: OsString,
}

impl Postlog {
    /// The postlogd(8) of the instance with these parameters.
    pub fn of(parameters: &Parameters, queue_directory: &OsStr) -> Postlog {
        let name = parameters.own("postlog_service_name").unwrap_or_else(|| "postlog".into());
        let service = [queue_directory, OsStr::new("/public/"), &name].into_iter().collect();
        let hostname = parameters
            .own("myhostname")
            .unwrap_or_else(|| with_domain(gethostname().unwrap_or_default(), || parameters.own("mydomain")));
        Postlog { service, hostname }
    }
}

/// The default of `myhostname`: the name of the host, with a domain.
fn with_domain(mut host: OsString, domain: impl FnOnce() -> Option<OsString>) -> OsString {
    if !host.as_bytes().contains(&b'.') {
        host.push(".");
        host.push(domain().unwrap_or_else(|| "localdomain".into()));
    }
    host
}
