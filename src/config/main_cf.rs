//! main.cf: entries in order, without loss.

use super::lines::{LogicalLine, USUAL_ENTRIES, logical, physical};
use super::{is_blank, is_separator, trim, trim_start};
use indexmap::IndexMap;
use memchr::{memchr, memchr_iter};
use rustc_hash::FxBuildHasher;
use std::borrow::Cow;
use std::ops::Range;

/// A main.cf: all its bytes, and the entries found in them.
///
/// Parsing never fails. What is wrong with the file is told by [`MainCf::findings`].
#[derive(Debug, Clone)]
pub struct MainCf<'a> {
    bytes: &'a [u8],
    entries: Entries<'a>,
    findings: Vec<Finding>,
}

type Entries<'a> = IndexMap<Cow<'a, [u8]>, Cow<'a, [u8]>, FxBuildHasher>;

/// Something to say about a main.cf, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Continuation text before the first entry. It counts for nothing.
    Orphan { line: usize, text: Vec<u8> },
    /// A NUL in or around a logical line, of which these are the first and the last physical line. Text ends there.
    Nul { first: usize, last: usize },
    /// A name that is set again, to another value: the last one counts.
    Override { line: usize, name: Vec<u8>, old: Vec<u8> },
    /// A line that is no `name = value`. Postfix reads nothing of the file.
    Malformed { line: usize, reason: &'static str, text: Vec<u8> },
}

/// A name that is set more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    pub name: Vec<u8>,
    /// Where its entries begin, in order, from 1. The last one counts.
    pub lines: Vec<usize>,
    /// Are the values not all the same?
    pub differs: bool,
}

impl<'a> MainCf<'a> {
    /// Reads a whole file. The first malformed line ends the reading, as it does in Postfix.
    pub fn parse(bytes: &'a [u8]) -> MainCf<'a> {
        MainCf::parse_over(bytes, Entries::with_capacity_and_hasher(USUAL_ENTRIES, FxBuildHasher))
    }

    /// Reads a whole file in a configuration directory: that is the value of `config_directory` to begin with.
    pub fn parse_in(config_directory: &'a [u8], bytes: &'a [u8]) -> MainCf<'a> {
        let mut entries = Entries::with_capacity_and_hasher(USUAL_ENTRIES, FxBuildHasher);
        entries.insert(Cow::Borrowed(b"config_directory"), Cow::Borrowed(config_directory));
        MainCf::parse_over(bytes, entries)
    }

    fn parse_over(bytes: &'a [u8], mut entries: Entries<'a>) -> MainCf<'a> {
        let lines = logical(bytes);
        let has_nul = memchr(0, bytes).is_some();
        let mut findings = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            if has_nul {
                findings.extend(nul_around(&lines, index, bytes));
            }
            let text = line.text(bytes);
            if line.is_orphan(bytes) {
                findings.push(Finding::Orphan { line: line.number, text: text.into_owned() });
                continue;
            }
            match entry(&text) {
                Err(reason) => {
                    findings.push(Finding::Malformed { line: line.number, reason, text: text.into_owned() });
                    break;
                }
                Ok((name, value)) => {
                    let (name, value) = match text {
                        Cow::Borrowed(text) => (Cow::Borrowed(&text[name]), Cow::Borrowed(&text[value])),
                        Cow::Owned(text) => (Cow::Owned(text[name].into()), Cow::Owned(text[value].into())),
                    };
                    findings.extend(overridden(&entries, line, &name, &value));
                    entries.insert(name, value);
                }
            }
        }
        MainCf { bytes, entries, findings }
    }

    /// The value that counts, as it stands in the file: blanks cut off its ends, nothing expanded.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.entries.get(name).map(|value| &**value)
    }

    /// Each name that is set, in the order of its first entry, with the value that counts.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries.iter().map(|(name, value)| (&**name, &**value))
    }

    /// What is wrong or noteworthy. A [`Finding::Malformed`] is the last one.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The names that are set more than once, in the order of their first entries.
    pub fn repeated(&self) -> Vec<Repeated> {
        let mut all: IndexMap<Vec<u8>, (Repeated, Vec<u8>), FxBuildHasher> = IndexMap::default();
        for line in logical(self.bytes).iter().filter(|line| !line.is_orphan(self.bytes)) {
            let text = line.text(self.bytes);
            let Ok((name, value)) = split_name_value(&text) else { continue };
            let first = || (Repeated { name: name.to_vec(), lines: Vec::new(), differs: false }, value.to_vec());
            let (repeated, first) = all.entry(name.to_vec()).or_insert_with(first);
            repeated.lines.push(line.number);
            repeated.differs |= *first != value;
        }
        all.into_values().map(|(repeated, _)| repeated).filter(|repeated| repeated.lines.len() > 1).collect()
    }

    /// The number of the physical line on which the entry that counts begins, from 1.
    pub fn line_of(&self, name: &[u8]) -> Option<usize> {
        let sets = |line: &LogicalLine| {
            let text = line.text(self.bytes);
            !line.is_orphan(self.bytes) && split_name_value(&text).is_ok_and(|(found, _)| found == name)
        };
        logical(self.bytes).into_iter().rev().find(sets).map(|line| line.number)
    }

    /// The file, byte for byte.
    pub fn to_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// Tells of an earlier entry for the name, if the value is another.
fn overridden(entries: &Entries, line: &LogicalLine, name: &[u8], value: &[u8]) -> Option<Finding> {
    let old = entries.get(name).filter(|old| **old != value)?;
    Some(Finding::Override { line: line.number, name: name.to_vec(), old: old.to_vec() })
}

/// Tells of a NUL in a logical line or in the comments before and after it, which Postfix reads in one go.
fn nul_around(lines: &[LogicalLine], index: usize, file: &[u8]) -> Option<Finding> {
    let line = &lines[index];
    let start = if index == 0 { 0 } else { line.span.start };
    let end = lines.get(index + 1).map_or(file.len(), |next| next.span.start);
    memchr(0, &file[start..end])?;
    let comments = physical(&file[line.span.start..end]).count();
    Some(Finding::Nul { first: line.number, last: line.number + comments - 1 })
}

/// Splits `name = value`. The name ends at a blank or `=`; blanks around `=` and at both ends are dropped.
///
/// The error is Postfix's own word for what is missing.
pub fn split_name_value(text: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    entry(text).map(|(name, value)| (&text[name], &text[value]))
}

/// The text of a value from its first word on that begins with `#`. It is part of the value, though it looks like a comment:
/// postconf(1) 3.9 and later warn of it.
pub fn comment(value: &[u8]) -> Option<&[u8]> {
    let begins_word = |at: usize| at == 0 || is_separator(value[at - 1]);
    memchr_iter(b'#', value).find(|at| begins_word(*at)).map(|at| &value[at..])
}

/// Where name and value lie in the text of an entry.
fn entry(text: &[u8]) -> Result<(Range<usize>, Range<usize>), &'static str> {
    let begin = text.len() - trim_start(text).len();
    let is_name = |byte: &u8| !is_blank(*byte) && *byte != b'=';
    let end = begin + text[begin..].iter().take_while(|byte| is_name(byte)).count();
    if begin == end {
        return Err("missing attribute name");
    }
    let value = trim_start(&text[end..]).strip_prefix(b"=").ok_or("missing '=' after attribute name")?;
    let value = trim_start(value);
    let start = text.len() - value.len();
    Ok((begin..end, start..start + trim(value).len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_entry_counts_and_the_first_gives_the_place() {
        let main_cf = MainCf::parse(b"a = 1\nb = 2\na = 3\nb = 2\n");
        let entries: Vec<_> = main_cf.entries().collect();
        assert_eq!(entries, [(&b"a"[..], &b"3"[..]), (b"b", b"2")]);
        let old = Finding::Override { line: 3, name: b"a".to_vec(), old: b"1".to_vec() };
        assert_eq!(main_cf.findings(), [old]);
        assert_eq!(main_cf.line_of(b"b"), Some(4));
    }

    #[test]
    fn a_malformed_line_ends_the_reading() {
        for (file, reason) in [
            (&b"a = 1\nbroken\nb = 2\n"[..], "missing '=' after attribute name"),
            (b"a = 1\n= x\nb = 2\n", "missing attribute name"),
        ] {
            let main_cf = MainCf::parse(file);
            assert!(
                matches!(main_cf.findings(), [Finding::Malformed { line: 2, reason: found, .. }] if *found == reason)
            );
            assert_eq!(main_cf.get(b"b"), None);
        }
    }

    #[test]
    fn a_nul_is_told_with_the_lines_read_around_it() {
        let nul = |first, last| Finding::Nul { first, last };
        let found = |file: &[u8]| MainCf::parse(file).findings().to_vec();
        assert_eq!(found(b"a = b\n c\0d\n e\n# \0\nf = \0\n"), [nul(1, 4), nul(5, 5)]);
        assert_eq!(found(b"# \0\n  # \0\nb = c\n # \0\n d\nc = \0"), [nul(3, 5), nul(6, 6)]);
        assert_eq!(found(b"a = b\n"), []);
    }

    #[test]
    fn comment_begins_where_a_word_does() {
        for (value, text) in [
            ("mta # x", Some("# x")),
            ("mta\t#x y", Some("#x y")),
            ("a,#b # c", Some("#b # c")),
            ("#x", Some("#x")),
            ("a#b c=#d", None),
            ("a\x0b#b", None),
            ("", None),
        ] {
            assert_eq!(comment(value.as_bytes()), text.map(str::as_bytes), "{value}");
        }
    }

    #[test]
    fn the_configuration_directory_can_be_referred_to_and_set() {
        let main_cf = MainCf::parse_in(b"/etc/a", b"x = y\n");
        assert_eq!(main_cf.get(b"config_directory"), Some(&b"/etc/a"[..]));
        let main_cf = MainCf::parse_in(b"/etc/a", b"config_directory = /b\n");
        let old = Finding::Override { line: 1, name: b"config_directory".to_vec(), old: b"/etc/a".to_vec() };
        assert_eq!(main_cf.findings(), [old]);
    }

    /// Pieces of which a main.cf can be made that are likely to meet a corner of the grammar.
    fn main_cf_bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"name = value\n".to_vec()),
            Just(b"name=other\r\n".to_vec()),
            Just(b"  continued\n".to_vec()),
            Just(b"\t# a comment inside\n".to_vec()),
            Just(b"# comment\n".to_vec()),
            Just(b"\n".to_vec()),
            Just(b" \t\n".to_vec()),
            Just(b"nul = a\0b\n".to_vec()),
            Just(b"latin = \xe9\xff\n".to_vec()),
            Just(b"no newline".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..12),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn parsing_loses_nothing(file in main_cf_bytes()) {
            prop_assert_eq!(MainCf::parse(&file).to_bytes(), &file[..]);
        }

        #[test]
        fn what_is_written_is_read(name in "[a-z_]{1,9}", value in "[^\0\n\r\t\x0b\x0c #=]{0,9}") {
            let file = format!("# head\n{name} = {value}");
            let main_cf = MainCf::parse(file.as_bytes());
            prop_assert_eq!(main_cf.get(name.as_bytes()), Some(value.as_bytes()));
        }
    }
}
