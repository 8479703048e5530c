//! `--status -j`: an instance as a JSON object.

use super::report::{QUEUES, Report};
use crate::action::json::Value;
use crate::action::list;
use std::os::unix::ffi::OsStrExt;
use std::time::SystemTime;

/// The members that `-l` has, and then those of `--status`: what is not known is null.
pub fn of(report: &Report) -> Value<'_> {
    let mut members = match &report.instance {
        Some(instance) => list::members(instance),
        None => vec![
            ("name", Value::Null),
            ("group", Value::Null),
            ("enabled", Value::Null),
            ("config_directory", Value::Text(report.config_directory.as_bytes())),
        ],
    };
    let listeners = report.listeners.iter().flatten().map(|listener| Value::Text(listener.as_bytes()));
    let queues = QUEUES.into_iter().zip(report.queues.map(number));
    members.extend([
        ("queue_directory", text(report.instance.as_ref().map(|instance| instance.queue_directory.as_bytes()))),
        ("data_directory", text(report.instance.as_ref().map(|instance| instance.data_directory.as_bytes()))),
        ("state", text(report.state().map(|state| state.name().as_bytes()))),
        ("running", report.runs.map_or(Value::Null, Value::Boolean)),
        ("pid", number(report.pid.map(u64::from))),
        ("since", time(report.since)),
        ("listeners", if report.listeners.is_some() { Value::List(listeners.collect()) } else { Value::Null }),
        ("queues", Value::Object(queues.collect())),
        ("oldest", time(report.oldest.since)),
        ("oldest_is_exact", Value::Boolean(report.oldest_is_exact())),
    ]);
    Value::Object(members)
}

fn text(text: Option<&[u8]>) -> Value<'_> {
    text.map_or(Value::Null, Value::Text)
}

fn number(number: Option<u64>) -> Value<'static> {
    number.map_or(Value::Null, Value::Number)
}

/// In seconds since the epoch.
fn time(time: Option<SystemTime>) -> Value<'static> {
    number(time.and_then(|time| Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())))
}
