//! The mail log: the system log, or postlog(1), which knows where `maillog_file` is.

use super::log::Level;
use super::process::reset_signals_in;
use nix::sys::signal::{SigSet, SigmaskHow};
pub use nix::syslog::Facility;
use nix::syslog::{LogFlags, Priority, openlog, syslog};
use rustix::fs::{MemfdFlags, memfd_create};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

/// Longest time that the end of a run waits for postlog(1), whatever that does: nobody is to wait for a log.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Time between two looks at a postlog(1) that is waited for: it takes a few milliseconds.
const STEP: Duration = Duration::from_millis(2);

/// Stack of a thread that only writes, in bytes.
const STACK: usize = 128 << 10;

/// The way to the mail log.
#[derive(Debug, Clone, Default)]
pub enum MailLog {
    /// There is none, as below another root.
    #[default]
    Nowhere,
    /// The system log. Messages are there at once.
    Syslog(Facility),
    /// The postlog(1) at this path. It is left behind to do its work.
    Postlog(OsString),
}

/// Messages on their way to the mail log.
#[derive(Debug, Default)]
pub struct Delivery {
    batches: Vec<Batch>,
}

/// Messages of one level, and the postlog(1) that gets them.
#[derive(Debug)]
struct Batch {
    postlog: Child,
    /// Writes into the pipe from which postlog(1) reads, if that is no memory file.
    writer: Option<JoinHandle<()>>,
}

impl Delivery {
    /// Hands over messages of a program. What cannot be handed over is dropped: it was printed.
    pub fn start(&mut self, mail_log: &MailLog, program: &OsStr, messages: &[(Level, String)]) {
        match mail_log {
            MailLog::Nowhere => {}
            MailLog::Syslog(facility) => write_syslog(*facility, messages),
            MailLog::Postlog(postlog) => {
                let batches = messages.chunk_by(|(one, _), (next, _)| one == next);
                self.batches.extend(batches.filter_map(|batch| {
                    let text = batch.iter().flat_map(|(_, text)| [text.as_bytes(), b"\n"].concat()).collect();
                    let mut command = Command::new(postlog);
                    command.arg("-t").arg(program).arg("-p").arg(batch[0].0.priority());
                    Batch::start(command, text).ok()
                }));
            }
        }
    }

    /// Waits until all is written, and after a failure until each postlog(1) has ended; but never longer than the limit.
    pub fn finish(&mut self, failed: bool) {
        let deadline = Instant::now() + LONGEST_WAIT;
        while self.batches.iter_mut().any(|batch| batch.is_busy(failed)) && Instant::now() < deadline {
            sleep(STEP);
        }
    }
}

impl Batch {
    /// Starts postlog(1) on a memory file with the whole text, so that it need not be waited for.
    fn start(command: Command, text: Arc<[u8]>) -> io::Result<Batch> {
        match memory_file(&text) {
            Ok(file) => Ok(Batch { postlog: spawn(command, file.into())?, writer: None }),
            // A filter of system calls may forbid memory files, and RLIMIT_FSIZE holds for them, too.
            Err(_) => Batch::start_on_pipe(command, text),
        }
    }

    fn start_on_pipe(command: Command, text: Arc<[u8]>) -> io::Result<Batch> {
        let mut postlog = spawn(command, Stdio::piped())?;
        let mut pipe = postlog.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let writer = without_signals(move || {
            // A postlog(1) that ends without reading does so to its own loss.
            let _ = pipe.write_all(&text);
        })?;
        Ok(Batch { postlog, writer: Some(writer) })
    }

    /// Returns true if its text is not yet written, or, with `until_end`, if its postlog(1) still runs.
    fn is_busy(&mut self, until_end: bool) -> bool {
        let writes = self.writer.as_ref().is_some_and(|writer| !writer.is_finished());
        writes || (until_end && matches!(self.postlog.try_wait(), Ok(None)))
    }
}

fn write_syslog(facility: Facility, messages: &[(Level, String)]) {
    // Without another word, messages bear the last component of argv[0].
    let _ = openlog(None, LogFlags::LOG_PID, facility);
    for (level, text) in messages {
        let line = format!("{}: {text}", level.word());
        let _ = syslog(Priority::new(level.severity(), facility), &line);
    }
}

fn spawn(mut command: Command, input: Stdio) -> io::Result<Child> {
    reset_signals_in(&mut command);
    command
        .env_remove("MAIL_CONFIG")
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Neither an interrupt from the terminal nor its end is to reach it.
        .process_group(0)
        .spawn()
}

/// A file without a name that holds this text, to be read from its start.
fn memory_file(text: &Arc<[u8]>) -> io::Result<File> {
    let file = File::from(memfd_create("postlog", MemfdFlags::CLOEXEC)?);
    let (text, target) = (text.clone(), file.try_clone()?);
    let writer = without_signals(move || target.write_all_at(&text, 0))?;
    writer.join().map_err(|_| io::Error::from(io::ErrorKind::Other))??;
    Ok(file)
}

/// Does something in a thread that blocks all signals. SIGPIPE and SIGXFSZ are sent to the thread whose write raises them:
/// there they end nothing, and are gone with the thread.
fn without_signals<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    // The thread inherits this mask, so that no signal that the process waits for ever reaches it.
    let mask_before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let thread = thread::Builder::new().stack_size(STACK).spawn(work);
    mask_before.thread_set_mask()?;
    thread
}
