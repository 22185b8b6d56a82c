//! The struct that packetdrill calls.

use std::ffi::{c_int, c_long, c_longlong, c_uint, c_ulong, c_void};

use libc::{
    epoll_event, iovec, msghdr, nfds_t, off64_t, pollfd, sockaddr, socklen_t, ssize_t, timeval, timezone,
};

/// The struct `packetdrill_interface`, which the library fills with its functions. Each function has the value of the
/// first field as its first argument.
///
/// `fcntl` and `ioctl` have a variable number of arguments in C. On the supported architectures of Linux, such arguments
/// are passed as other arguments are.
#[repr(C)]
pub(crate) struct Interface {
    pub(super) userdata: *mut c_void,
    pub(super) free: unsafe extern "C" fn(*mut c_void),
    pub(super) socket: unsafe extern "C" fn(*mut c_void, c_int, c_int, c_int) -> c_int,
    pub(super) bind: unsafe extern "C" fn(*mut c_void, c_int, *const sockaddr, socklen_t) -> c_int,
    pub(super) listen: unsafe extern "C" fn(*mut c_void, c_int, c_int) -> c_int,
    pub(super) accept: unsafe extern "C" fn(*mut c_void, c_int, *mut sockaddr, *mut socklen_t) -> c_int,
    pub(super) connect: unsafe extern "C" fn(*mut c_void, c_int, *const sockaddr, socklen_t) -> c_int,
    pub(super) read: unsafe extern "C" fn(*mut c_void, c_int, *mut c_void, usize) -> ssize_t,
    pub(super) readv: unsafe extern "C" fn(*mut c_void, c_int, *const iovec, c_int) -> ssize_t,
    pub(super) recv: unsafe extern "C" fn(*mut c_void, c_int, *mut c_void, usize, c_int) -> ssize_t,
    pub(super) recvfrom: unsafe extern "C" fn(
        *mut c_void,
        c_int,
        *mut c_void,
        usize,
        c_int,
        *mut sockaddr,
        *mut socklen_t,
    ) -> ssize_t,
    pub(super) recvmsg: unsafe extern "C" fn(*mut c_void, c_int, *mut msghdr, c_int) -> ssize_t,
    pub(super) write: unsafe extern "C" fn(*mut c_void, c_int, *const c_void, usize) -> ssize_t,
    pub(super) writev: unsafe extern "C" fn(*mut c_void, c_int, *const iovec, c_int) -> ssize_t,
    pub(super) send: unsafe extern "C" fn(*mut c_void, c_int, *const c_void, usize, c_int) -> ssize_t,
    pub(super) sendto: unsafe extern "C" fn(
        *mut c_void,
        c_int,
        *const c_void,
        usize,
        c_int,
        *const sockaddr,
        socklen_t,
    ) -> ssize_t,
    pub(super) sendmsg: unsafe extern "C" fn(*mut c_void, c_int, *const msghdr, c_int) -> ssize_t,
    pub(super) fcntl: unsafe extern "C" fn(*mut c_void, c_int, c_int, c_long) -> c_int,
    pub(super) ioctl: unsafe extern "C" fn(*mut c_void, c_int, c_ulong, *mut c_int) -> c_int,
    pub(super) close: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
    pub(super) shutdown: unsafe extern "C" fn(*mut c_void, c_int, c_int) -> c_int,
    pub(super) getsockopt:
        unsafe extern "C" fn(*mut c_void, c_int, c_int, c_int, *mut c_void, *mut socklen_t) -> c_int,
    pub(super) setsockopt:
        unsafe extern "C" fn(*mut c_void, c_int, c_int, c_int, *const c_void, socklen_t) -> c_int,
    pub(super) poll: unsafe extern "C" fn(*mut c_void, *mut pollfd, nfds_t, c_int) -> c_int,
    pub(super) netdev_send: unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> c_int,
    pub(super) netdev_receive:
        unsafe extern "C" fn(*mut c_void, *mut c_void, *mut usize, *mut c_longlong) -> c_int,
    pub(super) usleep: unsafe extern "C" fn(*mut c_void, c_uint) -> c_int,
    pub(super) gettimeofday: unsafe extern "C" fn(*mut c_void, *mut timeval, *mut timezone) -> c_int,
    pub(super) epoll_create: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
    pub(super) epoll_ctl: unsafe extern "C" fn(*mut c_void, c_int, c_int, c_int, *mut epoll_event) -> c_int,
    pub(super) epoll_wait: unsafe extern "C" fn(*mut c_void, c_int, *mut epoll_event, c_int, c_int) -> c_int,
    pub(super) pipe: unsafe extern "C" fn(*mut c_void, *mut c_int) -> c_int,
    pub(super) splice:
        unsafe extern "C" fn(*mut c_void, c_int, *mut off64_t, c_int, *mut off64_t, usize, c_uint) -> ssize_t,
}
