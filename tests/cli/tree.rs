//! All files of a host at one moment, to be compared with what they are later.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fmt, fs};
use walkdir::WalkDir;

pub struct Tree(BTreeMap<PathBuf, Node>);

#[derive(Clone, PartialEq, Eq)]
struct Node {
    /// Type and mode.
    mode: u32,
    owner: (u32, u32),
    /// The bytes of a file, the target of a link.
    contents: Vec<u8>,
    attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    inode: u64,
    modified: (i64, i64),
}

impl Tree {
    pub fn of(root: &Path) -> Tree {
        let entries = WalkDir::new(root).into_iter().map(|entry| entry.unwrap().into_path());
        Tree(entries.map(|path| (path.strip_prefix(root).unwrap().to_owned(), Node::of(&path))).collect())
    }

    /// Checks that not even a time is another one.
    #[track_caller]
    pub fn assert_untouched(&self, later: &Tree) {
        self.assert(later, |one, other| one == other);
    }

    /// Checks that all is as it was, but perhaps the times of directories, in which something came and went.
    #[track_caller]
    pub fn assert_restored(&self, later: &Tree) {
        self.assert(later, |one, other| one == &other.with_time_of(one) && (one.is_directory() || one == other));
    }

    /// Checks that two hosts have the same files, whenever these were made.
    #[track_caller]
    pub fn assert_alike(&self, other: &Tree) {
        self.assert(other, |one, other| Node { inode: one.inode, ..other.with_time_of(one) } == *one);
    }

    /// The names that are new in another tree.
    pub fn new_names(&self, later: &Tree) -> Vec<PathBuf> {
        later.0.keys().filter(|path| !self.0.contains_key(*path)).cloned().collect()
    }

    /// All names in it.
    pub fn names(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    #[track_caller]
    fn assert(&self, other: &Tree, same: impl Fn(&Node, &Node) -> bool) {
        let gone =
            self.0.keys().filter(|path| !other.0.contains_key(*path)).map(|path| format!("- {}", path.display()));
        let more = self.new_names(other).into_iter().map(|path| format!("+ {}", path.display()));
        let both = self.0.iter().filter_map(|(path, node)| Some((path, node, other.0.get(path)?)));
        let changed = both.filter(|(_, one, other)| !same(one, other));
        let changed = changed.map(|(path, one, other)| format!("! {}\n{one}\n{other}", path.display()));
        let differences: Vec<String> = gone.chain(more).chain(changed).collect();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}

impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Node { mode, owner, contents, attributes, inode, modified } = self;
        let text = contents.escape_ascii();
        write!(formatter, "{mode:o} {owner:?} {attributes:?} inode {inode} time {modified:?}: {text}")
    }
}

impl Node {
    fn of(path: &Path) -> Node {
        let status = path.symlink_metadata().unwrap();
        let contents = match () {
            () if status.is_file() => fs::read(path).unwrap(),
            () if status.is_symlink() => fs::read_link(path).unwrap().as_os_str().as_bytes().into(),
            () => Vec::new(),
        };
        let names = xattr::list(path).unwrap().filter(|_| !status.is_symlink());
        let attribute = |name: std::ffi::OsString| {
            let value = xattr::get(path, &name).unwrap().unwrap_or_default();
            (name.as_bytes().to_owned(), value)
        };
        Node {
            mode: status.mode(),
            owner: (status.uid(), status.gid()),
            contents,
            attributes: names.map(attribute).collect(),
            inode: status.ino(),
            modified: (status.mtime(), status.mtime_nsec()),
        }
    }

    fn is_directory(&self) -> bool {
        self.mode & nix::libc::S_IFMT == nix::libc::S_IFDIR
    }

    fn with_time_of(&self, other: &Node) -> Node {
        Node { modified: other.modified, ..self.clone() }
    }
}
