//! What nobody can do without: opens, reads and closes the files and directories that a list names, one a line.
//! The names of directories end in a slash.
//!
//! The benchmark compiles this by itself, with nothing but the standard library.

use std::fs::{self, File};
use std::io::{Read, Result};

fn main() -> Result<()> {
    let list = std::env::args_os().nth(1).unwrap_or_default();
    let mut buffer = [0; 1 << 16];
    for path in fs::read_to_string(list)?.lines() {
        if path.ends_with('/') {
            fs::read_dir(path)?.for_each(drop);
            continue;
        }
        let mut file = File::open(path)?;
        while file.read(&mut buffer)? > 0 {}
    }
    Ok(())
}
