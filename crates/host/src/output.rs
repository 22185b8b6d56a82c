//! What the host sends of its own accord.

use std::net::Ipv4Addr;

use arp::{Due, Errand, Operation, Resolution, Returned};
use icmp::{Echo, Kind, Problem, Quoted};
use ipv4::{Datagram, Fields, Fragments, Protocol, group_hardware};
use link::{EtherType, MacAddr};
use tap::{Frame, Instant, NoRoom, Pool};

use crate::stack::{Out, Stack};
use crate::{Event, Host, Undelivered};

/// A payload that waits for its neighbour's hardware address.
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
    /// It waits until the neighbour answers; if none does, it is given back to the pool, and an event
    /// tells.
    Waits,
    /// It was given back to the pool at once: no route leads there.
    NoRoute,
    /// It was given back to the pool at once: there is no room on the wire, or nowhere to wait, or no
    /// address of ours is in use, or the neighbour is none.
    Refused,
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
    /// Sends the payload in `frame` to a neighbour on the wire. The frame itself waits while the
    /// neighbour is asked for: it is moved, never copied.
    pub fn send(
        &mut self,
        now: Instant,
        neighbour: Ipv4Addr,
        ether_type: EtherType,
        frame: Frame,
        pool: &mut Pool,
    ) -> Sent {
        let (stack, mut out) = self.first_out(pool);
        let ours = stack.arp.locals().first();
        match ours {
            Some((source, ours)) => {
                stack.resolve(now, neighbour, Parcel { ether_type, source, ours, frame }, &mut out)
            }
            // spec: rfc5227-silence
            None => stack.stay_silent(frame, &mut out),
        }
    }

    /// Sends an echo request with this data from the host's own address. What comes back is an
    /// [`Event::Echo`], or an [`Event::Undelivered`], with its identifier and sequence number.
    pub fn ping(&mut self, now: Instant, ping: Ping, data: &[u8], pool: &mut Pool) -> Sent {
        let (stack, mut out) = self.first_out(pool);
        let source = stack.address().map(|network| network.addr());
        let length = Fields::LENGTH + Echo::HEADER + data.len();
        let large = length > stack.config.mtu;
        let frame = if large { out.pool.take_large() } else { out.pool.take() };
        let Some(mut frame) = frame else {
            return stack.congested();
        };
        let Some(source) = source else { return stack.stay_silent(frame, &mut out) };
        let fields = Fields {
            time_to_live: ping.time_to_live,
            identification: stack.identification.next(source, ping.destination, Protocol::ICMP),
            ..Fields::new(Protocol::ICMP, source, ping.destination)
        };
        let echo = Echo { identifier: ping.identifier, sequence: ping.sequence, data };
        if write_echo(&mut frame, length, fields, echo).is_none() {
            out.pool.give(frame);
            return Sent::Refused;
        }
        stack.route(now, source, ping.destination, frame, &mut out)
    }

    fn first_out<'a>(&'a mut self, pool: &'a mut Pool) -> (&'a mut Stack, Out<'a>) {
        (&mut self.first, Out { departing: &mut self.departing, pool })
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
                Some(Due::Say(fields)) => self.speak(fields, MacAddr::BROADCAST, out),
                Some(Due::Neighbour(errand)) => self.run(errand, out),
            }
        }
        self.follow_choice();
    }

    /// How many frames the longest datagram takes, as far as they may wait for the wire: with less room, what
    /// waits for a neighbour waits on.
    fn most_fragments(&self) -> usize {
        let part = self.config.mtu.saturating_sub(Fields::LENGTH + 7).max(8);
        (Datagram::LONGEST / part + 1).min(Host::DEPARTING / 2)
    }

    fn run(&mut self, errand: Errand<Ipv4Addr, Parcel>, out: &mut Out<'_>) {
        let ours = self.arp.locals().first();
        match (errand, ours) {
            (Errand::Return { parcel, reason, .. }, _) => self.fail(parcel, reason, out),
            // An address that was given up is used no more, not even for what waited.
            // spec: rfc5227-silence
            (Errand::Send { parcel, .. }, _) if self.hardware_of(parcel.source).is_none() => {
                self.stay_silent(parcel.frame, out);
            }
            (Errand::Send { hardware, parcel, .. }, _) => _ = self.depart(hardware, parcel, out),
            (Errand::Ask { .. }, None) => {
                self.counts.addressless = self.counts.addressless.saturating_add(1);
            }
            // Where many hosts share a table, the first of them asks.
            (Errand::Ask { protocol, station }, Some((ours, hardware))) => {
                // spec: rfc826-request, rfc3927-broadcast
                let to = station.map_or(MacAddr::BROADCAST, |station| arp::destination(ours, station));
                self.speak(request(ours, hardware, protocol), to, out);
            }
        }
    }

    /// Gives back what could not be sent, and tells if nobody answered for its neighbour.
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
    ) -> Sent {
        // spec: rfc1122-source-address
        let Some(ours) = self.hardware_of(source) else {
            return self.stay_silent(frame, out);
        };
        let parcel = Parcel { ether_type: EtherType::IPV4, source, ours, frame };
        // spec: rfc1122-broadcast-sent
        if self.ipv4.addresses().is_broadcast(destination) {
            return self.depart(MacAddr::BROADCAST, parcel, out);
        }
        if let Some(group) = group_hardware(destination) {
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
    ) -> Sent {
        let Some(hop) = self.routes.next_hop(parcel.source, destination) else {
            self.counts.unroutable = self.counts.unroutable.saturating_add(1);
            out.pool.give(parcel.frame);
            return Sent::NoRoute;
        };
        self.resolve(now, hop.neighbour(), parcel, out)
    }

    fn resolve(&mut self, now: Instant, neighbour: Ipv4Addr, parcel: Parcel, out: &mut Out<'_>) -> Sent {
        match self.arp.resolve(now, neighbour, parcel.frame.len(), parcel) {
            // spec: rfc826-found
            Resolution::Known(hardware, parcel) => self.depart(hardware, parcel, out),
            // spec: reply-resolved
            Resolution::Waits => Sent::Waits,
            Resolution::Refused(parcel) => {
                out.pool.give(parcel.frame);
                Sent::Refused
            }
        }
    }

    /// Puts a header before a payload and lets it depart; a datagram too long for the link in fragments.
    fn depart(&mut self, to: MacAddr, parcel: Parcel, out: &mut Out<'_>) -> Sent {
        let is_datagram = parcel.ether_type == EtherType::IPV4;
        let sent = if is_datagram && parcel.frame.len() > self.config.mtu {
            self.depart_in_fragments(to, parcel, out)
        } else {
            self.depart_whole(to, parcel, out)
        };
        if is_datagram && sent == Sent::Departs {
            self.counts.datagrams = self.counts.datagrams.saturating_add(1);
        }
        sent
    }

    fn depart_whole(&mut self, to: MacAddr, parcel: Parcel, out: &mut Out<'_>) -> Sent {
        let Parcel { ether_type, ours, mut frame, .. } = parcel;
        let sent = match self.link.send(&mut frame, to, ours, ether_type) {
            Ok(()) => out.departing.push(frame),
            Err(NoRoom) => Err(frame),
        };
        match sent {
            Ok(()) => Sent::Departs,
            Err(frame) => {
                out.pool.give(frame);
                self.congested()
            }
        }
    }

    /// Cuts a datagram, and lets all of it depart, or none for want of room on the wire.
    fn depart_in_fragments(&mut self, to: MacAddr, parcel: Parcel, out: &mut Out<'_>) -> Sent {
        let departed = self.cut(to, &parcel, out);
        out.pool.give(parcel.frame);
        departed.map_or_else(|| self.congested(), |()| Sent::Departs)
    }

    fn cut(&mut self, to: MacAddr, parcel: &Parcel, out: &mut Out<'_>) -> Option<()> {
        let datagram = Datagram::parse(parcel.frame.octets()).ok()?;
        let (fields, payload) = (Fields::from(&datagram), datagram.payload());
        let fragments = Fragments::of(payload.len(), self.config.mtu, fields.dont_fragment).ok()?;
        if fragments.clone().count() > out.departing.room() {
            return None;
        }
        for fragment in fragments {
            let part = payload.get(fragment.range.clone())?;
            let mut frame = out.pool.take()?;
            let written = write_fragment(&mut frame, fragment.apply(fields), part).is_some()
                && self.link.send(&mut frame, to, parcel.ours, EtherType::IPV4).is_ok();
            let departs = if written { out.departing.push(frame) } else { Err(frame) };
            if let Err(frame) = departs {
                out.pool.give(frame);
                return None;
            }
        }
        Some(())
    }

    /// Counts what the wire had no room for.
    pub(crate) fn congested(&mut self) -> Sent {
        self.counts.congested = self.counts.congested.saturating_add(1);
        Sent::Refused
    }

    /// Gives a frame back that there is no address for.
    fn stay_silent(&mut self, frame: Frame, out: &mut Out<'_>) -> Sent {
        self.counts.addressless = self.counts.addressless.saturating_add(1);
        out.pool.give(frame);
        Sent::Refused
    }

    /// Sends an ARP packet of our own.
    fn speak(&mut self, fields: arp::Fields, to: MacAddr, out: &mut Out<'_>) {
        let Some(mut frame) = out.pool.take() else {
            self.congested();
            return;
        };
        match write(&mut frame, fields) {
            Ok(()) => {
                let (source, ours) = (fields.sender_protocol, fields.sender_hardware);
                let parcel = Parcel { ether_type: EtherType::ARP, source, ours, frame };
                self.depart(to, parcel, out);
            }
            // A frame of the pool has room for a packet.
            Err(NoRoom) => out.pool.give(frame),
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
