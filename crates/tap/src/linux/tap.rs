//! The TAP driver.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;

use super::carriage::Carriage;
use super::holders::holders;
use super::open_error::NODE;
use super::{Interface, InterfaceName, OpenError, ioctl};
use crate::plain::{Fate, Port};
use crate::{Batch, Checksum, Counters, Device, DeviceError, Frame, Pool};

/// A TAP: a network card of the kernel whose wire is this program.
///
/// One queue, no packet information, no offloads, non-blocking. What the kernel sends to the
/// interface is received here; what is transmitted here, the kernel receives. Frames are as long
/// as they are: the kernel pads none and appends no frame check sequence.
///
/// A TAP that was not made persistent is deleted with this value.
#[derive(Debug)]
pub struct Tap {
    // Before the node: a ring holds the file too, and lets go of it first.
    carriage: Carriage,
    node: Node,
    interface: Interface,
    created: bool,
    mtu: usize,
    counters: Counters,
}

/// How frames are carried between the kernel and us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// One at a time while few come, many at a time under load; one at a time always where the kernel
    /// refuses the other way.
    Auto,
    /// Many a system call, by `io_uring`. It takes Linux 5.12 or later, which reads a TAP without waiting; from 5.18 on
    /// it also spares calls after a frame that is refused.
    Ring,
    /// One a system call, by `read` and `write`.
    #[default]
    ReadWrite,
}

/// How to open a TAP. The default creates the one named, or attaches to it if it exists.
#[derive(Clone, Debug, Default)]
pub struct TapOptions {
    attach_only: bool,
    persist: bool,
    owner: Option<u32>,
    group: Option<u32>,
    mtu: Option<usize>,
    io: Io,
}

/// The open `/dev/net/tun`.
#[derive(Debug)]
pub(super) struct Node(File);

impl Tap {
    /// Creates the TAP of this name or attaches to it. `%d` in the name lets the kernel choose a
    /// number: `tap%d`.
    pub fn open(name: &str) -> Result<Tap, OpenError> {
        TapOptions::default().open(name)
    }

    /// Options to open a TAP with.
    pub fn options() -> TapOptions {
        TapOptions::default()
    }

    /// The kernel's side of it: name, MTU, hardware address, up or down, address, routes.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Whether the interface came into being with this value; if not, somebody else set it up.
    pub fn is_created(&self) -> bool {
        self.created
    }

    /// Why the kernel refused to carry many frames a call, where [`Io::Auto`] had to do without.
    pub fn ring_refused(&self) -> Option<&io::Error> {
        self.carriage.refused()
    }
}

impl TapOptions {
    /// Fails with [`OpenError::Absent`] where it would create.
    #[must_use]
    pub fn attach_only(mut self) -> Self {
        self.attach_only = true;
        self
    }

    /// Lets the interface outlive this program.
    #[must_use]
    pub fn persist(mut self) -> Self {
        self.persist = true;
        self
    }

    /// Lets the user with this id attach without capabilities.
    #[must_use]
    pub fn owner(mut self, uid: u32) -> Self {
        self.owner = Some(uid);
        self
    }

    /// Lets the members of the group with this id attach without capabilities.
    #[must_use]
    pub fn group(mut self, gid: u32) -> Self {
        self.group = Some(gid);
        self
    }

    /// The longest payload to receive, in octets. On a TAP that this call creates it also sets the
    /// interface's MTU; on one that exists it is a limit of our own. Default: the interface's.
    #[must_use]
    pub fn mtu(mut self, octets: usize) -> Self {
        self.mtu = Some(octets);
        self
    }

    /// How frames are carried. Default: [`Io::ReadWrite`].
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
        let node = Node::open()?;
        let tun = node.0.as_fd();
        let name: InterfaceName =
            attach(tun, &name).map_err(|errno| OpenError::of_attach(&name, errno, exists))?.parse()?;

        let carriage = Carriage::new(self.io, tun).map_err(OpenError::Ring)?;
        let set_up = || -> nix::Result<bool> {
            // Only a persistent interface can have been there before: another holder would be EBUSY.
            let created = ioctl::attached_flags(tun, &name)? & ioctl::PERSISTENT == 0;
            ioctl::reset_offloads(tun)?;
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
        Ok(Tap { node, interface, created, mtu, carriage, counters: Counters::default() })
    }
}

/// Binds an open node to a TAP. One that is busy though nobody holds it may be free in a moment: the kernel
/// takes a killed program's ring apart, and closes the ring's file, some time after the program is gone.
fn attach(tun: BorrowedFd<'_>, name: &InterfaceName) -> nix::Result<String> {
    const TRIES: u32 = 200;
    let attach = || ioctl::attach(tun, name, ioctl::PLAIN_TAP);
    let mut attached = attach();
    if attached == Err(Errno::EBUSY) && holders(name).is_empty() {
        for _ in 0..TRIES {
            thread::sleep(Duration::from_millis(5));
            attached = attach();
            if attached != Err(Errno::EBUSY) {
                break;
            }
        }
    }
    attached
}

/// Deletes the persistent TAP of this name once nobody holds it: we are the last to.
pub(super) fn unpersist(name: &InterfaceName) -> Result<(), OpenError> {
    let tap = TapOptions::default().attach_only().open(name.as_str())?;
    ioctl::set_persist(tap.node.0.as_fd(), false)
        .map_err(|errno| OpenError::Failed { step: "delete the TAP", source: errno.into() })
}

impl Device for Tap {
    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<usize, DeviceError> {
        self.carriage.receive(&mut self.node, &mut self.counters, pool, arrived)
    }

    fn transmit(&mut self, departing: &mut Batch, pool: &mut Pool) -> Result<usize, DeviceError> {
        self.carriage.transmit(&mut self.node, &mut self.counters, departing, pool)
    }

    fn in_flight(&self) -> usize {
        self.carriage.in_flight()
    }

    fn counters(&self) -> Counters {
        self.counters
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.node.0.as_fd()
    }
}

impl AsFd for Node {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Node {
    pub(super) fn open() -> Result<Node, OpenError> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(NODE)
            .map(Node)
            .map_err(OpenError::of_node)
    }
}

impl Port for Node {
    fn read(&mut self, space: &mut [u8]) -> io::Result<(usize, Checksum)> {
        // Without offloads the kernel completes every checksum.
        Ok((self.0.read(space)?, Checksum::None))
    }

    fn write(&mut self, frame: &Frame) -> io::Result<usize> {
        self.0.write(frame.octets())
    }

    fn fate(error: &io::Error) -> Fate {
        error.raw_os_error().map_or(Fate::Fail, |errno| fate(Errno::from_raw(errno)))
    }
}

/// What an error of a read or a write means for a TAP.
pub(super) fn fate(errno: Errno) -> Fate {
    match errno {
        Errno::EAGAIN => Fate::Wait,
        Errno::EINTR => Fate::Again,
        // Down, too short to be a frame, or no memory just now: the next one may pass.
        Errno::EIO | Errno::EINVAL | Errno::ENOBUFS | Errno::ENOMEM => Fate::Drop,
        // EFAULT is what a reader gets that sat in the call while the interface was deleted.
        Errno::EBADFD | Errno::EFAULT => Fate::Gone,
        _ => Fate::Fail,
    }
}
