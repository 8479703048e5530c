//! What was typed: options in POSIX getopt order, as getopt_long(3) of the C library reads them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::slice::from_ref;

use super::options::{Opt, Row, TABLE};

/// A command line, taken apart but not judged.
#[derive(Debug)]
pub struct Arguments {
    /// The name that messages begin with: the last component of `argv[0]`.
    pub program: OsString,
    /// The options that were read, left to right.
    pub options: Vec<Given>,
    /// What follows the options. Empty if reading stopped at an error.
    pub operands: Vec<OsString>,
    /// What reading stopped at.
    pub error: Option<GetoptError>,
}

/// One option as it was given.
#[derive(Debug, PartialEq, Eq)]
pub struct Given {
    pub opt: Opt,
    /// Empty for an option that takes no value.
    pub value: OsString,
}

/// Where reading had to stop.
#[derive(Debug, PartialEq, Eq)]
pub enum GetoptError {
    /// A letter that is no option.
    Invalid(u8),
    /// A letter whose value is missing.
    MissingValue(u8),
    /// A long option that does not exist, as it was typed.
    Unrecognized(OsString),
    /// A beginning of several long options, as it was typed, and these options.
    Ambiguous(OsString, Vec<&'static str>),
    /// A long option whose value is missing.
    LongMissingValue(&'static str),
    /// A long option that takes no value and was given one.
    UnexpectedValue(&'static str),
}

impl Arguments {
    /// Reads `argv`, whose first word is the name of the program.
    ///
    /// Options end at the first operand or at `--`. A lone `-` is an operand. A long option may be cut short as long
    /// as only one begins so. Never fails: what is wrong with the arguments is judged only once main.cf is read.
    pub fn read(argv: impl IntoIterator<Item = OsString>) -> Arguments {
        let mut words = argv.into_iter();
        let program = last_component(words.next().unwrap_or_default());
        let mut arguments = Arguments { program, options: Vec::new(), operands: Vec::new(), error: None };
        arguments.error = arguments.read_words(&mut words).err();
        arguments
    }

    fn read_words(&mut self, words: &mut impl Iterator<Item = OsString>) -> Result<(), GetoptError> {
        while let Some(word) = words.next() {
            match word.as_bytes() {
                b"--" => break,
                [b'-', b'-', long @ ..] => self.read_long(long, words)?,
                [b'-', letters @ ..] if !letters.is_empty() => self.read_letters(letters, words)?,
                _ => {
                    self.operands.push(word);
                    break;
                }
            }
        }
        self.operands.extend(words);
        Ok(())
    }

    /// `-lj`, `-iNAME`, `-xi NAME`. There is no `=` here: `-i=a` means the value `=a`.
    fn read_letters(
        &mut self,
        mut letters: &[u8],
        words: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), GetoptError> {
        while let [letter, rest @ ..] = letters {
            let is_it = |row: &&Row| row.short == Some(char::from(*letter));
            let row = TABLE.iter().find(is_it).ok_or(GetoptError::Invalid(*letter))?;
            letters = rest;
            let value = match (row.value, rest) {
                (None, _) => OsString::new(),
                (Some(_), []) => words.next().ok_or(GetoptError::MissingValue(*letter))?,
                (Some(_), value) => {
                    letters = &[];
                    OsStr::from_bytes(value).to_owned()
                }
            };
            self.options.push(Given { opt: row.opt, value });
        }
        Ok(())
    }

    /// `--list`, `--group=G`, `--group G`; `typed` is what follows the two hyphens.
    fn read_long(&mut self, typed: &[u8], words: &mut impl Iterator<Item = OsString>) -> Result<(), GetoptError> {
        let (name, value) = match typed.iter().position(|&byte| byte == b'=') {
            Some(at) => (&typed[..at], Some(&typed[at + 1..])),
            None => (typed, None),
        };
        let row = find_long(name, typed)?;
        let value = match (row.value, value) {
            (None, None) => OsString::new(),
            (None, Some(_)) => return Err(GetoptError::UnexpectedValue(row.long)),
            (Some(_), Some(value)) => OsStr::from_bytes(value).to_owned(),
            (Some(_), None) => words.next().ok_or(GetoptError::LongMissingValue(row.long))?,
        };
        self.options.push(Given { opt: row.opt, value });
        Ok(())
    }
}

fn find_long(name: &[u8], typed: &[u8]) -> Result<&'static Row, GetoptError> {
    if let Some(row) = TABLE.iter().find(|row| row.long.as_bytes() == name) {
        return Ok(row);
    }
    let typed = || OsStr::from_bytes(typed).to_owned();
    let candidates: Vec<&Row> = TABLE.iter().filter(|row| row.long.as_bytes().starts_with(name)).collect();
    match candidates[..] {
        [] => Err(GetoptError::Unrecognized(typed())),
        [row] => Ok(row),
        _ => Err(GetoptError::Ambiguous(typed(), candidates.iter().map(|row| row.long).collect())),
    }
}

/// `/usr/sbin/postmulti` is `postmulti`. A name that ends in a slash stays whole, as in every Postfix program.
fn last_component(path: OsString) -> OsString {
    match path.as_bytes().rsplit(|&byte| byte == b'/').next() {
        Some(name) if !name.is_empty() => OsStr::from_bytes(name).to_owned(),
        _ => path,
    }
}

impl GetoptError {
    /// The line that the C library prints, without newline. It holds the very bytes that were typed.
    pub fn line(&self, program: &OsStr) -> Vec<u8> {
        let (before, typed, after): (&str, &[u8], &str) = match self {
            GetoptError::Invalid(letter) => ("invalid option -- '", from_ref(letter), "'"),
            GetoptError::MissingValue(letter) => ("option requires an argument -- '", from_ref(letter), "'"),
            GetoptError::Unrecognized(typed) => ("unrecognized option '--", typed.as_bytes(), "'"),
            GetoptError::Ambiguous(typed, _) => ("option '--", typed.as_bytes(), "' is ambiguous; possibilities:"),
            GetoptError::LongMissingValue(long) => ("option '--", long.as_bytes(), "' requires an argument"),
            GetoptError::UnexpectedValue(long) => ("option '--", long.as_bytes(), "' doesn't allow an argument"),
        };
        let mut line = [program.as_bytes(), b": ", before.as_bytes(), typed, after.as_bytes()].concat();
        if let GetoptError::Ambiguous(_, possibilities) = self {
            for long in possibilities {
                line.extend(format!(" '--{long}'").into_bytes());
            }
        }
        line
    }
}

/// getopt(1) of util-linux shows what getopt_long(3) of the C library does.
#[cfg(all(test, target_env = "gnu"))]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// What was read: the options by their long names, each value quoted, then `--` and the operands, quoted.
    type Words = Vec<String>;

    fn ours(words: &[String]) -> (Words, Option<String>) {
        let argv = std::iter::once("postmulti").chain(words.iter().map(String::as_str));
        let arguments = Arguments::read(argv.map(OsString::from));
        let quoted = |value: &OsString| format!("'{}'", value.display());
        let mut read = Words::new();
        for given in &arguments.options {
            let row = TABLE.iter().find(|row| row.opt == given.opt).unwrap();
            read.push(format!("--{}", row.long));
            read.extend(row.value.map(|_| quoted(&given.value)));
        }
        if arguments.error.is_none() {
            read.push("--".into());
            read.extend(arguments.operands.iter().map(quoted));
        }
        let line = arguments.error.map(|error| error.line(&arguments.program));
        (read, line.map(|line| String::from_utf8(line).unwrap()))
    }

    /// Reads on after an error, so that what was read is only known to begin as it should.
    fn theirs(words: &[String]) -> (Words, Option<String>) {
        let colon = |row: &Row| if row.value.is_some() { ":" } else { "" };
        let letters = TABLE.iter().filter_map(|row| Some(format!("{}{}", row.short?, colon(row))));
        let longs = TABLE.iter().map(|row| format!("{}{},", row.long, colon(row)));
        let output = Command::new("getopt")
            .env("LC_ALL", "C")
            .args(["-n", "postmulti", "-o", &format!("+{}", letters.collect::<String>())])
            .args(["-l", &longs.collect::<String>(), "--"])
            .args(words)
            .output()
            .expect("getopt(1) of util-linux");
        let long = |word: &str| match word.as_bytes() {
            [b'-', letter] if *letter != b'-' => {
                let row = TABLE.iter().find(|row| row.short == Some(char::from(*letter)));
                format!("--{}", row.unwrap().long)
            }
            _ => word.to_owned(),
        };
        let read = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        (read.split_whitespace().map(long).collect(), errors.lines().next().map(str::to_owned))
    }

    fn word() -> impl Strategy<Value = String> {
        let long = (0..TABLE.len(), 0..15usize, prop_oneof![3 => Just(""), 1 => Just("="), 1 => Just("=v")]);
        prop_oneof![
            4 => "-[aegijGIlpRvx]{1,3}[zh=:-]?[a-z]{0,2}",
            4 => long.prop_map(|(row, length, value)| {
                let name = TABLE[row].long;
                format!("--{}{value}", &name[..length.min(name.len())])
            }),
            1 => "--[a-z=-]{1,3}",
            1 => prop::sample::select(vec!["-", "--", "", "x", "a=b"]).prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn reads_as_the_c_library_does(words in prop::collection::vec(word(), 0..6)) {
            let (read, error) = ours(&words);
            let (mut expected, expected_error) = theirs(&words);
            prop_assert_eq!(&error, &expected_error);
            if error.is_some() {
                expected.truncate(read.len());
            }
            prop_assert_eq!(read, expected);
        }
    }
}
