//! postfix-files: whose the private files of an instance are to be, and with which mode.
//!
//! A line reads `path:type:owner:group:mode:flags`. A shell script of Postfix interprets it; what could mean anything
//! else to a shell than it says is not understood here.

use super::lines::physical;
use thiserror::Error;

/// The directory of an instance below which a file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    Config,
    Queue,
    Data,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Directory,
    File,
}

/// The name of a user, or of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The value of `mail_owner`.
    MailOwner,
    /// The value of `setgid_group`.
    SetgidGroup,
    Name(Vec<u8>),
}

/// A private file or directory, and what `postfix set-permissions` makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub base: Base,
    /// Relative to the base, without a slash at either end; empty for the base itself.
    pub path: Vec<u8>,
    pub kind: Kind,
    pub owner: Owner,
    /// None leaves the group as it is.
    pub group: Option<Owner>,
    /// For chmod(1), which does not take the set-ID bits off a directory by a mode of so few digits.
    pub mode: u32,
    /// A directory that is missing is made; anything else that is missing is an error.
    pub create: bool,
    /// Owner and group apply to everything below, too, and of a directory the mode to all directories below.
    pub recursive: bool,
    /// A secondary instance passes over it unless it is there and can be read.
    pub only_if_readable: bool,
}

/// A line of which we cannot be sure what Postfix makes of it. The text is without its newline.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("line {line}: not understood: \"{}\"", String::from_utf8_lossy(text))]
pub struct NotUnderstood {
    /// The number of the line, from 1.
    pub line: usize,
    pub text: Vec<u8>,
}

/// How the path of a private file begins.
const BASES: [(&str, Base); 3] =
    [("$config_directory", Base::Config), ("$queue_directory", Base::Queue), ("$data_directory", Base::Data)];

/// The private files that a postfix-files tells of, in order. Obsolete files and links are left out, as they are no
/// matter of permissions.
///
/// The error is the first line that only Postfix's own script can be trusted with.
pub fn entries(file: &[u8]) -> Result<Vec<Entry>, NotUnderstood> {
    let mut entries = Vec::new();
    // The shell passes over a last line without newline.
    for (index, line) in physical(file).filter_map(|line| line.strip_suffix(b"\n")).enumerate() {
        entries.extend(entry(line).map_err(|Odd| NotUnderstood { line: index + 1, text: line.to_vec() })?);
    }
    Ok(entries)
}

/// Something that may mean more to a shell than it says.
struct Odd;

/// Reads a line; most are about no private file.
fn entry(line: &[u8]) -> Result<Option<Entry>, Odd> {
    // To the shell a backslash quotes, even the newline after a comment; and a NUL is not there.
    if line.iter().any(|byte| matches!(byte, b'\\' | 0)) {
        return Err(Odd);
    }
    let mut fields = line.split(|byte| *byte == b':');
    let [path, kind, owner, group, mode, flags] = std::array::from_fn(|_| fields.next().unwrap_or_default());
    let under = |(name, base): &(&str, Base)| Some((*base, path.strip_prefix(name.as_bytes())?));
    let Some((base, path)) = BASES.iter().find_map(under) else {
        return Ok(None);
    };
    let kind = match kind {
        b"d" => Kind::Directory,
        b"f" => Kind::File,
        b"h" | b"l" => return Ok(None),
        _ => return Err(Odd),
    };
    let (path, owner, group) = (relative(path)?, name(owner)?, name(group)?);
    if flags.starts_with(b"$") {
        return Err(Odd);
    }
    let has = |flag| flags.contains(&flag);
    if has(b'o') {
        return Ok(None);
    }
    Ok(Some(Entry {
        base,
        path,
        kind,
        owner: owner.ok_or(Odd)?,
        group,
        mode: octal(mode)?,
        create: kind == Kind::Directory && has(b'c'),
        recursive: has(b'r'),
        only_if_readable: has(b'1') || has(b'i'),
    }))
}

/// The path after the name of its base.
fn relative(path: &[u8]) -> Result<Vec<u8>, Odd> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let path = path.strip_prefix(b"/").ok_or(Odd)?;
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(byte);
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && name.iter().all(is_plain);
    if path.split(|byte| *byte == b'/').all(is_name) { Ok(path.to_vec()) } else { Err(Odd) }
}

/// A user or a group; none for `-`. A number, or a name with a dot, chown(1) may take for something else.
fn name(field: &[u8]) -> Result<Option<Owner>, Odd> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
    match field {
        b"" | b"-" => Ok(None),
        b"$mail_owner" => Ok(Some(Owner::MailOwner)),
        b"$setgid_group" => Ok(Some(Owner::SetgidGroup)),
        [b'a'..=b'z' | b'A'..=b'Z' | b'_', rest @ ..] if rest.iter().all(is_plain) => {
            Ok(Some(Owner::Name(field.to_vec())))
        }
        _ => Err(Odd),
    }
}

fn octal(mode: &[u8]) -> Result<u32, Odd> {
    match mode {
        [b'0'..=b'7', ..] if mode.len() <= 4 => {
            let text = str::from_utf8(mode).map_err(|_| Odd)?;
            u32::from_str_radix(text, 8).map_err(|_| Odd)
        }
        _ => Err(Odd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn only(line: &str) -> Option<Entry> {
        let mut entries = entries(format!("{line}\n").as_bytes()).unwrap();
        assert!(entries.len() < 2);
        entries.pop()
    }

    #[test]
    fn a_line_tells_all() {
        let maildrop = Entry {
            base: Base::Queue,
            path: b"maildrop".to_vec(),
            kind: Kind::Directory,
            owner: Owner::MailOwner,
            group: Some(Owner::SetgidGroup),
            mode: 0o730,
            create: true,
            recursive: false,
            only_if_readable: false,
        };
        assert_eq!(only("$queue_directory/maildrop:d:$mail_owner:$setgid_group:730:uc"), Some(maildrop));
        let main_cf = Entry {
            base: Base::Config,
            path: b"a.d/main.cf".to_vec(),
            kind: Kind::File,
            owner: Owner::Name(b"root".to_vec()),
            group: None,
            mode: 0o2644,
            create: false,
            recursive: true,
            only_if_readable: true,
        };
        assert_eq!(only("$config_directory/a.d/main.cf:f:root:-:2644:crp1:more:\"$x"), Some(main_cf));
        assert_eq!(only("$data_directory:d:root::0700").unwrap().path, b"");
    }

    #[test]
    fn what_is_not_private_is_left_out() {
        for line in [
            "# $queue_directory/a:d:root:-:700:`x`",
            "",
            " $queue_directory/a:d:root:-:700",
            "/var/spool/a:d:root:-:700",
            "$daemon_directory/a b:x:$y:*",
            "${queue_directory}/a:d:root:-:700",
            "$config_directory/a:l:$x/*",
            "$config_directory/a:h:b",
            "$config_directory/a:f:-:-:-:o",
        ] {
            assert_eq!(only(line), None, "{line}");
        }
    }

    #[test]
    fn a_last_line_without_newline_does_not_count() {
        assert_eq!(
            entries(b"$queue_directory:d:root:-:755\n$queue_directory/a:?"),
            entries(b"$queue_directory:d:root:-:755\n")
        );
    }

    #[test]
    fn what_a_shell_may_take_otherwise_is_not_understood() {
        for line in [
            "# a comment that goes on \\",
            "\0",
            "$queue_directory",
            "$queue_directory/a:x:root:-:700",
            "$queue_directory/a:d:root:-",
            "$queue_directory/a:d:root:-:u=rwx",
            "$queue_directory/a:d:root:-:00700",
            "$queue_directory/a:d:root:-:+700",
            "$queue_directory/a:d:root:-:789",
            "$queue_directory/a:d:root:-:700\r",
            "$queue_directory/a:d:-:root:700",
            "$queue_directory/a:d::root:700",
            "$queue_directory/a:d:0:-:700",
            "$queue_directory/a:d:root.mail:-:700",
            "$queue_directory/a:d:-R:-:700",
            "$queue_directory/a:d:$default_privs:-:700",
            "$queue_directory/a:d:$mail_owner.mail:-:700",
            "$queue_directory/a:d:root:*:700:o",
            "$queue_directory/a:d:root:-:700:$flags",
            "$queue_directory/..:d:root:-:700",
            "$queue_directory/./a:d:root:-:700",
            "$queue_directory/a/:d:root:-:700",
            "$queue_directory//a:d:root:-:700",
            "$queue_directory.old:d:root:-:700",
            "$queue_directory_old/a:d:root:-:700",
            "$queue_directory/a b:d:root:-:700",
            "$queue_directory/*:d:root:-:700",
            "$queue_directory/$(id):d:root:-:700",
            "$queue_directory/'a':d:root:-:700",
            "$queue_directory/\u{e9}:d:root:-:700",
        ] {
            let text = line.as_bytes().to_vec();
            assert_eq!(entries(&[b"\n#\n", &text[..], b"\n"].concat()), Err(NotUnderstood { line: 3, text }));
        }
    }

    proptest! {
        #[test]
        fn what_is_understood_lies_below_its_base(
            lines in proptest::collection::vec("[$](queue|config|data)_directory[/a.$ ]{0,4}:[df]:[a$.-]{0,2}:[a-]?:[0-9]{1,5}:[a-z$]?", 0..4)
        ) {
            for entry in entries((lines.join("\n") + "\n").as_bytes()).into_iter().flatten() {
                let names = entry.path.split(|byte| *byte == b'/');
                prop_assert!(entry.path.is_empty() || names.into_iter().all(|name| !matches!(name, b"" | b"." | b"..")));
                prop_assert!(entry.mode <= 0o7777);
            }
        }
    }
}
