//! What the real program says to an argument vector, and what an accepted one means.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use super::error::RequestError;
use super::getopt::Arguments;
use super::request::{Assignment, CommandLine, Edit, Manner, Mode, Narrowing, Request, Running, Selection, View, root};

fn argv(line: &str) -> impl Iterator<Item = OsString> {
    line.split_whitespace().map(|word| if word == "''" { "" } else { word }.into())
}

fn asked(line: &str) -> Result<Request, RequestError> {
    Request::from_arguments(Arguments::read(argv(line)))
}

/// All that the program would print about `line`.
fn said(line: &str) -> Vec<u8> {
    let Err(error) = asked(line) else {
        return b"accepted\n".to_vec();
    };
    let program = Arguments::read(argv(line)).program;
    let getopt_line = error.getopt_line().map(|line| [&line[..], b"\n"].concat());
    let message = format!(": fatal: {error}\n");
    [&getopt_line.unwrap_or_default(), program.as_bytes(), message.as_bytes()].concat()
}

#[test]
fn messages_are_those_of_the_real_program() {
    let table = include_str!("../../fixtures/messages/options.txt");
    let (mut vectors, mut wrong) = (0, String::new());
    for entry in table.split("\n$ ").skip(1) {
        let (line, rest) = entry.split_once('\n').unwrap();
        let expected = rest.split("\n\n#").next().unwrap().trim_end();
        let said = String::from_utf8(said(line)).unwrap();
        if said.trim_end() != expected {
            wrong += &format!("$ {line}\nexpected: {expected}\nsaid:     {said}");
        }
        vectors += 1;
    }
    assert!(vectors > 100, "only {vectors} vectors read");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn hints_about_wrong_usage() {
    let summary = "--status shows how the instances are, --check what is wrong with them, --help all options";
    let several = "with -e, select one instance at a time; otherwise -g GROUP or --match PATTERN selects several";
    let no_restart = "postfix(1) has no restart: use -p stop, and then -p start";
    for (line, hint) in [
        // No mode.
        ("postmulti", summary),
        ("postmulti -i in", summary),
        ("postmulti in", summary),
        ("postmulti ''", summary),
        ("postmulti status", "did you mean --status?"),
        ("postmulti staus", "did you mean --status?"),
        ("postmulti check", "did you mean --check?"),
        ("postmulti list", "did you mean --list?"),
        ("postmulti help", "did you mean --help?"),
        ("postmulti -v version", "did you mean --version?"),
        ("postmulti start", "did you mean -p start?"),
        ("postmulti statr", "did you mean -p start?"),
        ("postmulti start -i in", "did you mean -i in -p start?"),
        ("postmulti stop --group=mta -v", "did you mean -g mta -p stop?"),
        ("postmulti enable -ia'b", r"did you mean -i 'a'\''b' -e enable?"),
        ("postmulti enabled in", "did you mean -e enable?"),
        ("postmulti restart -i in", no_restart),
        // Letters and long names that are no options.
        ("postmulti -h", "did you mean --help?"),
        ("postmulti -?", "did you mean --help?"),
        ("postmulti -V", "did you mean --version?"),
        ("postmulti -z", "--help lists all options"),
        ("postmulti --halp", "did you mean --help?"),
        ("postmulti --statsu -i in", "did you mean --status?"),
        ("postmulti --grop=mta -l", "did you mean --group?"),
        ("postmulti --nosuch", "--help lists all options"),
        ("postmulti --e", ""),
        ("postmulti -i", ""),
        // Actions.
        ("postmulti -e start", "did you mean -p start?"),
        ("postmulti -i in -e status", "did you mean --status?"),
        ("postmulti -e creat", "did you mean -e create?"),
        ("postmulti -e restart", no_restart),
        ("postmulti -e nosuch", ""),
        // Operands.
        ("postmulti --status in", "select with -i in"),
        ("postmulti -l in out", "select with -i in"),
        ("postmulti --check -", "select with -i -"),
        ("postmulti -l a*b", "select with -i 'a*b'"),
        ("postmulti -l -- -z", ""),
        ("postmulti -l ''", ""),
        ("postmulti -e enable in", "select with -i in"),
        ("postmulti -e enable a=b", ""),
        // Options that do not go together.
        ("postmulti -l -i a -i b", several),
        ("postmulti -a -g mta -p stop", several),
        ("postmulti -jp start", "-j goes with -l, --status and --check"),
        ("postmulti -j -e init", "-j goes with -l, --status and --check"),
        ("postmulti -l -p", ""),
        ("postmulti -l --status", ""),
    ] {
        assert_eq!(asked(line).unwrap_err().hint().unwrap_or_default(), hint, "{line}");
    }
}

#[test]
fn hints_about_an_assignment_in_place_of_a_selection() {
    let hint = |line: &str| asked(line).unwrap_err().hint().unwrap_or_default();
    for action in ["-e enable", "-e disable", "-e deport", "-e destroy", "-p start", "-x true", "-l"] {
        let assigned = |option: &str| format!("postmulti {option} {action}");
        assert_eq!(hint(&assigned("-I postfix-in")), "-I assigns a name; select with -i postfix-in", "{action}");
        assert_eq!(hint(&assigned("-I a'b")), r"-I assigns a name; select with -i 'a'\''b'", "{action}");
        assert_eq!(hint(&assigned("-I -")), "-I assigns a name; select with -i -", "{action}");
    }
    assert_eq!(hint("postmulti -l -G mta"), "-G assigns a group; select with -g mta");
    let one = "-G assigns a group; -e destroy is about one instance: select it with -i";
    assert_eq!(hint("postmulti -G mta -e destroy"), one);
    // Which selects nothing.
    assert_eq!(hint("postmulti -I postfix-in -e init"), "");
}

#[test]
fn messages_show_bytes_as_postfix_logs_them_and_getopt_as_they_are() {
    let said = |argument: &[u8]| {
        let argv = ["a/pm".into(), OsString::from_vec(argument.to_vec())];
        let error = Request::from_arguments(Arguments::read(argv)).unwrap_err();
        (error.getopt_line(), error.to_string())
    };
    assert_eq!(said(b"-e\xff\xe2\x82x\xc3\xa9").1.split('.').next(), Some("Invalid '-e' edit action '???x\u{e9}'"));
    let (line, message) = said(b"-\xc3\xa9");
    assert_eq!(line.unwrap(), b"pm: invalid option -- '\xc3'");
    assert!(message.starts_with("Usage:pm -l [-v]"), "{message}");
}

/// A name that ends in a slash, or is none, is taken as it is.
#[test]
fn messages_begin_with_the_last_component_of_the_name() {
    for (argv0, name) in [("/usr/sbin/pm", "pm"), ("./pm", "pm"), ("a/b/", "a/b/"), ("''", "")] {
        assert_eq!(Arguments::read(argv(argv0)).program, name);
    }
    assert_eq!(Arguments::read([]).program, "");
}

fn command(words: &[&str]) -> CommandLine {
    CommandLine { name: words[0].into(), arguments: words[1..].iter().map(OsString::from).collect() }
}

#[test]
fn the_modes() {
    let mode = |line| asked(line).unwrap().mode;
    let running = Running::default();
    assert_eq!(mode("postmulti -l"), Mode::List { json: false, reverse: false });
    assert_eq!(mode("postmulti --list --json -R"), Mode::List { json: true, reverse: true });
    assert_eq!(mode("postmulti -RlRj"), Mode::List { json: true, reverse: false });
    assert_eq!(mode("postmulti -p start -l"), Mode::Postfix { command: command(&["start", "-l"]), running });
    assert_eq!(mode("postmulti -p -- -v"), Mode::Postfix { command: command(&["-v"]), running });
    assert_eq!(
        mode("postmulti -Rx sh -c '' -R"),
        Mode::Execute { command: command(&["sh", "-c", "", "-R"]), reverse: true, running }
    );
    let view = |json, reverse, watch| Mode::Status(View { json, reverse, watch });
    assert_eq!(mode("postmulti --status"), view(false, false, None));
    assert_eq!(mode("postmulti -jR --status --watch 2"), view(true, true, Some(Duration::from_secs(2))));
    assert_eq!(mode("postmulti -e init"), Mode::Edit(Edit::Init, Manner::default()));
    assert_eq!(mode("postmulti -e enable"), Mode::Edit(Edit::Enable, Manner::default()));
    assert_eq!(mode("postmulti -e disable"), Mode::Edit(Edit::Disable, Manner::default()));
    assert_eq!(mode("postmulti -e deport"), Mode::Edit(Edit::Deport, Manner::default()));
    assert_eq!(mode("postmulti -e destroy"), Mode::Edit(Edit::Destroy, Manner::default()));
}

#[test]
fn assignments_and_parameters() {
    let mode = |line| asked(line).unwrap().mode;
    let (a, empty) = (|| Some(OsString::from("a")), || Some(OsString::new()));
    assert_eq!(
        mode("postmulti -e assign -I a -G -"),
        Mode::Edit(Edit::Assign(Assignment { name: a(), group: empty() }), Manner::default())
    );
    assert_eq!(
        mode("postmulti --edit=create --assign-group '' x=y z"),
        Mode::Edit(
            Edit::Create {
                assignment: Assignment { name: None, group: empty() },
                parameters: vec!["x=y".into(), "z".into()],
            },
            Manner::default()
        )
    );
    assert_eq!(
        mode("postmulti -eimport -Ia"),
        Mode::Edit(
            Edit::Import { assignment: Assignment { name: a(), group: None }, parameters: vec![] },
            Manner::default()
        )
    );
}

#[test]
fn the_manner_of_a_change() {
    let manner = |line: &str| match asked(line)?.mode {
        Mode::Edit(_, manner) => Ok(manner),
        other => panic!("{other:?}"),
    };
    let seconds = |seconds| Manner { lock_timeout: Duration::from_secs(seconds), ..Manner::default() };
    assert_eq!(manner("postmulti -e init --dry-run"), Ok(Manner { dry_run: true, ..Manner::default() }));
    assert_eq!(manner("postmulti -e init --lock-timeout=0"), Ok(seconds(0)));
    for wrong in ["-1", "1.5", "x", "''"] {
        let wrong_word = if wrong == "''" { "" } else { wrong }.into();
        let error = RequestError::InvalidValue("--lock-timeout", wrong_word, "seconds");
        assert_eq!(manner(&format!("postmulti -e init --lock-timeout {wrong}")), Err(error));
    }
    let only_with_edit = |option| Some(RequestError::OnlyWith(option, "'-e'"));
    assert_eq!(asked("postmulti -l --dry-run").err(), only_with_edit("--dry-run"));
    assert_eq!(asked("postmulti --lock-timeout 1 -x true").err(), only_with_edit("--lock-timeout"));
}

#[test]
fn the_selections() {
    let selection = |line| asked(line).unwrap().selection;
    assert_eq!(selection("postmulti -l"), Selection::Unselected);
    assert_eq!(selection("postmulti -laa"), Selection::All);
    assert_eq!(selection("postmulti -lgmta"), Selection::Group("mta".into()));
    assert_eq!(selection("postmulti -i=a -l"), Selection::Name("=a".into()));
    assert_eq!(selection("postmulti -l --instance=a"), Selection::Name("a".into()));
    assert_eq!(selection("postmulti -i -- -l"), Selection::Name("--".into()));
}

#[test]
fn the_narrowings() {
    let narrowing = |line| asked(line).map(|request| request.narrowing);
    let narrowed = |pattern: Option<&str>, enabled| Ok(Narrowing { pattern: pattern.map(OsString::from), enabled });
    assert_eq!(narrowing("postmulti -l"), narrowed(None, None));
    assert_eq!(narrowing("postmulti --match=!in* -g mta -x true"), narrowed(Some("!in*"), None));
    assert_eq!(narrowing("postmulti --enabled -p --enabled status"), narrowed(None, Some(true)));
    assert_eq!(narrowing("postmulti -l --disabled --match *"), narrowed(Some("*"), Some(false)));
    assert_eq!(narrowing("postmulti -l --match a --match a"), Err(RequestError::Repeated("--match")));
    assert_eq!(narrowing("postmulti -l --enabled --disabled"), Err(RequestError::EnabledAndDisabled));
    for option in ["--match a", "--enabled", "--disabled"] {
        let message = asked(&format!("postmulti -e enable -i in {option}")).unwrap_err().to_string();
        let name = option.split(' ').next().unwrap();
        assert_eq!(
            message,
            format!("The '{name}' option is available only with '-l', '-p', '-x', '--status' or '--check'")
        );
    }
}

/// Those that fast-glob cannot read, and their neighbours that it can.
#[test]
fn match_refuses_a_malformed_pattern() {
    let nested = |depth| "{".repeat(depth) + &"}".repeat(depth);
    for malformed in
        ["[", "[]", "[!]", "in[a-", "{", "{a,b", "{[}]", "\\", "in\\", "!{", "{a{b}", &nested(11), &"{a}".repeat(11)]
    {
        let message = asked(&format!("postmulti -l --match {malformed}")).unwrap_err().to_string();
        assert_eq!(message, format!("Invalid '--match' value '{malformed}'. Specify a pattern"));
    }
    for pattern in ["[]]", "[!]]", "[[]", "a]", "}", "a}b", "{a,}", "{}", "\\[", "[\\]]", "!", "!!a", "**", &nested(10)]
    {
        let narrowing = asked(&format!("postmulti -l --match {pattern}")).unwrap().narrowing;
        assert_eq!(narrowing.pattern, Some(pattern.into()));
    }
    assert_eq!(asked("postmulti --match ''").unwrap_err(), RequestError::NoMode(Vec::new()));
}

#[test]
fn the_ways_of_running() {
    let running = |line: &str| match asked(line)?.mode {
        Mode::Postfix { running, .. } | Mode::Execute { running, .. } => Ok(running),
        other => panic!("{other:?}"),
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let all = Running { jobs: Some(8), timeout: seconds(9), prefix: true, summary: true };
    assert_eq!(running("postmulti --jobs 8 --timeout=9 --prefix -p --summary stop"), Ok(all));
    assert_eq!(running("postmulti -x --jobs 0 true --prefix"), Ok(Running { jobs: Some(0), ..Running::default() }));
    for (option, wrong, wanted) in [
        ("--jobs", "x", "a number"),
        ("--jobs", "-1", "a number"),
        ("--timeout", "1.5", "seconds, at least 1"),
        ("--timeout", "0", "seconds, at least 1"),
    ] {
        let error = RequestError::InvalidValue(option, wrong.into(), wanted);
        assert_eq!(running(&format!("postmulti {option} {wrong} -x true")), Err(error));
    }
    assert_eq!(running("postmulti -x --jobs 1 --jobs 1 true"), Err(RequestError::Repeated("--jobs")));
    for option in ["--jobs 2", "--timeout 1", "--prefix", "--summary"] {
        let name = option.split(' ').next().unwrap();
        for mode in ["-l", "-e enable -i in"] {
            let message = asked(&format!("postmulti {mode} {option}")).unwrap_err().to_string();
            assert_eq!(message, format!("The '{name}' option is available only with '-p' or '-x'"));
        }
    }
}

#[test]
fn root_is_known_before_anything_is_judged() {
    let root = |line| root(&Arguments::read(argv(line)));
    assert_eq!(root("postmulti -l -p"), Ok(None));
    assert_eq!(root("postmulti -l -p --root=/srv -z"), Ok(Some("/srv".into())));
    assert_eq!(root("postmulti -x ls --root /srv"), Ok(None));
    assert_eq!(root("postmulti --root a -v --root a"), Err(RequestError::Repeated("--root")));
    assert_eq!(asked("postmulti -l --root a").unwrap().root, Some("a".into()));
    assert_eq!(
        asked("postmulti -e nosuch --root a --root b").unwrap_err().to_string(),
        "Specify at most one '--root' option"
    );
    assert_eq!(asked("postmulti -lvv --verbose").unwrap().verbose, 3);
}
