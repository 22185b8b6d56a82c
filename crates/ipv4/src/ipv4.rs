//! The receiving side of IPv4, for one host or for many.

use base::ReasonCounters;
use link::{DestinationKind, Instant};

use crate::datagram::has_incomplete_source_route;
use crate::{
    Datagram, Ipv4DropReason, LocalAddresses, ReassembledDatagram, Reassembly, ReassemblyLimits,
    ReassemblyTimeout,
};

/// The outcome of a datagram that was not dropped.
#[derive(Debug)]
pub enum ReceivedDatagram<'a> {
    /// A complete datagram, and how it was addressed.
    Whole(Datagram<'a>, DestinationKind),
    /// A fragment, stored until the others come.
    FragmentStored,
    /// The last missing fragment completed this datagram. [`Ipv4::recycle`] takes it back.
    Reassembled(ReassembledDatagram, DestinationKind),
}

/// The receiving side of IPv4. It sends nothing and knows no protocol above.
#[derive(Debug)]
pub struct Ipv4 {
    addresses: LocalAddresses,
    reassembly: Reassembly,
    dropped: ReasonCounters<Ipv4DropReason>,
    accepted: u64,
}

impl Ipv4 {
    /// Creates IPv4 for these addresses. `seed` is a secret.
    pub fn new(addresses: LocalAddresses, limits: ReassemblyLimits, seed: u64) -> Ipv4 {
        Ipv4 {
            addresses,
            reassembly: Reassembly::new(limits, seed),
            dropped: ReasonCounters::default(),
            accepted: 0,
        }
    }

    /// Receives the payload of a frame. `destination_kind` is how the frame was addressed.
    // The caller reads the result at once: across crates it would go through memory.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        now: Instant,
        destination_kind: DestinationKind,
        frame: &'a [u8],
    ) -> Result<ReceivedDatagram<'a>, Ipv4DropReason> {
        match self.accept(now, destination_kind, frame) {
            Ok(received) => {
                let is_whole = !matches!(received, ReceivedDatagram::FragmentStored);
                self.accepted = self.accepted.saturating_add(is_whole.into());
                Ok(received)
            }
            Err(reason) => {
                // spec: drops-counted
                self.dropped.count(reason);
                Err(reason)
            }
        }
    }

    #[inline]
    fn accept<'a>(
        &mut self,
        now: Instant,
        destination_kind: DestinationKind,
        frame: &'a [u8],
    ) -> Result<ReceivedDatagram<'a>, Ipv4DropReason> {
        let datagram = Datagram::parse(frame)?;
        self.addresses.check_source(datagram.source())?;
        let destination =
            self.addresses.destination_kind(datagram.destination()).ok_or(Ipv4DropReason::NotForUs)?;
        // spec: rfc1122-link-broadcast
        if destination_kind != DestinationKind::Unicast && destination == DestinationKind::Unicast {
            return Err(Ipv4DropReason::LinkBroadcast);
        }
        // RFC 1122 3.2.1.8(c): only with a completed source route "the datagram has reached its final destination".
        // spec: rfc791-source-route
        if has_incomplete_source_route(datagram.options()) {
            return Err(Ipv4DropReason::SourceRoute);
        }
        if !datagram.is_fragment() {
            return Ok(ReceivedDatagram::Whole(datagram, destination));
        }
        // Datagrams that are overdue go first.
        self.poll(now);
        let whole = self.reassembly.receive(now, &datagram)?;
        Ok(whole.map_or(ReceivedDatagram::FragmentStored, |whole| {
            ReceivedDatagram::Reassembled(whole, destination)
        }))
    }

    /// Gives up incomplete datagrams whose time is over.
    pub fn poll(&mut self, now: Instant) {
        self.reassembly.poll(now);
    }

    /// Returns when [`Ipv4::poll`] has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        self.reassembly.deadline()
    }

    /// Takes the oldest event: a datagram that stayed incomplete.
    pub fn take_event(&mut self) -> Option<ReassemblyTimeout> {
        self.reassembly.take_event()
    }

    /// Takes the buffer of a reassembled datagram back.
    pub fn recycle(&mut self, reassembled: ReassembledDatagram) {
        self.reassembly.recycle(reassembled);
    }

    /// Returns the local addresses.
    pub fn addresses(&self) -> &LocalAddresses {
        &self.addresses
    }

    /// Returns the local addresses, to change them.
    pub fn addresses_mut(&mut self) -> &mut LocalAddresses {
        &mut self.addresses
    }

    /// Returns the incomplete datagrams.
    pub fn reassembly(&self) -> &Reassembly {
        &self.reassembly
    }

    /// Returns how many datagrams were accepted, reassembled ones included.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Returns how many datagrams and fragments were dropped, by reason.
    pub fn dropped(&self) -> &ReasonCounters<Ipv4DropReason> {
        &self.dropped
    }
}

#[cfg(test)]
mod tests;
