//! A command that runs, while this process does something else.

use super::pty::Pty;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use rustix::process::{PidfdFlags, pidfd_open};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitStatus, Stdio};
use std::thread;

/// One of the two that a command prints on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Output,
    Error,
}

impl Stream {
    pub const BOTH: [Stream; 2] = [Stream::Output, Stream::Error];
}

/// What a command does not share with this process.
#[derive(Debug, Clone, Copy)]
pub struct Apart {
    /// Its standard input is empty.
    pub input: bool,
    /// What it prints comes here, through pipes.
    pub streams: bool,
    /// With `streams`: its standard error is a pseudo terminal, or a pipe where the system has no pseudo terminal for it.
    pub terminal: bool,
    /// It and all that it starts can be reached by one signal, and not by an interrupt from the terminal.
    pub group: bool,
}

/// The capacity of a pseudo terminal, in bytes. Linux does not tell it; it is less than 20 KiB.
const PTY_CAPACITY: usize = 1 << 16;

/// A command that was started.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    /// It can be read from when the command has ended.
    end: OwnedFd,
    pipes: [Option<File>; 2],
    has_group: bool,
}

impl Child {
    /// Starts a command.
    pub fn start(mut command: Command, apart: Apart) -> io::Result<Child> {
        if apart.input {
            command.stdin(Stdio::null());
        }
        let mut terminal = None;
        if apart.streams {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            if apart.terminal
                && let Ok(pty) = Pty::like(io::stderr())
            {
                // Dropped with the command: the master has an end only if no process here keeps the slave open.
                command.stderr(pty.slave);
                terminal = Some(pty.master);
            }
        }
        if apart.group {
            command.process_group(0);
        }
        // With the command there must be room for what watches over it.
        let room = io::stdin().as_fd().try_clone_to_owned()?;
        let mut process = command.spawn()?;
        drop(room);
        let pipes = [process.stdout.take().map(OwnedFd::from), terminal.or(process.stderr.take().map(OwnedFd::from))];
        let pipes = pipes.map(|pipe| pipe.map(File::from));
        let ready = pipes
            .iter()
            .flatten()
            .try_for_each(|pipe| Ok(fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(drop)?));
        match ready.and_then(|()| end_of(&process)) {
            Ok(end) => Ok(Child { process, end, pipes, has_group: apart.group }),
            Err(error) => {
                // What cannot be watched must not be left running.
                let _ = process.kill();
                let _ = process.wait();
                Err(error)
            }
        }
    }

    /// What can be read from as soon as the command has ended.
    pub fn end(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }

    /// What can be read from as soon as the command has printed something. None: it prints nothing more.
    pub fn pipe(&self, stream: Stream) -> Option<BorrowedFd<'_>> {
        self.pipes[stream as usize].as_ref().map(AsFd::as_fd)
    }

    /// Reads what the command has printed: nothing, if there is nothing at the moment.
    pub fn read<'b>(&mut self, stream: Stream, buffer: &'b mut [u8]) -> &'b [u8] {
        let pipe = &mut self.pipes[stream as usize];
        match pipe.as_mut().map(|pipe| pipe.read(buffer)) {
            Some(Ok(count @ 1..)) => return &buffer[..count],
            Some(Err(error)) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            // Also EIO, the end of a pseudo terminal.
            _ => *pipe = None,
        }
        &[]
    }

    /// How much the pipe or pseudo terminal can hold, in bytes, so that there is an end of reading what is in it.
    pub fn capacity(&self, stream: Stream) -> usize {
        let size = self.pipe(stream).and_then(|pipe| fcntl(pipe, FcntlArg::F_GETPIPE_SZ).ok());
        size.and_then(|size| usize::try_from(size).ok()).unwrap_or(PTY_CAPACITY)
    }

    /// How the command ended, once it has.
    pub fn status(&mut self) -> io::Result<ExitStatus> {
        self.process.wait()
    }

    /// Sends a signal to the command, and if it has a group of its own, to all of that.
    pub fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.process.id() as i32);
        // It may have ended meanwhile, but its number is not given to another before it was waited for.
        if self.has_group {
            let _ = killpg(process, signal);
            // Who was stopped, because it is not in the foreground, would never hear of it.
            let _ = killpg(process, Signal::SIGCONT);
        } else {
            let _ = kill(process, signal);
        }
    }
}

/// What can be read from as soon as a process has ended.
fn end_of(process: &process::Child) -> io::Result<OwnedFd> {
    match pidfd_open(rustix::process::Pid::from_child(process), PidfdFlags::empty()) {
        // Some containers know no descriptors of processes, or forbid them.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => end_by_thread(Pid::from_raw(process.id() as i32)),
        end => Ok(end?),
    }
}

/// The same by a thread that waits for the end, and leaves it to others to ask how it ended.
fn end_by_thread(process: Pid) -> io::Result<OwnedFd> {
    let (end, begin) = io::pipe()?;
    let wait = move || {
        while waitid(Id::Pid(process), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
        drop(begin);
    };
    thread::Builder::new().spawn(wait)?;
    Ok(end.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    #[test]
    fn the_end_is_seen_with_and_without_descriptors_of_processes() {
        for by_thread in [false, true] {
            let mut process = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
            let pid = Pid::from_raw(process.id() as i32);
            let end = if by_thread { end_by_thread(pid) } else { end_of(&process) }.unwrap();
            let has_ended = |time| poll(&mut [PollFd::new(end.as_fd(), PollFlags::POLLIN)], time).unwrap() == 1;
            assert!(!has_ended(PollTimeout::from(20u8)));
            drop(process.stdin.take());
            assert!(has_ended(PollTimeout::from(10_000u16)));
            assert!(process.wait().unwrap().success());
        }
    }
}
