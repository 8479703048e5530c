//! Changing files and directories: all of it, or nothing.

pub mod apply;
mod attributes;
pub mod check;
pub mod lock;
mod permissions;
pub mod plan;
pub mod preview;
pub mod remove;
pub mod save;
