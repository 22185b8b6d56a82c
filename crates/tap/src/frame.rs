//! One frame: owned bytes with headroom.

use std::fmt;
use std::io;

/// Bytes of one frame, with room before them for headers and behind them for padding.
///
/// A frame has no destructor and knows no pool: whoever consumes one gives it back with
/// [`Pool::give`](crate::Pool::give). Ethernet's preamble and frame check sequence are never in it.
pub struct Frame {
    storage: Box<[u8]>,
    start: usize,
    end: usize,
    checksum: Checksum,
}

/// What is known of the transport checksum in a received frame: UDP's or TCP's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// Nothing: the receiver checks it.
    #[default]
    None,
    /// It is not complete. The sender left it to hardware that the frame never reached, as a kernel does on
    /// a veth pair, so the receiver must not check it.
    Partial,
}

/// What was to be written did not fit into the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfSpace;

impl Frame {
    /// Bytes kept free before a received frame: a longer link header, and the 12-byte virtio
    /// header that segmentation offload wants.
    pub const HEADROOM: usize = 32;

    /// Link headers at their longest: Ethernet's 14 bytes and two tags of four.
    const LINK_HEADERS: usize = 14 + 8;

    /// An empty frame for a wire with this MTU (bytes of payload).
    ///
    /// It holds the MTU, the longest link header, and one byte more: a read that fills even that
    /// one was cut short.
    pub fn for_mtu(mtu: usize) -> Frame {
        Frame {
            storage: vec![0; Self::capacity_for(mtu)].into_boxed_slice(),
            start: Self::HEADROOM,
            end: Self::HEADROOM,
            checksum: Checksum::None,
        }
    }

    /// The [`Frame::capacity`] of a frame for this MTU.
    pub const fn capacity_for(mtu: usize) -> usize {
        mtu.saturating_add(Self::HEADROOM + Self::LINK_HEADERS + 1)
    }

    /// The frame's bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.storage.get(self.start..self.end).unwrap_or_default()
    }

    /// The frame's bytes, to change in place.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.storage.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// Length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether the frame holds no byte.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Bytes of storage, headroom included: what kind of frame this is to its pool.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.storage.len()
    }

    /// Whether the bytes reach the end of the storage, as those of a truncated read do.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.end == self.storage.len()
    }

    /// What is known of the transport checksum. Writing into the frame does not change it, clearing does.
    #[inline]
    pub fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// Sets what is known of the transport checksum.
    #[inline]
    pub fn set_checksum(&mut self, checksum: Checksum) {
        self.checksum = checksum;
    }

    /// Forgets the bytes and what is known of them, and restores the headroom.
    #[inline]
    pub fn clear(&mut self) {
        self.checksum = Checksum::None;
        self.start = Self::HEADROOM.min(self.storage.len());
        self.end = self.start;
    }

    /// Clears the frame and lets `read` fill the storage behind the headroom.
    ///
    /// `read` returns how many bytes it wrote, as [`std::io::Read::read`] does.
    pub fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        self.clear();
        let space = self.storage.get_mut(self.start..).unwrap_or_default();
        let length = read(space)?.min(space.len());
        self.end = self.start + length;
        Ok(length)
    }

    /// Clears the frame and copies `bytes` into it.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), OutOfSpace> {
        self.clear();
        self.append(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// Keeps `length` bytes from `offset` on and drops the others from both ends.
    #[inline]
    pub fn narrow(&mut self, offset: usize, length: usize) -> Result<(), OutOfSpace> {
        let start = self.start.checked_add(offset).ok_or(OutOfSpace)?;
        let end = start.checked_add(length).ok_or(OutOfSpace)?;
        if end > self.end {
            return Err(OutOfSpace);
        }
        (self.start, self.end) = (start, end);
        Ok(())
    }

    /// Grows the frame by `length` bytes in front and returns them; what is in them is left over
    /// from earlier use, so all are to be written.
    #[inline]
    pub fn prepend(&mut self, length: usize) -> Result<&mut [u8], OutOfSpace> {
        let start = self.start.checked_sub(length).ok_or(OutOfSpace)?;
        let header = self.storage.get_mut(start..self.start).ok_or(OutOfSpace)?;
        self.start = start;
        Ok(header)
    }

    /// Grows the frame by `length` zero bytes behind and returns them.
    pub fn append(&mut self, length: usize) -> Result<&mut [u8], OutOfSpace> {
        let end = self.end.checked_add(length).ok_or(OutOfSpace)?;
        let tail = self.storage.get_mut(self.end..end).ok_or(OutOfSpace)?;
        tail.fill(0);
        self.end = end;
        Ok(tail)
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.len())
    }
}

impl fmt::Display for OutOfSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the frame has no space for that many bytes")
    }
}

impl std::error::Error for OutOfSpace {}

#[cfg(test)]
mod tests;
