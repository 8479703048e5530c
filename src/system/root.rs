//! The root under which everything is read: the host's own, or that of an image (`--root`).

use super::log::printable;
use super::reason;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2, readlink};
use nix::sys::stat::{Mode, fstat};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;
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
    /// Directories whose true path is known, so that a thousand neighbours ask for it once.
    resolved: Mutex<HashMap<PathBuf, PathBuf>>,
}

impl Root {
    /// The host's own root.
    pub fn host() -> Root {
        Root { image: None, resolved: Mutex::default() }
    }

    /// The root of an image at `directory`, which must exist.
    pub fn image(directory: &Path) -> Result<Root, RootError> {
        let open = OpenOptions::new().read(true).custom_flags(OFlag::O_DIRECTORY.bits()).open(directory);
        let image = open.and_then(|file| Ok((directory.canonicalize()?, file)));
        let image = image.map_err(|error| RootError { directory: directory.to_owned(), error })?;
        Ok(Root { image: Some(image), resolved: Mutex::default() })
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

    fn open_with(&self, path: &Path, flags: OFlag) -> io::Result<File> {
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

    /// True if something is there.
    pub fn exists(&self, path: &Path) -> bool {
        self.metadata(path).is_ok()
    }

    /// The one true path of a file: absolute, without links, `.` and `..`. It is for comparing, not for opening.
    ///
    /// Of a path that does not exist, or cannot be looked at, as much is resolved as there is.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        let (Some(parent), Some(Component::Normal(name))) = (path.parent(), path.components().next_back()) else {
            return self.follow(path).unwrap_or_else(|_| path.to_owned());
        };
        let place = self.resolve_directory(parent).join(name);
        match self.link_target(&place) {
            Some(_) => self.follow(path).unwrap_or(place),
            None => place,
        }
    }

    fn resolve_directory(&self, path: &Path) -> PathBuf {
        if let Some(known) = self.known().get(path) {
            return known.clone();
        }
        let resolved = self.resolve(path);
        self.known().insert(path.to_owned(), resolved.clone());
        resolved
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, PathBuf>> {
        self.resolved.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn link_target(&self, place: &Path) -> Option<OsString> {
        match &self.image {
            None => readlink(place).ok(),
            Some((directory, _)) => readlink(&directory.join(place.strip_prefix("/").unwrap_or(place))).ok(),
        }
    }

    fn follow(&self, path: &Path) -> io::Result<PathBuf> {
        let Some((directory, _)) = &self.image else { return path.canonicalize() };
        let file = self.open_with(path, OFlag::O_PATH)?;
        fstat(&file)?;
        let place = PathBuf::from(readlink(format!("/proc/self/fd/{}", file.as_raw_fd()).as_str())?);
        Ok(Path::new("/").join(place.strip_prefix(directory).unwrap_or(&place)))
    }
}
