//! master.cf files.

use super::{Bytes, aside, bytes, text};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A whole master.cf. No two entries share name and type: postconf mixes up the overrides of such.
pub fn master_cf() -> Bytes {
    let head =
        prop_oneof![12 => text(""), 1 => text("  an orphan that is longer than thirty bytes\n"), 1 => text("\t-o\n")];
    let line = prop_oneof![40 => service().boxed(), 8 => aside(), 1 => odd_service()];
    let tail = prop_oneof![4 => text(""), 1 => text("last unix - - n - - smtp -o a=b"), 1 => text(" -o {z = ")];
    (head, vec(line, 1..6), tail)
        .prop_map(|(head, lines, tail)| {
            let number = |(number, line): (usize, Vec<u8>)| match line.strip_prefix(b"NAME") {
                Some(rest) => [format!("s{number}").as_bytes(), rest].concat(),
                None => line,
            };
            let lines: Vec<_> = lines.into_iter().enumerate().map(number).collect();
            [head, lines.concat(), tail].concat()
        })
        .boxed()
}

fn service() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        6 => text("NAME"),
        1 => text("NAMEb:{c d}"),
        1 => text("NAME.[::1]:25"),
        1 => text("NAMElong-for-its-column"),
    ];
    let switch = || prop_oneof![9 => select(&["y", "n", "-"][..]).prop_flat_map(text)];
    let wakeup = select(&["-", "-", "-", "0", "60", "1000?", "?", "-?", "007"][..]).prop_flat_map(text);
    let maxproc = select(&["-", "-", "-", "0", "1", "100", "00"][..]).prop_flat_map(text);
    let service_type = select(&["inet", "unix", "fifo", "pass", "unix-dgram"][..]).prop_flat_map(text);
    let command = select(&["smtpd", "pipe", "{a b}", "s}", "-o"][..]).prop_flat_map(text);
    let fields = (name, service_type, switch(), switch(), switch(), wakeup, maxproc, command).prop_map(
        |(name, service_type, private, unprivileged, chroot, wakeup, maxproc, command)| {
            vec![name, service_type, private, unprivileged, chroot, wakeup, maxproc, command]
        },
    );
    let end = prop_oneof![8 => text("\n"), 1 => text("\r\n"), 1 => text(" \n"), 1 => text("\0 -o x=y\n")];
    (fields, vec(option(), 0..4), vec(plain_argument(), 0..3), vec(space(), 16), end).prop_map(
        |(fields, options, arguments, spaces, end)| {
            let words = [fields, options, arguments].concat();
            let spaced: Vec<_> = words.into_iter().zip(spaces).flat_map(|(word, space)| [word, space]).collect();
            [spaced.concat().trim_ascii_end(), &end].concat()
        },
    )
}

fn odd_service() -> Bytes {
    select(
        &[
            "a inet n\n",
            "a unix - - - - - \n",
            "a tcp - - - - - b\n",
            "a inet x - - - - b\n",
            "a inet - yy - - - b\n",
            "a inet - - {n} - - b\n",
            "a inet - - - 1x? - b\n",
            "a inet - - - --? - b\n",
            "a inet - - - - 1? b\n",
            "a inet - - -\n\t- - - -- -\x0b\x0c\n",
            "a\0 inet - - - - - b\n",
        ][..],
    )
    .prop_flat_map(text)
    .boxed()
}

fn space() -> Bytes {
    let some = select(&["  ", "\t", "\r ", "\n ", "\n\t\t", "\n# inside\n ", "\n\n  # {\n  "][..]).prop_flat_map(text);
    prop_oneof![6 => text(" "), 1 => some].boxed()
}

fn option() -> Bytes {
    let setting = prop_oneof![
        4 => ("[a-z_]{1,8}", "[a-zA-Z0-9/:]{0,6}").prop_map(|(name, value)| format!("{name}={value}").into_bytes()),
        1 => ("[a-z]{1,3}", "=[a-z{]{1,3} [a-z]}[a-z]").prop_map(|(name, value)| format!("{name}={value}").into_bytes()),
        4 => (space(), "[a-z]{1,2}", "[ \t]?=[ \t]?[a-z]?", space(), "[a-z$ ]{0,4}", space()).prop_map(
            |(before, name, equals, middle, rest, after)| {
                let rest = rest.replace('$', "$$");
                [b"{", &before[..], name.as_bytes(), equals.as_bytes(), &middle, rest.as_bytes(), &after, b"}"].concat()
            }),
        1 => select(&["a", "=b", "{a b}", "{ = b}", "{}", "{a=b}c", "{{a=b}}", "{a={b c}}", "--", "-o"][..]).prop_flat_map(text),
    ];
    let letters =
        prop_oneof![8 => text("-o "), 1 => text("-vo "), 1 => text("-o"), 1 => text("-Do"), 1 => text("-o\n ")];
    prop_oneof![
        // postconf cuts -oname=foo in two at the second o; the daemons, who use getopt, do not.
        6 => (letters, setting).prop_map(|(letters, mut setting)| {
            if !letters.ends_with(b" ") {
                setting.retain(|byte| *byte != b'o');
            }
            [letters, setting].concat()
        }),
        1 => select(&["-v", "-vv", "-D", "-oa=b", "-voname=x", "-o x={y"][..]).prop_flat_map(text),
    ]
    .boxed()
}

fn plain_argument() -> Bytes {
    prop_oneof![
        4 => "[a-z=/$]{1,8}".prop_map(|word| word.replace('$', "$$").into_bytes()),
        4 => select(&["{a b}", "{ }", "{}", "x{a b}y", "{a}b", "--", "-o", "x=y", "{-o}", "\"a", "{{a  b}}", "}", "a\x0bb"][..])
            .prop_flat_map(text),
        1 => bytes(b"\xe9\xff"),
    ]
    .boxed()
}
