//! `-l`: the instances, one a line, as a table or as JSON (`-j`).

use super::json::Value;
use crate::instance::Instance;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The widths of the columns before the last one, which is as wide as it is.
const NAME_WIDTH: usize = 15;
const GROUP_WIDTH: usize = 15;
const ENABLED_WIDTH: usize = 9;

/// The instances, in the order given.
pub fn list<'a>(instances: impl Iterator<Item = &'a Instance>, json: bool) -> Vec<u8> {
    let mut text = Vec::new();
    for instance in instances {
        match json {
            true => Value::Object(members(instance)).write(&mut text),
            false => row(instance, &mut text),
        }
        text.push(b'\n');
    }
    text
}

fn row(instance: &Instance, text: &mut Vec<u8>) {
    let columns = [(name(instance), NAME_WIDTH), (group(instance), GROUP_WIDTH), (enabled(instance), ENABLED_WIDTH)];
    for (value, width) in columns {
        text.extend_from_slice(value);
        text.resize(text.len() + width.saturating_sub(value.len()) + 1, b' ');
    }
    text.extend_from_slice(instance.config_directory.as_bytes());
}

/// What `-j` tells of an instance, in every mode that has it.
pub fn members(instance: &Instance) -> Vec<(&'static str, Value<'_>)> {
    vec![
        ("name", Value::Text(name(instance))),
        ("group", Value::Text(group(instance))),
        ("enabled", Value::Text(enabled(instance))),
        ("config_directory", Value::Text(instance.config_directory.as_bytes())),
    ]
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
