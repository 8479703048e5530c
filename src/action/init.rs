//! `-e init`: makes postfix(1) of the primary instance run postmulti(1).

use super::lifecycle::Host;
use crate::change::plan::Plan;
use anyhow::Result;

/// What postfix(1) runs in place of its own work, as main.cf has it.
const WRAPPER: &str = "${command_directory}/postmulti -p --";

pub fn plan(host: Host) -> Result<Plan> {
    let settings = [("multi_instance_wrapper", WRAPPER.into()), ("multi_instance_enable", "yes".into())];
    Ok(Plan { commit: Some(host.set_in_primary(&settings)), ..Plan::default() })
}
