//! The Internet checksum: RFC 1071, and RFC 1624 for a word that changes.

/// Bytes taken at a time: four registers of any machine of today, so that no addition waits for
/// the one before.
const CHUNK: usize = 64;
/// Words of 32 bits in a chunk.
const LANES: usize = CHUNK / 4;
/// So many chunks can be summed up before 32 bits overflow with halves of words, four lanes together.
const RUN: usize = 1 << 14;

/// A one's complement sum of 16-bit words.
///
/// Parts may have any length and lie anywhere: a part after one of odd length is swapped as RFC 1071 2
/// (B) allows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// In the order of bytes of this machine, which the sum does not depend on until its end.
    words: u64,
    /// Whether an odd number of bytes went in.
    is_odd: bool,
}

impl Sum {
    /// Adds bytes.
    #[must_use]
    #[inline]
    pub fn plus(self, bytes: &[u8]) -> Sum {
        let part = fold(native(bytes));
        // spec: rfc1071-parts
        let part = if self.is_odd { part.swap_bytes() } else { part };
        Sum { words: self.words + u64::from(part), is_odd: self.is_odd != (bytes.len() % 2 == 1) }
    }

    /// Adds one word, as a pseudo-header has it; in front of anything odd.
    #[must_use]
    #[inline]
    pub fn plus_word(self, word: u16) -> Sum {
        self.plus(&word.to_be_bytes())
    }

    /// The checksum: the sum's complement.
    #[inline]
    pub fn checksum(self) -> u16 {
        !u16::from_be(fold(self.words))
    }
}

/// The checksum of bytes whose checksum field is zero.
#[inline]
pub fn of(bytes: &[u8]) -> u16 {
    // spec: rfc1071-sum
    !u16::from_be(fold(native(bytes)))
}

/// Whether bytes with their checksum among them sum up to minus zero, as they should.
#[inline]
pub fn is_valid(bytes: &[u8]) -> bool {
    // spec: rfc1071-verify
    fold(native(bytes)) == 0xffff
}

/// The checksum after one of its words went `from` a value `to` another.
///
/// Bytes of zeros alone have all ones for their checksum, and this gives zero (RFC 1624 3 relies on a
/// word that is not zero); a header always has one.
#[inline]
pub fn update(checksum: u16, from: u16, to: u16) -> u16 {
    // Equation 3: HC' = ~(~HC + ~m + m'). RFC 1141's gives minus zero where zero is due.
    // spec: rfc1624-update
    !fold(u64::from(!checksum) + u64::from(!from) + u64::from(to))
}

/// The sum of all 16-bit words as they lie, the last one filled with a zero byte if it has but one.
#[inline]
fn native(bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<CHUNK>();
    let mut sum: u64 = if chunks.is_empty() { 0 } else { chunks.chunks(RUN).map(wide).sum() };
    let (words, rest) = rest.as_chunks::<4>();
    for word in words {
        sum += u64::from(u32::from_ne_bytes(*word));
    }
    sum + match rest {
        [a, b, c] => u64::from(u16::from_ne_bytes([*a, *b])) + u64::from(u16::from_ne_bytes([*c, 0])),
        [a, b] => u64::from(u16::from_ne_bytes([*a, *b])),
        [a] => u64::from(u16::from_ne_bytes([*a, 0])),
        _ => 0,
    }
}

/// The sum of a run of chunks.
///
/// Every lane has two accumulators: one of whole 32-bit words, which overflows, and one of their
/// upper halves, which does not. What the lower halves sum up to is the difference. So a register's
/// worth of bytes costs a shift and two additions, on any machine.
fn wide(run: &[[u8; CHUNK]]) -> u64 {
    let mut whole = [0_u32; LANES];
    let mut upper = [0_u32; LANES];
    for chunk in run {
        let (words, _) = chunk.as_chunks::<4>();
        for ((word, whole), upper) in words.iter().zip(&mut whole).zip(&mut upper) {
            let word = u32::from_ne_bytes(*word);
            *whole = whole.wrapping_add(word);
            *upper = upper.wrapping_add(word >> 16);
        }
    }
    let lanes = together(whole).into_iter().zip(together(upper));
    lanes.map(|(whole, upper)| u64::from(whole.wrapping_sub(upper << 16)) + u64::from(upper)).sum()
}

/// Four lanes of sixteen: still in registers, which takes less than to sum up each lane alone.
fn together(lanes: [u32; LANES]) -> [u32; LANES / 4] {
    let (quarters, _) = lanes.as_chunks::<{ LANES / 4 }>();
    let mut sums = [0_u32; LANES / 4];
    for quarter in quarters {
        for (sum, lane) in sums.iter_mut().zip(quarter) {
            *sum = sum.wrapping_add(*lane);
        }
    }
    sums
}

/// A sum brought down to 16 bits: what overflows is carried round.
#[inline]
fn fold(sum: u64) -> u16 {
    // With its halves exchanged it is added to itself: what the lower half carries goes into the upper one,
    // which is then both halves together, and what they carry.
    let sum = sum.wrapping_add(sum.rotate_left(32)) >> 32;
    let sum = u32::try_from(sum).unwrap_or(u32::MAX);
    let sum = sum.wrapping_add(sum.rotate_left(16)) >> 16;
    u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
