//! What else could happen by chance only: instances change just between the reading of the list, or of one instance, and that
//! of another one.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, ensure};

use crate::arena::{Arena, main_cf, postmulti, run};
use crate::sandbox::{self, name_of};
use crate::tally::Tally;

const POSTCONF: &str = "/usr/sbin/postconf";
const REAL: &str = "/usr/sbin/postconf.real";

/// A value that only postconf(1) knows: it is asked in the middle of it all.
const QUESTION: &str = "multi_instance_group = $mail_version";

/// What others do just then, once, and what is listed before and after it. `1` asks the question, and is read first.
const CHANGES: [&str; 2] = [
    "postmulti -i postfix-0004 -e destroy",
    "postmulti -i postfix-0001 -I postfix-free -e assign; postmulti -i postfix-0003 -I postfix-0001 -e assign",
];

pub fn changes(_: &mut Arena, _: usize) -> Result<Tally> {
    let mut tally = Tally::default();
    let first = main_cf(&name_of(1));
    sandbox::run(&["postconf", "-c", &first.parent().unwrap_or(&first).display().to_string(), "-e", QUESTION])?;
    fs::rename(POSTCONF, REAL)?;
    for (number, change) in CHANGES.into_iter().enumerate() {
        let once = format!("/tmp/asked-{number}");
        let script = format!("#!/bin/sh\nif mkdir {once} 2>/dev/null; then {change}; fi\nexec {REAL} \"$@\"\n");
        fs::write(POSTCONF, script)?;
        fs::set_permissions(POSTCONF, Permissions::from_mode(0o755))?;
        let list = run(&postmulti(&["-l"]))?;
        ensure!(fs::exists(&once)?, "postconf was not asked, so nothing happened meanwhile");
        tally.commands += change.matches("-e").count();
        tally.readings += 1;
        let expected = run(&postmulti(&["-l"]))?;
        if !list.succeeded() || !expected.succeeded() || list.stdout != expected.stdout {
            tally.broken.push(format!("{}; then {}", list.describe(), expected.describe()));
        }
        tally.finish_round()?;
    }
    Ok(tally)
}
