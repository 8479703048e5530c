//! What commands print, in the order of their instances.

use super::lines::Lines;
use crate::system::child::Stream;
use crate::system::spool::Spool;
use std::collections::VecDeque;
use std::io;

/// No write to a pipe that is ready for one has to wait, if it is no longer than this (PIPE_BUF).
const MAX_WRITE: usize = 4096;
/// So much of what a command prints is kept in memory, and what is more on the disk.
const MAX_IN_MEMORY: usize = 1 << 20;

/// Keeps what commands print until it is their turn: the first instance's is shown as it comes, that of the next one when
/// the first has ended, and so on. Nothing is changed, but for lines that get a prefix.
#[derive(Debug)]
pub struct Output {
    instances: Vec<Printed>,
    turn: usize,
    /// Why nothing more can be written to standard output.
    broken: Option<io::Error>,
    /// Nobody reads these any more, so nothing is written to them.
    lost: [bool; 2],
    in_line: bool,
}

/// What one command has printed, as far as it was not yet shown.
#[derive(Debug)]
struct Printed {
    lines: [Lines; 2],
    bytes: Spool,
    /// The bytes, cut into pieces that belong to one stream.
    pieces: VecDeque<(Stream, usize)>,
    ended: bool,
}

impl Output {
    /// For each instance what its lines begin with; without that, they stay as they are.
    pub fn new(prefixes: impl IntoIterator<Item = Option<Vec<u8>>>) -> Output {
        let printed = |prefix: Option<Vec<u8>>| Printed {
            lines: [Lines::new(prefix.clone()), Lines::new(prefix)],
            bytes: Spool::new(MAX_IN_MEMORY),
            pieces: VecDeque::new(),
            ended: false,
        };
        let instances = prefixes.into_iter().map(printed).collect();
        Output { instances, turn: 0, broken: None, lost: [false; 2], in_line: false }
    }

    /// The command of this instance has printed something.
    pub fn take(&mut self, instance: usize, stream: Stream, bytes: &[u8]) {
        let printed = &mut self.instances[instance];
        let bytes = printed.lines[stream as usize].take(bytes);
        printed.keep(stream, &bytes);
    }

    /// The command of this instance prints nothing more.
    pub fn end(&mut self, instance: usize) {
        let printed = &mut self.instances[instance];
        if printed.ended {
            return;
        }
        for stream in Stream::BOTH {
            let rest = printed.lines[stream as usize].end();
            printed.keep(stream, &rest);
        }
        printed.ended = true;
    }

    /// Puts a message of ours behind what the command of this instance has printed, as it is.
    pub fn tell(&mut self, instance: usize, message: &[u8]) {
        self.instances[instance].keep(Stream::Error, message);
    }

    /// Should nothing more be read of what this instance's command prints, for want of room?
    pub fn is_full(&self, instance: usize) -> bool {
        self.instances[instance].bytes.is_full()
    }

    /// The instance whose output is shown; none when all is done.
    pub fn turn(&self) -> Option<usize> {
        (self.turn < self.instances.len()).then_some(self.turn)
    }

    /// Passes on to the next instance, if all of this one has been shown. Has it?
    pub fn pass_on(&mut self) -> bool {
        let is_done = self.instances.get(self.turn).is_some_and(|shown| shown.ended && shown.pieces.is_empty());
        self.turn += usize::from(is_done);
        is_done
    }

    /// The stream for which there is something to be written.
    pub fn waiting(&self) -> Option<Stream> {
        self.instances[self.turn()?].pieces.front().map(|(stream, _)| *stream)
    }

    /// Writes a little of what waits, where `write` can take it. What cannot be written any more is dropped.
    pub fn write(&mut self, mut write: impl FnMut(Stream, &[u8]) -> io::Result<usize>) {
        let Some(printed) = self.instances.get_mut(self.turn) else { return };
        let Some((stream, length)) = printed.pieces.front_mut() else { return };
        let (mut buffer, most) = ([0; MAX_WRITE], MAX_WRITE.min(*length));
        let bytes = match printed.bytes.first(&mut buffer[..most]) {
            Ok(count) => &buffer[..count],
            Err(error) => {
                // It was on a disk that cannot be read.
                (printed.bytes, printed.pieces) = (Spool::new(MAX_IN_MEMORY), VecDeque::new());
                self.broken.get_or_insert(error);
                return;
            }
        };
        let written = if self.lost[*stream as usize] { Ok(bytes.len()) } else { write(*stream, bytes) };
        let count = match written {
            Ok(count) => count,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return,
            Err(error) => {
                self.lost[*stream as usize] = true;
                // Nobody could be told of the other one.
                if *stream == Stream::Output {
                    self.broken.get_or_insert(error);
                }
                return;
            }
        };
        self.in_line = !bytes[..count].ends_with(b"\n");
        printed.bytes.drop_first(count);
        *length -= count;
        if *length == 0 {
            printed.pieces.pop_front();
        }
    }

    /// Has the last line that was written no end yet?
    pub fn in_line(&self) -> bool {
        self.in_line
    }

    /// Why not all could be written to standard output.
    pub fn into_error(self) -> Option<io::Error> {
        self.broken
    }
}

impl Printed {
    fn keep(&mut self, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.bytes.put(bytes);
        match self.pieces.back_mut() {
            Some((last, length)) if *last == stream => *length += bytes.len(),
            _ => self.pieces.push_back((stream, bytes.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// What has been shown until the turn of an instance that is still running.
    fn show(output: &mut Output) -> [Vec<u8>; 2] {
        let mut shown = [Vec::new(), Vec::new()];
        loop {
            while output.waiting().is_some() {
                output.write(|stream, bytes| {
                    shown[stream as usize].extend_from_slice(bytes);
                    Ok(bytes.len())
                });
            }
            if !output.pass_on() {
                return shown;
            }
        }
    }

    #[test]
    fn each_is_shown_at_its_turn() {
        let mut output = Output::new([None, None, None]);
        output.take(1, Stream::Output, b"second ");
        output.end(2);
        assert_eq!(show(&mut output), [b"", b""]);
        output.take(0, Stream::Output, b"first ");
        assert_eq!(show(&mut output), [&b"first "[..], b""]);
        output.take(1, Stream::Error, b"wrong");
        output.take(0, Stream::Output, b"more ");
        output.end(0);
        assert_eq!(show(&mut output), [&b"more second "[..], b"wrong"]);
        assert_eq!(output.turn(), Some(1));
        output.end(1);
        assert_eq!((show(&mut output), output.turn()), ([vec![], vec![]], None));
    }

    #[test]
    fn a_stream_that_is_broken_takes_nothing_more() {
        let mut output = Output::new([None]);
        output.take(0, Stream::Output, b"out");
        output.take(0, Stream::Error, b"err");
        output.end(0);
        let mut seen = Vec::new();
        while output.waiting().is_some() {
            output.write(|stream, bytes| match stream {
                Stream::Output => Err(io::ErrorKind::StorageFull.into()),
                Stream::Error => Ok(bytes.len().min(2)).inspect(|count| seen.extend_from_slice(&bytes[..*count])),
            });
        }
        assert_eq!((output.pass_on(), &seen[..]), (true, &b"err"[..]));
        assert_eq!(output.into_error().unwrap().kind(), io::ErrorKind::StorageFull);
    }

    proptest! {
        /// Whatever is printed by whom, and when, each stream is as if one command had followed the other.
        #[test]
        fn merged(events in vec((0..4usize, any::<bool>(), vec(any::<u8>(), 0..40)), 0..60)) {
            let mut output = Output::new([const { None }; 4]);
            let (mut shown, mut expected) = ([vec![], vec![]], [[const { vec![] }; 4], [const { vec![] }; 4]]);
            let mut keep = |output: &mut Output| {
                let more = show(output);
                shown.iter_mut().zip(more).for_each(|(all, more)| all.extend(more));
            };
            for (instance, is_error, bytes) in events {
                let stream = if is_error { Stream::Error } else { Stream::Output };
                output.take(instance, stream, &bytes);
                expected[stream as usize][instance].extend(bytes);
                keep(&mut output);
            }
            for instance in [2, 0, 3, 1] {
                output.end(instance);
                keep(&mut output);
            }
            prop_assert_eq!(output.turn(), None);
            prop_assert_eq!(shown, expected.map(|of_instances: [Vec<u8>; 4]| of_instances.concat()));
        }
    }
}
