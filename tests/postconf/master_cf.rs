//! Generated master.cf files and the stock one, as `postconf -M`, `-F` and `-P` show them.

use super::ask::write_old;
use super::generate::{generated, master_cf::master_cf};
use super::reference::Reference;
use super::told::{printable, show};
use super::{files, in_each_root, seed};
use postmulti::config::master_cf::{Finding, MasterCf, Service, ServiceType};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const ASK: &str = r#"
cd /mnt && ls | xargs -n 10 -P 40 sh -c '
for file; do
    for form in M F P; do
        timeout 60 postconf -c /mnt/$file -$form >$file/$form 2>$file/complaints || break
    done
done; true' sh
"#;

/// Where the fields begin in the output of `postconf -M`.
const COLUMNS: [usize; 8] = [0, 11, 17, 25, 33, 41, 49, 57];

const FIELDS: [&str; 8] =
    ["service", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command"];

#[test]
fn services_and_overrides() {
    let seed = seed();
    let generated: Vec<_> = generated(master_cf(), seed, files() / 10).collect();
    in_each_root(|reference| {
        let stock = fs::read(reference.root.join("usr/share/postfix/master.cf.dist")).unwrap();
        let files = [generated.clone(), vec![stock]].concat();
        let work = tempfile::tempdir().unwrap();
        ask(reference, work.path(), &files);
        let mut refused = 0;
        let mut failures = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let parsed = MasterCf::parse(file.clone());
            refused += usize::from(is_refused(&parsed));
            if let Err(difference) = judge(&parsed, &work.path().join(number.to_string()), number) {
                failures.push(format!("{number}/master.cf: {difference}\n{}", file.escape_ascii()));
            }
        }
        println!("Postfix {}: {} files, {refused} refused", reference.version, files.len());
        if !failures.is_empty() {
            let kept = work.keep();
            let first = failures[..failures.len().min(12)].join("\n\n");
            panic!("POSTCONF_SEED={seed}: {} files differ; see {}\n{first}", failures.len(), kept.display());
        }
        assert!(refused * 2 < files.len(), "too much is refused to tell much about services");
    });
}

fn ask(reference: &Reference, work: &Path, files: &[Vec<u8>]) {
    for (number, file) in files.iter().enumerate() {
        let directory = work.join(number.to_string());
        fs::create_dir(&directory).unwrap();
        write_old(&directory.join("main.cf"), b"");
        write_old(&directory.join("master.cf"), file);
    }
    reference.run(work, ASK);
}

fn is_refused(master_cf: &MasterCf) -> bool {
    let fatal = |finding: &Finding| matches!(finding, Finding::FieldCount { .. } | Finding::Field { .. });
    master_cf.findings().iter().any(fatal)
}

fn judge(master_cf: &MasterCf, told: &Path, number: usize) -> Result<(), String> {
    let complaints = fs::read(told.join("complaints")).unwrap();
    let complaints: Vec<_> =
        complaints.split_inclusive(|byte| *byte == b'\n').map(|line| line.trim_ascii_end()).collect();
    let ours = complaints_of(master_cf, &format!("/mnt/{number}/master.cf"));
    // That a parameter is unused or undefined is no matter of the file's syntax.
    let other = |line: &&[u8]| {
        [&b": unused parameter: "[..], b": undefined parameter: ", b" text after null byte may be ignored"]
            .iter()
            .any(|about| memchr::memmem::find(line, about).is_some())
    };
    let theirs: Vec<_> = complaints.into_iter().filter(|line| !other(line)).map(<[u8]>::to_vec).collect();
    if theirs != ours {
        return Err(format!("complaints\nours:   {}\ntheirs: {}", show(&ours), show(&theirs)));
    }
    for (form, ours) in [("M", entries(master_cf)), ("F", fields(master_cf)), ("P", parameters(master_cf))] {
        let ours = if is_refused(master_cf) { Vec::new() } else { ours };
        let theirs = fs::read(told.join(form)).unwrap_or_default();
        if theirs != ours {
            return Err(format!("-{form}\nours:   {}\ntheirs: {}", show([&ours]), show([&theirs])));
        }
    }
    Ok(())
}

/// The findings in the words of Postfix, up to the first one that ends the reading.
fn complaints_of(master_cf: &MasterCf, path: &str) -> Vec<Vec<u8>> {
    let mut complaints = Vec::new();
    for finding in master_cf.findings() {
        let (complaint, fatal) = match finding {
            Finding::Orphan { text, .. } => {
                let dots: &[u8] = if text.len() > 30 { b"..." } else { b"" };
                let head = format!("warning: {path}: logical line must not start with whitespace: \"");
                ([head.as_bytes(), &text[..text.len().min(30)], dots, b"\""].concat(), false)
            }
            Finding::FieldCount { line } => {
                (format!("fatal: file {path}: line {line}: bad field count").into_bytes(), true)
            }
            Finding::Field { field, value, text, .. } => {
                let head = format!("fatal: invalid {field} field \"");
                ([head.as_bytes(), value, b"\" in \"", text, b"\""].concat(), true)
            }
            Finding::Argument { complaint, .. } => ([b"warning: master.cf: ", &complaint[..]].concat(), false),
        };
        complaints.push(printable(&[b"postconf: ", &complaint[..]].concat()));
        if fatal {
            break;
        }
    }
    complaints
}

/// An entry's fields, as they are written.
fn written(service: &Service) -> [Vec<u8>; 8] {
    let service_type = match service.service_type {
        ServiceType::Inet => "inet",
        ServiceType::Unix => "unix",
        ServiceType::UnixDgram => "unix-dgram",
        ServiceType::Fifo => "fifo",
        ServiceType::Pass => "pass",
    };
    let switch = |value: Option<bool>| value.map_or("-", |value| if value { "y" } else { "n" }).into();
    let number = |value: &Option<Vec<u8>>| value.clone().unwrap_or(b"-".to_vec());
    [
        service.name.clone(),
        service_type.into(),
        switch(service.private),
        switch(service.unprivileged),
        switch(service.chroot),
        number(&service.wakeup),
        number(&service.maxproc),
        service.command.clone(),
    ]
}

/// The arguments, each after a blank. What has blanks in it is put in braces, except, for some reason, the
/// first argument that is no option.
fn arguments(service: &Service) -> Vec<u8> {
    let mut output = Vec::new();
    let mut options = true;
    let mut arguments = service.arguments.iter();
    while let Some(argument) = arguments.next() {
        let was_option = options;
        options &= argument.starts_with(b"-") && argument != b"--";
        output.extend([b" ", &*if was_option { argument.clone() } else { braced(argument) }].concat());
        if options && argument == b"-o" {
            output.extend(arguments.next().map(|value| [b" ", &*braced(value)].concat()).unwrap_or_default());
        }
    }
    output
}

fn braced(argument: &[u8]) -> Vec<u8> {
    let blank = argument.iter().any(|byte| b" \t\r\n".contains(byte));
    if blank { [b"{", argument, b"}"].concat() } else { argument.to_vec() }
}

/// `postconf -M`
fn entries(master_cf: &MasterCf) -> Vec<u8> {
    let mut output = Vec::new();
    for service in master_cf.services() {
        let mut line = Vec::new();
        for (field, column) in written(service).iter().zip(COLUMNS) {
            if !line.is_empty() {
                line.push(b' ');
                line.resize(line.len().max(column), b' ');
            }
            line.extend(field);
        }
        output.extend([line, arguments(service), b"\n".to_vec()].concat());
    }
    output
}

/// `postconf -F`
fn fields(master_cf: &MasterCf) -> Vec<u8> {
    let mut output = Vec::new();
    for service in master_cf.services() {
        let written = written(service);
        for (name, value) in FIELDS.iter().zip(&written) {
            let arguments = if *name == "command" { arguments(service) } else { Vec::new() };
            let parts: [&[u8]; 8] = [&written[0], b"/", &written[1], b"/", name.as_bytes(), b" = ", value, &arguments];
            output.extend([&parts.concat()[..], b"\n"].concat());
        }
    }
    output
}

/// `postconf -P`: sorted by name within a service, blanks in a value run together.
fn parameters(master_cf: &MasterCf) -> Vec<u8> {
    let mut output = Vec::new();
    for service in master_cf.services() {
        let written = written(service);
        for (name, value) in service.overrides().collect::<BTreeMap<_, _>>() {
            let line = [&written[0][..], b"/", &written[1], b"/", name, b" = ", value].concat();
            let words: Vec<_> = line.split(|byte| b" \t\r\n".contains(byte)).filter(|word| !word.is_empty()).collect();
            output.extend([&words.join(&b' ')[..], b"\n"].concat());
        }
    }
    output
}
