//! The wire from the peer's side.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::Duration;

use tap::linux::{InterfaceName, PacketSocket, Stop, wait};
use tap::{Batch, Device, Pool};

use super::clock::Clock;
use super::frames::{Arp, REPLY, REQUEST, hex};

/// How long a host may think.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a wire may take until frames pass.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// How finely times are told.
const TIME_RESOLUTION: Duration = Duration::from_millis(10);
/// How many take turns to ask the question that ends a silence: tables are bounded.
const SENTINELS: u8 = 32;

/// Raw frames to the host and back.
pub struct FrameSocket {
    socket: PacketSocket,
    pool: Pool,
    batch: Batch,
    never: Stop,
    /// Frames that say nothing about what was asked.
    ignored: Vec<[Vec<u8>; 2]>,
    sentinels: u8,
    clock: Clock,
    /// When there was no frame to receive, last.
    empty: Duration,
}

/// A frame, and when it came. Whoever listens may be late: the true time lies between the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimedFrame {
    pub(crate) bytes: Vec<u8>,
    /// It had not come by then.
    pub(crate) after: Duration,
    /// It had come by then.
    pub(crate) by: Duration,
}

impl FrameSocket {
    /// Opens a packet socket on an interface.
    pub fn open(name: &InterfaceName) -> Result<FrameSocket, String> {
        let socket = PacketSocket::open(name).map_err(|error| format!("no packet socket: {error}"))?;
        Ok(FrameSocket {
            pool: Pool::new(socket.mtu(), 128),
            batch: Batch::new(64),
            never: Stop::new().map_err(|error| format!("no event descriptor: {error}"))?,
            socket,
            ignored: Vec::new(),
            sentinels: 0,
            clock: Clock::start(),
            empty: Duration::ZERO,
        })
    }

    /// Waits until frames pass: an interface that is up takes a moment until it sends.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        let clock = Clock::start();
        let (request, reply) = self.sentinel();
        while clock.elapsed() < START_TIMEOUT {
            self.send(&request)?;
            if self.next(Duration::from_millis(50))?.is_some_and(|received| received == reply) {
                // Behind the answers to all of these comes the one to the next.
                return self.ask(&request).map(drop);
            }
        }
        Err(format!("the host does not answer within {START_TIMEOUT:?}"))
    }

    /// Sends `frame` and returns all that the host sends because of it.
    ///
    /// Silence is shown without waiting for it: a request from somebody else follows, and once that
    /// is answered, whatever was to come before has come.
    pub(crate) fn ask(&mut self, frame: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let (request, reply) = self.sentinel();
        self.send(frame)?;
        self.send(&request)?;
        let mut received = Vec::new();
        loop {
            match self.next(TIMEOUT)? {
                Some(bytes) if bytes == reply => return Ok(received),
                Some(bytes) if self.ignored.as_flattened().contains(&bytes) => {}
                Some(bytes) => received.push(bytes),
                None => {
                    return Err(format!(
                        "the host says nothing for {TIMEOUT:?}, not even to a plain request"
                    ));
                }
            }
        }
    }

    /// Passes over these frames whenever they come: a host may make sure of a neighbor whom it knows, on a slow
    /// machine in the middle of another case.
    pub(crate) fn ignore(&mut self, frames: [Vec<u8>; 2]) {
        if !self.ignored.contains(&frames) {
            self.ignored.push(frames);
        }
    }

    /// Lets all who end a silence ask once.
    pub(crate) fn introduce_sentinels(&mut self) -> Result<(), String> {
        (0..SENTINELS).try_for_each(|_| {
            let (request, _) = self.sentinel();
            self.ask(&request).map(drop)
        })
    }

    /// The next plain request that ends a silence, and its reply.
    fn sentinel(&mut self) -> (Vec<u8>, Vec<u8>) {
        self.sentinels = (self.sentinels + 1) % SENTINELS;
        let number = 200 + self.sentinels;
        let sender = ([2, 0, 0, 0, 1, number], Ipv4Addr::new(10, 0, 0, number));
        let request = Arp { source: sender.0, sender, ..REQUEST };
        let reply = Arp { destination: sender.0, target: sender, ..REPLY };
        (request.frame(), reply.frame())
    }

    /// Wants exactly one answer, and this one.
    pub(crate) fn expect_reply(&mut self, frame: &[u8], answer: &[u8]) -> Result<(), String> {
        match self.ask(frame)?.as_slice() {
            [only] if only == answer => Ok(()),
            [] => Err(format!("no answer to {}", hex(frame))),
            [only] => {
                Err(format!("{} was answered with {} instead of {}", hex(frame), hex(only), hex(answer)))
            }
            more => Err(format!("{} answers to {}", more.len(), hex(frame))),
        }
    }

    /// Wants no answer.
    pub(crate) fn expect_no_reply(&mut self, frame: &[u8]) -> Result<(), String> {
        match self.ask(frame)?.first() {
            None => Ok(()),
            Some(answer) => Err(format!("{} was answered with {}", hex(frame), hex(answer))),
        }
    }

    /// Sends one frame.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut frame = self.pool.take().ok_or("no frame is free")?;
        frame.write(bytes).map_err(|error| error.to_string())?;
        self.batch.push(frame).map_err(|_| "the batch is full")?;
        let sent =
            self.socket.transmit(&mut self.batch, &mut self.pool).map_err(|error| error.to_string())?;
        if sent == 1 { Ok(()) } else { Err(format!("the kernel refuses to send {}", hex(bytes))) }
    }

    /// The next frame that the host sends; none if it sends none within `limit`.
    pub fn next(&mut self, limit: Duration) -> Result<Option<Vec<u8>>, String> {
        Ok(self.next_timed(limit)?.map(|received| received.bytes))
    }

    /// The same, and when it came.
    pub(crate) fn next_timed(&mut self, limit: Duration) -> Result<Option<TimedFrame>, String> {
        let end = self.clock.elapsed() + limit;
        loop {
            let (now, mut one) = (self.clock.elapsed(), Batch::new(1));
            let received =
                self.socket.receive(&mut self.pool, &mut one).map_err(|error| error.to_string())?;
            if let Some(frame) = one.pop() {
                let bytes = frame.bytes().to_vec();
                self.pool.give(frame);
                return Ok(Some(TimedFrame { bytes, after: self.empty, by: self.clock.elapsed() }));
            }
            if received > 0 {
                continue;
            }
            self.empty = now;
            let left = end.saturating_sub(now);
            if left.is_zero() {
                return Ok(None);
            }
            wait(self.socket.as_fd(), false, self.never.as_fd(), &[], Some(TIME_RESOLUTION.min(left)))
                .map_err(|error| error.to_string())?;
        }
    }

    /// How long ago a frame came, at most.
    pub(crate) fn since(&self, received: &TimedFrame) -> Duration {
        self.clock.elapsed().saturating_sub(received.after)
    }

    /// Wants the host to be silent for this long.
    pub(crate) fn expect_silence(&mut self, span: Duration) -> Result<(), String> {
        match self.next(span)? {
            None => Ok(()),
            Some(bytes) => Err(format!("{} was sent for no reason", hex(&bytes))),
        }
    }
}

impl TimedFrame {
    /// How much later another one came, at least.
    pub(crate) fn at_least_until(&self, other: &TimedFrame) -> Duration {
        other.after.saturating_sub(self.by)
    }

    /// How much later another one came, at most.
    pub(crate) fn at_most_until(&self, other: &TimedFrame) -> Duration {
        other.by.saturating_sub(self.after)
    }
}
