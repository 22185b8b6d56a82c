//! How far it is, on a terminal.

use std::io::{self, IsTerminal};

use arptools::sweep::{Counts, Sweep};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::arguments::ScanArguments;

/// A line at the bottom of the terminal that standard error is, if it is one. What is printed goes above it.
pub(super) struct ScanProgress(Option<ProgressBar>);

/// How often it is drawn at most, in a second.
const HERTZ: u8 = 10;

impl ScanProgress {
    /// A bar, if the arguments leave room for one.
    pub(super) fn new(arguments: &ScanArguments, targets: u64, passes: u32) -> ScanProgress {
        let is_wanted = !arguments.plain && !arguments.json && !arguments.quiet;
        if !is_wanted || !io::stderr().is_terminal() {
            return ScanProgress(None);
        }
        // Without a style that can be drawn there is no bar.
        let template =
            format!("pass {{prefix}} of {passes} [{{bar:30}}] {{pos}}/{{len}} {{msg}}, {{eta}} left");
        let style = ProgressStyle::with_template(&template).map(|style| style.progress_chars("=> "));
        ScanProgress(style.ok().map(|style| {
            let target = ProgressDrawTarget::stderr_with_hz(HERTZ);
            let progress = ProgressBar::with_draw_target(Some(targets), target).with_style(style);
            progress.with_prefix("1").with_message("0 replied")
        }))
    }

    /// Shows how far it is now.
    pub(super) fn show(&self, sweep: &Sweep) {
        if let Some(progress) = &self.0 {
            let (pass, place) = sweep.progress();
            let Counts { answered, .. } = *sweep.counts();
            progress.set_prefix(pass.to_string());
            progress.set_message(format!("{answered} replied"));
            // Our own address is among those that it is past, and is none of its targets.
            progress.set_position(sweep.targets().min(place.into()));
        }
    }

    /// Does something while the line is not there.
    pub(super) fn print_above(&self, print: impl FnOnce()) {
        match &self.0 {
            Some(progress) => progress.suspend(print),
            None => print(),
        }
    }

    /// Takes it away.
    pub(super) fn end(&self) {
        if let Some(progress) = &self.0 {
            progress.finish_and_clear();
        }
    }
}
