//! Who holds a lock, where /proc tells.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;

/// The process that holds a flock(2) on an open file: its number and its name.
///
/// The kernel's table of locks names a file by its number only, which may be that of a file elsewhere. So the process must
/// have this one open.
pub fn holder(file: &File) -> Option<String> {
    let file = file.metadata().ok()?;
    let end = format!(":{}", file.ino());
    let table = fs::read_to_string("/proc/locks").ok()?;
    let locks = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let held =
        locks.filter(|words| words.get(1) == Some(&"FLOCK") && words.get(5).is_some_and(|id| id.ends_with(&end)));
    let process = held.filter_map(|words| words.get(4).copied()).find(|process| has_open(process, &file))?;
    let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    Some(format!("process {process} ({})", name.trim_end()))
}

fn has_open(process: &str, file: &Metadata) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd"));
    let mut open = descriptors.into_iter().flatten().flatten().filter_map(|entry| fs::metadata(entry.path()).ok());
    open.any(|other| (other.dev(), other.ino()) == (file.dev(), file.ino()))
}
