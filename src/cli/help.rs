//! What is answered without looking at any instance: `--help`, `--version`, `--completions`.

use std::ffi::OsStr;

use clap::{Arg, ArgAction, Command, ValueHint};
use clap_complete::Shell;

use super::error::RequestError;
use super::getopt::{Arguments, Given};
use super::options::{ACTIONS, Opt, Row, SHELLS, TABLE};

/// What is answered without looking at any instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Information {
    Help,
    Version,
    Completions(Shell),
}

impl Information {
    /// What the arguments ask to be told, if they do: the first such option, whatever else is right or wrong with them.
    pub fn from_arguments(arguments: &Arguments) -> Result<Option<Information>, RequestError> {
        let asked = |given: &Given| match given.opt {
            Opt::Help => Some(Ok(Information::Help)),
            Opt::Version => Some(Ok(Information::Version)),
            Opt::Completions => Some(shell(&given.value).map(Information::Completions)),
            _ => None,
        };
        arguments.options.iter().find_map(asked).transpose()
    }

    /// The text to be printed on stdout. That of help is at most 80 columns wide.
    pub fn text(self) -> Vec<u8> {
        match self {
            Information::Help => command().render_help().to_string().into_bytes(),
            Information::Version => command().render_version().into_bytes(),
            Information::Completions(shell) => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut command(), "postmulti", &mut script);
                script
            }
        }
    }
}

fn shell(typed: &OsStr) -> Result<Shell, RequestError> {
    let shell = SHELLS.into_iter().find(|(name, _)| typed == *name);
    shell.map(|(_, shell)| shell).ok_or_else(|| RequestError::InvalidShell(typed.to_owned()))
}

const USAGE: &str = "\
postmulti -l [-jRv] [SELECTION]
       postmulti --status [-jRv] [--watch SECONDS] [SELECTION]
       postmulti -p [-v] [SELECTION] [RUNNING] COMMAND [ARGUMENT]...
       postmulti -x [-Rv] [SELECTION] [RUNNING] COMMAND [ARGUMENT]...
       postmulti --check [-j] [SELECTION]
       postmulti -e init
       postmulti -e create|import [-a | -g GROUP | -i NAME] [-I NAME] [-G GROUP]
                 [PARAMETER=VALUE]...
       postmulti -e ACTION -i NAME [-I NAME] [-G GROUP]";

const TEMPLATE: &str = "{usage-heading} {usage}\n\n{about}\n\n{all-args}{after-help}\n";

const ABOUT: &str = "\
List, start, stop and manage several Postfix instances on one host. Options end
at the first operand, or at '--': what follows belongs to COMMAND.";

const AFTER_HELP: &str = "\
Actions of -e:
  init             Let postfix(1) serve all instances: once, before the others
  create           Make a new instance, disabled
  import, deport   Put an existing instance on the list, take it off the list
  enable, disable  Let 'start' start the instance, or not
  assign           Change its name or group
  destroy          Remove a disabled instance that is stopped and has no mail
  With create and import a selection is the place in the list: before the first
  instance that it matches, else at the end. All the others but init want
  '-i NAME'. PARAMETER is config_directory, queue_directory or data_directory.

Examples:
  postmulti -l                              All instances
  postmulti -lj -g mta                      Those of group mta, as JSON
  postmulti --status --watch 2              What runs, and what mail waits
  postmulti --check                         Is anything wrong?
  postmulti -p start                        Start all that are enabled
  postmulti -i postfix-out -p stop          Stop one
  postmulti -g mta -x postqueue -p          A command for each of a group
  postmulti -I postfix-new -e create        Make an instance
  postmulti -i new -e enable --dry-run      What would change, as a diff
  postmulti -x sh -c 'echo \"$queue_directory\"'

Exit status:
  0  All went well.
  1  Wrong usage, a broken configuration, a refusal, or a command failed;
     --check found an error or a warning.
  3  An enabled instance does not run (with --status).
  With '-i NAME -x' it is COMMAND's own; 128+N if signal N killed it.

The manual page postmulti(1) tells the rest.";

/// The table as clap's command: for help and completions only, never to parse.
pub fn command() -> Command {
    // The operands are there for the completions: what follows -x is a command.
    let operands =
        Arg::new("operand").hide(true).num_args(0..).trailing_var_arg(true).value_hint(ValueHint::CommandWithArguments);
    Command::new("postmulti")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .override_usage(USAGE)
        .help_template(TEMPLATE)
        .after_help(AFTER_HELP)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(TABLE.iter().map(argument))
        .arg(operands)
}

fn argument(row: &Row) -> Arg {
    let action = match (row.opt, row.value) {
        (Opt::Verbose, _) => ArgAction::Count,
        (_, None) => ArgAction::SetTrue,
        (_, Some(_)) => ArgAction::Set,
    };
    let arg = Arg::new(row.long)
        .long(row.long)
        .short(row.short)
        .value_name(row.value)
        .action(action)
        .help(row.help)
        .help_heading(row.heading);
    match row.opt {
        Opt::Edit => named(arg, ACTIONS.map(|(name, _)| name)),
        Opt::Completions => named(arg, SHELLS.map(|(name, _)| name)),
        Opt::Instance | Opt::Root => arg.value_hint(ValueHint::DirPath),
        Opt::Group | Opt::Match | Opt::AssignName | Opt::AssignGroup | Opt::Jobs | Opt::Timeout => {
            arg.value_hint(ValueHint::Other)
        }
        _ => arg,
    }
}

/// Gives `arg` the values that completions offer; help tells them in its own words.
fn named<const N: usize>(arg: Arg, names: [&'static str; N]) -> Arg {
    arg.value_parser(names).hide_possible_values(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &str) -> Result<Option<Information>, RequestError> {
        Information::from_arguments(&Arguments::read(words.split_whitespace().map(Into::into)))
    }

    fn text(information: Information) -> String {
        String::from_utf8(information.text()).unwrap()
    }

    #[test]
    fn information_wins_wherever_it_was_read() {
        assert_eq!(asked("postmulti -l -p --help"), Ok(Some(Information::Help)));
        assert_eq!(asked("postmulti --version -z"), Ok(Some(Information::Version)));
        assert_eq!(asked("postmulti --version --help"), Ok(Some(Information::Version)));
        assert_eq!(asked("postmulti -e x --comp=zsh"), Ok(Some(Information::Completions(Shell::Zsh))));
        assert_eq!(asked("postmulti -z --help"), Ok(None));
        assert_eq!(asked("postmulti -x ls --help"), Ok(None));
        assert_eq!(asked("postmulti -i --help"), Ok(None));
    }

    #[test]
    fn an_unknown_shell_is_named() {
        assert_eq!(
            asked("postmulti --completions ksh").unwrap_err().to_string(),
            "Invalid '--completions' shell 'ksh'. Specify 'bash', 'zsh' or 'fish'"
        );
    }

    #[test]
    fn clap_finds_no_fault_with_the_table() {
        command().debug_assert();
    }

    #[test]
    fn help_names_everything_and_fits_80_columns() {
        let help = text(Information::Help);
        let options = TABLE.iter().map(|row| format!("--{}", row.long));
        for name in options.chain(ACTIONS.map(|(name, _)| name.to_owned())) {
            assert!(help.contains(&name), "{name} is missing in:\n{help}");
        }
        for line in help.lines() {
            assert!(line.len() <= 80, "too wide: {line}");
            assert_eq!(line, line.trim_end());
        }
        assert!(help.ends_with("rest.\n"));
    }

    #[test]
    fn version_is_one_line() {
        assert_eq!(text(Information::Version), format!("postmulti {}\n", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn completions_name_every_option() {
        for (name, shell) in SHELLS {
            let script = text(Information::Completions(shell));
            for row in &TABLE {
                assert!(script.contains(row.long), "{name}: no --{}", row.long);
            }
        }
    }
}
