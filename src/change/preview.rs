//! A plan as text (`--dry-run`): a unified diff for each file, a line for each of the other steps.

use super::plan::{Contents, Part, Permissions, Plan, Removal, Step, Write};
use crate::system::directory::SystemError;
use crate::system::file;
use crate::system::log::printable;
use crate::system::root::Root;
use similar::TextDiff;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What carrying out a plan would change. Diffs hold the bytes of the files, whatever they are.
pub fn preview(root: &Root, plan: &Plan) -> Result<Vec<u8>, SystemError> {
    let owned = plan.prepare.iter().filter_map(|step| match step {
        Step::SetPermissions(permissions) => Some((permissions.place.path(), permissions)),
        _ => None,
    });
    let written = plan.prepare.iter().filter_map(|step| match step {
        Step::Write(write) if write.before.is_none() => Some(write.path.clone()),
        _ => None,
    });
    let mut preview = Preview { root, owned: owned.collect(), told: written.collect() };
    let mut text = preview.steps(&plan.prepare)?;
    text.extend(plan.commit.iter().flat_map(diff));
    text.extend(preview.steps(&plan.finish)?);
    Ok(text)
}

struct Preview<'a> {
    root: &'a Root,
    /// The paths that get their owner in a step of its own.
    owned: HashMap<PathBuf, &'a Permissions>,
    /// What will be there, and of which enough is told: new files by their diffs, new directories by their lines.
    told: HashSet<PathBuf>,
}

impl Preview<'_> {
    fn steps(&mut self, steps: &[Step]) -> Result<Vec<u8>, SystemError> {
        let texts: Vec<_> = steps.iter().map(|step| self.step(step)).collect::<Result<_, _>>()?;
        Ok(texts.concat())
    }

    fn step(&mut self, step: &Step) -> Result<Vec<u8>, SystemError> {
        Ok(match step {
            Step::MakeDirectory { path, mode } => {
                let mut missing = Vec::new();
                for path in path.ancestors() {
                    if file::exists(self.root, path)? {
                        break;
                    }
                    missing.push(path);
                }
                let new = missing.into_iter().rev().filter(|path| self.told.insert(path.to_path_buf()));
                let line = |path: &Path| match self.owned.get(path) {
                    Some(permissions) => permissions_line(None, permissions),
                    None => format!("make directory {} mode {mode:04o}\n", printable(path)),
                };
                new.map(line).collect::<String>().into_bytes()
            }
            Step::SetPermissions(wanted) if self.told.contains(&wanted.place.path()) => Vec::new(),
            Step::SetPermissions(wanted) => {
                let found = file::status(self.root, &wanted.place.path())?;
                permissions_line(found.as_ref(), wanted).into_bytes()
            }
            Step::Write(write) => diff(write),
            Step::Remove(removal) => self.removal(removal)?.into_bytes(),
            Step::Run { program, .. } => {
                let words: Vec<String> = program.arguments.iter().map(printable).collect();
                format!("run {}\n", words.join(" ")).into_bytes()
            }
        })
    }

    fn removal(&self, removal: &Removal) -> Result<String, SystemError> {
        let is_file = |part: &Part| part.contents == Contents::File;
        let parts = removal.parts.iter().map(|part| (removal.directory.join(&part.name), is_file(part)));
        let itself = removal.itself.then(|| (removal.directory.clone(), false));
        let mut text = String::new();
        for (path, is_file) in parts.chain(itself) {
            if self.told.contains(&path) || file::exists(self.root, &path)? {
                let condition = if is_file { "" } else { ", if nothing is left in it" };
                text.push_str(&format!("remove {}{condition}\n", printable(path)));
            }
        }
        Ok(text)
    }
}

/// What becomes of the owner and mode of one path, if anything does.
fn permissions_line(found: Option<&Metadata>, wanted: &Permissions) -> String {
    let path = wanted.place.path();
    let same = found.is_some_and(|found| {
        let group = wanted.group.as_ref().is_none_or(|group| group.id == found.gid());
        let mode = found.mode() & 0o7777;
        group && wanted.owner.id == found.uid() && mode == wanted.mode_over(mode, found.is_dir())
    });
    if same && !wanted.recursive {
        return String::new();
    }
    let mut line = match found {
        None => format!("make directory {}", printable(&path)),
        Some(_) => format!("set permissions of {}", printable(&path)),
    };
    line.push_str(&format!(" owner {}", wanted.owner.name));
    if let Some(group) = &wanted.group {
        line.push_str(&format!(" group {}", group.name));
    }
    let below = if wanted.recursive && found.is_some() { ", and the owner of all below" } else { "" };
    format!("{line} mode {:04o}{below}\n", wanted.mode)
}

/// A unified diff, as `diff -u` prints it and patch(1) reads it: to both, a line ends at its newline and nowhere else.
fn diff(write: &Write) -> Vec<u8> {
    let label = |path: &OsStr, sign: &str| [sign.as_bytes(), b" ", path.as_bytes(), b"\n"].concat();
    if !write.changes() {
        return Vec::new();
    }
    let old = write.before.as_deref().map_or(OsStr::new("/dev/null"), |_| write.path.as_os_str());
    let mut text = [label(old, "---"), label(write.path.as_os_str(), "+++")].concat();
    let (before, after) = (lines(write.before.as_deref().unwrap_or_default()), lines(&write.after));
    for hunk in TextDiff::from_slices(&before, &after).unified_diff().iter_hunks() {
        text.extend(format!("{}\n", hunk.header()).bytes());
        for change in hunk.iter_changes() {
            text.extend(change.tag().to_string().bytes());
            text.extend(change.value());
            if !change.value().ends_with(b"\n") {
                text.extend(b"\n\\ No newline at end of file\n");
            }
        }
    }
    text
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}
