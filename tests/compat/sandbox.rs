//! A sandbox: a fresh, private copy of a reference root, with its own mounts, processes, network and host name.
//!
//! The namespaces belong to the calling thread, so every sandbox needs a thread of its own, and is gone with it.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::SigSet;
use nix::sys::stat::{Mode, SFlag, makedev, mknod, umask};
use nix::unistd::{chdir, chroot, sethostname, setsid};
use walkdir::WalkDir;

use crate::capture::{Outcome, StandardError, capture, controlling_terminal};

/// Helper functions for scenario files, read before every shell line.
const LIBRARY: &str = include_str!("library.sh");

pub struct Sandbox {
    /// Its root directory, as the thread that made it sees it.
    pub root: PathBuf,
    upper: PathBuf,
    /// Process 1 of the sandbox: when it dies, all others do.
    pub init: Child,
}

impl Sandbox {
    /// Lays a sandbox over `reference`, with `program`, if there is one, in place of /usr/sbin/postmulti.
    ///
    /// `place` is an empty directory that all sandboxes share: each mounts on it for itself alone.
    pub fn new(reference: &Path, program: Option<&Path>, place: &Path) -> Result<Self> {
        let mut cat = Command::new("/bin/cat");
        cat.stdout(Stdio::null());
        Self::with_init(cat, reference, program, place)
    }

    /// As `new`, with `init` as process 1. It must read from its standard input, a pipe, before it does anything else.
    pub fn with_init(mut init: Command, reference: &Path, program: Option<&Path>, place: &Path) -> Result<Self> {
        unshare(
            CloneFlags::CLONE_NEWNS
                | CloneFlags::CLONE_NEWPID
                | CloneFlags::CLONE_NEWNET
                | CloneFlags::CLONE_NEWUTS
                | CloneFlags::CLONE_NEWIPC,
        )
        .context("cannot make namespaces (this needs root)")?;
        // This thread alone has this umask, whatever the caller's is.
        umask(Mode::from_bits_truncate(0o022));
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
        mount(Some("tmpfs"), place, Some("tmpfs"), MsFlags::empty(), Some("mode=755")).context("tmpfs")?;
        let [root, upper, work] = ["root", "upper", "work"].map(|name| place.join(name));
        for directory in [&root, &upper, &work] {
            fs::create_dir(directory)?;
        }
        let layers =
            format!("lowerdir={},upperdir={},workdir={}", reference.display(), upper.display(), work.display());
        mount(Some("overlay"), &root, Some("overlay"), MsFlags::empty(), Some(layers.as_str())).context("overlay")?;
        if let Some(program) = program {
            let original = root.join("usr/sbin/postmulti");
            mount(Some(program), &original, none, MsFlags::MS_BIND, none).context("our program")?;
        }
        devices(&root.join("dev")).context("/dev")?;
        sethostname("mail.example.com")?;
        loopback().context("loopback interface")?;

        init.stdin(Stdio::piped());
        within(&mut init, &root, StandardError::Pipe);
        // It shows the processes of the namespace that the caller is in, which this thread is not.
        let processes = || Ok(mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), None::<&str>)?);
        // SAFETY: as in `within`.
        unsafe { init.pre_exec(processes) };
        let init = init.spawn().context("process 1")?;
        Ok(Sandbox { root, upper, init })
    }

    /// The tree of everything that was changed, as the overlay file system keeps it.
    pub fn upper(&self) -> &Path {
        &self.upper
    }

    /// Runs shell lines in the sandbox, as root, in `/`, without standard input.
    pub fn run(&self, lines: &str, stderr: StandardError) -> Result<Outcome> {
        self.backdate()?;
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(format!("{LIBRARY}\n{lines}")).stdin(Stdio::null());
        shell.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        within(&mut shell, &self.root, stderr);
        capture(shell, stderr, &self.root.join("dev/pts"))
    }

    /// Makes every changed configuration file old: the original reads a file again and again until it is 2 s old.
    fn backdate(&self) -> Result<()> {
        let year_ago = SystemTime::now() - Duration::from_secs(365 * 24 * 3600);
        let changed = self.upper.join("etc");
        for entry in WalkDir::new(&changed).into_iter().filter_map(Result::ok) {
            let path = self.root.join("etc").join(entry.path().strip_prefix(&changed)?);
            if entry.file_type().is_file() && entry.metadata()?.modified()? > year_ago {
                File::open(&path)?.set_modified(year_ago)?;
            }
        }
        Ok(())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Nothing to report to: process 1 can only be gone already.
        let _ = self.init.kill();
        let _ = self.init.wait();
    }
}

/// Has `command` run in `root`, in a session of its own, which the terminal on its standard error controls, if it is one.
fn within<'a>(command: &'a mut Command, root: &Path, stderr: StandardError) -> &'a mut Command {
    let root = root.to_owned();
    let enter = move || {
        chroot(&root)?;
        chdir("/")?;
        setsid()?;
        // What the runner's caller left open, ignores or blocks is no business of the command's.
        let flags = libc::CLOSE_RANGE_CLOEXEC as libc::c_int;
        // SAFETY: the calls take no pointer and set no handler; signals that cannot be set are left alone.
        unsafe {
            Errno::result(libc::close_range(3, libc::c_uint::MAX, flags))?;
            for signal in 1..=libc::SIGRTMAX() {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        SigSet::empty().thread_set_mask()?;
        match stderr {
            StandardError::Terminal => controlling_terminal(),
            StandardError::Pipe => Ok(()),
        }
    };
    // SAFETY: between fork and exec, in a process with other threads, only system calls are allowed, and these are
    // such: a path this short is made into a C string on the stack.
    unsafe { command.pre_exec(enter) }
}

fn devices(dev: &Path) -> Result<()> {
    mount(Some("tmpfs"), dev, Some("tmpfs"), MsFlags::empty(), Some("mode=755"))?;
    let memory =
        [("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)].map(|(name, minor)| (name, 1, minor));
    for (name, major, minor) in memory.into_iter().chain([("tty", 5, 0)]) {
        let path = dev.join(name);
        mknod(&path, SFlag::S_IFCHR, Mode::empty(), makedev(major, minor))?;
        // Whatever the umask is.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
    }
    for (name, target) in [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")] {
        symlink(format!("/proc/self/fd{target}"), dev.join(name))?;
    }
    fs::create_dir(dev.join("pts"))?;
    symlink("pts/ptmx", dev.join("ptmx"))?;
    let options = "newinstance,ptmxmode=0666,mode=620,gid=5";
    mount(Some("devpts"), &dev.join("pts"), Some("devpts"), MsFlags::empty(), Some(options))?;
    Ok(())
}

/// Brings the interface `lo` of this network namespace up.
fn loopback() -> Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: an all-zero ifreq is valid, and the request reads no more than the name and the flags, which are set.
    let status = unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as libc::c_char;
        request.ifr_name[1] = b'o' as libc::c_char;
        request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
        libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request)
    };
    Errno::result(status)?;
    Ok(())
}
