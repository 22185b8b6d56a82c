//! The tester of TCP: sends segments to the host under test, calls its sockets, and reads the segments that it sends.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use host::{Host, HostConfig, SocketId, TcpConnect, TcpListen, TcpRead, TcpState};
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields};
use sim::{Faults, NodeId, ScriptedFrame, Segment as Wire};
use tap::{Checksum, Instant, Pool};
use tcp::{Flags, Segment, SegmentFields, SequenceNumber};

use super::Fault;
use super::input::{Input, PORT, TESTER_PORT};
use crate::packets::{HOST, PEER, SECOND, Station};
use crate::tester::{CaseError, CaseResult};

/// Time for which the tester captures segments after each action: more than the delay of an ACK, and less than a
/// retransmission timeout.
const LISTEN: Duration = Duration::from_millis(60);
/// Length of the link header, in bytes.
const LINK_HEADER: usize = 14;

/// A segment with a host that has a listener, and with the tester as two stations.
///
/// The tester is the peer of one connection, and follows its sequence numbers.
pub(super) struct TcpTester {
    wire: Wire,
    host: NodeId,
    listener: SocketId,
    /// The connection of the host, if the host has created one.
    connection: Option<SocketId>,
    /// The port of the tester and the port of the host.
    pub(super) ports: (u16, u16),
    /// Sequence number of the next byte that the tester sends.
    pub(super) next: SequenceNumber,
    /// Sequence number of the next byte that the tester expects.
    pub(super) expected: SequenceNumber,
    fault: Option<Fault>,
    is_armed: Rc<Cell<bool>>,
}

/// A segment that the host sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) at: Instant,
    pub(super) segment: Segment,
    pub(super) data: Vec<u8>,
}

impl TcpTester {
    /// The initial sequence number of the tester.
    pub(super) const ISN: SequenceNumber = SequenceNumber::new(1_000);

    /// Creates a tester on a segment with a newly started host.
    pub(super) fn new(fault: Option<Fault>) -> Result<TcpTester, CaseError> {
        let mut wire = Wire::new(Instant::ORIGIN, Faults::NONE);
        let id = wire.add(&HostConfig::new(format!("{}/24", HOST.ip).parse()?, HOST.mac))?;
        let is_armed = Rc::new(Cell::new(false));
        let is_active = Rc::clone(&is_armed);
        wire.intercept(id, move |_, bytes| match fault.filter(|_| is_active.get()) {
            Some(fault) if is_tcp(bytes) => fault.replace_sent(bytes),
            _ => vec![(Duration::ZERO, bytes.to_vec())],
        });
        let host = wire.host_mut(id).ok_or("not a host")?;
        for Station { mac, ip } in [PEER, SECOND] {
            host.add_static(Instant::ORIGIN, ip, mac)?;
        }
        let listener = host.listen_tcp(&TcpListen { port: Some(PORT), ..TcpListen::default() })?;
        Ok(TcpTester {
            wire,
            host: id,
            listener,
            connection: None,
            ports: (TESTER_PORT, PORT),
            next: Self::ISN,
            expected: SequenceNumber::new(0),
            fault,
            is_armed,
        })
    }

    /// Lets the fault have an effect.
    pub(super) fn arm(&self) {
        self.is_armed.set(true);
    }

    /// Ends the connection, and starts again with a new connection, from another port of the tester.
    pub(super) fn start_again(&mut self) -> CaseResult {
        let reset = self.segment(Flags::RST);
        self.wire.inject(&reset.frame()?);
        if let Some(id) = self.connection.take() {
            self.call(|now, host, pool| host.abort_tcp(now, id, pool))?;
        }
        self.wait(LISTEN)?;
        self.ports = (self.ports.0 + 1, PORT);
        (self.next, self.expected) = (Self::ISN, SequenceNumber::new(0));
        Ok(())
    }

    /// Returns a segment of the connection without data: the next in sequence, which acknowledges all that the host has
    /// sent.
    pub(super) fn segment(&self, flags: Flags) -> Input {
        Input::new(self.ports, (self.next, self.expected), flags)
    }

    /// Sends a segment to the host. Returns the segments that the host sends.
    pub(super) fn send(&mut self, input: &Input) -> Result<Vec<Sent>, CaseError> {
        self.wire.inject(&input.frame()?);
        self.wait(LISTEN)
    }

    /// Sends a segment to the host with the fault of the case, if there is one. Returns the segments that the host sends.
    pub(super) fn test(&mut self, input: &Input) -> Result<Vec<Sent>, CaseError> {
        self.arm();
        let mut input = input.clone();
        if let Some(Fault::ChangeReceived(change)) = self.fault {
            change(&mut input);
        }
        self.send(&input)
    }

    /// Returns the segments that the host sends within a time.
    pub(super) fn wait(&mut self, span: Duration) -> Result<Vec<Sent>, CaseError> {
        self.wire.run_for(span)?;
        let frames = self.wire.take_captured().into_iter().filter(|frame| is_tcp(&frame.bytes));
        let mut sent = Vec::new();
        for frame in frames {
            let (segment, data) = parse(&frame.bytes)?;
            sent.push(Sent { at: frame.at, segment, data });
        }
        Ok(sent)
    }

    /// Calls the host.
    fn call<T>(&mut self, call: impl FnOnce(Instant, &mut Host, &mut Pool) -> T) -> Result<T, CaseError> {
        let now = self.wire.now();
        let (host, pool) = self.wire.host_and_pool(self.host).ok_or("not a host")?;
        Ok(call(now, host, pool))
    }

    /// Returns the connection of the host.
    fn connection(&self) -> Result<SocketId, CaseError> {
        Ok(self.connection.ok_or("the host has no connection")?)
    }

    /// Returns the state of the connection of the host.
    pub(super) fn state(&mut self) -> Result<TcpState, CaseError> {
        let id = self.connection()?;
        Ok(self.call(|_, host, _| host.tcp_status(id))??.state)
    }

    /// Returns the number of unread bytes up to the end of urgent data.
    pub(super) fn urgent(&mut self) -> Result<Option<u32>, CaseError> {
        let id = self.connection()?;
        Ok(self.call(|_, host, _| host.tcp_status(id))??.urgent)
    }

    /// Lets the host open a connection to the tester. Returns the SYN.
    pub(super) fn open(&mut self) -> Result<Sent, CaseError> {
        let destination = SocketAddr::new(IpAddr::V4(PEER.ip), self.ports.0);
        let id = self.call(|now, host, _| host.connect_tcp(now, &TcpConnect::new(destination)))??;
        self.connection = Some(id);
        let syn = one(self.wait(LISTEN)?)?;
        self.ports.1 = syn.segment.source.port();
        self.expected = syn.segment.sequence.plus(1);
        Ok(syn)
    }

    /// Lets the host accept the connection of the tester.
    pub(super) fn accept(&mut self) -> CaseResult {
        let listener = self.listener;
        let accepted = self.call(|_, host, _| host.accept_tcp(listener))?;
        self.connection = Some(accepted.ok_or("the host has accepted no connection")?.socket);
        Ok(())
    }

    /// Lets the host write data. Returns the segments that the host sends.
    pub(super) fn write(&mut self, data: &[u8]) -> Result<Vec<Sent>, CaseError> {
        let id = self.connection()?;
        let written = self.call(|now, host, pool| host.write_tcp(now, id, data, pool))??;
        if written != data.len() {
            return Err(format!("the host has accepted {written} of {} bytes", data.len()).into());
        }
        self.wait(LISTEN)
    }

    /// Lets the host read all data that is available.
    pub(super) fn read(&mut self) -> Result<Vec<u8>, CaseError> {
        let id = self.connection()?;
        let mut data = vec![0; 65_536];
        let read = self.call(|now, host, pool| host.read_tcp(now, id, &mut data, pool))??;
        match read {
            TcpRead::Data(length) => data.truncate(length),
            TcpRead::End | TcpRead::WouldBlock => data.clear(),
        }
        Ok(data)
    }

    /// Lets the host close its sending direction. Returns the segments that the host sends.
    pub(super) fn shutdown(&mut self) -> Result<Vec<Sent>, CaseError> {
        let id = self.connection()?;
        self.call(|now, host, _| host.shutdown_tcp(now, id))??;
        self.wait(LISTEN)
    }

    /// Lets the host abort the connection. Returns the segments that the host sends.
    pub(super) fn abort(&mut self) -> Result<Vec<Sent>, CaseError> {
        let id = self.connection()?;
        self.call(|now, host, pool| host.abort_tcp(now, id, pool))?;
        self.wait(LISTEN)
    }

    /// Expects an ACK without data, which acknowledges all that the tester has sent.
    pub(super) fn expect_ack(&self, sent: Vec<Sent>) -> CaseResult {
        let sent = one(sent)?;
        expect_flags(&sent, Flags::ACK)?;
        self.expect_numbers(&sent)?;
        if sent.data.is_empty() { Ok(()) } else { Err("the ACK has data".into()) }
    }

    /// Expects the numbers of the next segment of the host.
    pub(super) fn expect_numbers(&self, sent: &Sent) -> CaseResult {
        expect_number("sequence number", sent.segment.sequence, self.expected)?;
        expect_number("acknowledgment number", sent.segment.acknowledgment, self.next)
    }

    /// Expects the state of the connection of the host.
    pub(super) fn expect_state(&mut self, expected: TcpState) -> CaseResult {
        let state = self.state()?;
        if state == expected { Ok(()) } else { Err(format!("state is {state}, expected {expected}").into()) }
    }
}

impl Fault {
    /// Returns what replaces a frame with a segment of the host.
    fn replace_sent(self, bytes: &[u8]) -> Vec<ScriptedFrame> {
        let whole = (Duration::ZERO, bytes.to_vec());
        match self {
            Fault::DropSent => Vec::new(),
            Fault::CorruptSent => vec![(Duration::ZERO, with_wrong_checksum(whole.1))],
            Fault::RepeatSent(after) => vec![whole, (after, bytes.to_vec())],
            Fault::ChangeSent(change) => vec![(Duration::ZERO, changed(bytes, change).unwrap_or_default())],
            Fault::ChangeReceived(_) => vec![whole],
        }
    }
}

fn with_wrong_checksum(mut frame: Vec<u8>) -> Vec<u8> {
    if let Some(checksum) = frame.get_mut(LINK_HEADER + Ipv4Fields::LENGTH + 16) {
        *checksum ^= 1;
    }
    frame
}

/// Returns a frame with changed fields of its segment.
fn changed(frame: &[u8], change: fn(&mut SegmentFields)) -> Option<Vec<u8>> {
    let (segment, data) = parse(frame).ok()?;
    let mut fields = segment.fields();
    change(&mut fields);
    let mut datagram = vec![0; Ipv4Fields::LENGTH + fields.header_length()];
    datagram.extend(data);
    fields.write_to(datagram.get_mut(Ipv4Fields::LENGTH..)?).ok()?;
    let addresses = (*segment.source.ip(), *segment.destination.ip());
    Ipv4Fields::new(IpProtocol::TCP, addresses.0, addresses.1).write_to(&mut datagram).ok()?;
    Some([frame.get(..LINK_HEADER)?, &datagram].concat())
}

/// Returns the segment in a frame of the host, and its data.
fn parse(frame: &[u8]) -> Result<(Segment, Vec<u8>), CaseError> {
    let datagram = Datagram::parse(frame.get(LINK_HEADER..).unwrap_or_default())?;
    let addresses = (datagram.source(), datagram.destination());
    let segment = Segment::parse(datagram.payload(), addresses, Checksum::None)?;
    let data = datagram.payload().get(segment.header_length..).unwrap_or_default();
    Ok((segment, data.to_vec()))
}

fn is_tcp(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&[8, 0]) && frame.get(23) == Some(&IpProtocol::TCP.0)
}

/// Returns the only segment.
pub(super) fn one(mut sent: Vec<Sent>) -> Result<Sent, CaseError> {
    match (sent.len(), sent.pop()) {
        (1, Some(segment)) => Ok(segment),
        (count, _) => Err(format!("expected one segment, the host sent {count}").into()),
    }
}

/// Expects no segment.
pub(super) fn expect_silence(sent: &[Sent]) -> CaseResult {
    match sent.first() {
        None => Ok(()),
        Some(first) => Err(format!("the host sent a segment: {}", first.segment.flags).into()),
    }
}

/// Expects these flags, regardless of PSH.
pub(super) fn expect_flags(sent: &Sent, expected: Flags) -> CaseResult {
    let flags = sent.segment.flags.without(Flags::PSH);
    if flags == expected { Ok(()) } else { Err(format!("flags are {flags}, expected {expected}").into()) }
}

/// Expects a reset with this sequence number, and with this acknowledgment number if the reset has ACK.
pub(super) fn expect_reset(
    sent: Vec<Sent>,
    sequence: SequenceNumber,
    acknowledgment: Option<SequenceNumber>,
) -> CaseResult {
    let sent = one(sent)?;
    let ack = if acknowledgment.is_some() { Flags::ACK } else { Flags::NONE };
    expect_flags(&sent, Flags::RST | ack)?;
    expect_number("sequence number", sent.segment.sequence, sequence)?;
    match acknowledgment {
        Some(expected) => expect_number("acknowledgment number", sent.segment.acknowledgment, expected),
        None => Ok(()),
    }
}

/// Expects a sequence number.
pub(super) fn expect_number(name: &str, found: SequenceNumber, expected: SequenceNumber) -> CaseResult {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{name} is {}, expected {}", found.value(), expected.value()).into())
    }
}
