//! Words as a shell reads them.

use super::log::printable;
use std::ffi::OsStr;

/// A word as a shell reads it, as far as it can be shown.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = printable(word);
    let plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
