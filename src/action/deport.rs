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
            host.check_stopped(instance, is_running).hint(|_| Some(host.hints.stop_first(instance)))?;
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
