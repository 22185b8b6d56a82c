//! Checksums and segmentation of a frame that a device computes or has checked.

/// Checksum and segmentation work on a frame that is left to a device. By default, no work is left, and no checksum is
/// verified.
///
/// Positions are in bytes from the start of the frame. [`Frame::prepend`](crate::Frame::prepend) and
/// [`Frame::narrow`](crate::Frame::narrow) move them with the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// State of the checksum.
    pub checksum: Checksum,
    /// Segmentation that the device does. `None` if the frame is one segment.
    pub segmentation: Option<Segmentation>,
}

/// Work on transmitted frames that a device does. By default, a device does none.
///
/// A device with any of this work also passes received frames with an incomplete checksum or with several segments:
/// [`Frame::offload`](crate::Frame::offload) describes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offloads {
    /// Whether the device completes UDP and TCP checksums: [`Checksum::Partial`].
    pub checksum: bool,
    /// Whether the device cuts frames into TCP segments over IPv4: [`SegmentationKind::TcpV4`].
    pub tcp_v4: bool,
    /// Whether the device transmits UDP datagrams with the same headers together: [`SegmentationKind::Udp`].
    pub udp: bool,
}

/// State of the UDP or TCP checksum of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// Unknown in a received frame: the receiver must check the checksum. Complete in a frame to send.
    #[default]
    None,
    /// The receiver need not check the checksum: the device checked it, or the frame never left this computer. In the
    /// second case, the checksum field may be incomplete, as on a veth pair.
    Verified,
    /// Incomplete: the checksum field contains only the sum of the pseudo-header. The device completes the checksum.
    Partial {
        /// Position of the first byte that the checksum covers. The checksum covers all bytes up to the end.
        start: u16,
        /// Position of the checksum field, in bytes from `start`.
        offset: u16,
    },
}

/// Segmentation of a frame that is longer than the MTU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segmentation {
    /// Protocol of the segments.
    pub kind: SegmentationKind,
    /// Maximum payload of a segment, in bytes.
    pub size: u16,
    /// Length in bytes of the headers that each segment repeats, from the start of the frame.
    pub header: u16,
    /// Whether the CWR flag of TCP (RFC 3168) is set: only the first segment has the flag. A device needs to know this
    /// before it cuts the frame. A host sends such a segment alone, so the flag is set only in received frames.
    pub cwr: bool,
}

/// Protocol of the segments of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentationKind {
    /// TCP over IPv4.
    TcpV4,
    /// TCP over IPv6.
    TcpV6,
    /// UDP.
    Udp,
}

impl Segmentation {
    /// Returns the length of the longest segment with its headers, in bytes.
    #[inline]
    pub(crate) fn length(self) -> usize {
        usize::from(self.header) + usize::from(self.size)
    }

    /// Returns the number of segments of a frame with this length in bytes.
    #[inline]
    pub fn segments(self, length: usize) -> usize {
        length.saturating_sub(self.header.into()).div_ceil(usize::from(self.size).max(1)).max(1)
    }
}

impl Offload {
    /// Returns whether work is left to the device.
    #[inline]
    pub fn has_work(&self) -> bool {
        matches!(self.checksum, Checksum::Partial { .. }) || self.segmentation.is_some()
    }

    /// Moves all positions after bytes were added in front of the frame.
    #[inline]
    pub(crate) fn move_towards_end(&mut self, bytes: usize) {
        if self.has_work() {
            let bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
            self.for_each_position(|position| *position = position.saturating_add(bytes));
        }
    }

    /// Moves all positions after bytes were removed from the front of the frame.
    #[inline]
    pub(crate) fn move_towards_start(&mut self, bytes: usize) {
        if self.has_work() {
            let bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
            self.for_each_position(|position| *position = position.saturating_sub(bytes));
        }
    }

    fn for_each_position(&mut self, change: impl Fn(&mut u16)) {
        if let Checksum::Partial { start, .. } = &mut self.checksum {
            change(start);
        }
        if let Some(segmentation) = &mut self.segmentation {
            change(&mut segmentation.header);
        }
    }
}

#[cfg(test)]
mod tests;
