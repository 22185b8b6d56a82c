//! The same as JSON, one object a line, each with an `event`.

use std::net::Ipv4Addr;

use host::Difference;
use ipnet::Ipv4Net;
use serde::Serialize;
use tap::Instant;

use super::session::{Heard, Session};
use super::statistics::RoundTrips;
use super::words::{Told, of_problem};
use crate::output::json;

/// One line. Times are nanoseconds, `time` is since the command began.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Start {
        time: u64,
        interface: String,
        address: Ipv4Net,
        target: Ipv4Addr,
        identifier: u16,
        octets: usize,
    },
    Reply {
        time: u64,
        from: Ipv4Addr,
        sequence: u16,
        /// Of the ICMP message, header and data.
        octets: usize,
        time_to_live: u8,
        round_trip: u128,
        duplicate: bool,
        /// The first byte of data that changed on the way.
        difference: Option<Changed>,
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
        strays: u64,
        elapsed: u128,
        round_trips: Option<Times>,
    },
}

#[derive(Debug, Serialize)]
struct Changed {
    offset: usize,
    expected: u8,
    received: u8,
}

#[derive(Debug, Serialize)]
struct Times {
    least: u128,
    mean: u128,
    most: u128,
    deviation: u128,
}

/// One line, without the line feed.
pub(super) fn line(now: Instant, session: &Session, told: &Told<'_>) -> String {
    json(&Line::new(now.as_nanos(), session, told))
}

impl Line {
    fn new(time: u64, session: &Session, told: &Told<'_>) -> Line {
        let plan = session.plan();
        match *told {
            Told::Start { interface, address } => Line::Start {
                time,
                interface: interface.as_str().to_owned(),
                address,
                target: plan.target,
                identifier: plan.identifier,
                octets: plan.octets,
            },
            Told::Heard(heard) => Line::heard(time, heard),
            Told::Statistics => {
                let statistics = session.statistics();
                Line::Statistics {
                    time,
                    target: plan.target,
                    transmitted: statistics.transmitted,
                    received: statistics.received,
                    duplicates: statistics.duplicates,
                    changed: statistics.changed,
                    errors: statistics.errors,
                    strays: statistics.strays,
                    elapsed: statistics.elapsed().as_nanos(),
                    round_trips: statistics.round_trips().map(Times::from),
                }
            }
        }
    }

    fn heard(time: u64, heard: Heard) -> Line {
        match heard {
            Heard::Reply { reply, round_trip, is_duplicate, .. } => Line::Reply {
                time,
                from: reply.from,
                sequence: reply.sequence,
                octets: reply.octets,
                time_to_live: reply.time_to_live,
                round_trip: round_trip.as_nanos(),
                duplicate: is_duplicate,
                difference: reply.difference.map(Changed::from),
            },
            Heard::Error { from, sequence, problem } => {
                let (kind, code, problem) = (problem.kind().0, problem.code(), of_problem(problem));
                Line::Error { time, from, sequence, kind, code, problem }
            }
            Heard::Advice { from, sequence, problem } => {
                let (kind, code, problem) = (problem.kind().0, problem.code(), of_problem(problem));
                Line::Advice { time, from, sequence, kind, code, problem }
            }
        }
    }
}

impl From<Difference> for Changed {
    fn from(Difference { offset, expected, received }: Difference) -> Self {
        Changed { offset, expected, received }
    }
}

impl From<RoundTrips> for Times {
    fn from(trips: RoundTrips) -> Self {
        let [least, mean, most, deviation] =
            [trips.least, trips.mean, trips.most, trips.deviation].map(|time| time.as_nanos());
        Times { least, mean, most, deviation }
    }
}

#[cfg(test)]
mod tests;
