//! A main.cf that somebody writes in place, in small pieces, while it is read: what is told is the old state or the new one.

use anyhow::{Result, ensure};

use crate::host::{Hosts, Program, run};

const WRITER: &str = include_str!("write.pl");

/// A main.cf that is written, and how.
pub struct Writing {
    pub name: &'static str,
    file: &'static str,
    /// Seconds between the pieces.
    pause: &'static str,
}

pub const WRITINGS: [Writing; 4] = [
    Writing { name: "the primary's main.cf, for a second", file: "/etc/postfix/main.cf", pause: "0.01" },
    Writing { name: "the primary's main.cf, again and again", file: "/etc/postfix/main.cf", pause: "0" },
    Writing { name: "a secondary's main.cf, for a second", file: "/etc/postfix-b/main.cf", pause: "0.01" },
    Writing { name: "a secondary's main.cf, again and again", file: "/etc/postfix-b/main.cf", pause: "0" },
];

/// What is written stands at the end of the file, and is as long as what was there: only the words tell old from new.
const SET_UP: &str = "
primary 'multi_instance_wrapper = x' 'setgid_group = postdrop' 'multi_instance_enable = yes'
created postfix-b 'multi_instance_name = postfix-b'
for comment in $(seq 30); do echo \"# $comment\" >>$file; done
cp $file /tmp/new
echo 'multi_instance_group = old' >>$file
echo 'multi_instance_group = new' >>/tmp/new
touch -d '1 year ago' $file";

/// Readers that begin while it is written, in turn of both kinds, and what each of them has seen.
const READ: &str = r#"
perl /tmp/write.pl $file /tmp/new $pause &
for reader in $(seq 40); do
	case $(($reader % 2)) in
	0) postmulti -l ;;
	1) postmulti -x sh -c 'echo "$multi_instance_name $multi_instance_group $multi_instance_enable $config_directory"' ;;
	esac >/tmp/seen.$reader 2>&1 &
	sleep 0.025
done
wait
for reader in $(seq 40); do tr -s ' \n' ' ' </tmp/seen.$reader; echo; done"#;

pub fn read(hosts: &Hosts, writing: &Writing) -> Result<(Vec<String>, String)> {
    let seen = hosts.on(Program::Ours, |host| {
        let names = format!("file={} pause={}", writing.file, writing.pause);
        let ready = run(host, &format!("cat >/tmp/write.pl <<'END'\n{WRITER}END\n{names}\n{SET_UP}"))?;
        ensure!(ready.status == 0, "set-up: {}", String::from_utf8_lossy(&ready.stderr));
        Ok(String::from_utf8(run(host, &format!("{names}\n{READ}"))?.stdout)?)
    })?;
    let (mut old, mut new, mut wrong) = (0, 0, Vec::new());
    for told in seen.lines() {
        match told.trim() {
            told if states(writing.file, "old").iter().any(|state| state == told) => old += 1,
            told if states(writing.file, "new").iter().any(|state| state == told) => new += 1,
            told => wrong.push(format!("neither the old state nor the new one: {told}")),
        }
    }
    if new == 0 {
        wrong.push("nobody has seen the new state".to_owned());
    }
    Ok((wrong, format!("{}: {old} readers saw the old state, {new} the new one", writing.name)))
}

/// What -l and -x print, in the state in which the group has that name.
fn states(file: &str, group: &str) -> [String; 2] {
    let (primary, secondary) = if file == "/etc/postfix/main.cf" { (group, "-") } else { ("-", group) };
    let empty = |group: &str| group.replace('-', "");
    [
        format!("- {primary} y /etc/postfix postfix-b {secondary} n /etc/postfix-b"),
        format!("{} yes /etc/postfix postfix-b {} no /etc/postfix-b", empty(primary), empty(secondary))
            .replace("  ", " ")
            .trim()
            .to_owned(),
    ]
}
