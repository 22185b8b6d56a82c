//! Who asks, and counts the replies.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBuf, RcvBufForce};
use nix::sys::socket::{LinkAddr, MsgFlags, MultiHeaders, recvmmsg, sendmmsg, setsockopt};
use tap::linux::{InterfaceName, PacketSocket};

use crate::traffic::{Exchange, Load, Traffic};

/// Frames a call.
pub(crate) const FRAMES_PER_CALL: usize = 64;
/// How long whoever is asked may think.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);
/// Octets of replies that may wait in the kernel: a whole fill of them.
const RECEIVE_BUFFER: usize = 4 << 20;
/// The longest reply.
const MAX_REPLY: usize = 128;

/// A packet socket on an interface, and the requests that go out there in turn.
pub(crate) struct Generator {
    socket: PacketSocket,
    requests: Vec<Exchange>,
    probe: Exchange,
    unanswered: Exchange,
    /// Sent so far, and answered so far, of `requests`.
    sent: usize,
    answered: usize,
    /// Frames that came and were no reply to what was asked.
    unexpected: u64,
    outgoing: MultiHeaders<()>,
    incoming: MultiHeaders<LinkAddr>,
    space: Vec<[u8; MAX_REPLY]>,
}

impl Generator {
    /// Opens a socket on the interface of this name.
    pub(crate) fn open(name: &InterfaceName, traffic: &Traffic) -> Result<Generator, String> {
        let socket = PacketSocket::open_without_ring(name)
            .map_err(|error| format!("cannot open a packet socket on {name}: {error}"))?;
        socket.bypass_queue().map_err(|error| format!("cannot send on {name} without its queue: {error}"))?;
        // Without the privilege as much as the system allows; a fill that does not fit will say so.
        if setsockopt(&socket.as_fd(), RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&socket.as_fd(), RcvBuf, &RECEIVE_BUFFER)
                .map_err(|errno| format!("cannot set aside room for replies: {}", errno.desc()))?;
        }
        let requests = traffic.exchanges();
        let unanswered = requests[0].to_absent_host();
        Ok(Generator {
            socket,
            requests,
            probe: Traffic::plain(Load::Arp).exchanges().remove(0),
            unanswered,
            sent: 0,
            answered: 0,
            unexpected: 0,
            outgoing: MultiHeaders::preallocate(FRAMES_PER_CALL, None),
            incoming: MultiHeaders::preallocate(FRAMES_PER_CALL, None),
            space: vec![[0; MAX_REPLY]; FRAMES_PER_CALL],
        })
    }

    /// How many requests are not answered yet.
    pub(crate) fn outstanding(&self) -> usize {
        self.sent - self.answered
    }

    /// Frames that came and were no reply to what was asked.
    pub(crate) fn unexpected(&self) -> u64 {
        self.unexpected
    }

    /// Sends the next requests, at most [`FRAMES_PER_CALL`], and returns how many the interface took.
    pub(crate) fn send(&mut self, count: usize) -> Result<usize, String> {
        let next = self.requests.iter().cycle().skip(self.sent % self.requests.len());
        let frames: Vec<_> =
            next.take(count.min(FRAMES_PER_CALL)).map(|exchange| [IoSlice::new(&exchange.request)]).collect();
        let sent = send(&self.socket, &mut self.outgoing, &frames)?;
        self.sent += sent;
        Ok(sent)
    }

    /// Sends so many requests, all of which the interface must take.
    pub(crate) fn fill(&mut self, count: usize) -> Result<(), String> {
        let mut left = count;
        while left > 0 {
            match self.send(left)? {
                0 => return Err(format!("the interface takes no more than {} frames", count - left)),
                sent => left -= sent,
            }
        }
        Ok(())
    }

    /// Sends so many requests to a station that is not there.
    pub(crate) fn fill_unanswered(&mut self, count: usize) -> Result<(), String> {
        let mut left = count;
        while left > 0 {
            let frames: Vec<_> =
                (0..left.min(FRAMES_PER_CALL)).map(|_| [IoSlice::new(&self.unanswered.request)]).collect();
            match send(&self.socket, &mut self.outgoing, &frames)? {
                0 => return Err(format!("the interface takes no more than {} frames", count - left)),
                sent => left -= sent,
            }
        }
        Ok(())
    }

    /// Receives and checks what has come, at most `count` frames and [`FRAMES_PER_CALL`], and returns how many replies
    /// there were.
    pub(crate) fn receive(&mut self, count: usize) -> Result<usize, String> {
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

    /// Receives until every request is answered.
    pub(crate) fn collect(&mut self) -> Result<(), String> {
        let begin = Instant::now();
        while self.outstanding() > 0 {
            if self.receive(FRAMES_PER_CALL)? == 0 && begin.elapsed() > TIMEOUT {
                return Err(format!(
                    "{} replies are missing{}",
                    self.outstanding(),
                    self.unexpected_suffix()
                ));
            }
        }
        Ok(())
    }

    /// Asks for the hardware address and waits for the reply, so that the asker is known whatever is asked
    /// next; `pump` makes whoever is asked work.
    pub(crate) fn ensure_known(
        &mut self,
        mut pump: impl FnMut() -> Result<(), String>,
    ) -> Result<(), String> {
        self.send_probe()?;
        let begin = Instant::now();
        pump()?;
        while !self.receive_probe_reply()? {
            if begin.elapsed() > TIMEOUT {
                return Err(format!("a plain ARP request got no reply{}", self.unexpected_suffix()));
            }
        }
        Ok(())
    }

    /// Asks until a reply comes: what is sent just after an interface has come up may be lost.
    pub(crate) fn settle(&mut self, mut pump: impl FnMut() -> Result<(), String>) -> Result<(), String> {
        let begin = Instant::now();
        let mut received = false;
        while !received {
            if begin.elapsed() > TIMEOUT {
                return Err(format!("no ARP request got a reply{}", self.unexpected_suffix()));
            }
            self.send_probe()?;
            std::thread::sleep(Duration::from_millis(5));
            pump()?;
            while self.receive_probe_reply()? {
                received = true;
            }
        }
        // Those to earlier requests may still come.
        std::thread::sleep(Duration::from_millis(5));
        pump()?;
        while self.receive_probe_reply()? {}
        self.unexpected = 0;
        Ok(())
    }

    /// Sends a request whose reply nobody awaits.
    pub(crate) fn send_probe(&mut self) -> Result<(), String> {
        let frames = [[IoSlice::new(&self.probe.request)]];
        send(&self.socket, &mut self.outgoing, &frames).map(drop)
    }

    /// Whether the next frame is a reply to that, if there is one.
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
            count => format!("; {count} frames came that are none"),
        }
    }
}

/// Sends frames in one call, and returns how many were taken.
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

/// Receives frames in one call, and returns the length of each.
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
