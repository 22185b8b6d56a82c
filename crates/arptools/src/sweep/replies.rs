//! Replies of a sweep, by address.

use link::{Instant, MacAddr};

/// Requests and replies for each address, by its number.
///
/// The memory is allocated zeroed, so that pages without replies are never written.
#[derive(Clone, Debug)]
pub(super) struct Replies {
    entries: Vec<PackedReply>,
    /// Time of the last request, in nanoseconds plus one; zero if no request was sent.
    request_times: Vec<u64>,
}

/// Six bytes of the MAC address that replied first, zero if none did, then the bits of [`State`].
///
/// An array of bytes, so that a zeroed vector is allocated without writing it.
type PackedReply = [u8; 8];

/// State of an address.
#[derive(Clone, Copy)]
struct State {
    /// Number of replies: 12 bits.
    number: u16,
    /// Number of unanswered requests by other programs with the same sender addresses: 3 bits.
    foreign_requests: u16,
    /// Whether several MAC addresses replied: the highest bit.
    is_contested: bool,
}

/// Maximum count of replies for an address.
pub(super) const MAX_REPLIES: u16 = (1 << 12) - 1;
/// Maximum count of requests by other programs for an address.
const MAX_FOREIGN_REQUESTS: u16 = 7;

/// Recorded reply, compared with earlier replies for the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordedReply {
    /// MAC address that replied first.
    pub(super) first: MacAddr,
    /// Number of the reply, starting at 1.
    pub(super) number: u16,
    /// Whether this is the first reply from a second MAC address.
    pub(super) is_newly_contested: bool,
}

impl Replies {
    /// Creates a table for `count` addresses without requests and replies.
    pub(super) fn new(count: u32) -> Replies {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Replies { entries: vec![[0; 8]; count], request_times: vec![0; count] }
    }

    /// Notes a request for an address. Returns whether it is the first request for the address.
    pub(super) fn note_request(&mut self, number: u32, now: Instant) -> bool {
        let time = usize::try_from(number).ok().and_then(|place| self.request_times.get_mut(place));
        let Some(time) = time else { return false };
        let is_first = *time == 0;
        *time = now.as_nanos().saturating_add(1);
        is_first
    }

    /// Returns the time of the last request for an address, or none if no request was sent.
    pub(super) fn request_time(&self, number: u32) -> Option<Instant> {
        let time = usize::try_from(number).ok().and_then(|place| self.request_times.get(place));
        time.and_then(|time| time.checked_sub(1)).map(Instant::from_nanos)
    }

    /// Returns whether an address has a reply.
    pub(super) fn is_answered(&self, number: u32) -> bool {
        let entry = usize::try_from(number).ok().and_then(|place| self.entries.get(place));
        entry.is_some_and(|entry| unpack(*entry).0 != MacAddr::ZERO)
    }

    /// Notes a request for an address by another program with the same sender addresses.
    pub(super) fn note_foreign_request(&mut self, number: u32) {
        if let Some(entry) = usize::try_from(number).ok().and_then(|place| self.entries.get_mut(place)) {
            let (first, state) = unpack(*entry);
            *entry = pack(
                first,
                State { foreign_requests: (state.foreign_requests + 1).min(MAX_FOREIGN_REQUESTS), ..state },
            );
        }
    }

    /// Records a reply from a MAC address, which is not zero. Returns none if the reply answers another program's
    /// request.
    pub(super) fn record(&mut self, number: u32, mac: MacAddr) -> Option<RecordedReply> {
        let entry = self.entries.get_mut(usize::try_from(number).ok()?)?;
        let (known, state) = unpack(*entry);
        if known == mac && state.foreign_requests > 0 {
            *entry = pack(known, State { foreign_requests: state.foreign_requests - 1, ..state });
            return None;
        }
        let first = if known == MacAddr::ZERO { mac } else { known };
        let number = (state.number + 1).min(MAX_REPLIES);
        let is_contested = state.is_contested || first != mac;
        *entry = pack(first, State { number, is_contested, ..state });
        Some(RecordedReply { first, number, is_newly_contested: is_contested && !state.is_contested })
    }
}

fn unpack([a, b, c, d, e, f, high, low]: PackedReply) -> (MacAddr, State) {
    let state = u16::from_be_bytes([high, low]);
    let state = State {
        number: state & MAX_REPLIES,
        foreign_requests: state >> 12 & MAX_FOREIGN_REQUESTS,
        is_contested: state >> 15 != 0,
    };
    (MacAddr::new([a, b, c, d, e, f]), state)
}

fn pack(first: MacAddr, State { number, foreign_requests, is_contested }: State) -> PackedReply {
    let [a, b, c, d, e, f] = first.bytes();
    let [high, low] = (u16::from(is_contested) << 15 | foreign_requests << 12 | number).to_be_bytes();
    [a, b, c, d, e, f, high, low]
}
