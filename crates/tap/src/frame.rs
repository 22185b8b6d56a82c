//! A frame: owned bytes with headroom.

use std::fmt;
use std::io;

use crate::{Offload, Segmentation, Token};

/// Bytes of one frame, with space for headers before the bytes and space for padding after the bytes.
///
/// A frame does not return to its pool when it is dropped: its consumer calls [`Pool::give`](crate::Pool::give). The
/// preamble and the frame check sequence of Ethernet are not included.
pub struct Frame(Box<FrameData>);

/// Contents of a frame. A frame moves through several queues, so its value is only the pointer to the contents.
///
/// The alignment keeps the contents in one cache line: a batch of frames is longer than the fastest cache.
#[repr(align(64))]
struct FrameData {
    storage: Box<[u8]>,
    start: usize,
    end: usize,
    class: FrameClass,
    offload: Offload,
    token: Token,
}

const _: () = assert!(size_of::<FrameData>() == 64);

/// Size class of a frame: the list of a [`Pool`](crate::Pool) to which the frame returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameClass {
    /// A frame for the MTU of the wire.
    Small,
    /// A frame for the longest datagram.
    Large,
}

/// Error of a write that does not fit into the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfSpace;

impl Frame {
    /// Number of free bytes in front of a received frame. The space suffices for the virtio header of a TAP (10 bytes),
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
        Frame(Box::new(FrameData {
            storage: vec![0; Self::capacity_for(mtu)].into_boxed_slice(),
            start: Self::HEADROOM,
            end: Self::HEADROOM,
            class,
            offload: Offload::default(),
            token: Token::NONE,
        }))
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
        self.0.storage.get(self.0.start..self.0.end).unwrap_or_default()
    }

    /// Returns a mutable reference to the bytes of the frame.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let range = self.0.start..self.0.end;
        self.0.storage.get_mut(range).unwrap_or_default()
    }

    /// Returns the length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.end - self.0.start
    }

    /// Returns the length of the longest segment into which a device cuts the frame, in bytes. This is the length of the
    /// frame if no segmentation is left to a device.
    #[inline]
    pub fn segment_length(&self) -> usize {
        let longest = self.0.offload.segmentation.map_or(usize::MAX, Segmentation::length);
        self.len().min(longest)
    }

    /// Returns the number of segments into which a device cuts the frame.
    #[inline]
    pub fn segments(&self) -> usize {
        let segmentation = self.0.offload.segmentation;
        segmentation.map_or(1, |segmentation| segmentation.segments(self.len()))
    }

    /// Returns whether the frame has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.start == self.0.end
    }

    /// Returns the size of the storage in bytes, headroom included.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.0.storage.len()
    }

    /// Returns whether the bytes fill the storage to its end, as after a truncated read.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.0.end == self.0.storage.len()
    }

    /// Returns the size class.
    #[inline]
    pub(crate) fn class(&self) -> FrameClass {
        self.0.class
    }

    /// Returns the state of the work that is left to a device. [`Frame::clear`] resets the state. Other changes of the
    /// bytes do not reset it.
    #[inline]
    pub fn offload(&self) -> Offload {
        self.0.offload
    }

    /// Sets the state of the work that is left to a device.
    #[inline]
    pub fn set_offload(&mut self, offload: Offload) {
        self.0.offload = offload;
    }

    /// Returns the token, which identifies the sender if a device refuses the frame. [`Frame::clear`] resets the token to
    /// [`Token::NONE`].
    #[inline]
    pub fn token(&self) -> Token {
        self.0.token
    }

    /// Sets the token.
    #[inline]
    pub fn set_token(&mut self, token: Token) {
        self.0.token = token;
    }

    /// Removes all bytes, resets offload state and token, and restores the headroom.
    #[inline]
    pub fn clear(&mut self) {
        (self.0.offload, self.0.token) = (Offload::default(), Token::NONE);
        self.0.start = Self::HEADROOM;
        self.0.end = Self::HEADROOM;
    }

    /// Clears the frame and calls `read` to fill the storage after the headroom. Returns the new length in bytes.
    ///
    /// Like [`std::io::Read::read`], `read` returns the number of bytes that it wrote.
    pub fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        self.clear();
        let start = self.0.start;
        let space = self.0.storage.get_mut(start..).unwrap_or_default();
        let length = read(space)?.min(space.len());
        self.0.end = start + length;
        Ok(length)
    }

    /// Clears the frame. Returns the storage after the headroom, and `header` bytes in front of it for a header of the
    /// device.
    #[cfg(feature = "linux")]
    #[inline]
    pub(crate) fn receive_space(&mut self, header: usize) -> &mut [u8] {
        self.clear();
        self.0.storage.get_mut(Self::HEADROOM.saturating_sub(header)..).unwrap_or_default()
    }

    /// Ends the bytes of a cleared frame after `length` bytes of [`Frame::receive_space`], without its header.
    #[cfg(feature = "linux")]
    #[inline]
    pub(crate) fn set_received(&mut self, length: usize) {
        self.0.end = (Self::HEADROOM + length).min(self.0.storage.len());
    }

    /// Writes a header of the device into the headroom, and returns the header and the bytes. The bytes of the frame do
    /// not change. Returns `None` if the headroom is too short.
    #[cfg(feature = "linux")]
    #[inline]
    pub(crate) fn with_header<const N: usize>(&mut self, header: [u8; N]) -> Option<&[u8]> {
        let all = self.0.storage.get_mut(self.0.start.checked_sub(N)?..self.0.end)?;
        *all.first_chunk_mut()? = header;
        Some(all)
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
        let start = self.0.start.checked_add(offset).ok_or(OutOfSpace)?;
        let end = start.checked_add(length).ok_or(OutOfSpace)?;
        if end > self.0.end {
            return Err(OutOfSpace);
        }
        (self.0.start, self.0.end) = (start, end);
        self.0.offload.move_towards_start(offset);
        Ok(())
    }

    /// Adds `length` bytes in front of the frame and returns these bytes. The bytes have arbitrary values, so the
    /// caller must overwrite all of them.
    #[expect(clippy::inline_always, reason = "the length is a constant of the caller")]
    #[inline(always)]
    pub fn prepend(&mut self, length: usize) -> Result<&mut [u8], OutOfSpace> {
        let end = self.0.start;
        let start = end.checked_sub(length).ok_or(OutOfSpace)?;
        let header = self.0.storage.get_mut(start..end).ok_or(OutOfSpace)?;
        self.0.start = start;
        self.0.offload.move_towards_end(length);
        Ok(header)
    }

    /// Appends `length` zero bytes and returns these bytes.
    pub fn append(&mut self, length: usize) -> Result<&mut [u8], OutOfSpace> {
        let tail = self.extend(length)?;
        tail.fill(0);
        Ok(tail)
    }

    /// Appends `length` bytes and returns these bytes. The bytes have arbitrary values, so the caller must overwrite all
    /// of them.
    #[inline]
    pub fn extend(&mut self, length: usize) -> Result<&mut [u8], OutOfSpace> {
        let start = self.0.end;
        let end = start.checked_add(length).ok_or(OutOfSpace)?;
        let tail = self.0.storage.get_mut(start..end).ok_or(OutOfSpace)?;
        self.0.end = end;
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
