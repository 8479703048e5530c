//! Names, braces and what stands between them, in an expression.

use super::without_blanks;

/// Splits what follows a dollar into the reference, less its braces, and the rest. None if a brace is not closed.
pub(super) fn split_reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    match text.first() {
        Some(b'(') => split_balanced(&text[1..], b'(', b')'),
        Some(b'{') => split_balanced(&text[1..], b'{', b'}'),
        _ => Some(text.split_at(text.iter().position(|byte| !is_name(*byte)).unwrap_or(text.len()))),
    }
}

/// Splits text, whose opening brace has been read, at the brace that closes it.
pub(super) fn split_balanced(text: &[u8], open: u8, close: u8) -> Option<(&[u8], &[u8])> {
    let mut level = 1;
    for at in memchr::memchr2_iter(open, close, text) {
        level = if text[at] == open { level + 1 } else { level - 1 };
        if level == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

/// The text from its `{` on, if only blanks stand before it.
pub(super) fn left_curly(text: &[u8]) -> Option<&[u8]> {
    Some(without_blanks(text)).filter(|text| text.starts_with(b"{"))
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// As much of the text as a complaint quotes.
pub(super) fn head(text: &[u8]) -> &[u8] {
    &text[..text.len().min(20)]
}
