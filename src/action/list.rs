//! `-l`: the instances, one a line, as a table or as JSON (`-j`).

use crate::instance::Instance;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

/// The widths of the columns before the last one, which is as wide as it is.
const NAME_WIDTH: usize = 15;
const GROUP_WIDTH: usize = 15;
const ENABLED_WIDTH: usize = 9;

/// Prints the instances, in the order given, in one write.
pub fn list<'a>(instances: impl Iterator<Item = &'a Instance>, json: bool, output: &mut impl Write) -> io::Result<()> {
    let mut text = Vec::new();
    for instance in instances {
        if json { object(instance, &mut text) } else { row(instance, &mut text) }
    }
    output.write_all(&text)?;
    output.flush()
}

fn row(instance: &Instance, text: &mut Vec<u8>) {
    let columns = [(name(instance), NAME_WIDTH), (group(instance), GROUP_WIDTH), (enabled(instance), ENABLED_WIDTH)];
    for (value, width) in columns {
        text.extend_from_slice(value);
        text.resize(text.len() + width.saturating_sub(value.len()) + 1, b' ');
    }
    text.extend_from_slice(instance.config_directory.as_bytes());
    text.push(b'\n');
}

fn object(instance: &Instance, text: &mut Vec<u8>) {
    let members: [(&str, &[u8]); 4] = [
        ("{\"name\": ", name(instance)),
        (",\"group\": ", group(instance)),
        (",\"enabled\": ", enabled(instance)),
        (",\"config_directory\": ", instance.config_directory.as_bytes()),
    ];
    for (key, value) in members {
        text.extend_from_slice(key.as_bytes());
        string(value, text);
    }
    text.extend_from_slice(b"}\n");
}

/// A JSON string. Bytes above ASCII stand for themselves: where a name is not UTF-8, neither is the output.
fn string(value: &[u8], text: &mut Vec<u8>) {
    text.push(b'"');
    for &byte in value {
        match byte {
            b'"' | b'\\' => text.extend_from_slice(&[b'\\', byte]),
            b'\x08' => text.extend_from_slice(b"\\b"),
            b'\x0c' => text.extend_from_slice(b"\\f"),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            b'\t' => text.extend_from_slice(b"\\t"),
            control if control.is_ascii_control() => text.extend_from_slice(format!("\\u{control:04X}").as_bytes()),
            other => text.push(other),
        }
    }
    text.push(b'"');
}

fn name(instance: &Instance) -> &[u8] {
    instance.name.as_deref().map_or(b"-", OsStr::as_bytes)
}

fn group(instance: &Instance) -> &[u8] {
    instance.group.as_deref().map_or(b"-", OsStr::as_bytes)
}

fn enabled(instance: &Instance) -> &[u8] {
    if instance.enabled { b"y" } else { b"n" }
}
