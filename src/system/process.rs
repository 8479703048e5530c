//! Running a command and waiting for it.
//!
//! All that is `unsafe` in this program is here: it sets what a child starts with, and the fate of a signal.

use super::root::Root;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, raise, signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{chdir, chroot};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

/// A command with its arguments, and what is put into its environment on top of the caller's.
#[derive(Debug)]
pub struct Program {
    pub arguments: Vec<OsString>,
    pub environment: Vec<(&'static str, OsString)>,
}

impl Program {
    /// The command, ready to start; under another root it is chroot(2)ed there, which takes privilege.
    ///
    /// Without arguments there is nothing to run: that is the error of execvp(3) for an empty name.
    pub fn command(&self, root: &Root) -> io::Result<Command> {
        let (program, arguments) =
            self.arguments.split_first().ok_or_else(|| io::Error::from_raw_os_error(nix::libc::ENOENT))?;
        let mut command = Command::new(program);
        command.args(arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = root.directory() {
            let directory = directory.to_owned();
            // SAFETY: between fork and exec only these two system calls are made; neither takes a lock.
            unsafe {
                command.pre_exec(move || {
                    chroot(&directory)?;
                    Ok(chdir("/")?)
                })
            };
        }
        Ok(command)
    }
}

/// Keeps an interrupt from the terminal for later, while it reaches the running command at once.
#[derive(Debug)]
pub struct Interrupts {
    signals: SigSet,
    held: Option<SignalFd>,
}

impl Interrupts {
    /// From now on SIGINT and SIGQUIT do not end this process. A command that is started has them as usual.
    pub fn hold() -> Interrupts {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGQUIT]);
        let blocked = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&signals), None);
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let held = blocked.ok().and_then(|()| SignalFd::with_flags(&signals, flags).ok());
        Interrupts { signals, held }
    }

    /// True if one has arrived since the last question.
    pub fn arrived(&mut self) -> bool {
        self.held.as_mut().is_some_and(|held| matches!(held.read_signal(), Ok(Some(_))))
    }

    /// Ends this process as the command was ended, if a signal that is held here did that.
    pub fn die_like(&self, status: ExitStatus) {
        let killer = status.signal().and_then(|number| Signal::try_from(number).ok());
        if let Some(killer) = killer.filter(|killer| self.signals.contains(*killer)) {
            let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&self.signals), None);
            let _ = raise(killer);
        }
    }
}

/// Lets a reader of our output that goes away end us quietly, as it ends every Unix tool.
pub fn die_of_broken_pipe() {
    // SAFETY: no handler of ours is involved; the default action is set before any thread is started.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
}

/// The value of `PATH` with a directory put in front. Unset or empty, it stands for the system's directories.
pub fn path_with(directory: &OsStr) -> OsString {
    let path = std::env::var_os("PATH").filter(|path| !path.is_empty());
    let mut result = directory.to_owned();
    result.push(":");
    result.push(path.unwrap_or_else(|| "/bin:/usr/bin:/sbin:/usr/sbin".into()));
    result
}
