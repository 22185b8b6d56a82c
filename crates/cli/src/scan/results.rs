//! The results of a scan: replies and differences as lines, on standard output or in a file.

use std::fs::File;
use std::time::Duration;

use arptools::sweep::{Sweep, SweepReply};
use link::MacAddr;
use runtime::Clock;
use tap::linux::InterfaceName;

use super::arguments::ScanArguments;
use super::compare::Comparison;
use super::event::{ReplyEvent, ScanEvent};
use super::fields::ReplyField;
use super::line_format::csv_line;
use super::stations::ScanStations;
use super::{json, text};
use crate::clock::{Moment, WallClock};
use crate::color::Styler;
use crate::failure::{Failure, check_written, warn_of_lost_lines};
use crate::names::reverse::NamedQueue;
use crate::output::Output;
use crate::result_file::ResultFile;
use crate::signals::Signals;
use crate::vendors::Vendors;

/// Time between two checks for signals while the reader of the output or a lookup of a name is slow.
const SIGNAL_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The output of a scan.
pub(super) struct ScanResults<'a> {
    arguments: &'a ScanArguments,
    clock: Clock,
    interface: InterfaceName,
    vendors: Option<Vendors>,
    stations: ScanStations,
    styler: Styler,
    /// Standard output.
    out: Output<File>,
    /// The file of `--output`, which receives everything but differences.
    file: Option<ResultFile>,
    /// Replies that wait for the names of their addresses.
    named: Option<NamedQueue<(SweepReply, Moment)>>,
    comparison: Option<Comparison>,
    /// Further replies that the file does not receive.
    not_written: u64,
}

impl<'a> ScanResults<'a> {
    /// Reads the earlier scan, then opens the file of `--output`.
    pub(super) fn open(
        arguments: &'a ScanArguments,
        clock: Clock,
        interface: InterfaceName,
        vendors: Option<Vendors>,
    ) -> Result<ScanResults<'a>, Failure> {
        let path = arguments.output_file();
        if arguments.compare.is_some()
            && path.is_none()
            && let Some(option) = arguments.option_of_replies()
        {
            return Err(Failure::new(format!("{option} has no effect with --compare alone"))
                .hint("add -o FILE for the replies"));
        }
        let comparison = arguments.compare.as_deref().map(Comparison::with_file).transpose()?;
        let file = path.map(ResultFile::open);
        Ok(ScanResults {
            arguments,
            clock,
            interface,
            vendors,
            stations: ScanStations::default(),
            styler: if file.is_some() { Styler::DISABLED } else { arguments.capture.text_styler() },
            out: Output::new(arguments.capture.text_output()?),
            file: file.transpose()?,
            named: None,
            comparison,
            not_written: 0,
        })
    }

    /// Starts the lookups of names, if they are requested. Call this function after privileges are dropped.
    pub(super) fn start_lookups(&mut self) {
        self.named = self.arguments.resolve.then(NamedQueue::start);
    }

    /// Adds an event to the output.
    pub(super) fn print(&mut self, sweep: &Sweep, event: &ScanEvent) {
        let now = WallClock::from(self.clock).now();
        let Some(line) = self.line(now, sweep, event) else { return };
        let out = match &mut self.file {
            Some(file) if !matches!(event, ScanEvent::Difference(_)) => &mut file.out,
            _ => &mut self.out,
        };
        out.line(&line);
        if out.is_half_full() {
            out.flush(Duration::ZERO);
        }
    }

    /// Adds a reply, which is printed when its name is known.
    pub(super) fn reply(&mut self, sweep: &Sweep, reply: SweepReply) {
        self.stations.add(&reply);
        let (ip, mac) = (reply.packet.sender_protocol, reply.packet.sender_hardware);
        if let Some(comparison) = &mut self.comparison {
            comparison.add(ip, mac);
            if self.file.is_none() {
                return;
            }
        }
        // --ignoredups hides duplicates, but not conflicts.
        if reply.number > 1 && reply.other_mac.is_none() && self.arguments.ignoredups {
            return;
        }
        // The text of the file is in memory, so a station must not extend the text without limit.
        if reply.number >= SweepReply::MAX_NUMBER && self.file.is_some() {
            self.not_written = self.not_written.saturating_add(1);
            return;
        }
        let at = WallClock::from(self.clock).now();
        match &mut self.named {
            Some(named) => named.push((reply, at), ip),
            None => self.print(sweep, &ScanEvent::Reply(ReplyEvent { reply, at, name: None })),
        }
    }

    /// Prints the replies with known names. Waits up to `limit` for the first name.
    pub(super) fn print_named(&mut self, sweep: &Sweep, mut limit: Duration) {
        while let Some(((reply, at), name)) = self.named.as_mut().and_then(|named| named.pop(limit)) {
            self.print(sweep, &ScanEvent::Reply(ReplyEvent { reply, at, name }));
            limit = Duration::ZERO;
        }
    }

    /// Waits for no more names, because the sweep ended early.
    pub(super) fn give_up_names(&mut self) {
        self.named.iter_mut().for_each(NamedQueue::give_up);
    }

    /// Waits for all names. After a signal, the other replies are printed without names.
    pub(super) fn finish_names(&mut self, sweep: &Sweep, signals: &Signals) -> Result<(), Failure> {
        while self.named.as_ref().is_some_and(|named| !named.is_empty()) {
            if signals.is_pending()? {
                self.give_up_names();
            }
            self.print_named(sweep, SIGNAL_CHECK_INTERVAL);
            self.out.drain_to(0, signals)?;
        }
        if let Some(error) = self.named.as_ref().and_then(NamedQueue::error) {
            Failure::new(format!("not all names were looked up: {error}")).print();
        }
        Ok(())
    }

    /// Prints the differences from the earlier scan. Returns their number.
    pub(super) fn print_differences(
        &mut self,
        sweep: &Sweep,
        is_complete: bool,
        signals: &Signals,
    ) -> Result<Option<usize>, Failure> {
        let Some(comparison) = &self.comparison else { return Ok(None) };
        let (differences, unrequested, uncounted) = (
            comparison.differences(sweep, is_complete),
            comparison.unrequested(sweep),
            comparison.uncounted(),
        );
        let count = differences.len();
        for difference in differences {
            self.print(sweep, &ScanEvent::Difference(difference));
            if self.out.is_half_full() {
                self.out.drain_to(0, signals)?;
            }
        }
        if unrequested > 0 {
            let hosts = if unrequested == 1 { "host" } else { "hosts" };
            Failure::new(format!("ignored {unrequested} {hosts} of the earlier scan: not among the targets"))
                .print();
        }
        if uncounted > 0 {
            let replies = if uncounted == 1 { "reply" } else { "replies" };
            Failure::new(format!(
                "ignored {uncounted} {replies} in the comparison: the address has 16 other stations"
            ))
            .print();
        }
        Ok(Some(count))
    }

    /// The stations that replied.
    pub(super) fn stations(&self) -> &ScanStations {
        &self.stations
    }

    /// Whether nothing should be sent, because the output or the lookups are slow.
    pub(super) fn is_busy(&self) -> bool {
        self.out.is_half_full() || self.named.as_ref().is_some_and(NamedQueue::is_full)
    }

    /// Waits for the lookups or the reader for a short time.
    pub(super) fn wait(&mut self, sweep: &Sweep) {
        if self.named.as_ref().is_some_and(NamedQueue::is_full) {
            self.print_named(sweep, SIGNAL_CHECK_INTERVAL);
        } else {
            self.out.flush(SIGNAL_CHECK_INTERVAL);
        }
    }

    /// Whether lines wait for standard output.
    pub(super) fn has_pending(&self) -> bool {
        self.out.pending() > 0
    }

    /// Writes to standard output until the reader accepts nothing.
    pub(super) fn flush(&mut self) {
        self.out.flush(Duration::ZERO);
    }

    /// Whether standard output has a reader.
    pub(super) fn has_reader(&self) -> bool {
        self.out.has_reader()
    }

    /// Writes all lines to standard output, unless a signal arrives.
    pub(super) fn finish(&mut self, signals: &Signals) -> Result<(), Failure> {
        self.out.drain_to(0, signals)?;
        warn_of_lost_lines(self.out.finish(Duration::ZERO));
        Ok(())
    }

    /// Returns the failure of a write to standard output.
    pub(super) fn check_written(&mut self) -> Result<(), Failure> {
        check_written(self.out.take_failure())
    }

    /// Replaces the content of the file of `--output`, because the scan has a result.
    pub(super) fn save(self) -> Result<(), Failure> {
        if self.not_written > 0 {
            let (count, replies) =
                (self.not_written, if self.not_written == 1 { "reply" } else { "replies" });
            let maximum = SweepReply::MAX_NUMBER;
            Failure::new(format!("{count} {replies} not written: an address had {maximum} or more replies"))
                .print();
        }
        self.file.map_or(Ok(()), ResultFile::commit)
    }

    /// Returns the line or lines of an event.
    fn line(&self, now: Moment, sweep: &Sweep, event: &ScanEvent) -> Option<String> {
        let vendor = |mac: MacAddr| self.vendors.as_ref().and_then(|vendors| vendors.name(mac));
        let at = if let ScanEvent::Reply(reply) = event { reply.at } else { now };
        let arguments = self.arguments;
        let is_line = matches!(event, ScanEvent::Reply(_) | ScanEvent::Difference(_));
        if arguments.json {
            return Some(json::line(at, &self.interface, (sweep, &self.stations), vendor, event));
        }
        match event {
            ScanEvent::Start if arguments.csv => {
                Some(csv_line(ReplyField::ALL.map(|field| field.name().to_owned())))
            }
            ScanEvent::Reply(reply) if arguments.csv || arguments.format.is_some() => {
                let vendor = vendor(reply.reply.packet.sender_hardware);
                let value = |field: ReplyField| field.value(reply, vendor);
                let csv = || csv_line(ReplyField::ALL.map(value));
                Some(arguments.format.as_ref().map_or_else(csv, |format| format.line(value)))
            }
            _ if arguments.is_plain() && !is_line => None,
            _ => {
                let vendors = self.vendors.as_ref().map(|_| vendor);
                let sweep = (sweep, &self.stations);
                Some(text::lines(self.styler, arguments.resolve, &self.interface, sweep, vendors, event))
            }
        }
    }
}

#[cfg(test)]
mod tests;
