//! postfix-files.

use super::{Bytes, text};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A few lines; half of them say something that a shell may take otherwise.
pub fn postfix_files() -> Bytes {
    (vec(line(), 1..4), prop_oneof![8 => text(""), 1 => text("$queue_directory/b:d:root:-:755:c")])
        .prop_map(|(lines, tail)| [lines.concat(), tail].concat())
        .boxed()
}

fn line() -> Bytes {
    let base = usual(
        &["$queue_directory", "$data_directory", "$config_directory"],
        &["$daemon_directory", "${queue_directory}", "$queue_directory_", "#$queue_directory", " $queue_directory", ""],
    );
    let path =
        usual(&["/a", "/b", "/a/b", "", "/c.d"], &["/", "//b", "/./b", "/../b", "/a b", "/*", "/$(echo b)", ".b"]);
    let kind = usual(&["d", "d", "f"], &["h", "l", "-", "", "df"]);
    let owner = usual(&["root", "$mail_owner"], &["$setgid_group", "daemon", "-", "", "0", "root.mail", "\"root\""]);
    let group = usual(&["-", "", "$setgid_group", "root"], &["$mail_owner", "*", "\\root"]);
    let mode = usual(&["755", "700", "2750"], &["0", "", "-", "u=rwx", "7000000", "755 "]);
    let flags = usual(&["", "u", "uc", "ucr", "-", "c1", "r", "i"], &["o", "co", "$x", "r\r", "p1", "c:r:o", "C R"]);
    let end = usual(&["\n"], &["\r\n", ":\n", " \\\n", "\n\n", "\n# not\\\n"]);
    (base, path, kind, owner, group, mode, flags, end)
        .prop_map(|(base, path, kind, owner, group, mode, flags, end)| {
            let fields = [[base, path].concat(), kind, owner, group, mode, flags];
            [fields.join(&b':'), end].concat()
        })
        .boxed()
}

/// Mostly one of the first, now and then one of the others.
fn usual(usual: &'static [&'static str], odd: &'static [&'static str]) -> Bytes {
    prop_oneof![16 => select(usual), 1 => select(odd)].prop_flat_map(text).boxed()
}
