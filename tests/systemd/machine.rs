//! A sandbox with systemd as process 1, as on a host of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};

use crate::capture::{Outcome, StandardError};
use crate::sandbox::Sandbox;
use crate::walk::Host;

/// What process 1 does before it is systemd.
const BOOT: &str = include_str!("boot.sh");

/// What keeps the control group of a machine.
const KEEPER: &str = include_str!("keeper.sh");

/// Shell functions that the commands use.
const HELPERS: &str = include_str!("helpers.sh");

pub struct Machine {
    // They end in this order: a control group can go when its processes are gone.
    sandbox: Sandbox,
    _group: ControlGroup,
}

impl Machine {
    /// Starts systemd in a sandbox over `reference`; see `Sandbox::new`. When this returns, it has just begun to boot.
    pub fn boot(reference: &Path, program: Option<&Path>, place: &Path) -> Result<Machine> {
        // It must not be in the namespaces that the sandbox makes for this thread.
        let mut group = ControlGroup::new(place)?;
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", BOOT]).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdout(Stdio::null());
        let mut sandbox = Sandbox::with_init(shell, reference, program, place)?;
        group.add(sandbox.init.id())?;
        sandbox.init.stdin.take().context("standard input of process 1")?.write_all(b"\n")?;
        Ok(Machine { sandbox, _group: group })
    }
}

impl Host for Machine {
    fn run(&self, lines: &str) -> Result<Outcome> {
        // systemctl must never reach the systemd of the host that the tests run on.
        let namespace = |process: &str, kind| fs::read_link(format!("/proc/{process}/ns/{kind}"));
        for kind in ["pid", "mnt"] {
            let theirs = namespace(&self.sandbox.init.id().to_string(), kind)?;
            ensure!(
                namespace("self", kind)? != theirs,
                "process 1 of the sandbox is in the {kind} namespace of the host"
            );
        }
        self.sandbox.run(&format!("{HELPERS}\n{lines}"), StandardError::Terminal)
    }
}

/// A control group, which is removed with all that systemd has made in it. That is left to a process of its own, which
/// outlives this one when it is killed.
struct ControlGroup {
    keeper: Child,
}

impl ControlGroup {
    /// `place` is an empty directory, on which the keeper mounts the control groups for itself alone.
    fn new(place: &Path) -> Result<ControlGroup> {
        let mut keeper = Command::new("unshare");
        keeper.args(["--mount", "sh", "-c", KEEPER, "keeper"]).arg(place);
        // An interrupt from the terminal is not meant for it.
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        Ok(ControlGroup { keeper: keeper.spawn().context("unshare")? })
    }

    /// Has the process become a member.
    fn add(&mut self, process: u32) -> Result<()> {
        let (stdin, stdout) = (self.keeper.stdin.as_mut(), self.keeper.stdout.take());
        writeln!(stdin.context("standard input")?, "{process}")?;
        let mut answer = String::new();
        BufReader::new(stdout.context("standard output")?).read_line(&mut answer)?;
        ensure!(answer == "added\n", "process 1 gets no control group");
        Ok(())
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // Its standard input ends here, which tells it to remove the group.
        let removed = self.keeper.wait().is_ok_and(|status| status.success());
        assert!(removed || thread::panicking(), "a control group is left behind");
    }
}
