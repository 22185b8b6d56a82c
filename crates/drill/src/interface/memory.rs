//! Memory of packetdrill: buffers, addresses and option values.

use std::ffi::{c_int, c_void};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::{ptr, slice};

use libc::{cmsghdr, iovec, msghdr, sockaddr, sockaddr_in, socklen_t};

use crate::errno::{CallResult, Errno};

/// Returns the parts of a buffer.
///
/// # Safety
///
/// A pointer that is not null is valid for `count` parts for the whole call.
pub(super) unsafe fn parts_of<'a>(parts: *const iovec, count: usize) -> &'a [iovec] {
    if parts.is_null() {
        return &[];
    }
    // SAFETY: the caller guarantees that the pointer is valid for this number of parts.
    unsafe { slice::from_raw_parts(parts, count) }
}

/// Returns a copy of bytes of the caller. A null pointer has no bytes.
///
/// # Safety
///
/// A pointer that is not null is valid for reading `length` bytes.
pub(super) unsafe fn copy_from(pointer: *const c_void, length: usize) -> Vec<u8> {
    if pointer.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller guarantees that the pointer is valid for this length.
    unsafe { slice::from_raw_parts(pointer.cast::<u8>(), length) }.to_vec()
}

/// Copies bytes to a buffer of the caller. Does nothing if the pointer is null.
///
/// # Safety
///
/// A pointer that is not null is valid for writing the bytes.
pub(super) unsafe fn copy_to(bytes: &[u8], pointer: *mut c_void) {
    if !pointer.is_null() {
        // SAFETY: the caller guarantees that the pointer is valid for this length, and the buffer of the caller does not
        // overlap memory of this library.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), pointer.cast(), bytes.len()) };
    }
}

/// Reads an IPv4 address.
///
/// # Safety
///
/// The pointer is valid for reading `length` bytes.
pub(super) unsafe fn read_address(pointer: *const sockaddr, length: socklen_t) -> CallResult<SocketAddrV4> {
    if usize::try_from(length).unwrap_or(0) < size_of::<sockaddr_in>() {
        return Err(Errno::INVALID);
    }
    // SAFETY: the caller guarantees that the pointer is valid for the length, which is that of the struct at least.
    let address = unsafe { pointer.cast::<sockaddr_in>().read_unaligned() };
    if c_int::from(address.sin_family) != libc::AF_INET {
        return Err(Errno(libc::EAFNOSUPPORT));
    }
    let ip = Ipv4Addr::from_bits(u32::from_be(address.sin_addr.s_addr));
    Ok(SocketAddrV4::new(ip, u16::from_be(address.sin_port)))
}

/// Writes an IPv4 address, as far as the buffer of the caller suffices, and its length.
///
/// # Safety
///
/// Pointers that are not null are valid: `length` has the length of the buffer at `pointer`.
pub(super) unsafe fn write_address(address: SocketAddrV4, pointer: *mut sockaddr, length: *mut socklen_t) {
    let mut bytes = Vec::with_capacity(size_of::<sockaddr_in>());
    bytes.extend_from_slice(&u16::try_from(libc::AF_INET).unwrap_or_default().to_ne_bytes());
    bytes.extend_from_slice(&address.port().to_be_bytes());
    bytes.extend_from_slice(&address.ip().octets());
    bytes.resize(size_of::<sockaddr_in>(), 0);
    // SAFETY: the caller guarantees that the pointers are valid.
    unsafe { write_option(&bytes, pointer.cast(), length) };
}

/// Writes a value, as far as the buffer of the caller suffices, and the number of written bytes.
///
/// # Safety
///
/// Pointers that are not null are valid: `length` has the length of the buffer at `pointer`.
pub(super) unsafe fn write_option(value: &[u8], pointer: *mut c_void, length: *mut socklen_t) {
    if length.is_null() {
        return;
    }
    // SAFETY: the caller guarantees that the pointer is valid.
    let capacity = usize::try_from(unsafe { length.read() }).unwrap_or(0);
    let value = value.get(..capacity).unwrap_or(value);
    // SAFETY: the caller guarantees that the pointers are valid, and the value is not longer than the buffer.
    unsafe {
        copy_to(value, pointer);
        length.write(socklen_t::try_from(value.len()).unwrap_or(0));
    }
}

/// Writes a control message with a level, a type and a number, if it is present and the buffer of the message suffices.
/// Otherwise, the message has no control message.
///
/// # Safety
///
/// If `msg_control` is not null, it is valid for `msg_controllen` bytes and aligned for a `cmsghdr`.
pub(super) unsafe fn write_control(message: &mut msghdr, control: Option<(c_int, c_int, c_int)>) {
    let length = size_of::<cmsghdr>() + size_of::<c_int>();
    let capacity = std::mem::take(&mut message.msg_controllen);
    let Some((level, kind, number)) = control else { return };
    if message.msg_control.is_null() || capacity < length {
        return;
    }
    let header = cmsghdr { cmsg_len: length, cmsg_level: level, cmsg_type: kind };
    // SAFETY: the caller guarantees that the pointer is valid for `capacity` bytes, which suffice for both writes.
    unsafe {
        message.msg_control.cast::<cmsghdr>().write(header);
        copy_to(&number.to_ne_bytes(), message.msg_control.cast::<cmsghdr>().add(1).cast());
    }
    message.msg_controllen = length;
}
