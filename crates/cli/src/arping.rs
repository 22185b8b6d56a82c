//! `tapstack arping`: resolves, probes or announces an IP address with ARP. The output follows iputils.

pub(crate) mod arguments;
mod json;
mod text;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use arp::{Identity, Operation};
use arptools::inquiry::{Inquiry, InquiryOutcome, InquiryPlan, Purpose};
use runtime::Clock;
use schemars::{Schema, SchemaGenerator};

use crate::clock::WallClock;
use crate::color::Styler;
use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::gaps::Gaps;
use crate::json::command_schema;
use crate::output::Sink;
use crate::privileges;
use crate::probe::interface::interface_to;
use crate::probe::{ProbeDevice, Prober};
use crate::report::{HostReport, Verbosity};
use crate::shared_address::SharedAddress;
use crate::signals::{Signals, TERMINATION_SIGNALS};
use crate::values::{check_sender, special_kind};
use arguments::ArpingArguments;
use text::ArpingEvent;

/// Runs the inquiry until it is complete or a signal arrives, then prints the result.
pub(crate) fn run(arguments: &ArpingArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    check_target(arguments)?;
    let select = || interface_to(arguments.target);
    let device = ProbeDevice::open(&arguments.socket, select, &arguments.capture, clock)?;
    let plan = plan(arguments, &device)?;
    device.wait_for_carrier()?;
    // A congested device would send a packet later than captured, so the packet is refused instead.
    let prober = device.start(Inquiry::new(clock.now(), plan), arguments.vlan, Duration::ZERO)?;
    let output = ArpingOutput {
        report: HostReport::new(arguments.capture.text_output()?, Verbosity::Quiet, arguments.json, clock),
        clock,
        json: arguments.json,
        quiet: arguments.quiet,
        styler: arguments.capture.text_styler(),
    };
    let mut runner = ArpingRunner { prober, output, fails_on_conflict: arguments.fails_on_conflict() };
    // Signals are blocked last: until then, a signal must end the program while it opens a FIFO.
    let signals = Signals::take_over(&TERMINATION_SIGNALS)?;
    privileges::drop_all()?;
    let name = runner.prober.name().clone();
    runner.output.print(runner.prober.requester(), &ArpingEvent::Start { interface: &name });
    let ended = runner.run(&signals).and_then(|()| {
        let ArpingRunner { prober, output, .. } = &mut runner;
        prober.drain(|prober| output.print_replies(prober))
    });
    let gap = runner.explain_gap();
    if gap.is_some() {
        runner.prober.requester_mut().rx_blocked();
    }
    let outcome = runner.prober.requester().outcome(clock.now());
    runner.output.print(runner.prober.requester(), &ArpingEvent::Statistics(outcome));
    runner.output.report.finish();
    ended?;
    runner.output.report.check_written()?;
    verdict(&runner, outcome, gap)
}

/// Rejects targets that are not host addresses.
fn check_target(arguments: &ArpingArguments) -> Result<(), Failure> {
    let target = arguments.target;
    match special_kind(target) {
        None => Ok(()),
        Some(kind) => Err(Failure::new(format!("invalid target {target}: {kind}"))
            .hint("use the address of a host, e.g. 10.0.0.1")),
    }
}

/// Returns the plan for these arguments.
fn plan(arguments: &ArpingArguments, device: &ProbeDevice) -> Result<InquiryPlan, Failure> {
    let purpose = match arguments {
        ArpingArguments { probe: true, .. } => Purpose::Probe,
        ArpingArguments { announce: true, .. } => Purpose::Announce(Operation::REQUEST),
        ArpingArguments { answer: true, .. } => Purpose::Announce(Operation::REPLY),
        _ => Purpose::Find,
    };
    let ip = match (arguments.source_ip, purpose) {
        (Some(sender_ip), _) => sender_ip,
        (None, Purpose::Probe) => Ipv4Addr::UNSPECIFIED,
        (None, Purpose::Announce(_)) => arguments.target,
        (None, Purpose::Find) => sender_ip(arguments, device)?,
    };
    check_sender(ip).map_err(Failure::new)?;
    if purpose == Purpose::Find && ip == arguments.target {
        return Err(Failure::new(format!(
            "invalid target {ip}: a host does not answer its own ARP requests"
        ))
        .hint("use -D to detect a duplicate of this address"));
    }
    Ok(InquiryPlan {
        purpose,
        sender: Identity { ip, mac: device.mac() },
        target: arguments.target,
        count: arguments.count,
        interval: arguments.interval,
        limit: arguments.deadline,
        until_first: arguments.first,
        until_conflict: arguments.fails_on_conflict(),
        // A station that has not replied to a broadcast would receive no unicast request.
        keeps_broadcasting: arguments.broadcast || arguments.fails_on_conflict(),
    })
}

/// Returns the sender address for arguments without one.
fn sender_ip(arguments: &ArpingArguments, device: &ProbeDevice) -> Result<Ipv4Addr, Failure> {
    let target = arguments.target;
    if let Some(address) = arguments.socket.address {
        return Ok(address.addr());
    }
    device.kernel_address(target)?.ok_or_else(|| {
        let name = device.name();
        Failure::new(format!("{name} has no address in the network of {target}"))
            .hint("set the sender address with `-s IP`")
    })
}

/// A running inquiry and its output.
struct ArpingRunner<W> {
    prober: Prober<Inquiry>,
    output: ArpingOutput<W>,
    fails_on_conflict: bool,
}

/// The output of an inquiry.
struct ArpingOutput<W> {
    report: HostReport<W>,
    clock: Clock,
    json: bool,
    quiet: bool,
    styler: Styler,
}

impl<W: Sink> ArpingRunner<W> {
    /// Sends and receives until the inquiry is complete, a signal arrives or the output is closed.
    fn run(&mut self, signals: &Signals) -> Result<(), Failure> {
        // A signal may have arrived before the first packet.
        let mut has_signal = true;
        while !self.prober.is_done() && self.output.report.has_reader() {
            if has_signal && signals.next()?.is_some() {
                break;
            }
            has_signal = self.prober.step(signals)?;
            self.output.print_replies(&mut self.prober);
        }
        Ok(())
    }

    /// Returns an explanation if a reply may have been lost.
    fn explain_gap(&mut self) -> Option<ErrorMessage> {
        let refused = self.prober.requester().counts().refused;
        Gaps { refused, ..self.prober.gaps() }.explain(self.prober.name())
    }
}

impl<W: Sink> ArpingOutput<W> {
    fn print_replies(&mut self, prober: &mut Prober<Inquiry>) {
        while let Some(reply) = prober.take_reply() {
            self.print(prober.requester(), &ArpingEvent::Reply(reply));
        }
    }

    fn print(&mut self, inquiry: &Inquiry, event: &ArpingEvent<'_>) {
        if self.quiet {
            return;
        }
        let line = if self.json {
            json::line(WallClock::from(self.clock).now(), inquiry, event)
        } else {
            text::lines(self.styler, inquiry, event)
        };
        self.report.print_line(&line);
        self.report.flush();
    }
}

/// Returns the stations that replied for the target, if there are several.
fn shared_address(inquiry: &Inquiry) -> Option<SharedAddress> {
    inquiry.has_conflict().then(|| SharedAddress {
        ip: inquiry.plan().target,
        macs: inquiry.stations().iter().map(|station| station.mac).collect(),
        has_more: inquiry.has_more_stations(),
    })
}

/// Returns the exit code, or a failure if there is no result.
fn verdict<W>(
    runner: &ArpingRunner<W>,
    outcome: InquiryOutcome,
    gap: Option<ErrorMessage>,
) -> Result<ExitCode, Failure> {
    let (name, inquiry) = (runner.prober.name(), runner.prober.requester());
    let target = inquiry.plan().target;
    let no_result = |why: &str| Failure::new(format!("no result for {target}: {why}"));
    if runner.fails_on_conflict
        && let Some(shared) = shared_address(inquiry)
    {
        return Err(Failure::negative(format!("address conflict: {shared}")));
    }
    Err(match outcome {
        // A second station may have replied in a lost frame.
        InquiryOutcome::Answered
            if runner.fails_on_conflict
                && let Some(why) = gap =>
        {
            Failure::new(why.context(format!("no result for {target}")))
        }
        InquiryOutcome::Answered | InquiryOutcome::Free | InquiryOutcome::Announced => {
            return Ok(ExitCode::SUCCESS);
        }
        InquiryOutcome::NoReply | InquiryOutcome::InUse => return Ok(ExitCode::from(1)),
        InquiryOutcome::NothingSent if inquiry.counts().refused == 0 => {
            no_result("interrupted before the first packet was sent")
        }
        InquiryOutcome::NothingSent => no_result(&format!("{name} refused all frames"))
            .hint_command("show the counters of the interface", format!("ip -statistics link show {name}")),
        InquiryOutcome::Impaired => match gap {
            Some(why) => Failure::new(why.context(format!("no result for {target}"))),
            None => no_result("not all replies could be received").hint("try again"),
        },
        InquiryOutcome::Unfinished => no_result("the probe ended before it was complete")
            .hint("allow four seconds, or send fewer probes with -c"),
    })
}

/// Returns the schema of `tapstack arping --json`.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    command_schema::<json::ArpingJson>(generator, false)
}

#[cfg(test)]
mod tests;
