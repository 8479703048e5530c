//! What the real postconf tells of a main.cf, and whether we agree.

use super::defaults::layout;
use super::generate::{OWN, names};
use super::reference::{Reference, name_values};
use postmulti::config::defaults::default;
use postmulti::config::expand::{ExpandError, Lookup, Meaning, expand};
use postmulti::config::main_cf::{Finding, MainCf};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Names that are asked for even when main.cf does not set them.
const ALSO_ASKED: [&str; 6] = [
    "mail_name",
    "daemon_directory",
    "data_directory",
    "multi_instance_group",
    "multi_instance_enable",
    "setgid_group",
];

/// A fatal error makes postconf sleep for a second, hence so many at a time. A loop through a comparison ends
/// in a crash of postconf.
const ASK: &str = r#"
ulimit -c 0; ulimit -v 2000000
cd /mnt && ls | xargs -n 20 -P 40 sh -c '
for file; do
    timeout 60 postconf -c /mnt/$file -x NAMES >$file/expanded 2>$file/complaints
    echo $? >$file/status
    [ $(cat $file/status) = 0 ] && timeout 60 postconf -c /mnt/$file NAMES >$file/raw 2>/dev/null
done 2>/dev/null; true' sh
"#;

/// What postconf said of one file.
pub struct Told {
    /// Where it lies in the root.
    path: PathBuf,
    pub status: i32,
    pub raw: Vec<(Vec<u8>, Vec<u8>)>,
    pub expanded: Vec<(Vec<u8>, Vec<u8>)>,
    complaints: Vec<Vec<u8>>,
}

/// How the files fared.
#[derive(Debug, Default)]
pub struct Tally {
    pub files: usize,
    pub refused: usize,
    pub crashes: usize,
    pub values: usize,
    pub left_to_postfix: usize,
}

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
    let asked = [names(), ALSO_ASKED.to_vec()].concat().join(" ");
    reference.run(work, &ASK.replace("NAMES", &asked));
    (0..files.len()).map(|number| told(work, &number.to_string())).collect()
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
        path: Path::new("/mnt").join(number),
        status: String::from_utf8(read("status")).unwrap().trim().parse().unwrap(),
        raw: name_values(&fs::read(work.join(number).join("raw")).unwrap_or_default()),
        expanded: name_values(&read("expanded")),
        complaints: complaints
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| line[..line.len() - 1].to_vec())
            .collect(),
    }
}

/// What a name stands for, as far as we can know.
pub struct Known<'a> {
    pub main_cf: &'a MainCf,
    pub reference: &'a Reference,
}

impl Lookup for Known<'_> {
    fn lookup(&self, name: &[u8]) -> Meaning<'_> {
        if let Some(value) = self.main_cf.get(name) {
            Meaning::Value(Cow::Borrowed(value))
        } else if let Some(value) = default(name, layout(self.reference)) {
            Meaning::Value(Cow::Borrowed(value.as_bytes()))
        } else if self.reference.has_parameter(name) {
            Meaning::Unknown
        } else {
            Meaning::Undefined
        }
    }
}

/// Compares our reading of a file with what postconf told.
pub fn judge(reference: &Reference, file: &[u8], told: &Told, tally: &mut Tally) -> Result<(), String> {
    tally.files += 1;
    let main_cf = MainCf::parse(file.to_vec());
    let path = told.path.join("main.cf");
    let findings: Vec<_> = main_cf.findings().iter().map(|finding| complaint(finding, &path)).collect();
    let about_nul = |line: &&Vec<u8>| line.ends_with(b"text after null byte may be ignored");
    let complaints: Vec<_> = told.complaints.iter().filter(|line| !about_nul(line)).cloned().collect();
    if !complaints.starts_with(&findings) {
        return Err(format!("findings\nours:   {}\ntheirs: {}", show(&findings), show(&complaints)));
    }
    if matches!(main_cf.findings().last(), Some(Finding::Malformed { .. })) {
        tally.refused += 1;
        let agreed = told.status == 1 && complaints.len() == findings.len();
        return if agreed { Ok(()) } else { Err(format!("not refused: {}", show(&complaints))) };
    }
    let known = Known { main_cf: &main_cf, reference };
    let errors: Vec<_> = main_cf.entries().filter_map(|(_, value)| expand(value, &known).err()).collect();
    match told.status {
        0 => {
            if let Some(error) = errors.iter().find(|error| !matches!(error, ExpandError::Unknown(_))) {
                return Err(format!("only we complain: {error}"));
            }
            values(&known, told, tally)
        }
        // A loop through a comparison makes postconf call itself until there is no more stack.
        status => {
            tally.refused += 1;
            tally.crashes += usize::from(status != 1);
            let told = |error: &ExpandError| match error {
                ExpandError::Unknown(_) => false,
                ExpandError::Syntax(_) | ExpandError::BadNumber(_) if status == 1 => ends_in(&complaints, error),
                _ => status != 1,
            };
            if errors.iter().any(told) {
                return Ok(());
            }
            tally.left_to_postfix += 1;
            let unknown = errors.iter().any(|error| matches!(error, ExpandError::Unknown(_)));
            if unknown { Ok(()) } else { Err(format!("{status}\nours:   {errors:?}\ntheirs: {}", show(&complaints))) }
        }
    }
}

/// Compares each value, as it stands and expanded.
fn values(known: &Known, told: &Told, tally: &mut Tally) -> Result<(), String> {
    let raw: HashMap<_, _> = told.raw.iter().cloned().collect();
    let expanded: HashMap<_, _> = told.expanded.iter().cloned().collect();
    for name in [names(), ALSO_ASKED.to_vec()].concat() {
        let (raw, expanded) = (raw.get(name.as_bytes()), expanded.get(name.as_bytes()));
        let (our_raw, our_expanded) = match known.lookup(name.as_bytes()) {
            Meaning::Value(value) => {
                let expanded = expand(&value, known);
                (Some(value.into_owned()), Some(expanded))
            }
            Meaning::Undefined => (None, None),
            Meaning::Unknown => continue,
        };
        tally.values += 1;
        let our_raw = our_raw.map(|value| printed(&value));
        if raw != our_raw.as_ref() {
            return Err(format!("{name}\nours:   {}\ntheirs: {}", show(&our_raw), show(raw)));
        }
        match (our_expanded, expanded) {
            (Some(Err(ExpandError::Unknown(_))), Some(_)) => tally.left_to_postfix += 1,
            (Some(Ok(ours)), Some(theirs)) if printed(&ours) == *theirs => {}
            (None, None) => {}
            (ours, theirs) => return Err(format!("{name}, expanded\nours:   {ours:?}\ntheirs: {}", show(theirs))),
        }
    }
    Ok(())
}

/// postconf prints the words of a value with one blank between them.
fn printed(value: &[u8]) -> Vec<u8> {
    let words: Vec<_> = value.split(|byte| b" \t\r\n".contains(byte)).filter(|word| !word.is_empty()).collect();
    words.join(&b' ')
}

/// A finding in the words of Postfix.
fn complaint(finding: &Finding, path: &Path) -> Vec<u8> {
    let path = path.display();
    let (head, text) = match finding {
        Finding::Orphan { text } => {
            let dots = if text.len() > 30 { "..." } else { "" };
            let text = String::from_utf8_lossy(&printable(&text[..text.len().min(30)])).into_owned();
            let line = format!("warning: {path}: logical line must not start with whitespace: \"{text}{dots}\"");
            (line, Vec::new())
        }
        Finding::Override { line, name, old } => {
            (format!("warning: {path}, line {line}: overriding earlier entry: "), [&name[..], b"=", old].concat())
        }
        Finding::Malformed { line, reason, text } => {
            (format!("fatal: {path}, line {line}: {reason}: "), [b"\"", &text[..], b"\""].concat())
        }
    };
    printable(&[b"postconf: ", head.as_bytes(), &text].concat())
}

/// True if the complaints end in those that the error stands for.
fn ends_in(complaints: &[Vec<u8>], error: &ExpandError) -> bool {
    let end = match error {
        ExpandError::Syntax(texts) => {
            let warnings = texts.iter().map(|text| printable(&[b"postconf: warning: ", &text[..]].concat()));
            warnings.chain([b"postconf: fatal: macro processing error".to_vec()]).collect()
        }
        ExpandError::BadNumber(_) => vec![format!("postconf: fatal: {error}").into_bytes()],
        ExpandError::Unknown(_) | ExpandError::TooLarge => return false,
    };
    complaints.ends_with(&end)
}

/// Messages of Postfix show other bytes than printable ASCII as question marks.
pub fn printable(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| if (b' '..=b'~').contains(byte) { *byte } else { b'?' }).collect()
}

pub fn show<'a>(lines: impl IntoIterator<Item = &'a Vec<u8>>) -> String {
    lines.into_iter().map(|line| format!("\n  {:?}", line.escape_ascii().to_string())).collect()
}
