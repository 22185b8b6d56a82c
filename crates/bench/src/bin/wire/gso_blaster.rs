//! The lower bound of bulk data: a hard-coded sender that writes frames with many TCP segments.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::uio::writev;
use tap::linux::Tap;
use tap::{Batch, Device, Pool};

use crate::engine::{PollEngine, PollResult};
use crate::pattern::Pattern;
use crate::segments::{ACK, FIN, RST, SYN, TCP};
use crate::swap::swap;
use crate::traffic::{CHARGEN_PORT, IP, PAYLOAD, REQUESTER, RESPONDER, headers, sum};

/// Maximum number of frames per poll, as in tapstack's host.
const BATCH: usize = tap::Exchange::BATCH;
/// Data bytes of a segment, and of a frame with many segments.
const SEGMENT: u16 = 1_460;
const FULL: usize = 44 * SEGMENT as usize;
/// Length of the headers of a frame: Ethernet, IP and TCP.
const HEADERS: u8 = 54;
/// Options of the SYN,ACK: a maximum segment size of 1460 bytes, and a window scale of 0.
const OPTIONS: [u8; 8] = [2, 4, 0x05, 0xb4, 1, 3, 3, 0];
/// Time without an acknowledgment after which data is sent again.
const TIMEOUT: Duration = Duration::from_millis(20);

/// Engine that accepts one connection and sends the stream of chargen as fast as the window permits. The sender copies no
/// data, has no congestion control, and reads only the fields that it needs.
pub(crate) struct GsoBlaster {
    tap: Tap,
    pool: Pool,
    arrived: Batch,
    pattern: Pattern,
    connection: Option<Connection>,
}

/// The sender of a connection.
struct Connection {
    /// Port of the peer.
    port: u16,
    /// Next sequence number of the peer, which sends no data.
    acknowledgment: u32,
    /// First sequence number that is not acknowledged, and the next to send.
    unacknowledged: u32,
    next: u32,
    /// Position of `next` in the stream of chargen.
    position: usize,
    window: u32,
    scale: u8,
    /// Time of the last acknowledgment.
    acknowledged_at: Instant,
}

impl GsoBlaster {
    /// Returns the engine over a TAP with offloads.
    pub(crate) fn over(tap: Tap) -> GsoBlaster {
        let pool = Pool::new(tap.capabilities().mtu, 2 * BATCH);
        GsoBlaster { tap, pool, arrived: Batch::new(BATCH), pattern: Pattern::new(), connection: None }
    }

    /// Handles a received frame: answers an ARP request, or reads a segment.
    fn receive(&mut self, frame: &mut [u8]) -> Result<(), String> {
        if frame.get(12..14) == Some(&[8, 6]) && swap(frame).is_some() {
            return put(&self.tap, &[IoSlice::new(&[0; 10]), IoSlice::new(frame)]).map(drop);
        }
        if frame.len() < HEADERS.into() || frame[IP] != 0x45 || frame[IP + 9] != TCP {
            return Ok(());
        }
        let segment = &frame[PAYLOAD..];
        match (segment[13] & (SYN | FIN | RST), &mut self.connection) {
            (SYN, _) => {
                let connection = self.connection.insert(Connection::of_syn(segment));
                put_segment(&self.tap, &connection.header(SYN | ACK, 0), &[])?;
            }
            (0, Some(connection)) => connection.acknowledge(segment),
            _ => self.connection = None,
        }
        Ok(())
    }

    /// Sends what the window permits, and returns the number of frames.
    fn send(&mut self) -> Result<usize, String> {
        let mut frames = 0;
        while let Some(connection) = &mut self.connection {
            connection.go_back_if_late();
            let length = connection.permitted();
            let data = &self.pattern.at(connection.position)[..length];
            let header = connection.header(ACK, connection.next);
            if length == 0 || !put_segment(&self.tap, &header, data)? {
                break;
            }
            connection.advance(length);
            frames += 1;
        }
        Ok(frames)
    }
}

impl PollEngine for GsoBlaster {
    fn poll_once(&mut self) -> Result<PollResult, String> {
        let received =
            self.tap.receive(&mut self.pool, &mut self.arrived).map_err(|error| error.to_string())?;
        while let Some(mut frame) = self.arrived.pop() {
            let result = self.receive(frame.bytes_mut());
            self.pool.give(frame);
            result?;
        }
        let sent = self.send()?;
        Ok(PollResult { arrived: received.frames, congested: false, again: received.frames > 0 || sent > 0 })
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.tap.as_fd()
    }

    fn next_deadline(&mut self) -> Option<Duration> {
        self.connection.as_ref().filter(|connection| connection.in_flight() > 0).map(|_| TIMEOUT)
    }
}

impl Connection {
    /// Returns the connection of a SYN. In a SYN of Linux, the window scale is the last option.
    fn of_syn(segment: &[u8]) -> Connection {
        Connection {
            port: u16::from_be_bytes([segment[0], segment[1]]),
            acknowledgment: number(segment, 4).wrapping_add(1),
            unacknowledged: 1,
            next: 1,
            position: 0,
            window: 0,
            scale: if let [.., 1, 3, 3, scale] = segment { (*scale).min(14) } else { 0 },
            acknowledged_at: Instant::now(),
        }
    }

    fn acknowledge(&mut self, segment: &[u8]) {
        self.window = u32::from(u16::from_be_bytes([segment[14], segment[15]])) << self.scale;
        let acknowledgment = number(segment, 8);
        if self.next.wrapping_sub(acknowledgment) <= self.in_flight() {
            (self.unacknowledged, self.acknowledged_at) = (acknowledgment, Instant::now());
        }
    }

    fn in_flight(&self) -> u32 {
        self.next.wrapping_sub(self.unacknowledged)
    }

    /// Returns how many bytes may be sent in one frame: a full frame, or fewer segments if nothing is in flight.
    fn permitted(&self) -> usize {
        let space = usize::try_from(self.window.saturating_sub(self.in_flight())).unwrap_or(0);
        match self.in_flight() {
            0 => space.min(FULL) / usize::from(SEGMENT) * usize::from(SEGMENT),
            _ if space >= FULL => FULL,
            _ => 0,
        }
    }

    fn advance(&mut self, length: usize) {
        self.next = self.next.wrapping_add(u32::try_from(length).unwrap_or(0));
        self.position += length;
    }

    /// Sends data again if it was not acknowledged in time.
    fn go_back_if_late(&mut self) {
        if self.acknowledged_at.elapsed() > TIMEOUT {
            self.position -= usize::try_from(self.in_flight()).unwrap_or(0);
            (self.next, self.acknowledged_at) = (self.unacknowledged, Instant::now());
        }
    }

    /// Returns the TCP header of a segment, with the options if it is the SYN,ACK.
    fn header(&self, flags: u8, sequence: u32) -> Vec<u8> {
        let (length, options): (u8, &[u8]) = if flags & SYN != 0 { (28, &OPTIONS) } else { (20, &[]) };
        [
            &CHARGEN_PORT.to_be_bytes()[..],
            &self.port.to_be_bytes(),
            &sequence.to_be_bytes(),
            &self.acknowledgment.to_be_bytes(),
            &[length << 2, flags, 0xff, 0xff, 0, 0, 0, 0],
            options,
        ]
        .concat()
    }
}

fn number(segment: &[u8], at: usize) -> u32 {
    segment[at..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// Writes a segment. The kernel completes its checksum, and cuts long data into segments.
fn put_segment(tap: &Tap, header: &[u8], data: &[u8]) -> Result<bool, String> {
    let length = header.len() + data.len();
    let mut frame = headers(RESPONDER.at(0), REQUESTER.at(0), TCP, length);
    let [.., high, low] = length.to_be_bytes();
    let pseudo_header = sum(&[&frame[IP + 12..], &[0, TCP, high, low]].concat());
    frame.extend(header);
    frame[PAYLOAD + 16..PAYLOAD + 18].copy_from_slice(&pseudo_header.to_be_bytes());
    let (kind, size) = if data.len() > SEGMENT.into() { (1, SEGMENT.to_le_bytes()) } else { (0, [0, 0]) };
    // The virtio header: checksum flag, type of segmentation, length of the headers, size of the segments, and the
    // position of the checksum.
    let virtio = [1, kind, HEADERS, 0, size[0], size[1], 34, 0, 16, 0];
    put(tap, &[IoSlice::new(&virtio), IoSlice::new(&frame), IoSlice::new(data)])
}

/// Writes a frame. Returns whether the interface accepted it.
fn put(tap: &Tap, parts: &[IoSlice<'_>]) -> Result<bool, String> {
    match writev(tap, parts) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(false),
        Err(errno) => Err(format!("cannot write to the TAP: {}", errno.desc())),
    }
}

#[cfg(test)]
mod tests;
