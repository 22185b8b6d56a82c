//! Packet socket of the suite.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::Duration;

use tap::linux::{Descriptor, InterfaceName, PacketSocket, wait};
use tap::{Batch, Checksum, Device, Pool};

use super::checksum::complete_transport_checksum;
use super::clock::Clock;
use super::frames::{Arp, REPLY, REQUEST, hex};

/// Timeout for a frame of the host. The timeout is long, because a loaded machine may pause the host or the suite.
pub(crate) const FRAME_TIMEOUT: Duration = Duration::from_mins(1);
/// Resolution of measured times.
const TIME_RESOLUTION: Duration = Duration::from_millis(10);
/// Number of stations that send sentinel requests in rotation. The number is small, because the host learns every
/// station.
const SENTINELS: u8 = 32;

/// Packet socket that sends raw frames to the host and receives the frames of the host.
pub struct FrameSocket {
    socket: PacketSocket,
    pool: Pool,
    batch: Batch,
    /// Peers that reply to the ARP requests of the host in every case.
    peers: Vec<ArpPeer>,
    sentinels: u8,
    /// Last port of a TCP peer.
    tcp_port: u16,
    clock: Clock,
    /// Last time at which no frame was queued.
    empty: Duration,
}

/// Peer that replies to ARP requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArpPeer {
    /// Requests of the host for the peer: broadcast and unicast.
    pub(crate) requests: [Vec<u8>; 2],
    pub(crate) reply: Vec<u8>,
}

/// Received frame with bounds of its arrival time, because the suite may receive it late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimedFrame {
    pub(crate) bytes: Vec<u8>,
    /// Time before the arrival of the frame.
    pub(crate) after: Duration,
    /// Time after the arrival of the frame.
    pub(crate) by: Duration,
}

impl FrameSocket {
    /// Opens a packet socket on an interface.
    pub fn open(name: &InterfaceName) -> Result<FrameSocket, String> {
        let socket =
            PacketSocket::open(name).map_err(|error| format!("cannot open a packet socket: {error}"))?;
        Ok(FrameSocket {
            pool: Pool::new(socket.capabilities().mtu, 128),
            batch: Batch::new(64),
            socket,
            peers: Vec::new(),
            sentinels: 0,
            tcp_port: 20_000,
            clock: Clock::start(),
            empty: Duration::ZERO,
        })
    }

    /// Waits until the host replies. An interface that is up may drop frames at first.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        let clock = Clock::start();
        let (request, reply) = self.sentinel();
        while clock.elapsed() < FRAME_TIMEOUT {
            self.send(&request)?;
            if self.next(Duration::from_millis(200))?.is_some_and(|received| received == reply) {
                // The reply to the next request follows the replies to all earlier requests.
                return self.send_and_collect(&request).map(drop);
            }
        }
        Err(format!("no reply from the host within {FRAME_TIMEOUT:?}"))
    }

    /// Sends `frame` and returns all frames that the host sends because of `frame`.
    ///
    /// A sentinel request from another station follows. The reply to the sentinel request arrives after all earlier
    /// frames, so that no timeout is needed.
    pub(crate) fn send_and_collect(&mut self, frame: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        self.send(frame)?;
        self.collect()
    }

    /// Returns all frames that the host sends before its reply to a sentinel request.
    pub(crate) fn collect(&mut self) -> Result<Vec<Vec<u8>>, String> {
        let (request, reply) = self.sentinel();
        self.send(&request)?;
        let mut received = Vec::new();
        loop {
            match self.next_reply("reply to a sentinel request")? {
                bytes if bytes == reply => return Ok(received),
                bytes => received.push(bytes),
            }
        }
    }

    /// Returns an unused port of TCP peers.
    pub(crate) fn next_tcp_port(&mut self) -> u16 {
        self.tcp_port += 1;
        self.tcp_port
    }

    /// Adds a peer that replies to the ARP requests of the host in all cases, because a host on a slow machine may check
    /// a neighbor during any case.
    pub(crate) fn add_peer(&mut self, peer: ArpPeer) {
        if !self.peers.contains(&peer) {
            self.peers.push(peer);
        }
    }

    /// Returns the next frame that is not an ARP request of the host for a peer. Replies to these requests.
    ///
    /// Returns an error with the name of the expected frame if no frame arrives within [`FRAME_TIMEOUT`].
    pub(crate) fn next_reply(&mut self, name: &str) -> Result<Vec<u8>, String> {
        loop {
            let frame = self.next(FRAME_TIMEOUT)?;
            let frame = frame.ok_or_else(|| format!("no {name} within {FRAME_TIMEOUT:?}"))?;
            if !self.reply_to_request(&frame)? {
                return Ok(frame);
            }
        }
    }

    /// Replies to an ARP request of the host for a peer. Returns whether the frame is such a request.
    pub(crate) fn reply_to_request(&mut self, frame: &[u8]) -> Result<bool, String> {
        let peer = self.peers.iter().find(|peer| peer.requests.iter().any(|request| request == frame));
        let Some(reply) = peer.map(|peer| peer.reply.clone()) else { return Ok(false) };
        self.send(&reply)?;
        Ok(true)
    }

    /// Sends a sentinel request from each sentinel station.
    pub(crate) fn introduce_sentinels(&mut self) -> Result<(), String> {
        (0..SENTINELS).try_for_each(|_| {
            let (request, _) = self.sentinel();
            self.send_and_collect(&request).map(drop)
        })
    }

    /// Returns the next sentinel request and its reply.
    fn sentinel(&mut self) -> (Vec<u8>, Vec<u8>) {
        self.sentinels = (self.sentinels + 1) % SENTINELS;
        let number = 200 + self.sentinels;
        let sender = ([2, 0, 0, 0, 1, number], Ipv4Addr::new(10, 0, 0, number));
        let request = Arp { source: sender.0, sender, ..REQUEST };
        let reply = Arp { destination: sender.0, target: sender, ..REPLY };
        (request.frame(), reply.frame())
    }

    /// Expects this reply to a frame, and no other frame.
    pub(crate) fn expect_reply(&mut self, frame: &[u8], reply: &[u8]) -> Result<(), String> {
        match self.send_and_collect(frame)?.as_slice() {
            [only] if only == reply => Ok(()),
            [] => Err(format!("no reply to {}", hex(frame))),
            [only] => Err(format!("reply to {}: {} instead of {}", hex(frame), hex(only), hex(reply))),
            more => {
                let frames: Vec<_> = more.iter().map(|frame| hex(frame)).collect();
                Err(format!("{} replies instead of 1 to {}: {}", more.len(), hex(frame), frames.join(", ")))
            }
        }
    }

    /// Expects no reply to a frame.
    pub(crate) fn expect_no_reply(&mut self, frame: &[u8]) -> Result<(), String> {
        match self.send_and_collect(frame)?.first() {
            None => Ok(()),
            Some(reply) => Err(format!("reply to {}: {}", hex(frame), hex(reply))),
        }
    }

    /// Sends one frame.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut frame = self.pool.take().ok_or("no free frame")?;
        frame.write(bytes).map_err(|error| error.to_string())?;
        self.batch.push(frame).map_err(|_| "batch is full")?;
        let transmitted =
            self.socket.transmit(&mut self.batch, &mut self.pool).map_err(|error| error.to_string())?;
        if transmitted.sent == 1 {
            Ok(())
        } else {
            Err(format!("the kernel rejected the frame {}", hex(bytes)))
        }
    }

    /// Returns the next frame from the host, or `None` if no frame arrives within `limit`.
    pub fn next(&mut self, limit: Duration) -> Result<Option<Vec<u8>>, String> {
        Ok(self.next_timed(limit)?.map(|received| received.bytes))
    }

    /// Returns the next frame with its arrival time, or `None` if no frame arrives within `limit`.
    pub(crate) fn next_timed(&mut self, limit: Duration) -> Result<Option<TimedFrame>, String> {
        let end = self.clock.elapsed() + limit;
        loop {
            let (now, mut one) = (self.clock.elapsed(), Batch::new(1));
            let received =
                self.socket.receive(&mut self.pool, &mut one).map_err(|error| error.to_string())?;
            if let Some(frame) = one.pop() {
                let mut bytes = frame.bytes().to_vec();
                // The kernel leaves checksums to the hardware, which a veth pair does not have.
                if frame.offload().checksum == Checksum::Verified {
                    complete_transport_checksum(&mut bytes);
                }
                self.pool.give(frame);
                return Ok(Some(TimedFrame { bytes, after: self.empty, by: self.clock.elapsed() }));
            }
            if received.frames > 0 {
                continue;
            }
            self.empty = now;
            let left = end.saturating_sub(now);
            if left.is_zero() {
                return Ok(None);
            }
            let socket = Descriptor::readable(self.socket.as_fd(), ());
            wait([socket], Some(TIME_RESOLUTION.min(left))).map_err(|error| error.to_string())?;
        }
    }

    /// Expects no frame from the host within this time.
    pub(crate) fn expect_silence(&mut self, span: Duration) -> Result<(), String> {
        match self.next(span)? {
            None => Ok(()),
            Some(bytes) => Err(format!("unexpected frame {}", hex(&bytes))),
        }
    }
}

impl TimedFrame {
    /// Returns the minimum time until the arrival of a later frame.
    pub(crate) fn at_least_until(&self, other: &TimedFrame) -> Duration {
        other.after.saturating_sub(self.by)
    }

    /// Returns the maximum time until the arrival of a later frame.
    pub(crate) fn at_most_until(&self, other: &TimedFrame) -> Duration {
        other.by.saturating_sub(self.after)
    }
}
