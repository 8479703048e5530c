//! The process: what it starts with, the one place that prints an error, and the exit status.

#![no_main]

use anyhow::Context;
use nix::sys::stat::{Mode, umask};
use postmulti::action::{self, hint};
use postmulti::cli::error::RequestError;
use postmulti::cli::getopt::Arguments;
use postmulti::cli::help::Information;
use postmulti::cli::options::Opt;
use postmulti::cli::request::{self, Request};
use postmulti::config::defaults::CONFIG_DIRECTORY;
use postmulti::instance::parameters::Postfix;
use postmulti::instance::primary::Primary;
use postmulti::system::log::Log;
use postmulti::system::mail_log::{Facility, MailLog};
use postmulti::system::process;
use postmulti::system::root::Root;
use std::ffi::{c_char, c_int};

/// The entry point that the C runtime calls. Rust's own would have SIGPIPE ignored, in every command that is run, too.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: these are what the C runtime has passed.
    let words = unsafe { process::arguments(argc, argv) };
    umask(Mode::from_bits_truncate(0o022));
    process::heed_children();
    let arguments = Arguments::read(words);
    let log = Log::new(&arguments.program);
    let mut hint = None;
    let code = process::open_standard_descriptors()
        .context("open /dev/null")
        .and_then(|()| run(arguments, &log, &mut hint))
        .unwrap_or_else(|error| {
            let getopt_line = error.downcast_ref().and_then(RequestError::getopt_line);
            getopt_line.inspect(|line| log.line(line));
            log.fatal(format!("{error:#}"));
            1
        });
    hint.inspect(|hint: &String| log.hint(hint));
    log.close(code != 0);
    code.into()
}

/// Reads the primary main.cf before it judges the arguments, as Postfix does: the first error is the one to tell.
///
/// What may help is left in `hint`, whether this fails or not.
fn run(arguments: Arguments, log: &Log, hint: &mut Option<String>) -> anyhow::Result<u8> {
    if let Some(information) = Information::from_arguments(&arguments)? {
        action::print(&information.text())?;
        return Ok(0);
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
    let config_directory = std::env::var_os("MAIL_CONFIG").unwrap_or_else(|| CONFIG_DIRECTORY.into());
    let primary = Primary::load(&postfix, &config_directory, log)?;
    primary.check_default(CONFIG_DIRECTORY)?;
    // Not earlier: no program is run at the word of a main.cf that is not the host's own.
    if root.is_host() {
        log.use_mail_log(primary.mail_log.clone());
    }
    let request = Request::from_arguments(arguments).inspect_err(|error| *hint = hint::of_usage(error))?;
    primary.shared.check(&postfix)?;
    let before = log.is_on_terminal().then(|| primary.clone());
    let outcome = action::perform(&request, primary, &postfix, log);
    *hint = before.and_then(|primary| hint::after(&outcome, &request, &primary, &postfix));
    outcome
}
