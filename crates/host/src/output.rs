//! What the host sends of its own accord.

use std::net::Ipv4Addr;

use arp::{Due, Errand, Operation, Resolution, Returned};
use icmp::{Echo, Kind, Problem, Quoted};
use inet::IpProtocol;
use ipv4::{Datagram, Fields, Fragments, multicast_mac};
use link::{EtherType, MacAddr};
use tap::{Frame, Instant, NoRoom, Pool};

use crate::stack::{Out, Stack};
use crate::{Event, Host, Undelivered};

/// A payload that waits for its neighbor's hardware address.
#[derive(Debug)]
pub struct Parcel {
    pub(crate) ether_type: EtherType,
    /// Which of our addresses it is from, and its station.
    pub(crate) source: Ipv4Addr,
    pub(crate) ours: MacAddr,
    /// A datagram is cut into fragments only when it departs.
    pub(crate) frame: Frame,
}

/// What became of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It departs at the next turn.
    Departs,
    /// It waits until the neighbor answers; if none does, it is given back to the pool, and an event
    /// tells.
    Waits,
    /// It was given back to the pool at once: no route leads there.
    NoRoute,
    /// It was given back to the pool at once, and the reason was counted: see [`NotSent`].
    Refused,
}

link::reasons! {
    /// Why a frame was not sent. It went back to the pool.
    pub enum NotSent {
        /// No address of the host is in use, or its source address is no longer in use.
        NoAddress = "no address in use",
        /// The frames that wait for the wire leave no capacity for it, or for all of its fragments.
        Congested = "too many frames wait for the wire",
        /// It takes more fragments than may wait for the wire at any time.
        Fragments = "more fragments than may wait for the wire",
        /// Every frame of the pool is held.
        NoFrame = "no frame of the pool is free",
        /// The next hop is not in the ARP cache, and there is no capacity to resolve it or to wait for it.
        NextHop = "no capacity to wait for the next hop",
        /// It is longer than a frame of the pool or than a datagram may be.
        Length = "too long to be sent",
    }
}

/// An echo request to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
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
    ) -> Sent {
        let (stack, mut out) = self.first_out(pool);
        let ours = stack.arp.locals().first();
        let sent = match ours {
            Some((source, ours)) => {
                stack.resolve(now, neighbor, Parcel { ether_type, source, ours, frame }, &mut out)
            }
            // spec: rfc5227-silence
            None => stack.refuse(NotSent::NoAddress, frame, &mut out),
        };
        sent.unwrap_or(Sent::Refused)
    }

    /// Sends an echo request with this data from the host's own address. What comes back is an
    /// [`Event::Echo`], or an [`Event::Undelivered`], with its identifier and sequence number.
    pub fn ping(&mut self, now: Instant, ping: Ping, data: &[u8], pool: &mut Pool) -> Sent {
        let (stack, mut out) = self.first_out(pool);
        stack.ping(now, ping, data, &mut out).unwrap_or(Sent::Refused)
    }

    /// Has the data of echo replies compared with this; [`EchoReply::difference`](crate::EchoReply::difference)
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
    fn ping(&mut self, now: Instant, ping: Ping, data: &[u8], out: &mut Out<'_>) -> Result<Sent, NotSent> {
        let source = self.address().map(|network| network.addr());
        let length = Fields::LENGTH + Echo::HEADER + data.len();
        let large = length > self.config.mtu;
        let frame = if large { out.pool.take_large() } else { out.pool.take() };
        let mut frame = frame.ok_or_else(|| self.not_sent(NotSent::NoFrame))?;
        let Some(source) = source else { return self.refuse(NotSent::NoAddress, frame, out) };
        let fields = Fields {
            time_to_live: ping.time_to_live,
            identification: self.identification.next(source, ping.destination, IpProtocol::ICMP),
            ..Fields::new(IpProtocol::ICMP, source, ping.destination)
        };
        let echo = Echo { identifier: ping.identifier, sequence: ping.sequence, data };
        if write_echo(&mut frame, length, fields, echo).is_none() {
            return self.refuse(NotSent::Length, frame, out);
        }
        self.route(now, source, ping.destination, frame, out)
    }
}

/// Writes an echo request of so many octets into an empty frame.
fn write_echo(frame: &mut Frame, length: usize, fields: Fields, echo: Echo<'_>) -> Option<()> {
    let octets = frame.append(length).ok()?;
    echo.write_to(Kind::ECHO_REQUEST, octets.get_mut(Fields::LENGTH..)?).ok()?;
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
        while out.departing.room() >= fragments {
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
        let part = self.config.mtu.saturating_sub(Fields::LENGTH + 7).max(8);
        (Datagram::LONGEST / part + 1).min(Host::DEPARTING / 2)
    }

    fn run(&mut self, now: Instant, errand: Errand<Ipv4Addr, Parcel>, out: &mut Out<'_>) {
        let ours = self.arp.locals().first();
        match (errand, ours) {
            (Errand::Return { parcel, reason, .. }, _) => self.fail(parcel, reason, out),
            // An address that was given up is used no more, not even for what waited.
            // spec: rfc5227-silence
            (Errand::Send { parcel, .. }, _) if self.hardware_of(parcel.source).is_none() => {
                _ = self.refuse(NotSent::NoAddress, parcel.frame, out);
            }
            (Errand::Send { hardware, parcel, .. }, _) => _ = self.depart(hardware, parcel, out),
            (Errand::Ask { .. }, None) => {
                self.not_sent(NotSent::NoAddress);
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
    fn fail(&mut self, parcel: Parcel, reason: Returned, out: &mut Out<'_>) {
        if parcel.ether_type == EtherType::IPV4
            && reason == Returned::Failed
            && let Some(about) = Quoted::parse(parcel.frame.octets())
        {
            // spec: rfc1122-host-unreachable
            let told = Undelivered::new(about.source(), Problem::HOST_UNREACHABLE, &about);
            self.tell(Event::Undelivered(told));
        }
        out.pool.give(parcel.frame);
    }

    /// Sends a datagram of ours on its way: to its destination, or to the gateway there.
    pub(crate) fn route(
        &mut self,
        now: Instant,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        frame: Frame,
        out: &mut Out<'_>,
    ) -> Result<Sent, NotSent> {
        // spec: rfc1122-source-address
        let Some(ours) = self.hardware_of(source) else {
            return self.refuse(NotSent::NoAddress, frame, out);
        };
        let parcel = Parcel { ether_type: EtherType::IPV4, source, ours, frame };
        // spec: rfc1122-broadcast-sent
        if self.ipv4.addresses().is_broadcast(destination) {
            return self.depart(MacAddr::BROADCAST, parcel, out);
        }
        if let Some(group) = multicast_mac(destination) {
            return self.depart(group, parcel, out);
        }
        self.forward(now, destination, parcel, out)
    }

    /// Sends a datagram of ours to one host.
    pub(crate) fn forward(
        &mut self,
        now: Instant,
        destination: Ipv4Addr,
        parcel: Parcel,
        out: &mut Out<'_>,
    ) -> Result<Sent, NotSent> {
        let Some(hop) = self.routes.next_hop(parcel.source, destination) else {
            self.counts.unroutable = self.counts.unroutable.saturating_add(1);
            out.pool.give(parcel.frame);
            return Ok(Sent::NoRoute);
        };
        self.resolve(now, hop.neighbor(), parcel, out)
    }

    fn resolve(
        &mut self,
        now: Instant,
        neighbor: Ipv4Addr,
        parcel: Parcel,
        out: &mut Out<'_>,
    ) -> Result<Sent, NotSent> {
        match self.arp.resolve(now, neighbor, parcel.frame.len(), parcel) {
            // spec: rfc826-found
            Resolution::Known(hardware, parcel) => self.depart(hardware, parcel, out),
            // spec: reply-resolved
            Resolution::Waits => Ok(Sent::Waits),
            // spec: drops-counted
            Resolution::Refused(parcel) => self.refuse(NotSent::NextHop, parcel.frame, out),
        }
    }

    /// Puts a header before a payload and lets it depart; a datagram too long for the link in fragments.
    fn depart(&mut self, to: MacAddr, parcel: Parcel, out: &mut Out<'_>) -> Result<Sent, NotSent> {
        let is_datagram = parcel.ether_type == EtherType::IPV4;
        if is_datagram && parcel.frame.len() > self.config.mtu {
            self.depart_in_fragments(to, parcel, out)?;
        } else {
            self.depart_whole(to, parcel, out)?;
        }
        if is_datagram {
            self.counts.datagrams = self.counts.datagrams.saturating_add(1);
        }
        Ok(Sent::Departs)
    }

    fn depart_whole(&mut self, to: MacAddr, parcel: Parcel, out: &mut Out<'_>) -> Result<Sent, NotSent> {
        let Parcel { ether_type, ours, mut frame, .. } = parcel;
        if self.link.send(&mut frame, to, ours, ether_type).is_err() {
            return self.refuse(NotSent::Length, frame, out);
        }
        match out.departing.push(frame) {
            Ok(()) => Ok(Sent::Departs),
            Err(frame) => self.refuse(NotSent::Congested, frame, out),
        }
    }

    /// Cuts a datagram, and lets all of it depart, or none for want of room on the wire.
    fn depart_in_fragments(
        &mut self,
        to: MacAddr,
        parcel: Parcel,
        out: &mut Out<'_>,
    ) -> Result<Sent, NotSent> {
        let departed = self.cut(to, &parcel, out);
        out.pool.give(parcel.frame);
        departed.map(|()| Sent::Departs).map_err(|reason| self.not_sent(reason))
    }

    fn cut(&mut self, to: MacAddr, parcel: &Parcel, out: &mut Out<'_>) -> Result<(), NotSent> {
        let datagram = Datagram::parse(parcel.frame.octets()).map_err(|_| NotSent::Length)?;
        let (fields, payload) = (Fields::from(&datagram), datagram.payload());
        let fragments = Fragments::of(payload.len(), self.config.mtu, fields.dont_fragment);
        let fragments = fragments.map_err(|_| NotSent::Length)?;
        let count = fragments.clone().count();
        if count > out.departing.room() {
            let never = count > Host::DEPARTING;
            return Err(if never { NotSent::Fragments } else { NotSent::Congested });
        }
        for fragment in fragments {
            let part = payload.get(fragment.range.clone()).ok_or(NotSent::Length)?;
            let mut frame = out.pool.take().ok_or(NotSent::NoFrame)?;
            let written = write_fragment(&mut frame, fragment.apply(fields), part).is_some()
                && self.link.send(&mut frame, to, parcel.ours, EtherType::IPV4).is_ok();
            if !written {
                out.pool.give(frame);
                return Err(NotSent::Length);
            }
            if let Err(frame) = out.departing.push(frame) {
                out.pool.give(frame);
                return Err(NotSent::Congested);
            }
        }
        Ok(())
    }

    /// Counts a frame that is not sent.
    // spec: drops-counted
    pub(crate) fn not_sent(&mut self, reason: NotSent) -> NotSent {
        self.unsent.count(reason);
        reason
    }

    /// Gives a frame back that is not sent, and counts it.
    pub(crate) fn refuse(
        &mut self,
        reason: NotSent,
        frame: Frame,
        out: &mut Out<'_>,
    ) -> Result<Sent, NotSent> {
        out.pool.give(frame);
        Err(self.not_sent(reason))
    }

    /// Sends an ARP packet of the host's own. A probe that cannot be sent has reached no host, so its claim begins again.
    fn speak(&mut self, now: Instant, fields: arp::Fields, to: MacAddr, out: &mut Out<'_>) {
        // spec: rfc5227-unheard
        if self.send_arp(fields, to, out).is_err() && fields.sender_protocol.is_unspecified() {
            self.arp.unheard(now);
        }
    }

    fn send_arp(&mut self, fields: arp::Fields, to: MacAddr, out: &mut Out<'_>) -> Result<Sent, NotSent> {
        let frame = out.pool.take();
        let mut frame = frame.ok_or_else(|| self.not_sent(NotSent::NoFrame))?;
        match write(&mut frame, fields) {
            Ok(()) => {
                let (source, ours) = (fields.sender_protocol, fields.sender_hardware);
                self.depart(to, Parcel { ether_type: EtherType::ARP, source, ours, frame }, out)
            }
            Err(NoRoom) => self.refuse(NotSent::Length, frame, out),
        }
    }
}

/// Writes a datagram, or a part of one, into an empty frame.
fn write_fragment(frame: &mut Frame, fields: Fields, data: &[u8]) -> Option<()> {
    let octets = frame.append(Fields::LENGTH + data.len()).ok()?;
    octets.get_mut(Fields::LENGTH..)?.copy_from_slice(data);
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

fn write(frame: &mut Frame, fields: arp::Fields) -> Result<(), NoRoom> {
    fields.write_to(frame.append(arp::Fields::LENGTH)?).map_err(|_| NoRoom)
}
