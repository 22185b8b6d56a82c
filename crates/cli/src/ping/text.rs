//! Text output of a ping session, in the format of iputils.

use std::fmt;
use std::time::Duration;

use icmp::{IcmpError, IcmpType};
use ipnet::Ipv4Net;
use tap::linux::InterfaceName;

use super::reply::{DataMismatch, ICMP_HEADER};
use super::session::{PingResponse, PingSession};
use super::statistics::{PingStatistics, RoundTrips};

/// An event of a session to print.
#[derive(Clone, Copy, Debug)]
pub(super) enum PingEvent<'a> {
    Start { interface: &'a InterfaceName, address: Ipv4Net },
    Response(PingResponse),
    Statistics,
}

/// Minimum number of data bytes for round-trip times. iputils stores the time of sending in the data and prints no times
/// below this size. The format is the same here.
const TIMED_BYTES: usize = 16;
/// Length of the IPv4 and ICMP headers, in bytes.
const DATAGRAM_HEADERS: usize = 28;

/// Returns the text of an event, without a line break at the end. Statistics have several lines.
pub(super) fn lines(session: &PingSession, event: &PingEvent<'_>) -> String {
    let (target, bytes) = (session.plan().target, session.plan().bytes);
    match event {
        PingEvent::Start { .. } => {
            format!("PING {target} ({target}) {bytes}({}) bytes of data.", bytes + DATAGRAM_HEADERS)
        }
        PingEvent::Response(response) => response_text(bytes, response),
        PingEvent::Statistics => {
            let statistics = session.statistics();
            let trips = statistics.round_trips().filter(|_| bytes >= TIMED_BYTES);
            format!(
                "\n--- {target} ping statistics ---\n{}\n{}",
                counts(statistics),
                times(trips, statistics)
            )
        }
    }
}

fn response_text(bytes: usize, response: &PingResponse) -> String {
    match response {
        PingResponse::Reply { reply, round_trip, is_duplicate, is_from_another } => {
            let (from, sequence, time_to_live) = (reply.from, reply.sequence, reply.time_to_live);
            let line = format!("{} bytes from {from}: icmp_seq={sequence} ttl={time_to_live}", reply.length);
            if reply.length < bytes + ICMP_HEADER {
                return format!("{line} (truncated)");
            }
            let time =
                if bytes < TIMED_BYTES { String::new() } else { format!(" time={}", RoundTrip(*round_trip)) };
            let duplicate = if *is_duplicate { " (DUP!)" } else { "" };
            let another = if *is_from_another { " (DIFFERENT ADDRESS!)" } else { "" };
            let changed = reply.mismatch.map(|DataMismatch { offset, expected, received }| {
                format!("\nwrong data byte #{offset} should be 0x{expected:x} but was 0x{received:x}")
            });
            format!("{line}{time}{duplicate}{another}{}", changed.unwrap_or_default())
        }
        PingResponse::Error { from, sequence, problem } => {
            format!("From {from} icmp_seq={sequence} {}", problem_text(*problem))
        }
        PingResponse::Advice { from, sequence, problem } => {
            format!("From {from}: icmp_seq={sequence} {}", problem_text(*problem))
        }
    }
}

/// Returns the text of iputils for an ICMP error.
pub(super) fn problem_text(problem: IcmpError) -> String {
    let text = match (problem.icmp_type(), problem.code()) {
        (IcmpType::UNREACHABLE, code) => return unreachable_text(code, problem.mtu()),
        (IcmpType::SOURCE_QUENCH, _) => "Source Quench",
        (IcmpType::REDIRECT, code) => {
            let next = problem.gateway().map_or(String::new(), |gateway| format!("(New nexthop: {gateway})"));
            return format!("{}{next}", redirect_text(code));
        }
        (IcmpType::TIME_EXCEEDED, 0) => "Time to live exceeded",
        (IcmpType::TIME_EXCEEDED, 1) => "Frag reassembly time exceeded",
        (IcmpType::TIME_EXCEEDED, code) => return format!("Time exceeded, Bad Code: {code}"),
        (IcmpType::PARAMETER_PROBLEM, _) => {
            return format!("Parameter problem: pointer = {}", problem.pointer().unwrap_or_default());
        }
        (IcmpType(number), _) => return format!("Bad ICMP type: {number}"),
    };
    text.to_owned()
}

fn unreachable_text(code: u8, mtu: Option<u16>) -> String {
    let text = match code {
        0 => "Destination Net Unreachable",
        1 => "Destination Host Unreachable",
        2 => "Destination Protocol Unreachable",
        3 => "Destination Port Unreachable",
        4 => return format!("Frag needed and DF set (mtu = {})", mtu.unwrap_or_default()),
        5 => "Source Route Failed",
        6 => "Destination Net Unknown",
        7 => "Destination Host Unknown",
        8 => "Source Host Isolated",
        9 => "Destination Net Prohibited",
        10 => "Destination Host Prohibited",
        11 => "Destination Net Unreachable for Type of Service",
        12 => "Destination Host Unreachable for Type of Service",
        13 => "Packet filtered",
        14 => "Precedence Violation",
        15 => "Precedence Cutoff",
        _ => return format!("Dest Unreachable, Bad Code: {code}"),
    };
    text.to_owned()
}

fn redirect_text(code: u8) -> String {
    let text = match code {
        0 => "Redirect Network",
        1 => "Redirect Host",
        2 => "Redirect Type of Service and Network",
        3 => "Redirect Type of Service and Host",
        _ => return format!("Redirect, Bad Code: {code}"),
    };
    text.to_owned()
}

fn counts(statistics: &PingStatistics) -> String {
    let PingStatistics { transmitted, received, duplicates, changed, errors, .. } = *statistics;
    let nonzero = |count: u64, what| if count > 0 { format!(", +{count} {what}") } else { String::new() };
    let lost = if transmitted > 0 {
        // Rounded to milliseconds.
        let millis = (statistics.elapsed() + Duration::from_micros(500)).as_millis();
        format!(", {}% packet loss, time {millis}ms", statistics.loss())
    } else {
        String::new()
    };
    let duplicates = nonzero(duplicates, "duplicates");
    let (changed, errors) = (nonzero(changed, "changed"), nonzero(errors, "errors"));
    format!("{transmitted} packets transmitted, {received} received{duplicates}{changed}{errors}{lost}")
}

/// Returns the last line of the statistics. It is empty without round-trip times.
fn times(trips: Option<RoundTrips>, statistics: &PingStatistics) -> String {
    let trips = trips.map(|RoundTrips { min, mean, max, deviation }| {
        let [min, mean, max, deviation] = [min, mean, max, deviation].map(milliseconds);
        format!("rtt min/avg/max/mdev = {min}/{mean}/{max}/{deviation} ms")
    });
    let pipe = Some(statistics.pipe).filter(|pipe| *pipe > 1).map(|pipe| format!("pipe {pipe}"));
    [trips, pipe].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn milliseconds(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}

/// A round-trip time with three significant digits, but no digits below a microsecond.
struct RoundTrip(Duration);

impl fmt::Display for RoundTrip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As in iputils: truncated to microseconds, then rounded to the digits shown.
        let micros = self.0.as_micros();
        match micros {
            99_950.. => write!(f, "{} ms", (micros + 500) / 1_000),
            9_995.. => write!(f, "{}.{} ms", (micros + 50) / 1_000, (micros + 50) % 1_000 / 100),
            1_000.. => write!(f, "{}.{:02} ms", (micros + 5) / 1_000, (micros + 5) % 1_000 / 10),
            _ => write!(f, "0.{micros:03} ms"),
        }
    }
}

#[cfg(test)]
mod tests;
