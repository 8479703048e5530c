//! The operating system, without a word about Postfix.

pub mod child;
pub mod directory;
pub mod file;
pub mod holder;
pub mod log;
pub mod mail_log;
pub mod parallel;
pub mod passwd;
pub mod process;
pub mod processes;
pub mod pty;
pub mod quote;
pub mod root;
pub mod services;
pub mod space;
pub mod spool;
pub mod terminal;

use std::io;

/// The system's words for an error, as strerror(3) gives them: `No such file or directory`.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.rfind(" (os error ")) {
        (Some(_), Some(end)) => text[..end].to_owned(),
        _ => text,
    }
}
