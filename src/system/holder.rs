//! Who holds a lock, where /proc tells.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;

/// As much as the kernel gives at once.
const PAGE: usize = 4096;

/// The process that holds a flock(2) on an open file: its number and its name.
///
/// The kernel's table of locks names a file by its number only, which may be that of a file elsewhere. So the process must
/// have this one open.
pub fn holder(file: &File) -> Option<String> {
    let file = file.metadata().ok()?;
    let end = format!(":{}", file.ino());
    let table = table().ok()?;
    let locks = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let held =
        locks.filter(|words| words.get(1) == Some(&"FLOCK") && words.get(5).is_some_and(|id| id.ends_with(&end)));
    let process = held.filter_map(|words| words.get(4).copied()).find(|process| has_open(process, &file))?;
    let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    Some(format!("process {process} ({})", name.trim_end()))
}

/// The kernel's table of locks.
///
/// Between two reads, lines move up when a lock before them goes, and one is missed; so as much as it gives is read at once.
fn table() -> io::Result<String> {
    let mut table = String::with_capacity(PAGE);
    File::open("/proc/locks")?.read_to_string(&mut table)?;
    Ok(table)
}

fn has_open(process: &str, file: &Metadata) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd"));
    let mut open = descriptors.into_iter().flatten().flatten().filter_map(|entry| fs::metadata(entry.path()).ok());
    open.any(|other| (other.dev(), other.ino()) == (file.dev(), file.ino()))
}
