//! master.cf: services in order, without loss (master(5)).

use super::lines::{LogicalLine, logical};
use super::main_cf::split_name_value;
use super::{trim, without_blanks};
use std::borrow::Cow;
use std::ops::Range;

/// A master.cf: all its bytes, and the services found in them.
///
/// Parsing never fails. What is wrong with the file is told by [`MasterCf::findings`].
#[derive(Debug, Clone)]
pub struct MasterCf {
    bytes: Vec<u8>,
    services: Vec<Service>,
    findings: Vec<Finding>,
}

/// One entry of master.cf. Where a field may be left at its default, `-`, that is None.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The name: for an inet service where it listens, `port` or `host:port`; for others a path below the queue.
    pub name: Vec<u8>,
    pub service_type: ServiceType,
    pub private: Option<bool>,
    pub unprivileged: Option<bool>,
    pub chroot: Option<bool>,
    /// Seconds between two wake-ups, in digits; a `?` at the end: only if the service is in use.
    pub wakeup: Option<Vec<u8>>,
    /// The process limit, in digits.
    pub maxproc: Option<Vec<u8>>,
    /// The program, relative to the daemon directory.
    pub command: Vec<u8>,
    /// Its arguments: braces around one are taken off, and each `-o` stands apart from its `name=value`.
    pub arguments: Vec<Vec<u8>>,
    /// The bytes of the entry in the file, with its last newline. Comments may lie between its lines.
    pub span: Range<usize>,
    /// The number of its first physical line, from 1.
    pub line: usize,
}

/// The second field of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceType {
    Inet,
    Unix,
    UnixDgram,
    Fifo,
    Pass,
}

/// Something to say about a master.cf, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Continuation text before the first entry. It counts for nothing.
    Orphan { line: usize, text: Vec<u8> },
    /// An entry of less than eight fields. Postfix reads nothing of the file.
    FieldCount { line: usize },
    /// A field that holds what it cannot hold. Postfix reads nothing of the file.
    Field { line: usize, field: &'static str, value: Vec<u8>, text: Vec<u8> },
    /// Something odd in an argument; it is taken as it stands. The complaint is in Postfix's words.
    Argument { line: usize, complaint: Vec<u8> },
}

impl Finding {
    /// Why Postfix reads nothing of the file: the line, and what is wrong there.
    pub fn defect(&self) -> Option<(usize, Vec<u8>)> {
        match self {
            Finding::FieldCount { line } => Some((*line, b"the entry has less than eight fields".to_vec())),
            Finding::Field { line, field, value, .. } => {
                Some((*line, [b"field ", field.as_bytes(), b" cannot be \"", value, b"\""].concat()))
            }
            Finding::Orphan { .. } | Finding::Argument { .. } => None,
        }
    }
}

impl MasterCf {
    /// Reads a whole file. Bad entries are left out, and told by the findings.
    pub fn parse(bytes: Vec<u8>) -> MasterCf {
        let mut services = Vec::new();
        let mut findings = Vec::new();
        for line in logical(&bytes) {
            let text = line.text(&bytes);
            if line.is_orphan(&bytes) {
                findings.push(Finding::Orphan { line: line.number, text: text.into_owned() });
                continue;
            }
            match service(&line, &text, &mut findings) {
                Ok(service) => services.push(service),
                Err(finding) => findings.push(finding),
            }
        }
        MasterCf { bytes, services, findings }
    }

    /// The good entries, in order.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// What is wrong or noteworthy.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The file, byte for byte.
    pub fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
}

impl Service {
    /// The parameters that this service sets for itself with `-o`, in order: names and values, not expanded.
    /// Of two with the same name, the last one counts.
    pub fn overrides(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut arguments = self.arguments.iter();
        std::iter::from_fn(move || {
            loop {
                match arguments.next()?.as_slice() {
                    b"-o" => {
                        if let Ok(setting) = split_name_value(arguments.next()?) {
                            return Some(setting);
                        }
                    }
                    option if is_option(option) => {}
                    _ => return None,
                }
            }
        })
    }
}

impl ServiceType {
    const ALL: [ServiceType; 5] =
        [ServiceType::Inet, ServiceType::Unix, ServiceType::UnixDgram, ServiceType::Fifo, ServiceType::Pass];

    fn read(text: &[u8]) -> Option<ServiceType> {
        ServiceType::ALL.into_iter().find(|known| known.name().as_bytes() == text)
    }

    /// The word for it in master.cf.
    pub fn name(self) -> &'static str {
        match self {
            ServiceType::Inet => "inet",
            ServiceType::Unix => "unix",
            ServiceType::UnixDgram => "unix-dgram",
            ServiceType::Fifo => "fifo",
            ServiceType::Pass => "pass",
        }
    }
}

fn service(line: &LogicalLine, text: &[u8], findings: &mut Vec<Finding>) -> Result<Service, Finding> {
    let mut words = words(text);
    let mut next = || words.next().ok_or(Finding::FieldCount { line: line.number });
    let fields = [next()?, next()?, next()?, next()?, next()?, next()?, next()?];
    let command = next()?.to_vec();
    let [name, service_type, private, unprivileged, chroot, wakeup, maxproc] = fields;
    let invalid =
        |field, value: &[u8]| Finding::Field { line: line.number, field, value: value.to_vec(), text: text.to_vec() };
    let switch = |field, value: &[u8]| match value {
        b"-" => Ok(None),
        b"y" => Ok(Some(true)),
        b"n" => Ok(Some(false)),
        _ => Err(invalid(field, value)),
    };
    let number = |field, value: &[u8], digits: &[u8]| match value {
        b"-" => Ok(None),
        _ if digits.iter().all(u8::is_ascii_digit) => Ok(Some(value.to_vec())),
        _ => Err(invalid(field, value)),
    };
    let seconds = wakeup.strip_suffix(b"?").unwrap_or(wakeup);
    Ok(Service {
        name: name.to_vec(),
        service_type: ServiceType::read(service_type).ok_or_else(|| invalid("type", service_type))?,
        private: switch("private", private)?,
        unprivileged: switch("unprivileged", unprivileged)?,
        chroot: switch("chroot", chroot)?,
        wakeup: number("wakeup", wakeup, if seconds == b"-" { b"" } else { seconds })?,
        maxproc: number("process_limit", maxproc, maxproc)?,
        command,
        arguments: arguments(words, |complaint| findings.push(Finding::Argument { line: line.number, complaint })),
        span: line.span.clone(),
        line: line.number,
    })
}

/// Splits at blanks, but not inside braces. VT and FF do not separate.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = without_blanks(rest);
        let mut depth = 0;
        let ends = |byte: &u8| {
            match byte {
                b'{' => depth += 1,
                b'}' if depth > 0 => depth -= 1,
                _ => {}
            }
            depth == 0 && matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
        };
        let word;
        (word, rest) = rest.split_at(rest.iter().position(ends).unwrap_or(rest.len()));
        (!word.is_empty()).then_some(word)
    })
}

/// Brings the arguments into one form, as postconf(1) does.
fn arguments<'a>(mut words: impl Iterator<Item = &'a [u8]>, mut complain: impl FnMut(Vec<u8>)) -> Vec<Vec<u8>> {
    let mut arguments = Vec::new();
    let mut word = words.next();
    while let Some(option) = word.filter(|word| is_option(word)) {
        // Other options may stand before the o, and the value right after it: -vo name=value, -oname=value.
        let Some(at) = option[1..].iter().position(|letter| *letter == b'o') else {
            arguments.push(option.to_vec());
            word = words.next();
            continue;
        };
        if at > 0 {
            arguments.push(option[..=at].to_vec());
        }
        arguments.push(b"-o".to_vec());
        let value = Some(&option[at + 2..]).filter(|value| !value.is_empty()).or_else(|| words.next());
        arguments.extend(value.map(|value| match value.first() {
            Some(b'{') => setting(unbraced(value, &mut complain), &mut complain),
            _ => value.to_vec(),
        }));
        word = words.next();
    }
    arguments.extend(word.into_iter().chain(words).map(|word| unbraced(word, &mut complain).to_vec()));
    arguments
}

fn is_option(word: &[u8]) -> bool {
    word.starts_with(b"-") && word != b"--"
}

/// `name = value` without blanks around the `=`.
fn setting(text: &[u8], complain: &mut impl FnMut(Vec<u8>)) -> Vec<u8> {
    match split_name_value(text) {
        Ok((name, value)) => [name, b"=", value].concat(),
        Err(reason) => {
            complain([reason.as_bytes(), b": \"", text, b"\""].concat());
            text.to_vec()
        }
    }
}

/// Takes off the braces around a word, and blanks inside them.
fn unbraced<'a>(word: &'a [u8], complain: &mut impl FnMut(Vec<u8>)) -> &'a [u8] {
    if !word.starts_with(b"{") {
        return word;
    }
    let mut depth = 0;
    let closes = |byte: &u8| {
        depth += i32::from(*byte == b'{') - i32::from(*byte == b'}');
        depth == 0
    };
    let end = word.iter().position(closes);
    match end {
        None => complain([b"missing '}' in \"", word, b"\""].concat()),
        Some(end) if end + 1 < word.len() => complain([b"syntax error after '}' in \"", word, b"\""].concat()),
        Some(_) => {}
    }
    trim(&word[1..end.unwrap_or(word.len())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn only(entry: &str) -> Service {
        let master_cf = MasterCf::parse(entry.as_bytes().to_vec());
        assert_eq!(master_cf.findings(), []);
        master_cf.services()[0].clone()
    }

    #[test]
    fn a_default_is_not_what_it_stands_for() {
        let service = only("127.0.0.1:10026 inet n - y 60? - smtpd");
        assert_eq!((service.private, service.unprivileged, service.chroot), (Some(false), None, Some(true)));
        assert_eq!((service.wakeup.as_deref(), service.maxproc), (Some(&b"60?"[..]), None));
        assert_eq!((&*service.name, service.service_type), (&b"127.0.0.1:10026"[..], ServiceType::Inet));
    }

    #[test]
    fn overrides_have_three_forms_and_end_with_the_options() {
        let service = only("a unix - - n - - smtp -v -o x=1\n  # y\n  -oy=2 -vo { z = 3  4 } arg -o no=1");
        let overrides: Vec<_> = service.overrides().collect();
        assert_eq!(overrides, [(&b"x"[..], &b"1"[..]), (b"y", b"2"), (b"z", b"3  4")]);
    }

    #[test]
    fn an_argument_in_braces_is_one() {
        let service = only("a unix - n n - - pipe user=b argv=x { c  d } {e}");
        assert_eq!(service.arguments, [&b"user=b"[..], b"argv=x", b"c  d", b"e"]);
    }

    #[test]
    fn a_bad_entry_does_not_hide_the_others() {
        let master_cf =
            MasterCf::parse(b" lost\na inet n - y -\nb inet n - x - - smtpd\nc fifo n - - - 0 d\n".to_vec());
        let names: Vec<_> = master_cf.services().iter().map(|service| (&*service.name, service.line)).collect();
        assert_eq!(names, [(&b"c"[..], 4)]);
        assert!(matches!(
            master_cf.findings(),
            [Finding::Orphan { .. }, Finding::FieldCount { line: 2 }, Finding::Field { line: 3, field: "chroot", .. }]
        ));
    }

    proptest! {
        #[test]
        fn parsing_loses_nothing(file in "([a-z]{1,4}|inet|unix|-o|[{}= \t#-]|\r?\n|\0){0,60}") {
            let bytes = file.into_bytes();
            prop_assert_eq!(MasterCf::parse(bytes.clone()).to_bytes().into_owned(), bytes);
        }

        #[test]
        fn any_bytes_are_read(file in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(MasterCf::parse(file.clone()).to_bytes().into_owned(), file);
        }
    }
}
