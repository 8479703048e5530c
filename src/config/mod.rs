//! The language of main.cf, master.cf and postfix-files: bytes in, values and bytes out.
//!
//! Nothing here opens a file, reads the environment or asks the clock.

mod braces;
pub mod defaults;
pub mod edit;
pub mod expand;
pub mod lines;
pub mod main_cf;
pub mod master_cf;
pub mod postfix_files;
mod relation;

/// True for what Postfix takes as a blank: space, tab, newline, CR, VT and FF.
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Cuts blanks off both ends.
pub fn trim(bytes: &[u8]) -> &[u8] {
    trim_start(trim_end(bytes))
}

/// Cuts blanks off the front.
pub fn trim_start(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|byte| is_blank(**byte)).count();
    &bytes[blanks..]
}

fn trim_end(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().rev().take_while(|byte| is_blank(**byte)).count();
    &bytes[..bytes.len() - blanks]
}

/// True for what separates words inside a value. VT and FF do not, though they are blanks elsewhere.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Cuts off the front what separates words inside a value.
fn without_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|byte| is_space(**byte)).count();
    &bytes[blanks..]
}

/// Splits a list such as `multi_instance_directories` at blanks and commas.
///
/// Several separators in a row count as one, so `", ,"` is an empty list. VT and FF do not separate.
pub fn split_list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| is_separator(*byte)).filter(|item| !item.is_empty())
}

/// True for what separates the words of a list.
pub fn is_separator(byte: u8) -> bool {
    byte == b',' || is_space(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_separators_is_empty() {
        assert_eq!(split_list(b", ,\t,\r\n").count(), 0);
        assert_eq!(split_list(b"").count(), 0);
    }

    #[test]
    fn several_separators_are_one() {
        let items: Vec<_> = split_list(b" /a,, /b\n\t/c,").collect();
        assert_eq!(items, [b"/a", b"/b", b"/c"]);
    }
}
