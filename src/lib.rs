//! postmulti(1): several Postfix instances on one host.
//!
//! The modules, in the order data flows through them:
//!
//! - [`cli`]: what the command line asks for: arguments in, a request out.
//! - [`config`]: the language of main.cf and master.cf. Pure: bytes in, values and bytes out.

pub mod cli;
pub mod config;
