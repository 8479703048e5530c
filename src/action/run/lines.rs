//! What each line of a command begins with.

/// What a line may have before its end is waited for no longer.
const MAX_LINE: usize = 1 << 16;

/// Puts a prefix before each line. A line is passed on when it is whole, so that no other gets into it.
#[derive(Debug)]
pub struct Lines {
    prefix: Option<Vec<u8>>,
    rest: Vec<u8>,
    /// The beginning of this line has been passed on already.
    is_begun: bool,
}

impl Lines {
    /// Without a prefix, all stays as it is.
    pub fn new(prefix: Option<Vec<u8>>) -> Lines {
        Lines { prefix, rest: Vec::new(), is_begun: false }
    }

    /// What is to be shown when these bytes come.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.prefix.is_none() {
            return bytes.to_vec();
        }
        self.rest.extend_from_slice(bytes);
        let end = memchr::memrchr(b'\n', &self.rest).map_or(0, |last| last + 1);
        self.prefixed(if self.rest.len() - end > MAX_LINE { self.rest.len() } else { end })
    }

    /// What is left: a line without an end gets one, so that the next prefix begins a line.
    pub fn end(&mut self) -> Vec<u8> {
        let mut text = self.prefixed(self.rest.len());
        if self.is_begun {
            text.push(b'\n');
        }
        text
    }

    fn prefixed(&mut self, end: usize) -> Vec<u8> {
        let mut text = Vec::new();
        for line in self.rest[..end].split_inclusive(|byte| *byte == b'\n') {
            if !self.is_begun {
                text.extend(self.prefix.iter().flatten());
            }
            text.extend_from_slice(line);
            self.is_begun = !line.ends_with(b"\n");
        }
        self.rest.drain(..end);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn a_line_without_an_end_gets_one_if_there_are_prefixes() {
        let mut lines = Lines::new(Some(b"a: ".to_vec()));
        assert_eq!(
            [lines.take(b"one\ntw"), lines.take(b"o\n\nthree"), lines.end()].concat(),
            b"a: one\na: two\na: \na: three\n"
        );
        assert_eq!(Lines::new(Some(b"a: ".to_vec())).end(), b"");
        let mut plain = Lines::new(None);
        assert_eq!([plain.take(b"one\ntw"), plain.end()].concat(), b"one\ntw");
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_on_in_pieces() {
        let mut lines = Lines::new(Some(b"a: ".to_vec()));
        let long = vec![b'x'; MAX_LINE + 1];
        assert!(lines.take(&long) == [b"a: ", &long[..]].concat());
        assert_eq!(
            [lines.take(b"x\nnext\n"), lines.take(&long[..9]), lines.end()].concat(),
            b"x\na: next\na: xxxxxxxxx\n"
        );
    }

    proptest! {
        /// However it is cut.
        #[test]
        fn prefixes(pieces in vec("[a\n]{0,5}", 0..8)) {
            let mut lines = Lines::new(Some(b"\xff: ".to_vec()));
            let mut text: Vec<u8> = pieces.iter().flat_map(|piece| lines.take(piece.as_bytes())).collect();
            text.extend(lines.end());
            let whole = pieces.concat();
            let expected: Vec<u8> = whole.lines().flat_map(|line| [b"\xff: ", line.as_bytes(), b"\n"].concat()).collect();
            prop_assert!(text == expected);
        }
    }
}
