//! The actions that are interrupted, and what makes each of them possible.

/// One action on a host with the instances postfix-out and postfix-in.
pub struct Action {
    pub name: &'static str,
    /// Shell lines that come before it. They run under the original.
    pub before: &'static str,
    pub command: &'static [&'static str],
    /// Does the host have its instances? Only one of the actions comes before that.
    pub initialised: bool,
    /// The directories that belong to the instance that comes or goes; nobody minds what is in them while it is not listed.
    pub own: &'static [&'static str],
    /// What may complete it when the command itself does not find the instance any more: each of these rows of commands.
    pub otherwise: &'static [&'static [&'static [&'static str]]],
}

const NEW: &[&str] = &["/etc/postfix-new", "/var/spool/postfix-new", "/var/lib/postfix-new"];
const IN: &[&str] = &["/etc/postfix-in", "/var/spool/postfix-in", "/var/lib/postfix-in"];
const PLAIN: Action = Action { name: "", before: "", command: &[], initialised: true, own: &[], otherwise: &[] };

const DESTROY: &[&str] = &["-i", "/etc/postfix-in", "-e", "destroy"];
const IMPORT: &[&str] = &["-e", "import", "config_directory=/etc/postfix-in"];

/// All of them, in the order of an instance's life.
pub const ACTIONS: [Action; 13] = [
    Action { name: "init", command: &["-e", "init"], initialised: false, ..PLAIN },
    Action { name: "create", command: &["-I", "postfix-new", "-G", "mta", "-e", "create"], own: NEW, ..PLAIN },
    Action {
        name: "create-elsewhere",
        command: &[
            "-e",
            "create",
            "config_directory=/srv/new/etc",
            "queue_directory=/srv/new/queues/spool",
            "data_directory=/srv/new/lib/data",
        ],
        own: &["/srv/new"],
        ..PLAIN
    },
    Action {
        name: "create-over",
        before: "postmulti -i postfix-in -e deport",
        command: &["-I", "postfix-other", "-G", "mta", "-e", "create", "config_directory=/etc/postfix-in"],
        own: IN,
        ..PLAIN
    },
    Action {
        name: "import",
        before: "postmulti -i postfix-in -e deport; chown -R root:root /var/spool/postfix-in /var/lib/postfix-in",
        command: &["-I", "postfix-other", "-e", "import", "config_directory=/etc/postfix-in"],
        own: IN,
        ..PLAIN
    },
    // A destroy and a create have been interrupted before.
    Action {
        name: "import-back",
        before: "
            postmulti -i postfix-in -e deport
            cd /etc/postfix-in
            touch destroy.unfinished
            mkdir .tmp
            touch .tmp/main.cf .tmp/master.cf
        ",
        command: IMPORT,
        own: IN,
        ..PLAIN
    },
    Action { name: "assign-name", command: &["-i", "/etc/postfix-in", "-I", "postfix-other", "-e", "assign"], ..PLAIN },
    Action { name: "assign-group", command: &["-i", "postfix-in", "-G", "other", "-e", "assign"], ..PLAIN },
    Action { name: "enable", command: &["-i", "postfix-in", "-e", "enable"], ..PLAIN },
    Action {
        name: "disable",
        before: "postmulti -i postfix-in -e enable",
        command: &["-i", "postfix-in", "-e", "disable"],
        ..PLAIN
    },
    Action { name: "deport", command: &["-i", "postfix-in", "-e", "deport"], ..PLAIN },
    Action {
        name: "destroy",
        command: &["-i", "postfix-in", "-e", "destroy"],
        own: IN,
        otherwise: &[&[DESTROY], &[IMPORT, DESTROY]],
        ..PLAIN
    },
    Action {
        name: "destroy-used",
        before: "
            cd /var/spool/postfix-in
            mkdir -p deferred/0/1 defer/A incoming/F active/B
            touch pid/master.pid pid/inet.smtp pid/unix.cleanup
            mkfifo public/pickup public/qmgr private/tlsmgr
            echo x >flush/example_com
            cd /var/lib/postfix-in
            touch master.lock prng_exch verify_cache.db
            chown -R postfix: . /var/spool/postfix-in/[a-o]* /var/spool/postfix-in/private
        ",
        command: &["-i", "postfix-in", "-e", "destroy"],
        own: IN,
        otherwise: &[&[DESTROY], &[IMPORT, DESTROY]],
        ..PLAIN
    },
];
