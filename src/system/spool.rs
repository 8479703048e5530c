//! Bytes that wait: few in memory, many in a temporary file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// Bytes that are read in the order in which they were put in.
///
/// What is too much for memory lies in a file in `TMPDIR` that has no name, so that it is gone with this process.
#[derive(Debug)]
pub struct Spool {
    max_in_memory: usize,
    /// The first ones.
    memory: VecDeque<u8>,
    /// Those that follow.
    file: Option<OnDisk>,
    /// The last ones, for which there was no room in the file.
    left_over: VecDeque<u8>,
}

#[derive(Debug)]
struct OnDisk {
    file: File,
    begin: u64,
    end: u64,
}

impl Spool {
    /// An empty one, which keeps no more than so many bytes in memory as long as there is room elsewhere.
    pub fn new(max_in_memory: usize) -> Spool {
        Spool { max_in_memory, memory: VecDeque::new(), file: None, left_over: VecDeque::new() }
    }

    /// Puts these bytes behind all others. They are kept in any case, but see [`is_full`](Spool::is_full).
    pub fn put(&mut self, bytes: &[u8]) {
        if self.file.is_none() && self.memory.len() + bytes.len() <= self.max_in_memory {
            self.memory.extend(bytes);
        } else if self.is_full() || self.put_on_disk(bytes).is_err() {
            self.left_over.extend(bytes);
        }
    }

    /// Is there no room on the disk? Then nothing more should be put in until some of it has been taken.
    pub fn is_full(&self) -> bool {
        !self.left_over.is_empty()
    }

    fn put_on_disk(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(OnDisk { file: tempfile::tempfile()?, begin: 0, end: 0 });
        }
        let Some(OnDisk { file, end, .. }) = &mut self.file else { return Ok(()) };
        file.write_all_at(bytes, *end)?;
        *end += bytes.len() as u64;
        Ok(())
    }

    /// Copies the first bytes into `buffer`, and leaves them here. Less than fit are copied only if there are no more at
    /// the moment, or more work would be needed to get at them.
    pub fn first(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.memory.is_empty() && self.file.is_none() {
            std::mem::swap(&mut self.memory, &mut self.left_over);
        }
        match &self.file {
            Some(OnDisk { file, begin, end }) if self.memory.is_empty() => {
                let length = buffer.len().min(usize::try_from(end - begin).unwrap_or(usize::MAX));
                file.read_at(&mut buffer[..length], *begin)
            }
            _ => self.memory.as_slices().0.read(buffer),
        }
    }

    /// Drops so many bytes, no more than [`first`](Spool::first) has copied.
    pub fn drop_first(&mut self, count: usize) {
        if !self.memory.is_empty() {
            self.memory.drain(..count);
        } else if let Some(OnDisk { begin, end, .. }) = &mut self.file {
            *begin += count as u64;
            if begin == end {
                self.file = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(steps in proptest::collection::vec((0..700usize, 0..700usize), 1..8)) {
            let mut spool = Spool::new(1000);
            let (mut written, mut read) = (0usize, 0usize);
            let byte = |place: usize| (place % 251) as u8;
            let mut buffer = [0; 50];
            let last = (0, usize::MAX);
            for (put, take) in steps.into_iter().chain([last]) {
                spool.put(&(written..written + put).map(byte).collect::<Vec<_>>());
                written += put;
                let end = written.min(read.saturating_add(take));
                while read < end {
                    let most = buffer.len().min(end - read);
                    let count = spool.first(&mut buffer[..most]).unwrap();
                    prop_assert!(count > 0 && buffer[..count].iter().copied().eq((read..read + count).map(byte)));
                    spool.drop_first(count);
                    read += count;
                }
            }
            prop_assert_eq!(spool.first(&mut buffer).unwrap(), 0);
            prop_assert!(spool.file.is_none() && !spool.is_full());
        }
    }

    #[test]
    fn without_room_on_the_disk_the_last_bytes_stay_last() {
        let mut spool = Spool::new(50);
        spool.put(&[1; 50]);
        // Nothing can be written to it.
        spool.file = Some(OnDisk { file: File::open("/dev/null").unwrap(), begin: 0, end: 0 });
        spool.put(&[2; 10]);
        spool.put(&[3; 10]);
        assert!(spool.is_full());
        spool.file = None;
        let (mut seen, mut buffer) = (Vec::new(), [0; 1000]);
        while let count @ 1.. = spool.first(&mut buffer).unwrap() {
            seen.extend_from_slice(&buffer[..count]);
            spool.drop_first(count);
        }
        assert_eq!(seen[50..], [[2; 10], [3; 10]].concat());
        assert!(!spool.is_full());
    }
}
