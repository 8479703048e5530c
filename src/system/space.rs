//! How much room a file system has.

use super::directory::SystemError;
use super::root::Root;
use nix::fcntl::OFlag;
use nix::sys::statvfs::fstatvfs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What a file system holds, and what of that ordinary users can still have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Tells file systems apart.
    pub device: u64,
    /// In bytes.
    pub size: u64,
    pub free: u64,
    /// How many files there can be; 0 if there is no such limit.
    pub files: u64,
    pub free_files: u64,
}

/// The room of the file system on which a file lies, given by its absolute path.
pub fn space(root: &Root, path: &Path) -> Result<Space, SystemError> {
    let failed = |operation| move |error: std::io::Error| SystemError::new(operation, path, error);
    let file = root.open_with(path, OFlag::O_PATH).map_err(failed("open"))?;
    let device = file.metadata().map_err(failed("stat"))?.dev();
    let found = fstatvfs(&file).map_err(|error| SystemError::new("statvfs", path, error))?;
    let unit = found.fragment_size();
    Ok(Space {
        device,
        size: found.blocks().saturating_mul(unit),
        free: found.blocks_available().saturating_mul(unit),
        files: found.files(),
        free_files: found.files_available(),
    })
}
