//! All instances of a host with all that their files say, read once.

use crate::action::hint::{postmulti, quoted};
use crate::cli::request::Request;
use crate::config::master_cf::MasterCf;
use crate::instance::conflicts::{Conflict, ConflictTable, places};
use crate::instance::listeners::{Listener, listeners};
use crate::instance::parameters::{self, Parameters, Postfix};
use crate::instance::primary::Primary;
use crate::instance::queues::messages;
use crate::instance::scan::{Keep, LoadError, Scan};
use crate::instance::{Cause, Instance, Instances, LeftOut};
use crate::system::directory::SystemError;
use crate::system::file::{self, ReadError};
use crate::system::log::{Log, printable};
use crate::system::parallel::in_parts;
use crate::system::quote::quoted_below;
use crate::system::services::Services;
use anyhow::Result;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The files of all instances, each read once, and what was counted in their queues.
pub struct Snapshot<'a> {
    postfix: &'a Postfix<'a>,
    scan: Scan<'a>,
    primary: (Instance, [PathBuf; 3]),
    /// By configuration directory.
    master_cf: FxHashMap<OsString, Result<MasterCf, ReadError>>,
    /// By queue directory.
    mail: RefCell<FxHashMap<PathBuf, Vec<(&'static str, usize)>>>,
}

/// All instances: the primary, and then the secondaries in the order of the list, broken or not.
pub struct Host<'a> {
    pub request: &'a Request,
    pub postfix: &'a Postfix<'a>,
    pub primary: &'a Primary,
    pub members: Vec<Member<'a>>,
    /// Names and directories that two instances have.
    pub conflicts: Vec<Conflict>,
    /// The members that other modes leave out because of a conflict: `-i` finds them by their directory only.
    in_conflict: FxHashSet<usize>,
    snapshot: &'a Snapshot<'a>,
    /// The members whose directories are looked at: only those in doubt, if it is another look.
    focus: Option<&'a FxHashSet<OsString>>,
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
    pub master_cf: Result<&'a MasterCf, &'a ReadError>,
    /// Where it listens, if that can be told.
    pub listeners: Option<Vec<Listener>>,
}

impl<'a> Snapshot<'a> {
    pub fn read(primary: Primary, postfix: &'a Postfix<'a>) -> Snapshot<'a> {
        let instance = primary.whole_instance();
        let places = places(postfix.root, &instance);
        let scan = Scan::run(primary, postfix, Keep::File);
        let (master_cf, mail) = Default::default();
        let mut snapshot = Snapshot { postfix, scan, primary: (instance, places), master_cf, mail };
        snapshot.read_master_cf();
        snapshot
    }

    /// Reads the list again, and the files of these instances, by their configuration directories.
    pub fn read_again(&mut self, doubtful: &FxHashSet<OsString>, log: &Log) -> Result<()> {
        self.scan.read_again(doubtful, log)?;
        let instance = self.scan.primary.whole_instance();
        self.primary = (instance, places(self.postfix.root, &self.scan.primary.instance));
        self.master_cf.retain(|directory, _| !doubtful.contains(directory));
        self.read_master_cf();
        Ok(())
    }

    /// The instances as the other modes know them. What is wrong with them is a finding, and no warning.
    pub fn into_instances(self, request: &Request, log: &Log) -> Result<Instances> {
        Ok(self.scan.report(&request.selection, &log.keeping())?.1)
    }

    /// Reads the master.cf of each instance whose main.cf can be used, if it was not read before.
    fn read_master_cf(&mut self) {
        let sound = self.scan.secondaries.iter().filter(|loaded| loaded.instance.is_ok());
        let all = std::iter::once(&self.primary.0.config_directory).chain(sound.map(|loaded| &loaded.config_directory));
        let missing: Vec<&OsString> = all.filter(|directory| !self.master_cf.contains_key(*directory)).collect();
        let read = in_parts(&missing, |part| {
            let read = |directory: &&OsString| file::read(self.postfix.root, &parameters::master_cf(directory));
            part.iter().map(|directory| ((*directory).clone(), read(directory).map(MasterCf::parse))).collect()
        });
        self.master_cf.extend(read);
    }
}

impl<'a> Host<'a> {
    /// All instances of a snapshot; only the directories of those in `focus` are to be looked at, if that is given.
    pub fn new(request: &'a Request, snapshot: &'a Snapshot<'a>, focus: Option<&'a FxHashSet<OsString>>) -> Host<'a> {
        let Snapshot { postfix, scan, master_cf, .. } = snapshot;
        let secondaries = scan.secondaries.iter();
        let secondaries = secondaries.map(|loaded| (loaded.config_directory.as_os_str(), loaded.instance.as_ref()));
        let primary = (scan.primary.instance.config_directory.as_os_str(), Ok(&snapshot.primary));
        let all: Vec<_> = std::iter::once(primary).chain(secondaries).collect();
        let services = Services::of(postfix.root);
        let members = in_parts(&all, |part| {
            let member = |(config_directory, loaded): &(&'a OsStr, Result<&'a (Instance, [PathBuf; 3]), _>)| {
                let state = match loaded {
                    Ok((instance, places)) => {
                        let master_cf = master_cf.get(*config_directory)?.as_ref();
                        Ok(Whole::new(postfix, instance, places, master_cf, &services)?)
                    }
                    Err(error) => Err(*error),
                };
                Some(Member { config_directory, state })
            };
            part.iter().filter_map(member).collect()
        });
        let (conflicts, in_conflict) = conflicts(postfix, &scan.primary, &members);
        Host { request, postfix, primary: &scan.primary, members, conflicts, in_conflict, snapshot, focus }
    }

    /// Each queue of a queue directory that is not empty, with the number of its messages. They are counted once.
    pub fn messages(&self, queue_directory: &Path) -> Result<Vec<(&'static str, usize)>, SystemError> {
        if let Some(counted) = self.snapshot.mail.borrow().get(queue_directory) {
            return Ok(counted.clone());
        }
        let counted = messages(self.postfix.root, queue_directory)?;
        self.snapshot.mail.borrow_mut().insert(queue_directory.to_owned(), counted.clone());
        Ok(counted)
    }

    /// The members with a main.cf that can be used, whose directories are to be looked at.
    pub fn in_focus(&self) -> impl Iterator<Item = (usize, &Whole<'a>)> {
        self.whole()
            .filter(|(member, _)| self.focus.is_none_or(|focus| focus.contains(self.members[*member].config_directory)))
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
        let left_out = |member: &Member| LeftOut {
            config_directory: member.config_directory.to_owned(),
            cause: match &member.state {
                Err(error) if error.is_denied() => Cause::Denied,
                _ => Cause::Broken,
            },
        };
        let could_mean = |member: &Member| self.request.could_mean(&left_out(member), found);
        let means = |member: &Member| is_whole(member).unwrap_or_else(|| could_mean(member));
        self.members.iter().map(means).collect()
    }

    /// The member with that configuration directory.
    pub fn index_of(&self, config_directory: &OsStr) -> Option<usize> {
        self.members.iter().position(|member| member.config_directory == config_directory)
    }

    /// What a member is called: its name, or else its directory.
    pub fn called(&self, member: usize) -> String {
        let whole = self.members[member].whole().filter(|_| !self.in_conflict.contains(&member));
        printable(whole.map_or(self.members[member].config_directory, |whole| whole.instance.label()))
    }

    /// Returns true if the queue directory of a member is that of an earlier one, whatever the spelling: mail and a
    /// master(8) there are not its own.
    pub fn has_queue_of_another(&self, member: usize) -> bool {
        let is_same = |conflict: &&Conflict| !matches!(conflict, Conflict::Inside { .. });
        self.conflicts.iter().filter(is_same).map(|conflict| conflict.claims().0).any(|later| {
            later.parameter == "queue_directory" && *later.config_directory == *self.members[member].config_directory
        })
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
        quoted_below(self.postfix.root, path)
    }

    /// The command on this host.
    pub fn postmulti(&self) -> String {
        postmulti(self.request)
    }
}

/// All conflicts, and the secondaries that are left out because of one.
fn conflicts(postfix: &Postfix, primary: &Primary, members: &[Member]) -> (Vec<Conflict>, FxHashSet<usize>) {
    let mut table = ConflictTable::default();
    let shared = table.add_shared(postfix.root, &primary.instance.config_directory, &primary.shared);
    let (mut all, mut in_conflict) = (Vec::from_iter(shared.err()), FxHashSet::default());
    for (member, whole) in members.iter().enumerate().filter_map(|(index, member)| Some((index, member.whole()?))) {
        let found = table.add(whole.instance, whole.places.clone());
        if !found.is_empty() && !whole.instance.primary {
            in_conflict.insert(member);
        }
        all.extend(found);
    }
    all.extend(table.place_conflicts());
    (all, in_conflict)
}

impl<'a> Member<'a> {
    pub fn whole(&self) -> Option<&Whole<'a>> {
        self.state.as_ref().ok()
    }
}

impl<'a> Whole<'a> {
    fn new(
        postfix: &'a Postfix<'a>,
        instance: &'a Instance,
        places: &'a [PathBuf; 3],
        master_cf: Result<&'a MasterCf, &'a ReadError>,
        services: &Services,
    ) -> Option<Whole<'a>> {
        // These are bytes that were read without an error before.
        let parameters = Parameters::parse(postfix, &instance.config_directory, &instance.main_cf).1.ok()?;
        let listeners = master_cf.map_or(Some(Vec::new()), |master_cf| listeners(&parameters, master_cf, services));
        Some(Whole { instance, places, parameters, master_cf, listeners })
    }

    pub fn master_cf_path(&self) -> PathBuf {
        parameters::master_cf(&self.instance.config_directory)
    }
}
