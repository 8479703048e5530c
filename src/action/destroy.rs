//! `-e destroy`: removes an instance, as far as Postfix itself has made it.
//!
//! It is taken off the list first. What removes its files comes after that, and its main.cf goes last: an interrupted run
//! leaves an instance that is not listed, and that can be destroyed again, by its directory.

use super::lifecycle::{Alternate, EditError, Host, Target};
use super::occupied::system_directory;
use super::{import, private_files};
use crate::change::plan::{Contents, Part, Plan, Removal, Step, Write};
use crate::cli::request::Selection;
use crate::config::postfix_files::{Base, Kind};
use crate::error::{Hint, hinted};
use crate::instance::conflicts::{Conflict, places};
use crate::instance::parameters::{Parameters, main_cf};
use crate::instance::queues::messages;
use crate::instance::running::is_running_without_links;
use crate::instance::select::NAME_PREFIX;
use crate::instance::{Instance, Instances};
use crate::system::directory::Directory;
use crate::system::file;
use crate::system::log::printable;
use crate::system::root::Root;
use anyhow::Result;
use indexmap::IndexSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The file that says of a configuration directory that its instance is being destroyed.
pub const MARKER: &str = "destroy.unfinished";

/// What is in it, for whoever finds it.
const MARKER_TEXT: &str = "\
The instance in this directory is being destroyed. If that was interrupted, one of these completes it or takes it back:
postmulti -i DIRECTORY -e destroy
postmulti -e import config_directory=DIRECTORY
";

/// The queue directories that every Postfix has, in the order in which they are told of; postfix-files may name more.
pub const QUEUES: [&str; 14] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "pid", "private",
    "public", "saved", "trace",
];

/// Where distributions put copies of system files, for daemons that run in the queue directory as their root.
const JAIL: [&str; 4] = ["dev", "etc", "lib", "usr"];

/// Why an instance is not destroyed. In all cases nothing was changed.
#[derive(Debug, Error)]
pub enum DestroyError {
    #[error("{0}/main.cf file not found")]
    NoMainCf(String),
    #[error(
        "{parameter}={path} is the system directory {directory}. Nothing was changed: correct it in {file}, \
         or take the instance off the list with '-e deport'"
    )]
    System { parameter: &'static str, path: String, directory: String, file: String },
    #[error("Instance '{directory}' has mail: {queues}. Nothing was changed: deliver it, move it or delete it first")]
    Mail { directory: String, queues: String },
}

/// What there is to destroy.
enum Found {
    Listed(Instance),
    /// Not on the list any more, because an earlier run has been interrupted.
    Unlisted(Instance),
    /// The same, but nothing is left of it than this configuration directory.
    Directory(OsString),
}

pub fn plan(instances: Instances, mut host: Host) -> Result<Plan> {
    let found = find(instances, &mut host)?;
    host.check_initialised()?;
    let (mut instance, listed) = match found {
        Found::Listed(instance) => (instance, true),
        Found::Unlisted(instance) => (instance, false),
        Found::Directory(directory) => {
            let remedy = Some(remedy(&host, &directory));
            return Ok(Plan { finish: vec![remove_configuration(&directory)], remedy, ..Plan::default() });
        }
    };
    let bytes = host.read(&instance.config_directory)?;
    let config_directory = instance.config_directory.clone();
    let (_, parameters) = Parameters::parse(host.postfix, &config_directory, &bytes);
    let parameters = parameters?;
    instance.queue_directory = parameters.directory("queue_directory")?.into();
    instance.data_directory = parameters.directory("data_directory")?.into();
    check_places(host.postfix.root, &instance)?;
    // Nothing selects one that is not listed.
    host.check_stopped(&instance, is_running_without_links)
        .hint(|_| listed.then(|| host.hints.stop_first(&instance)))?;
    check_no_mail(&host, &instance).hint(|_| listed.then(|| host.hints.look_at_mail(&instance)))?;

    let finish = vec![
        remove_queues(&host, &instance)?,
        remove_data(&instance, &parameters),
        Step::Remove(Removal { directory: (&instance.queue_directory).into(), parts: Vec::new(), itself: true }),
        remove_configuration(&config_directory),
    ];
    let remedy = Some(remedy(&host, &config_directory));
    if !listed {
        return Ok(Plan { finish, remedy, ..Plan::default() });
    }
    let path = Path::new(&config_directory).join(MARKER);
    // An earlier run may have come as far as this.
    let left = file::is_regular(host.postfix.root, &path)?;
    let before = left.then(|| file::read(host.postfix.root, &path)).transpose()?;
    let prepare = vec![Step::Write(Write { path, before, after: MARKER_TEXT.into(), copy_of: None })];
    let secondaries = host.secondaries_without(&config_directory);
    let commit = Some(host.set_lists(&secondaries, &config_directory, Alternate::Drop));
    Ok(Plan { prepare, commit, finish, remedy, hint: None })
}

fn find(mut instances: Instances, host: &mut Host) -> Result<Found> {
    let root = host.postfix.root;
    let exists = |directory: &OsStr| file::exists(root, &main_cf(directory));
    match host.removable(&instances)? {
        Some(Target::Whole(instance)) => {
            let shared = instances.shared_by(&instance.config_directory);
            return shared.map_or(Ok(Found::Listed(instance.clone())), |shared| Err(EditError::Shared(shared).into()));
        }
        Some(Target::Broken(broken)) => {
            host.check_initialised()?;
            let directory = printable(&broken.config_directory);
            return match exists(&broken.config_directory)? {
                true => Err(hinted(EditError::Broken(directory), host.hints.unusable(broken))),
                false => {
                    let deport = host.hints.deport(&broken.config_directory);
                    Err(hinted(DestroyError::NoMainCf(directory), Some(deport)))
                }
            };
        }
        None => {}
    }
    let directory = remainder(host)?.ok_or_else(|| host.no_instance(&instances))?;
    // Another run may be at work on it just now; when it has done, nothing may be left.
    host.lock_rest(&directory)?;
    let directory = remainder(host)?.ok_or_else(|| host.no_instance(&instances))?;
    if !exists(&directory)? {
        return Ok(Found::Directory(directory));
    }
    let instance = import::load(host, &directory)?;
    // Meanwhile, what it has may be another's.
    let same_value = instances.conflicts.add(&instance, places(host.postfix.root, &instance)).into_iter().next();
    let shared: Option<Conflict> = same_value.or_else(|| instances.conflicts.same_directory(&directory));
    shared.map_or(Ok(()), Err)?;
    Ok(Found::Unlisted(instance))
}

fn remedy(host: &Host, config_directory: &OsStr) -> String {
    format!("when that is mended, do the rest: {}", host.hints.select(config_directory, "-e destroy"))
}

/// The directory that `-i` names, if there is nothing but the rest of an instance that was being destroyed.
fn remainder(host: &Host) -> Result<Option<OsString>> {
    let Selection::Name(name) = host.selection else { return Ok(None) };
    if !name.as_bytes().starts_with(b"/") || host.is_alternate(name) {
        return Ok(None);
    }
    let directory = match Directory::open(host.postfix.root, Path::new(name)) {
        Err(error) if error.not_found() || error.not_a_directory() => return Ok(None),
        directory => directory?,
    };
    let mut names = directory.names()?;
    // That may be the lock of this run.
    names.retain(|found| found != "main.cf.tmp");
    // Between the last file and the directory itself, only the name can tell what it was.
    let was_instance =
        directory.path().file_name().is_some_and(|name| name.as_bytes().starts_with(NAME_PREFIX.as_bytes()));
    let is_rest = names.iter().any(|found| found == MARKER) || (names.is_empty() && was_instance);
    // What is removed depends on the main.cf there, so nobody else may have put it there.
    Ok((is_rest && directory.untrusted(host.postfix.root)?.is_none()).then(|| name.clone()))
}

/// Refuses to clear and remove a system directory: that could be a mistake in main.cf only.
fn check_places(root: &Root, instance: &Instance) -> Result<(), DestroyError> {
    for (parameter, path) in
        [("queue_directory", &instance.queue_directory), ("data_directory", &instance.data_directory)]
    {
        if let Some(directory) = system_directory(root, Path::new(path)) {
            let (path, directory) = (printable(path), printable(directory));
            return Err(DestroyError::System {
                parameter,
                path,
                directory,
                file: printable(main_cf(&instance.config_directory)),
            });
        }
    }
    Ok(())
}

fn check_no_mail(host: &Host, instance: &Instance) -> Result<()> {
    let found = messages(host.postfix.root, Path::new(&instance.queue_directory)).map_err(EditError::Refused)?;
    if found.is_empty() {
        return Ok(());
    }
    let in_words = |(queue, number): &(&str, usize)| format!("{number} in {queue}");
    let queues = found.iter().map(in_words).collect::<Vec<_>>().join(", ");
    Err(DestroyError::Mail { directory: printable(&instance.config_directory), queues }.into())
}

fn remove_queues(host: &Host, instance: &Instance) -> Result<Step> {
    // If the file is not understood, the names that every Postfix has must do.
    let entries = private_files::read(host.postfix, host.primary)?.unwrap_or_default();
    let queues = entries.iter().filter(|entry| entry.base == Base::Queue && entry.kind == Kind::Directory);
    let listed = queues.filter_map(|entry| Path::new(OsStr::from_bytes(&entry.path)).iter().next());
    let names: IndexSet<&OsStr> =
        QUEUES.iter().map(OsStr::new).chain(listed).chain(JAIL.iter().map(OsStr::new)).collect();
    let contents = |name: &OsStr| match name.to_str() {
        Some("private" | "public") => Contents::Sockets,
        Some("pid") => Contents::Locks,
        Some(name) if JAIL.contains(&name) => Contents::Copies,
        // What flush(8) knows about destinations, which means nothing without mail.
        Some("flush") => Contents::Files,
        _ => Contents::Hashed,
    };
    let parts = names.into_iter().map(|name| Part { name: name.into(), contents: contents(name) }).collect();
    Ok(Step::Remove(Removal { directory: (&instance.queue_directory).into(), parts, itself: false }))
}

/// What the daemons keep in the data directory: a lock, random bits, and caches, where main.cf puts them there.
fn remove_data(instance: &Instance, parameters: &Parameters) -> Step {
    let caches = [
        ("tls_random_exchange_name", Some("prng_exch")),
        ("address_verify_map", Some("verify_cache")),
        ("postscreen_cache_map", Some("postscreen_cache")),
        ("smtp_tls_session_cache_database", None),
        ("smtpd_tls_session_cache_database", None),
        ("lmtp_tls_session_cache_database", None),
        ("smtp_sasl_auth_cache_name", None),
        ("lmtp_sasl_auth_cache_name", None),
    ];
    let mut names = vec![OsString::from("master.lock")];
    for (parameter, default) in caches {
        let set = parameters.own(parameter).map(|value| in_directory(&value, &instance.data_directory));
        let Some(name) = set.unwrap_or(default.map(OsString::from)) else { continue };
        // Which file it is depends on the type of database.
        for suffix in ["", ".db", ".lmdb", ".pag", ".dir"] {
            let mut name = name.clone();
            name.push(suffix);
            names.push(name);
        }
    }
    let parts = names.into_iter().map(|name| Part { name, contents: Contents::File }).collect();
    Step::Remove(Removal { directory: (&instance.data_directory).into(), parts, itself: true })
}

/// The name of `TYPE:PATH` or `PATH`, if it lies directly in the directory.
fn in_directory(value: &OsStr, directory: &OsStr) -> Option<OsString> {
    let path = value.as_bytes().rsplit(|byte| *byte == b':').next()?;
    let path = PathBuf::from(OsStr::from_bytes(path));
    path.file_name().filter(|_| path.parent() == Some(Path::new(directory))).map(OsStr::to_owned)
}

fn remove_configuration(config_directory: &OsStr) -> Step {
    // With its lock, which goes last, nobody else can begin to work on what is left.
    let names = ["master.cf", "master.cf.tmp", "main.cf", "destroy.unfinished.tmp", MARKER, "main.cf.tmp"];
    let parts = names.map(|name| Part { name: name.into(), contents: Contents::File }).into();
    Step::Remove(Removal { directory: config_directory.into(), parts, itself: true })
}
