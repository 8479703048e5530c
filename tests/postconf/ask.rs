//! Asks the real postconf about many main.cf files.

use super::reference::{Reference, name_values};
use super::told::{OWN, Told, names};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A fatal error makes postconf sleep for a second, hence so many at a time. A loop through a comparison ends
/// in a crash of postconf.
const ASK: &str = r#"
ulimit -c 0; ulimit -v 2000000
cd /mnt && ls | xargs -n 5 -P 40 sh -c '
for file; do
    timeout 60 postconf -c /mnt/$file -x NAMES >$file/expanded 2>$file/complaints
    echo $? >$file/status
    [ $(cat $file/status) = 0 ] && timeout 60 postconf -c /mnt/$file NAMES >$file/raw 2>/dev/null
done 2>/dev/null; true' sh
"#;

/// Writes the files to `work` and has postconf read each of them.
pub fn ask(reference: &Reference, work: &Path, files: &[Vec<u8>]) -> Vec<Told> {
    // postconf knows only those of the user's own parameters to which something refers.
    let own: String = OWN.iter().map(|name| format!("${{{name}?}}")).collect();
    let master_cf = format!("relay unix - - n - - smtp -o smtp_helo_name={own}\n");
    for (number, file) in files.iter().enumerate() {
        let directory = work.join(number.to_string());
        fs::create_dir(&directory).unwrap();
        write_old(&directory.join("main.cf"), file);
        write_old(&directory.join("master.cf"), master_cf.as_bytes());
    }
    reference.run(work, &ASK.replace("NAMES", &names().join(" ")));
    (0..files.len()).map(|number| told(work, &number.to_string())).collect()
}

/// Where postconf sees the file of that number.
pub fn path(number: usize) -> String {
    format!("/mnt/{number}/main.cf")
}

/// Postfix reads a young file again and again until it is two seconds old.
pub fn write_old(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
}

fn told(work: &Path, number: &str) -> Told {
    let read = |name: &str| fs::read(work.join(number).join(name)).unwrap();
    let complaints = read("complaints");
    Told {
        asked: names(),
        status: String::from_utf8(read("status")).unwrap().trim().parse().unwrap(),
        raw: name_values(&fs::read(work.join(number).join("raw")).unwrap_or_default()),
        expanded: name_values(&read("expanded")),
        complaints: complaints
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| line[..line.len() - 1].to_vec())
            .collect(),
    }
}
