//! Where postfix-files cannot be used, the Postfix that is installed does the work: by a stand-in that says what it was told.

use crate::host::Host;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const CREATE: [&str; 4] = ["-I", "postfix-new", "-e", "create"];
const COMMAND: &str = "/usr/sbin/postfix -c /etc/postfix-new set-permissions";

/// Notes its arguments, and what it finds on the list.
const STAND_IN: &str = "#!/bin/sh
echo \"$@\" >>/told
while read -r name equals value; do
    [ \"$name\" != multi_instance_directories ] || echo \"$value\" >>/told
done </etc/postfix/main.cf
[ -f /etc/postfix-new/master.cf ] && [ -d /var/spool/postfix-new ] && [ -d /var/lib/postfix-new ]
";

/// A host with a shell, and a postfix(1) made of this script.
fn with_postfix(script: &str) -> Host {
    let host = Host::as_root();
    let libraries = Command::new("ldd").arg("/bin/sh").output().expect("ldd").stdout;
    let libraries = String::from_utf8(libraries).unwrap();
    let files = libraries.split_whitespace().filter(|word| word.starts_with('/'));
    for file in files.chain(["/bin/sh"]) {
        fs::create_dir_all(host.path(file).parent().unwrap()).unwrap();
        fs::copy(file, host.path(file)).unwrap();
    }
    fs::write(host.path("/usr/sbin/postfix"), script).unwrap();
    fs::set_permissions(host.path("/usr/sbin/postfix"), fs::Permissions::from_mode(0o755)).unwrap();
    host
}

fn warning(reason: &str) -> String {
    format!("postmulti: warning: {reason}: running '{COMMAND}'\n")
}

/// Makes postfix-files unusable, and checks that it is told, and that postfix(1) is run when the instance is listed.
fn is_run(reason: &str, spoil: impl Fn(&Host)) {
    let host = with_postfix(STAND_IN);
    spoil(&host);
    let before = host.tree();
    let shown = host.postmulti(&[&["--dry-run"], &CREATE[..]].concat()).assert().success().get_output().clone();
    assert!(shown.stdout.ends_with(format!("run {COMMAND}\n").as_bytes()));
    before.assert_untouched(&host.tree());

    host.postmulti(&CREATE).assert().success().stdout("").stderr(warning(reason));
    let told = "-c /etc/postfix-new set-permissions\n/etc/postfix-out /etc/postfix-in /etc/postfix-new\n";
    assert_eq!(fs::read_to_string(host.path("/told")).unwrap(), told);
    host.assert_tidy();

    host.does(&["-i", "new", "-e", "deport"]);
    host.postmulti(&["-e", "import", "config_directory=/etc/postfix-new"]).assert().success().stderr(warning(reason));
    assert_eq!(fs::read_to_string(host.path("/told")).unwrap(), told.repeat(2));
}

#[test]
fn postfix_files_are_missing() {
    let reason = "open /etc/postfix/postfix-files: No such file or directory";
    is_run(reason, |host| fs::remove_file(host.path("/etc/postfix/postfix-files")).unwrap());
}

#[test]
fn postfix_files_are_not_understood() {
    let text = fs::read_to_string(Host::new().path("/etc/postfix/postfix-files")).unwrap();
    let number = text.lines().count() + 1;
    for line in ["$queue_directory/new:x:root:-:755:uc", "$queue_directory/new:d:root:-:rwx=:uc"] {
        let reason = format!("/etc/postfix/postfix-files, line {number}: not understood: \"{line}\"");
        is_run(&reason, |host| {
            fs::write(host.path("/etc/postfix/postfix-files"), format!("{text}{line}\n")).unwrap();
        });
    }
}

#[test]
fn a_part_of_postfix_files_is_not_understood() {
    let line = "$queue_directory/new";
    let reason = format!("/etc/postfix/postfix-files.d/more, line 2: not understood: \"{line}\"");
    is_run(&reason, |host| {
        fs::create_dir(host.path("/etc/postfix/postfix-files.d")).unwrap();
        fs::write(host.path("/etc/postfix/postfix-files.d/more"), format!("# more\n{line}\n")).unwrap();
    });
}

/// An interrupt reaches it, though it is kept from us until all is done.
#[test]
fn postfix_is_interrupted() {
    let host = with_postfix("#!/bin/sh\nkill -INT $$\nkill -TERM $$\nexit 0\n");
    fs::remove_file(host.path("/etc/postfix/postfix-files")).unwrap();
    let end = format!("postmulti: warning: '{COMMAND}' has failed: run it again when its complaint is mended\n");
    host.postmulti(&CREATE).assert().code(1).stdout("").stderr(predicates::str::ends_with(end));
}

/// It comes after the commit: the instance is listed, and what is left to do is told.
#[test]
fn postfix_fails() {
    let host = with_postfix("#!/bin/sh\nexit 3\n");
    fs::remove_file(host.path("/etc/postfix/postfix-files")).unwrap();
    let failed = format!(
        "{}postmulti: warning: '{COMMAND}' has failed: run it again when its complaint is mended\n",
        warning("open /etc/postfix/postfix-files: No such file or directory")
    );
    host.postmulti(&CREATE).assert().code(1).stdout("").stderr(failed);
    host.postmulti(&["-l", "-i", "new"]).assert().success().stdout(predicates::str::starts_with("postfix-new "));

    let host = Host::as_root();
    fs::remove_file(host.path("/etc/postfix/postfix-files")).unwrap();
    let failed = format!(
        "{}postmulti: warning: execvp {COMMAND}: No such file or directory\n",
        warning("open /etc/postfix/postfix-files: No such file or directory")
    );
    host.postmulti(&CREATE).assert().code(1).stdout("").stderr(failed);
}
