//! Every scenario under the original and under ours, in every reference root; README says how.

mod capture;
mod compare;
mod difference;
mod sandbox;
mod scenario;
mod tree;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use libtest_mimic::{Arguments, Trial};
use walkdir::WalkDir;

use crate::difference::Difference;
use crate::scenario::Scenario;
use crate::trial::{Suite, Tally};

/// Always there; the third, Debian's testing, moves, and may be missing.
const REQUIRED: [&str; 2] = ["bookworm", "trixie"];
const ROOTS: [&str; 3] = ["bookworm", "trixie", "forky"];

/// A Debian system with the original installed.
pub struct Root {
    pub name: &'static str,
    pub directory: PathBuf,
    /// Such as `3.7.11`.
    pub version: String,
}

impl Root {
    /// Whether the original prints its messages only on a terminal: it does up to 3.10.
    pub fn messages_on_terminals_only(&self) -> bool {
        self.release().is_some_and(|(minor, _)| minor < 11)
    }

    /// Whether the original adds new parameters to a main.cf in no certain order: before 3.7.22 and 3.10.13 it does.
    pub fn appends_in_any_order(&self) -> bool {
        self.release().is_some_and(|(minor, patch)| match minor {
            7 => patch < 22,
            8 => patch < 20,
            9 => patch < 14,
            10 => patch < 13,
            _ => minor < 7,
        })
    }

    /// The second and the third number of a version 3.
    fn release(&self) -> Option<(u32, u32)> {
        let (minor, patch) = self.version.strip_prefix("3.")?.split_once('.')?;
        Some((minor.parse().ok()?, patch.parse().ok()?))
    }
}

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // A trial mostly waits: up to 3.10, the original sleeps a second before it exits on a fatal error.
    arguments.test_threads.get_or_insert(48);
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));

    let roots = roots(&top.join("target/roots"))?;
    let scenarios = scenarios(&top.join("tests/compat/scenarios"))?;
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sandbox");
    fs::create_dir_all(&place)?;
    let suite =
        Arc::new(Suite { program: program()?, place, differences: Difference::declared()?, tally: Tally::default() });

    let mut trials = Vec::new();
    for scenario in scenarios {
        for root in &roots {
            let wanted = scenario.roots.as_ref().is_none_or(|names| names.iter().any(|name| name == root.name));
            if wanted {
                let (suite, scenario, root) = (suite.clone(), scenario.clone(), root.clone());
                let name = format!("{}::{}", scenario.name, root.name);
                trials.push(Trial::test(name, move || suite.run(&scenario, &root).map_err(Into::into)));
            }
        }
    }

    let whole = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    if arguments.list {
        return Ok(conclusion.exit_code());
    }
    let complete = suite.summary(&roots, whole);
    Ok(if complete { conclusion.exit_code() } else { ExitCode::FAILURE })
}

/// The program to compare with the original: `$POSTMULTI`, or what Cargo built. `original` stands for the original
/// itself, to see that the suite finds no difference where there is none.
fn program() -> Result<Option<PathBuf>> {
    let named = std::env::var_os("POSTMULTI").unwrap_or_else(|| env!("CARGO_BIN_EXE_postmulti").into());
    if named == "original" {
        return Ok(None);
    }
    let path = fs::canonicalize(&named).with_context(|| format!("program {}", named.display()))?;
    Ok(Some(path))
}

fn roots(directory: &Path) -> Result<Vec<Arc<Root>>> {
    let mut roots = Vec::new();
    for name in ROOTS {
        let directory = directory.join(name);
        if directory.is_dir() {
            let version = postfix_version(&directory)?;
            roots.push(Arc::new(Root { name, directory, version }));
        } else if REQUIRED.contains(&name) {
            bail!("reference root {} is missing: tests/run makes it", directory.display());
        }
    }
    Ok(roots)
}

fn postfix_version(root: &Path) -> Result<String> {
    let output = Command::new("chroot").arg(root).args(["postconf", "-dh", "mail_version"]).output()?;
    if !output.status.success() {
        bail!("{}: no Postfix there: {}", root.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn scenarios(directory: &Path) -> Result<Vec<Arc<Scenario>>> {
    let mut scenarios = Vec::new();
    for entry in WalkDir::new(directory).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(directory)?.with_extension("");
            scenarios.push(Arc::new(Scenario::read(name.display().to_string(), entry.path())?));
        }
    }
    Ok(scenarios)
}
