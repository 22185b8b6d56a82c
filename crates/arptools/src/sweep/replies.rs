//! Who replied for which address, and how often.

use link::MacAddr;

/// For each address, by number, what is known of it. The memory is zeros as the system gives them: a page
/// that nobody in it replied on is never touched.
#[derive(Clone, Debug)]
pub(super) struct Replies {
    entries: Vec<PackedReply>,
    requested: Vec<u64>,
}

/// Six bytes of the hardware address that replied first, zero if none did; then the bits of [`State`]. An array
/// of bytes, so that a vector of zeros is not written.
type PackedReply = [u8; 8];

/// What else is known of an address.
#[derive(Clone, Copy)]
struct State {
    /// How often somebody replied for it: 12 bits.
    number: u16,
    /// How many requests like ours by others no reply was found for: 3 bits.
    foreign_requests: u16,
    /// Whether another hardware address than the first replied: the highest bit.
    is_contested: bool,
}

/// Maximum number of replies that is counted for an address.
const MAX_REPLIES: u16 = (1 << 12) - 1;
/// Maximum number of requests of other hosts that is counted for an address.
const MAX_FOREIGN_REQUESTS: u16 = 7;

/// What a reply is, seen from those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordedReply {
    /// The hardware address that replied first.
    pub(super) first: MacAddr,
    /// Which reply this is, from 1 on.
    pub(super) number: u16,
    /// Whether the address is contested since this reply.
    pub(super) is_newly_contested: bool,
}

impl Replies {
    /// For so many addresses, of which none was asked for.
    pub(super) fn new(count: u32) -> Replies {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Replies { entries: vec![[0; 8]; count], requested: vec![0; count.div_ceil(64)] }
    }

    /// It is asked for. Returns whether for the first time.
    pub(super) fn note_request(&mut self, number: u32) -> bool {
        let Some((word, bit)) = place(number) else { return false };
        let Some(word) = self.requested.get_mut(word) else { return false };
        let is_first = *word & bit == 0;
        *word |= bit;
        is_first
    }

    /// Whether it was asked for.
    pub(super) fn was_requested(&self, number: u32) -> bool {
        place(number).is_some_and(|(word, bit)| self.requested.get(word).is_some_and(|word| word & bit != 0))
    }

    /// Whether somebody replied for it.
    pub(super) fn is_answered(&self, number: u32) -> bool {
        let entry = usize::try_from(number).ok().and_then(|place| self.entries.get(place));
        entry.is_some_and(|entry| read(*entry).0 != MacAddr::ZERO)
    }

    /// Somebody else asked for it under our addresses.
    pub(super) fn note_foreign_request(&mut self, number: u32) {
        if let Some(entry) = usize::try_from(number).ok().and_then(|place| self.entries.get_mut(place)) {
            let (first, state) = read(*entry);
            *entry = written(
                first,
                State { foreign_requests: (state.foreign_requests + 1).min(MAX_FOREIGN_REQUESTS), ..state },
            );
        }
    }

    /// Somebody replied for it from this hardware address, which is not zero. None if it is the reply to somebody
    /// else, which came here too.
    pub(super) fn enter(&mut self, number: u32, mac: MacAddr) -> Option<RecordedReply> {
        let entry = self.entries.get_mut(usize::try_from(number).ok()?)?;
        let (known, state) = read(*entry);
        if known == mac && state.foreign_requests > 0 {
            *entry = written(known, State { foreign_requests: state.foreign_requests - 1, ..state });
            return None;
        }
        let first = if known == MacAddr::ZERO { mac } else { known };
        let number = (state.number + 1).min(MAX_REPLIES);
        let is_contested = state.is_contested || first != mac;
        *entry = written(first, State { number, is_contested, ..state });
        Some(RecordedReply { first, number, is_newly_contested: is_contested && !state.is_contested })
    }
}

fn read([a, b, c, d, e, f, high, low]: PackedReply) -> (MacAddr, State) {
    let state = u16::from_be_bytes([high, low]);
    let state = State {
        number: state & MAX_REPLIES,
        foreign_requests: state >> 12 & MAX_FOREIGN_REQUESTS,
        is_contested: state >> 15 != 0,
    };
    (MacAddr::new([a, b, c, d, e, f]), state)
}

fn written(first: MacAddr, State { number, foreign_requests, is_contested }: State) -> PackedReply {
    let [a, b, c, d, e, f] = first.bytes();
    let [high, low] = (u16::from(is_contested) << 15 | foreign_requests << 12 | number).to_be_bytes();
    [a, b, c, d, e, f, high, low]
}

/// The word and the bit of a number.
fn place(number: u32) -> Option<(usize, u64)> {
    Some((usize::try_from(number / 64).ok()?, 1 << (number % 64)))
}
