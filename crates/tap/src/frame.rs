//! A frame: owned bytes with headroom.

use std::fmt;
use std::io;

use crate::{Offload, Token};

/// Bytes of one frame, with space for headers before the bytes and space for padding after the bytes.
///
/// A frame does not return to its pool when it is dropped: its consumer calls [`Pool::give`](crate::Pool::give). The
/// preamble and the frame check sequence of Ethernet are not included.
pub struct Frame {
    storage: Box<[u8]>,
    start: u32,
    end: u32,
    class: FrameClass,
    offload: Offload,
    token: Token,
}

/// Size class of a frame: the list of a [`Pool`](crate::Pool) to which the frame returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameClass {
    /// A frame for the MTU of the wire.
    Small,
    /// A frame for the longest datagram.
    Large,
}

// Frames move by value.
const _: () = assert!(size_of::<Frame>() <= 64);

/// Error of a write that does not fit into the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfSpace;

impl Frame {
    /// Number of free bytes in front of a received frame. The space suffices for the virtio header of a TAP (12 bytes),
    /// an Ethernet header with two VLAN tags (22), and the longest headers of IPv4 (60) and TCP (60).
    pub const HEADROOM: usize = 160;

    /// Maximum length of the link headers: 14 bytes, and two VLAN tags of 4.
    const LINK_HEADERS: usize = 14 + 8;

    /// Creates an empty frame for a wire with this MTU (payload in bytes).
    ///
    /// The frame has capacity for the MTU, the longest link header, and one more byte. A read that fills this byte too
    /// was truncated.
    pub fn for_mtu(mtu: usize) -> Frame {
        Frame::with_class(mtu, FrameClass::Small)
    }

    /// Creates an empty frame of a size class for a wire with this MTU.
    pub(crate) fn with_class(mtu: usize, class: FrameClass) -> Frame {
        let mut frame = Frame {
            storage: vec![0; Self::capacity_for(mtu)].into_boxed_slice(),
            start: 0,
            end: 0,
            class,
            offload: Offload::default(),
            token: Token::NONE,
        };
        frame.clear();
        frame
    }

    /// Returns the [`Frame::capacity`] of a frame for this MTU.
    pub const fn capacity_for(mtu: usize) -> usize {
        Self::space_for(mtu).saturating_add(Self::HEADROOM)
    }

    /// Returns the number of bytes after the headroom of a frame for this MTU.
    pub(crate) const fn space_for(mtu: usize) -> usize {
        mtu.saturating_add(Self::LINK_HEADERS + 1)
    }

    /// Returns the bytes of the frame.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.storage.get(self.start()..self.end()).unwrap_or_default()
    }

    /// Returns a mutable reference to the bytes of the frame.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let range = self.start()..self.end();
        self.storage.get_mut(range).unwrap_or_default()
    }

    /// Returns the length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        to_usize(self.end - self.start)
    }

    /// Returns whether the frame has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Returns the size of the storage in bytes, headroom included.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.storage.len()
    }

    /// Returns whether the bytes fill the storage to its end, as after a truncated read.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.end() == self.storage.len()
    }

    /// Returns the size class.
    #[inline]
    pub(crate) fn class(&self) -> FrameClass {
        self.class
    }

    /// Returns the state of the work that is left to a device. [`Frame::clear`] resets the state. Other changes of the
    /// bytes do not reset it.
    #[inline]
    pub fn offload(&self) -> Offload {
        self.offload
    }

    /// Sets the state of the work that is left to a device.
    #[inline]
    pub fn set_offload(&mut self, offload: Offload) {
        self.offload = offload;
    }

    /// Returns the token, which identifies the sender if a device refuses the frame. [`Frame::clear`] resets the token to
    /// [`Token::NONE`].
    #[inline]
    pub fn token(&self) -> Token {
        self.token
    }

    /// Sets the token.
    #[inline]
    pub fn set_token(&mut self, token: Token) {
        self.token = token;
    }

    /// Removes all bytes, resets offload state and token, and restores the headroom.
    #[inline]
    pub fn clear(&mut self) {
        (self.offload, self.token) = (Offload::default(), Token::NONE);
        self.start = to_u32(Self::HEADROOM.min(self.storage.len()));
        self.end = self.start;
    }

    /// Clears the frame and calls `read` to fill the storage after the headroom. Returns the new length in bytes.
    ///
    /// Like [`std::io::Read::read`], `read` returns the number of bytes that it wrote.
    pub fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        self.clear();
        let start = self.start();
        let space = self.storage.get_mut(start..).unwrap_or_default();
        let length = read(space)?.min(space.len());
        self.end = to_u32(start + length);
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
        let start = self.start().checked_add(offset).ok_or(OutOfSpace)?;
        let end = start.checked_add(length).ok_or(OutOfSpace)?;
        if end > self.end() {
            return Err(OutOfSpace);
        }
        (self.start, self.end) = (to_u32(start), to_u32(end));
        self.offload.move_towards_start(offset);
        Ok(())
    }

    /// Adds `length` bytes in front of the frame and returns these bytes. The bytes have arbitrary values, so the
    /// caller must overwrite all of them.
    #[inline]
    pub fn prepend(&mut self, length: usize) -> Result<&mut [u8], OutOfSpace> {
        let end = self.start();
        let start = end.checked_sub(length).ok_or(OutOfSpace)?;
        let header = self.storage.get_mut(start..end).ok_or(OutOfSpace)?;
        self.start = to_u32(start);
        self.offload.move_towards_end(length);
        Ok(header)
    }

    /// Appends `length` zero bytes and returns these bytes.
    pub fn append(&mut self, length: usize) -> Result<&mut [u8], OutOfSpace> {
        let start = self.end();
        let end = start.checked_add(length).ok_or(OutOfSpace)?;
        let tail = self.storage.get_mut(start..end).ok_or(OutOfSpace)?;
        tail.fill(0);
        self.end = to_u32(end);
        Ok(tail)
    }

    /// Appends zeros until the frame has `minimum` bytes. Does nothing if the frame is already long enough.
    #[inline]
    pub fn pad(&mut self, minimum: usize) -> Result<(), OutOfSpace> {
        // spec: ethernet-minimum, rfc826-reply-padding
        let missing = minimum.saturating_sub(self.len());
        if missing > 0 {
            self.append(missing)?;
        }
        Ok(())
    }

    #[inline]
    fn start(&self) -> usize {
        to_usize(self.start)
    }

    #[inline]
    fn end(&self) -> usize {
        to_usize(self.end)
    }
}

/// Converts an offset. The conversion is exact on all processors that Linux supports.
#[inline]
fn to_usize(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Converts an offset in the storage of a frame, which is shorter than 4 GiB.
#[inline]
fn to_u32(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
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
