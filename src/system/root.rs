//! The root under which everything is read: the host's own, or that of an image (`--root`).

use super::log::printable;
use super::reason;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2, readlink};
use nix::libc;
use nix::sys::stat::Mode;
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs::{DirEntry, File, Metadata, OpenOptions, ReadDir, read_dir};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use thiserror::Error;

/// Why a directory cannot stand for `/`.
#[derive(Debug, Error)]
#[error("--root {}: {}", printable(.directory), reason(.error))]
pub struct RootError {
    directory: PathBuf,
    error: io::Error,
}

/// A directory that stands for `/`. Absolute paths, and absolute symbolic links, stay below it.
#[derive(Debug)]
pub struct Root {
    image: Option<(PathBuf, File)>,
    /// Directories that are known, so that a thousand neighbours ask for them once.
    known: Mutex<FxHashMap<OsString, Arc<Directory>>>,
}

/// After so many single questions about the entries of a directory, it is listed.
const LISTED_AFTER: usize = 64;
/// A directory of more entries is not.
const MAX_LISTED: usize = 20_000;

/// A directory, by its true path.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    asked: AtomicUsize,
    /// The names of the links in it; None if they are too many to list.
    links: OnceLock<Option<FxHashSet<OsString>>>,
}

impl Root {
    /// The host's own root.
    pub fn host() -> Root {
        Root { image: None, known: Mutex::default() }
    }

    /// The root of an image at `directory`, which must exist.
    pub fn image(directory: &Path) -> Result<Root, RootError> {
        let open = OpenOptions::new().read(true).custom_flags(OFlag::O_DIRECTORY.bits()).open(directory);
        let image = open.and_then(|file| Ok((directory.canonicalize()?, file)));
        let image = image.map_err(|error| RootError { directory: directory.to_owned(), error })?;
        Ok(Root { image: Some(image), known: Mutex::default() })
    }

    /// Is it the host's own, so that its programs can be run without more ado?
    pub fn is_host(&self) -> bool {
        self.image.is_none()
    }

    /// Where the image lies, if this is not the host's own root.
    pub fn directory(&self) -> Option<&Path> {
        self.image.as_ref().map(|(directory, _)| &**directory)
    }

    /// Opens an absolute path for reading. A fifo or a device does not block.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        self.open_with(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY)
    }

    /// Opens an absolute path with these flags, which must not create anything.
    pub(super) fn open_with(&self, path: &Path, flags: OFlag) -> io::Result<File> {
        match &self.image {
            None => OpenOptions::new().read(true).custom_flags(flags.bits()).open(path),
            Some((_, root)) => {
                let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).mode(Mode::empty());
                Ok(openat2(root, path, how.resolve(ResolveFlag::RESOLVE_IN_ROOT))?.into())
            }
        }
    }

    /// What stat(2) tells of an absolute path; links are followed.
    pub fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        match &self.image {
            None => path.metadata(),
            Some(_) => self.open_with(path, OFlag::O_PATH)?.metadata(),
        }
    }

    /// The one true path of a file: absolute, without links, `.` and `..`. It is for comparing, not for opening.
    ///
    /// Of a path that does not exist, or cannot be looked at, as much is resolved as there is.
    ///
    /// No system call takes a path of PATH_MAX bytes or more, so that nothing can be there: it is returned as it is.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        if path.as_os_str().len() >= libc::PATH_MAX as usize {
            return path.to_owned();
        }
        // Up to the first directory that is known, and down again.
        let mut below = Vec::new();
        let mut parent = path;
        let mut directory = loop {
            let (Some(above), Some(Component::Normal(name))) = (parent.parent(), parent.components().next_back())
            else {
                break self.make_known(parent, self.follow(parent).unwrap_or_else(|_| parent.to_owned()));
            };
            below.push((parent, name));
            parent = above;
            if let Some(known) = self.known(parent) {
                break known;
            }
        };
        while let Some((path, name)) = below.pop() {
            let place = directory.path.join(name);
            let found = if self.is_link(&directory, name, &place) { self.follow(path).unwrap_or(place) } else { place };
            if below.is_empty() {
                return found;
            }
            directory = self.make_known(path, found);
        }
        directory.path.clone()
    }

    fn known(&self, path: &Path) -> Option<Arc<Directory>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(path.as_os_str()).cloned()
    }

    fn make_known(&self, path: &Path, found: PathBuf) -> Arc<Directory> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(path.into()).or_insert_with(|| Arc::new(found.into())).clone()
    }

    /// Returns true if the entry `name` of a directory, at the path `place`, is a symbolic link.
    fn is_link(&self, directory: &Directory, name: &OsStr, place: &Path) -> bool {
        match directory.links(|path| read_dir(self.place(path))) {
            Some(links) => links.contains(name),
            None => readlink(self.place(place).as_ref()).is_ok(),
        }
    }

    /// Where an absolute path without links lies on the host.
    fn place<'p>(&self, path: &'p Path) -> Cow<'p, Path> {
        match &self.image {
            None => Cow::Borrowed(path),
            Some((directory, _)) => Cow::Owned(directory.join(path.strip_prefix("/").unwrap_or(path))),
        }
    }

    fn follow(&self, path: &Path) -> io::Result<PathBuf> {
        let Some((directory, _)) = &self.image else { return path.canonicalize() };
        let file = self.open_with(path, OFlag::O_PATH)?;
        // A thread may have descriptors of its own.
        let place = PathBuf::from(readlink(format!("/proc/thread-self/fd/{}", file.as_raw_fd()).as_str())?);
        Ok(Path::new("/").join(place.strip_prefix(directory).unwrap_or(&place)))
    }
}

impl From<PathBuf> for Directory {
    fn from(path: PathBuf) -> Directory {
        Directory { path, asked: AtomicUsize::new(0), links: OnceLock::new() }
    }
}

impl Directory {
    /// Its entries that are links, once so many have been asked for that it pays to list them all.
    fn links(&self, list: impl Fn(&Path) -> io::Result<ReadDir>) -> Option<&FxHashSet<OsString>> {
        if self.asked.fetch_add(1, Ordering::Relaxed) < LISTED_AFTER {
            return None;
        }
        let links = || {
            let entries: Vec<_> = list(&self.path).ok()?.take(MAX_LISTED).collect::<io::Result<_>>().ok()?;
            let is_link = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let links = entries.iter().filter(|entry| is_link(entry)).map(DirEntry::file_name).collect();
            (entries.len() < MAX_LISTED).then_some(links)
        };
        self.links.get_or_init(links).as_ref()
    }
}
