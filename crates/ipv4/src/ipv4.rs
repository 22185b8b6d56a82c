//! Reception of IPv4 datagrams, for one host or many.

use std::net::Ipv4Addr;

use address::{AddressState, AddressTable};
use base::ReasonCounters;
use inet::is_valid_host;
use link::{DestinationKind, Instant};

use crate::datagram::has_incomplete_source_route;
use crate::{Datagram, Ipv4DropReason, ReassembledDatagram, Reassembly, ReassemblyLimits, ReassemblyTimeout};

/// A datagram or a fragment to the local hosts.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedDatagram<'a> {
    /// The datagram, or the fragment if [`Datagram::is_fragment`] returns true.
    pub datagram: Datagram<'a>,
    /// Whether the destination is a unicast, multicast or broadcast address.
    pub destination_kind: DestinationKind,
}

/// IPv4 input: validates datagrams, reassembles fragments, and counts dropped datagrams.
#[derive(Debug)]
pub struct Ipv4 {
    reassembly: Reassembly,
    dropped: ReasonCounters<Ipv4DropReason>,
    accepted: u64,
}

impl Ipv4 {
    /// Creates an IPv4 layer. `seed` is the key of hash functions and must be unpredictable to senders.
    pub fn new(limits: ReassemblyLimits, seed: u64) -> Ipv4 {
        Ipv4 { reassembly: Reassembly::new(limits, seed), dropped: ReasonCounters::default(), accepted: 0 }
    }

    /// Validates the payload of a received frame. `table` has the local addresses. `destination_kind` is the kind of the
    /// frame's destination: unicast, multicast or broadcast. Pass a fragment to [`Ipv4::reassemble`].
    #[inline]
    pub fn receive<'a>(
        &mut self,
        table: &AddressTable,
        destination_kind: DestinationKind,
        frame: &'a [u8],
    ) -> Result<ReceivedDatagram<'a>, Ipv4DropReason> {
        self.receive_known(table, destination_kind, frame, |_, _| false)
    }

    /// Validates the payload of a received frame as [`Ipv4::receive`] does. `is_known` returns whether the caller knows that
    /// datagrams from a source to a destination are accepted: the destination is a local unicast address, and
    /// [`accepts_source`] has returned true for the same table.
    #[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
    #[inline(always)]
    pub fn receive_known<'a>(
        &mut self,
        table: &AddressTable,
        destination_kind: DestinationKind,
        frame: &'a [u8],
        is_known: impl FnOnce(Ipv4Addr, Ipv4Addr) -> bool,
    ) -> Result<ReceivedDatagram<'a>, Ipv4DropReason> {
        match check(table, destination_kind, frame, is_known) {
            Ok(received) => {
                self.accepted += u64::from(!received.datagram.is_fragment());
                Ok(received)
            }
            Err(reason) => {
                // spec: drops-counted
                self.dropped.count(reason);
                Err(reason)
            }
        }
    }

    /// Stores a fragment. Returns the datagram if the fragment completes it. After use, pass the datagram to
    /// [`Ipv4::recycle`].
    #[cold]
    pub fn reassemble(
        &mut self,
        now: Instant,
        fragment: Datagram<'_>,
    ) -> Result<Option<ReassembledDatagram>, Ipv4DropReason> {
        let reassembled = self.reassembly.receive(now, &fragment);
        match &reassembled {
            Ok(whole) => self.accepted += u64::from(whole.is_some()),
            // spec: drops-counted
            Err(reason) => self.dropped.count(*reason),
        }
        reassembled
    }

    /// Discards and returns the oldest incomplete datagram that has timed out: see [`Reassembly::take_timed_out`].
    pub fn take_timed_out(&mut self, now: Instant) -> Option<ReassemblyTimeout> {
        self.reassembly.take_timed_out(now)
    }

    /// Returns the time at which the next incomplete datagram times out. Call [`Ipv4::take_timed_out`] at this time.
    pub fn deadline(&self) -> Option<Instant> {
        self.reassembly.deadline()
    }

    /// Stores the buffer of a reassembled datagram for reuse.
    pub fn recycle(&mut self, reassembled: ReassembledDatagram) {
        self.reassembly.recycle(reassembled);
    }

    /// Returns the fragment reassembly.
    pub fn reassembly(&self) -> &Reassembly {
        &self.reassembly
    }

    /// Returns the number of accepted datagrams, including reassembled datagrams.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Returns the number of dropped datagrams and fragments, by reason.
    pub fn dropped(&self) -> &ReasonCounters<Ipv4DropReason> {
        &self.dropped
    }
}

/// Validates the payload of a received frame: see [`Ipv4::receive_known`].
#[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
#[inline(always)]
fn check<'a>(
    table: &AddressTable,
    destination_kind: DestinationKind,
    frame: &'a [u8],
    is_known: impl FnOnce(Ipv4Addr, Ipv4Addr) -> bool,
) -> Result<ReceivedDatagram<'a>, Ipv4DropReason> {
    let datagram = Datagram::parse(frame)?;
    let destination = if is_known(datagram.source(), datagram.destination()) {
        DestinationKind::Unicast
    } else {
        check_source(table, datagram.source(), datagram.destination())?;
        table.destination_kind(datagram.destination()).ok_or(Ipv4DropReason::NotLocal)?
    };
    // spec: rfc1122-link-broadcast
    if destination_kind != DestinationKind::Unicast && destination == DestinationKind::Unicast {
        return Err(Ipv4DropReason::LinkBroadcast);
    }
    // RFC 1122 3.2.1.8: a datagram with "a completed source route" "has reached its final destination".
    // spec: rfc791-source-route
    if !datagram.options().is_empty() && has_incomplete_source_route(datagram.options()) {
        return Err(Ipv4DropReason::SourceRoute);
    }
    Ok(ReceivedDatagram { datagram, destination_kind: destination })
}

/// Returns whether a datagram from `source` to `destination` has a valid source. The result is valid while the generation
/// of the table stays the same.
pub fn accepts_source(table: &AddressTable, source: Ipv4Addr, destination: Ipv4Addr) -> bool {
    check_source(table, source, destination).is_ok()
}

/// Checks that `source` is valid as the source of a datagram that was received for `destination`. Fails with the reason
/// to drop the datagram.
#[inline]
fn check_source(table: &AddressTable, source: Ipv4Addr, destination: Ipv4Addr) -> Result<(), Ipv4DropReason> {
    // Most sources are valid for these reasons.
    if is_valid_host(source) && !table.contains(source) && !table.is_broadcast(source) {
        return Ok(());
    }
    check_special_source(table, source, destination)
}

/// Checks the source of a datagram: see [`check_source`].
#[cold]
fn check_special_source(
    table: &AddressTable,
    source: Ipv4Addr,
    destination: Ipv4Addr,
) -> Result<(), Ipv4DropReason> {
    // spec: rfc1122-source
    if source.is_multicast() {
        Err(Ipv4DropReason::SourceGroup)
    } else if source.is_loopback() {
        Err(Ipv4DropReason::SourceLoopback)
    } else if table.contains(source) {
        // A neighbor may use the address of a local host. For the other local hosts, it is a neighbor like any other.
        // spec: source-local, conflict-of-one-address
        let is_neighbor = matches!(table.state(source), Some(AddressState::Conflict { .. }));
        if is_neighbor && source != destination { Ok(()) } else { Err(Ipv4DropReason::SourceLocal) }
    } else if table.is_broadcast(source) {
        Err(Ipv4DropReason::SourceBroadcast)
    // spec: rfc1122-source
    } else if !is_valid_host(source) {
        Err(Ipv4DropReason::SourceReserved)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
