//! The kernel's ring of received frames (`PACKET_RX_RING`), in memory that the kernel and we share.

#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use libc::{c_void, tpacket_req, tpacket2_hdr};

use super::system::{self, FrameMetadata};
use crate::{Checksum, Frame};

/// The ring: slots of one size, which the kernel fills and we empty in turn. It is of version 2, whose frames
/// are there as soon as they have arrived; those of version 3 come by the block, once it is full or old.
pub(super) struct ReceiveRing {
    memory: NonNull<u8>,
    layout: RingLayout,
    /// The slot that the kernel fills next, as far as we have looked.
    next: usize,
}

// SAFETY: the memory is this value's alone and is not tied to a thread; the kernel does not mind who reads it.
unsafe impl Send for ReceiveRing {}

/// How the slots lie in the memory: whole ones in each block, all blocks in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RingLayout {
    slot: usize,
    block: usize,
}

/// A received frame in its slot.
pub(super) struct RingFrame<'a> {
    /// The frame without the tag that the kernel cut out, perhaps not to its end.
    bytes: &'a [u8],
    metadata: FrameMetadata,
    is_whole: bool,
    /// Whether the kernel keeps the whole of it for the next system call, because it is longer than a slot.
    pub(super) is_oversized: bool,
    /// Whether others were lost before it, for want of room.
    pub(super) has_losses: bool,
}

impl ReceiveRing {
    /// Makes a ring for whatever this socket will hear, of frames for this MTU. It is to be made before the
    /// socket is bound. Where it fails the socket is as it was.
    pub(super) fn new(socket: BorrowedFd<'_>, mtu: usize) -> io::Result<ReceiveRing> {
        let version = libc::tpacket_versions::TPACKET_V2;
        // SAFETY: the option takes a c_int, as large as this enumeration of u32, which has no pointer in it.
        unsafe { system::set_option(socket, libc::SOL_PACKET, libc::PACKET_VERSION, &version) }?;
        // What is longer than a slot, as after the MTU became larger, is kept beside the ring, as far as the receive
        // buffer holds it.
        system::set_flag(socket, COPY_THRESHOLD, true)?;
        let layout = RingLayout::for_mtu(mtu);
        set_ring(socket, &layout.request()?)?;
        let mapped = map(socket, layout.bytes());
        if mapped.is_err() {
            // Or the kernel would put into the ring what nobody can read.
            set_ring(
                socket,
                &tpacket_req { tp_block_size: 0, tp_block_nr: 0, tp_frame_size: 0, tp_frame_nr: 0 },
            )?;
        }
        Ok(ReceiveRing { memory: mapped?, layout, next: 0 })
    }

    /// Gives the next frame to `see`, and its slot back to the kernel; none if none has arrived.
    pub(super) fn next_frame<T>(&mut self, read_frame: impl FnOnce(RingFrame<'_>) -> T) -> Option<T> {
        let slot = self.layout.offset(self.next);
        // SAFETY: the offset is that of a whole slot, within the mapping.
        let slot = unsafe { self.memory.add(slot) };
        // SAFETY: the slot begins with its header, aligned to 16 bytes at least; its status word is read and
        // written atomically by the kernel and by us as long as the mapping lives, which is longer than this.
        let status = unsafe { AtomicU32::from_ptr(slot.as_ptr().add(STATUS).cast()) };
        // Acquire: what the kernel wrote before the status is visible from here on.
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: the slot is ours until we say otherwise, so the kernel writes none of it; the header is
        // integers only, and was written whole.
        let header = unsafe { slot.cast::<tpacket2_hdr>().read() };
        let (begin, length) = (usize::from(header.tp_mac), to_usize(header.tp_snaplen));
        let length = length.min(self.layout.slot.saturating_sub(begin));
        // SAFETY: the bytes from `begin` on lie in the slot, which is ours as said; they live as long as the
        // reference, which ends with `see`.
        let bytes = unsafe { slice::from_raw_parts(slot.as_ptr().add(begin.min(self.layout.slot)), length) };
        let result = read_frame(RingFrame {
            bytes,
            metadata: FrameMetadata::of(header.tp_status, header.tp_vlan_tpid, header.tp_vlan_tci),
            is_whole: length == to_usize(header.tp_len),
            is_oversized: header.tp_status & libc::TP_STATUS_COPY != 0,
            has_losses: header.tp_status & libc::TP_STATUS_LOSING != 0,
        });
        // Release: we have read all that we want before the kernel may write there again.
        status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % self.layout.slots();
        Some(result)
    }
}

/// The option `PACKET_COPY_THRESH` of `linux/if_packet.h`, which libc does not have: on, with any number but zero.
const COPY_THRESHOLD: libc::c_int = 7;

/// Where the status word of a slot lies in it.
const STATUS: usize = mem::offset_of!(tpacket2_hdr, tp_status);

impl Drop for ReceiveRing {
    fn drop(&mut self) {
        // SAFETY: this is the whole of a mapping that nobody else has, and nobody refers into any more. (It
        // cannot fail then.)
        unsafe { libc::munmap(self.memory.as_ptr().cast(), self.layout.bytes()) };
    }
}

impl std::fmt::Debug for ReceiveRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReceiveRing(slot {} of {})", self.next, self.layout.slots())
    }
}

impl RingLayout {
    /// Blocks are what the kernel allocates: a multiple of any page's size, and not so large that it could
    /// not find them.
    const BLOCK: usize = 64 * 1_024;
    /// With the usual MTU, room for 2,496 frames.
    const BLOCKS: usize = 64;
    /// What lies before a frame in its slot: header, address, and what aligns the payload.
    const SLOT_HEADER: usize = 80;

    /// Slots for frames of this MTU, as long as those that a pool has for it.
    fn for_mtu(mtu: usize) -> RingLayout {
        let slot = (Self::SLOT_HEADER + Frame::capacity_for(mtu)).next_multiple_of(64);
        RingLayout { slot, block: slot.next_multiple_of(Self::BLOCK) }
    }

    fn slots(self) -> usize {
        self.block / self.slot * Self::BLOCKS
    }

    fn bytes(self) -> usize {
        self.block * Self::BLOCKS
    }

    /// Where a slot begins.
    fn offset(self, slot: usize) -> usize {
        let in_block = self.block / self.slot;
        slot / in_block * self.block + slot % in_block * self.slot
    }

    /// The ring that is asked for.
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
    /// What is known of its transport checksum.
    pub(super) fn checksum(&self) -> Checksum {
        self.metadata.checksum
    }

    /// Writes the frame with its tag into `space`. Returns how long it is; one that is not whole, or does not
    /// fit, fills the space.
    pub(super) fn write_to(&self, space: &mut [u8]) -> usize {
        let (addresses, rest) = self.bytes.split_at(self.bytes.len().min(ADDRESSES));
        let tag = self.metadata.tag.as_ref().map_or(&[][..], |tag| tag);
        let length = self.bytes.len() + tag.len();
        if !self.is_whole || length > space.len() {
            return space.len();
        }
        let mut at = 0;
        for part in [addresses, tag, rest] {
            if let Some(to) = space.get_mut(at..at + part.len()) {
                to.copy_from_slice(part);
            }
            at += part.len();
        }
        length
    }
}

/// Bytes before the place of the outer tag: destination and source.
pub(super) const ADDRESSES: usize = 12;

fn set_ring(socket: BorrowedFd<'_>, request: &tpacket_req) -> io::Result<()> {
    // SAFETY: a tpacket_req is what the option takes with version 2, and it has no pointer in it.
    unsafe { system::set_option(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, request) }
}

/// Maps so many bytes of the socket's ring.
fn map(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<NonNull<u8>> {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    // SAFETY: a new mapping at a place of the kernel's choice touches no memory that anybody has.
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
