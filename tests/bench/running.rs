//! Running instances that are stopped, one after the other and several at once.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use nix::sched::{CloneFlags, unshare};

use crate::OURS;
use crate::measure::Figures;
use crate::sandbox::{self, words};

/// So many are running, each in a group of its own.
const INSTANCES: usize = 40;
const JOBS: &str = "8";

/// Starts master(8), and waits until it runs, without the checks of postfix(1), which would take most of the time here.
const START: [&str; 4] = ["-x", "sh", "-c", "\"$daemon_directory/master\" -w"];
/// Succeeds where nothing runs.
const IS_STOPPED: [&str; 4] = ["-x", "sh", "-c", "\"$daemon_directory/master\" -t"];

/// Each master(8) has something else to do for a moment when it is told to stop, as on a busy host: it is held, and let go
/// 0.2 s after the signal has come. Then postfix(1) looks again only after a second.
const BUSY: &str = r#"
alarm 100;
my @busy = map { open my $file, '<', $_ or die "$_: $!"; <$file> + 0 } glob '/srv/spool/*/pid/master.pid';
sub living {
    my $name = shift;
    grep { my $file; open $file, '<', "$_/stat" and <$file> =~ /^\d+ \($name\) [^Z]/ } glob '/proc/[0-9]*';
}
# Nobody is held in the midst of its start. Process 1 leaves the dead of earlier runs as they are.
select undef, undef, undef, 0.02 until living('qmgr') == @busy && living('pickup') == @busy;
kill STOP => @busy;
print "held\n";
close STDOUT;
my %told = map { $_ => 0 } @busy;
while (@busy) {
    select undef, undef, undef, 0.02;
    @busy = grep {
        open my $file, '<', "/proc/$_/status" or die "$_ was killed";
        my ($pending) = join('', <$file>) =~ /^ShdPnd:\s*(\w+)/m;
        $told{$_} += 0.02 if hex($pending) & 1 << 14;
        !($told{$_} >= 0.2 && kill CONT => $_);
    } @busy;
}
"#;

/// What was measured: what it is called, and the time one after the other and several at once.
pub struct Running(Vec<(&'static str, Figures, Figures)>);

impl Running {
    /// From now on, this process's children live among themselves, and die with it.
    pub fn measure() -> Result<Running> {
        unshare(CloneFlags::CLONE_NEWPID).context("cannot make a process namespace")?;
        let mut init =
            Command::new("/bin/cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("process 1")?;
        sandbox::run(&["mount", "-t", "proc", "proc", "/proc"])?;
        let running = measure_all();
        init.kill()?;
        init.wait()?;
        running
    }

    /// How many times as fast all are stopped at once, if each takes a moment.
    pub fn faster(&self) -> f64 {
        self.0
            .iter()
            .find(|(what, ..)| *what == STOP_BUSY)
            .map_or(0.0, |(_, alone, at_once)| alone.total() / at_once.total())
    }

    pub fn print(&self) {
        println!("{INSTANCES} instances in groups of their own, without and with --jobs {JOBS}:");
        for (what, alone, at_once) in &self.0 {
            let [alone, at_once] = [alone, at_once].map(|figures| figures.total() / 1000.0);
            println!("{what:42}  {alone:>7.2} s  {at_once:>7.2} s  {:>5.1}x", alone / at_once);
        }
    }
}

const STOP_BUSY: &str = "-p stop, masters that take a moment";

fn measure_all() -> Result<Running> {
    sandbox::list(0)?;
    for number in 1..=INSTANCES {
        let name = format!("postfix-running-{number:02}");
        let mut create = sandbox::create(&name);
        let group = create.iter().position(|word| word == "bench").context("no group")?;
        create[group].clone_from(&name);
        sandbox::run(&words(OURS, &create))?;
        sandbox::run(&[OURS, "-i", &name, "-e", "enable"])?;
    }
    let mut rows = Vec::new();
    for (what, command) in [
        ("-x true", &["-x", "true"][..]),
        ("-x sleep 0.1", &["-x", "sleep", "0.1"]),
        ("-x postconf -n", &["-x", "postconf", "-n"]),
    ] {
        rows.push((what, ours(&[], command)?, ours(&["--jobs", JOBS], command)?));
    }
    rows.push(("-p stop, idle masters", stop(&[], false)?, stop(&["--jobs", JOBS], false)?));
    rows.push((STOP_BUSY, stop(&[], true)?, stop(&["--jobs", JOBS], true)?));
    Ok(Running(rows))
}

/// What one run over all of them takes.
fn ours(options: &[&str], command: &[&str]) -> Result<Figures> {
    let mut figures = Figures::default();
    figures.add(&[&[OURS, "--match", "postfix-*"], options, command].concat())?;
    Ok(figures)
}

/// What it takes to stop all: all run before, and none afterwards.
fn stop(options: &[&str], busy: bool) -> Result<Figures> {
    ours(&["--jobs", JOBS], &START)?;
    let holder = busy.then(hold).transpose()?;
    let figures = ours(options, &["-p", "stop"]);
    if let Some(mut holder) = holder {
        if figures.is_err() {
            holder.kill()?;
        }
        // Process 1 does not end before this is done.
        let held = holder.wait()?;
        ensure!(held.success() || figures.is_err(), "not all were held");
    }
    ours(&["--jobs", JOBS], &IS_STOPPED).context("not all are stopped")?;
    figures
}

/// Holds every master(8), until each has been told to stop for a moment.
fn hold() -> Result<Child> {
    let mut perl = sandbox::command(&["perl", "-e", BUSY]);
    let mut holder = perl.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("perl")?;
    let mut line = String::new();
    BufReader::new(holder.stdout.take().context("perl")?).read_line(&mut line)?;
    if line == "held\n" {
        return Ok(holder);
    }
    bail!("no master can be held: perl {}", holder.wait()?)
}
