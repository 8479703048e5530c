//! A host of one's own to break: a copy of fixtures/border-mta.

use crate::tree::Tree;
use assert_cmd::Command;
use nix::sys::stat::{Mode, umask};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Host {
    root: TempDir,
}

impl Host {
    pub fn new() -> Host {
        // Its files have the modes that they have on a host, whatever umask the tests run with.
        umask(Mode::from_bits_truncate(0o022));
        let host = Host { root: tempfile::tempdir().unwrap() };
        host.fill();
        host
    }

    /// Puts the files into its root, which is empty.
    pub fn fill(&self) {
        copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/border-mta")), self.root.path());
    }

    /// The same, to make instances on, whose files belong to several users.
    pub fn as_root() -> Host {
        assert!(nix::unistd::geteuid().is_root(), "this test gives files to other users, which takes root privilege");
        Host::new()
    }

    /// Where an absolute path of the host lies.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.strip_prefix('/').unwrap())
    }

    /// Adds lines to the main.cf in a configuration directory.
    pub fn add(&self, directory: &str, lines: &[u8]) {
        let file = self.path(directory).join("main.cf");
        fs::write(&file, [&fs::read(&file).unwrap(), lines].concat()).unwrap();
    }

    /// Makes that main.cf something else: none, to begin with.
    pub fn remove_main_cf(&self, directory: &str) -> PathBuf {
        let file = self.path(directory).join("main.cf");
        fs::remove_file(&file).unwrap();
        file
    }

    /// A secondary with directories of its own, on the list.
    pub fn instance(&self, name: &str, lines: &str) {
        let directory = format!("/etc/{name}");
        fs::create_dir_all(self.path(&directory)).unwrap();
        fs::write(self.path(&directory).join("main.cf"), own_parameters(name) + lines).unwrap();
        self.list(&format!("$multi_instance_directories_before /etc/{name}"));
    }

    /// Sets the list of secondaries; `$multi_instance_directories_before` stands for what it was.
    pub fn list(&self, value: &str) {
        let file = self.path("/etc/postfix/main.cf");
        let text = fs::read_to_string(&file).unwrap();
        let before =
            text.lines().rev().find_map(|line| line.strip_prefix("multi_instance_directories =")).unwrap_or("");
        let value = value.replace("$multi_instance_directories_before", before.trim());
        let kept: String = text
            .lines()
            .filter(|line| !line.starts_with("multi_instance_directories"))
            .map(|l| format!("{l}\n"))
            .collect();
        fs::write(&file, format!("{kept}multi_instance_directories = {value}\n")).unwrap();
    }

    /// All its files, as they are now.
    pub fn tree(&self) -> Tree {
        Tree::of(self.root.path())
    }

    /// Has something done, about which there is nothing to say.
    #[track_caller]
    pub fn does(&self, arguments: &[&str]) {
        self.postmulti(arguments).assert().success().stdout("").stderr("");
        self.assert_tidy();
    }

    /// Asks for something that is refused with this message, and checks that nothing has come of it.
    #[track_caller]
    pub fn refuses(&self, arguments: &[&str], message: &str) {
        let before = self.tree();
        let stderr = format!("postmulti: fatal: {message}\n");
        self.postmulti(arguments).assert().code(1).stdout("").stderr(predicates::str::ends_with(stderr));
        before.assert_restored(&self.tree());
    }

    /// Checks that no file is left that was to replace another one.
    #[track_caller]
    pub fn assert_tidy(&self) {
        let tree = self.tree();
        let left: Vec<_> = tree.names().filter(|name| name.as_os_str().as_bytes().ends_with(b".tmp")).collect();
        assert_eq!(left, Vec::<&Path>::new());
    }

    /// postmulti on this host.
    pub fn postmulti(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("postmulti").unwrap();
        command.arg("--root").arg(self.root.path()).args(arguments).env_remove("MAIL_CONFIG");
        command
    }
}

/// The main.cf of an instance that shares nothing.
pub fn own_parameters(name: &str) -> String {
    format!("multi_instance_name = {name}\nqueue_directory = /var/spool/{name}\ndata_directory = /var/lib/{name}\n")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            // Not with fs::copy: the mode would be that of the checkout.
            fs::write(target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
