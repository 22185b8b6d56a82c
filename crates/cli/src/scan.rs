//! `tapstack scan`: scans networks and ranges for hosts with ARP. The output follows arp-scan.

pub(crate) mod arguments;
mod compare;
mod event;
mod fields;
mod json;
mod line_format;
mod progress;
mod results;
mod stations;
mod targets;
mod text;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use arp::Identity;
use arptools::sweep::{Sweep, SweepOutcome, SweepPlan, TargetRanges};
use indicatif::HumanDuration;
use ipnet::Ipv4Net;
use runtime::Clock;
use schemars::{Schema, SchemaGenerator};
use tap::Instant;
use tap::linux::InterfaceName;

use crate::clock::WallClock;
use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::gaps::Gaps;
use crate::json::command_schema;
use crate::privileges;
use crate::probe::interface::{interface_to_ranges, local_interface};
use crate::probe::{ProbeDevice, Prober};
use crate::shared_address::FailOnConflict;
use crate::signals::{Signals, TERMINATION_SIGNALS};
use crate::values::check_sender;
use crate::vendors::Vendors;
use arguments::ScanArguments;
use event::ScanEvent;
use progress::ScanProgress;
use results::ScanResults;
use stations::ScanStations;

/// Time to wait for a congested device. Frames that the device has not accepted by then are counted as refused.
const CONGESTION_TIMEOUT: Duration = Duration::from_secs(1);
/// Reason of a missing result.
const INTERRUPTED: &str = "interrupted before the scan was complete";

/// Runs the scan until it is complete or a signal arrives, then prints the result.
pub(crate) fn run(arguments: &ScanArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let excluded = &arguments.exclude;
    let (device, ranges) = if arguments.localnet {
        let device = open(arguments, clock, local_interface)?;
        let ranges = targets::ranges_of_network(local_network(arguments, &device)?, excluded)?;
        (device, ranges)
    } else {
        let ranges = targets::ranges(&arguments.targets, arguments.file.as_deref(), excluded)?;
        (open(arguments, clock, || interface_to_ranges(&ranges))?, ranges)
    };
    let plan = plan(arguments, &device, &ranges, clock)?;
    let vendors = vendors(arguments)?;
    device.wait_for_carrier()?;
    let results = ScanResults::open(arguments, clock, device.name().clone(), vendors)?;
    let sweep = Sweep::new(clock.now(), plan, ranges);
    if let Some(warning) = duration_warning(max_duration(sweep.plan(), sweep.targets())) {
        warning.print();
    }
    let mut runner = ScanRunner {
        progress: ScanProgress::new(arguments, sweep.targets(), sweep.plan().passes),
        began: clock.now(),
        prober: device.start(sweep, arguments.vlan, CONGESTION_TIMEOUT)?,
        results,
        arguments,
    };
    // Signals are blocked last: until then, a signal must end the program while it reads ranges from standard input.
    let signals = Signals::take_over(&TERMINATION_SIGNALS)?;
    privileges::drop_all()?;
    runner.results.start_lookups();
    runner.results.print(runner.prober.requester(), &ScanEvent::Start);
    runner.flush();
    let swept = runner.sweep(&signals);
    if !runner.prober.is_done() {
        runner.results.give_up_names();
    }
    let ended = swept.and_then(|()| runner.drain());
    let (outcome, gap) = runner.end();
    let (elapsed, lost) = (clock.now().since(runner.began), runner.prober.gaps().lost);
    let (sweep, results) = (runner.prober.requester(), &mut runner.results);
    results.finish_names(sweep, &signals)?;
    let is_complete = sweep.is_complete() && gap.is_none();
    let differences = results.print_differences(sweep, is_complete, &signals)?;
    results.print(sweep, &ScanEvent::Statistics { outcome, elapsed, lost, differences });
    results.finish(&signals)?;
    ended?;
    results.check_written()?;
    let has_conflict = runner.fails_on_conflict() && sweep.counts().contested > 0;
    let unsaved = runner.explain_unsaved(outcome, gap.as_ref());
    let code = match differences {
        Some(differences) if !has_conflict && !is_failure(outcome) => {
            comparison_verdict(runner.prober.requester(), differences, gap)
        }
        _ => verdict(&runner, outcome, gap),
    };
    // A conflict is a result.
    if code.as_ref().map_or_else(Failure::is_negative, |_| true) {
        match unsaved {
            None => runner.results.save()?,
            // The conflict is known although other replies may be missing.
            Some(why) if code.is_err() => why.print(),
            Some(why) => return Err(why),
        }
    }
    code
}

/// Opens the device. `select` returns the interface if the arguments name none.
fn open(
    arguments: &ScanArguments,
    clock: Clock,
    select: impl FnOnce() -> Result<InterfaceName, Failure>,
) -> Result<ProbeDevice, Failure> {
    ProbeDevice::open(&arguments.socket, select, &arguments.capture, clock)
}

/// Returns the network of the sender address.
fn local_network(arguments: &ScanArguments, device: &ProbeDevice) -> Result<Ipv4Net, Failure> {
    if let Some(address) = arguments.socket.address {
        return Ok(address);
    }
    device.interface().addresses()?.into_iter().next().ok_or_else(|| {
        let name = device.name();
        Failure::new(format!("{name} has no IPv4 address, so its network is unknown"))
            .hint(format!("set both: `scan -I {name} -s 10.0.0.2 10.0.0.0/24`"))
    })
}

/// Returns the plan for these arguments.
fn plan(
    arguments: &ScanArguments,
    device: &ProbeDevice,
    ranges: &TargetRanges,
    clock: Clock,
) -> Result<SweepPlan, Failure> {
    let ip = sender_ip(arguments, device, ranges)?;
    check_sender(ip).map_err(Failure::new)?;
    let seed = u64::try_from(WallClock::from(clock).origin().as_nanos()).unwrap_or_default();
    Ok(SweepPlan {
        sender: Identity { ip, mac: device.mac() },
        passes: arguments.retry,
        timeout: arguments.timeout,
        backoff: arguments.backoff,
        interval: arguments.pace(),
        limit: arguments.limit,
        seed: arguments.random.then_some(seed),
    })
}

/// Returns the maximum duration of a scan: the duration without any reply.
fn max_duration(plan: &SweepPlan, targets: u64) -> Duration {
    let pass = plan.interval.saturating_mul(u32::try_from(targets).unwrap_or(u32::MAX));
    let waits = (0..plan.passes).map(f64::from).map(|pass| plan.backoff.powf(pass));
    let waits = Duration::try_from_secs_f64(plan.timeout.as_secs_f64() * waits.sum::<f64>());
    pass.saturating_mul(plan.passes).saturating_add(waits.unwrap_or(Duration::MAX))
}

/// Returns a warning if a scan takes minutes.
fn duration_warning(max_duration: Duration) -> Option<Failure> {
    const LONG: Duration = Duration::from_mins(3);
    const YEAR: Duration = Duration::from_hours(365 * 24);
    (max_duration > LONG).then(|| {
        let time = if max_duration > YEAR {
            "more than a year".to_owned()
        } else {
            format!("up to {}", HumanDuration(max_duration))
        };
        Failure::new(format!("this scan takes {time}"))
            .hint("use a higher --rate or fewer --retry to shorten it")
    })
}

/// Returns the sender address: from the arguments, or the kernel's address in the most specific network that overlaps a
/// target.
fn sender_ip(
    arguments: &ScanArguments,
    device: &ProbeDevice,
    ranges: &TargetRanges,
) -> Result<Ipv4Addr, Failure> {
    if let Some(address) = arguments.arpspa.or(arguments.socket.address.map(|address| address.addr())) {
        return Ok(address);
    }
    let addresses = device.interface().addresses()?;
    let near = ranges.iter().find_map(|range| {
        let overlaps = |own: &&Ipv4Net| own.network() <= *range.end() && *range.start() <= own.broadcast();
        addresses.iter().filter(overlaps).max_by_key(|own| own.prefix_len())
    });
    near.map(Ipv4Net::addr).ok_or_else(|| {
        let name = device.name();
        Failure::new(format!("{name} has no address in a network to scan"))
            .hint("set the sender address with `-s IP`")
    })
}

/// Returns the vendor names, or `None` if they are not printed.
fn vendors(arguments: &ScanArguments) -> Result<Option<Vendors>, Failure> {
    let vendors = match &arguments.ouifile {
        _ if arguments.quiet => return Ok(None),
        Some(path) => Vendors::from_file(path)?,
        None => Vendors::installed(),
    };
    if vendors.invalid_lines() > 0 {
        let bad = vendors.invalid_lines();
        let lines = if bad == 1 { "line" } else { "lines" };
        Failure::new(format!("ignored {bad} invalid {lines} in the vendor file")).print();
    }
    if vendors.is_empty() && !arguments.is_plain() && !arguments.json {
        Failure::new("no vendor file is installed")
            .hint_command("install one", "sudo apt install ieee-data")
            .hint("or use `-O FILE`")
            .print();
    }
    Ok(Some(vendors))
}

/// A running sweep and its output.
struct ScanRunner<'a> {
    prober: Prober<Sweep>,
    results: ScanResults<'a>,
    arguments: &'a ScanArguments,
    progress: ScanProgress,
    began: Instant,
}

/// Prints the replies that the sweep has received.
fn take_replies(prober: &mut Prober<Sweep>, results: &mut ScanResults<'_>) {
    while let Some(reply) = prober.take_reply() {
        results.reply(prober.requester(), reply);
    }
    results.print_named(prober.requester(), Duration::ZERO);
}

impl ScanRunner<'_> {
    /// Sends and receives until the sweep is complete, a signal arrives or the output is closed.
    fn sweep(&mut self, signals: &Signals) -> Result<(), Failure> {
        // A signal may have arrived before the first packet.
        let mut has_signal = true;
        while !self.prober.is_done() && self.results.has_reader() {
            if has_signal && signals.next()?.is_some() {
                break;
            }
            // So that a slow reader loses no lines, nothing is sent while the buffer is more than half full.
            if self.results.is_busy() {
                let (progress, results, sweep) = (&self.progress, &mut self.results, self.prober.requester());
                progress.print_above(|| results.wait(sweep));
                has_signal = true;
                continue;
            }
            has_signal = self.prober.step(signals)?;
            take_replies(&mut self.prober, &mut self.results);
            self.flush();
            self.progress.show(self.prober.requester());
        }
        Ok(())
    }

    /// Receives the frames that are already queued.
    fn drain(&mut self) -> Result<(), Failure> {
        let ScanRunner { prober, results, .. } = self;
        prober.drain(|prober| take_replies(prober, results))
    }

    /// Returns an explanation if replies may have been lost.
    fn explain_gap(&mut self) -> Option<ErrorMessage> {
        let refused = self.prober.requester().counts().refused;
        let gaps = Gaps { refused, ..self.prober.gaps() };
        gaps.explain_with(self.prober.name(), "scan again at a lower --rate")
    }

    /// Ends the sweep. Queued requests that were not sent are counted as refused.
    fn end(&mut self) -> (SweepOutcome, Option<ErrorMessage>) {
        self.progress.end();
        self.prober.stop();
        let gap = self.explain_gap();
        if gap.is_some() {
            self.prober.requester_mut().rx_blocked();
        }
        (self.prober.requester().outcome(), gap)
    }

    /// Returns a failure if there is a file of `--output` and the scan must not replace its content, because replies may be
    /// missing.
    fn explain_unsaved(&self, outcome: SweepOutcome, gap: Option<&ErrorMessage>) -> Option<Failure> {
        let file = self.arguments.output_file()?;
        let is_limited = self.arguments.limit.is_some() && outcome == SweepOutcome::Found;
        let is_whole = is_limited || self.prober.requester().is_complete();
        let why = gap.cloned().or_else(|| (!is_whole).then(|| ErrorMessage::new(INTERRUPTED)))?;
        Some(Failure::new(why.context(format!("did not write {}", file.display()))))
    }

    /// Whether a conflict is a failure.
    fn fails_on_conflict(&self) -> bool {
        self.arguments.fail_on == Some(FailOnConflict::Conflict)
    }

    /// Writes the output until the reader accepts nothing.
    fn flush(&mut self) {
        if self.results.has_pending() {
            let results = &mut self.results;
            self.progress.print_above(|| results.flush());
        }
    }
}

/// Whether a scan with this outcome has no result, whether hosts replied or not.
fn is_failure(outcome: SweepOutcome) -> bool {
    !matches!(outcome, SweepOutcome::Found | SweepOutcome::BelowLimit | SweepOutcome::NoReply)
}

/// Returns the exit code of `--compare`, or a failure if the scan is not complete.
fn comparison_verdict(
    sweep: &Sweep,
    differences: usize,
    gap: Option<ErrorMessage>,
) -> Result<ExitCode, Failure> {
    let failed = "no result of the comparison";
    match gap {
        Some(why) => Err(Failure::new(why.context(failed))),
        None if !sweep.is_complete() => Err(Failure::new(format!("{failed}: {INTERRUPTED}"))),
        None => Ok(ExitCode::from(u8::from(differences > 0))),
    }
}

/// Returns the exit code, or a failure if there is no result.
fn verdict(
    runner: &ScanRunner<'_>,
    outcome: SweepOutcome,
    gap: Option<ErrorMessage>,
) -> Result<ExitCode, Failure> {
    let (name, sweep) = (runner.prober.name(), runner.prober.requester());
    let no_result = |why: &str| Failure::new(format!("no result of the scan: {why}"));
    let fails_on_conflict = runner.fails_on_conflict();
    if fails_on_conflict && let Some(message) = conflict_message(sweep, runner.results.stations()) {
        return Err(Failure::negative(message));
    }
    Err(match outcome {
        // A second station may have replied in a lost frame, or might have replied later.
        SweepOutcome::Found if fails_on_conflict && let Some(why) = gap => {
            Failure::new(why.context("no result of the scan"))
        }
        SweepOutcome::Found if fails_on_conflict && !sweep.is_complete() => no_result(INTERRUPTED),
        SweepOutcome::Found => {
            // With --output, there is a failure with the same reason.
            if let Some(why) = gap.filter(|_| runner.arguments.output_file().is_none()) {
                Failure::new(why.context("hosts may be missing from the result")).print();
            }
            return Ok(ExitCode::SUCCESS);
        }
        SweepOutcome::BelowLimit | SweepOutcome::NoReply => return Ok(ExitCode::from(1)),
        SweepOutcome::NothingSent if sweep.targets() == 0 => Failure::new(format!(
            "the only target, {}, is the sender address of the scan",
            sweep.plan().sender.ip
        ))
        .hint("scan other addresses"),
        SweepOutcome::NothingSent if sweep.counts().refused == 0 => {
            no_result("interrupted before the first packet was sent")
        }
        SweepOutcome::NothingSent => no_result(&format!("{name} refused all frames"))
            .hint_command("show the counters of the interface", format!("ip -statistics link show {name}")),
        SweepOutcome::Impaired => match gap {
            Some(why) => Failure::new(why.context("no result of the scan")),
            None => no_result("not all replies could be received").hint("try again"),
        },
        SweepOutcome::Unfinished => no_result(INTERRUPTED),
    })
}

/// Returns the message for IP addresses with several stations, or `None` without such an address.
fn conflict_message(sweep: &Sweep, stations: &ScanStations) -> Option<String> {
    let shared = stations.shared().next()?;
    Some(match sweep.counts().contested.saturating_sub(1) {
        0 => format!("address conflict: {shared}"),
        1 => format!("address conflicts: {shared}; and 1 more address"),
        more => format!("address conflicts: {shared}; and {more} more addresses"),
    })
}

/// Returns the schema of `tapstack scan --json`.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    command_schema::<json::ScanJson<'_>>(generator, false)
}

#[cfg(test)]
mod tests;
