//! Datagrams that arrive: echo requests are answered, what is for nobody is refused, the rest is told.

use std::net::Ipv4Addr;

use icmp::{IcmpError, QuotedDatagram};
use inet::IpProtocol;
use ipv4::{Datagram, DestinationKind, Ipv4Fields, ReceivedDatagram};
use link::{EtherType, MacAddr};
use tap::{Checksum, Frame, Instant};

use crate::input::Payload;
use crate::output::{PendingPacket, SendOutcome, TxDropReason};
use crate::stack::{Out, Stack};
use crate::udp;
use crate::{DataMismatch, DatagramOutcome, DeliveryFailure, DropReason, EchoReply, FrameOutcome, HostEvent};

/// What is to be done about a datagram.
enum Plan {
    /// It is over with.
    Done(FrameOutcome),
    /// The echo request in it is to become its reply.
    Answer(Answer),
}

/// An echo request, and its reply's header.
struct Answer {
    /// Octets of header before the message.
    header: usize,
    /// Octets of the message.
    length: usize,
    fields: Ipv4Fields,
    /// The station that answers.
    ours: MacAddr,
}

impl Stack {
    /// Judges the datagram in a frame, whose payload has so many octets.
    pub(crate) fn receive_ipv4(
        &mut self,
        now: Instant,
        frame: Frame,
        payload: Payload,
        length: usize,
        out: &mut Out<'_>,
    ) -> FrameOutcome {
        let end = payload.offset.saturating_add(length);
        let octets = frame.bytes().get(payload.offset..end).unwrap_or_default();
        if let Err(reason) = self.vet_fragment(octets, payload) {
            out.pool.give(frame);
            return FrameOutcome::Dropped(reason);
        }
        match self.ipv4.receive(now, payload.cast, octets) {
            Err(reason) => {
                out.pool.give(frame);
                FrameOutcome::Dropped(reason.into())
            }
            Ok(ReceivedDatagram::Kept) => {
                out.pool.give(frame);
                FrameOutcome::Ipv4(DatagramOutcome::FragmentStored)
            }
            Ok(ReceivedDatagram::Whole(datagram, cast)) => {
                match self.plan(now, &datagram, cast, payload, out) {
                    Plan::Answer(answer) => self.answer_echo(now, &answer, frame, payload.offset, out),
                    Plan::Done(verdict) => {
                        out.pool.give(frame);
                        verdict
                    }
                }
            }
            Ok(ReceivedDatagram::Reassembled(whole, cast)) => {
                out.pool.give(frame);
                // A sender that cuts a datagram completes its checksum first.
                let payload = Payload { checksum: Checksum::None, ..payload };
                let plan = whole.datagram().map_or_else(
                    |reason| Plan::Done(FrameOutcome::Dropped(reason.into())),
                    |datagram| self.plan(now, &datagram, cast, payload, out),
                );
                let verdict = match (plan, whole.datagram()) {
                    (Plan::Answer(answer), Ok(datagram)) => match large_frame(datagram.octets(), out) {
                        Some(frame) => self.answer_echo(now, &answer, frame, 0, out),
                        None => self.drop_unsent(TxDropReason::NoFrame),
                    },
                    (Plan::Answer(_), Err(reason)) => FrameOutcome::Dropped(reason.into()),
                    (Plan::Done(verdict), _) => verdict,
                };
                self.ipv4.give_back(whole);
                verdict
            }
        }
    }

    /// Turns a fragment away that the station which it was sent to would not hear whole: else its data
    /// would be in another host's datagram.
    fn vet_fragment(&mut self, octets: &[u8], payload: Payload) -> Result<(), DropReason> {
        // Few are fragments, and those are read twice.
        let is_fragment = octets.get(6..8).is_some_and(|flags| flags != [0, 0] && flags != [0x40, 0]);
        if is_fragment
            && let Ok(datagram) = Datagram::parse(octets)
            && let Some(cast) = self.ipv4.addresses().cast(datagram.destination())
        {
            self.vet(&datagram, cast, payload)?;
        }
        Ok(())
    }

    fn plan(
        &mut self,
        now: Instant,
        datagram: &Datagram<'_>,
        cast: DestinationKind,
        payload: Payload,
        out: &mut Out<'_>,
    ) -> Plan {
        let ours = match self.vet(datagram, cast, payload) {
            Ok(ours) => ours,
            Err(reason) => return Plan::Done(FrameOutcome::Dropped(reason)),
        };
        let (source, destination) = (datagram.source(), datagram.destination());
        // Nothing is answered on the word of a header that is wrong.
        if datagram.protocol() == IpProtocol::UDP
            && let Err(reason) = udp::check(datagram, payload.checksum)
        {
            // spec: drops-counted
            self.udp.count(reason);
            return Plan::Done(FrameOutcome::Dropped(reason.into()));
        }
        match datagram.protocol() {
            IpProtocol::ICMP => self.plan_icmp(datagram, cast, ours),
            // spec: rfc1122-refused-many
            _ if cast != DestinationKind::Unicast => self.unwanted(),
            protocol => {
                // spec: rfc1122-protocol-unreachable, rfc1122-port-unreachable
                let problem = match protocol {
                    IpProtocol::UDP => IcmpError::PORT_UNREACHABLE,
                    _ => IcmpError::PROTOCOL_UNREACHABLE,
                };
                let between = (destination, source);
                let told = self.complain(now, problem, datagram.octets(), payload.cast, between, out);
                Plan::Done(told.map_or_else(FrameOutcome::Dropped, |()| {
                    FrameOutcome::Ipv4(DatagramOutcome::Rejected(problem))
                }))
            }
        }
    }

    /// Many hosts on one wire: each hears only what is sent to its own station, and only while its address
    /// is in use. Returns the station, if it is for one.
    fn vet(
        &mut self,
        datagram: &Datagram<'_>,
        cast: DestinationKind,
        payload: Payload,
    ) -> Result<Option<MacAddr>, DropReason> {
        if cast != DestinationKind::Unicast {
            return Ok(None);
        }
        // spec: rfc5227-silence
        let Some(hardware) = self.hardware_of(datagram.destination()) else {
            self.counts.not_in_use = self.counts.not_in_use.saturating_add(1);
            return Err(DropReason::AddressNotInUse);
        };
        // spec: station-of-destination
        if payload.station.is_some_and(|station| station != hardware) {
            self.counts.wrong_station = self.counts.wrong_station.saturating_add(1);
            return Err(DropReason::WrongMac);
        }
        Ok(Some(hardware))
    }

    fn plan_icmp(&mut self, datagram: &Datagram<'_>, cast: DestinationKind, ours: Option<MacAddr>) -> Plan {
        let (source, destination) = (datagram.source(), datagram.destination());
        let message = datagram.payload();
        match self.icmp.receive(self.ipv4.addresses(), cast, message) {
            Err(reason) => Plan::Done(FrameOutcome::Dropped(reason.into())),
            Ok(icmp::ReceivedMessage::Request(_)) => match ours {
                Some(ours) => Plan::Answer(self.plan_answer(datagram, ours)),
                // `Icmp` answers nothing that is sent to many.
                None => self.unwanted(),
            },
            Ok(icmp::ReceivedMessage::Reply(echo)) => {
                self.tell(HostEvent::EchoReply(EchoReply {
                    from: source,
                    to: destination,
                    identifier: echo.identifier,
                    sequence: echo.sequence,
                    length: message.len(),
                    time_to_live: datagram.time_to_live(),
                    mismatch: DataMismatch::between(&self.echo_data, echo.data),
                }));
                Plan::Done(FrameOutcome::Ipv4(DatagramOutcome::Reported))
            }
            Ok(icmp::ReceivedMessage::Error(problem, quoted)) => {
                // spec: rfc1122-error-reported, rfc1122-error-hint
                self.tell(HostEvent::DeliveryFailed(DeliveryFailure::new(source, problem, &quoted)));
                Plan::Done(FrameOutcome::Ipv4(DatagramOutcome::Reported))
            }
        }
    }

    fn plan_answer(&mut self, request: &Datagram<'_>, ours: MacAddr) -> Answer {
        let (source, destination) = (request.destination(), request.source());
        let fields = Ipv4Fields {
            // spec: rfc1349-reply-service
            type_of_service: request.type_of_service(),
            // spec: rfc1122-time-to-live-configurable
            time_to_live: self.config.time_to_live,
            identification: self.identification.next(source, destination, IpProtocol::ICMP),
            ..Ipv4Fields::new(IpProtocol::ICMP, source, destination)
        };
        Answer { header: request.header_length(), length: request.payload().len(), fields, ours }
    }

    fn unwanted(&mut self) -> Plan {
        self.counts.unwanted = self.counts.unwanted.saturating_add(1);
        Plan::Done(FrameOutcome::Dropped(DropReason::NoListener))
    }

    /// Turns the datagram in a frame, which starts `offset` octets in, into the answer to it.
    fn answer_echo(
        &mut self,
        now: Instant,
        answer: &Answer,
        mut frame: Frame,
        offset: usize,
        out: &mut Out<'_>,
    ) -> FrameOutcome {
        // spec: rfc792-echo, rfc1122-echo-mirrored
        frame.set_checksum(Checksum::None);
        let written = frame.narrow(offset.saturating_add(answer.header), answer.length).is_ok()
            && icmp::reply_in_place(frame.bytes_mut()).is_ok()
            && frame.prepend(Ipv4Fields::LENGTH).is_ok()
            && answer.fields.write_to(frame.bytes_mut()).is_ok();
        if !written {
            out.pool.give(frame);
            return self.drop_unsent(TxDropReason::TooLong);
        }
        // Who asked is one host: what is sent to many comes from nobody.
        let Answer { fields: Ipv4Fields { source, destination, .. }, ours, .. } = *answer;
        let packet = PendingPacket { ether_type: EtherType::IPV4, source, ours, frame };
        match self.forward(now, destination, packet, out) {
            Ok(SendOutcome::NoRoute) => FrameOutcome::Dropped(DropReason::NoRoute),
            Ok(_) => {
                self.counts.echoed = self.counts.echoed.saturating_add(1);
                FrameOutcome::Ipv4(DatagramOutcome::EchoReplied)
            }
            Err(reason) => FrameOutcome::Dropped(reason.into()),
        }
    }

    /// Counts an answer that is not sent.
    pub(crate) fn drop_unsent(&mut self, reason: TxDropReason) -> FrameOutcome {
        FrameOutcome::Dropped(self.count_tx_dropped(reason).into())
    }

    /// Sends an ICMP error about a datagram, if one may be sent. `between` is its source and its destination.
    ///
    /// An error is why it was not sent although it may be.
    pub(crate) fn complain(
        &mut self,
        now: Instant,
        problem: IcmpError,
        about: &[u8],
        cast: DestinationKind,
        between: (Ipv4Addr, Ipv4Addr),
        out: &mut Out<'_>,
    ) -> Result<(), DropReason> {
        let (source, destination) = between;
        let mut frame = out.pool.take().ok_or_else(|| self.count_tx_dropped(TxDropReason::NoFrame))?;
        // On a link that carries less, it quotes less.
        let Ok(octets) = frame.append((Ipv4Fields::LENGTH + IcmpError::LONGEST).min(self.config.mtu)) else {
            return Ok(self.refuse(TxDropReason::TooLong, frame, out).map(drop)?);
        };
        let message = octets.get_mut(Ipv4Fields::LENGTH..).unwrap_or_default();
        // What may not be told, and what comes too often, the layer itself counts.
        let told = self.icmp.error(now, problem, about, cast, self.ipv4.addresses(), message);
        // spec: rfc1122-error-service
        let fields = Ipv4Fields {
            time_to_live: self.config.time_to_live,
            identification: self.identification.next(source, destination, IpProtocol::ICMP),
            ..Ipv4Fields::new(IpProtocol::ICMP, source, destination)
        };
        let written = told.is_ok_and(|length| {
            frame.narrow(0, Ipv4Fields::LENGTH + length).is_ok() && fields.write_to(frame.bytes_mut()).is_ok()
        });
        if !written {
            out.pool.give(frame);
            return Ok(());
        }
        if self.route(now, source, destination, frame, out)? == SendOutcome::NoRoute {
            return Err(DropReason::NoRoute);
        }
        self.counts.errors = self.counts.errors.saturating_add(1);
        Ok(())
    }

    /// Tells the senders of datagrams whose rest did not come.
    pub(crate) fn complain_of_late(&mut self, now: Instant, out: &mut Out<'_>) {
        self.ipv4.poll(now);
        while let Some(late) = self.ipv4.take_event() {
            // spec: rfc792-reassembly-time
            let Some(quote) = late.first.filter(|quote| QuotedDatagram::parse(quote.octets()).is_some())
            else {
                continue;
            };
            let between = (late.destination, late.source);
            let problem = IcmpError::REASSEMBLY_EXCEEDED;
            _ = self.complain(now, problem, quote.octets(), DestinationKind::Unicast, between, out);
        }
    }
}

/// A frame of 64 KiB with these octets.
fn large_frame(octets: &[u8], out: &mut Out<'_>) -> Option<Frame> {
    let mut frame = out.pool.take_large()?;
    if frame.write(octets).is_err() {
        out.pool.give(frame);
        return None;
    }
    Some(frame)
}
