//! A root with the real Postfix.

use std::collections::HashSet;
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
    names: HashSet<Vec<u8>>,
    pub version: String,
}

impl Reference {
    pub fn open(suite: &str) -> Reference {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/roots").join(suite);
        assert!(nix::unistd::geteuid().is_root(), "the real postconf runs under chroot(2), which needs root");
        assert!(root.join("usr/sbin/postconf").exists(), "{}: no reference root; tests/run makes it", root.display());
        let mut reference = Reference { root, defaults: Vec::new(), names: HashSet::new(), version: String::new() };
        let nothing = tempfile::tempdir().unwrap();
        reference.defaults = name_values(&reference.run(nothing.path(), "postconf -d").stdout);
        reference.names = reference.defaults.iter().map(|(name, _)| name.clone()).collect();
        let version = reference.run(nothing.path(), "postconf -dh mail_version").stdout;
        reference.version = String::from_utf8(version).unwrap().trim_end().to_owned();
        reference
    }

    /// Runs a shell script in the root, where `work` is /mnt.
    pub fn run(&self, work: &Path, script: &str) -> Output {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", ENTER, "sh"]).arg(&self.root).arg(work).arg(script);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\n{}\n{complaint}", output.status);
        output
    }

    /// True if Postfix has a parameter of that name.
    pub fn has_parameter(&self, name: &[u8]) -> bool {
        self.names.contains(name)
    }
}

/// Takes postconf's output apart: a `name = value` each line.
pub fn name_values(output: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let lines = output.strip_suffix(b"\n").map(|output| output.split(|byte| *byte == b'\n'));
    lines.into_iter().flatten().map(name_value).collect()
}

fn name_value(line: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let at = memchr::memmem::find(line, b" =").unwrap_or_else(|| panic!("{:?}", String::from_utf8_lossy(line)));
    let value = &line[at + 2..];
    (line[..at].to_vec(), value.strip_prefix(b" ").unwrap_or(value).to_vec())
}
