//! Edits of a main.cf.

use super::super::edit::Edit;
use super::main_cf::names;
use super::{Bytes, bytes, text};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

/// Names that generated files do not set.
const ABSENT: [&str; 9] = ["nosuch", "Z", "multi_instance_directories", "b", "name_with", "a.b-c", "\u{e9}", "$a", "~"];

/// An edit of one to six names; some stand in generated files, and some do not.
pub fn edit() -> impl Strategy<Value = Edit> {
    let settings = vec((name(), value()), 1..7).prop_map(Edit::Set);
    // Postfix 3.7 crashes when a name is given twice.
    let names = btree_set(name(), 1..7).prop_map(|names| Edit::CommentOut(names.into_iter().collect()));
    prop_oneof![2 => settings, 1 => names]
}

fn name() -> Bytes {
    prop_oneof![4 => select(names()).prop_flat_map(text), 1 => select(&ABSENT[..]).prop_flat_map(text)].boxed()
}

/// Without blanks at its ends, as postconf(1) cuts them off.
fn value() -> Bytes {
    let word = prop_oneof![
        6 => "[a-z0-9/.,+-]{1,6}".prop_map(String::into_bytes),
        4 => select(&["=", "#", "$", "$a", "${a?{b}:{c}}", "\\", "\"", "'", "*", ";", "{ a b }"][..]).prop_flat_map(text),
        1 => bytes(b"\xe9\xff\x80\x01"),
    ];
    let blank = select(&["", "", " ", "  ", "\t", "\x0b", "\x0c", "\r", " # ", " = "][..]).prop_flat_map(text);
    (vec((word.clone(), blank), 0..4), word, 0..8)
        .prop_map(|(parts, last, form)| match form {
            0 => Vec::new(),
            _ => parts.into_iter().flat_map(|(word, blank)| [word, blank]).chain([last]).flatten().collect(),
        })
        .boxed()
}
