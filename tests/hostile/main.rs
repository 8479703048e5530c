//! Input that means harm, or does harm by accident: what the user sees, and that nothing is touched. README says how.

#[path = "../compat/capture.rs"]
#[allow(dead_code)] // terminals are for the scenarios
mod capture;
mod case;
mod harm;
mod host;
mod in_place;
#[path = "../compat/sandbox.rs"]
mod sandbox;
mod swap;
mod tally;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use walkdir::WalkDir;

use crate::case::Topic;
use crate::host::{Hosts, Program};
use crate::tally::Tally;

/// Fewer cases than this are not what was promised.
const CASES: usize = 80;

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // Cases wait for namespaces more than for processors.
    arguments.test_threads.get_or_insert(8);
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let topics = Arc::new(topics(&top.join("tests/hostile/cases"))?);
    let hosts = Arc::new(Hosts::new(top)?);
    let tally = Arc::new(Tally::default());

    let mut trials = Vec::new();
    for (topic, cases) in topics.iter().enumerate() {
        for number in 0..cases.cases.len() {
            let (topics, hosts, tally) = (topics.clone(), hosts.clone(), tally.clone());
            let name = format!("{}: {}", cases.name, cases.cases[number].title);
            trials.push(trial(name, move || {
                let (topic, case) = (&topics[topic].name, &topics[topic].cases[number]);
                let verdict = hosts.judge(case, Program::Ours)?;
                tally.count(topic, Program::Ours, verdict.kind);
                Ok(verdict.wrong)
            }));
        }
    }
    let (all, hosts_of_all, tally_of_all) = (topics.clone(), hosts.clone(), tally.clone());
    trials.push(trial("the original: harm is found where there is some".to_owned(), move || {
        tally::judge_original(&all, &hosts_of_all, &tally_of_all)
    }));
    for attack in &swap::ATTACKS {
        let name = format!("links are swapped in: {}", attack.name);
        trials.push(told(name, &hosts, &tally, |hosts| swap::attack(hosts, attack)));
    }
    trials.push(told("links are swapped in: a careless program".to_owned(), &hosts, &tally, swap::careless));
    for writing in &in_place::WRITINGS {
        let name = format!("written in place: {}", writing.name);
        trials.push(told(name, &hosts, &tally, |hosts| in_place::read(hosts, writing)));
    }

    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        tally.print(&topics);
    }
    Ok(conclusion.exit_code())
}

fn trial(name: String, run: impl FnOnce() -> Result<Vec<String>> + Send + 'static) -> Trial {
    Trial::test(name, move || match run() {
        Ok(wrong) if wrong.is_empty() => Ok(()),
        Ok(wrong) => Err(Failed::from(wrong.join("\n"))),
        Err(error) => Err(Failed::from(format!("{error:#}"))),
    })
}

/// A trial that has something to tell at the end.
fn told(
    name: String,
    hosts: &Arc<Hosts>,
    tally: &Arc<Tally>,
    run: impl FnOnce(&Hosts) -> Result<(Vec<String>, String)> + Send + 'static,
) -> Trial {
    let (hosts, tally) = (hosts.clone(), tally.clone());
    trial(name.clone(), move || {
        let (wrong, note) = run(&hosts)?;
        tally.note(note);
        Ok(wrong)
    })
}

fn topics(directory: &Path) -> Result<Vec<Topic>> {
    let files = WalkDir::new(directory).sort_by_file_name().into_iter().collect::<Result<Vec<_>, _>>()?;
    let files: Vec<PathBuf> =
        files.into_iter().filter(|file| file.file_type().is_file()).map(|file| file.into_path()).collect();
    let topics = files.iter().map(|file| Topic::read(file)).collect::<Result<Vec<_>>>()?;
    let cases = topics.iter().map(|topic| topic.cases.len()).sum::<usize>();
    ensure!(cases >= CASES, "{cases} cases are too few");
    Ok(topics)
}
