//! What /proc tells of processes.

use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// The processes of this host, as this one sees them.
#[derive(Debug, Default)]
pub struct Processes {
    /// When the system was booted. It is asked for once, and only if need be.
    booted: OnceLock<Option<Duration>>,
}

impl Processes {
    /// Since when a process runs; None if it does not, or is no process of that program.
    pub fn since(&self, process: u32, program: &str) -> Option<SystemTime> {
        let status = fs::read(format!("/proc/{process}/stat")).ok()?;
        let ticks = started(&String::from_utf8_lossy(&status), program)?;
        let boot = (*self.booted.get_or_init(booted))?;
        SystemTime::UNIX_EPOCH.checked_add(boot + Duration::from_secs(ticks / rustix::param::clock_ticks_per_second()))
    }
}

/// The clock ticks from the boot to the start of a process, after `/proc/PID/stat`, if it is one of that program.
fn started(status: &str, program: &str) -> Option<u64> {
    // The name of the program may hold any character.
    let (before, after) = status.rsplit_once(')')?;
    let name = before.split_once('(')?.1;
    (name == program).then(|| after.split_whitespace().nth(19)?.parse().ok())?
}

fn booted() -> Option<Duration> {
    let status = fs::read_to_string("/proc/stat").ok()?;
    let seconds = status.lines().find_map(|line| line.strip_prefix("btime "))?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_confuses_nobody() {
        let fields = |name| format!("7 ({name}) S 1 7 7 0 -1 4194560 93 0 0 0 0 0 0 0 20 0 1 0 4711 2580480 196");
        assert_eq!(started(&fields("master"), "master"), Some(4711));
        assert_eq!(started(&fields("a) S 1 (b"), "a) S 1 (b"), Some(4711));
        assert_eq!(started(&fields("master"), "cron"), None);
        assert_eq!(started("7 (master) S 1", "master"), None);
    }

    #[test]
    fn this_process_has_started_just_now() {
        let name = fs::read_to_string("/proc/self/comm").unwrap();
        let since = Processes::default().since(std::process::id(), name.trim_end()).unwrap();
        let age = SystemTime::now().duration_since(since).unwrap_or_default();
        assert!(age < Duration::from_secs(3600), "{age:?}");
        assert_eq!(Processes::default().since(std::process::id(), "another"), None);
    }
}
