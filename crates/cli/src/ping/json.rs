//! Events of a session as JSON: one object a line, each with an `event`.

use std::net::Ipv4Addr;

use host::DataMismatch;
use ipnet::Ipv4Net;
use serde::Serialize;
use tap::Instant;

use super::session::{PingResponse, PingSession};
use super::statistics::RoundTrips;
use super::text::{PingEvent, problem_text};
use crate::output::json;

/// A line of JSON. Times are nanoseconds; `time` is since the start of the command.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum PingJson {
    Start {
        time: u64,
        interface: String,
        address: Ipv4Net,
        target: Ipv4Addr,
        identifier: u16,
        #[serde(rename = "octets")]
        bytes: usize,
    },
    Reply {
        time: u64,
        from: Ipv4Addr,
        sequence: u16,
        /// Length of the ICMP message, header and data.
        #[serde(rename = "octets")]
        bytes: usize,
        time_to_live: u8,
        round_trip: u128,
        duplicate: bool,
        /// The first byte of data that changed in transit.
        difference: Option<ChangedByte>,
    },
    Error {
        time: u64,
        from: Ipv4Addr,
        sequence: u16,
        kind: u8,
        code: u8,
        problem: String,
    },
    Advice {
        time: u64,
        from: Ipv4Addr,
        sequence: u16,
        kind: u8,
        code: u8,
        problem: String,
    },
    Statistics {
        time: u64,
        target: Ipv4Addr,
        transmitted: u64,
        received: u64,
        duplicates: u64,
        changed: u64,
        errors: u64,
        #[serde(rename = "strays")]
        unmatched: u64,
        elapsed: u128,
        round_trips: Option<RoundTripsJson>,
    },
}

#[derive(Debug, Serialize)]
struct ChangedByte {
    offset: usize,
    expected: u8,
    received: u8,
}

#[derive(Debug, Serialize)]
struct RoundTripsJson {
    #[serde(rename = "least")]
    min: u128,
    mean: u128,
    #[serde(rename = "most")]
    max: u128,
    deviation: u128,
}

/// Returns an event as one line, without the line feed.
pub(super) fn line(now: Instant, session: &PingSession, event: &PingEvent<'_>) -> String {
    json(&PingJson::new(now.as_nanos(), session, event))
}

impl PingJson {
    fn new(time: u64, session: &PingSession, event: &PingEvent<'_>) -> PingJson {
        let plan = session.plan();
        match *event {
            PingEvent::Start { interface, address } => PingJson::Start {
                time,
                interface: interface.as_str().to_owned(),
                address,
                target: plan.target,
                identifier: plan.identifier,
                bytes: plan.bytes,
            },
            PingEvent::Response(response) => PingJson::response(time, response),
            PingEvent::Statistics => {
                let statistics = session.statistics();
                PingJson::Statistics {
                    time,
                    target: plan.target,
                    transmitted: statistics.transmitted,
                    received: statistics.received,
                    duplicates: statistics.duplicates,
                    changed: statistics.changed,
                    errors: statistics.errors,
                    unmatched: statistics.unmatched,
                    elapsed: statistics.elapsed().as_nanos(),
                    round_trips: statistics.round_trips().map(RoundTripsJson::from),
                }
            }
        }
    }

    fn response(time: u64, response: PingResponse) -> PingJson {
        match response {
            PingResponse::Reply { reply, round_trip, is_duplicate, .. } => PingJson::Reply {
                time,
                from: reply.from,
                sequence: reply.sequence,
                bytes: reply.length,
                time_to_live: reply.time_to_live,
                round_trip: round_trip.as_nanos(),
                duplicate: is_duplicate,
                difference: reply.mismatch.map(ChangedByte::from),
            },
            PingResponse::Error { from, sequence, problem } => {
                let (kind, code, problem) = (problem.icmp_type().0, problem.code(), problem_text(problem));
                PingJson::Error { time, from, sequence, kind, code, problem }
            }
            PingResponse::Advice { from, sequence, problem } => {
                let (kind, code, problem) = (problem.icmp_type().0, problem.code(), problem_text(problem));
                PingJson::Advice { time, from, sequence, kind, code, problem }
            }
        }
    }
}

impl From<DataMismatch> for ChangedByte {
    fn from(DataMismatch { offset, expected, received }: DataMismatch) -> Self {
        ChangedByte { offset, expected, received }
    }
}

impl From<RoundTrips> for RoundTripsJson {
    fn from(trips: RoundTrips) -> Self {
        let [min, mean, max, deviation] =
            [trips.min, trips.mean, trips.max, trips.deviation].map(|time| time.as_nanos());
        RoundTripsJson { min, mean, max, deviation }
    }
}

#[cfg(test)]
mod tests;
