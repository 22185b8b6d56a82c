//! Safe functions for the system calls of `AF_PACKET` that nix does not wrap.

#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::{
    c_int, c_void, iovec, msghdr, packet_mreq, sock_filter, sock_fprog, sockaddr_ll, socklen_t,
    tpacket_auxdata, tpacket_stats,
};

use super::super::virtio_header;
use crate::{Checksum, Frame, Offload};

/// Number of bytes in front of the outer tag: destination and source address.
const ADDRESSES: usize = 12;

/// Opens a non-blocking socket that receives nothing until it is bound. The socket thus receives no frames of other
/// interfaces, and no frames before the filter is attached.
pub(super) fn open() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: socket(2) takes integers only.
    let fd = check(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })?;
    // SAFETY: the call above returned this new descriptor, which has no other owner.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    set_flag(fd.as_fd(), libc::PACKET_AUXDATA, true)?;
    Ok(fd)
}

/// Binds the socket to the interface with this index, from which it then receives the frames of an `EtherType`, or all
/// frames.
pub(super) fn bind(fd: BorrowedFd<'_>, index: i32, ether_type: Option<u16>) -> io::Result<()> {
    let all = u16::try_from(libc::ETH_P_ALL).map_err(io::Error::other)?;
    // SAFETY: sockaddr_ll has integers only, for which zero is a valid value.
    let mut address: sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    address.sll_protocol = ether_type.unwrap_or(all).to_be();
    address.sll_ifindex = index;
    // SAFETY: `address` is a whole sockaddr_ll, the length is its size, and bind only reads it.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), length_of::<sockaddr_ll>()) })
        .map(drop)
}

/// Returns the index of the interface that the socket is bound to. The index is negative after the interface was
/// deleted.
pub(super) fn bound_interface(fd: BorrowedFd<'_>) -> io::Result<c_int> {
    // SAFETY: sockaddr_ll has integers only, for which zero is a valid value.
    let mut address: sockaddr_ll = unsafe { mem::zeroed() };
    let mut length = length_of::<sockaddr_ll>();
    // SAFETY: the pointers are to a whole sockaddr_ll and to its size. The kernel writes at most that many bytes, and
    // any bytes are a valid sockaddr_ll.
    check(unsafe { libc::getsockname(fd.as_raw_fd(), (&raw mut address).cast(), &raw mut length) })?;
    Ok(address.sll_ifindex)
}

/// Sets a boolean option of the level `SOL_PACKET`.
pub(super) fn set_flag(fd: BorrowedFd<'_>, option: c_int, on: bool) -> io::Result<()> {
    let on = c_int::from(on);
    // SAFETY: these options take a c_int, which contains no pointer.
    unsafe { set_option(fd, libc::SOL_PACKET, option, &on) }
}

/// Attaches a BPF program. The program returns 0 for frames to drop.
pub(super) fn attach_filter(fd: BorrowedFd<'_>, filter: &[sock_filter]) -> io::Result<()> {
    let length = u16::try_from(filter.len()).map_err(io::Error::other)?;
    let program = sock_fprog { len: length, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the option takes a sock_fprog. Its pointer refers to `len` instructions, which live during the call and
    // are only read: the kernel copies and verifies them.
    unsafe { set_option(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program) }
}

/// Makes the interface with this index accept frames to an additional MAC address.
pub(super) fn add_station(fd: BorrowedFd<'_>, index: i32, address: [u8; 6]) -> io::Result<()> {
    add_membership(fd, index, libc::PACKET_MR_UNICAST, address)
}

/// Makes the interface with this index receive every frame on the wire.
pub(super) fn set_promiscuous(fd: BorrowedFd<'_>, index: i32) -> io::Result<()> {
    add_membership(fd, index, libc::PACKET_MR_PROMISC, [0; 6])
}

fn add_membership(
    fd: BorrowedFd<'_>,
    index: i32,
    kind: c_int,
    [a, b, c, d, e, f]: [u8; 6],
) -> io::Result<()> {
    let membership = packet_mreq {
        mr_ifindex: index,
        mr_type: u16::try_from(kind).map_err(io::Error::other)?,
        mr_alen: 6,
        mr_address: [a, b, c, d, e, f, 0, 0],
    };
    // SAFETY: the option takes a packet_mreq, which contains no pointer.
    unsafe { set_option(fd, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership) }
}

/// Returns how many frames the kernel dropped since the last call.
pub(super) fn take_drop_count(fd: BorrowedFd<'_>) -> io::Result<u32> {
    let mut statistics = tpacket_stats { tp_packets: 0, tp_drops: 0 };
    let mut length = length_of::<tpacket_stats>();
    let into = (&raw mut statistics).cast::<c_void>();
    // SAFETY: `into` points to a tpacket_stats, and `length` is its size. The kernel writes at most that many bytes,
    // and any bytes are a valid tpacket_stats.
    check(unsafe {
        libc::getsockopt(fd.as_raw_fd(), libc::SOL_PACKET, libc::PACKET_STATISTICS, into, &raw mut length)
    })?;
    Ok(statistics.tp_drops)
}

/// Sets an option.
///
/// # Safety
///
/// The option must take a `T`. Pointers in the value must be valid for the accesses of the option.
pub(super) unsafe fn set_option<T>(
    fd: BorrowedFd<'_>,
    level: c_int,
    option: c_int,
    value: &T,
) -> io::Result<()> {
    let value = (&raw const *value).cast::<c_void>();
    // SAFETY: the kernel reads at most the size of a T from a pointer to one. The caller guarantees its contents.
    check(unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, value, length_of::<T>()) }).map(drop)
}

/// Sends one whole frame.
pub(super) fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: pointer and length are those of a slice that lives during the call and is only read.
    let sent = unsafe { libc::send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Metadata of a received frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FrameMetadata {
    /// VLAN tag that the kernel removed from the frame.
    pub(super) tag: Option<[u8; 4]>,
    pub(super) offload: Offload,
}

/// Receives one frame into `space`. Returns its length in `space` in bytes, and its metadata.
pub(super) fn receive(fd: BorrowedFd<'_>, space: &mut [u8]) -> io::Result<(usize, FrameMetadata)> {
    /// Size of the control buffer in bytes. The type of its field differs between C libraries, but every such type can
    /// be converted from `u8`.
    const CONTROL: u8 = 128;
    let mut part = iovec { iov_base: space.as_mut_ptr().cast(), iov_len: space.len() };
    // An array of `u64`, so that the control message in it is aligned.
    let mut control = [0_u64; 16];
    // SAFETY: msghdr has integers and pointers, for which zero is a valid value.
    let mut message: msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = CONTROL.into();
    // SAFETY: the message points to one iovec over `space` and to `control`, each with its true length. All three live
    // during the call, without other references.
    let received = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, 0) };
    let length = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    Ok((length, auxiliary(&message).unwrap_or_default()))
}

/// Reads the control message that the option `PACKET_AUXDATA` adds.
fn auxiliary(message: &msghdr) -> Option<FrameMetadata> {
    // SAFETY: recvmsg has filled the message. Its control buffer is alive and has the length that it states.
    let header = unsafe { libc::CMSG_FIRSTHDR(message).as_ref() }?;
    if header.cmsg_level != libc::SOL_PACKET || header.cmsg_type != libc::PACKET_AUXDATA {
        return None;
    }
    // SAFETY: level and type identify a tpacket_auxdata after the header. It has integers only, the kernel wrote it
    // completely, and the read is unaligned.
    let data = unsafe { libc::CMSG_DATA(header).cast::<tpacket_auxdata>().read_unaligned() };
    Some(FrameMetadata::of(data.tp_status, data.tp_vlan_tpid, data.tp_vlan_tci))
}

impl FrameMetadata {
    /// Sets the offload state of a frame, and reinserts its tag after the MAC addresses. A virtio header describes the
    /// state in more detail than the metadata.
    pub(super) fn apply_to(&self, frame: &mut Frame, header: Option<[u8; virtio_header::LENGTH]>) {
        match header {
            Some(header) => virtio_header::apply_to(frame, header),
            None => frame.set_offload(self.offload),
        }
        // The headroom of a received frame always suffices. A truncated frame, which is full, stays as it is.
        if let Some(tag) = self.tag
            && frame.len() >= ADDRESSES
            && !frame.is_full()
            && frame.prepend(tag.len()).is_ok()
        {
            let bytes = frame.bytes_mut();
            bytes.copy_within(tag.len()..ADDRESSES + tag.len(), 0);
            if let Some(space) = bytes.get_mut(ADDRESSES..).and_then(<[u8]>::first_chunk_mut) {
                *space = tag;
            }
        }
    }

    /// Returns the metadata in the status word of a frame and in the fields of its tag.
    pub(super) fn of(status: u32, kind: u16, control: u16) -> FrameMetadata {
        // The sender left the checksum to hardware that the frame never reached. The status has no positions.
        let is_incomplete = status & libc::TP_STATUS_CSUMNOTREADY != 0;
        let checksum = if is_incomplete { Checksum::Verified } else { Checksum::None };
        FrameMetadata { tag: tag(status, kind, control), offload: Offload { checksum, segmentation: None } }
    }
}

/// Returns the removed tag as it was in the frame, if the status reports a removed tag.
fn tag(status: u32, kind: u16, control: u16) -> Option<[u8; 4]> {
    if status & libc::TP_STATUS_VLAN_VALID == 0 {
        return None;
    }
    // Linux before 3.14 does not report the tag protocol.
    let kind = if status & libc::TP_STATUS_VLAN_TPID_VALID == 0 { 0x8100 } else { kind };
    let ([a, b], [c, d]) = (kind.to_be_bytes(), control.to_be_bytes());
    Some([a, b, c, d])
}

fn length_of<T>() -> socklen_t {
    socklen_t::try_from(mem::size_of::<T>()).unwrap_or(socklen_t::MAX)
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
