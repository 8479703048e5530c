//! Words as a shell reads them.

use super::log::printable;
use super::root::Root;
use std::ffi::OsStr;
use std::path::Path;

/// A path below a root, as a command takes it that knows nothing of another root.
pub fn quoted_below(root: &Root, path: &Path) -> String {
    let below = || path.strip_prefix("/").unwrap_or(path);
    quoted(root.directory().map_or_else(|| path.to_owned(), |root| root.join(below())))
}

/// A word as a shell reads it, as far as it can be shown.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = printable(word);
    let plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
