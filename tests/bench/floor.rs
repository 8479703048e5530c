//! What nobody can do without: opens, reads and closes the files that a list names, one a line.
//!
//! The benchmark compiles this by itself, with nothing but the standard library.

use std::fs::{self, File};
use std::io::{Read, Result};

fn main() -> Result<()> {
    let list = std::env::args_os().nth(1).unwrap_or_default();
    let mut buffer = [0; 1 << 16];
    for path in fs::read_to_string(list)?.lines() {
        let mut file = File::open(path)?;
        while file.read(&mut buffer)? > 0 {}
    }
    Ok(())
}
