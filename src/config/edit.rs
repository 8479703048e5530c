//! Edits of a main.cf, with the meaning of `postconf -e` and `postconf -#`.
//!
//! Only the lines of the parameters that are named change. Comments and empty lines stay, also those between the
//! lines of a value; a missing newline at the end of the file is added.

use super::lines::{Kind, physical, without_newline};
use std::collections::{BTreeMap, BTreeSet};

/// What an edit makes of a main.cf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The names that were found more than once, each once, in the order noticed. Postfix warns of them.
    pub repeated: Vec<Vec<u8>>,
}

/// What is to become of a parameter: its new value, or none to comment it out.
type Wanted<'a> = BTreeMap<&'a [u8], Option<&'a [u8]>>;

/// Sets parameters, as `postconf -e` does: pairs of a name and the value as it is to stand in the file, in one line
/// and without blanks at its ends.
///
/// Every entry of a name becomes `name = value`. What is not found is appended, sorted by name. Of two settings of
/// one name, the last one counts.
pub fn set<N: AsRef<[u8]>, V: AsRef<[u8]>>(main_cf: &[u8], settings: &[(N, V)]) -> Edited {
    edit(main_cf, settings.iter().map(|(name, value)| (name.as_ref(), Some(value.as_ref()))).collect())
}

/// Comments parameters out, as `postconf -#` does: `#` is put in front of every line of every entry of theirs.
pub fn comment_out<N: AsRef<[u8]>>(main_cf: &[u8], names: &[N]) -> Edited {
    edit(main_cf, names.iter().map(|name| (name.as_ref(), None)).collect())
}

fn edit(main_cf: &[u8], wanted: Wanted) -> Edited {
    let mut edited = Edited { bytes: Vec::with_capacity(main_cf.len() + 1), repeated: Vec::new() };
    let mut found = BTreeSet::new();
    let mut current = None;
    for line in physical(main_cf).map(without_newline) {
        let kind = Kind::of(line);
        if kind == Kind::Start {
            current = wanted.get_key_value(name(line));
            if let Some((name, _)) = current
                && !found.insert(*name)
                && !edited.repeated.iter().any(|repeated| repeated == name)
            {
                edited.repeated.push(name.to_vec());
            }
        }
        match (kind, current) {
            (Kind::Ignored, _) | (_, None) => edited.push_line(&[line]),
            (_, Some((_, None))) => edited.push_line(&[b"#", line]),
            (Kind::Start, Some((name, Some(value)))) => edited.push_line(&[name, b" = ", value]),
            (Kind::Continuation, Some((_, Some(_)))) => {}
        }
    }
    for (name, value) in wanted {
        if let Some(value) = value.filter(|_| !found.contains(name)) {
            edited.push_line(&[name, b" = ", value]);
        }
    }
    edited
}

impl Edited {
    fn push_line(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.bytes.push(b'\n');
    }
}

/// The name of an entry, by its first line. VT and FF do not end it, though they do when the file is read.
fn name(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'='));
    &line[..end.unwrap_or(line.len())]
}

#[cfg(test)]
mod tests {
    use super::super::main_cf::{Finding, MainCf};
    use super::*;
    use proptest::prelude::*;

    const FILE: &[u8] = b"  orphan\n# head\na=1\n  2\n# inside\n\n\t3\nb = 2\r\n c\r\n";

    fn after_set(file: &[u8], settings: &[(&str, &str)]) -> String {
        String::from_utf8(set(file, settings).bytes).unwrap()
    }

    fn after_comment_out(file: &[u8], names: &[&str]) -> String {
        String::from_utf8(comment_out(file, names).bytes).unwrap()
    }

    #[test]
    fn an_entry_is_set_where_it_stands_and_comments_inside_it_stay() {
        let expected = "  orphan\n# head\na = 9\n# inside\n\nb = 2\r\n c\r\n";
        assert_eq!(after_set(FILE, &[("a", "9")]), expected);
    }

    #[test]
    fn an_entry_is_commented_out_with_all_its_lines() {
        let expected = "  orphan\n# head\n#a=1\n#  2\n# inside\n\n#\t3\nb = 2\r\n c\r\n";
        assert_eq!(after_comment_out(FILE, &["a"]), expected);
    }

    #[test]
    fn what_is_not_found_is_appended_in_order() {
        assert_eq!(after_set(b"b = 1\n", &[("c", ""), ("B", "2"), ("a", "3")]), "b = 1\nB = 2\na = 3\nc = \n");
        assert_eq!(after_comment_out(b"b = 1\n", &["a"]), "b = 1\n");
    }

    #[test]
    fn a_missing_newline_is_added() {
        assert_eq!(after_set(b"b = 1", &[("a", "1")]), "b = 1\na = 1\n");
        assert_eq!(after_comment_out(b"b = 1\n ", &["a"]), "b = 1\n \n");
        assert_eq!(after_comment_out(b"", &["a"]), "");
    }

    #[test]
    fn every_entry_of_a_name_changes_and_repeated_names_are_told_once() {
        let file = b"a = 1\nb = 1\nb = 2\na\n = 3\na = 4\n";
        let edited = set(file, &[("a", "x"), ("b", "y")]);
        assert_eq!(edited.bytes, b"a = x\nb = y\nb = y\na = x\na = x\n");
        assert_eq!(edited.repeated, [b"b", b"a"]);
        assert_eq!(comment_out(file, &["b", "b"]).repeated, [b"b"]);
    }

    #[test]
    fn of_two_settings_the_last_one_counts() {
        assert_eq!(after_set(b"", &[("a", "1"), ("a", "2")]), "a = 2\n");
    }

    #[test]
    fn vt_and_ff_begin_a_continuation_but_end_no_name() {
        assert_eq!(after_comment_out(b"a\x0b= 1\n\x0b2\na = 1\n\x0c2\n", &["a"]), "a\x0b= 1\n\x0b2\n#a = 1\n#\x0c2\n");
    }

    /// Lines with two names in all forms that matter here.
    fn file() -> impl Strategy<Value = Vec<u8>> {
        let end = prop_oneof![Just(""), Just("\n")];
        ("((a|ab|b)( |\t|\r)?=[ x$#=\u{e9}]{0,3}(\r?\n[ \t][y#]{0,2})?\r?\n|[ab#]?\n| #?\n| z\n){0,8}[ab ]?", end)
            .prop_map(|(file, end)| (file + end).into_bytes())
    }

    fn settings() -> impl Strategy<Value = Vec<(String, String)>> {
        proptest::collection::btree_map("a|b|c", "([x#=$]([ x#=$\u{e9}]{0,4}[x#=$])?)?", 1..4).prop_map(Vec::from_iter)
    }

    /// The lines that are comments or empty.
    fn asides(file: &[u8]) -> Vec<&[u8]> {
        physical(file).map(without_newline).filter(|line| Kind::of(line) == Kind::Ignored).collect()
    }

    fn is_sound(main_cf: &MainCf) -> bool {
        !matches!(main_cf.findings().last(), Some(Finding::Malformed { .. }))
    }

    proptest! {
        #[test]
        fn setting_twice_is_setting_once(file in file(), settings in settings()) {
            let once = set(&file, &settings);
            prop_assert_eq!(set(&once.bytes, &settings), once);
        }

        #[test]
        fn what_is_set_is_read_and_the_rest_stays(file in file(), settings in settings()) {
            let before = MainCf::parse(&file);
            let edited = set(&file, &settings).bytes;
            let after = MainCf::parse(&edited);
            prop_assert_eq!(asides(&file), asides(&edited));
            prop_assert!(!is_sound(&before) || is_sound(&after));
            if is_sound(&after) {
                for (name, value) in &settings {
                    prop_assert_eq!(after.get(name.as_bytes()), Some(value.as_bytes()));
                }
            }
            if is_sound(&before) {
                let is_set = |name: &[u8]| settings.iter().any(|(set, _)| set.as_bytes() == name);
                for (name, value) in before.entries().filter(|(name, _)| !is_set(name)) {
                    prop_assert_eq!(after.get(name), Some(value));
                }
            }
        }

        #[test]
        fn what_is_commented_out_is_gone_and_only_marked(file in file(), name in "a|b|c") {
            let edited = comment_out(&file, &[&name]).bytes;
            let after = MainCf::parse(&edited);
            prop_assert_eq!(after.get(name.as_bytes()), None);
            prop_assert_eq!(physical(&edited).count(), physical(&file).count());
            for (edited, line) in physical(&edited).zip(physical(&file)) {
                let (edited, line) = (without_newline(edited), without_newline(line));
                prop_assert!(edited == line || edited.strip_prefix(b"#") == Some(line));
            }
        }

        #[test]
        fn what_concerns_no_line_changes_none(file in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut expected = file.clone();
            if !file.is_empty() && !file.ends_with(b"\n") {
                expected.push(b'\n');
            }
            prop_assert_eq!(comment_out(&file, &["nosuch"]).bytes, expected);
        }
    }
}
