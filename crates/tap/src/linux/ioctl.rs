//! The ioctls of `/dev/net/tun`, each as one safe function.

#![allow(unsafe_code)]

use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{c_char, c_int, c_short, ifreq};
use nix::Result;

use super::InterfaceName;

/// The raw calls, as nix writes them.
mod raw {
    use libc::{c_int, ifreq};

    nix::ioctl_readwrite_bad!(set_iff, libc::TUNSETIFF, ifreq);
    nix::ioctl_readwrite_bad!(get_iff, libc::TUNGETIFF, ifreq);
    nix::ioctl_read_bad!(get_features, libc::TUNGETFEATURES, c_int);
    nix::ioctl_write_int_bad!(set_persist, libc::TUNSETPERSIST);
    nix::ioctl_write_int_bad!(set_owner, libc::TUNSETOWNER);
    nix::ioctl_write_int_bad!(set_group, libc::TUNSETGROUP);
    nix::ioctl_write_int_bad!(set_offload, libc::TUNSETOFFLOAD);

    pub(super) type Call = unsafe fn(c_int, *mut ifreq) -> nix::Result<c_int>;
}

/// An `ifreq` with the name filled in and every other byte zero.
fn request(name: &InterfaceName) -> ifreq {
    // SAFETY: ifreq is a name and a union of integers, addresses and one pointer, for all of which
    // zero is a value.
    let mut request: ifreq = unsafe { mem::zeroed() };
    // One byte of the sixteen stays zero: an InterfaceName has at most fifteen.
    for (to, from) in request.ifr_name.iter_mut().zip(name.as_str().bytes()) {
        *to = c_char::from_ne_bytes([from]);
    }
    request
}

/// Runs one ioctl that reads and writes an `ifreq`; the kernel's answer is in `request` afterwards.
fn call(fd: BorrowedFd<'_>, ioctl: raw::Call, request: &mut ifreq) -> Result<()> {
    // SAFETY: `request` is a whole ifreq, valid and exclusive for the call, the kernel reads and
    // writes no more than one ifreq there, and the descriptor is open.
    unsafe { ioctl(fd.as_raw_fd(), request) }.map(drop)
}

fn name_in(request: &ifreq) -> String {
    let bytes: Vec<u8> = request
        .ifr_name
        .iter()
        .map(|c| u8::from_ne_bytes(c.to_ne_bytes()))
        .take_while(|byte| *byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What the driver behind an open `/dev/net/tun` can do: flags as TUNSETIFF takes them.
pub(super) fn features(tun: BorrowedFd<'_>) -> Result<c_int> {
    let mut features = 0;
    // SAFETY: the kernel writes one integer there, valid and exclusive for the call, and the descriptor is
    // open.
    unsafe { raw::get_features(tun.as_raw_fd(), &raw mut features) }.map(|_| features)
}

/// Binds an open `/dev/net/tun` to an interface. The kernel may choose the name: it is returned.
pub(super) fn attach(tun: BorrowedFd<'_>, name: &InterfaceName, flags: c_int) -> Result<String> {
    let mut request = request(name);
    request.ifr_ifru.ifru_flags = low_bits(flags);
    call(tun, raw::set_iff, &mut request)?;
    Ok(name_in(&request))
}

/// The flags of the interface that an open `/dev/net/tun` is bound to.
pub(super) fn attached_flags(tun: BorrowedFd<'_>, name: &InterfaceName) -> Result<c_int> {
    let mut request = request(name);
    call(tun, raw::get_iff, &mut request)?;
    // SAFETY: every byte of the union is initialised, and a c_short may hold any bits.
    Ok(c_int::from(unsafe { request.ifr_ifru.ifru_flags }))
}

/// The flags all lie in the low sixteen bits; the kernel reads them as a `c_short`.
fn low_bits(flags: c_int) -> c_short {
    let [low, high, ..] = flags.to_le_bytes();
    c_short::from_le_bytes([low, high])
}

/// Whether the interface outlives the program.
pub(super) fn set_persist(tun: BorrowedFd<'_>, persist: bool) -> Result<()> {
    // SAFETY: the ioctl takes an integer, no pointer, and the descriptor is open.
    unsafe { raw::set_persist(tun.as_raw_fd(), c_int::from(persist)) }.map(drop)
}

/// Lets the user with this id attach without capabilities.
pub(super) fn set_owner(tun: BorrowedFd<'_>, uid: u32) -> Result<()> {
    // SAFETY: the ioctl takes an integer, no pointer, and the descriptor is open.
    unsafe { raw::set_owner(tun.as_raw_fd(), uid.cast_signed()) }.map(drop)
}

/// Lets the members of the group with this id attach without capabilities.
pub(super) fn set_group(tun: BorrowedFd<'_>, gid: u32) -> Result<()> {
    // SAFETY: the ioctl takes an integer, no pointer, and the descriptor is open.
    unsafe { raw::set_group(tun.as_raw_fd(), gid.cast_signed()) }.map(drop)
}

/// Switches all checksum and segmentation offloads off: a persistent TAP keeps them over a reopen.
pub(super) fn reset_offloads(tun: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: the ioctl takes an integer, no pointer, and the descriptor is open.
    unsafe { raw::set_offload(tun.as_raw_fd(), 0) }.map(drop)
}

/// What the flags of an attached interface say.
pub(super) const PERSISTENT: c_int = libc::IFF_PERSIST;
/// A TAP with one queue and bare frames.
pub(super) const PLAIN_TAP: c_int = libc::IFF_TAP | libc::IFF_NO_PI;
