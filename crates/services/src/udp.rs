//! The services on UDP, and their sockets.

use std::collections::VecDeque;

use base::{Random, ReasonCounters};
use host::{Counter, Host, ReceivedUdp, SocketError, SocketId, UdpBind};
use ipnet::IpNet;
use tap::{Instant, Pool};

use crate::kind::ServiceKind;
use crate::reason::ReplyDropReason;
use crate::service::{Protocol, Service};
use crate::texts::Texts;

/// The services on UDP. Each service has one socket, which may serve all addresses of the host.
#[derive(Debug)]
pub(crate) struct UdpServices {
    entries: Vec<Entry>,
    /// Positions in `entries` of the sockets that may have datagrams, each once.
    ready: VecDeque<usize>,
    random: Random,
    replies: u64,
    errors: u64,
    dropped: ReasonCounters<ReplyDropReason>,
}

/// A service on a UDP port.
#[derive(Clone, Copy, Debug)]
struct Entry {
    socket: SocketId,
    kind: ServiceKind,
    addresses: IpNet,
    port: u16,
    received: u64,
    is_ready: bool,
}

/// Whether a service continues to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The socket may have more datagrams.
    More,
    /// The socket has no more datagrams, or its send queue is full. The host reports when it is ready again.
    Waiting,
}

impl UdpServices {
    /// Maximum number of datagrams that one [`UdpServices::run`] receives.
    pub(crate) const BATCH: usize = 64;
    /// Maximum number of datagrams that one service receives before the next service does.
    const BURST: usize = 16;
    /// Longest reply of chargen. RFC 864: "a random number (between 0 and 512) of characters".
    const MAX_PATTERN: u16 = 512;
    /// Ports of the services of RFC 862 to RFC 868 that reply to any datagram: echo, daytime, quote of the day, chargen
    /// and time.
    const REPLYING_PORTS: [u16; 5] = [7, 13, 17, 19, 37];

    /// Creates the services without a service. `seed` determines the lengths of the replies of chargen.
    pub(crate) fn new(seed: u64) -> UdpServices {
        UdpServices {
            entries: Vec::new(),
            ready: VecDeque::new(),
            random: Random::new(seed),
            replies: 0,
            errors: 0,
            dropped: ReasonCounters::default(),
        }
    }

    /// Starts a service on a UDP port of all local addresses in `addresses`, with one socket of the host.
    pub(crate) fn add(
        &mut self,
        host: &mut Host,
        kind: ServiceKind,
        addresses: IpNet,
        port: u16,
    ) -> Result<(), SocketError> {
        // spec: services-no-broadcast
        let bind = UdpBind { addresses, port: Some(port), ..UdpBind::default() };
        let socket = host.bind_udp(&bind)?;
        self.entries.push(Entry { socket, kind, addresses, port, received: 0, is_ready: false });
        // The queue never grows while datagrams arrive.
        // spec: services-no-allocation
        self.ready.reserve(self.entries.len());
        Ok(())
    }

    /// Returns the services, in the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Service> {
        self.entries.iter().map(|entry| Service {
            name: entry.kind.name(),
            protocol: Protocol::Udp,
            addresses: entry.addresses,
            port: entry.port,
        })
    }

    /// Notes that a socket has a change, and counts its errors. Does nothing if the socket belongs to no service.
    pub(crate) fn mark_ready(&mut self, host: &mut Host, id: SocketId) {
        let service = self.entries.iter_mut().enumerate().find(|(_, service)| service.socket == id);
        let Some((position, service)) = service else { return };
        if !std::mem::replace(&mut service.is_ready, true) {
            self.ready.push_back(position);
        }
        self.take_errors(host, id);
    }

    /// Returns whether a service has datagrams to receive.
    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Serves the sockets that are ready, up to [`UdpServices::BATCH`] datagrams.
    pub(crate) fn run(&mut self, now: Instant, host: &mut Host, pool: &mut Pool, texts: &Texts) {
        // spec: services-fair
        let mut left = Self::BATCH;
        while left > 0
            && let Some(position) = self.ready.pop_front()
        {
            let progress = self.serve(now, position, &mut left, (host, pool), texts);
            match (progress, self.entries.get_mut(position)) {
                (Progress::More, _) => self.ready.push_back(position),
                (Progress::Waiting, Some(service)) => service.is_ready = false,
                (Progress::Waiting, None) => {}
            }
        }
    }

    /// Returns the counters.
    pub(crate) fn counters(&self) -> Vec<Counter> {
        let event = |name, text, count| Counter { layer: "services", name, text, count, is_loss: false };
        let received = |kind| {
            let of_kind = self.entries.iter().filter(|service| service.kind == kind);
            of_kind.map(|service| service.received).fold(0_u64, u64::saturating_add)
        };
        let mut all = vec![
            event("echo_received", "datagrams to echo", received(ServiceKind::Echo)),
            event("discard_received", "datagrams to discard", received(ServiceKind::Discard)),
            event("daytime_received", "datagrams to daytime", received(ServiceKind::Daytime)),
            event("chargen_received", "datagrams to chargen", received(ServiceKind::Chargen)),
            event("replies_sent", "replies sent", self.replies),
            event(
                "replies_undelivered",
                "replies not delivered: ICMP error or next hop not resolved",
                self.errors,
            ),
        ];
        all.extend(self.dropped.iter().map(|(reason, count)| Counter {
            is_loss: true,
            ..event(base::Reason::name(reason), base::Reason::text(reason), count)
        }));
        all
    }

    /// Counts and discards the errors of a socket.
    fn take_errors(&mut self, host: &mut Host, id: SocketId) {
        while host.take_socket_error(id).is_some() {
            self.errors = self.errors.saturating_add(1);
        }
    }

    /// Receives up to [`UdpServices::BURST`] datagrams of a service, at most `left`.
    fn serve(
        &mut self,
        now: Instant,
        position: usize,
        left: &mut usize,
        (host, pool): (&mut Host, &mut Pool),
        texts: &Texts,
    ) -> Progress {
        let Some(service) = self.entries.get(position) else { return Progress::Waiting };
        let (socket, kind) = (service.socket, service.kind);
        let burst = Self::BURST.min(*left);
        let mut received = 0;
        let progress = loop {
            if received == burst {
                break Progress::More;
            }
            let Some(datagram) = host.receive_udp(socket) else { break Progress::Waiting };
            received += 1;
            if !kind.replies() {
                // RFC 863: "When a datagram is received, it is thrown away. No response is sent."
                // spec: rfc863-discard
                pool.give(datagram.frame);
                continue;
            }
            if !self.may_reply(datagram.source.port()) {
                // spec: services-no-loop
                self.dropped.count(ReplyDropReason::SourcePort);
                pool.give(datagram.frame);
                continue;
            }
            match self.reply(now, (socket, kind), datagram, (host, pool), texts) {
                Ok(()) => self.replies = self.replies.saturating_add(1),
                Err(error) => {
                    let reason = ReplyDropReason::from(&error);
                    self.dropped.count(reason);
                    // spec: services-backpressure
                    if reason == ReplyDropReason::SendBufferFull {
                        break Progress::Waiting;
                    }
                }
            }
        };
        *left -= received;
        if let Some(service) = self.entries.get_mut(position) {
            let received = u64::try_from(received).unwrap_or(u64::MAX);
            service.received = service.received.saturating_add(received);
        }
        progress
    }

    /// Returns whether a service may reply to a source port.
    pub(crate) fn may_reply(&self, port: u16) -> bool {
        let is_replying = |service: &Entry| service.port == port && service.kind.replies();
        port != 0 && !Self::REPLYING_PORTS.contains(&port) && !self.entries.iter().any(is_replying)
    }

    /// Replies to a datagram, from the address to which the datagram was sent, on the interface that received it.
    fn reply(
        &mut self,
        now: Instant,
        (socket, kind): (SocketId, ServiceKind),
        received: ReceivedUdp,
        (host, pool): (&mut Host, &mut Pool),
        texts: &Texts,
    ) -> Result<(), SocketError> {
        let data = match kind {
            // spec: rfc862-echo
            // spec: services-reply-source
            ServiceKind::Echo => return host.reply_udp(now, socket, received, pool),
            // spec: rfc867-daytime
            ServiceKind::Daytime => texts.daytime().as_bytes(),
            // spec: rfc864-length
            ServiceKind::Chargen => {
                let length = self.random.up_to(Self::MAX_PATTERN.into());
                usize::try_from(length)
                    .ok()
                    .and_then(|length| texts.pattern().get(..length))
                    .unwrap_or_default()
            }
            ServiceKind::Discard => &[],
        };
        let message = received.reply_message();
        pool.give(received.frame);
        host.send_udp(now, socket, &message, data, pool)
    }
}
