//! The line that tells whoever sits at a terminal how far it is.

use crate::system::terminal::moves;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Of so few instances nobody needs to be told.
const FEW: usize = 4;

/// A line at the bottom of the terminal on stderr; nothing anywhere else.
#[derive(Debug)]
pub struct Progress {
    is_wanted: bool,
    shown: Option<ProgressBar>,
}

impl Progress {
    pub fn new(instances: usize) -> Progress {
        Progress { is_wanted: instances > FEW && moves() && !ProgressDrawTarget::stderr().is_hidden(), shown: None }
    }

    /// Shows this line; it is cut where the terminal ends.
    pub fn show(&mut self, text: impl FnOnce() -> String) {
        if !self.is_wanted {
            return;
        }
        let line = self.shown.get_or_insert_with(|| {
            let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            line.with_style(ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        let text = text();
        if line.message() != text {
            line.set_message(text);
            line.force_draw();
        }
    }

    /// Takes it away, so that something else can be printed.
    pub fn hide(&mut self) {
        if let Some(line) = self.shown.take() {
            line.finish_and_clear();
        }
    }
}
