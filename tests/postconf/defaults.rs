//! The built-in defaults.

use super::in_each_root;
use postmulti::config::defaults::{CONFIG_DIRECTORY, default};

/// What postmulti(1) needs of a host, wherever it is.
const NEEDED: [&str; 20] = [
    "alternate_config_directories",
    "command_directory",
    "daemon_directory",
    "data_directory",
    "mail_name",
    "mail_owner",
    "meta_directory",
    "multi_instance_directories",
    "multi_instance_enable",
    "multi_instance_group",
    "multi_instance_name",
    "multi_instance_wrapper",
    "postmulti_control_commands",
    "postmulti_start_commands",
    "postmulti_stop_commands",
    "queue_directory",
    "setgid_group",
    "shlib_directory",
    "syslog_facility",
    "syslog_name",
];

#[test]
fn built_in_defaults() {
    in_each_root(|reference| {
        let layout = reference.postfix.layout;
        assert!(layout.is_some(), "the layout is not recognised");
        for name in NEEDED {
            assert!(default(name.as_bytes(), layout).is_some(), "{name}");
        }
        for (name, value) in &reference.defaults {
            if let Some(ours) = default(name, layout) {
                assert_eq!(ours.as_bytes(), value, "{}", String::from_utf8_lossy(name));
            }
            if name == b"config_directory" {
                assert_eq!(CONFIG_DIRECTORY.as_bytes(), value);
            }
        }
    });
}
