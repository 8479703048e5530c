//! What the manual page and the README show is what happens.
//!
//! The examples are carried out one after the other, as far as they only ask postmulti to list or to change instances.

use crate::host::Host;
use std::fs;
use std::process::Command;

const PAGE: &str = include_str!("../../man/postmulti.1");
const README: &str = include_str!("../../README.md");

/// A command as it is typed, and what is then printed: `...` stands for lines that are left out.
#[derive(Debug)]
struct Example {
    command: String,
    output: Vec<String>,
}

impl Example {
    /// Those in a listing, where a prompt begins a command, and a backslash at its end continues it.
    fn all<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Example> {
        let mut examples: Vec<Example> = Vec::new();
        for line in lines {
            match (line.strip_prefix("# ").or(line.strip_prefix("$ ")), examples.last_mut()) {
                (Some(command), _) => examples.push(Example { command: command.to_owned(), output: Vec::new() }),
                (None, Some(last)) if last.command.ends_with('\\') && last.output.is_empty() => {
                    last.command = last.command.trim_end_matches('\\').to_owned() + line;
                }
                (None, Some(last)) => last.output.push(line.to_owned()),
                (None, None) => panic!("output without a command: {line}"),
            }
        }
        examples
    }

    /// Does it list or change instances, and run no command for them?
    fn concerns_instances(&self) -> bool {
        let words: Vec<&str> = self.command.split_whitespace().collect();
        let has = |option: &str| words.contains(&option);
        words[0] == "postmulti" && (has("-e") || has("-l") || has("-lj") || has("--check")) && !has("-x") && !has("-p")
    }

    /// Runs it in a shell on one host, or on another if it names a root, and checks what is printed.
    fn check(&self, host: &Host, image: &Host) {
        let script = format!(
            r#"postmulti() {{
                 if [ "$1" = --root ]; then root=$IMAGE; shift 2; else root=$HOST; fi
                 "$POSTMULTI" --root "$root" "$@" 2>&1
               }}
               {}"#,
            self.command
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).env("POSTMULTI", assert_cmd::cargo::cargo_bin("postmulti"));
        shell.env("HOST", host.path("/")).env("IMAGE", image.path("/")).env_remove("MAIL_CONFIG");
        let output = String::from_utf8(shell.output().unwrap().stdout).unwrap();
        // The commands that are recommended name the root, too.
        let root = format!(" --root {}", host.path("/").display());
        let output = output.replace(&root, "");
        let mut printed = output.lines();
        let mut skip = false;
        for line in &self.output {
            match line.as_str() {
                "..." => skip = true,
                line if skip => {
                    assert!(printed.any(|found| found == line), "{self:?} prints:\n{output}");
                    skip = false;
                }
                line => assert_eq!(printed.next(), Some(line), "{self:?} prints:\n{output}"),
            }
        }
        assert!(skip || printed.next().is_none(), "{self:?} prints:\n{output}");
    }
}

/// Runs all that can be run here; there must be some.
fn check_all(examples: &[Example], host: &Host) {
    let image = Host::as_root();
    without_secondaries(&image);
    let (here, elsewhere): (Vec<_>, Vec<_>) = examples.iter().partition(|example| example.concerns_instances());
    assert!(here.len() > 5, "only {here:?}, but not {elsewhere:?}");
    here.into_iter().for_each(|example| example.check(host, &image));
}

/// Leaves a host with its primary instance, as if it had never had another.
fn without_secondaries(host: &Host) {
    for name in ["postfix-out", "postfix-in"] {
        for directory in ["/etc", "/var/spool", "/var/lib"] {
            fs::remove_dir_all(host.path(directory).join(name)).unwrap();
        }
    }
    let main_cf = host.path("/etc/postfix/main.cf");
    let text = fs::read_to_string(&main_cf).unwrap();
    let kept: Vec<&str> = text.split_inclusive('\n').filter(|line| !line.starts_with("multi_instance_")).collect();
    fs::write(&main_cf, kept.concat()).unwrap();
}

#[test]
fn of_the_manual_page() {
    let host = Host::as_root();
    without_secondaries(&host);
    let section = PAGE.split("\n.Sh EXAMPLES\n").nth(1).unwrap().split("\n.Sh ").next().unwrap();
    let listings = section.split(".Bd -literal -offset indent\n").skip(1).flat_map(|rest| rest.split("\n.Ed").next());
    let text = listings.collect::<Vec<_>>().join("\n").replace("\\(aq", "'").replace("\\&", "").replace("\\e", "\\");
    check_all(&Example::all(text.lines()), &host);
}

#[test]
fn of_the_readme() {
    let section = README.split("\n## Making and removing instances\n").nth(1).unwrap().split("\n## ").next().unwrap();
    check_all(&Example::all(section.lines().filter_map(|line| line.strip_prefix("    "))), &Host::as_root());
}
