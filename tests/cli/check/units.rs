//! Units of systemd: those of an image say nothing about this host.

use super::shows;
use crate::host::Host;
use std::fs;

#[test]
fn units_of_an_image_are_not_looked_at() {
    let add = |host: &Host| {
        for (file, text) in [
            ("/run/systemd/system/x", ""),
            ("/usr/lib/systemd/system/postfix.service", "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix\n"),
            ("/usr/lib/systemd/system/postfix@.service", "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix-%I\n"),
        ] {
            let path = host.path(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    };
    shows(add, &[]);
}
