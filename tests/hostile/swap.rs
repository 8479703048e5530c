//! The owner of a queue directory puts links in place of what lies in it, while root works there: for real, in a loop, as
//! fast as an unprivileged process can.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::harm::Tree;
use crate::host::{Hosts, Program, run};
use crate::sandbox::Sandbox;

const FUNCTIONS: &str = include_str!("swap.sh");
const SWAPPER: &str = include_str!("swap.pl");

/// So many rounds may be needed for each that has to be disturbed.
const PATIENCE: usize = 4;

/// What the attacked command, and the attacker, may change.
const OWN: [&str; 7] =
    ["etc/postfix-a", "var/spool/postfix-a", "var/lib/postfix-a", "etc/postfix/main.cf", "srv", "tmp", "var/log"];

/// Work that is disturbed.
pub struct Attack {
    pub name: &'static str,
    /// So many rounds have to be disturbed.
    enough: usize,
    /// What there is before each round.
    before: &'static str,
    /// In turn, one for each round: where the link leads, and what it is swapped for.
    against: &'static [&'static str],
    command: &'static str,
    /// What must succeed, in peace, if the command has failed.
    again: &'static str,
}

pub const ATTACKS: [Attack; 2] = [
    Attack {
        name: "destroy",
        enough: 50,
        before: "created postfix-a 'multi_instance_name = postfix-a'; fill postfix-a postfix",
        // The first ones are in places where no mail is looked for, so that it comes to the removal.
        against: &[
            "/etc $Q/flush $Q/flush/3 $Q/flush/7/A",
            "/var/spool/postfix-b/flush $Q/flush $Q/flush/0 $Q/flush/F $Q/flush/F/F",
            "/etc $Q/defer $Q/defer/2 $Q/private $Q/public $Q/bounce/5 $Q/trace",
            "/var/spool/postfix-b/deferred $Q/deferred $Q/deferred/5 $Q/flush/8 $Q/maildrop $Q/active $Q/pid",
        ],
        command: "postmulti -i a -e destroy",
        again: "postmulti -i a -e destroy || postmulti -i /etc/postfix-a -e destroy",
    },
    Attack {
        name: "import",
        enough: 20,
        // The files are root's, so that each has to be given to the mail system's user.
        before: "created postfix-a 'multi_instance_name = postfix-a'; unlisted postfix-a; fill postfix-a root
            find $Q -type d -exec chown postfix {} +",
        against: &[
            "/etc $Q/flush $Q/flush/3 $Q/flush/7/A",
            "/var/spool/postfix-b/flush $Q/flush/F $Q/flush/F/F",
            "/etc $Q/deferred/5 $Q/defer/2 $Q/hold $Q/maildrop $Q/pid",
        ],
        command: "postmulti -e import -I postfix-a",
        again: "postmulti -e import -I postfix-a",
    },
];

/// What a whole attack came to.
#[derive(Default)]
struct Course {
    rounds: usize,
    disturbed: usize,
    swaps: u64,
    failed: usize,
}

/// Disturbs a command again and again. Returns what is wrong, and how it went.
pub fn attack(hosts: &Hosts, attack: &Attack) -> Result<(Vec<String>, String)> {
    hosts.on(Program::Ours, |host| {
        prepare(host)?;
        let (mut wrong, mut course) = (Vec::new(), Course::default());
        while course.disturbed < attack.enough && course.rounds < PATIENCE * attack.enough && wrong.is_empty() {
            wrong = round(hosts, host, attack, &mut course)?;
        }
        let Course { rounds, disturbed, swaps, failed } = course;
        if wrong.is_empty() && disturbed < attack.enough {
            wrong.push(format!("only {disturbed} of {rounds} rounds were disturbed"));
        }
        let name = attack.name;
        let told = format!(
            "links swapped in: {name}: {rounds} times, {disturbed} of them disturbed by {swaps} swaps, {failed} ended with an error"
        );
        Ok((wrong, told))
    })
}

/// The same attack on a program that goes by paths: if that does no harm, nothing is shown by the others.
pub fn careless(hosts: &Hosts) -> Result<(Vec<String>, String)> {
    hosts.on(Program::Ours, |host| {
        prepare(host)?;
        for round in 1..=ATTACKS[0].enough {
            shell(host, ATTACKS[0].before)?;
            let before = Tree::with_times(host.upper(), &OWN)?;
            shell(host, "attacked /var/spool/postfix-b/flush $Q/flush $Q/flush/3 -- careless $Q/flush")?;
            let harm = harm(hosts, host, &before)?;
            if !harm.is_empty() {
                let (number, told) = (harm.len(), harm[0].display());
                return Ok((Vec::new(), format!("links swapped in: a careless program: harm after {round} times, to {number} paths such as {told}")));
            }
            shell(host, "cleared")?;
        }
        Ok((vec!["the attack does no harm to a careless program".to_owned()], String::new()))
    })
}

fn prepare(host: &Sandbox) -> Result<()> {
    shell(host, &format!("cat >/tmp/swap.pl <<'END'\n{SWAPPER}END"))?;
    shell(host, "initialised; created postfix-b 'multi_instance_name = postfix-b'; fill postfix-b postfix")?;
    Ok(())
}

fn round(hosts: &Hosts, host: &Sandbox, attack: &Attack, course: &mut Course) -> Result<Vec<String>> {
    shell(host, attack.before)?;
    // The times of files of the configuration are set before a command is run, not by it.
    shell(host, ":")?;
    let before = Tree::with_times(host.upper(), &OWN)?;
    let against = attack.against[course.rounds % attack.against.len()];
    let outcome = run(host, &format!("{FUNCTIONS}\nattacked {against} -- {}", attack.command))?;
    let (told, complaints) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    let (status, swaps) = told.trim().rsplit_once(' ').with_context(|| format!("{told}{complaints}"))?;
    let swaps: u64 = swaps.parse()?;
    course.rounds += 1;
    course.disturbed += usize::from(swaps > 0);
    course.swaps += swaps;
    course.failed += usize::from(status != "0");

    let mut wrong: Vec<String> =
        harm(hosts, host, &before)?.iter().map(|path| format!("{} is changed", path.display())).collect();
    let is_clean =
        |line: &str| ["postmulti: warning: ", "postmulti: fatal: "].iter().any(|start| line.starts_with(start));
    match status {
        "0" if complaints.lines().all(|line| line.starts_with("postmulti: warning: ")) => {}
        "1" if !complaints.is_empty() && complaints.lines().all(is_clean) => {
            // The links that are left are the attacker's, and named in the complaint.
            let again = run(host, &format!("{FUNCTIONS}\nfind $Q -type l -delete\n{}", attack.again))?;
            if again.status != 0 {
                wrong.push(format!(
                    "{against}: {complaints}and again, in peace: {}",
                    String::from_utf8_lossy(&again.stderr)
                ));
            }
        }
        _ => wrong.push(format!("{against}: exit status {status}: {complaints}")),
    }
    shell(host, "cleared")?;
    Ok(wrong)
}

/// What is changed that is neither the instance's own nor the attacker's.
fn harm(hosts: &Hosts, host: &Sandbox, before: &Tree) -> Result<Vec<PathBuf>> {
    let changes = before.changes(&Tree::with_times(host.upper(), &OWN)?, hosts.reference())?;
    Ok(changes.into_iter().collect())
}

/// Runs shell lines that must succeed.
fn shell(host: &Sandbox, lines: &str) -> Result<()> {
    let outcome = run(host, &format!("{FUNCTIONS}\n{lines}"))?;
    let complaints = String::from_utf8_lossy(&outcome.stderr);
    ensure!(outcome.status == 0, "{lines}: exit status {}: {complaints}", outcome.status);
    Ok(())
}
