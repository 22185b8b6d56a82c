//! Error numbers of system calls.

use std::ffi::c_int;

use host::SocketError;

/// Error number of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) c_int);

/// Result of a call.
pub(crate) type CallResult<T> = Result<T, Errno>;

impl Errno {
    pub(crate) const WOULD_BLOCK: Errno = Errno(libc::EAGAIN);
    pub(crate) const BAD_ADDRESS: Errno = Errno(libc::EFAULT);
    pub(crate) const BAD_DESCRIPTOR: Errno = Errno(libc::EBADF);
    pub(crate) const INVALID: Errno = Errno(libc::EINVAL);
    pub(crate) const NOT_SUPPORTED: Errno = Errno(libc::EOPNOTSUPP);
    pub(crate) const NOT_CONNECTED: Errno = Errno(libc::ENOTCONN);
    pub(crate) const BROKEN_PIPE: Errno = Errno(libc::EPIPE);
    pub(crate) const NO_FRAME: Errno = Errno(libc::ENOBUFS);
    pub(crate) const UNKNOWN_OPTION: Errno = Errno(libc::ENOPROTOOPT);
}

impl From<SocketError> for Errno {
    fn from(error: SocketError) -> Errno {
        Errno(match error {
            SocketError::AddressInUse => libc::EADDRINUSE,
            SocketError::AddressNotLocal(_) | SocketError::NoSourceAddress => libc::EADDRNOTAVAIL,
            SocketError::NoRoute(_) => libc::ENETUNREACH,
            SocketError::NoFrame | SocketError::SendBufferFull => libc::ENOBUFS,
            _ => libc::EINVAL,
        })
    }
}
