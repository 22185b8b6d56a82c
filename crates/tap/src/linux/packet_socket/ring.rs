//! The ring of received frames (`PACKET_RX_RING`), in memory shared with the kernel.

#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use libc::{c_void, tpacket_req, tpacket2_hdr};

use super::super::virtio_header;
use super::system::{self, FrameMetadata};
use crate::Frame;

/// Ring of slots of equal size. The kernel fills the slots, and this program empties the slots in the same order.
///
/// The ring uses version 2 of the interface, which delivers each frame immediately. Version 3 delivers a block of
/// frames when the block is full or times out.
pub(super) struct ReceiveRing {
    memory: NonNull<u8>,
    layout: RingLayout,
    /// The slot to read next.
    next: usize,
    /// Whether each frame has a virtio header in front of it.
    has_header: bool,
}

// SAFETY: this value owns the memory, which is not tied to a thread; any thread may access it.
unsafe impl Send for ReceiveRing {}

/// Layout of the slots in memory. Blocks are contiguous, and each contains whole slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RingLayout {
    slot: usize,
    block: usize,
}

/// Received frame in its slot.
pub(super) struct RingFrame<'a> {
    /// Bytes without the tag that the kernel removed. Only the start of the frame unless `is_whole`.
    bytes: &'a [u8],
    metadata: FrameMetadata,
    virtio_header: Option<[u8; virtio_header::LENGTH]>,
    is_whole: bool,
    /// Whether the frame is longer than a slot, and the kernel keeps it in the receive queue.
    pub(super) is_oversized: bool,
    /// Whether frames were dropped before this one because the ring was full.
    pub(super) has_losses: bool,
}

impl ReceiveRing {
    /// Creates a ring for the frames of this socket at this MTU. The ring must be created before the socket is bound.
    /// If its creation fails, the socket is unchanged. `has_header` is whether the socket has virtio headers.
    pub(super) fn new(socket: BorrowedFd<'_>, mtu: usize, has_header: bool) -> io::Result<ReceiveRing> {
        let version = libc::tpacket_versions::TPACKET_V2;
        // SAFETY: the option takes a c_int. This enumeration of u32 has the same size and contains no pointer.
        unsafe { system::set_option(socket, libc::SOL_PACKET, libc::PACKET_VERSION, &version) }?;
        // Frames longer than a slot are also kept in the receive queue, as far as the queue has capacity. Such frames
        // arrive, for example, after an increase of the MTU.
        system::set_flag(socket, COPY_THRESHOLD, true)?;
        let layout = RingLayout::for_mtu(mtu);
        set_ring(socket, &layout.request()?)?;
        let mapped = map(socket, layout.bytes());
        if mapped.is_err() {
            // Remove the ring. Otherwise the kernel would store frames in the ring, which could not be read.
            set_ring(
                socket,
                &tpacket_req { tp_block_size: 0, tp_block_nr: 0, tp_frame_size: 0, tp_frame_nr: 0 },
            )?;
        }
        Ok(ReceiveRing { memory: mapped?, layout, next: 0, has_header })
    }

    /// Passes the next frame to `read_frame`, and returns its slot to the kernel. Returns `None` if no frame waits.
    pub(super) fn next_frame<T>(&mut self, read_frame: impl FnOnce(RingFrame<'_>) -> T) -> Option<T> {
        let slot = self.layout.offset(self.next);
        // SAFETY: the offset is that of a whole slot within the mapping.
        let slot = unsafe { self.memory.add(slot) };
        // SAFETY: the slot starts with its header, aligned to at least 16 bytes. The kernel and this program access its
        // status word only atomically while the mapping exists, which outlives this reference.
        let status = unsafe { AtomicU32::from_ptr(slot.as_ptr().add(STATUS).cast()) };
        // Acquire: everything that the kernel wrote before the status is visible from here on.
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: the status gives the slot to this program until the store below, so the kernel does not write to it.
        // The header has integers only, and the kernel wrote it completely.
        let header = unsafe { slot.cast::<tpacket2_hdr>().read() };
        let (begin, length) = (usize::from(header.tp_mac), to_usize(header.tp_snaplen));
        let length = length.min(self.layout.slot.saturating_sub(begin));
        // SAFETY: the bytes from `begin` on are within the slot, which the kernel does not write to (see above). The
        // reference ends with `read_frame`, before the slot is returned.
        let bytes = unsafe { slice::from_raw_parts(slot.as_ptr().add(begin.min(self.layout.slot)), length) };
        let metadata = FrameMetadata::of(header.tp_status, header.tp_vlan_tpid, header.tp_vlan_tci);
        let virtio_header = self.has_header.then(|| {
            let start =
                begin.saturating_sub(virtio_header::LENGTH).min(self.layout.slot - virtio_header::LENGTH);
            // SAFETY: the header is within the slot, which the kernel does not write to (see above), and has bytes only.
            unsafe { slot.add(start).cast::<[u8; virtio_header::LENGTH]>().read() }
        });
        let result = read_frame(RingFrame {
            bytes,
            metadata,
            virtio_header,
            is_whole: length == to_usize(header.tp_len),
            is_oversized: header.tp_status & libc::TP_STATUS_COPY != 0,
            has_losses: header.tp_status & libc::TP_STATUS_LOSING != 0,
        });
        // Release: all reads of the slot are complete before the kernel may write to it again.
        status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % self.layout.slots();
        Some(result)
    }
}

/// The option `PACKET_COPY_THRESH` of `linux/if_packet.h`, which libc lacks. Any value except 0 enables the option.
const COPY_THRESHOLD: libc::c_int = 7;

/// Offset of the status word in a slot.
const STATUS: usize = mem::offset_of!(tpacket2_hdr, tp_status);

impl Drop for ReceiveRing {
    fn drop(&mut self) {
        // SAFETY: this is a whole mapping that this value owns, without remaining references. The call cannot fail for
        // such a mapping.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), self.layout.bytes()) };
    }
}

impl std::fmt::Debug for ReceiveRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReceiveRing(slot {} of {})", self.next, self.layout.slots())
    }
}

impl RingLayout {
    /// Unit of the block size in bytes. The kernel allocates each block in contiguous memory. The size is a multiple of
    /// the page size, and small enough for such an allocation.
    const BLOCK: usize = 64 * 1_024;
    /// Number of blocks. At an MTU of 1,500, the blocks hold 2,496 frames.
    const BLOCKS: usize = 64;
    /// Number of bytes in front of a frame in its slot: header, address, alignment of the payload, and virtio header.
    const SLOT_HEADER: usize = 80 + virtio_header::LENGTH;

    /// Returns the layout for this MTU. Slots hold the same frames as those of a [`Pool`](crate::Pool).
    fn for_mtu(mtu: usize) -> RingLayout {
        let slot = (Self::SLOT_HEADER + Frame::space_for(mtu)).next_multiple_of(64);
        RingLayout { slot, block: slot.next_multiple_of(Self::BLOCK) }
    }

    fn slots(self) -> usize {
        self.block / self.slot * Self::BLOCKS
    }

    fn bytes(self) -> usize {
        self.block * Self::BLOCKS
    }

    /// Returns the offset of a slot in bytes.
    fn offset(self, slot: usize) -> usize {
        let in_block = self.block / self.slot;
        slot / in_block * self.block + slot % in_block * self.slot
    }

    /// Returns the request for a ring with this layout.
    fn request(self) -> io::Result<tpacket_req> {
        let number = |size| u32::try_from(size).map_err(io::Error::other);
        Ok(tpacket_req {
            tp_block_size: number(self.block)?,
            tp_block_nr: number(Self::BLOCKS)?,
            tp_frame_size: number(self.slot)?,
            tp_frame_nr: number(self.slots())?,
        })
    }
}

impl RingFrame<'_> {
    /// Returns whether neither the slot nor the receive queue has the whole frame, because the queue was full.
    pub(super) fn is_lost(&self) -> bool {
        !self.is_whole && !self.is_oversized
    }

    /// Sets the offload state of a frame with these bytes, and reinserts its tag.
    pub(super) fn describe(&self, frame: &mut Frame) {
        self.metadata.apply_to(frame, self.virtio_header);
    }

    /// Writes the frame without its tag into `space`. Returns its length in bytes, or the length of `space` if the frame
    /// is not whole or does not fit.
    pub(super) fn write_to(&self, space: &mut [u8]) -> usize {
        match space.get_mut(..self.bytes.len()) {
            Some(space) if self.is_whole => space.copy_from_slice(self.bytes),
            _ => return space.len(),
        }
        self.bytes.len()
    }
}

fn set_ring(socket: BorrowedFd<'_>, request: &tpacket_req) -> io::Result<()> {
    // SAFETY: with version 2, the option takes a tpacket_req, which contains no pointer.
    unsafe { system::set_option(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, request) }
}

/// Maps the socket's ring of `bytes` bytes.
fn map(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<NonNull<u8>> {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    // SAFETY: a new mapping at an address that the kernel chooses overlaps no memory in use.
    let memory: *mut c_void =
        unsafe { libc::mmap(ptr::null_mut(), bytes, access, kind, socket.as_raw_fd(), 0) };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(memory.cast()).ok_or_else(|| io::Error::other("the ring is mapped at 0"))
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
