//! The host that is measured on: Debian with Postfix and up to a thousand instances, thrown away afterwards.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown, chroot};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, umask};

/// The primary's main.cf.
pub const MAIN_CF: &str = "/etc/postfix/main.cf";

/// What the floor program reads: the main.cf of every instance that is listed.
pub const FILES: &str = "/tmp/files";

/// Every other instance is a copy of this one.
pub const PATTERN: &str = "postfix-0000";

/// Makes this process live in a fresh copy of the root directory `reference`, with `programs` (path here, path in
/// the copy) put into it. `place` is a directory to mount on; only this process and its children see the mounts.
pub fn enter(reference: &Path, place: &Path, programs: &[(&Path, &str)]) -> Result<()> {
    let none = None::<&str>;
    let plain = MsFlags::empty();
    unshare(CloneFlags::CLONE_NEWNS).context("cannot make a mount namespace (this needs root)")?;
    umask(Mode::from_bits_truncate(0o022));
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    fs::create_dir_all(place)?;
    mount(Some("tmpfs"), place, Some("tmpfs"), plain, Some("mode=755")).context("tmpfs")?;
    let [root, upper, work] = ["root", "upper", "work"].map(|name| place.join(name));
    for directory in [&root, &upper, &work] {
        fs::create_dir(directory)?;
    }
    let layers = format!("lowerdir={},upperdir={},workdir={}", reference.display(), upper.display(), work.display());
    mount(Some("overlay"), &root, Some("overlay"), plain, Some(layers.as_str())).context("overlay")?;
    mount(Some("proc"), &root.join("proc"), Some("proc"), plain, none).context("/proc")?;
    for (here, there) in programs {
        let there = root.join(there.trim_start_matches('/'));
        fs::copy(here, there).with_context(|| format!("cannot copy {}", here.display()))?;
    }
    chroot(&root)?;
    std::env::set_current_dir("/")?;
    Ok(())
}

/// Where configuration, queue and data directories lie: new directories, so that the overlay has no two layers to merge in
/// them, which makes it slower than the file system of any host.
const PARENTS: [&str; 3] = ["/srv/etc", "/srv/spool", "/srv/lib"];

/// Makes `count` secondaries, each as `postmulti -e create` leaves it: the original makes one, which is copied.
///
/// The primary has the stock main.cf too, but for setgid_group: that is empty there, which Postfix refuses.
pub fn make_instances(count: usize) -> Result<()> {
    fs::copy("/usr/share/postfix/main.cf.dist", MAIN_CF)?;
    PARENTS.iter().try_for_each(fs::create_dir_all)?;
    run(&["postconf", "-e", "setgid_group = postdrop"])?;
    age(Path::new(MAIN_CF))?;
    run(&["postmulti", "-e", "init"])?;
    age(Path::new(MAIN_CF))?;
    run(&words("postmulti", &create(PATTERN)))?;
    let main_cf = fs::read_to_string(config(PATTERN).join("main.cf"))?;
    let master_cf = fs::read_to_string(config(PATTERN).join("master.cf"))?;
    let owner = directories(PATTERN)[2].metadata()?.uid();
    for name in (1..=count).map(name_of) {
        directories(&name).iter().try_for_each(fs::create_dir)?;
        chown(&directories(&name)[2], Some(owner), None)?;
        write_old(&config(&name).join("main.cf"), &main_cf.replace(PATTERN, &name))?;
        write_old(&config(&name).join("master.cf"), &master_cf)?;
    }
    Ok(())
}

/// Lists the first `count` of them in the primary's main.cf, and returns what `-i` calls the last instance.
pub fn list(count: usize) -> Result<String> {
    let directories: Vec<_> = (1..=count).map(|number| config(&name_of(number)).display().to_string()).collect();
    run(&["postconf", "-e", &format!("multi_instance_directories = {}", directories.join(" "))])?;
    write_old(Path::new(MAIN_CF), &fs::read_to_string(MAIN_CF)?)?;
    let secondaries = directories.iter().map(|directory| format!("{directory}/main.cf\n"));
    fs::write(FILES, format!("{MAIN_CF}\n{}", secondaries.collect::<String>()))?;
    Ok(if count == 0 { "-".to_owned() } else { name_of(count) })
}

/// The directories that are listed in the primary's main.cf.
pub fn listed() -> Result<Vec<String>> {
    let main_cf = fs::read_to_string(MAIN_CF)?;
    let list = main_cf.lines().find_map(|line| line.strip_prefix("multi_instance_directories ="));
    Ok(list.context("no list of instances")?.split_whitespace().map(str::to_owned).collect())
}

/// The arguments that create an instance.
pub fn create(name: &str) -> Vec<String> {
    let parameters = ["config_directory", "queue_directory", "data_directory"];
    let operands = parameters.iter().zip(directories(name));
    let operands = operands.map(|(parameter, directory)| format!("{parameter}={}", directory.display()));
    ["-e", "create", "-I", name, "-G", "bench"].map(str::to_owned).into_iter().chain(operands).collect()
}

/// A program and its arguments.
pub fn words<'a>(program: &'a str, arguments: &'a [String]) -> Vec<&'a str> {
    std::iter::once(program).chain(arguments.iter().map(String::as_str)).collect()
}

/// A command with nothing but PATH in its environment. That leads to the original, never to ours.
pub fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// The standard output of a command that must succeed.
pub fn run(words: &[&str]) -> Result<Vec<u8>> {
    let output = command(words).output().with_context(|| words[0].to_owned())?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {} {complaint}", words.join(" "), output.status);
    Ok(output.stdout)
}

/// What an instance is called.
pub fn name_of(number: usize) -> String {
    format!("postfix-{number:04}")
}

/// Configuration, queue and data directory of an instance.
pub fn directories(name: &str) -> [PathBuf; 3] {
    PARENTS.map(|parent| Path::new(parent).join(name))
}

/// The configuration directory of an instance.
pub fn config(name: &str) -> PathBuf {
    Path::new(PARENTS[0]).join(name)
}

fn write_old(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    age(path)
}

/// Makes a file an hour old: the original reads a file again and again until it is two seconds old.
pub fn age(path: &Path) -> Result<()> {
    File::options().write(true).open(path)?.set_modified(SystemTime::now() - Duration::from_secs(3600))?;
    Ok(())
}
