//! The process: what it starts with, the one place that prints an error, and the exit status.

use anyhow::Context;
use nix::sys::stat::{Mode, umask};
use postmulti::action;
use postmulti::cli::error::RequestError;
use postmulti::cli::getopt::Arguments;
use postmulti::cli::help::Information;
use postmulti::cli::request::{self, Request};
use postmulti::config::defaults::CONFIG_DIRECTORY;
use postmulti::instance::parameters::Postfix;
use postmulti::instance::primary::Primary;
use postmulti::system::log::Log;
use postmulti::system::process::die_of_broken_pipe;
use postmulti::system::root::Root;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Descriptors 0 to 2 are open by now: the Rust runtime opens them on /dev/null where they are not.
    die_of_broken_pipe();
    umask(Mode::from_bits_truncate(0o022));
    let arguments = Arguments::read(std::env::args_os());
    let log = Log::new(&arguments.program);
    let code = run(arguments, &log).unwrap_or_else(|error| {
        let getopt_line = error.downcast_ref().and_then(RequestError::getopt_line);
        getopt_line.inspect(|line| log.line(line));
        log.fatal(format!("{error:#}"));
        1
    });
    log.flush();
    ExitCode::from(code)
}

/// Reads the primary main.cf before it judges the arguments, as Postfix does: the first error is the one to tell.
fn run(arguments: Arguments, log: &Log) -> anyhow::Result<u8> {
    if let Some(information) = Information::from_arguments(&arguments)? {
        std::io::stdout().write_all(&information.text()).context("error writing output")?;
        return Ok(0);
    }
    let root = match request::root(&arguments)? {
        Some(directory) => Root::image(&directory)?,
        None => Root::host(),
    };
    let postfix = Postfix::recognise(&root);
    postfix.use_mail_log(log);
    let config_directory = std::env::var_os("MAIL_CONFIG").unwrap_or_else(|| CONFIG_DIRECTORY.into());
    let primary = Primary::load(&postfix, &config_directory, log)?;
    primary.check_default(CONFIG_DIRECTORY)?;
    let request = Request::from_arguments(arguments)?;
    primary.shared.check(&postfix)?;
    action::perform(&request, &primary, &postfix, log)
}
