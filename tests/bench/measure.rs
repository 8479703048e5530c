//! How long a command takes, how much memory, how many processes.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::{errno::Errno, libc};

use crate::sandbox;

/// A command is measured this often, or for this long, whichever comes first, but twice at least.
const RUNS: usize = 200;
const TIME: Duration = Duration::from_secs(3);

/// What was measured of one command.
#[derive(Default)]
pub struct Figures {
    times: Vec<Duration>,
    cpu: Duration,
    kilobytes: i64,
}

impl Figures {
    pub fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort();
        milliseconds(times[times.len() / 2])
    }

    pub fn minimum(&self) -> f64 {
        self.times.iter().min().copied().map_or(f64::NAN, milliseconds)
    }

    /// Time over CPU time: much more than 1 means that it had to wait for a processor.
    pub fn waiting(&self) -> f64 {
        self.times.iter().sum::<Duration>().div_duration_f64(self.cpu)
    }

    /// How long all runs took together.
    pub fn total(&self) -> f64 {
        milliseconds(self.times.iter().sum())
    }

    /// The most memory that one process of the tree ever had resident, in MB.
    pub fn megabytes(&self) -> f64 {
        self.kilobytes as f64 / 1024.0
    }

    /// Runs a command that must succeed, and adds what it takes.
    pub fn add(&mut self, command: &[&str]) -> Result<()> {
        let (time, usage) = run(command)?;
        self.times.push(time);
        self.cpu += duration(usage.ru_utime) + duration(usage.ru_stime);
        self.kilobytes = self.kilobytes.max(usage.ru_maxrss);
        Ok(())
    }

    fn enough(&self) -> bool {
        self.times.len() >= RUNS || self.times.len() >= 2 && self.times.iter().sum::<Duration>() >= TIME
    }
}

/// What a command asks of the system: what it started, itself left out, and what it waited for.
pub struct Started {
    pub processes: usize,
    pub programs: usize,
    pub threads: usize,
    /// How often it waits until something is on stable storage.
    pub syncs: usize,
}

/// Runs the commands in turn, so that whatever else the machine does befalls all of them alike.
pub fn compare<const N: usize>(commands: [&[&str]; N]) -> Result<[Figures; N]> {
    let mut figures: [Figures; N] = std::array::from_fn(|_| Figures::default());
    while !figures.iter().all(Figures::enough) {
        for (command, figures) in commands.iter().zip(&mut figures).filter(|(_, figures)| !figures.enough()) {
            figures.add(command)?;
        }
    }
    Ok(figures)
}

/// Counts what a command starts. Not timed: strace(1) makes everything slow.
pub fn started(command: &[&str]) -> Result<Started> {
    let log = "/tmp/trace";
    let calls = "trace=execve,clone,clone3,fork,vfork,fsync,fdatasync,sync,syncfs";
    let strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", log, "-e", calls];
    sandbox::run(&[&strace, command].concat())?;
    let trace = fs::read_to_string(log)?;
    // A call that another process interrupts is two lines: the arguments are in the first, the result in the second.
    let is_new = |line: &&str| ["fork(", "clone(", "clone3("].iter().any(|call| line.contains(call));
    let (threads, forks): (Vec<&str>, Vec<&str>) =
        trace.lines().filter(is_new).partition(|line| line.contains("CLONE_THREAD"));
    let succeeds = |line: &&str| line.contains("execve") && line.ends_with(" = 0");
    let programs = trace.lines().filter(succeeds).count();
    ensure!(programs > 0, "strace saw nothing of {}", command[0]);
    let syncs = trace.lines().filter(|line| line.contains("sync(") || line.contains("syncfs(")).count();
    Ok(Started { processes: forks.len(), programs: programs - 1, threads: threads.len(), syncs })
}

/// Time from start to end of a command that must succeed, and what it and the processes that it waited for used.
fn run(command: &[&str]) -> Result<(Duration, libc::rusage)> {
    let mut child = sandbox::command(command);
    child.stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let pid = child.spawn().context(command[0].to_owned())?.id();
    let mut status = 0;
    // SAFETY: an all-zero rusage is valid, and wait4 writes to nothing but these two.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        Errno::result(libc::wait4(pid as libc::pid_t, &mut status, 0, &mut usage))?;
        usage
    };
    let time = start.elapsed();
    let status = ExitStatus::from_raw(status);
    ensure!(status.success(), "{}: {status}", command.join(" "));
    Ok((time, usage))
}

fn duration(time: libc::timeval) -> Duration {
    Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
