//! The events of a scan, which the output formats print.

use std::net::Ipv4Addr;
use std::time::Duration;

use arptools::sweep::{SweepOutcome, SweepReply};
use link::MacAddr;

use crate::clock::Moment;

/// An event of a sweep to print.
#[derive(Clone, Debug)]
pub(super) enum ScanEvent {
    Start,
    Reply(ReplyEvent),
    /// A difference from an earlier scan.
    Difference(Difference),
    /// The result, with the number of frames that were lost before they were read.
    Statistics {
        outcome: SweepOutcome,
        elapsed: Duration,
        lost: u64,
        /// Number of differences from an earlier scan, if there is one.
        differences: Option<usize>,
    },
}

/// A reply, with the time of its arrival.
#[derive(Clone, Debug)]
pub(super) struct ReplyEvent {
    pub(super) reply: SweepReply,
    pub(super) at: Moment,
    /// The name of the IP address, if it was looked up and has one.
    pub(super) name: Option<String>,
}

/// A difference between two scans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) ip: Ipv4Addr,
    /// The stations of the earlier scan; empty for an added address.
    pub(super) old: Vec<MacAddr>,
    /// The stations of this scan; empty for an address without a reply.
    pub(super) new: Vec<MacAddr>,
}
