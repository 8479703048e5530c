//! A command and all its children, stopped at each system call that changes a file, and killed at one of them.

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::libc::{self, c_long};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The calls that change files, or make changes durable.
const CHANGING: [(c_long, &str); 32] = [
    (libc::SYS_openat, "openat"),
    (libc::SYS_openat2, "openat2"),
    (libc::SYS_write, "write"),
    (libc::SYS_writev, "writev"),
    (libc::SYS_pwrite64, "pwrite64"),
    (libc::SYS_sendfile, "sendfile"),
    (libc::SYS_copy_file_range, "copy_file_range"),
    (libc::SYS_truncate, "truncate"),
    (libc::SYS_ftruncate, "ftruncate"),
    (libc::SYS_fallocate, "fallocate"),
    (libc::SYS_fsync, "fsync"),
    (libc::SYS_fdatasync, "fdatasync"),
    (libc::SYS_sync, "sync"),
    (libc::SYS_renameat, "renameat"),
    (libc::SYS_renameat2, "renameat2"),
    (libc::SYS_linkat, "linkat"),
    (libc::SYS_symlinkat, "symlinkat"),
    (libc::SYS_unlinkat, "unlinkat"),
    (libc::SYS_mkdirat, "mkdirat"),
    (libc::SYS_mknodat, "mknodat"),
    (libc::SYS_fchmod, "fchmod"),
    (libc::SYS_fchmodat, "fchmodat"),
    (libc::SYS_fchmodat2, "fchmodat2"),
    (libc::SYS_fchown, "fchown"),
    (libc::SYS_fchownat, "fchownat"),
    (libc::SYS_utimensat, "utimensat"),
    (libc::SYS_setxattr, "setxattr"),
    (libc::SYS_lsetxattr, "lsetxattr"),
    (libc::SYS_fsetxattr, "fsetxattr"),
    (libc::SYS_removexattr, "removexattr"),
    (libc::SYS_lremovexattr, "lremovexattr"),
    (libc::SYS_fremovexattr, "fremovexattr"),
];

/// Those that newer architectures do without.
#[cfg(target_arch = "x86_64")]
const OLD: [(c_long, &str); 13] = [
    (libc::SYS_open, "open"),
    (libc::SYS_creat, "creat"),
    (libc::SYS_rename, "rename"),
    (libc::SYS_link, "link"),
    (libc::SYS_symlink, "symlink"),
    (libc::SYS_unlink, "unlink"),
    (libc::SYS_rmdir, "rmdir"),
    (libc::SYS_mkdir, "mkdir"),
    (libc::SYS_mknod, "mknod"),
    (libc::SYS_chmod, "chmod"),
    (libc::SYS_chown, "chown"),
    (libc::SYS_lchown, "lchown"),
    (libc::SYS_utime, "utime"),
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: [(c_long, &str); 0] = [];

/// Those that depend on what they are asked for, or on what they write to.
const SOMETIMES: [&str; 6] = ["open", "openat", "openat2", "write", "writev", "sendfile"];

/// The names of the calls that change something whenever they are made.
pub fn always_changing() -> impl Iterator<Item = &'static str> {
    CHANGING.iter().chain(&OLD).map(|(_, name)| *name).filter(|name| !SOMETIMES.contains(name))
}

/// What a traced command did.
pub struct Trace {
    /// Its calls that change files, in order; the last one was not made if it was killed there.
    pub calls: Vec<&'static str>,
    /// None: it was killed.
    pub status: Option<i32>,
}

/// Runs a command, which must be the leader of its process group, up to the call with that number, counted from 0.
///
/// A thread sees the processes alone that it has started itself, so that many threads can do this at once.
pub fn trace(mut command: Command, kill_at: Option<usize>) -> Result<Trace> {
    // SAFETY: this is one system call.
    unsafe { command.pre_exec(|| Ok(ptrace::traceme()?)) };
    let child = command.spawn().context("cannot start the command")?;
    let leader = Pid::from_raw(child.id().cast_signed());
    let (mut calls, mut status, mut inside) = (Vec::new(), None, HashSet::new());
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_EXITKILL
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC;
    let mut started = false;
    loop {
        let (pid, signal) = match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
            Err(Errno::ECHILD) => break,
            Err(Errno::EINTR) => continue,
            Ok(WaitStatus::PtraceSyscall(pid)) => {
                // A stop at each call comes in pairs.
                if inside.insert(pid) {
                    calls.extend(changing(pid)?);
                } else {
                    inside.remove(&pid);
                }
                if kill_at.is_some_and(|at| calls.len() > at) {
                    // Not again: all of them are as good as dead.
                    calls.truncate(kill_at.unwrap_or_default() + 1);
                    killpg(leader, Signal::SIGKILL)?;
                    while waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)).is_ok() {}
                    return Ok(Trace { calls, status: None });
                }
                (pid, None)
            }
            Ok(WaitStatus::Stopped(pid, Signal::SIGTRAP)) if !started => {
                ptrace::setoptions(pid, options)?;
                started = true;
                (pid, None)
            }
            // A new process, before its first instruction.
            Ok(WaitStatus::Stopped(pid, Signal::SIGSTOP)) => (pid, None),
            Ok(WaitStatus::Stopped(pid, signal)) => (pid, Some(signal)),
            Ok(WaitStatus::PtraceEvent(pid, _, event)) => {
                if event == libc::PTRACE_EVENT_EXEC {
                    // It stops once more on its way out of execve(2).
                    inside.insert(pid);
                }
                (pid, None)
            }
            Ok(WaitStatus::Exited(pid, code)) => {
                if pid == leader {
                    status = Some(code);
                }
                continue;
            }
            other => {
                other?;
                continue;
            }
        };
        match ptrace::syscall(pid, signal) {
            Err(Errno::ESRCH) => {}
            outcome => outcome?,
        }
    }
    Ok(Trace { calls, status })
}

/// The name of the call that a process is about to make, if it changes a file.
fn changing(pid: Pid) -> Result<Option<&'static str>> {
    let info = ptrace::syscall_info(pid)?;
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return Ok(None);
    }
    // SAFETY: of all that it can be, it is an entry.
    let call = unsafe { info.u.entry };
    let number = c_long::try_from(call.nr)?;
    let Some((_, name)) = CHANGING.iter().chain(&OLD).find(|(changing, _)| *changing == number) else {
        return Ok(None);
    };
    let changes = match *name {
        "open" => creates(call.args[1]),
        "openat" => creates(call.args[2]),
        // Pipes, terminals and the log are none.
        "write" | "writev" | "sendfile" => is_file(pid, call.args[0]),
        _ => true,
    };
    Ok(changes.then_some(name))
}

fn creates(flags: u64) -> bool {
    flags & (libc::O_CREAT | libc::O_TRUNC) as u64 != 0
}

fn is_file(pid: Pid, descriptor: u64) -> bool {
    fs::metadata(format!("/proc/{pid}/fd/{descriptor}")).is_ok_and(|found| found.is_file())
}
