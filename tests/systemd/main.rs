//! Instances as services of a real systemd, as Debian has it: tests/systemd/run runs this.

#[path = "../compat/capture.rs"]
mod capture;
mod machine;
#[path = "../compat/sandbox.rs"]
#[expect(dead_code, reason = "the scenarios compare what was changed")]
mod sandbox;
#[path = "../tutorial/transcript.rs"]
mod transcript;
#[path = "../tutorial/walk.rs"]
mod walk;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::machine::Machine;
use crate::walk::{Walk, root};

/// Services differ: since Debian 13, none of them runs postmulti by itself.
const TRANSCRIPTS: [(&str, &str); 2] =
    [("bookworm", include_str!("bookworm.txt")), ("trixie", include_str!("trixie.txt"))];

fn main() -> Result<ExitCode> {
    let program = walk::program()?;
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("systemd");
    fs::create_dir_all(&place)?;
    let original = program.is_none();
    let mut walks = Vec::new();
    for (release, text) in TRANSCRIPTS {
        walks.push(Walk { release, original, steps: transcript::parse(text)? });
    }
    walk::side_by_side(&walks, |walk| Machine::boot(&root(walk.release)?, program.as_deref(), &place))
}
