//! Values to the blank. postconf runs blanks together when it prints, but the real postmulti reads the primary's
//! main.cf itself, and hands values on in the environment as they are.

use super::ask::write_old;
use super::generate::{generated, main_cf::main_cf};
use super::told::Known;
use super::{files, in_each_root, seed};
use postmulti::config::expand::{Lookup, Meaning, expand};
use postmulti::config::main_cf::{Finding, MainCf};
use std::fs;

/// The primary's directory is fixed when Postfix is built, so one file after the other takes its place.
const ASK: &str = r#"
cp -a /etc/postfix /mnt/etc && mount --bind /mnt/etc /etc/postfix || exit
for file in /mnt/main.cf.*; do
    cp -p $file /etc/postfix/main.cf
    postmulti -x env -0 >/mnt/told.${file##*.}
done; true
"#;

/// A parameter, and the variable by which its value is handed on.
const HANDED_ON: [(&str, &str); 3] = [
    ("multi_instance_name", "multi_instance_name"),
    ("multi_instance_group", "multi_instance_group"),
    ("syslog_name", "MAIL_LOGTAG"),
];

/// The programs of Postfix look at their parameters one after the other, and a default stands for nothing before
/// its turn comes; postconf knows them all from the start. So all that values refer to is set. And an empty
/// myorigin is refused, for which postmulti has no use.
const FIRST: &[u8] = b"syslog_name = log\nmulti_instance_name =\n";
const SET: &[u8] = b"
mail_name = Postfix
daemon_directory = /usr/lib/postfix/sbin
data_directory = /var/lib/postfix
setgid_group = postdrop
multi_instance_group =
multi_instance_enable = no
myorigin = x
";

#[test]
fn values_to_the_blank() {
    let seed = seed() ^ 0xb1a;
    let files = generated(main_cf(), seed, files() / 10);
    let files: Vec<_> = files.map(|file| [FIRST, &file, SET].concat()).collect();
    in_each_root(|reference| {
        let expected = |file: &Vec<u8>| {
            let main_cf = MainCf::parse(file);
            let known = Known { main_cf: &main_cf, postfix: &reference.postfix };
            let value = |name: &str| match known.lookup(name.as_bytes()) {
                Meaning::Value(value) => expand(&value, &known).ok(),
                Meaning::Undefined | Meaning::Unknown => None,
            };
            let is_sound = main_cf.entries().all(|(_, value)| expand(value, &known).is_ok());
            let values: Option<Vec<_>> = HANDED_ON.iter().map(|(parameter, _)| value(parameter)).collect();
            // What is refused is compared elsewhere; and no log can be without a name.
            values.filter(|values| {
                is_sound
                    && !values[2].is_empty()
                    && !matches!(main_cf.findings().last(), Some(Finding::Malformed { .. }))
            })
        };
        let work = tempfile::tempdir().unwrap();
        let expected: Vec<_> = files.iter().map(expected).collect();
        for (number, file) in files.iter().enumerate().filter(|(number, _)| expected[*number].is_some()) {
            write_old(&work.path().join(format!("main.cf.{number}")), file);
        }
        reference.run(work.path(), ASK);
        let mut compared = 0;
        for (number, values) in expected.iter().enumerate() {
            let Some(values) = values else { continue };
            let told = fs::read(work.path().join(format!("told.{number}"))).unwrap();
            for ((_, variable), value) in HANDED_ON.iter().zip(values) {
                let setting = [variable.as_bytes(), b"=", value].concat();
                let handed_on = told.split(|byte| *byte == 0).any(|entry| entry == setting);
                assert!(
                    handed_on,
                    "not {}\nbut {}\n{}",
                    setting.escape_ascii(),
                    told.escape_ascii(),
                    files[number].escape_ascii()
                );
            }
            compared += 1;
        }
        println!("Postfix {}: {compared} of {} files", reference.version, files.len());
        assert!(compared * 2 > files.len());
    });
}
