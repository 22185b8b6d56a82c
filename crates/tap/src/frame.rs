//! A frame: owned bytes with headroom.

use std::fmt;
use std::io;

/// Bytes of one frame, with space for headers before the bytes and space for padding after the bytes.
///
/// A frame does not return to its pool when it is dropped: its consumer calls [`Pool::give`](crate::Pool::give). The
/// preamble and the frame check sequence of Ethernet are not included.
pub struct Frame {
    storage: Box<[u8]>,
    start: usize,
    end: usize,
    checksum: Checksum,
}

/// State of the UDP or TCP checksum in a received frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// Unknown: the receiver must check the checksum.
    #[default]
    None,
    /// Incomplete: the receiver must not check the checksum. The sender left the checksum to hardware that the frame
    /// never reached, as the kernel does on a veth pair.
    Partial,
}

/// Error of a write that does not fit into the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfSpace;

impl Frame {
    /// Number of free bytes in front of a received frame. The space suffices for a longer link header and for the
    /// 12-byte virtio header of segmentation offload.
    pub const HEADROOM: usize = 32;

    /// Maximum length of the link headers: 14 bytes, and two VLAN tags of 4.
    const LINK_HEADERS: usize = 14 + 8;

    /// Creates an empty frame for a wire with this MTU (payload in bytes).
    ///
    /// The frame has capacity for the MTU, the longest link header, and one more byte. A read that fills this byte too
    /// was truncated.
    pub fn for_mtu(mtu: usize) -> Frame {
        Frame {
            storage: vec![0; Self::capacity_for(mtu)].into_boxed_slice(),
            start: Self::HEADROOM,
            end: Self::HEADROOM,
            checksum: Checksum::None,
        }
    }

    /// Returns the [`Frame::capacity`] of a frame for this MTU.
    pub const fn capacity_for(mtu: usize) -> usize {
        mtu.saturating_add(Self::HEADROOM + Self::LINK_HEADERS + 1)
    }

    /// Returns the bytes of the frame.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.storage.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns a mutable reference to the bytes of the frame.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.storage.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// Returns the length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Returns whether the frame has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Returns the size of the storage in bytes, headroom included. A pool identifies its frames by this size.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.storage.len()
    }

    /// Returns whether the bytes fill the storage to its end, as after a truncated read.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.end == self.storage.len()
    }

    /// Returns the state of the transport checksum. [`Frame::clear`] resets the state. Changes of the bytes do not
    /// reset the state.
    #[inline]
    pub fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// Sets the state of the transport checksum.
    #[inline]
    pub fn set_checksum(&mut self, checksum: Checksum) {
        self.checksum = checksum;
    }

    /// Removes all bytes, resets the checksum state, and restores the headroom.
    #[inline]
    pub fn clear(&mut self) {
        self.checksum = Checksum::None;
        self.start = Self::HEADROOM.min(self.storage.len());
        self.end = self.start;
    }

    /// Clears the frame and calls `read` to fill the storage after the headroom. Returns the new length in bytes.
    ///
    /// Like [`std::io::Read::read`], `read` returns the number of bytes that it wrote.
    pub fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        self.clear();
        let space = self.storage.get_mut(self.start..).unwrap_or_default();
        let length = read(space)?.min(space.len());
        self.end = self.start + length;
        Ok(length)
    }

    /// Clears the frame and copies `bytes` into the frame.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), OutOfSpace> {
        self.clear();
        self.append(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// Shortens the frame to `length` bytes from `offset` on.
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

    /// Adds `length` bytes in front of the frame and returns these bytes. The bytes have arbitrary values, so the
    /// caller must overwrite all of them.
    #[inline]
    pub fn prepend(&mut self, length: usize) -> Result<&mut [u8], OutOfSpace> {
        let start = self.start.checked_sub(length).ok_or(OutOfSpace)?;
        let header = self.storage.get_mut(start..self.start).ok_or(OutOfSpace)?;
        self.start = start;
        Ok(header)
    }

    /// Appends `length` zero bytes and returns these bytes.
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
