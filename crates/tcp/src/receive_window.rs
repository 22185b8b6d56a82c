//! The receive window of a connection.

use std::time::Duration;

use tap::Instant;

use crate::{BufferSize, MemoryLevel};

/// Receive window of a connection: how much data the peer may send.
///
/// The right edge of the window never moves to the left, and moves to the right only by a useful amount. The size of the
/// receive buffer follows the throughput of the user.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveWindow {
    /// Size of the receive buffer in bytes: the data that the user has not read, by capacity, and the free part.
    size: u32,
    /// Maximum of `size`.
    maximum: u32,
    /// Distance of the right edge from RCV.NXT.
    edge: u32,
    /// Distance of the rightmost announced edge from RCV.NXT. The scaling of the window field places it up to one unit
    /// beyond `edge`.
    announced: u32,
    /// Shift of window scaling. Zero without window scaling.
    shift: u8,
    /// Number of bytes that the user has read since `round`.
    consumed: u32,
    /// Start of the current round trip.
    round: Instant,
}

/// The largest window (RFC 7323 2.2): the largest field with the largest shift.
const MAXIMUM: u32 = 65_535 << ReceiveWindow::MAX_SHIFT;
/// The smallest size of a buffer. A buffer without any capacity would never receive data.
const MINIMUM: u32 = 1_024;
/// Number of full segments in a small buffer. Each window of a small buffer limits the peer, because a few segments that wait
/// for the user take a large part of the buffer.
const SMALL: u32 = 8;

impl ReceiveWindow {
    /// The largest shift of window scaling (RFC 7323 2.3).
    pub const MAX_SHIFT: u8 = 14;

    /// Creates the window of a connection that has announced [`ReceiveWindow::initial`] in its SYN. A `size` below 1 KiB
    /// counts as 1 KiB.
    pub fn new(now: Instant, size: BufferSize) -> ReceiveWindow {
        let maximum = to_u32(size.maximum).clamp(MINIMUM, MAXIMUM);
        let initial = u32::from(Self::initial(size));
        ReceiveWindow {
            size: to_u32(size.initial).clamp(MINIMUM, maximum),
            maximum,
            edge: initial,
            announced: initial,
            shift: 0,
            consumed: 0,
            round: now,
        }
    }

    /// Returns the window field of a SYN. This window is never scaled (RFC 7323 2.2).
    pub fn initial(size: BufferSize) -> u16 {
        let maximum = to_u32(size.maximum).clamp(MINIMUM, MAXIMUM);
        u16::try_from(to_u32(size.initial).clamp(MINIMUM, maximum)).unwrap_or(u16::MAX)
    }

    /// Returns the smallest shift with which the window field represents the maximum size.
    pub fn shift_for(size: BufferSize) -> u8 {
        let maximum = to_u32(size.maximum);
        (0..Self::MAX_SHIFT).find(|shift| maximum >> shift <= 65_535).unwrap_or(Self::MAX_SHIFT)
    }

    /// Changes the size of the buffer. The right edge keeps its position if the buffer becomes smaller.
    pub fn set_size(&mut self, size: BufferSize) {
        self.maximum = to_u32(size.maximum).clamp(MINIMUM, MAXIMUM);
        self.size = to_u32(size.initial).clamp(MINIMUM, self.maximum);
    }

    /// Sets the shift of all window fields, after both SYN segments had the option.
    pub fn set_shift(&mut self, shift: u8) {
        self.shift = shift.min(Self::MAX_SHIFT);
    }

    /// Returns the window RCV.WND: the distance of the rightmost announced edge from RCV.NXT.
    // RFC 7323 2.4: "The receiver MUST honor, as in window, any segment that would have been in window for any <ACK>
    // sent by the receiver."
    // spec: rfc7323-window-retracted
    pub fn length(&self) -> u32 {
        self.announced
    }

    /// Returns the size of the receive buffer in bytes.
    pub fn size(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }

    /// Notes that RCV.NXT advances. The right edge keeps its position.
    pub fn advance(&mut self, bytes: u32) {
        self.edge = self.edge.saturating_sub(bytes);
        self.announced = self.announced.saturating_sub(bytes);
    }

    /// Returns the window field of a segment to send, and moves the right edge if there is capacity.
    ///
    /// `held` is the memory of the receive buffer in bytes, and `segment_size` is the size of a full segment.
    pub fn announce(&mut self, held: usize, segment_size: u16, level: MemoryLevel) -> u16 {
        let free = self.free(held);
        self.edge = self.next_edge(free, segment_size, level);
        // Rounded down to the unit of the field, the edge would move to the left. Rounded up, it would move to the right
        // with each byte received, so the edge itself moves only if there is capacity.
        let rounded = self.edge.next_multiple_of(1 << self.shift);
        if rounded <= free {
            self.edge = rounded;
        }
        self.announced = self.announced.max(rounded);
        u16::try_from(rounded >> self.shift).unwrap_or(u16::MAX)
    }

    /// Returns whether the user has read enough for a segment that announces a new window.
    ///
    /// A window above half of a large buffer does not stall the peer, and the next acknowledgment announces the new window.
    // spec: tcp-window-update
    pub fn needs_update(&self, held: usize, segment_size: u16, level: MemoryLevel) -> bool {
        let edge = self.next_edge(self.free(held), segment_size, level);
        let added = edge.saturating_sub(self.announced);
        let segment_size = u32::from(segment_size);
        let is_small = self.size <= SMALL.saturating_mul(segment_size);
        let is_useful = added >= 2 * segment_size && (is_small || self.announced < self.size / 2);
        added > 0 && (is_useful || added >= self.announced)
    }

    /// Notes that the user has read data, and grows the buffer if the user reads fast.
    ///
    /// `out_of_order` is the memory of the data out of order in bytes, and `round_trip` is the round-trip time of the
    /// connection.
    pub fn consume(
        &mut self,
        now: Instant,
        (bytes, out_of_order): (usize, usize),
        round_trip: Duration,
        segment_size: u16,
        level: MemoryLevel,
    ) {
        self.consumed = self.consumed.saturating_add(to_u32(bytes));
        if now.since(self.round) < round_trip {
            return;
        }
        // Data out of order waits for late data, and takes a part of the buffer from the peer until then.
        // spec: tcp-receive-tuning
        let needed = self.consumed.saturating_mul(2).saturating_add(to_u32(out_of_order));
        if needed > self.size && level == MemoryLevel::Normal {
            let target = needed.saturating_add(16 * u32::from(segment_size));
            self.size = self.size.max(target.min(self.maximum));
        }
        (self.consumed, self.round) = (0, now);
    }

    /// Returns the free part of the buffer, up to the largest window that the field represents.
    fn free(&self, held: usize) -> u32 {
        self.size.saturating_sub(to_u32(held)).min(65_535 << self.shift)
    }

    /// Returns the right edge that the next segment may announce.
    fn next_edge(&self, free: u32, segment_size: u16, level: MemoryLevel) -> u32 {
        // RFC 9293 3.8.6.2.2: "keep RCV.NXT+RCV.WND fixed until the reduction satisfies: RCV.BUFF - RCV.USER - RCV.WND
        // >= min( Fr * RCV.BUFF, Eff.snd.MSS ) where Fr is a fraction whose recommended value is 1/2"
        // spec: rfc9293-sws-receiver, rfc9293-window-shrink
        let step = (self.size / 2).min(u32::from(segment_size)).max(1);
        let has_memory = level != MemoryLevel::Full;
        if has_memory && free >= self.edge.saturating_add(step) { free } else { self.edge }
    }
}

fn to_u32(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
