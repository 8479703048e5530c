//! Hosts that are made and thrown away by the thousand: overlays on one that stays as it is.

use crate::tree::{Tree, changes};
use anyhow::{Context, Result, ensure};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, chdir, chroot, setpgid};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where all hosts lie: a file system in memory, which nobody else sees.
pub struct Place {
    directory: PathBuf,
    number: AtomicUsize,
}

/// A host as it is before an action. It is not changed any more.
pub struct State {
    /// Its layers, the topmost first.
    layers: Vec<PathBuf>,
    /// All of them together, to read.
    merged: PathBuf,
}

impl State {
    /// The state of a reference root.
    pub fn of(root: &Path) -> State {
        State { layers: vec![root.into()], merged: root.into() }
    }
}

/// Who is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Program<'a> {
    Original,
    Ours(&'a Path),
}

/// A copy of a state, to be changed.
pub struct Host<'s> {
    state: &'s State,
    root: PathBuf,
    upper: PathBuf,
    is_ours: bool,
}

impl Place {
    /// Mounts on an empty directory. The calling thread, and those that it starts, are alone to see that.
    pub fn new(directory: PathBuf) -> Result<Place> {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).context("cannot make a mount namespace")?;
        umask(Mode::from_bits_truncate(0o022));
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
        mount(Some("tmpfs"), &directory, Some("tmpfs"), MsFlags::empty(), Some("mode=755")).context("tmpfs")?;
        Ok(Place { directory, number: AtomicUsize::new(0) })
    }

    /// A new directory.
    fn take(&self) -> Result<PathBuf> {
        let directory = self.directory.join(self.number.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir(&directory)?;
        Ok(directory)
    }

    /// The state after these shell lines.
    pub fn after(&self, state: &State, program: Program, lines: &str) -> Result<State> {
        let host = self.host(state, program)?;
        // The original reads a file again and again until it is two seconds old.
        let lines = format!("set -e\n{lines}\nfind /etc -name '*.cf' -exec touch -d '1 hour ago' {{}} +");
        let output = host.command(&["/bin/sh", "-c", &lines]).output()?;
        ensure!(output.status.success(), "set-up: {}", String::from_utf8_lossy(&output.stderr));
        let upper = host.upper.clone();
        let layers: Vec<PathBuf> = [upper].into_iter().chain(state.layers.iter().cloned()).collect();
        host.leave();
        let merged = self.take()?;
        mount(Some("overlay"), &merged, Some("overlay"), MsFlags::MS_RDONLY, Some(&*lower(&layers)))?;
        Ok(State { layers, merged })
    }

    /// A copy of a state, with this program at its place.
    pub fn host<'s>(&self, state: &'s State, program: Program) -> Result<Host<'s>> {
        let directory = self.take()?;
        let [root, upper, work] = ["root", "upper", "work"].map(|name| directory.join(name));
        for directory in [&root, &upper, &work] {
            fs::create_dir(directory)?;
        }
        let layers = format!("{},upperdir={},workdir={}", lower(&state.layers), upper.display(), work.display());
        mount(Some("overlay"), &root, Some("overlay"), MsFlags::empty(), Some(&*layers)).context("overlay")?;
        let none = None::<&str>;
        mount(Some("proc"), &root.join("proc"), Some("proc"), MsFlags::empty(), none).context("/proc")?;
        if let Program::Ours(program) = program {
            mount(Some(program), &root.join("usr/sbin/postmulti"), none, MsFlags::MS_BIND, none)?;
        }
        Ok(Host { state, root, upper, is_ours: program != Program::Original })
    }
}

fn lower(layers: &[PathBuf]) -> String {
    let layers: Vec<String> = layers.iter().map(|layer| layer.display().to_string()).collect();
    format!("lowerdir={}", layers.join(":"))
}

impl Host<'_> {
    /// postmulti with these arguments.
    pub fn postmulti(&self, arguments: &[&str]) -> Command {
        self.command(&[&["/usr/sbin/postmulti"], arguments].concat())
    }

    /// A command on the host, in a process group of its own, with nothing but PATH in its environment.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let root = self.root.clone();
        let enter = move || {
            chroot(&root)?;
            chdir("/")?;
            Ok(setpgid(Pid::from_raw(0), Pid::from_raw(0))?)
        };
        // SAFETY: between fork and exec only system calls are allowed, and these are such: a path this short is made into
        // a C string on the stack.
        unsafe { command.pre_exec(enter) };
        command
    }

    /// Runs postmulti undisturbed.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.postmulti(arguments).output()?)
    }

    /// What is not as it was.
    pub fn changes(&self) -> Result<Tree> {
        changes(&self.upper, &self.state.merged)
    }

    /// Where an absolute path of the host lies.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Takes the mounts away; what was changed stays.
    fn leave(mut self) {
        self.unmount();
        self.root = PathBuf::new();
    }

    fn unmount(&mut self) {
        let mounted = ["usr/sbin/postmulti"].into_iter().filter(|_| self.is_ours).chain(["proc", ""]);
        for path in mounted {
            // What cannot be taken away now goes with the last thread.
            let _ = umount2(&self.root.join(path), MntFlags::MNT_DETACH);
        }
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        if self.root == Path::new("") {
            return;
        }
        self.unmount();
        let _ = self.upper.parent().map(fs::remove_dir_all);
    }
}
