//! postmulti in the foreground of a terminal.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::setsid;
use regex::Regex;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command};

/// A terminal, and postmulti in its foreground.
pub struct Session {
    pub terminal: File,
    pub child: Child,
    sent: Vec<u8>,
}

/// Its window.
pub const SIZE: Winsize = Winsize { ws_row: 30, ws_col: 90, ws_xpixel: 0, ws_ypixel: 0 };
/// Longest time until something is shown, in milliseconds.
const PATIENCE: u16 = 60_000;

impl Session {
    /// Starts the command as the leader of a session on a new terminal of that kind.
    pub fn begin(mut command: Command, kind: &str) -> Session {
        let pty = openpty(Some(&SIZE), None).unwrap();
        // While this end is open, the terminal does not go away.
        fcntl(&pty.master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        let mut settings = tcgetattr(&pty.slave).unwrap();
        cfmakeraw(&mut settings);
        settings.local_flags |= LocalFlags::ISIG;
        tcsetattr(&pty.slave, SetArg::TCSANOW, &settings).unwrap();
        let lead = || {
            setsid()?;
            // SAFETY: the request takes no pointer.
            Errno::result(unsafe { libc::ioctl(2, libc::TIOCSCTTY, 0) })?;
            Ok(())
        };
        // SAFETY: all that is done between fork and exec here are two system calls.
        unsafe { command.pre_exec(lead) };
        command.env("TERM", kind).stdin(pty.slave.try_clone().unwrap());
        let child = command.stdout(pty.slave.try_clone().unwrap()).stderr(pty.slave).spawn().unwrap();
        Session { terminal: File::from(pty.master), child, sent: Vec::new() }
    }

    /// Reads on until that was sent to the terminal.
    #[track_caller]
    pub fn shows(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.sent).contains(text) {
            let is_sent = poll(&mut [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)], PATIENCE).unwrap() > 0;
            assert!(is_sent, "{text:?} is not in {:?}", String::from_utf8_lossy(&self.sent));
            let mut buffer = [0; 4096];
            let length = self.terminal.read(&mut buffer).unwrap();
            self.sent.extend_from_slice(&buffer[..length]);
        }
    }

    /// All that was sent to the terminal; and the signal that has ended postmulti.
    pub fn end(mut self) -> (String, Option<i32>) {
        let _end = self.terminal.read_to_end(&mut self.sent);
        (String::from_utf8(self.sent).unwrap(), self.child.wait().unwrap().signal())
    }
}

/// The text that can be read on the terminal in the end, of all that was sent to it.
pub fn screen(sent: &str) -> String {
    let mut screen = String::new();
    let mut line = String::new();
    for part in Regex::new("\x1b\\[2K|\r|\n|[^\x1b\r\n]+").unwrap().find_iter(sent) {
        match part.as_str() {
            "\x1b[2K" => line.clear(),
            "\r" => {}
            "\n" => {
                screen += &format!("{line}\n");
                line.clear();
            }
            text => line += text,
        }
    }
    screen + &line
}
