//! main.cf files.

use super::super::told::{OWN, PARAMETERS};
use super::{Bytes, aside, bytes, text};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Names that stand for something without being set, or for nothing at all.
const UNSET: [&str; 8] = [
    "nosuch",
    "multi_instance_group",
    "mail_name",
    "daemon_directory",
    "data_directory",
    "setgid_group",
    "multi_instance_enable",
    "undefined",
];

/// Known to Postfix alone, as long as main.cf does not set it.
const POSTFIX_KNOWS: [&str; 2] = ["smtp_helo_name", "default_transport"];

/// All names that a generated file may set.
///
/// A value refers mostly to names further down, or nearly every file would be one great loop.
pub fn names() -> Vec<&'static str> {
    let mut names = Vec::new();
    for (place, parameter) in PARAMETERS.iter().enumerate() {
        names.push(*parameter);
        names.extend(OWN.get(place));
    }
    names
}

/// A whole main.cf.
pub fn main_cf() -> Bytes {
    let names = names();
    let entries = (0..names.len()).map(|place| entry(place, &names)).collect::<Vec<_>>();
    let entry = any::<Index>().prop_flat_map(move |index| entries[index.index(entries.len())].clone());
    let line = prop_oneof![240 => entry, 24 => aside(), 1 => broken()];
    // What stands for nothing here is not left to Postfix, which knows more than we do.
    let preset = prop_oneof![
        5 => text("relayhost = 9\nmyorigin = \nmynetworks = 10\nmydestination =\nsmtpd_banner = b\n"),
        1 => text(""),
    ];
    let head =
        prop_oneof![20 => text(""), 1 => text("  an orphan that is longer than thirty bytes\n"), 1 => text("\t\0\n")];
    let tail = prop_oneof![8 => text(""), 1 => text("a = no newline at the end"), 1 => text("z ="), 1 => text(" "), 1 => text("\\")];
    (head, preset, vec(line, 1..14), tail)
        .prop_map(|(head, preset, lines, tail)| [head, preset, lines.concat(), tail].concat())
        .boxed()
}

/// No entry at all, or one whose text ends early.
fn broken() -> Bytes {
    select(&["nothing\n", "= a\n", "=\n", "a b = c\n", "a\0 = b\n", "\0\n", "\x01\n", "\u{e9} b\n", "-\r\n"][..])
        .prop_flat_map(text)
        .boxed()
}

fn entry(place: usize, names: &[&'static str]) -> Bytes {
    let name = names[place].as_bytes().to_vec();
    let end = prop_oneof![12 => text("\n"), 2 => text("\r\n"), 1 => text(" \x0b\x0c\n"), 1 => text("\0 = lost\n")];
    (Just(name), blanks(), blanks(), value(place, names), end)
        .prop_map(|(name, before, after, value, end)| [name, before, b"=".to_vec(), after, value, end].concat())
        .boxed()
}

fn blanks() -> Bytes {
    prop_oneof![4 => text(" "), 2 => text(""), 1 => text("\t"), 1 => select(&["\r", "\x0b", " \x0c "][..]).prop_flat_map(text)]
        .boxed()
}

/// A value, of expressions, words and continuations; now and then with one byte too many, or too few.
fn value(place: usize, names: &[&'static str]) -> Bytes {
    let part = prop_oneof![8 => expression(reference(place, names)), 5 => word(), 1 => continuation()];
    let spoil = prop_oneof![120 => Just(None), 1 => (any::<Index>(), "[${}():?=<\0x ]?").prop_map(Some)];
    (vec(part, 0..5), spoil)
        .prop_map(|(parts, spoil)| {
            let mut value = parts.concat();
            if let Some((index, byte)) = spoil.filter(|_| !value.is_empty()) {
                let at = index.index(value.len());
                value.splice(at..at + usize::from(byte.is_empty()), byte.into_bytes());
            }
            value
        })
        .boxed()
}

fn continuation() -> Bytes {
    select(&["\n ", "\n\t", "\r\n ", "\n# inside\n ", "\n\n \n\t", "\n  # $inside\n\x0b", "\n\x0c"][..])
        .prop_flat_map(text)
        .boxed()
}

fn word() -> Bytes {
    prop_oneof![
        16 => "[a-z0-9/.,%+-]{1,6}".prop_map(String::into_bytes),
        4 => select(&[" ", "  ", "\t", "\x0b", "\x0c", "\r", "=", "#", "\"", "\\", "$$", "$$$$", "?", ":", "[::1]:25"][..])
            .prop_flat_map(text),
        1 => select(&["{}", "{x}", "(x)", "{(}", "(})"][..]).prop_flat_map(text),
        1 => bytes(b"\xe9\xff\x80"),
    ]
    .boxed()
}

/// The name that a reference at some place in the list refers to.
fn reference(place: usize, names: &[&'static str]) -> Bytes {
    let mut below = names[place + 1..].to_vec();
    below.extend(["nosuch", "mail_name"]);
    prop_oneof![
        120 => select(below).prop_flat_map(text),
        40 => select(&UNSET[..]).prop_flat_map(text),
        1 => select(names.to_vec()).prop_flat_map(text),
        2 => select(&POSTFIX_KNOWS[..]).prop_flat_map(text),
    ]
    .boxed()
}

/// Nearly the whole grammar of expressions; most of what comes out is well-formed.
fn expression(name: Bytes) -> Bytes {
    let simple = (name.clone(), gap(), gap(), 0..6).prop_map(|(name, before, after, form)| match form {
        0..3 => [b"$", &name[..]].concat(),
        3 => [b"$(", &before[..], &name, &after, b")"].concat(),
        _ => [b"${", &before[..], &name, &after, b"}"].concat(),
    });
    let leaf = prop_oneof![6 => simple, 2 => word(), 1 => operand_word()];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let inner = prop_oneof![8 => inner.clone(), 1 => vec(inner, 0..3).prop_map(|parts| parts.concat())].boxed();
        let choice = choice(inner.clone());
        let conditional =
            (name.clone(), gap(), gap(), choice.clone(), 0..8).prop_map(|(name, before, after, choice, form)| {
                let (open, close): (&[u8], &[u8]) = if form == 0 { (b"$(", b")") } else { (b"${", b"}") };
                [open, &before, &name, &after, &choice, close].concat()
            });
        let odd = (name.clone(), inner.clone(), 0..6).prop_map(|(name, inner, form)| match form {
            0 => [b"${", &name[..], b"{", &inner, b"}}"].concat(),
            1 => [b"${", &name[..], b" x", &inner, b"}"].concat(),
            2 => [b"${", &name[..], b"?{", &inner, b"}x}"].concat(),
            3 => [b"${{", &inner[..], b"}}"].concat(),
            4 => [b"${", &inner[..], b"}"].concat(),
            _ => [b"${", &name[..], b"?", &inner].concat(),
        });
        prop_oneof![200 => conditional, 160 => comparison(inner, choice), 1 => odd]
    })
    .boxed()
}

/// From the `?` or `:` on.
fn choice(text: Bytes) -> Bytes {
    (gap(), gap(), text.clone(), text, 0..10)
        .prop_map(|(before, after, first, second, form)| {
            let braced = |text: &[u8]| [&before[..], b"{", text, b"}", &after].concat();
            match form {
                0 => [b"?", &first[..]].concat(),
                1 => [b":", &first[..]].concat(),
                2 => [b"?", &braced(&first)[..]].concat(),
                3 => [b":", &braced(&first)[..]].concat(),
                4 => [b"?", &braced(&first)[..], b":", &second].concat(),
                _ => [b"?", &braced(&first)[..], b":", &braced(&second)].concat(),
            }
        })
        .boxed()
}

fn comparison(inner: Bytes, choice: Bytes) -> Bytes {
    let operand = prop_oneof![3 => operand_word(), 2 => inner].boxed();
    let operator = prop_oneof![
        240 => select(&["==", "!=", "<", "<=", ">=", ">"][..]).prop_flat_map(text),
        40 => select(&["<=level", ">level", "==level", "!=level"][..]).prop_flat_map(text),
        1 => select(&["=", "<>", "", "==word", "=~", "&&", "<=level1"][..]).prop_flat_map(text),
    ];
    let level = prop_oneof![
        60 => select(&["3", "3.6", "2", "3.6.1", "3.10", "0", "03.6"][..]).prop_flat_map(text),
        1 => select(&["", "3.", "a", "3.6.1.1", " 3", "999999"][..]).prop_flat_map(text),
    ];
    let choice = prop_oneof![6 => choice, 1 => text("")];
    (operand.clone(), operand, operator, (level.clone(), level), (gap(), gap()), choice)
        .prop_map(|(mut left, mut right, operator, levels, (before, after), choice)| {
            if operator.ends_with(b"level") {
                (left, right) = levels;
            }
            [
                b"${",
                &before[..],
                b"{",
                &left,
                b"}",
                &before,
                &operator,
                &after,
                b"{",
                &right,
                b"}",
                &after,
                &choice,
                b"}",
            ]
            .concat()
        })
        .boxed()
}

/// Short, so that some comparisons hold.
fn operand_word() -> Bytes {
    prop_oneof![
        60 => select(&["", "0", "1", "10", "9", "09", "a", "B", "b", "10a", " 1", "Postfix", "y", "\u{e9}"][..]).prop_flat_map(text),
        1 => select(&["9223372036854775807", "9223372036854775808", "-1", "00000000000000000000001"][..]).prop_flat_map(text),
    ]
    .boxed()
}

/// Blanks where an expression may have some; VT and FF are none there.
fn gap() -> Bytes {
    prop_oneof![16 => text(""), 5 => text(" "), 1 => text("\t"), 1 => text("\r"), 1 => text(" \t ")].boxed()
}
