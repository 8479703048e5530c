//! Running a command and keeping what it prints, with standard error on a pipe or on a terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, cfmakeraw, tcgetattr, tcsetattr};

/// How long a command may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// What standard error is: up to Postfix 3.10, messages appear only on a terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StandardError {
    Terminal,
    Pipe,
}

/// How a command ended and what it printed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The exit status; 128 + N when signal N killed it, as a shell counts.
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Runs `command` to its end. `pts` is the directory of terminals that the command can see.
pub fn capture(mut command: Command, stderr: StandardError, pts: &Path) -> Result<Outcome> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut terminal = None;
    if stderr == StandardError::Terminal {
        let (ours, theirs) = open_terminal(pts).context("terminal")?;
        command.stderr(theirs);
        terminal = Some(ours);
    }
    let mut child = command.spawn()?;
    // It holds the other end of the terminal.
    drop(command);
    let stdout = File::from(OwnedFd::from(child.stdout.take().context("standard output")?));
    let stderr = match terminal {
        Some(terminal) => terminal,
        None => File::from(OwnedFd::from(child.stderr.take().context("standard error")?)),
    };

    let start = Instant::now();
    let mut streams = [Stream::new(stdout)?, Stream::new(stderr)?];
    let status = loop {
        let quiet = wait_for_input(&streams)?;
        for stream in &mut streams {
            stream.read()?;
        }
        // What is left running in the background may keep the streams open for ever.
        let ended = streams.iter().all(|stream| stream.ended) || quiet;
        if ended && let Some(status) = child.try_wait()? {
            // It may have printed something at the very end.
            streams.iter_mut().try_for_each(Stream::read)?;
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            bail!("still running after {} s", PATIENCE.as_secs());
        }
    };
    let status = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).context("exit status")?;
    let [stdout, stderr] = streams.map(|stream| stream.bytes);
    Ok(Outcome { status, stdout, stderr })
}

/// Opens a new terminal, which passes every byte on as it is: our side, and the command's.
fn open_terminal(pts: &Path) -> Result<(File, File)> {
    let open = |path: &Path| OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(path);
    let ours = open(&pts.join("ptmx"))?;
    let mut number: libc::c_uint = 0;
    let unlocked: libc::c_int = 0;
    // SAFETY: both requests take a pointer to an int that outlives the call.
    unsafe {
        Errno::result(libc::ioctl(ours.as_raw_fd(), libc::TIOCSPTLCK, &unlocked))?;
        Errno::result(libc::ioctl(ours.as_raw_fd(), libc::TIOCGPTN, &mut number))?;
    }
    let theirs = open(&pts.join(number.to_string()))?;
    let mut settings = tcgetattr(&theirs)?;
    cfmakeraw(&mut settings);
    settings.local_flags |= LocalFlags::ISIG;
    tcsetattr(&theirs, SetArg::TCSANOW, &settings)?;
    Ok((ours, theirs))
}

/// Makes the terminal on descriptor 2 the one that controls this session. For use between fork and exec.
pub fn controlling_terminal() -> io::Result<()> {
    // SAFETY: the request takes no pointer.
    Errno::result(unsafe { libc::ioctl(2, libc::TIOCSCTTY, 0) })?;
    Ok(())
}

/// Waits until there is something to read, or for a moment; tells whether there was nothing.
fn wait_for_input(streams: &[Stream]) -> Result<bool> {
    let open = streams.iter().filter(|stream| !stream.ended);
    let mut waiting: Vec<PollFd> = open.map(|stream| PollFd::new(stream.descriptor(), PollFlags::POLLIN)).collect();
    let moment: u8 = if waiting.is_empty() { 5 } else { 100 };
    Ok(poll(&mut waiting, PollTimeout::from(moment))? == 0)
}

struct Stream {
    file: File,
    bytes: Vec<u8>,
    ended: bool,
}

impl Stream {
    fn new(file: File) -> Result<Self> {
        let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
        fcntl(&file, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        Ok(Stream { file, bytes: Vec::new(), ended: false })
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    fn read(&mut self) -> Result<()> {
        match self.file.read_to_end(&mut self.bytes) {
            Ok(_) => self.ended = true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // A terminal whose other side is closed everywhere.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => self.ended = true,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
