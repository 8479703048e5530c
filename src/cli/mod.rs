//! What the command line asks for.
//!
//! - [`options`]: the one table of options.
//! - [`getopt`]: what was typed, in POSIX order. Judges nothing, so that it can be read before main.cf is.
//! - [`help`]: what is answered without looking at any instance.
//! - [`request`]: what is asked of the instances.
//! - `asked`: the checks, in their fixed order.
//! - [`error`]: the complaints about usage, and [`hint`]: what to type in place of that.

mod asked;
pub mod error;
pub mod getopt;
pub mod help;
pub mod hint;
pub mod options;
pub mod request;

#[cfg(test)]
mod tests;
