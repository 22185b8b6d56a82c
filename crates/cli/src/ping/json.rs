//! Events of a session as JSON: one object per line.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::Serialize;

use super::reply::DataMismatch;
use super::session::{PingResponse, PingSession};
use super::statistics::RoundTrips;
use super::text::{PingEvent, problem_text};
use crate::clock::Moment;
use crate::json::{EventObject, nanos};
use crate::output::json;

/// `tapstack ping --json`
///
/// With `-q`, only `start` and `statistics` are printed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(rename = "ping")]
pub(super) enum PingJson {
    /// The first object.
    Start {
        /// Interface or TAP.
        interface: String,
        /// Local IP address.
        local_ip: Ipv4Addr,
        /// Prefix length of its network, in bits.
        prefix_length: u8,
        /// IP address that is pinged.
        target_ip: Ipv4Addr,
        /// ICMP identifier of all requests.
        identifier: u16,
        /// Data of a request, in bytes.
        bytes: usize,
    },
    /// An echo reply.
    Reply {
        /// IP address of the replying host.
        #[schemars(with = "Ipv4Addr")]
        ip: IpAddr,
        /// ICMP sequence number of the request.
        sequence: u16,
        /// Length of the ICMP message with its header, in bytes.
        bytes: usize,
        /// Time to live of the reply, in hops.
        ttl: u8,
        /// Time from the request to this reply, in nanoseconds.
        rtt_ns: u64,
        /// Whether the request already had a reply.
        duplicate: bool,
        /// The first byte of data that changed in transit; null if no byte changed.
        mismatch: Option<ChangedByte>,
    },
    /// An ICMP error: a request was not delivered.
    Error(ProblemFields),
    /// A redirect or a source quench: the request may have been delivered.
    Notice(ProblemFields),
    /// The last object.
    Statistics {
        /// IP address that was pinged.
        target_ip: Ipv4Addr,
        /// Requests sent.
        sent: u64,
        /// Requests with a reply.
        received: u64,
        /// Further replies to the same request.
        duplicates: u64,
        /// Replies with data that changed in transit.
        mismatches: u64,
        /// ICMP errors about requests, and requests that could not be sent.
        errors: u64,
        /// Replies and errors that match no request.
        unmatched: u64,
        /// Time from the first request to the last, in nanoseconds.
        duration_ns: u64,
        /// Minimum round-trip time, in nanoseconds; null without a reply.
        rtt_min_ns: Option<u64>,
        /// Mean round-trip time, in nanoseconds; null without a reply.
        rtt_mean_ns: Option<u64>,
        /// Maximum round-trip time, in nanoseconds; null without a reply.
        rtt_max_ns: Option<u64>,
        /// Standard deviation of the round-trip times, in nanoseconds; null without a reply.
        rtt_stddev_ns: Option<u64>,
    },
}

/// An ICMP message about a request.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct ProblemFields {
    /// IP address of the host that sent the message.
    #[schemars(with = "Ipv4Addr")]
    reporter_ip: IpAddr,
    /// ICMP sequence number of the request.
    sequence: u16,
    /// ICMP type.
    icmp_type: u8,
    /// ICMP code.
    icmp_code: u8,
    /// The message in the words of iputils.
    message: String,
}

/// A byte of data that changed in transit.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct ChangedByte {
    /// Offset in the data, from 0.
    offset: usize,
    /// Byte sent.
    expected: u8,
    /// Byte received.
    received: u8,
}

/// Returns an event as one line, without the line feed.
pub(super) fn line(at: Moment, session: &PingSession, event: &PingEvent<'_>) -> String {
    json(&EventObject::new(at, PingJson::new(session, event)))
}

impl PingJson {
    fn new(session: &PingSession, event: &PingEvent<'_>) -> PingJson {
        let plan = session.plan();
        match *event {
            PingEvent::Start { interface, address } => PingJson::start(session, interface.as_str(), address),
            PingEvent::Response(response) => PingJson::response(response),
            PingEvent::Statistics => {
                let statistics = session.statistics();
                let of_trips = |time: fn(&RoundTrips) -> std::time::Duration| {
                    statistics.round_trips().map(|trips| nanos(time(&trips)))
                };
                PingJson::Statistics {
                    target_ip: plan.target,
                    sent: statistics.transmitted,
                    received: statistics.received,
                    duplicates: statistics.duplicates,
                    mismatches: statistics.changed,
                    errors: statistics.errors,
                    unmatched: statistics.unmatched,
                    duration_ns: nanos(statistics.elapsed()),
                    rtt_min_ns: of_trips(|trips| trips.min),
                    rtt_mean_ns: of_trips(|trips| trips.mean),
                    rtt_max_ns: of_trips(|trips| trips.max),
                    rtt_stddev_ns: of_trips(|trips| trips.deviation),
                }
            }
        }
    }

    fn start(session: &PingSession, interface: &str, address: Ipv4Net) -> PingJson {
        let plan = session.plan();
        PingJson::Start {
            interface: interface.to_owned(),
            local_ip: address.addr(),
            prefix_length: address.prefix_len(),
            target_ip: plan.target,
            identifier: plan.identifier,
            bytes: plan.bytes,
        }
    }

    fn response(response: PingResponse) -> PingJson {
        let fields = |reporter_ip, sequence, problem: icmp::IcmpError| ProblemFields {
            reporter_ip,
            sequence,
            icmp_type: problem.icmp_type().0,
            icmp_code: problem.code(),
            message: problem_text(problem),
        };
        match response {
            PingResponse::Reply { reply, round_trip, is_duplicate, .. } => PingJson::Reply {
                ip: reply.from,
                sequence: reply.sequence,
                bytes: reply.length,
                ttl: reply.time_to_live,
                rtt_ns: nanos(round_trip),
                duplicate: is_duplicate,
                mismatch: reply.mismatch.map(ChangedByte::from),
            },
            PingResponse::Error { from, sequence, problem } => {
                PingJson::Error(fields(from, sequence, problem))
            }
            PingResponse::Advice { from, sequence, problem } => {
                PingJson::Notice(fields(from, sequence, problem))
            }
        }
    }
}

impl From<DataMismatch> for ChangedByte {
    fn from(DataMismatch { offset, expected, received }: DataMismatch) -> Self {
        ChangedByte { offset, expected, received }
    }
}

#[cfg(test)]
mod tests;
