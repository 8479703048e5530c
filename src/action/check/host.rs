//! All instances of a host with all that their files say, read once.

use crate::action::hint::{known_as, postmulti, quoted};
use crate::cli::request::Request;
use crate::config::master_cf::MasterCf;
use crate::instance::claims::places;
use crate::instance::listeners::{Listener, listeners};
use crate::instance::load::{LoadError, Loaded, load_each};
use crate::instance::parameters::{self, Parameters, Postfix};
use crate::instance::primary::Primary;
use crate::instance::{Broken, Instance};
use crate::system::file::{self, ReadError};
use crate::system::log::printable;
use crate::system::parallel::in_parts;
use crate::system::services::Services;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The main.cf of the secondaries, in the order of the list.
pub struct Files {
    directories: Vec<OsString>,
    loaded: Vec<Loaded>,
    primary: (Instance, [PathBuf; 3]),
}

/// All instances: the primary, and then the secondaries in the order of the list, broken or not.
pub struct Host<'a> {
    pub request: &'a Request,
    pub postfix: &'a Postfix<'a>,
    pub primary: &'a Primary,
    pub members: Vec<Member<'a>>,
}

/// An instance that is listed, or the primary.
pub struct Member<'a> {
    pub config_directory: &'a OsStr,
    pub state: Result<Whole<'a>, &'a LoadError>,
}

/// An instance whose main.cf can be used.
pub struct Whole<'a> {
    pub instance: &'a Instance,
    /// The true paths of its configuration, queue and data directory.
    pub places: &'a [PathBuf; 3],
    pub parameters: Parameters<'a>,
    pub master_cf: Result<MasterCf, ReadError>,
    /// Where it listens, if that can be told.
    pub listeners: Option<Vec<Listener>>,
}

impl Files {
    pub fn read(postfix: &Postfix, primary: &Primary) -> Files {
        let mut seen = HashSet::new();
        let directories = primary.secondaries.iter().filter(|directory| seen.insert(*directory));
        let directories: Vec<_> = directories.cloned().collect();
        let loaded = load_each(postfix, &directories);
        let instance = Instance { main_cf: primary.main_cf.clone(), ..primary.instance.clone() };
        let places = places(postfix.root, &instance);
        Files { directories, loaded, primary: (instance, places) }
    }
}

impl<'a> Host<'a> {
    pub fn new(request: &'a Request, postfix: &'a Postfix<'a>, primary: &'a Primary, files: &'a Files) -> Host<'a> {
        let secondaries = files.directories.iter().zip(&files.loaded);
        let secondaries = secondaries.map(|(directory, loaded)| (directory.as_os_str(), loaded.instance.as_ref()));
        let itself = (primary.instance.config_directory.as_os_str(), Ok(&files.primary));
        let all: Vec<_> = std::iter::once(itself).chain(secondaries).collect();
        let services = Services::of(postfix.root);
        let members = in_parts(&all, |part| {
            let member = |(config_directory, loaded): &(&'a OsStr, Result<&'a (Instance, [PathBuf; 3]), _>)| {
                let state = match loaded {
                    Ok((instance, places)) => Ok(Whole::read(postfix, instance, places, &services)?),
                    Err(error) => Err(*error),
                };
                Some(Member { config_directory, state })
            };
            part.iter().filter_map(member).collect()
        });
        Host { request, postfix, primary, members }
    }

    /// The members whose main.cf can be used, with their places among all.
    pub fn whole(&self) -> impl Iterator<Item = (usize, &Whole<'a>)> {
        self.members.iter().enumerate().filter_map(|(index, member)| Some((index, member.whole()?)))
    }

    /// Those of them that are enabled.
    pub fn enabled(&self) -> impl Iterator<Item = (usize, &Whole<'a>)> {
        self.whole().filter(|(_, whole)| whole.instance.enabled)
    }

    /// Which members the request is about.
    pub fn meant(&self) -> Vec<bool> {
        let is_whole = |member: &Member| member.whole().map(|whole| self.request.means(whole.instance));
        let found = self.members.iter().any(|member| is_whole(member) == Some(true));
        let broken = |member: &Member| Broken {
            config_directory: member.config_directory.to_owned(),
            denied: member.state.as_ref().is_err_and(|error| error.is_denied()),
        };
        let means = |member: &Member| is_whole(member).unwrap_or_else(|| self.request.may_mean(&broken(member), found));
        self.members.iter().map(means).collect()
    }

    /// The member with that configuration directory.
    pub fn index_of(&self, config_directory: &OsStr) -> Option<usize> {
        self.members.iter().position(|member| member.config_directory == config_directory)
    }

    /// What a member is called: its name, or else its directory.
    pub fn called(&self, member: usize) -> String {
        let member = &self.members[member];
        printable(member.whole().map_or(member.config_directory, |whole| known_as(whole.instance)))
    }

    /// A command about one member.
    pub fn command(&self, member: usize, rest: &str) -> String {
        let called = match member {
            0 => "-".to_owned(),
            _ => quoted(self.called(member)),
        };
        format!("{} -i {called} {rest}", self.postmulti())
    }

    /// A command that sets a parameter.
    pub fn set(&self, member: usize, setting: &str) -> String {
        self.command(member, &format!("-x postconf -e {}", quoted(setting)))
    }

    /// A path as a command takes it that knows nothing of another root.
    pub fn path(&self, path: &Path) -> String {
        let below = || path.strip_prefix("/").unwrap_or(path);
        quoted(self.postfix.root.directory().map_or_else(|| path.to_owned(), |root| root.join(below())))
    }

    /// The command on this host.
    pub fn postmulti(&self) -> String {
        postmulti(self.request)
    }
}

impl<'a> Member<'a> {
    pub fn whole(&self) -> Option<&Whole<'a>> {
        self.state.as_ref().ok()
    }
}

impl<'a> Whole<'a> {
    fn read(
        postfix: &'a Postfix<'a>,
        instance: &'a Instance,
        places: &'a [PathBuf; 3],
        services: &Services,
    ) -> Option<Whole<'a>> {
        // These are bytes that were read without an error before.
        let parameters = Parameters::parse(postfix, &instance.config_directory, &instance.main_cf).1.ok()?;
        let path = parameters::master_cf(&instance.config_directory);
        let master_cf = file::read(postfix.root, &path).map(MasterCf::parse);
        let listeners =
            master_cf.as_ref().ok().map_or(Some(Vec::new()), |master_cf| listeners(&parameters, master_cf, services));
        Some(Whole { instance, places, parameters, master_cf, listeners })
    }

    pub fn master_cf_path(&self) -> PathBuf {
        parameters::master_cf(&self.instance.config_directory)
    }
}
