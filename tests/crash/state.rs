//! What an interrupted action leaves, and what it must be.

use crate::actions::Action;
use crate::host::{Host, Place, Program, State};
use crate::tree::{Entry, Tree, same_but_for_order};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::path::Path;

/// An action on a host where it is possible, and what comes of it when nothing disturbs it.
pub struct Subject<'a> {
    pub action: &'a Action,
    pub place: &'a Place,
    pub program: Program<'a>,
    pub before: State,
    pub after: Tree,
    /// What `postmulti -l` says before and after.
    lists: [Vec<u8>; 2],
}

/// What is found on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Old,
    New,
    /// Something is in directories of an instance that is not listed, and nothing else is changed.
    Unlisted,
}

/// The file in which the list of instances is.
const LIST: &str = "etc/postfix/main.cf";

impl<'a> Subject<'a> {
    pub fn new(action: &'a Action, place: &'a Place, host: &State, program: Program<'a>) -> Result<Subject<'a>> {
        let before = place.after(host, Program::Original, action.before)?;
        let host = place.host(&before, program)?;
        let old = list(&host)?;
        let output = host.run(action.command)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "undisturbed: {} {said}", output.status);
        let after = host.changes()?;
        ensure!(!after.is_empty(), "undisturbed, it changes nothing");
        let lists = [old, list(&host)?];
        drop(host);
        Ok(Subject { action, place, program, before, after, lists })
    }

    /// A host on which the action is possible.
    pub fn host(&self) -> Result<Host<'_>> {
        self.place.host(&self.before, self.program)
    }

    /// Looks at what an interrupted action has left. The error says why that must not be.
    pub fn judge(&self, host: &Host) -> Result<Found> {
        // What the next one takes over.
        let [changes, after] = [host.changes()?, self.after.clone()].map(without_leftovers);
        let found = match () {
            () if changes.is_empty() => Found::Old,
            () if differences(&changes, &after).is_empty() => Found::New,
            () => self.unlisted(&changes).map(|()| Found::Unlisted)?,
        };
        let said = list(host)?;
        ensure!(self.lists.contains(&said), "postmulti -l says\n{}", String::from_utf8_lossy(&said));
        Ok(found)
    }

    /// All that is changed must be the own files of an instance that is not listed.
    fn unlisted(&self, changes: &Tree) -> Result<()> {
        let own = |path: &Path| {
            self.action.own.iter().any(|own| {
                Path::new("/").join(path).starts_with(own) || Path::new(own).starts_with(Path::new("/").join(path))
            })
        };
        for (path, entry) in changes {
            let new = self.after.get(path);
            let name = path.display();
            if path == Path::new(LIST) {
                ensure!(new.is_some_and(|new| same(new, entry)), "/{name} is neither the old one nor the new one");
                continue;
            }
            ensure!(own(path), "/{name} is changed: {}", entry.what);
            let is_configuration = path.extension().is_some_and(|suffix| suffix == "cf");
            let is_whole = new.is_some_and(|new| same(new, entry)) || entry.what == "removed";
            ensure!(!is_configuration || is_whole, "/{name} is neither the old one nor the new one");
        }
        // The last of the lists that it is not on: before create, after destroy.
        let comes = self.after.iter().any(|(path, entry)| own(path) && entry.what != "removed");
        let listed = changes.contains_key(Path::new(LIST)) == comes;
        ensure!(!listed, "the instance is listed, but not as it was nor as it should be");
        Ok(())
    }

    /// The paths at which a host is not as an undisturbed run leaves it.
    pub fn unfinished(&self, host: &Host) -> Result<Vec<String>> {
        let mut changes = host.changes()?;
        // A lock that nobody holds is in nobody's way.
        changes.retain(|path, entry| !(path.ends_with("main.cf.tmp") && entry.content.is_empty()));
        Ok(differences(&changes, &self.after))
    }

    /// Gives the command again, and what else may complete it. The error says why the action is not complete then.
    pub fn complete(&self, host: &Host, found: Found, number: usize) -> Result<()> {
        let again = host.run(self.action.command)?;
        if self.unfinished(host)?.is_empty() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        let ways = self.action.otherwise;
        ensure!(
            !again.status.success() && found != Found::Old && !ways.is_empty(),
            "given again: {} {said}",
            again.status
        );
        let is_whole = ["main.cf", "master.cf"].iter().all(|file| host.path(self.action.own[0]).join(file).is_file());
        // What has its files still can be taken back: every second time, it is.
        let way = match self.program {
            Program::Ours(_) if is_whole => ways[number % ways.len()],
            Program::Ours(_) => ways[0],
            // It knows no other way.
            Program::Original => ways[ways.len() - 1],
        };
        for command in way {
            let output = host.run(command)?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "postmulti {}: {} {said}", command.join(" "), output.status);
        }
        let paths = self.unfinished(host)?;
        ensure!(paths.is_empty(), "completed, there is a difference in {}", paths.join(", "));
        Ok(())
    }
}

/// The paths at which two trees are not the same.
fn differences(one: &Tree, other: &Tree) -> Vec<String> {
    let paths: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let differ = paths.into_iter().filter(|path| match (one.get(*path), other.get(*path)) {
        (Some(one), Some(other)) => !same(one, other),
        _ => true,
    });
    differ.map(|path| path.display().to_string()).collect()
}

/// Up to 3.7.21, the original adds parameters in no certain order.
fn same(one: &Entry, other: &Entry) -> bool {
    one == other || (one.what == other.what && same_but_for_order(&one.content, &other.content))
}

/// What an interrupted action may leave beside any main.cf. The last one is the original's.
const LEFTOVERS: [&str; 5] = ["main.cf.tmp", "master.cf.tmp", "destroy.unfinished.tmp", "destroy.unfinished", ".tmp"];

pub fn is_leftover(path: &Path) -> bool {
    path.iter().any(|name| LEFTOVERS.iter().any(|leftover| name == *leftover))
}

/// The same without what an interrupted action may leave.
pub fn without_leftovers(mut tree: Tree) -> Tree {
    tree.retain(|path, _| !is_leftover(path));
    tree
}

/// What `postmulti -l` says, which must be all right.
fn list(host: &Host) -> Result<Vec<u8>> {
    let output = host.run(&["-l"]).context("postmulti -l")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && said.is_empty(), "postmulti -l: {} {said}", output.status);
    Ok(output.stdout)
}
