//! The same work for many things, on all cores.

use nix::sched::{CloneFlags, unshare};
use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

/// Below this many things, starting a thread costs more than it saves.
const MIN_PER_THREAD: usize = 32;

/// Does the work for one part of the things after another, and returns what comes of it, in their order.
///
/// The parts are large enough to be worth a thread each; of a few things all are one part, and no thread is started.
pub fn in_parts<T: Sync, R: Send>(things: &[T], work: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    if things.len() < 2 * MIN_PER_THREAD {
        return work(things);
    }
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get());
    let part = things.len().div_ceil(threads).max(MIN_PER_THREAD);
    let work = &work;
    thread::scope(|scope| {
        let start = |part| {
            let work = move || {
                // Descriptors of its own, so that the threads do not wait for each other at every open and close.
                let _ = unshare(CloneFlags::CLONE_FILES);
                work(part)
            };
            thread::Builder::new().spawn_scoped(scope, work).map_err(|_| part)
        };
        let workers: Vec<_> = things.chunks(part).map(start).collect();
        let finish = |worker: Result<ScopedJoinHandle<_>, _>| match worker {
            Ok(worker) => worker.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // No more threads are to be had: then this one does it.
            Err(part) => work(part),
        };
        workers.into_iter().flat_map(finish).collect()
    })
}
