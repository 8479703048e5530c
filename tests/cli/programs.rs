//! A host with a few of this machine's programs, so that -x and -p can run something there.

use crate::environment::postmulti;
use crate::host::Host;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::mkfifo;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

const PROGRAMS: [&str; 6] = ["sh", "cat", "head", "setsid", "sleep", "stty"];

/// What every command of -x has at hand: `meet NAME` waits until another one meets NAME, too.
const MEET: &str = r#"meet() { if [ "$1" = "${1%+}" ]; then echo >/tmp/"$1"; else read line </tmp/"${1%+}"; fi; }"#;

impl Host {
    /// A host to run commands on, with these instances beside those of the fixture, which have no group.
    pub fn with_programs(instances: &[&str]) -> Host {
        let host = Host::as_root();
        instances.iter().for_each(|name| host.instance(name, ""));
        for directory in ["/bin", "/dev", "/tmp"] {
            fs::create_dir(host.path(directory)).unwrap();
        }
        let all = Mode::from_bits_truncate(0o666);
        mknod(&host.path("/dev/null"), SFlag::S_IFCHR, all, makedev(1, 3)).unwrap();
        for program in PROGRAMS {
            let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).output().unwrap();
            let found = String::from_utf8(found.stdout).unwrap();
            copy(Path::new(found.trim()), &host.path("/bin").join(program));
            let libraries = Command::new("ldd").arg(found.trim()).output().unwrap();
            let libraries = String::from_utf8(libraries.stdout).unwrap();
            for library in libraries.split_whitespace().filter(|word| word.starts_with('/')) {
                let copy = host.path(library);
                fs::create_dir_all(copy.parent().unwrap()).unwrap();
                fs::copy(library, copy).unwrap();
            }
        }
        host
    }

    /// A program in place of postfix(1).
    pub fn postfix(&self, script: &str) {
        let source = self.path("/tmp/postfix");
        fs::write(&source, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&source, fs::Permissions::from_mode(0o755)).unwrap();
        copy(&source, &self.path("/usr/sbin/postfix"));
        fs::remove_file(source).unwrap();
    }

    /// A place where one command that does `meet NAME` waits for another that does `meet NAME+`.
    pub fn meeting(&self, name: &str) {
        mkfifo(&self.path("/tmp").join(name), Mode::from_bits_truncate(0o600)).unwrap();
    }

    /// postmulti with these options, about to run these shell lines for each instance.
    pub fn execute(&self, options: &[&str], lines: &str) -> Command {
        let script = format!("{MEET}\nname=${{multi_instance_name:-primary}}\n{lines}");
        postmulti(self, &[options, &["-x", "sh", "-c", &script]].concat(), || Ok(()))
    }

    /// What becomes of that: exit status, and what is printed.
    pub fn executed(&self, options: &[&str], lines: &str) -> (Option<i32>, String, String) {
        outcome(self.execute(options, lines).output().unwrap())
    }

    /// Waits until so many commands have done `meet NAME`.
    pub fn met(&self, name: &str, commands: usize) {
        // Open for writing, too, it has no end while one of them is still to come.
        let place = OpenOptions::new().read(true).write(true).open(self.path("/tmp").join(name)).unwrap();
        BufReader::with_capacity(1, place).lines().take(commands).for_each(|line| assert_eq!(line.unwrap(), ""));
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }
}

/// The warning about a command of [`Host::execute`] that failed; the message shows the first 60 characters of a command.
pub fn failure(instance: &str, how: &str) -> String {
    format!("postmulti: warning: instance {instance}: {how}: {}...\n", &format!("sh -c {MEET}")[..60])
}

/// Copies a program, by cp(1): a process that another test forks meanwhile would keep a file open that this process writes
/// to, and such a file cannot be executed (ETXTBSY).
fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-p").arg(from).arg(to).status().unwrap().success());
}

/// Exit status, standard output and standard error.
pub fn outcome(output: Output) -> (Option<i32>, String, String) {
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), stdout, stderr)
}

/// Is there such a process, that has not ended?
pub fn lives(process: &str) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(process.trim()).join("stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}
