//! Running a command and waiting for it.
//!
//! All that is `unsafe` in this program is here, but for the entry point itself: what the C runtime passes in, and what a
//! child does before it is another program.

use super::root::Root;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, raise, signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{chdir, chroot};
use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// A command with its arguments, and what is put into its environment on top of the caller's, or taken out of it.
#[derive(Debug)]
pub struct Program {
    pub arguments: Vec<OsString>,
    pub environment: Vec<(&'static str, Option<OsString>)>,
}

impl Program {
    /// The command, ready to start; under another root it is chroot(2)ed there, which takes privilege.
    ///
    /// Without arguments there is nothing to run: that is the error of execvp(3) for an empty name.
    pub fn command(&self, root: &Root) -> io::Result<Command> {
        let (program, arguments) =
            self.arguments.split_first().ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))?;
        let mut command = Command::new(program);
        command.args(arguments);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some((mask, at_size_limit)) = SIGNALS_BEFORE.get().copied() {
            // SAFETY: between fork and exec only these system calls are made.
            unsafe {
                command.pre_exec(move || {
                    signal(Signal::SIGXFSZ, at_size_limit)?;
                    Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?)
                })
            };
        }
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

/// Keeps signals for later that would end this process.
#[derive(Debug)]
pub struct Interrupts {
    signals: SigSet,
    mask_before: SigSet,
    /// Was this process told to ignore a reader of its output that goes away, as services of systemd are?
    ignores_broken_pipe: bool,
    held: Option<SignalFd>,
}

/// A signal that has arrived.
#[derive(Debug, Clone, Copy)]
pub struct Interrupt {
    pub signal: Signal,
    /// Has the terminal sent it, to all that run in its foreground?
    pub from_terminal: bool,
}

impl Interrupts {
    /// From now on these signals do not end this process, unless the system cannot tell that one has arrived.
    ///
    /// One that is ignored anyway stays ignored.
    pub fn hold(signals: &[Signal]) -> Interrupts {
        let signals = SigSet::from_iter(signals.iter().copied().filter(|signal| !ignores(*signal)));
        let mut mask_before = SigSet::empty();
        let blocked = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&signals), Some(&mut mask_before));
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let held = blocked.ok().and_then(|()| SignalFd::with_flags(&signals, flags).ok());
        let interrupts = Interrupts { signals, mask_before, ignores_broken_pipe: ignores(Signal::SIGPIPE), held };
        if interrupts.held.is_none() {
            // Nobody would ever hear of one.
            interrupts.restore();
        }
        interrupts
    }

    /// From now on output does not end this process, until all is restored: neither that its reader goes away, nor that
    /// what waits for one grows beyond a limit.
    pub fn hold_output_signals(&self) {
        let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::from(Signal::SIGPIPE)), None);
        survive_size_limit(self.mask_before);
    }

    /// Lets a command have its signals as they were given to this process.
    pub fn release_in(&self, command: &mut Command) {
        let (mask, ignores_broken_pipe) = (self.mask_before, self.ignores_broken_pipe);
        let ignores_children = IGNORED_CHILDREN.load(Ordering::Relaxed);
        // SAFETY: between fork and exec only these system calls are made.
        unsafe {
            command.pre_exec(move || {
                if ignores_broken_pipe {
                    signal(Signal::SIGPIPE, SigHandler::SigIgn)?;
                }
                if ignores_children {
                    signal(Signal::SIGCHLD, SigHandler::SigIgn)?;
                }
                Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?)
            })
        };
    }

    /// What can be read from as soon as one has arrived.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.held.as_ref().map(AsFd::as_fd)
    }

    /// The first one that has arrived since the last question.
    pub fn arrived(&mut self) -> Option<Interrupt> {
        let arrived = self.held.as_mut()?.read_signal().ok()??;
        let signal = Signal::try_from(arrived.ssi_signo as i32).ok()?;
        Some(Interrupt { signal, from_terminal: arrived.ssi_code == libc::SI_KERNEL })
    }

    /// From now on these signals end this process again.
    pub fn release(&self) {
        let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&self.signals), None);
    }

    /// All signals are as they were. If a reader of our output has gone away, that ends this process now, unless it was
    /// told to ignore it.
    pub fn restore(&self) {
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.mask_before), None);
    }

    /// Ends this process by a signal that was held, as if it had not been.
    pub fn die_of(&self, signal: Signal) {
        self.release();
        let _ = raise(signal);
    }
}

/// The signals by which a user or the system ends a process, also in that nobody reads its messages any more.
const ENDINGS: [Signal; 5] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGPIPE];

/// The signals that were held already when this process began to hold more of them, and what SIGXFSZ did: a command is to
/// find it so.
static SIGNALS_BEFORE: OnceLock<(SigSet, SigHandler)> = OnceLock::new();

/// Keeps the signals by which a user or the system ends a process waiting, until what is returned is dropped.
///
/// From now on a file that would grow beyond the limit of this process is an error like any other, and no signal.
pub fn hold_signals() -> impl Drop {
    struct Held(Option<SigSet>);
    impl Drop for Held {
        fn drop(&mut self) {
            let _ = sigprocmask(SigmaskHow::SIG_SETMASK, self.0.as_ref(), None);
        }
    }
    let mut before = SigSet::empty();
    let held = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::from_iter(ENDINGS)), Some(&mut before));
    if held.is_ok() {
        survive_size_limit(before);
    }
    Held(held.is_ok().then_some(before))
}

/// From now on a file that would grow beyond the limit of this process is an error like any other, and no signal. To
/// commands, that and this mask of signals are as they were.
fn survive_size_limit(mask: SigSet) {
    // SAFETY: no handler is set that could run.
    if let Ok(at_size_limit) = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) } {
        let _ = SIGNALS_BEFORE.set((mask, at_size_limit));
    }
}

/// Starts a command with no signal blocked, and with the default action of SIGXFSZ, whatever this process does with them.
pub fn reset_signals_in(command: &mut Command) {
    // SAFETY: between fork and exec only these system calls are made.
    unsafe {
        command.pre_exec(|| {
            signal(Signal::SIGXFSZ, SigHandler::SigDfl)?;
            Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?)
        })
    };
}

/// Is one of those signals waiting?
pub fn signal_waits() -> bool {
    // SAFETY: the call only fills in a set, for which zeroes are a valid value.
    let waiting = unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigpending(&mut set);
        SigSet::from_sigset_t_unchecked(set)
    };
    ENDINGS.into_iter().any(|signal| waiting.contains(signal))
}

fn ignores(signal: Signal) -> bool {
    // SAFETY: without a new action the call only fills in the present one, for which zeroes are a valid value.
    let action = unsafe {
        let mut action = std::mem::zeroed::<libc::sigaction>();
        libc::sigaction(signal as c_int, std::ptr::null(), &mut action);
        action
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Was the command ended by that signal?
pub fn killed_by(status: ExitStatus, signal: Signal) -> bool {
    status.signal() == Some(signal as i32)
}

/// The words of the command line, the name of the program first.
///
/// # Safety
///
/// `argv` must point to `argc` pointers to strings, as the C runtime passes them.
pub unsafe fn arguments(argc: c_int, argv: *const *const c_char) -> Vec<OsString> {
    // SAFETY: the caller vouches for it.
    let word = |index| unsafe { CStr::from_ptr(*argv.add(index)) };
    (0..usize::try_from(argc).unwrap_or(0)).map(|index| OsStr::from_bytes(word(index).to_bytes()).to_owned()).collect()
}

/// Was this process told to ignore how those that it starts end?
static IGNORED_CHILDREN: AtomicBool = AtomicBool::new(false);

/// From now on it is known how a command ends: if that is ignored, the system keeps neither its status nor its number for
/// who waits. Only to commands that are run for the user, that is as it was.
pub fn heed_children() {
    IGNORED_CHILDREN.store(ignores(Signal::SIGCHLD), Ordering::Relaxed);
    // SAFETY: no handler is set that could run.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
}

/// Opens those of the descriptors 0, 1 and 2 that are closed, so that no file of ours can be taken for one of them.
pub fn open_standard_descriptors() -> io::Result<()> {
    for descriptor in 0..=2 {
        // SAFETY: the call only asks; a descriptor that is closed is what it is about.
        if unsafe { libc::fcntl(descriptor, libc::F_GETFD) } == -1 {
            // The lowest one that is free is this one. It is never closed, and the commands that are run have it, too.
            let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
            fcntl(&null, FcntlArg::F_SETFD(FdFlag::empty()))?;
            let _ = null.into_raw_fd();
        }
    }
    Ok(())
}

/// The value of `PATH` with a directory put in front. Unset or empty, it stands for the system's directories.
pub fn path_with(directory: &OsStr) -> OsString {
    let path = std::env::var_os("PATH").filter(|path| !path.is_empty());
    let mut result = directory.to_owned();
    result.push(":");
    result.push(path.unwrap_or_else(|| "/bin:/usr/bin:/sbin:/usr/sbin".into()));
    result
}
