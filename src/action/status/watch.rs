//! `--watch`: the same again and again, as things change.

use super::text;
use crate::action::ActionError;
use crate::cli::request::{Request, View};
use crate::instance::parameters::Postfix;
use crate::instance::primary::Primary;
use crate::system::log::Log;
use crate::system::process::hold_signals;
use crate::system::terminal::Terminal;
use anyhow::Result;
use std::convert::Infallible;
use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

/// Shows what there is, until a signal ends this process, or nobody reads it any more.
///
/// On a terminal the new takes the place of the old, messages included; elsewhere it follows, after an empty line, and
/// JSON follows without one. What is wrong, also with the primary's main.cf, is a message like any other: it may be mended.
pub fn watch(
    request: &Request,
    view: View,
    interval: Duration,
    mut primary: Primary,
    postfix: &Postfix,
    log: &Log,
) -> Result<Infallible> {
    let mut again = false;
    loop {
        let terminal = Terminal::on_standard_output();
        // Messages come with every look, so they are not for the mail log.
        let messages = log.keeping();
        let shown = primary.clone().again(postfix, &messages).and_then(|now| {
            primary = now.clone();
            text(request, view, now, postfix, &messages, terminal.as_ref())
        });
        let text = shown.map(|(text, _)| text).unwrap_or_else(|error| {
            messages.fatal(format!("{error:#}"));
            Vec::new()
        });
        // What is being shown is shown whole, so that no terminal is left in colour.
        let held = hold_signals();
        match terminal.filter(|_| !view.json) {
            Some(terminal) => terminal.redraw(&[text, messages.kept()].concat()),
            None => {
                log.print_kept(&messages);
                let gap: &[u8] = if again && !view.json { b"\n" } else { b"" };
                let mut output = io::stdout();
                output.write_all(&[gap, &text].concat()).and_then(|()| output.flush())
            }
        }
        .map_err(ActionError::Output)?;
        drop(held);
        again = true;
        sleep(interval);
    }
}
