//! One host's (or many hosts') IPv4: what is for us, and what we turn away.

use base::ReasonCounters;
use link::{DestinationKind, Instant};

use crate::datagram::has_incomplete_source_route;
use crate::{
    Datagram, Ipv4DropReason, LocalAddresses, ReassembledDatagram, Reassembly, ReassemblyLimits,
    ReassemblyTimeout,
};

/// What became of a datagram that was not dropped.
#[derive(Debug)]
pub enum ReceivedDatagram<'a> {
    /// It came whole, and was addressed to us like this.
    Whole(Datagram<'a>, DestinationKind),
    /// It is a fragment, kept until the rest comes.
    Kept,
    /// It was the last fragment missing. To be given back by [`Ipv4::recycle`].
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
    /// IPv4 for these addresses. `seed` is a secret.
    pub fn new(addresses: LocalAddresses, limits: ReassemblyLimits, seed: u64) -> Ipv4 {
        Ipv4 {
            addresses,
            reassembly: Reassembly::new(limits, seed),
            dropped: ReasonCounters::default(),
            accepted: 0,
        }
    }

    /// Judges one frame's payload. `destination_kind` is how the frame was addressed.
    // As all that is read at once by whoever called.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        now: Instant,
        destination_kind: DestinationKind,
        frame: &'a [u8],
    ) -> Result<ReceivedDatagram<'a>, Ipv4DropReason> {
        match self.accept(now, destination_kind, frame) {
            Ok(received) => {
                let is_whole = !matches!(received, ReceivedDatagram::Kept);
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
        // What is late goes before what is new.
        self.poll(now);
        let whole = self.reassembly.receive(now, &datagram)?;
        Ok(whole.map_or(ReceivedDatagram::Kept, |whole| ReceivedDatagram::Reassembled(whole, destination)))
    }

    /// Gives up fragments whose rest did not come in time.
    pub fn poll(&mut self, now: Instant) {
        self.reassembly.poll(now);
    }

    /// When [`Ipv4::poll`] has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        self.reassembly.deadline()
    }

    /// The oldest event not yet taken: a datagram whose rest did not come.
    pub fn take_event(&mut self) -> Option<ReassemblyTimeout> {
        self.reassembly.take_event()
    }

    /// Takes a datagram back that was made whole.
    pub fn recycle(&mut self, reassembled: ReassembledDatagram) {
        self.reassembly.recycle(reassembled);
    }

    /// The addresses that are ours.
    pub fn addresses(&self) -> &LocalAddresses {
        &self.addresses
    }

    /// The addresses that are ours, to change.
    pub fn addresses_mut(&mut self) -> &mut LocalAddresses {
        &mut self.addresses
    }

    /// What waits for the rest of its fragments.
    pub fn reassembly(&self) -> &Reassembly {
        &self.reassembly
    }

    /// How many datagrams were for us, those made whole among them.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many datagrams and fragments were turned away, by reason.
    pub fn dropped(&self) -> &ReasonCounters<Ipv4DropReason> {
        &self.dropped
    }
}

#[cfg(test)]
mod tests;
