//! Who replied for which address, and how often.

use link::MacAddr;

/// For each address, by number, what is known of it. The memory is zeros as the system gives them: a page
/// that nobody in it replied on is never touched.
#[derive(Clone, Debug)]
pub(super) struct Replies {
    entries: Vec<Entry>,
    asked: Vec<u64>,
}

/// Six octets of the hardware address that replied first, zero if none did; then how often any did, and
/// whether there is another. An array of octets, so that a vector of zeros is not written.
type Entry = [u8; 8];

/// The bit of an entry's number that says that there is another hardware address.
const CONTESTED: u16 = 1 << 15;

/// What a reply is, seen from those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entered {
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
        Replies { entries: vec![[0; 8]; count], asked: vec![0; count.div_ceil(64)] }
    }

    /// It is asked for. Returns whether for the first time.
    pub(super) fn ask(&mut self, number: u32) -> bool {
        let Some((word, bit)) = place(number) else { return false };
        let Some(word) = self.asked.get_mut(word) else { return false };
        let is_first = *word & bit == 0;
        *word |= bit;
        is_first
    }

    /// Whether it was asked for.
    pub(super) fn was_asked(&self, number: u32) -> bool {
        place(number).is_some_and(|(word, bit)| self.asked.get(word).is_some_and(|word| word & bit != 0))
    }

    /// Whether somebody replied for it.
    pub(super) fn is_answered(&self, number: u32) -> bool {
        usize::try_from(number)
            .is_ok_and(|place| self.entries.get(place).is_some_and(|entry| *entry != [0; 8]))
    }

    /// Somebody replied for it from this hardware address, which is not zero.
    pub(super) fn enter(&mut self, number: u32, hardware: MacAddr) -> Option<Entered> {
        let entry = self.entries.get_mut(usize::try_from(number).ok()?)?;
        let [a, b, c, d, e, f, high, low] = *entry;
        let (known, state) = (MacAddr::new([a, b, c, d, e, f]), u16::from_be_bytes([high, low]));
        let first = if known == MacAddr::ZERO { hardware } else { known };
        let number = ((state & !CONTESTED) + 1).min(CONTESTED - 1);
        let is_contested = state & CONTESTED != 0 || first != hardware;
        let [a, b, c, d, e, f] = first.octets();
        let [high, low] = (number | if is_contested { CONTESTED } else { 0 }).to_be_bytes();
        *entry = [a, b, c, d, e, f, high, low];
        Some(Entered { first, number, is_newly_contested: is_contested && state & CONTESTED == 0 })
    }
}

/// The word and the bit of a number.
fn place(number: u32) -> Option<(usize, u64)> {
    Some((usize::try_from(number / 64).ok()?, 1 << (number % 64)))
}
