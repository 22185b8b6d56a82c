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
pub(crate) const CALL: usize = 64;
/// How long whoever is asked may think.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// Octets of replies that may wait in the kernel: a whole fill of them.
const WAITING: usize = 4 << 20;
/// The longest reply.
const LONGEST: usize = 128;

/// A packet socket on an interface, and the requests that go out there in turn.
pub(crate) struct Generator {
    socket: PacketSocket,
    requests: Vec<Exchange>,
    greeting: Exchange,
    unheard: Exchange,
    /// Sent so far, and answered so far, of `requests`.
    sent: usize,
    answered: usize,
    /// Frames that came and were no reply to what was asked.
    strange: u64,
    outgoing: MultiHeaders<()>,
    incoming: MultiHeaders<LinkAddr>,
    space: Vec<[u8; LONGEST]>,
}

impl Generator {
    /// Opens a socket on the interface of this name.
    pub(crate) fn open(name: &InterfaceName, traffic: &Traffic) -> Result<Generator, String> {
        let socket = PacketSocket::open_without_ring(name)
            .map_err(|error| format!("cannot open a packet socket on {name}: {error}"))?;
        socket.bypass_queue().map_err(|error| format!("cannot send on {name} without its queue: {error}"))?;
        // Without the privilege as much as the system allows; a fill that does not fit will say so.
        if setsockopt(&socket.as_fd(), RcvBufForce, &WAITING).is_err() {
            setsockopt(&socket.as_fd(), RcvBuf, &WAITING)
                .map_err(|errno| format!("cannot set aside room for replies: {}", errno.desc()))?;
        }
        let requests = traffic.exchanges();
        let unheard = requests[0].to_nobody();
        Ok(Generator {
            socket,
            requests,
            greeting: Traffic::plain(Load::Arp).exchanges().remove(0),
            unheard,
            sent: 0,
            answered: 0,
            strange: 0,
            outgoing: MultiHeaders::preallocate(CALL, None),
            incoming: MultiHeaders::preallocate(CALL, None),
            space: vec![[0; LONGEST]; CALL],
        })
    }

    /// How many requests are not answered yet.
    pub(crate) fn outstanding(&self) -> usize {
        self.sent - self.answered
    }

    /// Frames that came and were no reply to what was asked.
    pub(crate) fn strange(&self) -> u64 {
        self.strange
    }

    /// Sends the next requests, at most [`CALL`], and returns how many the interface took.
    pub(crate) fn send(&mut self, count: usize) -> Result<usize, String> {
        let next = self.requests.iter().cycle().skip(self.sent % self.requests.len());
        let frames: Vec<_> =
            next.take(count.min(CALL)).map(|exchange| [IoSlice::new(&exchange.request)]).collect();
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
    pub(crate) fn fill_unheard(&mut self, count: usize) -> Result<(), String> {
        let mut left = count;
        while left > 0 {
            let frames: Vec<_> = (0..left.min(CALL)).map(|_| [IoSlice::new(&self.unheard.request)]).collect();
            match send(&self.socket, &mut self.outgoing, &frames)? {
                0 => return Err(format!("the interface takes no more than {} frames", count - left)),
                sent => left -= sent,
            }
        }
        Ok(())
    }

    /// Receives and checks what has come, at most `count` frames and [`CALL`], and returns how many replies
    /// there were.
    pub(crate) fn receive(&mut self, count: usize) -> Result<usize, String> {
        let lengths = receive(&self.socket, &mut self.incoming, &mut self.space[..count.min(CALL)])?;
        let before = self.answered;
        for (space, length) in self.space.iter().zip(lengths.into_iter().flatten()) {
            let expected = &self.requests[self.answered % self.requests.len()];
            let frame = &space[..length.min(LONGEST)];
            if self.answered < self.sent && expected.is_answered_by(frame) {
                self.answered += 1;
            } else if let Some(answer) = Exchange::answer_to(frame) {
                send(&self.socket, &mut self.outgoing, &[[IoSlice::new(&answer)]])?;
            } else {
                self.strange += 1;
            }
        }
        Ok(self.answered - before)
    }

    /// Receives until every request is answered.
    pub(crate) fn collect(&mut self) -> Result<(), String> {
        let begin = Instant::now();
        while self.outstanding() > 0 {
            if self.receive(CALL)? == 0 && begin.elapsed() > PATIENCE {
                return Err(format!("{} replies are missing{}", self.outstanding(), self.oddities()));
            }
        }
        Ok(())
    }

    /// Asks for the hardware address and waits for the reply, so that the asker is known whatever is asked
    /// next; `pump` makes whoever is asked work.
    pub(crate) fn greet(&mut self, mut pump: impl FnMut() -> Result<(), String>) -> Result<(), String> {
        self.say_hello()?;
        let begin = Instant::now();
        pump()?;
        while !self.hears_hello()? {
            if begin.elapsed() > PATIENCE {
                return Err(format!("a plain ARP request got no reply{}", self.oddities()));
            }
        }
        Ok(())
    }

    /// Asks until a reply comes: what is sent just after an interface has come up may be lost.
    pub(crate) fn settle(&mut self, mut pump: impl FnMut() -> Result<(), String>) -> Result<(), String> {
        let begin = Instant::now();
        let mut heard = false;
        while !heard {
            if begin.elapsed() > PATIENCE {
                return Err(format!("no ARP request got a reply{}", self.oddities()));
            }
            self.say_hello()?;
            std::thread::sleep(Duration::from_millis(5));
            pump()?;
            while self.hears_hello()? {
                heard = true;
            }
        }
        // Those to earlier requests may still come.
        std::thread::sleep(Duration::from_millis(5));
        pump()?;
        while self.hears_hello()? {}
        self.strange = 0;
        Ok(())
    }

    /// Sends a request whose reply nobody awaits.
    pub(crate) fn say_hello(&mut self) -> Result<(), String> {
        let frames = [[IoSlice::new(&self.greeting.request)]];
        send(&self.socket, &mut self.outgoing, &frames).map(drop)
    }

    /// Whether the next frame is a reply to that, if there is one.
    fn hears_hello(&mut self) -> Result<bool, String> {
        let lengths = receive(&self.socket, &mut self.incoming, &mut self.space[..1])?;
        let Some(length) = lengths[0] else { return Ok(false) };
        let frame = &self.space[0][..length.min(LONGEST)];
        if self.greeting.is_answered_by(frame) {
            return Ok(true);
        }
        let Some(answer) = Exchange::answer_to(frame) else {
            self.strange += 1;
            return Ok(false);
        };
        send(&self.socket, &mut self.outgoing, &[[IoSlice::new(&answer)]])?;
        Ok(false)
    }

    fn oddities(&self) -> String {
        match self.strange {
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
    let addresses = [None::<()>; CALL];
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
    space: &mut [[u8; LONGEST]],
) -> Result<[Option<usize>; CALL], String> {
    let mut parts: Vec<_> = space.iter_mut().map(|space| [IoSliceMut::new(space)]).collect();
    let mut lengths = [None; CALL];
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
