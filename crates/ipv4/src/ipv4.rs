//! One host's (or many hosts') IPv4: what is for us, and what we turn away.

use base::ReasonCounters;
use link::{DestinationKind, Instant};

use crate::datagram::has_incomplete_source_route;
use crate::{Datagram, LocalAddresses, ReassembledDatagram, Reassembly, ReassemblyLimits, ReassemblyTimeout};

base::reasons! {
    /// Why a datagram was turned away.
    pub enum Ipv4DropReason {
        /// Shorter than the 20 bytes of a header.
        Truncated = "shorter than an IPv4 header",
        /// Not version 4.
        Version = "version is not 4",
        /// The header length is below 20 bytes.
        HeaderLength = "header length below 20 bytes",
        /// The total length is below the header length.
        TotalLengthShort = "total length below the header length",
        /// The total length promises more than there is.
        TotalLength = "total length beyond the frame",
        /// The header checksum is wrong.
        Checksum = "header checksum is wrong",
        /// The source is a broadcast address, which cannot send.
        SourceBroadcast = "source is a broadcast address",
        /// The source is a group, which cannot send.
        SourceGroup = "source is a group address",
        /// The source is a loopback address, which never leaves a host.
        SourceLoopback = "source is a loopback address",
        /// The source is in 0.0.0.0/8, which names no host, or in class E, which is reserved.
        SourceReserved = "source is in 0.0.0.0/8 or class E",
        /// The source is an address of ours: our own datagram come back, or a forged one.
        SourceLocal = "source is ours",
        /// Neither our address, nor a broadcast, nor a group we joined.
        NotForUs = "not for us",
        /// A source route leads on: to be forwarded, which a host does not do.
        SourceRoute = "source route is not completed",
        /// To one host, but by a frame to a group or to all (RFC 1122 3.3.6).
        LinkBroadcast = "to one host by a broadcast or group frame",
        /// A fragment without data.
        FragmentEmpty = "fragment without data",
        /// A fragment, not the last, whose data is no multiple of eight bytes.
        FragmentUneven = "fragment of uneven length",
        /// A fragment that ends beyond the longest datagram.
        FragmentBeyond = "fragment beyond 65535 octets",
        /// A fragment that contradicts those before it: its datagram is given up.
        FragmentOverlap = "fragment overlaps another",
        /// A fragment that is here already.
        FragmentRepeated = "fragment repeated",
        /// A fragment for which there was no room.
        ReassemblyFull = "no room for a fragment",
    }
}

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

    /// Judges one frame's payload. `cast` is how the frame was addressed.
    // As all that is read at once by whoever called.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        now: Instant,
        cast: DestinationKind,
        frame: &'a [u8],
    ) -> Result<ReceivedDatagram<'a>, Ipv4DropReason> {
        match self.judge(now, cast, frame) {
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
    fn judge<'a>(
        &mut self,
        now: Instant,
        cast: DestinationKind,
        frame: &'a [u8],
    ) -> Result<ReceivedDatagram<'a>, Ipv4DropReason> {
        let datagram = Datagram::parse(frame)?;
        self.addresses.vet(datagram.source())?;
        let destination = self.addresses.cast(datagram.destination()).ok_or(Ipv4DropReason::NotForUs)?;
        // spec: rfc1122-link-broadcast
        if cast != DestinationKind::Unicast && destination == DestinationKind::Unicast {
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

impl std::error::Error for Ipv4DropReason {}

#[cfg(test)]
mod tests;
