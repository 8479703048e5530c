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
    mask_before: SigSet,
    held: Option<SignalFd>,
}

impl Interrupts {
    /// From now on SIGINT and SIGQUIT do not end this process.
    pub fn hold() -> Interrupts {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGQUIT]);
        let mut mask_before = SigSet::empty();
        let blocked = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&signals), Some(&mut mask_before));
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let held = blocked.ok().and_then(|()| SignalFd::with_flags(&signals, flags).ok());
        Interrupts { signals, mask_before, held }
    }

    /// Lets a command have its signals as if nothing were held.
    pub fn release_in(&self, command: &mut Command) {
        let mask = self.mask_before;
        // SAFETY: between fork and exec only this system call is made.
        unsafe { command.pre_exec(move || Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?)) };
    }

    /// The one that has arrived since the last question.
    pub fn arrived(&mut self) -> Option<Signal> {
        let arrived = self.held.as_mut()?.read_signal().ok()??;
        Signal::try_from(arrived.ssi_signo as i32).ok()
    }

    /// Ends this process by a signal that was held, as if it had not been.
    pub fn die_of(&self, signal: Signal) {
        let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&self.signals), None);
        let _ = raise(signal);
    }
}

/// Was the command ended by that signal?
pub fn killed_by(status: ExitStatus, signal: Signal) -> bool {
    status.signal() == Some(signal as i32)
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
