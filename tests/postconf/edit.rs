//! Edits of main.cf files, to the byte, as `postconf -e` and `postconf -#` make them.

use super::reference::Reference;
use super::told::{printable, show};
use postmulti::config::edit::{Edited, comment_out, set};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// postconf sees to it that an edit is on the disk, which takes long; hence the copy in memory.
const ASK: &str = r#"
mount -t tmpfs none /srv && cp -r /mnt/. /srv && cd /srv && ls | xargs -n 50 -P 4 sh -c '
for file; do
    . /srv/$file/edit >$file/complaints 2>&1 || echo "exit $?" >>$file/complaints
done' sh && cp -r /srv/. /mnt
"#;

/// Settings, each a name and a value, or names to be commented out.
#[derive(Debug, Clone)]
pub enum Edit {
    Set(Vec<(Vec<u8>, Vec<u8>)>),
    CommentOut(Vec<Vec<u8>>),
}

impl Edit {
    pub fn ours(&self, file: &[u8]) -> Edited {
        match self {
            Edit::Set(settings) => set(file, settings),
            Edit::CommentOut(names) => comment_out(file, names),
        }
    }

    /// As a shell command, on the file in a directory.
    fn command(&self, directory: &str) -> Vec<u8> {
        let (option, arguments) = match self {
            Edit::Set(settings) => {
                ("-e", settings.iter().map(|(name, value)| [name, &b" = "[..], value].concat()).collect())
            }
            Edit::CommentOut(names) => ("-#", names.clone()),
        };
        let quoted = |argument: &Vec<u8>| {
            let parts: Vec<_> = argument.split(|byte| *byte == b'\'').collect();
            [b"'", &parts.join(&br"'\''"[..])[..], b"'"].concat()
        };
        let arguments: Vec<_> = arguments.iter().map(quoted).collect();
        [format!("postconf -c {directory} {option} ").as_bytes(), &arguments.join(&b' ')].concat()
    }

    /// How many lines are appended to a file.
    pub fn appended<'a>(&'a self, file: &'a [u8]) -> usize {
        let Edit::Set(settings) = self else { return 0 };
        let names: BTreeSet<_> = settings.iter().map(|(name, _)| &name[..]).collect();
        let first_word = |line: &'a [u8]| line.split(|byte| b" \t\r=".contains(byte)).next();
        let found = file.split(|byte| *byte == b'\n').filter_map(first_word).collect();
        names.difference(&found).count()
    }
}

/// Has postconf make the edits, in `work`, and says of each what differs, if anything does.
pub fn differences(reference: &Reference, work: &Path, edits: &[(Vec<u8>, Edit)]) -> Vec<Option<String>> {
    for (number, (file, edit)) in edits.iter().enumerate() {
        let directory = work.join(number.to_string());
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("main.cf"), file).unwrap();
        fs::write(directory.join("edit"), edit.command(&format!("/srv/{number}"))).unwrap();
    }
    reference.run(work, ASK);
    let difference = |(number, (file, edit)): (usize, &(Vec<u8>, Edit))| {
        let read = |name: &str| fs::read(work.join(number.to_string()).join(name)).unwrap();
        let ours = edit.ours(file);
        let theirs = read("main.cf");
        let is_same = if reference.is_first() {
            is_same_in_any_order(file, edit, &ours.bytes, &theirs)
        } else {
            ours.bytes == theirs
        };
        let warnings = warnings(&ours, &format!("/srv/{number}/main.cf"));
        let told = told(&read("complaints"));
        if is_same && warnings == told {
            return None;
        }
        let ours = show([&ours.bytes].into_iter().chain(&warnings));
        let theirs = show([&theirs].into_iter().chain(&told));
        let (file, command) = (file.escape_ascii(), edit.command("DIR"));
        let command = command.escape_ascii();
        Some(format!("{number}/main.cf: {command}\n{file}\nours:   {ours}\ntheirs: {theirs}"))
    };
    edits.iter().enumerate().map(difference).collect()
}

/// Postfix 3.7.11 appends in any order, and adds no newline to a last line that it copies: the first appended line,
/// if there is one, is glued to it. So what is appended is compared as a set of lines, and what stands before it to
/// the byte, but for that newline.
fn is_same_in_any_order(file: &[u8], edit: &Edit, ours: &[u8], theirs: &[u8]) -> bool {
    let lines: Vec<_> = ours.split_inclusive(|byte| *byte == b'\n').collect();
    let (copied, appended) = lines.split_at(lines.len() - edit.appended(file));
    let copied = copied.concat();
    let glued = || if file.ends_with(b"\n") { None } else { theirs.strip_prefix(copied.strip_suffix(b"\n")?) };
    let Some(rest) = theirs.strip_prefix(&copied[..]).or_else(glued) else { return false };
    let sorted = |mut lines: Vec<_>| {
        lines.sort_unstable();
        lines
    };
    sorted(appended.to_vec()) == sorted(rest.split_inclusive(|byte| *byte == b'\n').collect())
}

fn warnings(edited: &Edited, path: &str) -> Vec<Vec<u8>> {
    let warning = |name: &Vec<u8>| {
        let head = format!("postconf: warning: {path}: multiple entries for \"");
        printable(&[head.as_bytes(), name, b"\""].concat())
    };
    edited.repeated.iter().map(warning).collect()
}

/// What postconf said, but for settings that it was given twice.
fn told(complaints: &[u8]) -> Vec<Vec<u8>> {
    let lines = complaints.split_inclusive(|byte| *byte == b'\n').map(|line| line.trim_ascii_end().to_vec());
    lines.filter(|line| !line.starts_with(b"postconf: warning: ignoring earlier request: ")).collect()
}
