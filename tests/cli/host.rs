//! A host of one's own to break: a copy of fixtures/border-mta.

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Host {
    root: TempDir,
}

impl Host {
    pub fn new() -> Host {
        let root = tempfile::tempdir().unwrap();
        copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/border-mta")), root.path());
        Host { root }
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
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
