//! A pseudo terminal for the standard error of a command.

use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Both sides of a pseudo terminal. No process gets it as its controlling terminal by these descriptors.
#[derive(Debug)]
pub struct Pty {
    /// Read what is printed here. Once no process has the other side open, read(2) fails with EIO.
    pub master: OwnedFd,
    /// The terminal that a command prints on.
    pub slave: OwnedFd,
}

impl Pty {
    /// Opens a pseudo terminal with the window size of `terminal`. It is in raw mode, which passes on every byte as it is.
    ///
    /// # Errors
    ///
    /// There is no /dev/ptmx, as in some containers, or the limit of pseudo terminals or of descriptors is reached.
    pub fn like(terminal: impl AsFd) -> io::Result<Pty> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        unlockpt(&master)?;
        // By descriptor: its path may be hidden by another mount.
        let slave = ioctl_tiocgptpeer(&master, flags)?;
        let mut settings = tcgetattr(&slave)?;
        settings.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &settings)?;
        tcsetwinsize(&slave, tcgetwinsize(terminal)?)?;
        Ok(Pty { master, slave })
    }
}
