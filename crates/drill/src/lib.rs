//! Adapter that runs packetdrill scripts against the TCP of tapstack.
//!
//! packetdrill loads this library with `--so_filename`, and calls it in place of the operating system: for socket calls,
//! to send and receive IP packets, to wait, and to read the clock. The library runs a [`host::Host`] in virtual time, so
//! a script takes no longer than its calls. `cargo xtask drill` starts packetdrill with this library.
//!
//! The host has the address 192.168.0.1/16. Every other network is behind a gateway with a static ARP entry, so the
//! packets of a script need no ARP.
//!
//! The settings of TCP are the sysctls in `/proc/sys/net/ipv4`, which scripts change: see `kernel_settings`. A script
//! also calls `getsockopt` of libc for `TCP_INFO`, and `sendfile` of libc. With `LD_PRELOAD` of this library, such a call
//! reaches the library too.
//!
//! The option `--so_flags=ignore_push` removes the flag PSH from sent segments. Scripts for Linux expect PSH at the end of
//! each buffer of the kernel, and RFC 9293 3.9.1.2 requires PSH only in the last segment of the queued data.
//!
//! Not supported: `poll`, a limited time of `epoll_wait`, `pipe`, `splice`, IPv6, UDP, and the flags `MSG_PEEK`,
//! `MSG_OOB`, `MSG_FASTOPEN` and `MSG_ERRQUEUE`. Such calls fail with an error. The data of `MSG_ZEROCOPY` is copied, and
//! the script receives no notification.

mod blocking;
mod epoll;
mod errno;
mod interface;
mod kernel_settings;
mod network;
mod options;
mod sockets;
mod tcp_info;
