//! Sequence numbers (RFC 9293 3.4).

/// Sequence number of a byte, or of a SYN or FIN.
///
/// All arithmetic is modulo 2^32. Two numbers are compared by their distance, so the type has no order: a number is
/// before another number if the distance between both is between 1 and 2^31 - 1.
///
/// ```
/// use tcp::SequenceNumber;
///
/// let last = SequenceNumber::new(u32::MAX);
/// let first = last.plus(1);
/// assert_eq!(first, SequenceNumber::new(0));
/// assert!(last.is_before(first) && !first.is_before(last));
/// assert_eq!(first.distance_from(last), 1);
/// assert!(first.is_within(last, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SequenceNumber(u32);

/// Half of the sequence space. Numbers at this distance have no order.
const HALF: u32 = 1 << 31;

impl SequenceNumber {
    /// Creates the sequence number with this value.
    #[inline]
    pub const fn new(value: u32) -> SequenceNumber {
        SequenceNumber(value)
    }

    /// Returns the value.
    #[inline]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// Returns the number that follows this number at a distance of `length`.
    #[must_use]
    #[inline]
    pub const fn plus(self, length: u32) -> SequenceNumber {
        SequenceNumber(self.0.wrapping_add(length))
    }

    /// Returns the number that precedes this number at a distance of `length`.
    #[must_use]
    #[inline]
    pub const fn minus(self, length: u32) -> SequenceNumber {
        SequenceNumber(self.0.wrapping_sub(length))
    }

    /// Returns the distance from `earlier` to this number, modulo 2^32.
    #[inline]
    pub const fn distance_from(self, earlier: SequenceNumber) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }

    /// Returns whether this number precedes `other`.
    // spec: rfc9293-modulo
    #[inline]
    pub const fn is_before(self, other: SequenceNumber) -> bool {
        let distance = other.distance_from(self);
        distance != 0 && distance < HALF
    }

    /// Returns whether this number precedes or equals `other`.
    #[inline]
    pub const fn is_at_or_before(self, other: SequenceNumber) -> bool {
        other.distance_from(self) < HALF
    }

    /// Returns whether this number is one of the `length` numbers from `start`. No number is within a length of zero.
    #[inline]
    pub const fn is_within(self, start: SequenceNumber, length: u32) -> bool {
        self.distance_from(start) < length
    }
}

#[cfg(test)]
mod tests;
