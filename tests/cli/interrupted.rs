//! What an interrupted run leaves: running it again completes it, wherever it was interrupted.

use crate::host::Host;
use crate::tree::Tree;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

const CREATE: [&str; 4] = ["-I", "postfix-new", "-e", "create"];
const DESTROY: [&str; 4] = ["-i", "/etc/postfix-new", "-e", "destroy"];
const IMPORT: [&str; 3] = ["-e", "import", "config_directory=/etc/postfix-new"];

const OWN: [&str; 3] = ["/etc/postfix-new", "/var/spool/postfix-new", "/var/lib/postfix-new"];
const QUEUES: [&str; 14] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "maildrop", "public",
    "pid", "saved", "trace",
];

/// A host on which the instance is complete.
fn created() -> Host {
    let host = Host::as_root();
    host.does(&CREATE);
    host
}

fn main_cf(host: &Host, directory: &str) -> String {
    fs::read_to_string(host.path(directory).join("main.cf")).unwrap()
}

/// Takes the instance off the list, without a word to anybody.
fn forget(host: &Host) {
    let text = main_cf(host, "/etc/postfix").replace(" /etc/postfix-new\n", "\n");
    fs::write(host.path("/etc/postfix/main.cf"), text).unwrap();
}

fn write_with_mode(host: &Host, path: &str, text: &str, mode: u32) {
    fs::write(host.path(path), text).unwrap();
    fs::set_permissions(host.path(path), fs::Permissions::from_mode(mode)).unwrap();
}

type Step<'a> = Box<dyn Fn(&Host) + 'a>;

/// Makes every state between the first step and the last one, and lets `judge` have a look at it.
fn after_each<'a>(start: impl Fn() -> Host, steps: &[Step<'a>], judge: impl Fn(&Host, usize)) {
    for done in 0..=steps.len() {
        let host = start();
        steps[..done].iter().for_each(|step| step(&host));
        judge(&host, done);
    }
}

/// All that happens until the new instance is listed.
fn steps_of_create(complete: &Host) -> Vec<Step<'_>> {
    let make = |path: String, mode: u32| -> Step {
        Box::new(move |host| {
            fs::create_dir(host.path(&path)).unwrap();
            fs::set_permissions(host.path(&path), fs::Permissions::from_mode(mode)).unwrap();
        })
    };
    let own = |path: String| -> Step {
        let found = complete.path(&path).metadata().unwrap();
        Box::new(move |host| {
            use std::os::unix::fs::MetadataExt;
            chown(host.path(&path), Some(found.uid()), Some(found.gid())).unwrap();
            fs::set_permissions(host.path(&path), found.permissions()).unwrap();
        })
    };
    let file = |directory: &'static str, name: &'static str| -> [Step; 3] {
        let path = format!("{directory}/{name}");
        let text = fs::read_to_string(complete.path(&path)).unwrap();
        let (half, temporary, last) = (text[..text.len() / 2].to_owned(), format!("{path}.tmp"), format!("{path}.tmp"));
        [
            Box::new(move |host| write_with_mode(host, &temporary, &half, 0o600)),
            Box::new(move |host| write_with_mode(host, &last, &text, 0o644)),
            Box::new(move |host| fs::rename(host.path(&format!("{path}.tmp")), host.path(&path)).unwrap()),
        ]
    };
    let mut steps = vec![make(OWN[0].into(), 0o755), make(OWN[1].into(), 0o755), make(OWN[2].into(), 0o700)];
    steps.push(own(OWN[2].into()));
    let queues = QUEUES.map(|queue| format!("{}/{queue}", OWN[1]));
    let mut of_queues: Vec<Step> = queues.into_iter().flat_map(|path| [make(path.clone(), 0o700), own(path)]).collect();
    // What is between the first and the last queue is more of the same.
    let between: Vec<Step> = of_queues.drain(2..2 * QUEUES.len() - 2).collect();
    of_queues.insert(2, Box::new(move |host| between.iter().for_each(|step| step(host))));
    steps.extend(of_queues);
    steps.extend(file(OWN[0], "main.cf"));
    steps.extend(file(OWN[0], "master.cf"));
    let [half, whole, _] = file("/etc/postfix", "main.cf");
    steps.extend([half, whole]);
    steps
}

#[test]
fn create() {
    let complete = created();
    after_each(Host::as_root, &steps_of_create(&complete), |host, _| {
        host.does(&CREATE);
        complete.tree().assert_alike(&host.tree());
    });
    let in_use = "new config_directory=/etc/postfix-new is already in use by instance /etc/postfix-new, \
                  config_directory=/etc/postfix-new";
    complete.refuses(&CREATE, in_use);
}

/// The original lists the instance before it makes the directories in its queue.
#[test]
fn create_by_the_original() {
    let complete = created();
    let [main_cf, listed] = [OWN[0], "/etc/postfix"].map(|directory| main_cf(&complete, directory));
    let unnamed = main_cf.replace("multi_instance_name = postfix-new\n", "");
    assert_ne!(unnamed, main_cf);
    let master_cf = fs::read_to_string(complete.path("/etc/postfix-new/master.cf")).unwrap();
    let prototype = main_cf.lines().take(5).map(|line| format!("{line}\n")).collect::<String>();
    let write = |path: &'static str, text: &str| -> Step {
        let text = text.to_owned();
        Box::new(move |host| write_with_mode(host, path, &text, 0o644))
    };
    let rename = |name: &'static str| -> Step {
        Box::new(move |host| {
            let [from, to] = [".tmp/", ""].map(|directory| host.path(&format!("/etc/postfix-new/{directory}{name}")));
            fs::rename(from, to).unwrap();
        })
    };
    let directories = |host: &Host| {
        OWN.iter().for_each(|path| fs::create_dir(host.path(path)).unwrap());
        fs::set_permissions(host.path(OWN[2]), fs::Permissions::from_mode(0o700)).unwrap();
    };
    let mut steps: Vec<Step> = vec![
        Box::new(directories),
        Box::new(|host| fs::create_dir(host.path("/etc/postfix-new/.tmp")).unwrap()),
        write("/etc/postfix-new/.tmp/main.cf", &prototype),
        write("/etc/postfix-new/.tmp/main.cf.tmp", &unnamed),
        Box::new(|host| fs::remove_file(host.path("/etc/postfix-new/.tmp/main.cf.tmp")).unwrap()),
        write("/etc/postfix-new/.tmp/main.cf", &unnamed),
        write("/etc/postfix-new/.tmp/master.cf", &master_cf),
        rename("main.cf"),
        rename("master.cf"),
        Box::new(|host| fs::remove_dir(host.path("/etc/postfix-new/.tmp")).unwrap()),
        write("/etc/postfix-new/main.cf", &main_cf),
        write("/etc/postfix/main.cf", &listed),
    ];
    // Then come owner and queue directories, one after the other; with the last of them it looks complete.
    steps.extend(steps_of_create(&complete).drain(3..7));
    after_each(Host::as_root, &steps, |host, _| {
        host.does(&CREATE);
        complete.tree().assert_alike(&host.tree());
    });
}

/// What is not as this run would leave it is somebody else's.
#[test]
fn create_of_something_else() {
    let complete = created();
    let steps = steps_of_create(&complete);
    let unfinished = || {
        let host = Host::as_root();
        steps[..steps.len() - 5].iter().for_each(|step| step(&host));
        host
    };
    let host = unfinished();
    host.add("/etc/postfix-new", b"# edited\n");
    let refuses = |host: Host, arguments: &[&str]| {
        let before = host.tree();
        let half = "postmulti: fatal: /etc/postfix-new holds a main.cf, but no master.cf. Nothing was changed: ";
        host.postmulti(arguments).assert().code(1).stderr(predicates::str::starts_with(half));
        before.assert_restored(&host.tree());
    };
    refuses(host, &CREATE);
    refuses(unfinished(), &["-I", "postfix-new", "-G", "mta", "-e", "create"]);
}

/// All that happens from the mark to the end.
fn steps_of_destroy() -> Vec<Step<'static>> {
    let remove_directory = |path: String| -> Step { Box::new(move |host| fs::remove_dir(host.path(&path)).unwrap()) };
    let remove_file =
        |name: &'static str| -> Step { Box::new(move |host| fs::remove_file(host.path(OWN[0]).join(name)).unwrap()) };
    let mut steps: Vec<Step> = vec![
        Box::new(|host| write_with_mode(host, "/etc/postfix-new/destroy.unfinished.tmp", "The inst", 0o600)),
        Box::new(|host| {
            let path = host.path("/etc/postfix-new/destroy.unfinished");
            fs::rename(path.with_extension("unfinished.tmp"), path).unwrap();
        }),
        Box::new(forget),
    ];
    let mut queues: Vec<Step> = QUEUES.iter().map(|queue| remove_directory(format!("{}/{queue}", OWN[1]))).collect();
    let others = queues.split_off(1);
    steps.extend(queues);
    steps.push(Box::new(move |host| others.iter().for_each(|step| step(host))));
    steps.extend([OWN[2], OWN[1]].map(|path| remove_directory(path.into())));
    steps.extend(["master.cf", "main.cf", "destroy.unfinished"].map(remove_file));
    steps.push(remove_directory(OWN[0].into()));
    steps
}

/// The first state in which the instance is not listed.
const UNLISTED: usize = 3;

#[test]
fn destroy() {
    let before = Host::as_root().tree();
    let steps = steps_of_destroy();
    after_each(created, &steps, |host, done| match done {
        gone if gone == steps.len() => host.refuses(&DESTROY, "No instance named /etc/postfix-new"),
        listed if listed < UNLISTED => {
            host.does(&["-i", "new", "-e", "destroy"]);
            before.assert_alike(&host.tree());
        }
        _ => {
            host.refuses(&["-i", "new", "-e", "destroy"], "No instance named new");
            host.does(&DESTROY);
            before.assert_alike(&host.tree());
        }
    });
}

/// Who has changed his mind can have it back, as long as it has its files.
#[test]
fn destroy_and_take_back() {
    let complete = created();
    let steps = steps_of_destroy();
    let whole = &steps[..steps.len() - 4];
    let back = |arguments: &[&str], steps: &[Step]| {
        after_each(created, steps, |host, done| {
            if done >= UNLISTED {
                host.does(arguments);
                complete.tree().assert_alike(&host.tree());
            }
        });
    };
    back(&IMPORT, whole);
    back(&CREATE, whole);

    // Without its master.cf, what is left can only be destroyed; without both files, it is as good as new.
    after_each(created, &steps, |host, done| match steps.len() - done {
        3 => {
            let command = format!("postmulti --root {} -i /etc/postfix-new -e destroy", host.path("/").display());
            let command = command.replace("/ ", " ");
            let message =
                "the instance in /etc/postfix-new is being destroyed, which was interrupted. Nothing was changed: ";
            host.refuses(&CREATE, &format!("{message}complete it with '{command}'"));
        }
        0..=2 => {
            host.does(&CREATE);
            complete.tree().assert_alike(&host.tree());
        }
        _ => {}
    });
}

#[test]
fn only_what_is_marked_is_a_remainder() {
    let host = created();
    host.does(&["-i", "new", "-e", "deport"]);
    host.refuses(&DESTROY, "No instance named /etc/postfix-new");
    // Marked or not: who has it elsewhere on a list has a use for it.
    fs::write(host.path("/etc/postfix-new/destroy.unfinished"), "").unwrap();
    host.refuses(&DESTROY, "No instance named /etc/postfix-new");

    let host = created();
    forget(&host);
    host.refuses(&DESTROY, "No instance named /etc/postfix-new");
    fs::write(host.path("/etc/postfix-new/destroy.unfinished"), "").unwrap();
    chown(host.path("/etc/postfix-new"), Some(1234), None).unwrap();
    host.refuses(&DESTROY, "No instance named /etc/postfix-new");
}

/// Whatever the main.cf of a remainder says, what belongs to others is left alone.
#[test]
fn a_remainder_with_the_queue_of_another_instance() {
    let host = created();
    forget(&host);
    fs::write(host.path("/etc/postfix-new/destroy.unfinished"), "").unwrap();
    host.add("/etc/postfix-new", b"queue_directory = /var/spool/postfix-in\n");
    let before: Tree = host.tree();
    let output = host.postmulti(&DESTROY).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("conflicts with instance /etc/postfix-in, queue_directory=/var/spool/postfix-in"), "{told}");
    before.assert_restored(&host.tree());
}
