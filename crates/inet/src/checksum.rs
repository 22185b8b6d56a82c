//! The Internet checksum (RFC 1071), and its update when one word changes (RFC 1624).

/// Number of bytes per iteration. These bytes fill four 128-bit registers, so that additions do not wait for each
/// other.
const CHUNK: usize = 64;
/// Length in bytes from which vector registers are faster than a sum of 64-bit words with carry.
const LONG: usize = 2 * CHUNK;
/// Number of 32-bit words in a chunk.
const LANES: usize = CHUNK / 4;
/// Maximum number of chunks before a 32-bit sum of upper halves, four lanes together, can overflow.
const RUN: usize = 1 << 14;

/// One's complement sum of 16-bit words.
///
/// Parts may have any length and alignment. The sum of a part after an odd number of bytes is byte-swapped
/// (RFC 1071 2 (B)).
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// Sum in native byte order. Byte order matters only in the result (RFC 1071 2 (B)).
    words: u64,
    /// Whether the number of bytes so far is odd.
    is_odd: bool,
}

impl Sum {
    /// Adds bytes.
    #[must_use]
    #[inline]
    pub fn plus(self, bytes: &[u8]) -> Sum {
        Sum { is_odd: self.is_odd != (bytes.len() % 2 == 1), ..self.plus_words(native(bytes)) }
    }

    /// Adds one 16-bit word, for example of a pseudo-header.
    #[must_use]
    #[inline]
    pub fn plus_word(self, word: u16) -> Sum {
        self.plus_words(word.to_be().into())
    }

    /// Adds 16-bit words as one number: the sum of words or of double words, for example of the fields of a header.
    ///
    /// The sum of the fields of a header that was just written is faster than the sum of its bytes: a load of bytes
    /// waits for the stores of the fields.
    #[must_use]
    #[inline]
    pub fn plus_number(self, sum: u64) -> Sum {
        // The bytes of each word are exchanged. The order of the words has no effect on the sum.
        self.plus_words(sum.to_be())
    }

    /// Adds a sum of words in native byte order.
    #[inline]
    fn plus_words(self, words: u64) -> Sum {
        // A rotation by one byte exchanges the bytes of each word.
        // spec: rfc1071-parts
        let words = if self.is_odd { words.rotate_left(8) } else { words };
        Sum { words: plus_with_carry(self.words, words), ..self }
    }

    /// Returns the checksum: the complement of the sum.
    #[inline]
    pub fn checksum(self) -> u16 {
        !u16::from_be(fold(self.words))
    }
}

/// Returns the checksum of bytes with a checksum field of zero.
#[inline]
pub fn of(bytes: &[u8]) -> u16 {
    // spec: rfc1071-sum
    !u16::from_be(fold(native(bytes)))
}

/// Returns whether bytes that include their checksum have a valid checksum: the sum is 0xffff.
#[inline]
pub fn is_valid(bytes: &[u8]) -> bool {
    // spec: rfc1071-verify
    fold(native(bytes)) == 0xffff
}

/// Returns whether 20 bytes that include their checksum have a valid checksum, as [`is_valid`] does: an IPv4 header
/// without options, or a TCP header without options.
#[inline]
pub fn is_valid_header(header: &[u8; 20]) -> bool {
    // spec: rfc1071-verify
    let (words, rest) = header.as_chunks::<8>();
    let rest = rest.first_chunk().map_or(0, |rest| u64::from(u32::from_ne_bytes(*rest)));
    let (sum, carry) = words
        .iter()
        .fold((rest, false), |(sum, carry), word| sum.carrying_add(u64::from_ne_bytes(*word), carry));
    fold(sum.wrapping_add(carry.into())) == 0xffff
}

/// Returns the checksum after one 16-bit word changed from the value `from` to the value `to`.
///
/// At least one word must not be zero after the change, which holds for every header (RFC 1624 3). If all words are
/// zero, the result is 0, but [`of`] returns 0xffff.
#[inline]
pub fn update(checksum: u16, from: u16, to: u16) -> u16 {
    // Equation 3: HC' = ~(~HC + ~m + m'). The equation of RFC 1141 returns 0xffff where the result must be 0.
    // spec: rfc1624-update
    !fold(u64::from(!checksum) + u64::from(!from) + u64::from(to))
}

/// Returns the sum of all 16-bit words in native byte order. An odd last byte is padded with a zero byte.
#[inline]
fn native(bytes: &[u8]) -> u64 {
    if bytes.len() < LONG { native_short(bytes) } else { native_long(bytes) }
}

#[inline(never)]
fn native_long(bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<CHUNK>();
    plus_with_carry(chunks.chunks(RUN).map(wide).sum(), native_short(rest))
}

#[inline]
fn native_short(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<32>();
    let sum = blocks.iter().fold(0, plus_block);
    let (words, rest) = rest.as_chunks::<8>();
    let sum = words.iter().fold(sum, |sum, word| plus_with_carry(sum, u64::from_ne_bytes(*word)));
    if rest.is_empty() { sum } else { plus_with_carry(sum, last_word(bytes, rest.len())) }
}

/// Returns the last up to seven bytes as one word, padded with zero bytes at the end.
#[inline]
fn last_word(bytes: &[u8], length: usize) -> u64 {
    // One load of eight bytes is faster than a load of each part. The shift removes the bytes before the last word.
    let word = match bytes.last_chunk() {
        Some(last) => u64::from_be_bytes(*last),
        None => bytes.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
    };
    let padding = u64::BITS.saturating_sub(u32::try_from(8 * length).unwrap_or(u64::BITS));
    (word << padding).to_be()
}

/// Adds four words with end-around carry. The carry of each addition goes to the next one.
#[inline]
fn plus_block(sum: u64, block: &[u8; 32]) -> u64 {
    let (words, _) = block.as_chunks::<8>();
    let (sum, carry) = words
        .iter()
        .fold((sum, false), |(sum, carry), word| sum.carrying_add(u64::from_ne_bytes(*word), carry));
    // With a carry, the sum is below its maximum.
    sum.wrapping_add(carry.into())
}

/// Adds two sums with end-around carry.
#[inline]
fn plus_with_carry(sum: u64, word: u64) -> u64 {
    let (sum, carry) = sum.overflowing_add(word);
    sum + u64::from(carry)
}

/// Returns the sum of a run of up to [`RUN`] chunks.
///
/// Each lane has two accumulators: the sum of whole 32-bit words, which wraps, and the sum of their upper halves,
/// which does not. Their difference is the sum of the lower halves. One register of input thus costs one shift and two
/// additions on any processor.
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

/// Reduces sixteen lanes to four, still in vector registers.
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

/// Reduces a sum to 16 bits with end-around carry.
#[inline]
fn fold(sum: u64) -> u16 {
    // Adding the sum with its halves exchanged leaves both halves and their carry in the upper half.
    let sum = sum.wrapping_add(sum.rotate_left(32)) >> 32;
    let sum = u32::try_from(sum).unwrap_or(u32::MAX);
    let sum = sum.wrapping_add(sum.rotate_left(16)) >> 16;
    u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
