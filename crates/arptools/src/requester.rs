//! The trait of the state machines that a station runs.

use std::fmt;
use std::time::Duration;

use arp::{Packet, PacketFields};
use link::{Instant, MacAddr};

/// State machine that sends ARP packets and collects the replies. A [`Station`](crate::Station) runs it.
///
/// The packets are numbered from 1, in the order in which they are sent.
pub trait Requester {
    /// Reply to report.
    type Reply: Copy + fmt::Display;

    /// Name of the tool, for example `arping`.
    const NAME: &'static str;

    /// Returns the next step. The result stays the same until [`Requester::sent`], a received packet or the passing of
    /// time.
    fn next(&mut self, now: Instant) -> RequestStep;

    /// Records that the due packet was passed to the device.
    fn sent(&mut self, now: Instant);

    /// Records that the device refused the packet with this number, after [`Requester::sent`].
    fn refused(&mut self, number: u64);

    /// Processes a packet. Returns `None` if the packet is not a reply. `is_broadcast` says whether the frame was
    /// broadcast.
    fn receive(&mut self, now: Instant, packet: Packet<'_>, is_broadcast: bool) -> Option<Self::Reply>;
}

/// Next step of a [`Requester`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestStep {
    /// Send this packet, then call [`Requester::sent`].
    Send {
        /// Packet to send.
        packet: PacketFields,
        /// Destination of the frame: a station or broadcast.
        destination: MacAddr,
    },
    /// Receive packets for this time, then call [`Requester::next`].
    Wait(Duration),
    /// All packets were sent, and the last timeout has passed.
    Done,
}
