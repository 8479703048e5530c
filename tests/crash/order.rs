//! In which order an action makes its changes durable: what counts never comes before what it relies on.

use crate::actions::Action;
use crate::calls::Call;
use crate::state::is_leftover;
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// How much of it there is.
pub struct Order {
    pub renames: usize,
    pub syncs: usize,
}

/// Checks the calls of an undisturbed run.
pub fn check(action: &Action, calls: &[Call]) -> Result<Order> {
    let calls: Vec<&Call> = calls.iter().filter(|call| call.succeeded).collect();
    let renames: Vec<usize> = (0..calls.len()).filter(|index| calls[*index].name.starts_with("rename")).collect();
    for index in &renames {
        check_rename(&calls, *index)?;
    }
    let commit = commit(action, &calls, &renames)?;
    for (index, call) in calls.iter().enumerate() {
        let deadline = if index < commit { commit } else { calls.len() };
        for directory in touched(call) {
            let is_settled = |later: &&&Call| is_sync(later, directory) || removes(later, directory);
            let settled = calls[index..deadline].iter().any(|later| is_settled(&later));
            ensure!(settled, "{} is not on stable storage after {call}", directory.display());
        }
        let in_order = match () {
            () if action.own.is_empty() || is_leftover(Path::new(&call.path)) => true,
            () if action.name.starts_with("destroy") => index > commit || !is_removal(call),
            // All that makes the instance comes before it is listed.
            () => index <= commit || !call.changes || is_removal(call) || is_sync(call, Path::new(&call.path)),
        };
        ensure!(in_order, "{call} is on the wrong side of the commit");
    }
    let syncs = calls.iter().filter(|call| call.name == "fsync").count();
    Ok(Order { renames: renames.len(), syncs })
}

/// Data before the name, and the name before all that follows.
fn check_rename(calls: &[&Call], index: usize) -> Result<()> {
    let call = calls[index];
    let (before, after) = calls.split_at(index);
    let is_change = |earlier: &&Call| earlier.path == call.path && earlier.changes && earlier.name != "fsync";
    let last = before.iter().rposition(is_change).with_context(|| format!("{call}: nothing was written"))?;
    let synced = before[last..].iter().any(|later| is_sync(later, Path::new(&call.path)));
    ensure!(synced, "{call}: its data are not on stable storage");
    let directory = Path::new(&call.to).parent().context("no directory")?;
    let next = after[1..].iter().position(|later| later.changes);
    let next = next.with_context(|| format!("{call}: nothing follows"))?;
    ensure!(is_sync(after[1 + next], directory), "{call}: first comes {}", after[1 + next]);
    Ok(())
}

/// Where the change begins to count: at one rename.
fn commit(action: &Action, calls: &[&Call], renames: &[usize]) -> Result<usize> {
    let changes_list = !["assign-name", "assign-group", "enable", "disable"].contains(&action.name);
    let file = if changes_list { "/etc/postfix/main.cf" } else { "/etc/postfix-in/main.cf" };
    let commits: Vec<usize> = renames.iter().copied().filter(|index| calls[*index].to == file).collect();
    ensure!(commits.len() == 1, "{file} is replaced {} times", commits.len());
    ensure!(changes_list || renames.len() == 1, "{} files are replaced", renames.len());
    ensure!(renames.last() == commits.last(), "a file is replaced after the commit");
    Ok(commits[0])
}

/// The directories in which a call changes a name that matters, or which it changes themselves.
fn touched(call: &Call) -> Vec<&Path> {
    let path = Path::new(&call.path);
    match &*call.name {
        "mkdir" | "mkdirat" => path.parent().into_iter().chain([path]).collect(),
        "unlink" | "unlinkat" | "rmdir" if !is_leftover(path) => path.parent().into_iter().collect(),
        _ => Vec::new(),
    }
}

fn is_sync(call: &Call, path: &Path) -> bool {
    call.name == "fsync" && Path::new(&call.path) == path
}

fn is_removal(call: &Call) -> bool {
    ["unlink", "unlinkat", "rmdir"].contains(&&*call.name)
}

fn removes(call: &Call, path: &Path) -> bool {
    is_removal(call) && Path::new(&call.path) == path
}
