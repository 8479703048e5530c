//! The binary over copies of fixtures/border-mta, through `--root`: neither Postfix nor root is needed.

mod broken;
mod host;
mod information;
mod limits;
mod list;
mod places;
