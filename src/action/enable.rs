//! `-e enable` and `-e disable`: whether `start` starts an instance.

use super::lifecycle::Host;
use crate::change::plan::Plan;
use crate::instance::{Instance, Instances};
use crate::system::log::printable;
use anyhow::Result;

pub fn plan(instances: Instances, enable: bool, mut host: Host) -> Result<Plan> {
    let target = host.target(&instances)?;
    host.check_initialised()?;
    let value = if enable { "yes" } else { "no" };
    let write = host.set(&target.config_directory, &[("multi_instance_enable", value.into())])?;
    // Whether it is running is asked for the warning's sake only.
    if !enable && write.changes() && host.seems_to_run(target, &instances) {
        let directory = printable(&target.config_directory);
        host.log.warning(format!("instance {directory} is running: from now on 'postmulti -p stop' passes it over"));
    }
    let is_target = |instance: &Instance| instance.config_directory == target.config_directory;
    let hint = if enable { host.hints.fresh(&instances, is_target, host.postfix, host.primary) } else { None };
    Ok(Plan { commit: Some(write), hint, ..Plan::default() })
}
