//! Packet generator: sends requests, and checks and counts replies.

use std::io::{IoSlice, IoSliceMut};
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use bench::namespace::within;
use nix::errno::Errno;
use nix::sys::socket::{LinkAddr, MsgFlags, MultiHeaders, recvmmsg, sendmmsg};
use tap::linux::PacketSocket;

use crate::network::BenchNetwork;
use crate::traffic::{Exchange, PORT, REQUESTER, RequestKind, Traffic};
use crate::udp_socket::{UdpSocket, enlarge_receive_buffer};

/// Maximum number of frames per system call.
pub(crate) const FRAMES_PER_CALL: usize = 64;
/// Maximum time to wait for a reply.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum length of a reply, in bytes.
const MAX_REPLY: usize = 128;

/// EtherType of ARP.
const ARP: u16 = 0x0806;

/// A packet socket on an interface, and the requests to send.
pub(crate) struct Generator {
    socket: PacketSocket,
    /// Receives the replies if they are UDP datagrams to the requester. The packet socket then receives only ARP.
    udp: Option<UdpSocket>,
    requests: Vec<Exchange>,
    probe: Exchange,
    unanswered: Exchange,
    /// Number of requests sent and of replies received.
    sent: usize,
    answered: usize,
    /// Number of received frames that were not the expected reply.
    unexpected: u64,
    outgoing: MultiHeaders<()>,
    incoming: MultiHeaders<LinkAddr>,
    space: Vec<[u8; MAX_REPLY]>,
}

impl Generator {
    /// Opens the sockets in the namespace of the requester.
    pub(crate) fn open(network: &BenchNetwork, traffic: &Traffic) -> Result<Generator, String> {
        let udp = traffic.has_udp_socket().then(|| {
            network.add_requester()?;
            within(&network.requester, || UdpSocket::bind(SocketAddrV4::new(REQUESTER.ip, PORT)))
        });
        let udp = udp.transpose()?;
        let name = &network.interface;
        let socket = within(&network.requester, || {
            let socket = match udp {
                Some(_) => PacketSocket::open_for_ether_type(name, ARP),
                None => PacketSocket::open_without_ring(name),
            };
            socket.map_err(|error| format!("cannot open a packet socket on {name}: {error}"))
        })?;
        socket.bypass_queue().map_err(|error| format!("cannot bypass the queue of {name}: {error}"))?;
        enlarge_receive_buffer(socket.as_fd())?;
        let requests = traffic.exchanges();
        let unanswered = requests[0].to_absent_host();
        Ok(Generator {
            socket,
            udp,
            requests,
            probe: Traffic::plain(RequestKind::Arp).exchanges().remove(0),
            unanswered,
            sent: 0,
            answered: 0,
            unexpected: 0,
            outgoing: MultiHeaders::preallocate(FRAMES_PER_CALL, None),
            incoming: MultiHeaders::preallocate(FRAMES_PER_CALL, None),
            space: vec![[0; MAX_REPLY]; FRAMES_PER_CALL],
        })
    }

    /// Returns the number of outstanding requests.
    pub(crate) fn outstanding(&self) -> usize {
        self.sent - self.answered
    }

    /// Returns the number of received frames that were not the expected reply.
    pub(crate) fn unexpected(&self) -> u64 {
        self.unexpected
    }

    /// Sends up to [`FRAMES_PER_CALL`] requests and returns the number that the interface accepted.
    pub(crate) fn send(&mut self, count: usize) -> Result<usize, String> {
        let next = self.requests.iter().cycle().skip(self.sent % self.requests.len());
        let frames: Vec<_> =
            next.take(count.min(FRAMES_PER_CALL)).map(|exchange| [IoSlice::new(&exchange.request)]).collect();
        let sent = send(&self.socket, &mut self.outgoing, &frames)?;
        self.sent += sent;
        Ok(sent)
    }

    /// Sends `count` requests. Fails if the interface does not accept all of them.
    pub(crate) fn fill(&mut self, count: usize) -> Result<(), String> {
        let mut left = count;
        while left > 0 {
            match self.send(left)? {
                0 => return Err(format!("the interface accepted only {} frames", count - left)),
                sent => left -= sent,
            }
        }
        Ok(())
    }

    /// Sends frames that are not requests. Fails if the interface does not accept all of them.
    pub(crate) fn send_frames(&mut self, frames: &[Vec<u8>]) -> Result<(), String> {
        let mut left = frames;
        while !left.is_empty() {
            match self.offer(left)? {
                0 => return Err(format!("the interface accepted only {} frames", frames.len() - left.len())),
                sent => left = left.get(sent..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Sends up to [`FRAMES_PER_CALL`] frames that are not requests, and returns the number that the interface accepted.
    pub(crate) fn offer(&mut self, frames: &[Vec<u8>]) -> Result<usize, String> {
        let some: Vec<_> = frames.iter().take(FRAMES_PER_CALL).map(|frame| [IoSlice::new(frame)]).collect();
        send(&self.socket, &mut self.outgoing, &some)
    }

    /// Receives up to [`FRAMES_PER_CALL`] frames that are not replies to requests. `is_expected` checks each frame.
    pub(crate) fn receive_frames(
        &mut self,
        mut is_expected: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), String> {
        let lengths = receive(&self.socket, &mut self.incoming, &mut self.space)?;
        for (space, length) in self.space.iter().zip(lengths.into_iter().flatten()) {
            let frame = &space[..length.min(MAX_REPLY)];
            if is_expected(frame) {
                continue;
            }
            match Exchange::answer_to(frame) {
                Some(answer) => {
                    send(&self.socket, &mut self.outgoing, &[[IoSlice::new(&answer)]])?;
                }
                None => self.unexpected += 1,
            }
        }
        Ok(())
    }

    /// Sends `count` requests to a MAC address that no station has.
    pub(crate) fn fill_unanswered(&mut self, count: usize) -> Result<(), String> {
        let mut left = count;
        while left > 0 {
            let frames: Vec<_> =
                (0..left.min(FRAMES_PER_CALL)).map(|_| [IoSlice::new(&self.unanswered.request)]).collect();
            match send(&self.socket, &mut self.outgoing, &frames)? {
                0 => return Err(format!("the interface accepted only {} frames", count - left)),
                sent => left -= sent,
            }
        }
        Ok(())
    }

    /// Receives and checks up to `count` frames or datagrams, at most [`FRAMES_PER_CALL`], and returns the number of
    /// replies.
    pub(crate) fn receive(&mut self, count: usize) -> Result<usize, String> {
        if let Some(udp) = &mut self.udp {
            udp.receive(count)?;
            let before = self.answered;
            for (source, data) in udp.sources().iter().zip(udp.data()) {
                let expected = &self.requests[self.answered % self.requests.len()];
                let source = source.map(SocketAddrV4::from);
                if self.answered < self.sent
                    && source.is_some_and(|source| expected.is_echoed_by(source, data))
                {
                    self.answered += 1;
                } else {
                    self.unexpected += 1;
                }
            }
            return Ok(self.answered - before);
        }
        let lengths =
            receive(&self.socket, &mut self.incoming, &mut self.space[..count.min(FRAMES_PER_CALL)])?;
        let before = self.answered;
        for (space, length) in self.space.iter().zip(lengths.into_iter().flatten()) {
            let expected = &self.requests[self.answered % self.requests.len()];
            let frame = &space[..length.min(MAX_REPLY)];
            if self.answered < self.sent && expected.is_answered_by(frame) {
                self.answered += 1;
            } else if let Some(answer) = Exchange::answer_to(frame) {
                send(&self.socket, &mut self.outgoing, &[[IoSlice::new(&answer)]])?;
            } else {
                self.unexpected += 1;
            }
        }
        Ok(self.answered - before)
    }

    /// Receives frames until every request has its reply.
    pub(crate) fn collect(&mut self) -> Result<(), String> {
        let begin = Instant::now();
        while self.outstanding() > 0 {
            if self.receive(FRAMES_PER_CALL)? == 0 && begin.elapsed() > TIMEOUT {
                return Err(format!("{} replies missing{}", self.outstanding(), self.unexpected_suffix()));
            }
        }
        Ok(())
    }

    /// Sends an ARP request and waits for the reply, so that the contender has an ARP entry for the requester. `pump`
    /// runs the contender.
    pub(crate) fn ensure_known(
        &mut self,
        mut pump: impl FnMut() -> Result<(), String>,
    ) -> Result<(), String> {
        self.send_probe()?;
        let begin = Instant::now();
        loop {
            // Frames of the kernel may precede the request.
            pump()?;
            if self.receive_probe_reply()? {
                return Ok(());
            }
            if begin.elapsed() > TIMEOUT {
                return Err(format!("no reply to an ARP request{}", self.unexpected_suffix()));
            }
        }
    }

    /// Sends requests until a reply arrives. An interface that has just been set up can lose frames.
    pub(crate) fn settle(&mut self, mut pump: impl FnMut() -> Result<(), String>) -> Result<(), String> {
        let begin = Instant::now();
        let mut received = false;
        while !received {
            if begin.elapsed() > TIMEOUT {
                return Err(format!("no reply to any ARP request{}", self.unexpected_suffix()));
            }
            self.send_probe()?;
            std::thread::sleep(Duration::from_millis(5));
            pump()?;
            while self.receive_probe_reply()? {
                received = true;
            }
        }
        // Replies to earlier requests can still arrive.
        std::thread::sleep(Duration::from_millis(5));
        pump()?;
        while self.receive_probe_reply()? {}
        self.unexpected = 0;
        Ok(())
    }

    /// Sends a request without waiting for the reply.
    pub(crate) fn send_probe(&mut self) -> Result<(), String> {
        let frames = [[IoSlice::new(&self.probe.request)]];
        send(&self.socket, &mut self.outgoing, &frames).map(drop)
    }

    /// Receives a frame and returns whether it is the expected reply. Returns `None` if no frame is queued.
    fn receive_probe_reply(&mut self) -> Result<bool, String> {
        let lengths = receive(&self.socket, &mut self.incoming, &mut self.space[..1])?;
        let Some(length) = lengths[0] else { return Ok(false) };
        let frame = &self.space[0][..length.min(MAX_REPLY)];
        if self.probe.is_answered_by(frame) {
            return Ok(true);
        }
        let Some(answer) = Exchange::answer_to(frame) else {
            self.unexpected += 1;
            return Ok(false);
        };
        send(&self.socket, &mut self.outgoing, &[[IoSlice::new(&answer)]])?;
        Ok(false)
    }

    fn unexpected_suffix(&self) -> String {
        match self.unexpected {
            0 => String::new(),
            count => format!("; {count} unexpected frames received"),
        }
    }
}

/// Sends frames in one system call and returns the number of accepted frames.
fn send(
    socket: &PacketSocket,
    headers: &mut MultiHeaders<()>,
    frames: &[[IoSlice<'_>; 1]],
) -> Result<usize, String> {
    let addresses = [None::<()>; FRAMES_PER_CALL];
    match sendmmsg(socket.as_fd().as_raw_fd(), headers, frames, addresses, [], MsgFlags::empty()) {
        Ok(sent) => Ok(sent.count()),
        Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::EINTR) => Ok(0),
        Err(errno) => Err(format!("cannot send: {}", errno.desc())),
    }
}

/// Receives frames in one system call and returns their lengths.
fn receive(
    socket: &PacketSocket,
    headers: &mut MultiHeaders<LinkAddr>,
    space: &mut [[u8; MAX_REPLY]],
) -> Result<[Option<usize>; FRAMES_PER_CALL], String> {
    let mut parts: Vec<_> = space.iter_mut().map(|space| [IoSliceMut::new(space)]).collect();
    let mut lengths = [None; FRAMES_PER_CALL];
    match recvmmsg(socket.as_fd().as_raw_fd(), headers, parts.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
        Ok(received) => {
            for (length, message) in lengths.iter_mut().zip(received) {
                *length = Some(message.bytes);
            }
            Ok(lengths)
        }
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(lengths),
        Err(errno) => Err(format!("cannot receive: {}", errno.desc())),
    }
}
