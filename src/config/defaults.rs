//! Built-in parameter defaults, as far as postmulti(1) needs them.
//!
//! Most are the same wherever Postfix was built. Some directories depend on who built it: a [`Layout`] names
//! the files by which such a build is recognised on disk. Packagers can fix their own at build time, with
//! `POSTMULTI_DAEMON_DIRECTORY` and so on in the environment of cargo.

/// Defaults that do not depend on the layout (`postconf -d`).
const COMMON: [(&str, &str); 21] = [
    ("alternate_config_directories", ""),
    ("data_directory", "/var/lib/postfix"),
    ("default_privs", "nobody"),
    ("inet_interfaces", "all"),
    ("inet_protocols", "all"),
    ("mail_name", "Postfix"),
    ("mail_owner", "postfix"),
    ("maillog_file", ""),
    ("master_service_disable", ""),
    ("multi_instance_directories", ""),
    ("multi_instance_enable", "no"),
    ("multi_instance_group", ""),
    ("multi_instance_name", ""),
    ("multi_instance_wrapper", ""),
    ("postmulti_control_commands", "reload flush"),
    ("postmulti_start_commands", "start"),
    ("postmulti_stop_commands", "stop abort drain quick-stop"),
    ("queue_directory", "/var/spool/postfix"),
    ("setgid_group", "postdrop"),
    ("syslog_facility", "mail"),
    ("syslog_name", "${multi_instance_name?{$multi_instance_name}:{postfix}}"),
];

/// Where one way of building Postfix puts things. All paths are absolute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub command_directory: &'static str,
    pub daemon_directory: &'static str,
    pub meta_directory: &'static str,
    pub shlib_directory: &'static str,
    /// Files that are there when Postfix was built so, and not all there when it was built otherwise.
    pub marks: &'static [&'static str],
}

const DEBIAN: Layout = Layout {
    command_directory: "/usr/sbin",
    daemon_directory: "/usr/lib/postfix/sbin",
    meta_directory: "/etc/postfix",
    shlib_directory: "/usr/lib/postfix",
    marks: &["/usr/lib/postfix/sbin/master", "/etc/postfix/postfix-files"],
};

/// The layouts that are known, to be tried in this order.
///
/// An upgraded Debian may still have the old postfix-files in /etc, hence the newer layout comes first.
pub const LAYOUTS: [Layout; 5] = [
    Layout {
        meta_directory: "/usr/share/postfix",
        marks: &["/usr/lib/postfix/sbin/master", "/usr/share/postfix/postfix-files"],
        ..DEBIAN
    },
    DEBIAN,
    RED_HAT,
    Layout {
        shlib_directory: "/usr/lib/postfix",
        marks: &["/usr/libexec/postfix/master", "/usr/lib/postfix/libpostfix-global.so", "/etc/postfix/postfix-files"],
        ..RED_HAT
    },
    Layout {
        command_directory: "/usr/local/sbin",
        daemon_directory: "/usr/local/libexec/postfix",
        meta_directory: "/usr/local/libexec/postfix",
        shlib_directory: "/usr/local/lib/postfix",
        marks: &["/usr/local/libexec/postfix/master", "/usr/local/lib/postfix/libpostfix-global.so"],
    },
];

const RED_HAT: Layout = Layout {
    daemon_directory: "/usr/libexec/postfix",
    shlib_directory: "/usr/lib64/postfix",
    marks: &["/usr/libexec/postfix/master", "/usr/lib64/postfix/libpostfix-global.so", "/etc/postfix/postfix-files"],
    ..DEBIAN
};

/// The built-in default of a parameter, not expanded; None if it is not known here.
///
/// A directory that depends on the layout is known only if the layout is.
pub fn default(name: &[u8], layout: Option<&Layout>) -> Option<&'static str> {
    let name = std::str::from_utf8(name).ok()?;
    let common = || COMMON.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    built_in(name).or_else(common).or_else(|| layout.and_then(|layout| in_layout(name, layout)))
}

/// What the packager has fixed.
fn built_in(name: &str) -> Option<&'static str> {
    match name {
        "command_directory" => option_env!("POSTMULTI_COMMAND_DIRECTORY"),
        "daemon_directory" => option_env!("POSTMULTI_DAEMON_DIRECTORY"),
        "meta_directory" => option_env!("POSTMULTI_META_DIRECTORY"),
        "shlib_directory" => option_env!("POSTMULTI_SHLIB_DIRECTORY"),
        "queue_directory" => option_env!("POSTMULTI_QUEUE_DIRECTORY"),
        _ => None,
    }
}

fn in_layout(name: &str, layout: &Layout) -> Option<&'static str> {
    match name {
        "command_directory" => Some(layout.command_directory),
        "daemon_directory" => Some(layout.daemon_directory),
        "meta_directory" => Some(layout.meta_directory),
        "shlib_directory" => Some(layout.shlib_directory),
        _ => None,
    }
}

/// The configuration directory of the primary instance, absolute: fixed when this program is built, as it is
/// fixed when Postfix is built.
pub const CONFIG_DIRECTORY: &str = match option_env!("POSTMULTI_CONFIG_DIRECTORY") {
    Some(directory) => directory,
    None if cfg!(target_os = "freebsd") => "/usr/local/etc/postfix",
    None => "/etc/postfix",
};
