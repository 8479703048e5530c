//! The process: what it starts with, the one place that prints an error, and the exit status.

#![no_main]

use anyhow::Context;
use nix::sys::stat::{Mode, umask};
use postmulti::action::hint::as_root;
use postmulti::action::{self, Outcome};
use postmulti::cli::error::RequestError;
use postmulti::cli::getopt::Arguments;
use postmulti::cli::help::Information;
use postmulti::cli::options::Opt;
use postmulti::cli::request::{self, Request};
use postmulti::config::defaults::CONFIG_DIRECTORY;
use postmulti::error::{Hint, Hinted};
use postmulti::instance::parameters::Postfix;
use postmulti::instance::primary::Primary;
use postmulti::system::log::Log;
use postmulti::system::mail_log::{Facility, MailLog};
use postmulti::system::process;
use postmulti::system::root::Root;
use std::ffi::{OsStr, c_char, c_int};

/// The variable that tells Postfix's programs which configuration directory to read.
const MAIL_CONFIG: &str = "MAIL_CONFIG";

/// The entry point that the C runtime calls. Rust's own would have SIGPIPE ignored, in every command that is run, too.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: these are what the C runtime has passed.
    let words = unsafe { process::arguments(argc, argv) };
    umask(Mode::from_bits_truncate(0o022));
    process::heed_children();
    let arguments = Arguments::read(words);
    let log = Log::new(&arguments.program);
    let outcome = process::open_standard_descriptors().context("open /dev/null").and_then(|()| run(arguments, &log));
    let (status, hint) = match outcome {
        Ok(Outcome { status, hint }) => (status, hint),
        Err(error) => {
            let (error, hint) = Hinted::split(error);
            if let Some(line) = error.downcast_ref().and_then(RequestError::getopt_line) {
                log.line(&line);
            }
            log.fatal(format!("{error:#}"));
            (1, hint)
        }
    };
    if let Some(hint) = hint {
        log.hint(&hint);
    }
    log.close(status != 0);
    status.into()
}

/// Reads the primary main.cf before it judges the arguments, as Postfix does: the first error is the one to tell.
fn run(arguments: Arguments, log: &Log) -> anyhow::Result<Outcome> {
    if let Some(information) = Information::from_arguments(&arguments)? {
        action::print(&information.text())?;
        return Ok(Outcome::default());
    }
    let root = match request::root(&arguments)? {
        Some(directory) => Root::image(&directory)?,
        None => Root::host(),
    };
    let postfix = Postfix::recognise(&root);
    if root.is_host() {
        log.use_mail_log(MailLog::Syslog(Facility::LOG_MAIL));
    }
    if arguments.options.iter().any(|given| given.opt == Opt::Check) {
        // They are findings.
        log.hold_warnings();
    }
    let primary = primary(&postfix, log)?;
    // Not earlier: no program is run at the word of a main.cf that is not the host's own.
    if root.is_host() {
        log.use_mail_log(primary.mail_log.clone());
    }
    let request = Request::from_arguments(arguments).hint(RequestError::hint)?;
    primary.shared.check(&postfix)?;
    action::perform(&request, primary, &postfix, log)
}

fn primary(postfix: &Postfix, log: &Log) -> anyhow::Result<Primary> {
    let asked = std::env::var_os(MAIL_CONFIG).filter(|asked| asked != CONFIG_DIRECTORY);
    let unset = || asked.as_ref().map(|_| format!("unset {MAIL_CONFIG}, and select an instance with -i"));
    let config_directory = asked.as_deref().unwrap_or(OsStr::new(CONFIG_DIRECTORY));
    let primary = Primary::load(postfix, config_directory, log);
    let primary = primary.hint(|error| unset().or_else(|| as_root(error.is_denied())))?;
    primary.check_default(CONFIG_DIRECTORY).hint(|_| unset())?;
    Ok(primary)
}
