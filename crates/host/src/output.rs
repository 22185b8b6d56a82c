//! What the host sends of its own accord.

use std::net::Ipv4Addr;

use arp::{Due, Errand, Operation, Resolution, Returned};
use icmp::{Echo, IcmpError, IcmpType, QuotedDatagram};
use inet::IpProtocol;
use ipv4::{Datagram, Fragments, Ipv4Fields, multicast_mac};
use link::{EtherType, MacAddr};
use tap::{Frame, Instant, OutOfSpace, Pool};

use crate::stack::{Out, Stack};
use crate::{DeliveryFailure, Host, HostEvent};

/// A payload that waits for its neighbor's hardware address.
#[derive(Debug)]
pub struct PendingPacket {
    pub(crate) ether_type: EtherType,
    /// Which of our addresses it is from, and its station.
    pub(crate) source: Ipv4Addr,
    pub(crate) ours: MacAddr,
    /// A datagram is cut into fragments only when it departs.
    pub(crate) frame: Frame,
}

/// What became of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// It departs at the next turn.
    Queued,
    /// It waits until the neighbor answers; if none does, it is given back to the pool, and an event
    /// tells.
    Pending,
    /// It was given back to the pool at once: no route leads there.
    NoRoute,
    /// It was given back to the pool at once, and the reason was counted: see [`TxDropReason`].
    Dropped,
}

base::reasons! {
    /// Why a frame was not sent. It went back to the pool.
    pub enum TxDropReason {
        /// No address of the host is in use, or its source address is no longer in use.
        NoSourceAddress = "no address in use",
        /// The frames that wait for the wire leave no capacity for it, or for all of its fragments.
        TxQueueFull = "too many frames wait for the wire",
        /// It takes more fragments than may wait for the wire at any time.
        TooManyFragments = "more fragments than may wait for the wire",
        /// Every frame of the pool is held.
        NoFrame = "no frame of the pool is free",
        /// The next hop is not in the ARP cache, and there is no capacity to resolve it or to wait for it.
        NextHopUnresolved = "no capacity to wait for the next hop",
        /// It is longer than a frame of the pool or than a datagram may be.
        TooLong = "too long to be sent",
    }
}

/// An echo request to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoRequest {
    /// Who is asked.
    pub destination: Ipv4Addr,
    /// Whose the request is.
    pub identifier: u16,
    /// Which of his.
    pub sequence: u16,
    /// How many hops it may take.
    pub time_to_live: u8,
}

impl Host {
    /// Sends the payload in `frame` to a neighbor on the wire. The frame itself waits while the
    /// neighbor is asked for: it is moved, never copied.
    pub fn send(
        &mut self,
        now: Instant,
        neighbor: Ipv4Addr,
        ether_type: EtherType,
        frame: Frame,
        pool: &mut Pool,
    ) -> SendOutcome {
        let (stack, mut out) = self.first_out(pool);
        let ours = stack.arp.locals().first();
        let sent = match ours {
            Some((source, ours)) => {
                stack.resolve(now, neighbor, PendingPacket { ether_type, source, ours, frame }, &mut out)
            }
            // spec: rfc5227-silence
            None => stack.refuse(TxDropReason::NoSourceAddress, frame, &mut out),
        };
        sent.unwrap_or(SendOutcome::Dropped)
    }

    /// Sends an echo request with this data from the host's own address. What comes back is an
    /// [`HostEvent::EchoReply`], or an [`HostEvent::DeliveryFailed`], with its identifier and sequence number.
    pub fn ping(&mut self, now: Instant, ping: EchoRequest, data: &[u8], pool: &mut Pool) -> SendOutcome {
        let (stack, mut out) = self.first_out(pool);
        stack.ping(now, ping, data, &mut out).unwrap_or(SendOutcome::Dropped)
    }

    /// Has the data of echo replies compared with this; [`EchoReply::mismatch`](crate::EchoReply::mismatch)
    /// says what was found. Without it nothing is compared.
    pub fn expect_echo_data(&mut self, data: &[u8]) {
        self.first.echo_data = data.to_vec();
    }

    fn first_out<'a>(&'a mut self, pool: &'a mut Pool) -> (&'a mut Stack, Out<'a>) {
        pool.grow(self.first.config.mtu);
        (&mut self.first, Out { departing: &mut self.departing, pool })
    }
}

impl Stack {
    fn ping(
        &mut self,
        now: Instant,
        ping: EchoRequest,
        data: &[u8],
        out: &mut Out<'_>,
    ) -> Result<SendOutcome, TxDropReason> {
        let source = self.address().map(|network| network.addr());
        let length = Ipv4Fields::LENGTH + Echo::HEADER + data.len();
        let large = length > self.config.mtu;
        let frame = if large { out.pool.take_large() } else { out.pool.take() };
        let mut frame = frame.ok_or_else(|| self.count_tx_dropped(TxDropReason::NoFrame))?;
        let Some(source) = source else { return self.refuse(TxDropReason::NoSourceAddress, frame, out) };
        let fields = Ipv4Fields {
            time_to_live: ping.time_to_live,
            identification: self.identification.next(source, ping.destination, IpProtocol::ICMP),
            ..Ipv4Fields::new(IpProtocol::ICMP, source, ping.destination)
        };
        let echo = Echo { identifier: ping.identifier, sequence: ping.sequence, data };
        if write_echo(&mut frame, length, fields, echo).is_none() {
            return self.refuse(TxDropReason::TooLong, frame, out);
        }
        self.route(now, source, ping.destination, frame, out)
    }
}

/// Writes an echo request of so many octets into an empty frame.
fn write_echo(frame: &mut Frame, length: usize, fields: Ipv4Fields, echo: Echo<'_>) -> Option<()> {
    let octets = frame.append(length).ok()?;
    echo.write_to(IcmpType::ECHO_REQUEST, octets.get_mut(Ipv4Fields::LENGTH..)?).ok()?;
    fields.write_to(octets).ok()
}

impl Stack {
    /// When [`Stack::poll`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.arp.deadline(), self.ipv4.deadline()].into_iter().flatten().min()
    }

    /// Does what the time brings, as long as there is room on the wire for it.
    pub(crate) fn poll(&mut self, now: Instant, out: &mut Out<'_>) {
        self.complain_of_late(now, out);
        let fragments = self.most_fragments();
        while out.departing.free_capacity() >= fragments {
            match self.arp.poll(now) {
                None => break,
                // spec: rfc5227-broadcast
                Some(Due::Say(fields)) => self.speak(now, fields, MacAddr::BROADCAST, out),
                Some(Due::Neighbor(errand)) => self.run(now, errand, out),
            }
        }
        self.follow_choice();
    }

    /// How many frames the longest datagram takes, as far as they may wait for the wire: with less room, what
    /// waits for a neighbor waits on.
    fn most_fragments(&self) -> usize {
        let part = self.config.mtu.saturating_sub(Ipv4Fields::LENGTH + 7).max(8);
        (Datagram::LONGEST / part + 1).min(Host::TX_QUEUE / 2)
    }

    fn run(&mut self, now: Instant, errand: Errand<Ipv4Addr, PendingPacket>, out: &mut Out<'_>) {
        let ours = self.arp.locals().first();
        match (errand, ours) {
            (Errand::Return { parcel: packet, reason, .. }, _) => self.fail(packet, reason, out),
            // An address that was given up is used no more, not even for what waited.
            // spec: rfc5227-silence
            (Errand::Send { parcel: packet, .. }, _) if self.hardware_of(packet.source).is_none() => {
                _ = self.refuse(TxDropReason::NoSourceAddress, packet.frame, out);
            }
            (Errand::Send { hardware, parcel: packet, .. }, _) => _ = self.depart(hardware, packet, out),
            (Errand::Ask { .. }, None) => {
                self.count_tx_dropped(TxDropReason::NoSourceAddress);
            }
            // Where many hosts share a table, the first of them asks.
            (Errand::Ask { protocol, station }, Some((ours, hardware))) => {
                // spec: rfc826-request, rfc3927-broadcast
                let to = station.map_or(MacAddr::BROADCAST, |station| arp::destination(ours, station));
                self.speak(now, request(ours, hardware, protocol), to, out);
            }
        }
    }

    /// Gives back what could not be sent, and tells if nobody answered for its neighbor.
    fn fail(&mut self, packet: PendingPacket, reason: Returned, out: &mut Out<'_>) {
        if packet.ether_type == EtherType::IPV4
            && reason == Returned::Failed
            && let Some(about) = QuotedDatagram::parse(packet.frame.bytes())
        {
            // spec: rfc1122-host-unreachable
            let told = DeliveryFailure::new(about.source(), IcmpError::HOST_UNREACHABLE, &about);
            self.tell(HostEvent::DeliveryFailed(told));
        }
        out.pool.give(packet.frame);
    }

    /// Sends a datagram of ours on its way: to its destination, or to the gateway there.
    pub(crate) fn route(
        &mut self,
        now: Instant,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        frame: Frame,
        out: &mut Out<'_>,
    ) -> Result<SendOutcome, TxDropReason> {
        // spec: rfc1122-source-address
        let Some(ours) = self.hardware_of(source) else {
            return self.refuse(TxDropReason::NoSourceAddress, frame, out);
        };
        let packet = PendingPacket { ether_type: EtherType::IPV4, source, ours, frame };
        // spec: rfc1122-broadcast-sent
        if self.ipv4.addresses().is_broadcast(destination) {
            return self.depart(MacAddr::BROADCAST, packet, out);
        }
        if let Some(group) = multicast_mac(destination) {
            return self.depart(group, packet, out);
        }
        self.forward(now, destination, packet, out)
    }

    /// Sends a datagram of ours to one host.
    pub(crate) fn forward(
        &mut self,
        now: Instant,
        destination: Ipv4Addr,
        packet: PendingPacket,
        out: &mut Out<'_>,
    ) -> Result<SendOutcome, TxDropReason> {
        let Some(hop) = self.routes.next_hop(packet.source, destination) else {
            self.counts.unroutable = self.counts.unroutable.saturating_add(1);
            out.pool.give(packet.frame);
            return Ok(SendOutcome::NoRoute);
        };
        self.resolve(now, hop.neighbor(), packet, out)
    }

    fn resolve(
        &mut self,
        now: Instant,
        neighbor: Ipv4Addr,
        packet: PendingPacket,
        out: &mut Out<'_>,
    ) -> Result<SendOutcome, TxDropReason> {
        match self.arp.resolve(now, neighbor, packet.frame.len(), packet) {
            // spec: rfc826-found
            Resolution::Known(hardware, packet) => self.depart(hardware, packet, out),
            // spec: reply-resolved
            Resolution::Waits => Ok(SendOutcome::Pending),
            // spec: drops-counted
            Resolution::Refused(packet) => self.refuse(TxDropReason::NextHopUnresolved, packet.frame, out),
        }
    }

    /// Puts a header before a payload and lets it depart; a datagram too long for the link in fragments.
    fn depart(
        &mut self,
        to: MacAddr,
        packet: PendingPacket,
        out: &mut Out<'_>,
    ) -> Result<SendOutcome, TxDropReason> {
        let is_datagram = packet.ether_type == EtherType::IPV4;
        if is_datagram && packet.frame.len() > self.config.mtu {
            self.depart_in_fragments(to, packet, out)?;
        } else {
            self.depart_whole(to, packet, out)?;
        }
        if is_datagram {
            self.counts.datagrams = self.counts.datagrams.saturating_add(1);
        }
        Ok(SendOutcome::Queued)
    }

    fn depart_whole(
        &mut self,
        to: MacAddr,
        packet: PendingPacket,
        out: &mut Out<'_>,
    ) -> Result<SendOutcome, TxDropReason> {
        let PendingPacket { ether_type, ours, mut frame, .. } = packet;
        if self.link.add_header(&mut frame, to, ours, ether_type).is_err() {
            return self.refuse(TxDropReason::TooLong, frame, out);
        }
        match out.departing.push(frame) {
            Ok(()) => Ok(SendOutcome::Queued),
            Err(frame) => self.refuse(TxDropReason::TxQueueFull, frame, out),
        }
    }

    /// Cuts a datagram, and lets all of it depart, or none for want of room on the wire.
    fn depart_in_fragments(
        &mut self,
        to: MacAddr,
        packet: PendingPacket,
        out: &mut Out<'_>,
    ) -> Result<SendOutcome, TxDropReason> {
        let departed = self.cut(to, &packet, out);
        out.pool.give(packet.frame);
        departed.map(|()| SendOutcome::Queued).map_err(|reason| self.count_tx_dropped(reason))
    }

    fn cut(&mut self, to: MacAddr, packet: &PendingPacket, out: &mut Out<'_>) -> Result<(), TxDropReason> {
        let datagram = Datagram::parse(packet.frame.bytes()).map_err(|_| TxDropReason::TooLong)?;
        let (fields, payload) = (Ipv4Fields::from(&datagram), datagram.payload());
        let fragments = Fragments::of(payload.len(), self.config.mtu, fields.dont_fragment);
        let fragments = fragments.map_err(|_| TxDropReason::TooLong)?;
        let count = fragments.clone().count();
        if count > out.departing.free_capacity() {
            let never = count > Host::TX_QUEUE;
            return Err(if never { TxDropReason::TooManyFragments } else { TxDropReason::TxQueueFull });
        }
        for fragment in fragments {
            let part = payload.get(fragment.range.clone()).ok_or(TxDropReason::TooLong)?;
            let mut frame = out.pool.take().ok_or(TxDropReason::NoFrame)?;
            let written = write_fragment(&mut frame, fragment.apply(fields), part).is_some()
                && self.link.add_header(&mut frame, to, packet.ours, EtherType::IPV4).is_ok();
            if !written {
                out.pool.give(frame);
                return Err(TxDropReason::TooLong);
            }
            if let Err(frame) = out.departing.push(frame) {
                out.pool.give(frame);
                return Err(TxDropReason::TxQueueFull);
            }
        }
        Ok(())
    }

    /// Counts a frame that is not sent.
    // spec: drops-counted
    pub(crate) fn count_tx_dropped(&mut self, reason: TxDropReason) -> TxDropReason {
        self.unsent.count(reason);
        reason
    }

    /// Gives a frame back that is not sent, and counts it.
    pub(crate) fn refuse(
        &mut self,
        reason: TxDropReason,
        frame: Frame,
        out: &mut Out<'_>,
    ) -> Result<SendOutcome, TxDropReason> {
        out.pool.give(frame);
        Err(self.count_tx_dropped(reason))
    }

    /// Sends an ARP packet of the host's own. A probe that cannot be sent has reached no host, so its claim begins again.
    fn speak(&mut self, now: Instant, fields: arp::Fields, to: MacAddr, out: &mut Out<'_>) {
        // spec: rfc5227-unheard
        if self.send_arp(fields, to, out).is_err() && fields.sender_protocol.is_unspecified() {
            self.arp.unheard(now);
        }
    }

    fn send_arp(
        &mut self,
        fields: arp::Fields,
        to: MacAddr,
        out: &mut Out<'_>,
    ) -> Result<SendOutcome, TxDropReason> {
        let frame = out.pool.take();
        let mut frame = frame.ok_or_else(|| self.count_tx_dropped(TxDropReason::NoFrame))?;
        match write(&mut frame, fields) {
            Ok(()) => {
                let (source, ours) = (fields.sender_protocol, fields.sender_hardware);
                self.depart(to, PendingPacket { ether_type: EtherType::ARP, source, ours, frame }, out)
            }
            Err(OutOfSpace) => self.refuse(TxDropReason::TooLong, frame, out),
        }
    }
}

/// Writes a datagram, or a part of one, into an empty frame.
fn write_fragment(frame: &mut Frame, fields: Ipv4Fields, data: &[u8]) -> Option<()> {
    let octets = frame.append(Ipv4Fields::LENGTH + data.len()).ok()?;
    octets.get_mut(Ipv4Fields::LENGTH..)?.copy_from_slice(data);
    fields.write_to(octets).ok()
}

/// A request for an address: to the station that had it last, or to all.
fn request(ours: Ipv4Addr, hardware: MacAddr, target: Ipv4Addr) -> arp::Fields {
    // spec: rfc826-request-fields
    arp::Fields {
        operation: Operation::REQUEST,
        sender_hardware: hardware,
        sender_protocol: ours,
        target_hardware: MacAddr::ZERO,
        target_protocol: target,
    }
}

fn write(frame: &mut Frame, fields: arp::Fields) -> Result<(), OutOfSpace> {
    fields.write_to(frame.append(arp::Fields::LENGTH)?).map_err(|_| OutOfSpace)
}
