//! A listener, and its half-open connection, which are compared with the reference.

use base::Secret;
use inet::{Binding, InterfaceId};
use ipnet::Ipv4Net;
use tap::{Checksum, Instant, Offloads, Pool};
use tcp::{ListenerId, Path, Segment, State, Tcp, TcpLimits};

use crate::connection::{BUFFER, LOCAL, MTU, START, STEP, WINDOW, reply, segment, settings};
use crate::reference::{Arrival, Block, Effect, Place, Reply};

/// A listener, with the frames and the memory that it needs.
pub(crate) struct Listening {
    tcp: Tcp,
    listener: ListenerId,
    now: Instant,
    pool: Pool,
}

const INTERFACE: InterfaceId = InterfaceId(0);

impl Listening {
    /// Creates a listener and its block. With `is_half_open`, a peer with this initial sequence number has sent a SYN.
    pub(crate) fn new(initial: u32, is_half_open: bool) -> (Listening, Block) {
        let syn = Arrival {
            seq: initial,
            ack: None,
            syn: true,
            fin: false,
            rst: false,
            urg: false,
            up: 0,
            data: 0,
        };
        // The initial sequence number depends on the secret, the addresses and the time only.
        let mut half_open = Listening::start();
        let replies = half_open.receive(&syn).replies;
        let [Reply::SynAck { seq: iss, .. }] = replies.as_slice() else {
            panic!("the listener answered a SYN with {replies:?}");
        };
        let block = Block {
            place: if is_half_open { Place::SynReceivedPassive } else { Place::Listen },
            iss: *iss,
            snd_una: *iss,
            snd_nxt: iss.wrapping_add(1),
            max_snd_wnd: WINDOW.into(),
            rcv_nxt: initial.wrapping_add(1),
            rcv_wnd: BUFFER.into(),
            has_sent_fin: false,
        };
        (if is_half_open { half_open } else { Listening::start() }, block)
    }

    /// Creates a listener.
    fn start() -> Listening {
        let limits = TcpLimits {
            connections: 2,
            listeners: 1,
            memory: 1 << 20,
            half_open: 2,
            half_open_per_listener: 2,
            time_wait: 2,
            ..TcpLimits::default()
        };
        let mut tcp = Tcp::new(limits, Secret::new(1));
        let binding = Binding { addresses: Ipv4Net::from(*LOCAL.ip()), port: LOCAL.port() };
        let listener = tcp.listen(binding, 1, &settings()).expect("the listener should be created");
        Listening { tcp, listener, now: START, pool: Pool::new(MTU.into(), 8) }
    }

    /// Processes a segment, and returns its effect.
    pub(crate) fn receive(&mut self, arrival: &Arrival) -> Effect {
        self.now = self.now + STEP;
        let segment = segment(arrival);
        let mut frame = self.pool.take().expect("the pool should have a frame");
        frame.write(&vec![0xaa; segment.data_length]).expect("the data should fit the frame");
        let path = Path { interface: INTERFACE, interface_mtu: MTU, mtu: MTU };
        let reception = self.tcp.receive(self.now, &path, &segment, frame, &mut self.pool);
        let mut replies: Vec<_> = reception.reply.iter().map(reply).collect();
        while let Some(departure) =
            self.tcp.transmit(self.now, INTERFACE, Offloads::default(), &mut self.pool)
        {
            let addresses = (departure.source, departure.destination);
            let sent = Segment::parse(departure.frame.bytes(), addresses, Checksum::None);
            replies.push(reply(&sent.expect("a sent segment should be valid").fields()));
            self.pool.give(departure.frame);
        }
        Effect { replies, ..Effect::default() }
    }

    /// Returns the state, and adds what the user of an accepted connection learns to an effect.
    pub(crate) fn place(&mut self, effect: &mut Effect) -> Place {
        if self.tcp.totals().half_open > 0 {
            return Place::SynReceivedPassive;
        }
        let Some(connection) = self.tcp.accept(self.listener) else { return Place::Listen };
        let status = self.tcp.status(connection).expect("the accepted connection should exist");
        effect.delivered = u32::try_from(status.readable).expect("the readable data should fit 32 bits");
        effect.is_urgent = status.urgent.is_some();
        match status.state {
            State::Established => Place::Established,
            State::CloseWait => Place::CloseWait,
            state => panic!("the accepted connection is in {state}"),
        }
    }
}
