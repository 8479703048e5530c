//! postmulti beside the original, and beside the least that anybody could do. tests/bench/run runs this.

mod in_a_row;
mod life;
mod measure;
mod running;
mod sandbox;
mod state;
mod status;
mod target;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use in_a_row::InARow;
use measure::{Figures, Started, compare, started};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::setsid;
use running::Running;
use status::Status;
use target::Target;

const SECONDARIES: [usize; 4] = [0, 10, 100, 1000];

/// For the life cycle, where the original reads all of them and then waits for two seconds.
const SECONDARIES_OF_LIFE: [usize; 2] = [0, 100];

/// The programs, as they lie in the sandbox.
const ORIGINAL: &str = "/usr/sbin/postmulti";
const OURS: &str = "/usr/local/sbin/postmulti";
const FLOOR: &str = "/usr/local/sbin/floor";

fn main() -> Result<ExitCode> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let (ours, floor) = (built.join("release/postmulti"), built.join("floor"));
    build_floor(&floor)?;
    let size = ours.metadata().with_context(|| format!("no {}", ours.display()))?.len();
    have_others_wait()?;
    let reference = built.join("roots/bookworm").canonicalize().context("no target/roots/bookworm")?;
    sandbox::enter(&reference, &built.join("bench"), &[(&ours, OURS), (&floor, FLOOR)])?;
    let load = std::fs::read_to_string("/proc/loadavg")?.split(' ').take(1).collect::<String>();
    sandbox::make_instances(SECONDARIES.into_iter().max().unwrap_or_default())?;

    sandbox::list(0)?;
    let [nothing, version, alone] = compare([&["true"], &[OURS, "--version"], &[OURS, "-l"]])?;
    println!("Release binary: {} KB", size / 1024);
    println!("Start-up: true {:.2} ms, postmulti --version {:.2} ms", nothing.median(), version.median());
    println!("Processors: {}, load before: {load}\n", std::thread::available_parallelism()?);

    println!("{:28}  {:^34}  {:^34}", "", "original", "ours");
    let columns = format!("{:>9} {:>9} {:>8} {:>5}", "ms", "least ms", "MB", "procs");
    println!("secondaries  {:15}  {columns}  {columns}  {:>9}  {:>8}", "command", "faster", "floor ms");
    let mut rows = Vec::new();
    for secondaries in SECONDARIES {
        let one = sandbox::list(secondaries)?;
        for arguments in [&["-l"][..], &["-i", &one, "-x", "true"], &["-x", "true"]] {
            let row = Row::measure(secondaries, arguments)?;
            row.print();
            rows.push(row);
        }
    }
    // There is no original of this.
    let [check] = compare([&[OURS, "--check"]])?;
    let check_started = started(&[OURS, "--check"])?;
    println!("       1000  --check         {:>43.2} ms {:>8.1} MB", check.median(), check.megabytes());
    for secondaries in SECONDARIES_OF_LIFE {
        let lives = life::measure(secondaries)?;
        lives.iter().for_each(Row::print);
        rows.extend(lives);
    }
    let in_a_row = InARow::measure()?;
    let status = Status::measure()?;
    print_notes(&rows)?;
    in_a_row.print();
    status.print();
    println!();
    let running = Running::measure()?;
    running.print();
    println!();

    let check = (&check, &check_started);
    let mut targets = target::judge(&rows, check, &in_a_row, &running, alone.median() - nothing.median());
    targets.extend(status.targets());
    targets.iter().for_each(Target::print);
    Ok(if targets.iter().all(|target| target.met) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_notes(rows: &[Row]) -> Result<()> {
    // A process has its parent's memory until exec(2), and the kernel remembers that.
    let [own] = compare([&["true"]])?;
    let syncs = rows.iter().filter(|row| row.is_action() && row.secondaries == 0);
    let syncs = syncs.map(|row| format!("{} {} and {}", row.command, row.original.1.syncs, row.ours.1.syncs));
    println!(
        "\nms: median; MB: largest process (below {:.1} does not show); procs: processes started;",
        own.megabytes()
    );
    println!("faster: the original's least time / our median; floor: only opens, reads and closes the same files");
    println!(
        "-e: every main.cf is an hour old before each run, so the original waits for nothing but what it writes itself;"
    );
    println!("all is in memory, where fsync(2) takes no time. How often that is called by the original and by ours:");
    println!("{}\n", syncs.collect::<Vec<_>>().join(", "));
    Ok(())
}

/// One command over one list of instances, under both programs.
pub struct Row {
    secondaries: usize,
    command: String,
    original: (Figures, Started),
    ours: (Figures, Started),
    floor: Option<Figures>,
}

impl Row {
    fn measure(secondaries: usize, arguments: &[&str]) -> Result<Row> {
        let original = [&[ORIGINAL], arguments].concat();
        let ours = [&[OURS], arguments].concat();
        ensure!(sandbox::run(&original)? == sandbox::run(&ours)?, "{arguments:?}: the programs print different things");
        let (figures, floor) = if arguments == ["-l"] {
            let [first, second, floor] = compare([&original, &ours, &[FLOOR, sandbox::FILES]])?;
            ([first, second], Some(floor))
        } else {
            (compare([&original, &ours])?, None)
        };
        let [first, second] = figures;
        let command = if arguments[0] == "-i" { "-i ONE -x true".to_owned() } else { arguments.join(" ") };
        let (original, ours) = ((first, started(&original)?), (second, started(&ours)?));
        Ok(Row { secondaries, command, original, ours, floor })
    }

    /// How many times as fast as the original we are: its least time against our median, because the original
    /// runs only twice where it is slow, and what else the machine does should not count in our favour.
    fn faster(&self) -> f64 {
        self.original.0.minimum() / self.ours.0.median()
    }

    /// Is it part of the life cycle?
    fn is_action(&self) -> bool {
        self.command.starts_with("-e ")
    }

    fn print(&self) {
        print!("{:>11}  {:15}", self.secondaries, self.command);
        for (figures, started) in [&self.original, &self.ours] {
            print!("  {:>9.2} {:>9.2}", figures.median(), figures.minimum());
            print!(" {:>8.1} {:>5}", figures.megabytes(), started.processes);
        }
        print!("  {:>8.1}x", self.faster());
        match &self.floor {
            Some(floor) => println!("  {:>8.2}", floor.median()),
            None => println!(),
        }
    }
}

/// Where the kernel shares the processor out among sessions, nice(1) matters within one only: so this gets its own, and
/// that goes first.
fn have_others_wait() -> Result<()> {
    // The terminal's interrupt does not reach another session.
    set_pdeathsig(Signal::SIGTERM)?;
    setsid().context("setsid")?;
    let autogroup = Path::new("/proc/self/autogroup");
    if autogroup.exists() {
        std::fs::write(autogroup, "-20").context("/proc/self/autogroup")?;
    }
    Ok(())
}

/// Compiles the floor program as our own is: optimised, and without what unwinding needs.
fn build_floor(program: &Path) -> Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/floor.rs");
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition=2024", "-O", "-Cpanic=abort", "-Cstrip=symbols", "-o"]).arg(program).arg(source);
    ensure!(rustc.status().context("rustc")?.success(), "rustc cannot compile the floor program");
    Ok(())
}
