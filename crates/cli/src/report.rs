//! Output of a running host: text, or JSON with one object per line.

mod json;
mod limit;
mod text;

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use arp::Neighbor;
use capture::Direction;
use dissect::{TcpConversations, summarize};
use host::{Counter, DropReason, FrameOutcome, Host, HostConfig, HostInterface, HostSet};
use inet::offload::completed_bytes;
use link::{MacAddr, VlanId};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use services::{Service, Services};
use tap::linux::InterfaceName;
use tap::{Device, DeviceCounters, Frame, Instant, LinkState, Pool, PortId, Tracer};

use crate::clock::{Moment, WallClock};
use crate::color::{DIMMED, INCOMING, OUTGOING, SUCCESS, Styler, WARNING};
use crate::control::server::ControlCounts;
use crate::failure::{Failure, check_written, warn_of_lost_lines};
use crate::json::{EventObject, Mac, command_schema};
use crate::link_change::{self, LinkJson};
use crate::local_time::LocalTimeOfDay;
use crate::output::{self, HALF_CAPACITY, Output, Sink};
use crate::recorder::Recorder;
use json::HostJson;
use limit::{LineKind, LineLimits, SuppressedLines};
use text::{event_style, event_text};

/// How much of a host's events and frames is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// `ready` and the counters.
    Quiet,
    /// Events and drops too.
    Events,
    /// All frames too.
    Frames,
}

/// Prints the events, drops and frames of a host, as its [`Tracer`].
pub(crate) struct HostReport<W> {
    out: Output<W>,
    json: bool,
    level: Verbosity,
    clock: WallClock,
    styler: Styler,
    /// Source of the frame that arrived last, for the line about a drop.
    source: Option<MacAddr>,
    recorder: Option<Recorder<File>>,
    limits: LineLimits,
    /// The TCP conversations of printed frames.
    conversations: TcpConversations,
}

/// A host that is ready, or a range of such hosts.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct ReadyHosts {
    /// MAC address of the first host; the MAC addresses of the other hosts follow.
    mac: Mac,
    /// IP address of the first host; the IP addresses of the other hosts follow.
    #[schemars(with = "Ipv4Addr")]
    ip: IpAddr,
    /// Prefix length of the network or of the range, in bits.
    prefix_length: u8,
    /// Number of hosts.
    count: u64,
    /// VLAN ID, 1 to 4094; null if the hosts are untagged.
    vlan: Option<u16>,
}

/// A service that all hosts have.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct ReadyService {
    /// Name of the service: `echo`, `discard`, `daytime`, `chargen` or `http`.
    service: &'static str,
    /// Transport protocol: `udp` or `tcp`.
    protocol: &'static str,
    /// Port of the service.
    port: u16,
}

/// Time limit for writing the last lines.
const LAST_LINES_TIMEOUT: Duration = Duration::from_secs(1);

impl<W: Sink> HostReport<W> {
    pub(crate) fn new(out: W, level: Verbosity, json: bool, clock: impl Into<WallClock>) -> HostReport<W> {
        HostReport {
            out: Output::new(out),
            json,
            level,
            clock: clock.into(),
            styler: Styler::DISABLED,
            source: None,
            recorder: None,
            limits: LineLimits::default(),
            conversations: TcpConversations::default(),
        }
    }

    /// Sets the styler of text lines.
    pub(crate) fn with_styler(self, styler: Styler) -> HostReport<W> {
        HostReport { styler, ..self }
    }

    /// Sets the recorder, which captures all frames.
    pub(crate) fn with_recorder(self, recorder: Option<Recorder<File>>) -> HostReport<W> {
        HostReport { recorder, ..self }
    }

    /// Prints that all hosts are ready, and their services.
    pub(crate) fn ready(&mut self, interface: &InterfaceName, host: &Host, services: &[ReadyService]) {
        let hosts: Vec<ReadyHosts> =
            host.hosts().filter_map(|config| ReadyHosts::new(config, host)).collect();
        self.print(
            self.clock.now(),
            |styler, _| {
                let hosts: String = hosts.iter().map(ReadyHosts::text).collect();
                let services = services_text(services);
                styler.apply_to_first_word(SUCCESS, &format!("ready {interface}{hosts}{services}"))
            },
            || HostJson::ready(interface, host.config().mtu, &hosts, services),
        );
        self.flush();
    }

    /// Prints a change of the link.
    pub(crate) fn link(&mut self, now: Instant, state: LinkState) {
        let at = self.clock.moment(now);
        let line = if self.json {
            output::json(&EventObject::new(at, LinkJson::from(state)))
        } else {
            with_time(self.styler, at, &self.styler.apply_to_first_word(WARNING, &link_change::text(state)))
        };
        self.out.line(&line);
        self.flush();
    }

    /// Prints the pending events of the host.
    pub(crate) fn events(&mut self, now: Instant, host: &mut Host) {
        while let Some(event) = host.take_event() {
            let vlan = host.interface(event.interface()).and_then(HostInterface::vlan);
            let kind = LineKind::of_event(event);
            if self.level >= Verbosity::Events && kind.is_none_or(|kind| self.admits(now, kind)) {
                let text =
                    |styler: Styler| styler.apply_to_first_word(event_style(event), &event_text(event));
                self.print(
                    self.clock.moment(now),
                    |styler, at| with_time(styler, at, &text(styler)),
                    || HostJson::event(event, vlan),
                );
            }
        }
    }

    /// Prints how many lines were suppressed in the windows that ended until `ended`, or in all windows.
    pub(crate) fn suppressed(&mut self, now: Instant, ended: Option<Instant>) {
        while let Some(suppressed) = self.limits.take(ended) {
            let text = |styler: Styler| styler.apply_to_first_word(WARNING, &suppressed.text());
            self.print(
                self.clock.moment(now),
                |styler, at| with_time(styler, at, &text(styler)),
                || HostJson::suppressed(&suppressed),
            );
        }
    }

    /// Returns when [`HostReport::suppressed`] has lines to print.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.limits.deadline()
    }

    /// Whether one more line of this kind is printed. `-v` disables the limit.
    fn admits(&mut self, now: Instant, kind: LineKind) -> bool {
        self.level >= Verbosity::Frames || self.limits.admits(now, kind)
    }

    /// Prints the neighbor table, as `ip neigh` prints the kernel's.
    pub(crate) fn table(&mut self, interface: &InterfaceName, host: &Host) {
        for entry in host.arps().flat_map(|arp| arp.neighbors().list()) {
            self.print(
                self.clock.now(),
                |_, _| neighbor_row(interface, &entry),
                || HostJson::neighbor(interface, &entry),
            );
        }
        self.flush();
    }

    /// Prints the counters: all counters as JSON, counters above zero as text.
    pub(crate) fn counters(&mut self, of_host: &[Counter], device: &impl Device, pool: &Pool) {
        let mut counters = device_counters(device.counters(), pool);
        counters.extend_from_slice(of_host);
        counters.push(output_counter(self.out.lost()));
        if self.json {
            self.print(self.clock.now(), |_, _| String::new(), || HostJson::counters(&counters));
        } else {
            for counter in counters.iter().filter(|counter| counter.count > 0) {
                let dropped = if counter.is_loss { "dropped: " } else { "" };
                let Counter { layer, text, count, .. } = counter;
                self.out.line(&format!("{count:>10}  {layer}: {dropped}{text}"));
            }
        }
        self.out.flush(LAST_LINES_TIMEOUT);
    }

    /// Flushes the output, as far as the reader accepts it.
    pub(crate) fn flush(&mut self) {
        self.out.flush(Duration::ZERO);
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
    }

    /// Writes the last lines, and warns if some were lost.
    pub(crate) fn finish(&mut self) {
        warn_of_lost_lines(self.out.finish(LAST_LINES_TIMEOUT));
    }

    /// Returns the error of the output, unless the reader closed its end.
    pub(crate) fn check_written(&mut self) -> Result<(), Failure> {
        check_written(self.out.take_failure())
    }

    /// Whether the reader has not closed its end.
    pub(crate) fn has_reader(&self) -> bool {
        self.out.has_reader()
    }

    /// Prints a text line.
    pub(crate) fn print_line(&mut self, line: &str) {
        self.out.line(line);
    }

    fn print(
        &mut self,
        at: Moment,
        text: impl FnOnce(Styler, Moment) -> String,
        json: impl FnOnce() -> HostJson,
    ) {
        let line =
            if self.json { output::json(&EventObject::new(at, json())) } else { text(self.styler, at) };
        // One turn may receive several frames with long lines.
        if self.out.pending() + line.len() > HALF_CAPACITY {
            self.out.flush(Duration::ZERO);
        }
        self.out.line(&line);
    }

    /// Returns the lowest level at which a drop is printed. Frames for other stations are normal traffic, printed with
    /// the frames, and in the counters.
    fn level_of(reason: DropReason) -> Verbosity {
        let for_others = matches!(
            reason,
            DropReason::Link(link::LinkDropReason::NotLocal | link::LinkDropReason::OtherVlan)
        );
        if for_others { Verbosity::Frames } else { Verbosity::Events }
    }

    fn frame(&mut self, now: Instant, direction: Direction, frame: &Frame) {
        if self.level >= Verbosity::Frames {
            let bytes = &*completed_bytes(frame);
            let at = self.clock.moment(now);
            // JSON has the bytes of the frame instead of a summary.
            let summary = if self.json { String::new() } else { summarize(bytes, &mut self.conversations) };
            self.print(
                at,
                |styler, at| {
                    with_time(styler, at, &format!("{} {summary}", styled_direction(styler, direction)))
                },
                || HostJson::frame(direction, bytes),
            );
        }
    }
}

impl<W: Sink> Tracer<FrameOutcome> for HostReport<W> {
    fn frame_received(&mut self, now: Instant, _port: PortId, frame: &Frame) {
        if let Some(recorder) = &mut self.recorder {
            recorder.frame_received(&completed_bytes(frame));
        }
        let source = frame.bytes().get(6..12).and_then(|bytes| <[u8; 6]>::try_from(bytes).ok());
        self.source = source.map(MacAddr::new);
        self.frame(now, Direction::In, frame);
    }

    fn frame_handled(&mut self, now: Instant, port: PortId, verdict: FrameOutcome) {
        if let Some(recorder) = &mut self.recorder {
            recorder.frame_decided(now, port, verdict);
        }
        let Some(reason) = verdict.dropped() else { return };
        if self.level < Self::level_of(reason) || !self.admits(now, LineKind::of_drop(reason)) {
            return;
        }
        let source = self.source;
        self.print(
            self.clock.moment(now),
            |styler, at| {
                let from = source.map_or(String::new(), |source| format!(" from {source}"));
                let text = format!("dropped a frame{from}: {reason}");
                with_time(styler, at, &styler.apply_to_first_word(WARNING, &text))
            },
            || HostJson::dropped(source, reason),
        );
    }

    fn frame_sent(&mut self, now: Instant, port: PortId, frame: &Frame) {
        if let Some(recorder) = &mut self.recorder {
            recorder.frame_sent(now, port, &completed_bytes(frame), None);
        }
        self.frame(now, Direction::Out, frame);
    }
}

/// Returns a text line that starts with the time of day.
fn with_time(styler: Styler, at: Moment, text: &str) -> String {
    format!("{} {text}", styler.apply(DIMMED, &LocalTimeOfDay(at.wall).to_string()))
}

impl ReadyHosts {
    /// Returns a host with its address, or a range of hosts. Returns `None` if the host has no address yet.
    fn new(config: &HostConfig, host: &Host) -> Option<ReadyHosts> {
        let address = match config.addresses {
            HostSet::One(network) | HostSet::Range(network) => network,
            HostSet::LinkLocal => host.address()?,
        };
        let count = match config.addresses {
            HostSet::One(_) | HostSet::LinkLocal => 1,
            HostSet::Range(range) => {
                let bits = range.max_prefix_len().saturating_sub(range.prefix_len());
                1_u64.checked_shl(bits.into()).unwrap_or(u64::MAX)
            }
        };
        let vlan = config.vlan.map(VlanId::number);
        let (ip, prefix_length) = (address.addr(), address.prefix_len());
        Some(ReadyHosts { mac: Mac(config.mac), ip, prefix_length, count, vlan })
    }

    fn text(&self) -> String {
        let ReadyHosts { mac: Mac(mac), ip, prefix_length, vlan, .. } = self;
        let vlan = vlan.map(|vlan| format!("@{vlan}")).unwrap_or_default();
        format!(" {mac} {ip}/{prefix_length}{vlan}")
    }
}

impl From<Service> for ReadyService {
    fn from(service: Service) -> ReadyService {
        ReadyService { service: service.name, protocol: service.protocol.name(), port: service.port }
    }
}

/// Returns the services for the end of the line `ready`: ` serving echo 7/udp, discard 9/udp`.
fn services_text(services: &[ReadyService]) -> String {
    let each = services
        .iter()
        .map(|ReadyService { service, protocol, port }| format!("{service} {port}/{protocol}"));
    let all: Vec<_> = each.collect();
    if all.is_empty() { String::new() } else { format!(" serving {}", all.join(", ")) }
}

fn neighbor_row(interface: &InterfaceName, entry: &Neighbor<Ipv4Addr>) -> String {
    let mac = entry.mac.map_or(String::new(), |mac| format!(" lladdr {mac}"));
    format!("{} dev {interface}{mac} {}", entry.ip, entry.state)
}

fn device_counters(device: DeviceCounters, pool: &Pool) -> Vec<Counter> {
    let event = |name, text, count| Counter { layer: "tap", name, text, count, is_loss: false };
    let loss = |name, text, count| Counter { is_loss: true, ..event(name, text, count) };
    vec![
        event("received", "received", device.received),
        event("transmitted", "transmitted", device.transmitted),
        loss("exceeds_mtu", "longer than the MTU", device.truncated),
        loss("receive_queue_full", "kernel receive queue full", device.lost),
        loss("transmit_failed", "rejected by the interface", device.refused),
        loss("read_failed", "read failed", device.unreadable),
        event("transmit_waits", "waits for the kernel's transmit queue", device.congested),
        event("frame_waits", "waits for a free frame", pool.exhausted()),
        event("system_calls", "system calls", device.calls),
    ]
}

/// Returns the counter of lines that were not written.
fn output_counter(lost: u64) -> Counter {
    Counter {
        layer: "cli",
        name: "lines_lost",
        text: "output lines: reader too slow",
        count: lost,
        is_loss: true,
    }
}

/// Returns all counters at zero, those of services too.
fn zero_counters() -> Vec<Counter> {
    let mac = MacAddr::new([2, 0, 0, 0, 0, 0]);
    let host = Host::new(Instant::ORIGIN, &HostConfig::link_local(mac));
    let mut counters = device_counters(DeviceCounters::default(), &Pool::new(0, 0));
    counters.extend(host.iter().flat_map(Host::counters));
    counters.extend(Services::new(0, Duration::ZERO).counters());
    counters.extend(ControlCounts::default().counters());
    counters.push(output_counter(0));
    counters
}

/// Returns the schema of `tapstack host --json`.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    command_schema::<HostJson>(generator, true)
}

/// Returns the name of a direction, padded to a column as tcpdump prints it, in its color.
fn styled_direction(styler: Styler, direction: Direction) -> String {
    let (style, name) = match direction {
        Direction::In => (INCOMING, "In "),
        Direction::Out => (OUTGOING, "Out"),
    };
    styler.apply(style, name)
}

#[cfg(test)]
mod tests;
