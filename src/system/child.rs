//! A command that runs, while this process does something else.

use super::process::descriptor_of;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitStatus, Stdio};

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
    /// It and all that it starts can be reached by one signal, and not by an interrupt from the terminal.
    pub group: bool,
}

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
        if apart.streams {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        if apart.group {
            command.process_group(0);
        }
        let mut process = command.spawn()?;
        let pipes = [process.stdout.take().map(OwnedFd::from), process.stderr.take().map(OwnedFd::from)];
        let pipes = pipes.map(|pipe| pipe.map(File::from));
        let ready = pipes
            .iter()
            .flatten()
            .try_for_each(|pipe| Ok(fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(drop)?));
        match ready.and_then(|()| descriptor_of(&process)) {
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
            _ => *pipe = None,
        }
        &[]
    }

    /// How much the pipe can hold, in bytes, so that there is an end of reading what is in it.
    pub fn capacity(&self, stream: Stream) -> usize {
        let pipe = self.pipe(stream);
        pipe.and_then(|pipe| usize::try_from(fcntl(pipe, FcntlArg::F_GETPIPE_SZ).ok()?).ok()).unwrap_or(0)
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
