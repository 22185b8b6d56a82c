//! The TAP driver.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::Duration;

use libc::c_uint;
use nix::errno::Errno;

use super::io::{FrameIo, Io};
use super::node::TunNode;
use super::taps::{self, TapInterface, holders};
use super::{Interface, InterfaceName, OpenError, ioctl, virtio_header};
use crate::{
    Batch, Capabilities, Device, DeviceCounters, DeviceError, Offloads, Pool, Received, Transmitted,
};

/// TAP: a virtual network interface. This program is at the other end of its wire.
///
/// This program receives the frames that the kernel sends on the interface. The kernel receives the frames that this
/// program transmits. The TAP has one queue, no packet information, offloads only with [`Io::Offload`], and does not
/// block. The kernel neither pads frames nor appends a frame check sequence.
///
/// Dropping this value deletes the interface, unless the interface is persistent.
#[derive(Debug)]
pub struct Tap {
    // Declared before the node, so that this field is dropped first, because a ring holds the file too.
    frame_io: FrameIo,
    node: TunNode,
    interface: Interface,
    created: bool,
    mtu: usize,
    offloads: Offloads,
    counters: DeviceCounters,
}

/// Options for opening a TAP. By default, opening creates a TAP that does not exist, and attaches to an existing TAP.
#[derive(Clone, Debug, Default)]
pub struct TapOptions {
    attach_only: bool,
    persist: bool,
    owner: Option<u32>,
    group: Option<u32>,
    mtu: Option<usize>,
    io: Io,
}

impl Tap {
    /// Creates the TAP with this name, or attaches to an existing TAP. The kernel replaces `%d` in a name, such as
    /// `tap%d`, with a number.
    pub fn open(name: &str) -> Result<Tap, OpenError> {
        TapOptions::default().open(name)
    }

    /// Returns the default options.
    pub fn options() -> TapOptions {
        TapOptions::default()
    }

    /// Returns the network interface: name, MTU, MAC address, state, IP addresses, routes.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Returns whether opening created the interface. Otherwise, the interface already existed.
    pub fn is_created(&self) -> bool {
        self.created
    }

    /// Returns the error with which the kernel refused `io_uring`, if [`Io::Auto`] therefore uses only `read` and
    /// `write`.
    pub fn ring_error(&self) -> Option<&io::Error> {
        self.frame_io.ring_error()
    }
}

impl TapOptions {
    /// Only attaches to an existing TAP. Opening fails with [`OpenError::Absent`] if the TAP does not exist.
    #[must_use]
    pub fn attach_only(mut self) -> Self {
        self.attach_only = true;
        self
    }

    /// Makes the interface persistent: it outlives this program.
    #[must_use]
    pub fn persist(mut self) -> Self {
        self.persist = true;
        self
    }

    /// Allows the user with this ID to attach without capabilities.
    #[must_use]
    pub fn owner(mut self, uid: u32) -> Self {
        self.owner = Some(uid);
        self
    }

    /// Allows the members of the group with this ID to attach without capabilities.
    #[must_use]
    pub fn group(mut self, gid: u32) -> Self {
        self.group = Some(gid);
        self
    }

    /// Sets the MTU: the maximum payload of received frames, in bytes. The default is the MTU of the interface.
    ///
    /// If opening creates the TAP, the interface gets this MTU too. The MTU of an existing interface does not change.
    #[must_use]
    pub fn mtu(mut self, bytes: usize) -> Self {
        self.mtu = Some(bytes);
        self
    }

    /// Sets the I/O method. The default is [`Io::ReadWrite`].
    #[must_use]
    pub fn io(mut self, io: Io) -> Self {
        self.io = io;
        self
    }

    /// Opens the TAP.
    pub fn open(&self, name: &str) -> Result<Tap, OpenError> {
        let name: InterfaceName = name.parse()?;
        let failed = |step| move |source| OpenError::Failed { step, source };
        let exists = !name.is_pattern() && Interface::named(&name).map_err(failed("open a socket"))?.exists();
        if self.attach_only && !exists {
            return Err(OpenError::Absent(name));
        }
        let mut node = TunNode::open()?;
        let tun = node.as_fd();
        let has_offloads = self.io == Io::Offload;
        let name: InterfaceName =
            attach(tun, &name, has_offloads).map_err(|errno| attach_error(&name, errno, exists))?.parse()?;

        let frame_io = FrameIo::new(self.io, tun).map_err(OpenError::Ring)?;
        let offloads = if has_offloads {
            enable_offloads(tun).map_err(|errno| OpenError::Offloads(errno.into()))?
        } else {
            disable_offloads(tun).map_err(Into::into).map_err(failed("set up the TAP"))?
        };
        let set_up = || -> nix::Result<bool> {
            // Only a persistent interface can have existed before: an interface held by another process fails with
            // EBUSY.
            let created = ioctl::attached_flags(tun, &name)? & ioctl::PERSISTENT == 0;
            self.owner.map_or(Ok(()), |uid| ioctl::set_owner(tun, uid))?;
            self.group.map_or(Ok(()), |gid| ioctl::set_group(tun, gid))?;
            if self.persist {
                ioctl::set_persist(tun, true)?;
            }
            Ok(created)
        };
        let created = set_up().map_err(Into::into).map_err(failed("set up the TAP"))?;
        let interface = Interface::named(&name).map_err(failed("open a socket"))?;
        if let (Some(mtu), true) = (self.mtu, created) {
            interface.set_mtu(mtu)?;
        }
        let mtu = self.mtu.map_or_else(|| interface.mtu(), Ok)?;
        (node.has_header, node.joins) = (has_offloads, offloads.udp);
        Ok(Tap { frame_io, node, interface, created, mtu, offloads, counters: DeviceCounters::default() })
    }
}

/// Binds an open node to a TAP.
///
/// A busy TAP may be free soon. The kernel destroys the ring of a killed program, and closes its file, some time after
/// the program ended. On a loaded machine, this took more than a second. Attempts therefore continue for three seconds.
///
/// After 300 milliseconds, a visible holder ends the attempts. The holder is not searched earlier: a killed program is
/// still visible for some time, and the search takes a lock of the kernel that the release of the TAP needs too.
fn attach(tun: BorrowedFd<'_>, name: &InterfaceName, has_header: bool) -> nix::Result<String> {
    const MAX_ATTEMPTS: u32 = 600;
    const ATTEMPTS_BEFORE_LOOK: u32 = 60;
    let flags = if has_header { ioctl::TAP_WITH_HEADER } else { ioctl::PLAIN_TAP };
    let attach = || ioctl::attach(tun, name, flags);
    let mut attached = attach();
    for attempt in 0..MAX_ATTEMPTS {
        let is_busy = attached == Err(Errno::EBUSY);
        if !is_busy || (attempt == ATTEMPTS_BEFORE_LOOK && !holders(name).is_empty()) {
            break;
        }
        thread::sleep(Duration::from_millis(5));
        attached = attach();
    }
    attached
}

/// Enables the virtio header and the offloads of an attached TAP. Returns the work that the kernel then does on frames
/// that the program writes.
fn enable_offloads(tun: BorrowedFd<'_>) -> nix::Result<Offloads> {
    /// Offloads of the frames that the program reads: incomplete checksums, and TCP over IPv4 with and without ECN.
    const RECEIVED: c_uint = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO_ECN;
    /// Since Linux 6.2, the kernel also segments UDP. Both versions of IP can only be enabled together.
    const UDP: c_uint = libc::TUN_F_CSUM | libc::TUN_F_USO4 | libc::TUN_F_USO6;
    ioctl::set_header(tun, virtio_header::LENGTH)?;
    // A kernel that can pass such frames to the program also accepts them from the program.
    let udp = ioctl::set_offloads(tun, UDP).is_ok();
    ioctl::set_offloads(tun, RECEIVED)?;
    Ok(Offloads { checksum: true, tcp_v4: true, udp })
}

/// Disables the offloads of an attached TAP.
fn disable_offloads(tun: BorrowedFd<'_>) -> nix::Result<Offloads> {
    ioctl::set_offloads(tun, 0)?;
    Ok(Offloads::default())
}

/// Returns the error of a refused TUNSETIFF. The errno is ambiguous, so this function queries the existing interface.
fn attach_error(name: &InterfaceName, errno: Errno, exists: bool) -> OpenError {
    let tap = taps::find(name).ok().flatten();
    match classify_attach_error(name, errno, tap, exists) {
        OpenError::Busy { name, .. } => OpenError::Busy { holders: holders(&name), name },
        other => other,
    }
}

/// Returns the error for an errno. `tap` is the TUN or TAP with this name, if any, and `exists` reports whether any
/// interface has this name.
fn classify_attach_error(
    name: &InterfaceName,
    errno: Errno,
    tap: Option<TapInterface>,
    exists: bool,
) -> OpenError {
    let name = name.clone();
    match (errno, tap) {
        (Errno::EBUSY, _) => OpenError::Busy { name, holders: Vec::new() },
        (Errno::EPERM, Some(TapInterface { owner, group, .. })) => {
            OpenError::OwnedByAnother { name, owner, group }
        }
        (Errno::EPERM, None) => OpenError::NotPermitted(name),
        (Errno::EINVAL, Some(tap)) if !tap.is_tap => OpenError::TunNotTap(name),
        (Errno::EINVAL, Some(tap)) if tap.multi_queue => OpenError::QueueMismatch(name),
        (Errno::EINVAL, None) if exists => OpenError::NotATap(name),
        // The opened file is not the node of the tun driver.
        (Errno::ENOTTY | Errno::EBADFD, None) => OpenError::NoNode(errno.into()),
        (errno, _) => OpenError::Failed { step: "attach to the TAP", source: errno.into() },
    }
}

/// Deletes the persistent TAP with this name. Fails if another process holds the TAP.
pub(super) fn delete_persistent(name: &InterfaceName) -> Result<(), OpenError> {
    let tap = TapOptions::default().attach_only().open(name.as_str())?;
    ioctl::set_persist(tap.node.as_fd(), false)
        .map_err(|errno| OpenError::Failed { step: "delete the TAP", source: errno.into() })
}

impl Device for Tap {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: self.mtu, offloads: self.offloads, ..Capabilities::default() }
    }

    fn receive(&mut self, pool: &mut Pool, into: &mut Batch) -> Result<Received, DeviceError> {
        self.frame_io.receive(&mut self.node, &mut self.counters, pool, into)
    }

    fn transmit(&mut self, from: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        self.frame_io.transmit(&mut self.node, &mut self.counters, from, pool)
    }

    fn counters(&self) -> DeviceCounters {
        self.counters
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.node.as_fd()
    }
}

#[cfg(test)]
mod tests;
