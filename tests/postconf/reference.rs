//! A root with the real Postfix.

use super::told::{Postfix, name_value};
use postmulti::config::defaults::{LAYOUTS, Layout};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Makes the root read-only, and the work directory its /mnt, in a mount namespace of its own.
const ENTER: &str = r#"
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && mount --bind "$2" "$1/mnt" || exit 125
exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c "$3" reference
"#;

pub struct Reference {
    pub root: PathBuf,
    /// Every parameter that has a built-in default, with it (`postconf -d`).
    pub defaults: Vec<(Vec<u8>, Vec<u8>)>,
    pub postfix: Postfix,
    pub version: String,
}

/// Where the root of a suite lies.
pub fn root(suite: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/roots").join(suite)
}

/// The last one is Debian's testing, which moves, and may not be there.
const SUITES: [&str; 3] = ["bookworm", "trixie", "forky"];

/// The suites to ask.
pub fn suites() -> impl Iterator<Item = &'static str> {
    SUITES.into_iter().filter(|suite| *suite != "forky" || root(suite).is_dir())
}

impl Reference {
    pub fn open(suite: &str) -> Reference {
        let root = root(suite);
        assert!(nix::unistd::geteuid().is_root(), "the real postconf runs under chroot(2), which needs root");
        assert!(root.join("usr/sbin/postconf").exists(), "{}: no reference root; tests/run makes it", root.display());
        let postconf = |options: &str| {
            let nothing = tempfile::tempdir().unwrap();
            run(&root, nothing.path(), &format!("postconf {options}")).stdout
        };
        let defaults = name_values(&postconf("-d"));
        let parameters = defaults.iter().map(|(name, _)| name.clone()).collect();
        let version = String::from_utf8(postconf("-dh mail_version")).unwrap().trim_end().to_owned();
        let postfix = Postfix { layout: layout(&root), parameters };
        Reference { root, defaults, postfix, version }
    }

    /// True for the root that is asked first, and most.
    pub fn is_first(&self) -> bool {
        self.root.ends_with(SUITES[0])
    }

    /// Runs a shell script in the root, where `work` is /mnt.
    pub fn run(&self, work: &Path, script: &str) -> Output {
        run(&self.root, work, script)
    }
}

fn run(root: &Path, work: &Path, script: &str) -> Output {
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", ENTER, "sh"]).arg(root).arg(work).arg(script);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{}\n{complaint}", output.status);
    output
}

/// The layout by which the root is recognised.
fn layout(root: &Path) -> Option<&'static Layout> {
    let stands = |mark: &&str| root.join(mark.trim_start_matches('/')).exists();
    LAYOUTS.iter().find(|layout| layout.marks.iter().all(stands))
}

/// Takes postconf's output apart: a `name = value` each line.
pub fn name_values(output: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let lines = output.strip_suffix(b"\n").map(|output| output.split(|byte| *byte == b'\n'));
    lines.into_iter().flatten().map(name_value).collect()
}
