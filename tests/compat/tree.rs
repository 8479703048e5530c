//! What a scenario leaves on disk: everything that differs from the reference root.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::Result;
use walkdir::WalkDir;

/// Logs name the time and process numbers, which are never the same twice.
const NOISE: [&str; 1] = ["var/log"];

/// Every changed path, from the root, and what is there now.
pub type Tree = BTreeMap<PathBuf, Entry>;

/// Something at a path: its type, mode and owner as text, and its bytes or link target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub what: String,
    pub content: Vec<u8>,
}

/// Reads what `upper`, the upper layer of an overlay, changes in `reference`, its lower layer.
pub fn changes(upper: &Path, reference: &Path) -> Result<Tree> {
    let mut tree = Tree::new();
    for found in WalkDir::new(upper).min_depth(1) {
        let found = found?;
        let path = found.path().strip_prefix(upper)?.to_owned();
        if NOISE.iter().any(|noise| path.starts_with(noise)) {
            continue;
        }
        let entry = Entry::read(found.path())?;
        // A directory is in the upper layer too when something was made in it and removed again.
        let before = reference.join(&path);
        if before.symlink_metadata().is_err() || Entry::read(&before)? != entry {
            tree.insert(path, entry);
        }
    }
    Ok(tree)
}

impl Entry {
    fn read(path: &Path) -> Result<Self> {
        let metadata = path.symlink_metadata()?;
        let kind = metadata.file_type();
        let (name, content) = if kind.is_dir() {
            ("directory", Vec::new())
        } else if kind.is_symlink() {
            ("link", fs::read_link(path)?.as_os_str().as_bytes().to_owned())
        } else if kind.is_file() {
            ("file", without_process_number(path, fs::read(path)?))
        } else if kind.is_char_device() && metadata.rdev() == 0 {
            // How an overlay notes a removal.
            return Ok(Entry { what: "removed".to_owned(), content: Vec::new() });
        } else if kind.is_fifo() {
            ("fifo", Vec::new())
        } else if kind.is_socket() {
            ("socket", Vec::new())
        } else {
            ("device", metadata.rdev().to_string().into_bytes())
        };
        let what = format!("{name} {:04o} {}:{}", metadata.mode() & 0o7777, metadata.uid(), metadata.gid());
        Ok(Entry { what, content })
    }
}

/// Whether two main.cf files are the same but for the order of the parameters that end them, one on each line.
pub fn same_but_for_order(left: &[u8], right: &[u8]) -> bool {
    let [left, right] = [left, right].map(|bytes| bytes.split_inclusive(|byte| *byte == b'\n'));
    let start = left.clone().zip(right.clone()).take_while(|(left, right)| left == right).count();
    let [left, right] = [left, right].map(|lines| parameters(lines.skip(start)));
    left.is_some() && left == right
}

/// The lines by the names of the parameters that they set; `None` if a line is anything else, or a name comes twice.
fn parameters<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<BTreeMap<&'a [u8], &'a [u8]>> {
    let mut parameters = BTreeMap::new();
    for line in lines {
        let name = &line[..line.windows(3).position(|part| part == b" = ")?];
        let odd = !line.ends_with(b"\n") || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if odd || parameters.insert(name, line).is_some() {
            return None;
        }
    }
    Some(parameters)
}

/// A lock file holds nothing but the number of the process that took it.
fn without_process_number(path: &Path, content: Vec<u8>) -> Vec<u8> {
    let lock = path.extension().is_some_and(|suffix| suffix == "pid" || suffix == "lock");
    if lock && content.trim_ascii().iter().all(u8::is_ascii_digit) { Vec::new() } else { content }
}
