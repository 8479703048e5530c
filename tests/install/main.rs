//! The commands of the README's section "Install", tried in every reference root: by hand, as root, `cargo test --test install`.

#[path = "../compat/capture.rs"]
mod capture;
mod readme;
#[path = "../compat/sandbox.rs"]
mod sandbox;
#[path = "../compat/tree.rs"]
#[expect(dead_code, reason = "the scenarios compare two trees")]
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Arguments, Trial};

use crate::capture::StandardError;
use crate::readme::Commands;
use crate::sandbox::Sandbox;

const REQUIRED: [&str; 2] = ["bookworm", "trixie"];
const ROOTS: [&str; 3] = ["bookworm", "trixie", "forky"];

/// Shell functions for what is done besides the commands.
const HELPERS: &str = include_str!("helpers.sh");

/// The directory of the README, in the sandbox.
const CHECKOUT: &str = "/srv/postmulti";

const MANUAL: &str = "man/postmulti.1";

/// Where the commands put them.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/local/share/bash-completion/completions/postmulti"),
    ("zsh", "usr/local/share/zsh/site-functions/_postmulti"),
    ("fish", "etc/fish/completions/postmulti.fish"),
];

/// A way to install it, and to take it away again.
type Way = fn(&Host) -> Result<()>;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/roots");
    let mut trials = Vec::new();
    for root in ROOTS {
        let reference = roots.join(root);
        if !reference.is_dir() && !REQUIRED.contains(&root) {
            continue;
        }
        let ways: [(_, Way); 2] = [("debian", on_debian), ("elsewhere", elsewhere)];
        for (name, way) in ways {
            let reference = reference.clone();
            trials.push(Trial::test(format!("{name}::{root}"), move || {
                // A sandbox belongs to its thread.
                let tried = thread::spawn(move || way(&Host::new(reference)?)).join();
                tried
                    .map_err(|_| "panicked".into())
                    .and_then(|result| result.map_err(|error| format!("{error:#}").into()))
            }));
        }
    }
    for (shell, _) in COMPLETIONS {
        if Command::new(shell).arg("--version").output().is_err() {
            println!("{shell} is not here: its completions are not parsed");
        }
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

/// In the original's place, over an upgrade of Postfix, and away again.
fn on_debian(host: &Host) -> Result<()> {
    host.run("repacked postfix >/srv/postfix.deb")?;
    host.read_me("On Debian")?;
    host.read_me("Completions")?;
    host.is_ours("/usr/sbin/postmulti")?;
    host.is_documented()?;
    host.completes()?;

    // dpkg unpacks every file of the package anew: that of the original, too.
    host.run(": >/usr/sbin/postmulti.distrib && dpkg --install /srv/postfix.deb")?;
    host.is_ours("/usr/sbin/postmulti")?;
    ensure!(host.run("dpkg-query -W -f '${Version}' postfix")? == "99", "Postfix was not upgraded");
    let original = host.reference.join("usr/sbin/postmulti");
    ensure!(fs::read(host.path("/usr/sbin/postmulti.distrib"))? == fs::read(original)?, "the original is not upgraded");

    host.read_me("and without them")?;
    host.read_me("To take it away again")?;
    ensure!(host.run("dpkg-divert --list '*postmulti*'")?.is_empty(), "a diversion is left");
    host.run("rm /srv/postfix.deb")?;
    host.is_as_before(&["var/lib/dpkg"])
}

/// Beside the original, called by postfix(1), and away again.
fn elsewhere(host: &Host) -> Result<()> {
    host.run("primary_and_secondary")?;
    host.run("postmulti -e init")?;
    let prepared = fs::read(host.path("/etc/postfix/main.cf"))?;
    host.read_me("Elsewhere")?;
    host.is_ours("/usr/local/sbin/postmulti")?;
    host.is_documented()?;

    // The original is out of order, so nothing works by it.
    host.run("chmod a-x /usr/sbin/postmulti")?;
    let both = "postfix\npostfix-a\n";
    for (command, running) in [("start", both), ("status", both), ("reload", both), ("stop", "")] {
        host.run(&format!("postfix {command}"))?;
        let masters = host.run("masters")?;
        ensure!(masters == running, "after `postfix {command}`, {masters:?} run");
    }
    host.run("chmod a+x /usr/sbin/postmulti")?;

    host.read_me("To take it away again, elsewhere")?;
    ensure!(fs::read(host.path("/etc/postfix/main.cf"))? == prepared, "main.cf is not as it was");
    host.is_as_before(&["etc/default/postfix", "etc/postfix", "etc/postfix-a", "var/lib", "var/spool"])
}

/// A sandbox with the files that the commands install, and the commands.
struct Host {
    reference: PathBuf,
    sandbox: Sandbox,
    commands: Commands,
}

impl Host {
    fn new(reference: PathBuf) -> Result<Self> {
        ensure!(reference.is_dir(), "no reference root {}: tests/run makes it", reference.display());
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let commands = Commands::parse(&fs::read_to_string(top.join("README.md"))?)?;
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("install");
        fs::create_dir_all(&place)?;
        let sandbox = Sandbox::new(&reference, None, &place)?;
        let host = Host { reference: reference.canonicalize()?, sandbox, commands };

        let program = std::env::var_os("POSTMULTI").unwrap_or_else(|| env!("CARGO_BIN_EXE_postmulti").into());
        for (from, to) in [(PathBuf::from(program), "target/release/postmulti"), (top.join(MANUAL), MANUAL)] {
            let to = host.path(CHECKOUT).join(to);
            fs::create_dir_all(to.parent().context("directory")?)?;
            fs::copy(&from, to).with_context(|| from.display().to_string())?;
        }
        Ok(host)
    }

    /// Where `path`, absolute in the sandbox, is seen from here.
    fn path(&self, path: &str) -> PathBuf {
        self.sandbox.root.join(path.trim_start_matches('/'))
    }

    /// Runs shell lines that must succeed, and returns what they print.
    fn run(&self, lines: &str) -> Result<String> {
        let outcome = self.sandbox.run(&format!("{HELPERS}\ncd {CHECKOUT}\n{lines}"), StandardError::Pipe)?;
        let [stdout, stderr] =
            [outcome.stdout, outcome.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        ensure!(outcome.status == 0, "{lines}: exit status {}\n{stdout}{stderr}", outcome.status);
        Ok(stdout)
    }

    /// Runs the commands of the README that come after the words `after`, one by one.
    fn read_me(&self, after: &str) -> Result<()> {
        self.commands.after(after)?.iter().try_for_each(|command| self.run(command).map(drop))
    }

    /// Does `program` say that it is ours, and does it find the instances?
    fn is_ours(&self, program: &str) -> Result<()> {
        let version = self.run(&format!("{program} --version"))?;
        ensure!(version == format!("postmulti {}\n", env!("CARGO_PKG_VERSION")), "{program} is {version}");
        let list = self.run(&format!("{program} -l"))?;
        ensure!(list.contains("/etc/postfix\n"), "{program} -l: {list}");
        Ok(())
    }

    fn is_documented(&self) -> Result<()> {
        let [installed, page] = [self.path("/usr/local/share/man/man1/postmulti.1"), self.path(CHECKOUT).join(MANUAL)];
        ensure!(fs::read(installed)? == fs::read(page)?, "the manual page is another");
        Ok(())
    }

    /// Do the shells understand the completions? The sandbox has but one of them.
    fn completes(&self) -> Result<()> {
        for (shell, file) in COMPLETIONS {
            let parsed = Command::new(shell).arg("-n").arg(self.path(file)).output();
            match parsed {
                Ok(output) => ensure!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && shell != "bash" => {
                    ensure!(self.path(file).metadata()?.len() > 0, "nothing is in {file}");
                }
                Err(error) => bail!("{shell}: {error}"),
            }
        }
        let offered = self.run("completed postmulti --dr")?;
        ensure!(offered == "--dry-run\n", "bash offers {offered}");
        Ok(())
    }

    /// Is every path as in the reference root, but for those where others than the commands have been at work?
    fn is_as_before(&self, others: &[&str]) -> Result<()> {
        self.run(&format!("cd / && rm -r {CHECKOUT}"))?;
        let mut changed = tree::changes(self.sandbox.upper(), &self.reference)?;
        changed.retain(|path, _| !others.iter().any(|others| path.starts_with(others)));
        // Directories that `install -D` makes are in nobody's way.
        changed.retain(|path, entry| {
            !(entry.what.starts_with("directory 0755 ")
                && ["usr/local", "etc/fish"].iter().any(|made| path.starts_with(made)))
        });
        ensure!(changed.is_empty(), "not as before: {changed:#?}");
        Ok(())
    }
}
