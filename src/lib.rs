//! postmulti(1): several Postfix instances on one host.
//!
//! The modules, in the order data flows through them:
//!
//! - [`cli`]: what the command line asks for.
//! - [`instance`]: which instances there are, and which are meant.
//! - [`action`]: what is done about them, one file for each thing a user can ask for.
//! - [`change`]: carrying it out, whole or not at all, or showing it.
//! - [`config`]: the language of main.cf and its neighbours. Pure: bytes in, values and bytes out.
//! - [`error`]: errors with a hint.
//! - [`system`]: the operating system, without a word about Postfix.

pub mod action;
pub mod change;
pub mod cli;
pub mod config;
pub mod error;
pub mod instance;
pub mod system;
