//! Physical and logical lines, which main.cf and master.cf share.
//!
//! A physical line that is empty, all blank, or whose first non-blank byte is `#` is passed over,
//! wherever it stands. A line that begins with a blank continues the logical line before it. These are
//! the rules of postconf(5) and master(5).

use super::{is_blank, trim_start};
use memchr::{memchr, memchr_iter};
use std::borrow::Cow;
use std::ops::Range;

/// Room for so many entries is made at once; a stock main.cf has about half of them.
pub(super) const USUAL_ENTRIES: usize = 56;

/// A logical line: where it lies in the file, and the number of its first physical line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalLine {
    /// The bytes from the start of its first physical line to the end of its last one, with that one's
    /// newline. Comments may lie between the two.
    pub span: Range<usize>,
    /// The number of its first physical line, from 1.
    pub number: usize,
    /// How many physical lines of text it is made of.
    pub pieces: usize,
}

impl LogicalLine {
    /// The text: its physical lines, one after the other, without newlines and without the comments
    /// between them. It ends at the first NUL, because Postfix's strings do.
    pub fn text<'a>(&self, file: &'a [u8]) -> Cow<'a, [u8]> {
        let bytes = &file[self.span.clone()];
        let text = if self.pieces == 1 {
            Cow::Borrowed(without_newline(bytes))
        } else {
            let mut text = Vec::with_capacity(bytes.len());
            for line in physical(bytes).filter(|line| Kind::of(line) != Kind::Ignored) {
                text.extend_from_slice(without_newline(line));
            }
            Cow::Owned(text)
        };
        match (memchr(0, &text), text) {
            (None, text) => text,
            (Some(end), Cow::Borrowed(text)) => Cow::Borrowed(&text[..end]),
            (Some(end), Cow::Owned(mut text)) => {
                text.truncate(end);
                Cow::Owned(text)
            }
        }
    }

    /// True if it begins with a blank: a continuation with nothing before it, which counts for nothing.
    pub fn is_orphan(&self, file: &[u8]) -> bool {
        is_blank(file[self.span.start])
    }
}

/// What a physical line is to the logical lines around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Empty, all blank, or a comment.
    Ignored,
    /// Begins with a blank: it goes on with the line before.
    Continuation,
    /// Begins a logical line.
    Start,
}

impl Kind {
    /// Judges one physical line, with or without its newline.
    pub fn of(line: &[u8]) -> Kind {
        match line.first() {
            None | Some(b'#') => Kind::Ignored,
            Some(first) if !is_blank(*first) => Kind::Start,
            Some(_) => match trim_start(line).first() {
                None | Some(b'#') => Kind::Ignored,
                Some(_) => Kind::Continuation,
            },
        }
    }
}

/// The physical lines, each with its newline; the last one may lack it. Together they are the input.
pub fn physical(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memchr_iter(b'\n', bytes).map(|newline| newline + 1);
    let rest = (!bytes.is_empty() && !bytes.ends_with(b"\n")).then_some(bytes.len());
    ends.chain(rest).map(move |end| &bytes[std::mem::replace(&mut start, end)..end])
}

/// The logical lines of a file, in order.
pub fn logical(file: &[u8]) -> Vec<LogicalLine> {
    let mut lines: Vec<LogicalLine> = Vec::with_capacity(USUAL_ENTRIES);
    let (mut end, mut number) = (0, 0);
    while end < file.len() {
        let start = end;
        end = memchr(b'\n', &file[start..]).map_or(file.len(), |newline| start + newline + 1);
        number += 1;
        // Most lines of a stock file are these.
        if file[start] == b'#' {
            continue;
        }
        match (Kind::of(&file[start..end]), lines.last_mut()) {
            (Kind::Ignored, _) => {}
            (Kind::Continuation, Some(last)) => {
                last.span.end = end;
                last.pieces += 1;
            }
            (Kind::Start | Kind::Continuation, _) => {
                lines.push(LogicalLine { span: start..end, number, pieces: 1 });
            }
        }
    }
    lines
}

/// A physical line without its newline, if it has one.
pub fn without_newline(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(file: &[u8]) -> Vec<(usize, Vec<u8>)> {
        logical(file).iter().map(|line| (line.number, line.text(file).into_owned())).collect()
    }

    #[test]
    fn comments_may_stand_inside_a_value() {
        let file = b"# head\n\na = 1\n# inside\n  2\n \t\n\n   # too\n\t3\nb=4";
        assert_eq!(texts(file), [(3, b"a = 1  2\t3".to_vec()), (10, b"b=4".to_vec())]);
    }

    #[test]
    fn a_continuation_before_the_first_entry_is_an_orphan_with_all_that_continues_it() {
        let file = b"  lost\n too\na = 1\n";
        let lines = logical(file);
        assert!(lines[0].is_orphan(file) && !lines[1].is_orphan(file));
        assert_eq!(texts(file)[0].1, b"  lost too");
    }

    #[test]
    fn an_equals_sign_alone_is_text() {
        assert_eq!(texts(b"=\n ="), [(1, b"= =".to_vec())]);
    }

    #[test]
    fn text_ends_at_a_nul() {
        assert_eq!(texts(b"a = 1\0 2\n 3\n"), [(1, b"a = 1".to_vec())]);
    }

    proptest! {
        #[test]
        fn physical_lines_are_the_input(file in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(physical(&file).flatten().copied().collect::<Vec<_>>(), file);
        }

        #[test]
        fn logical_lines_stand_in_order_and_nothing_that_counts_stands_between_them(file in "[ab= \t\n\r#]{0,80}") {
            let file = file.as_bytes();
            let mut end = 0;
            for line in logical(file) {
                prop_assert!(end <= line.span.start && line.span.start < line.span.end);
                prop_assert!(physical(&file[end..line.span.start]).all(|line| Kind::of(line) == Kind::Ignored));
                let text = physical(&file[line.span.clone()]).filter(|line| Kind::of(line) != Kind::Ignored);
                prop_assert_eq!(line.pieces, text.count());
                prop_assert_eq!(line.number, 1 + physical(&file[..line.span.start]).count());
                end = line.span.end;
            }
            prop_assert!(physical(&file[end..]).all(|line| Kind::of(line) == Kind::Ignored));
        }
    }
}
