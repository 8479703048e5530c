//! What a command does to the host: all of its tree before, all of it after, and what may not be different.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use nix::libc;
use walkdir::WalkDir;

/// The mail log is there to be written to.
const LOGS: &str = "var/log";

/// An overlay notes here that a directory of the lower layer was removed, and made anew.
const OPAQUE: &str = "trusted.overlay.opaque";

/// The tree of a sandbox at one moment. What is not in the upper layer of its overlay is as in the reference root: to
/// open a file for writing, or set its owner, puts it there.
pub struct Tree(BTreeMap<PathBuf, Node>);

#[derive(PartialEq, Eq)]
struct Node {
    /// Type and mode.
    mode: u32,
    owner: (u32, u32),
    device: u64,
    /// The bytes of a file, the target of a link.
    contents: Vec<u8>,
    opaque: bool,
    inode: u64,
    /// When anything about a file was last changed; None where nobody looks at that.
    changed: Option<(i64, i64)>,
}

impl Tree {
    pub fn of(upper: &Path) -> Result<Tree> {
        Tree::read(upper, &[LOGS], false)
    }

    /// All but what lies at some places, with the times of what is no directory: these show that a file was touched, even
    /// if all is as it was.
    pub fn with_times(upper: &Path, except: &[&str]) -> Result<Tree> {
        Tree::read(upper, except, true)
    }

    fn read(upper: &Path, except: &[&str], times: bool) -> Result<Tree> {
        let is_wanted = |path: &Path| {
            path.strip_prefix(upper).is_ok_and(|path| !except.iter().any(|place| path == Path::new(place)))
        };
        let mut nodes = BTreeMap::new();
        for entry in WalkDir::new(upper).min_depth(1).into_iter().filter_entry(|entry| is_wanted(entry.path())) {
            let entry = entry?;
            nodes.insert(entry.path().strip_prefix(upper)?.to_owned(), Node::of(entry.path(), times)?);
        }
        Ok(Tree(nodes))
    }

    /// Is something there, that was not in the reference root?
    pub fn has(&self, path: &Path) -> bool {
        path.strip_prefix("/").ok().and_then(|path| self.0.get(path)).is_some_and(|node| !node.is_whiteout())
    }

    /// Every path that is another one later: made, removed, or changed in type, mode, owner, bytes, target or identity.
    pub fn changes(&self, later: &Tree, reference: &Path) -> Result<BTreeSet<PathBuf>> {
        let mut changes = BTreeSet::new();
        for path in self.0.keys().chain(later.0.keys()) {
            let (before, after) = (self.0.get(path), later.0.get(path));
            let same = match (before, after) {
                (Some(before), Some(after)) => before == after,
                (None, Some(after)) => same_as_below(after, &reference.join(path))?,
                // Nobody but the kernel takes anything out of the upper layer, and only what it made.
                (Some(before), None) => before.is_whiteout(),
                (None, None) => true,
            };
            if !same {
                changes.insert(Path::new("/").join(path));
            }
        }
        Ok(changes)
    }
}

/// Is it a directory like the one below? It is copied when a name in it comes or goes; a file is copied to be changed.
fn same_as_below(node: &Node, below: &Path) -> Result<bool> {
    if below.symlink_metadata().is_err() {
        return Ok(node.is_whiteout());
    }
    let below = Node::of(below, false)?;
    Ok(node.mode & libc::S_IFMT == libc::S_IFDIR
        && !node.opaque
        && (node.mode, node.owner) == (below.mode, below.owner))
}

impl Node {
    fn of(path: &Path, times: bool) -> Result<Node> {
        let status = path.symlink_metadata()?;
        let contents = match () {
            () if status.is_file() => fs::read(path)?,
            () if status.is_symlink() => fs::read_link(path)?.as_os_str().as_bytes().into(),
            () => Vec::new(),
        };
        Ok(Node {
            mode: status.mode(),
            owner: (status.uid(), status.gid()),
            device: status.rdev(),
            contents,
            opaque: status.is_dir() && xattr::get(path, OPAQUE)?.is_some(),
            inode: status.ino(),
            changed: (times && !status.is_dir()).then(|| (status.ctime(), status.ctime_nsec())),
        })
    }

    /// How an overlay notes that there is no such name any more.
    fn is_whiteout(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFCHR && self.device == 0
    }
}
