//! `-e assign`: another name or group for an instance.

use super::lifecycle::Host;
use crate::change::plan::Plan;
use crate::cli::request::Assignment;
use crate::instance::Instances;
use crate::instance::names::Names;
use anyhow::Result;

pub fn plan(mut instances: Instances, assignment: &Assignment, mut host: Host) -> Result<Plan> {
    let mut target = host.target(&instances)?.clone();
    let names = Names::new(assignment)?;
    let before = target.name.clone();
    let changes = names.assign(&mut target);
    if let Some(name) = target.name.as_ref().filter(|_| target.name != before) {
        instances.conflicts.add_name(&target.config_directory, name)?;
    }
    if changes.is_empty() {
        return Ok(Plan::default());
    }
    host.check_initialised()?;
    Ok(Plan { commit: Some(host.set(&target.config_directory, &changes)?), ..Plan::default() })
}
