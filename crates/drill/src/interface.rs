//! The interface of packetdrill to a shared library, and `getsockopt` and `sendfile` of libc.
//!
//! Only this module and its submodules have unsafe code: they turn the pointers of packetdrill into slices and values,
//! and return results in `errno`. packetdrill passes pointers with the same guarantees as for the system calls of the
//! same names: a pointer to a buffer is valid for the length that accompanies it, and no other thread uses the buffer
//! during the call.

#![allow(unsafe_code, reason = "packetdrill passes C pointers")]
#![allow(clippy::disallowed_types, reason = "a descriptor of the kernel represents a socket")]

mod memory;
mod table;

use std::ffi::{CStr, c_char, c_int, c_long, c_longlong, c_uint, c_ulong, c_void};
use std::fs::File;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

use libc::{
    epoll_event, iovec, msghdr, nfds_t, off64_t, pollfd, sockaddr, socklen_t, ssize_t, timeval, timezone,
};
use tap::Instant;

use self::memory::{copy_from, copy_to, parts_of, read_address, write_address, write_control, write_option};
use self::table::Interface;
use crate::blocking::Calls;
use crate::errno::{CallResult, Errno};
use crate::network::Network;
use crate::options::TCP_INQ;
use crate::sockets::Sockets;

/// The calls of this process. packetdrill runs one script in a process.
static CALLS: Calls = Calls::new();

/// Value of `--so_flags` with which sent segments never have the flag PSH.
const IGNORE_PUSH: &CStr = c"ignore_push";

/// Creates the host, and fills the interface. `flags` is the value of `--so_flags`: see [`IGNORE_PUSH`].
///
/// # Safety
///
/// `interface` is valid for writing a struct `packetdrill_interface`. `flags` is null or a string that ends with zero.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn packetdrill_interface_init(flags: *const c_char, interface: *mut Interface) {
    // SAFETY: the caller guarantees that a pointer that is not null points to a string.
    let flags = if flags.is_null() { c"" } else { unsafe { CStr::from_ptr(flags) } };
    match Network::new(flags == IGNORE_PUSH) {
        Ok(network) => CALLS.start(Sockets::new(network)),
        Err(error) => eprintln!("drill: {error}"),
    }
    let functions = Interface {
        userdata: ptr::null_mut(),
        free,
        socket,
        bind,
        listen,
        accept,
        connect,
        read,
        readv,
        recv,
        recvfrom,
        recvmsg,
        write,
        writev,
        send,
        sendto,
        sendmsg,
        fcntl,
        ioctl,
        close,
        shutdown,
        getsockopt: get_socket_option,
        setsockopt,
        poll,
        netdev_send,
        netdev_receive,
        usleep,
        gettimeofday,
        epoll_create,
        epoll_ctl,
        epoll_wait,
        pipe,
        splice,
    };
    // SAFETY: the caller guarantees that the pointer is valid for this write.
    unsafe { interface.write(functions) };
}

/// `getsockopt` of libc, which packetdrill calls for `TCP_INFO`. Effective only with `LD_PRELOAD` of this library. A
/// descriptor that is no socket of a script is passed to the kernel.
///
/// # Safety
///
/// The pointers are valid as for the system call.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn getsockopt(
    descriptor: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    length: *mut socklen_t,
) -> c_int {
    if CALLS.call_once(|sockets| Ok(sockets.contains(descriptor))) == Ok(true) {
        // SAFETY: the caller guarantees that the pointers are valid.
        return unsafe { get_socket_option(ptr::null_mut(), descriptor, level, name, value, length) };
    }
    // SAFETY: the arguments are those of the caller, which guarantees that the pointers are valid for this system call.
    let result = unsafe { libc::syscall(libc::SYS_getsockopt, descriptor, level, name, value, length) };
    c_int::try_from(result).unwrap_or(-1)
}

/// `sendfile` of libc, which packetdrill calls for all scripts. Effective only with `LD_PRELOAD` of this library. A
/// descriptor that is no socket of a script is passed to the kernel.
///
/// # Safety
///
/// The pointer is null or valid as for the system call.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn sendfile(
    descriptor: c_int,
    file: c_int,
    offset: *mut off64_t,
    count: usize,
) -> ssize_t {
    if CALLS.call_once(|sockets| Ok(sockets.contains(descriptor))) != Ok(true) {
        // SAFETY: the arguments are those of the caller, which guarantees that the pointer is valid.
        let result = unsafe { libc::syscall(libc::SYS_sendfile, descriptor, file, offset, count) };
        return ssize_t::try_from(result).unwrap_or(-1);
    }
    if offset.is_null() {
        return length(Err(Errno::NOT_SUPPORTED));
    }
    let mut data = vec![0_u8; count];
    // SAFETY: the buffer is valid for its length, and the caller guarantees that the pointer is valid.
    let read = unsafe { libc::pread64(file, data.as_mut_ptr().cast(), data.len(), offset.read()) };
    let Ok(read) = usize::try_from(read) else { return -1 };
    data.truncate(read);
    let written = CALLS.write(descriptor, &data, 0);
    // SAFETY: the caller guarantees that the pointer is valid.
    unsafe { *offset += off64_t::try_from(written.unwrap_or(0)).unwrap_or(0) };
    length(written)
}

unsafe extern "C" fn free(_: *mut c_void) {
    CALLS.end();
}

unsafe extern "C" fn socket(_: *mut c_void, domain: c_int, kind: c_int, protocol: c_int) -> c_int {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    if domain != libc::AF_INET {
        return descriptor(Err(Errno(libc::EAFNOSUPPORT)));
    }
    if kind & !flags != libc::SOCK_STREAM || ![0, libc::IPPROTO_TCP].contains(&protocol) {
        return descriptor(Err(Errno(libc::EPROTONOSUPPORT)));
    }
    descriptor(CALLS.call_once(|sockets| {
        let new = new_descriptor()?;
        sockets.open(new, kind & libc::SOCK_NONBLOCK == 0);
        Ok(new)
    }))
}

unsafe extern "C" fn bind(
    _: *mut c_void,
    descriptor: c_int,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    // SAFETY: packetdrill passes an address of this length.
    let address = unsafe { read_address(address, length) };
    status(address.and_then(|address| CALLS.call_once(|sockets| sockets.bind(descriptor, address))))
}

unsafe extern "C" fn listen(_: *mut c_void, descriptor: c_int, backlog: c_int) -> c_int {
    status(CALLS.call_once(|sockets| sockets.listen(descriptor, backlog)))
}

unsafe extern "C" fn accept(
    _: *mut c_void,
    listener: c_int,
    address: *mut sockaddr,
    length: *mut socklen_t,
) -> c_int {
    let accepted = CALLS
        .call(|sockets| sockets.is_blocking(listener), |sockets| sockets.accept(listener, new_descriptor));
    descriptor(accepted.map(|(new, peer)| {
        // SAFETY: packetdrill passes a buffer of this length for the address.
        unsafe { write_address(peer, address, length) };
        new
    }))
}

unsafe extern "C" fn connect(
    _: *mut c_void,
    descriptor: c_int,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    // SAFETY: packetdrill passes an address of this length.
    let address = unsafe { read_address(address, length) };
    status(address.and_then(|peer| {
        CALLS.call(|sockets| sockets.is_blocking(descriptor), |sockets| sockets.connect(descriptor, peer))
    }))
}

unsafe extern "C" fn read(
    this: *mut c_void,
    descriptor: c_int,
    buffer: *mut c_void,
    length: usize,
) -> ssize_t {
    // SAFETY: `recv` has the same requirements.
    unsafe { recv(this, descriptor, buffer, length, 0) }
}

unsafe extern "C" fn recv(
    _: *mut c_void,
    descriptor: c_int,
    buffer: *mut c_void,
    length: usize,
    flags: c_int,
) -> ssize_t {
    let part = iovec { iov_base: buffer, iov_len: length };
    // SAFETY: packetdrill passes a buffer of this length, which is the only part.
    unsafe { receive(descriptor, &[part], flags) }
}

unsafe extern "C" fn recvfrom(
    this: *mut c_void,
    descriptor: c_int,
    buffer: *mut c_void,
    length: usize,
    flags: c_int,
    _address: *mut sockaddr,
    _address_length: *mut socklen_t,
) -> ssize_t {
    // SAFETY: `recv` has the same requirements. A connection returns no address.
    unsafe { recv(this, descriptor, buffer, length, flags) }
}

unsafe extern "C" fn readv(_: *mut c_void, descriptor: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: packetdrill passes this number of valid parts.
    unsafe { receive(descriptor, parts_of(parts, usize::try_from(count).unwrap_or(0)), 0) }
}

unsafe extern "C" fn recvmsg(
    _: *mut c_void,
    descriptor: c_int,
    message: *mut msghdr,
    flags: c_int,
) -> ssize_t {
    // SAFETY: packetdrill passes a valid message, and its parts are valid.
    unsafe {
        (*message).msg_flags = 0;
        let received = receive(descriptor, parts_of((*message).msg_iov, (*message).msg_iovlen), flags);
        let unread = CALLS.call_once(|sockets| sockets.reported_unread(descriptor)).unwrap_or(None);
        write_control(&mut *message, unread.map(|unread| (libc::IPPROTO_TCP, TCP_INQ, unread)));
        received
    }
}

unsafe extern "C" fn write(
    this: *mut c_void,
    descriptor: c_int,
    data: *const c_void,
    length: usize,
) -> ssize_t {
    // SAFETY: `send` has the same requirements.
    unsafe { send(this, descriptor, data, length, 0) }
}

unsafe extern "C" fn send(
    _: *mut c_void,
    descriptor: c_int,
    data: *const c_void,
    length: usize,
    flags: c_int,
) -> ssize_t {
    let part = iovec { iov_base: data.cast_mut(), iov_len: length };
    // SAFETY: packetdrill passes data of this length, which is the only part.
    unsafe { transmit(descriptor, &[part], flags) }
}

unsafe extern "C" fn sendto(
    this: *mut c_void,
    descriptor: c_int,
    data: *const c_void,
    length: usize,
    flags: c_int,
    _address: *const sockaddr,
    _address_length: socklen_t,
) -> ssize_t {
    // SAFETY: `send` has the same requirements. A connection ignores the address.
    unsafe { send(this, descriptor, data, length, flags) }
}

unsafe extern "C" fn writev(_: *mut c_void, descriptor: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: packetdrill passes this number of valid parts.
    unsafe { transmit(descriptor, parts_of(parts, usize::try_from(count).unwrap_or(0)), 0) }
}

unsafe extern "C" fn sendmsg(
    _: *mut c_void,
    descriptor: c_int,
    message: *const msghdr,
    flags: c_int,
) -> ssize_t {
    // SAFETY: packetdrill passes a valid message, and its parts are valid.
    unsafe { transmit(descriptor, parts_of((*message).msg_iov, (*message).msg_iovlen), flags) }
}

unsafe extern "C" fn fcntl(_: *mut c_void, descriptor: c_int, command: c_int, argument: c_long) -> c_int {
    let flags = |sockets: &Sockets| {
        let is_blocking = sockets.socket(descriptor)?.is_blocking;
        Ok(libc::O_RDWR | if is_blocking { 0 } else { libc::O_NONBLOCK })
    };
    value(CALLS.call_once(|sockets| match command {
        libc::F_GETFL => flags(sockets),
        libc::F_SETFL => {
            let is_blocking = argument & c_long::from(libc::O_NONBLOCK) == 0;
            sockets.set_blocking(descriptor, is_blocking).map(|()| 0)
        }
        _ => Err(Errno::INVALID),
    }))
}

unsafe extern "C" fn ioctl(_: *mut c_void, descriptor: c_int, request: c_ulong, result: *mut c_int) -> c_int {
    status(CALLS.call_once(|sockets| sockets.ioctl(descriptor, request)).map(|number| {
        // SAFETY: packetdrill passes a pointer to an integer for the supported requests.
        unsafe { copy_to(&number.to_ne_bytes(), result.cast()) };
    }))
}

unsafe extern "C" fn close(_: *mut c_void, descriptor: c_int) -> c_int {
    status(CALLS.call_once(|sockets| sockets.close(descriptor)).map(|()| {
        // SAFETY: the descriptor was created by `new_descriptor`, and the call has just removed its only user.
        drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    }))
}

unsafe extern "C" fn shutdown(_: *mut c_void, descriptor: c_int, how: c_int) -> c_int {
    status(CALLS.call_once(|sockets| sockets.shutdown(descriptor, how)))
}

unsafe extern "C" fn get_socket_option(
    _: *mut c_void,
    descriptor: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    length: *mut socklen_t,
) -> c_int {
    status(CALLS.call_once(|sockets| sockets.option(descriptor, level, name)).map(|option| {
        // SAFETY: the caller passes a buffer of `length` bytes.
        unsafe { write_option(&option, value, length) };
    }))
}

unsafe extern "C" fn setsockopt(
    _: *mut c_void,
    descriptor: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    length: socklen_t,
) -> c_int {
    let length = usize::try_from(length).unwrap_or(0);
    // SAFETY: packetdrill passes a value of this length.
    let value = unsafe { copy_from(value, length) };
    let number = value.first_chunk().copied().map(c_int::from_ne_bytes);
    // Linux also accepts one byte for options of IP.
    let number =
        number.or_else(|| value.first().copied().map(c_int::from).filter(|_| level == libc::IPPROTO_IP));
    let number = number.ok_or(Errno::INVALID);
    status(
        number.and_then(|number| {
            CALLS.call_once(|sockets| sockets.set_option(descriptor, level, name, number))
        }),
    )
}

unsafe extern "C" fn netdev_send(_: *mut c_void, packet: *const c_void, length: usize) -> c_int {
    // SAFETY: packetdrill passes a packet of this length.
    let packet = unsafe { copy_from(packet, length) };
    status(CALLS.inject(&packet))
}

/// A count of zero means that no packet will leave the host. packetdrill then fails the script.
unsafe extern "C" fn netdev_receive(
    _: *mut c_void,
    buffer: *mut c_void,
    count: *mut usize,
    time: *mut c_longlong,
) -> c_int {
    let packet = CALLS.next_packet();
    let (at, bytes) = packet.map_or((Instant::ORIGIN, Vec::new()), |packet| (packet.at, packet.bytes));
    // SAFETY: packetdrill passes the length of the buffer in `count`, and a pointer for the time.
    unsafe {
        let length = bytes.len().min(*count);
        copy_to(bytes.get(..length).unwrap_or_default(), buffer);
        *count = length;
        *time = c_longlong::try_from(microseconds(at)).unwrap_or(c_longlong::MAX);
    }
    0
}

unsafe extern "C" fn usleep(_: *mut c_void, time: c_uint) -> c_int {
    CALLS.sleep(Duration::from_micros(time.into()));
    0
}

unsafe extern "C" fn gettimeofday(_: *mut c_void, time: *mut timeval, _: *mut timezone) -> c_int {
    let now = microseconds(CALLS.time());
    let second = 1_000_000;
    let value = timeval {
        tv_sec: i64::try_from(now / second).unwrap_or(i64::MAX),
        tv_usec: i64::try_from(now % second).unwrap_or(0),
    };
    // SAFETY: packetdrill passes a pointer to a time.
    unsafe { time.write(value) };
    0
}

unsafe extern "C" fn poll(_: *mut c_void, _: *mut pollfd, _: nfds_t, _: c_int) -> c_int {
    status(Err(NOT_IMPLEMENTED))
}

unsafe extern "C" fn epoll_create(_: *mut c_void, _: c_int) -> c_int {
    descriptor(CALLS.call_once(|sockets| {
        let new = new_descriptor()?;
        sockets.open_epoll(new);
        Ok(new)
    }))
}

unsafe extern "C" fn epoll_ctl(
    _: *mut c_void,
    epoll: c_int,
    operation: c_int,
    descriptor: c_int,
    event: *mut epoll_event,
) -> c_int {
    let no_event = epoll_event { events: 0, u64: 0 };
    // SAFETY: packetdrill passes an event, which may be null if the operation needs none.
    let event = if event.is_null() { no_event } else { unsafe { event.read_unaligned() } };
    let (events, data) = (event.events, event.u64);
    status(CALLS.call_once(|sockets| sockets.control_epoll(epoll, operation, descriptor, events, data)))
}

/// A call either returns at once, or waits without a limit.
unsafe extern "C" fn epoll_wait(
    _: *mut c_void,
    epoll: c_int,
    events: *mut epoll_event,
    maximum: c_int,
    timeout: c_int,
) -> c_int {
    let (Ok(maximum), 0 | -1) = (usize::try_from(maximum), timeout) else {
        return status(Err(Errno::NOT_SUPPORTED));
    };
    let attempt = |sockets: &mut Sockets| match sockets.wait_epoll(epoll, maximum)? {
        none if none.is_empty() && timeout != 0 => Err(Errno::WOULD_BLOCK),
        some => Ok(some),
    };
    value(CALLS.call(|_| timeout != 0, attempt).map(|found| {
        let mut count = 0;
        for (event, data) in found {
            // SAFETY: packetdrill passes an array for `maximum` events, and no more events were found.
            unsafe { events.add(count).write_unaligned(epoll_event { events: event, u64: data }) };
            count += 1;
        }
        c_int::try_from(count).unwrap_or(c_int::MAX)
    }))
}

unsafe extern "C" fn pipe(_: *mut c_void, _: *mut c_int) -> c_int {
    status(Err(NOT_IMPLEMENTED))
}

unsafe extern "C" fn splice(
    _: *mut c_void,
    _: c_int,
    _: *mut off64_t,
    _: c_int,
    _: *mut off64_t,
    _: usize,
    _: c_uint,
) -> ssize_t {
    length(Err(NOT_IMPLEMENTED))
}

/// Error of calls that the library does not support.
const NOT_IMPLEMENTED: Errno = Errno(libc::ENOSYS);

/// Creates a descriptor. packetdrill closes the descriptors that a script leaves open with `close` of libc, so they must
/// be descriptors of the kernel.
fn new_descriptor() -> CallResult<RawFd> {
    let file =
        File::open("/dev/null").map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EMFILE)))?;
    Ok(file.into_raw_fd())
}

/// Returns whether a part of a buffer has a length, but no address.
fn is_invalid(part: &iovec) -> bool {
    part.iov_base.is_null() && part.iov_len > 0
}

/// Receives data into the parts of a buffer.
///
/// # Safety
///
/// Each part is valid for writing its length.
unsafe fn receive(descriptor: c_int, parts: &[iovec], flags: c_int) -> ssize_t {
    if parts.iter().any(is_invalid) {
        return length(Err(Errno::BAD_ADDRESS));
    }
    let capacity = parts.iter().map(|part| part.iov_len).sum();
    let mut buffer = vec![0; capacity];
    let received = CALLS.read(descriptor, &mut buffer, flags);
    if let Ok(received) = received {
        let mut rest = buffer.get(..received).unwrap_or_default();
        for part in parts {
            let (bytes, after) = rest.split_at(part.iov_len.min(rest.len()));
            // SAFETY: the caller guarantees that the part is valid for its length, and `bytes` is not longer.
            unsafe { copy_to(bytes, part.iov_base) };
            rest = after;
        }
    }
    length(received)
}

/// Sends the data in the parts of a buffer.
///
/// # Safety
///
/// Each part is valid for reading its length.
unsafe fn transmit(descriptor: c_int, parts: &[iovec], flags: c_int) -> ssize_t {
    if parts.iter().any(is_invalid) {
        return length(Err(Errno::BAD_ADDRESS));
    }
    let mut data = Vec::new();
    for part in parts {
        // SAFETY: the caller guarantees that the part is valid for its length.
        data.extend(unsafe { copy_from(part.iov_base, part.iov_len) });
    }
    length(CALLS.write(descriptor, &data, flags))
}

/// Returns a time in microseconds.
fn microseconds(time: Instant) -> u64 {
    time.as_nanos() / 1_000
}

/// Returns the result of a call that returns a descriptor.
fn descriptor(result: CallResult<RawFd>) -> c_int {
    value(result)
}

/// Returns the result of a call that returns 0 on success.
fn status(result: CallResult<()>) -> c_int {
    value(result.map(|()| 0))
}

/// Returns the result of a call that returns a length.
fn length(result: CallResult<usize>) -> ssize_t {
    result.map_or_else(
        |errno| {
            set_errno(errno);
            -1
        },
        |length| ssize_t::try_from(length).unwrap_or(ssize_t::MAX),
    )
}

/// Returns the result of a call that returns an integer.
fn value(result: CallResult<c_int>) -> c_int {
    result.unwrap_or_else(|errno| {
        set_errno(errno);
        -1
    })
}

fn set_errno(errno: Errno) {
    // SAFETY: libc returns a pointer to the error number of this thread, which is always valid.
    unsafe { *libc::__errno_location() = errno.0 };
}

#[cfg(test)]
mod tests;
