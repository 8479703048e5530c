//! The multi-instance tutorial of Postfix, command by command, with mail that arrives: tests/tutorial/run runs this.

#[path = "../compat/capture.rs"]
mod capture;
#[path = "../compat/sandbox.rs"]
#[expect(dead_code, reason = "the scenarios compare what was changed")]
mod sandbox;
mod transcript;
mod walk;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::capture::{Outcome, StandardError};
use crate::sandbox::Sandbox;
use crate::walk::{Host, Walk, root, shown};

const RELEASES: [&str; 2] = ["bookworm", "trixie"];

const TRANSCRIPT: &str = include_str!("border_mail_server.txt");

/// Hosts that are not set up as the tutorial says, and work.
const HOSTS: &str = include_str!("hosts.txt");

/// Steps after the tutorial that the original cannot do.
const STATUS: &str = include_str!("status.txt");

/// Shell functions that the commands use.
const HELPERS: &str = include_str!("helpers.sh");

/// Programs of perl(1) that the helpers run.
const PROGRAMS: [(&str, &str); 3] = [
    ("/srv/filter.pl", include_str!("filter.pl")),
    ("/srv/inject.pl", include_str!("inject.pl")),
    ("/srv/status.pl", include_str!("status.pl")),
];

/// Modules of perl(1) that qshape(1) needs: they are in the root of Debian 12, and not in that of Debian 13.
const MODULES: [&str; 2] = ["File/Find.pm", "Getopt/Std.pm"];

fn main() -> Result<ExitCode> {
    let program = walk::program()?;
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tutorial");
    fs::create_dir_all(&place)?;
    let original = program.is_none();
    let mut walks = Vec::new();
    for release in RELEASES {
        let mut steps = transcript::parse(TRANSCRIPT)?;
        if !original {
            steps.extend(transcript::parse(STATUS)?);
        }
        walks.push(Walk { release, original, steps });
        walks.push(Walk { release, original, steps: transcript::parse(HOSTS)? });
    }
    walk::side_by_side(&walks, |walk| MailServer::new(walk.release, program.as_deref(), &place))
}

/// A host with all that the tutorial takes.
struct MailServer(Sandbox);

impl MailServer {
    fn new(release: &str, program: Option<&Path>, place: &Path) -> Result<MailServer> {
        let host = MailServer(Sandbox::new(&root(release)?, program, place)?);
        let mut set_up = PROGRAMS.map(|(path, text)| file(path, text)).concat();
        for module in MODULES {
            let text =
                fs::read_to_string(root("bookworm")?.join("usr/share/perl/5.36").join(module)).context(module)?;
            set_up += &file(&format!("/etc/perl/{module}"), &text);
        }
        let outcome = host.run(&format!("{set_up}trap '' HUP; syslogd"))?;
        ensure!(outcome.status == 0, "{}", shown(&outcome));
        Ok(host)
    }
}

impl Host for MailServer {
    fn run(&self, lines: &str) -> Result<Outcome> {
        // Up to Postfix 3.10, its programs say what is wrong on a terminal only.
        self.0.run(&format!("{HELPERS}\n{lines}"), StandardError::Terminal)
    }
}

/// Shell lines that make a file.
fn file(path: &str, text: &str) -> String {
    format!("install -D /dev/stdin {path} <<'END_OF_FILE'\n{text}\nEND_OF_FILE\n")
}
