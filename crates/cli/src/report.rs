//! What a command prints while a host runs: for people, or as JSON, one object a line.

mod json;
mod limit;
mod sentence;

use std::fmt;
use std::fs::File;
use std::net::Ipv4Addr;
use std::time::Duration;

use arp::Neighbor;
use capture::Direction;
use dissect::summarize;
use host::{Counter, DropReason, FrameOutcome, Host, HostConfig, HostSet, Tracer};
use ipnet::Ipv4Net;
use link::{MacAddr, VlanId};
use serde::Serialize;
use tap::linux::InterfaceName;
use tap::{Counters, Device, Instant, LinkState, Pool};

use crate::color::{FAINT, GOOD, IN, OUT, Paint, WARNING};
use crate::failure::{Failure, check_written, warn_of_lost_lines};
use crate::link_change::{self, LinkChange};
use crate::output::{Output, Sink, json};
use crate::recorder::Recorder;
use json::Line;
use limit::{Kind, LineLimits, Suppressed};
use sentence::sentence;

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// `ready` and the counters.
    Quiet,
    /// What was learned, what moved, what was dropped and why.
    Events,
    /// Every frame too.
    Frames,
}

/// Prints what happens. It is the host's [`Tracer`].
pub(crate) struct Report<W> {
    out: Output<W>,
    json: bool,
    level: Level,
    paint: Paint,
    /// Who sent the frame that arrived last, for the sentence about a drop.
    source: Option<MacAddr>,
    recorder: Option<Recorder<File>>,
    limits: LineLimits,
}

/// Hosts that can answer.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Ready {
    /// The first one's.
    #[serde(serialize_with = "json::in_words")]
    hardware_address: MacAddr,
    address: Ipv4Net,
    count: u64,
    vlan: Option<u16>,
}

/// How long a reader may take for the last lines.
const LAST_LINES_TIMEOUT: Duration = Duration::from_secs(1);

impl<W: Sink> Report<W> {
    pub(crate) fn new(out: W, level: Level, json: bool) -> Report<W> {
        Report {
            out: Output::new(out),
            json,
            level,
            paint: Paint::NONE,
            source: None,
            recorder: None,
            limits: LineLimits::default(),
        }
    }

    /// With colour, as far as what it writes to wants any.
    pub(crate) fn painted(self, paint: Paint) -> Report<W> {
        Report { paint, ..self }
    }

    /// Has every frame captured too.
    pub(crate) fn record(self, recorder: Option<Recorder<File>>) -> Report<W> {
        Report { recorder, ..self }
    }

    /// All hosts answer from now on.
    pub(crate) fn ready(&mut self, interface: &InterfaceName, host: &Host) {
        let hosts: Vec<Ready> = host.hosts().filter_map(|config| Ready::new(config, host)).collect();
        self.print(
            |paint| {
                let hosts: String = hosts.iter().map(Ready::sentence).collect();
                paint.first_word(GOOD, &format!("ready {interface}{hosts}"))
            },
            || Line::ready(interface, host.config().mtu, &hosts),
        );
        self.flush();
    }

    /// Prints a change of the link.
    pub(crate) fn link(&mut self, now: Instant, state: LinkState) {
        let line = if self.json {
            json(&LinkChange::new(now, state))
        } else {
            timed(self.paint, now, &self.paint.first_word(WARNING, &link_change::text(state)))
        };
        self.out.line(&line);
        self.flush();
    }

    /// Prints the events that wait in the host.
    pub(crate) fn events(&mut self, now: Instant, host: &mut Host) {
        while let Some(event) = host.take_event() {
            let kind = Kind::of_event(event);
            if self.level >= Level::Events && kind.is_none_or(|kind| self.admits(now, kind)) {
                let words = |paint: Paint| paint.first_word(sentence::style(event), &sentence(event));
                self.print(|paint| timed(paint, now, &words(paint)), || Line::event(now, event));
            }
        }
    }

    /// Prints how many lines were suppressed in the windows that have ended; without a time, in all.
    pub(crate) fn suppressed(&mut self, now: Instant, ended: Option<Instant>) {
        while let Some(suppressed) = self.limits.take(ended) {
            let words = |paint: Paint| paint.first_word(WARNING, &suppressed.sentence());
            self.print(|paint| timed(paint, now, &words(paint)), || Line::suppressed(now, &suppressed));
        }
    }

    /// When [`Report::suppressed`] has something to print.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.limits.deadline()
    }

    /// Whether one more line of this kind is printed. `-v` disables the limit.
    fn admits(&mut self, now: Instant, kind: Kind) -> bool {
        self.level >= Level::Frames || self.limits.admits(now, kind)
    }

    /// The translation table, as `ip neigh` prints the kernel's.
    pub(crate) fn table(&mut self, interface: &InterfaceName, host: &Host) {
        for entry in host.arps().flat_map(|arp| arp.neighbors().list()) {
            self.print(|_| row(interface, &entry), || Line::neighbor(interface, &entry));
        }
        self.flush();
    }

    /// All that was counted: every counter as JSON, those that count something for people.
    pub(crate) fn counters(&mut self, host: &Host, device: &impl Device, pool: &Pool) {
        let mut counters = of_device(device.counters(), pool);
        counters.extend(host.counters());
        counters.push(Counter {
            layer: "cli",
            name: "lines for a reader that did not keep up".to_owned(),
            count: self.out.lost(),
            is_loss: true,
        });
        if self.json {
            self.print(|_| String::new(), || Line::counters(&counters));
        } else {
            for counter in counters.iter().filter(|counter| counter.count > 0) {
                let dropped = if counter.is_loss { "dropped: " } else { "" };
                let Counter { layer, name, count, .. } = counter;
                self.out.line(&format!("{count:>10}  {layer}: {dropped}{name}"));
            }
        }
        self.out.flush(LAST_LINES_TIMEOUT);
    }

    /// Hands over what was printed, as far as the reader keeps up.
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

    /// What came of writing it: an error if it failed otherwise than by a reader that went away.
    pub(crate) fn check_written(&mut self) -> Result<(), Failure> {
        check_written(self.out.take_failure())
    }

    /// Whether anybody still reads what is printed.
    pub(crate) fn has_reader(&self) -> bool {
        self.out.has_reader()
    }

    /// Prints a line for people.
    pub(crate) fn print_line(&mut self, line: &str) {
        self.out.line(line);
    }

    fn print(&mut self, human: impl FnOnce(Paint) -> String, json: impl FnOnce() -> Line) {
        let line = if self.json { json().to_string() } else { human(self.paint) };
        self.out.line(&line);
    }

    /// From which level on a drop is printed. Frames for other stations are normal traffic: they are shown with
    /// the frames, and in the counters.
    fn level_of(reason: DropReason) -> Level {
        let for_others = matches!(
            reason,
            DropReason::Link(link::LinkDropReason::NotForUs | link::LinkDropReason::OtherVlan)
        );
        if for_others { Level::Frames } else { Level::Events }
    }

    fn frame(&mut self, now: Instant, direction: Direction, octets: &[u8]) {
        if self.level >= Level::Frames {
            self.print(
                |paint| {
                    timed(
                        paint,
                        now,
                        &format!("{} {}", painted_direction(paint, direction), summarize(octets)),
                    )
                },
                || Line::frame(now, direction, octets),
            );
        }
    }
}

impl<W: Sink> Tracer for Report<W> {
    fn frame_received(&mut self, now: Instant, octets: &[u8]) {
        if let Some(recorder) = &mut self.recorder {
            recorder.arrived(octets);
        }
        let source = octets.get(6..12).and_then(|octets| <[u8; 6]>::try_from(octets).ok());
        self.source = source.map(MacAddr::new);
        self.frame(now, Direction::In, octets);
    }

    fn frame_handled(&mut self, now: Instant, verdict: FrameOutcome) {
        if let Some(recorder) = &mut self.recorder {
            recorder.judged(now, verdict);
        }
        let Some(reason) = verdict.dropped() else { return };
        if self.level < Self::level_of(reason) || !self.admits(now, Kind::of_drop(reason)) {
            return;
        }
        let source = self.source;
        self.print(
            |paint| {
                let from = source.map_or(String::new(), |source| format!(" from {source}"));
                let words = format!("dropped a frame{from}: {reason}");
                timed(paint, now, &paint.first_word(WARNING, &words))
            },
            || Line::dropped(now, source, layer(reason), reason),
        );
    }

    fn frame_sent(&mut self, now: Instant, octets: &[u8]) {
        if let Some(recorder) = &mut self.recorder {
            recorder.departs(now, octets);
        }
        self.frame(now, Direction::Out, octets);
    }
}

/// A line for people, with the time before it.
fn timed(paint: Paint, now: Instant, text: &str) -> String {
    format!("{} {text}", paint.paint(FAINT, &Time(now).to_string()))
}

fn layer(reason: DropReason) -> &'static str {
    match reason {
        DropReason::Link(_) => "link",
        DropReason::Arp(_) => "arp",
        DropReason::Ipv4(_) => "ipv4",
        DropReason::Icmp(_) => "icmp",
        DropReason::Udp(_) => "udp",
        DropReason::UnsupportedEtherType(_)
        | DropReason::AddressNotInUse
        | DropReason::WrongMac
        | DropReason::NoListener
        | DropReason::NoRoute
        | DropReason::Transmit(_) => "host",
    }
}

impl Ready {
    /// What a host is, once its address is in use.
    fn new(config: &HostConfig, host: &Host) -> Option<Ready> {
        let address = match config.addresses {
            HostSet::One(network) | HostSet::Range(network) => network,
            HostSet::LinkLocal => host.address()?,
        };
        let count = match config.addresses {
            HostSet::One(_) | HostSet::LinkLocal => 1,
            HostSet::Range(range) => 1_u64 << (32 - range.prefix_len()),
        };
        let vlan = config.vlan.map(VlanId::number);
        Some(Ready { hardware_address: config.mac, address, count, vlan })
    }

    fn sentence(&self) -> String {
        let Ready { hardware_address, address, count, vlan } = self;
        match vlan {
            Some(vlan) if *count > 1 => format!(" {hardware_address} {address}@{vlan}"),
            _ => format!(" {hardware_address} {address}"),
        }
    }
}

fn row(interface: &InterfaceName, entry: &Neighbor<Ipv4Addr>) -> String {
    let hardware = entry.hardware.map_or(String::new(), |hardware| format!(" lladdr {hardware}"));
    format!("{} dev {interface}{hardware} {}", entry.protocol, entry.state)
}

fn of_device(device: Counters, pool: &Pool) -> Vec<Counter> {
    let counter =
        |name: &str, count, is_loss| Counter { layer: "tap", name: name.to_owned(), count, is_loss };
    vec![
        counter("received", device.received, false),
        counter("transmitted", device.transmitted, false),
        counter("cut short: longer than the MTU", device.truncated, true),
        counter("lost before they were read: the kernel had no more room", device.lost, true),
        counter("refused by the wire", device.refused, true),
        counter("reads that failed", device.unreadable, true),
        counter("waits for room on the wire", device.congested, false),
        counter("waits for a free frame", pool.exhausted(), false),
        counter("system calls", device.calls, false),
    ]
}

/// Time since the start as tcpdump prints it.
struct Time(Instant);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_nanos() / 1_000;
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        write!(f, "{hours:02}:{minutes:02}:{:02}.{micros:06}", seconds % 60)
    }
}

/// Returns the name of a direction, padded to a column as tcpdump prints it, in its color.
fn painted_direction(paint: Paint, direction: Direction) -> String {
    let (style, name) = match direction {
        Direction::In => (IN, "In "),
        Direction::Out => (OUT, "Out"),
    };
    paint.paint(style, name)
}

#[cfg(test)]
mod tests;
