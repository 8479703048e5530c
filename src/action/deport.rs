//! `-e deport`: takes an instance off the list, and changes nothing else about it.

use super::lifecycle::{Alternate, Host, Target};
use crate::change::plan::Plan;
use crate::error::Hint;
use crate::instance::Instances;
use crate::instance::parameters::main_cf;
use crate::instance::running::is_running;
use crate::system::file;
use crate::system::log::printable;
use anyhow::Result;

pub fn plan(instances: Instances, host: Host) -> Result<Plan> {
    let target = host.removable(&instances)?.ok_or_else(|| host.no_instance(&instances))?;
    host.check_initialised()?;
    let config_directory = match target {
        Target::Whole(instance) => {
            match instances.owner_of_queue(instance) {
                // A master(8) there is the owner's.
                Some(owner) => host.log.warning(format!(
                    "instance {} has the queue directory of {}: cannot tell whether it is running itself",
                    printable(&instance.config_directory),
                    printable(owner)
                )),
                None => {
                    // Where another spelling of its queue is another instance's, that one would be stopped.
                    let is_alone = instances.shared_by(&instance.config_directory).is_none();
                    let stop_first = |_: &_| is_alone.then(|| host.hints.stop_first(instance));
                    host.check_stopped(instance, is_running).hint(stop_first)?;
                }
            }
            &instance.config_directory
        }
        Target::Broken(broken) => {
            let directory = printable(&broken.config_directory);
            host.log.warning(format!("whether instance {directory} is running cannot be known: see for yourself"));
            &broken.config_directory
        }
    };
    // What is gone is nowhere to be used.
    let there = file::exists(host.postfix.root, &main_cf(config_directory))?;
    let alternate = if there { Alternate::Add } else { Alternate::Drop };
    let secondaries = host.secondaries_without(config_directory);
    Ok(Plan { commit: Some(host.set_lists(&secondaries, config_directory, alternate)), ..Plan::default() })
}
