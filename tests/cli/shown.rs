//! What a dry run shows, done by hand: diffs as patch(1) applies them, and a line for each of the other steps.

use crate::host::Host;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Does it. Whatever is not understood, or does not fit the files, fails the test.
pub fn apply(host: &Host, shown: &[u8]) {
    let lines: Vec<&[u8]> = shown.split_inclusive(|byte| *byte == b'\n').collect();
    let mut rest = lines.as_slice();
    while let [line, others @ ..] = rest {
        rest = match line.strip_prefix(b"--- ") {
            Some(old) => patch(host, text(old).trim_end(), others),
            None => {
                step(host, text(line).strip_suffix('\n').expect("a whole line"));
                others
            }
        };
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn step(host: &Host, line: &str) {
    if let Some(path) = line.strip_prefix("remove ") {
        let path = path.strip_suffix(", if nothing is left in it").unwrap_or(path);
        let path = host.path(path);
        let is_directory = path.symlink_metadata().unwrap().is_dir();
        return if is_directory { fs::remove_dir(path) } else { fs::remove_file(path) }.unwrap();
    }
    let (line, recursive) = match line.strip_suffix(", and the owner of all below") {
        Some(line) => (line, true),
        None => (line, false),
    };
    let (path, words) = match (line.strip_prefix("make directory "), line.strip_prefix("set permissions of ")) {
        (Some(rest), _) => (made(host, rest), rest),
        (_, Some(rest)) => (host.path(rest.split(' ').next().unwrap()), rest),
        _ => panic!("not understood: {line}"),
    };
    let words: Vec<&str> = words.split(' ').skip(1).collect();
    for path in WalkDir::new(path).max_depth(if recursive { usize::MAX } else { 0 }) {
        let path = path.unwrap().into_path();
        words.chunks(2).for_each(|setting| set(host, &path, setting));
    }
}

fn set(host: &Host, path: &Path, setting: &[&str]) {
    match setting {
        ["owner", name] => chown(path, Some(id(host, "/etc/passwd", name)), None).unwrap(),
        ["group", name] => chown(path, None, Some(id(host, "/etc/group", name))).unwrap(),
        ["mode", mode] if path.is_dir() => {
            let mode = u32::from_str_radix(mode, 8).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        ["mode", _] => {}
        other => panic!("not understood: {other:?}"),
    }
}

fn made(host: &Host, rest: &str) -> PathBuf {
    let path = host.path(rest.split(' ').next().unwrap());
    fs::create_dir(&path).unwrap();
    path
}

fn id(host: &Host, file: &str, name: &str) -> u32 {
    let file = fs::read_to_string(host.path(file)).unwrap();
    let line = file.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
    line.split(':').nth(2).unwrap().parse().unwrap()
}

/// Applies a unified diff to a file, and returns the lines that follow.
fn patch<'a>(host: &Host, old: &str, lines: &'a [&'a [u8]]) -> &'a [&'a [u8]] {
    let new = text(lines[0]).strip_prefix("+++ ").expect("a new name").trim_end();
    let path = host.path(new);
    let before = if old == "/dev/null" { Vec::new() } else { fs::read(host.path(old)).unwrap() };
    assert_eq!(path.exists(), old != "/dev/null", "{new}");
    let before: Vec<&[u8]> = before.split_inclusive(|byte| *byte == b'\n').collect();
    let (mut after, mut place, mut rest) = (Vec::new(), 0, &lines[1..]);
    while let Some(hunk) = rest.first().and_then(|line| line.strip_prefix(b"@@ -")) {
        let [start, old_count, new_count] = header(text(hunk));
        assert!(old_count > 0 || before.is_empty(), "{new}: lines are added without what is around them");
        after.extend_from_slice(&before[place..start]);
        place = start;
        let (mut old_left, mut new_left) = (old_count, new_count);
        rest = &rest[1..];
        while (old_left, new_left) != (0, 0) {
            let (sign, mut line) = (rest[0][0], &rest[0][1..]);
            rest = &rest[1..];
            if rest.first().is_some_and(|line| *line == b"\\ No newline at end of file\n") {
                line = line.strip_suffix(b"\n").unwrap();
                rest = &rest[1..];
            }
            if sign != b'+' {
                assert_eq!(before[place].escape_ascii().to_string(), line.escape_ascii().to_string(), "{new}");
                (place, old_left) = (place + 1, old_left - 1);
            }
            if sign != b'-' {
                after.push(line);
                new_left -= 1;
            }
            assert!(b" +-".contains(&sign), "{new}: {line:?}");
        }
    }
    after.extend_from_slice(&before[place..]);
    fs::write(path, after.concat()).unwrap();
    rest
}

/// Of `-3,7 +3,8 @@`: how many lines come before, and how many lines the hunk has on each side.
fn header(hunk: &str) -> [usize; 3] {
    let (old, new) = hunk.strip_suffix(" @@\n").unwrap().split_once(" +").unwrap();
    let numbers = |range: &str| {
        let (start, count) = range.split_once(',').unwrap_or((range, "1"));
        (start.parse::<usize>().unwrap(), count.parse::<usize>().unwrap())
    };
    let ((start, old_count), (_, new_count)) = (numbers(old), numbers(new));
    [if old_count == 0 { start } else { start - 1 }, old_count, new_count]
}
