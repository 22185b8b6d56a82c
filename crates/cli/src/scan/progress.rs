//! Progress bar of a scan on a terminal.

use std::io::{self, IsTerminal};

use arptools::sweep::{Sweep, SweepCounts};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::arguments::ScanArguments;

/// A progress bar on standard error, if standard error is a terminal. Other output is printed above the bar.
pub(super) struct ScanProgress(Option<ProgressBar>);

/// Maximum number of redraws per second.
const HERTZ: u8 = 10;

impl ScanProgress {
    /// Creates a progress bar, which is disabled if the arguments or a missing terminal require that.
    pub(super) fn new(arguments: &ScanArguments, targets: u64, passes: u32) -> ScanProgress {
        // The bar does not disturb lines that a file receives.
        let is_data = arguments.is_plain() || arguments.json;
        let is_enabled = !arguments.quiet && (!is_data || arguments.output.is_some());
        if !is_enabled || !io::stderr().is_terminal() {
            return ScanProgress(None);
        }
        // An invalid style disables the bar.
        let template =
            format!("pass {{prefix}} of {passes} [{{bar:30}}] {{pos}}/{{len}} {{msg}}, {{eta}} left");
        let style = ProgressStyle::with_template(&template).map(|style| style.progress_chars("=> "));
        ScanProgress(style.ok().map(|style| {
            let target = ProgressDrawTarget::stderr_with_hz(HERTZ);
            let progress = ProgressBar::with_draw_target(Some(targets), target).with_style(style);
            progress.with_prefix("1").with_message("0 replied")
        }))
    }

    /// Draws the current progress.
    pub(super) fn show(&self, sweep: &Sweep) {
        if let Some(progress) = &self.0 {
            let (pass, place) = sweep.progress();
            let SweepCounts { answered, .. } = *sweep.counts();
            progress.set_prefix(pass.to_string());
            progress.set_message(format!("{answered} replied"));
            // The progress includes the sender address, which is not a target.
            progress.set_position(sweep.targets().min(place.into()));
        }
    }

    /// Calls `print` while the bar is hidden.
    pub(super) fn print_above(&self, print: impl FnOnce()) {
        match &self.0 {
            Some(progress) => progress.suspend(print),
            None => print(),
        }
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        if let Some(progress) = &self.0 {
            progress.finish_and_clear();
        }
    }
}
