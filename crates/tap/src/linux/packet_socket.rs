//! Raw frames on an interface that the kernel uses too.

mod error;
mod filter;
mod receiver;
mod ring;
mod system;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use libc::sock_filter;
use nix::errno::Errno;

use super::read_write::{self, ErrorClass, FrameFile};
use super::{Interface, InterfaceName};
use crate::{Batch, Checksum, Device, DeviceCounters, DeviceError, Frame, Pool};
pub use error::SocketError;
use receiver::Receiver;
use ring::ADDRESSES;

/// An `AF_PACKET` socket bound to one interface: it receives what passes there, the kernel beside
/// it, and transmits whole Ethernet frames. It takes `CAP_NET_RAW`.
///
/// Frames come by way of a ring in memory that the kernel shares with us, or one a system call where it
/// refuses that ([`PacketSocket::ring_error`]). The kernel cuts a frame's outer VLAN tag out and hands it over
/// beside the frame; here it is put back. Frames that this socket sends are not received by it.
///
/// The kernel's own stack lives on the interface, and keeps its addresses: whoever opens this socket is to
/// ask, and to leave the answers about them to the kernel; or to be another station, with addresses of its own
/// ([`PacketSocket::open_for_stations`]).
#[derive(Debug)]
pub struct PacketSocket {
    receiver: Receiver,
    socket: Socket,
    index: i32,
    mtu: usize,
    counters: DeviceCounters,
}

#[derive(Debug)]
struct Socket(OwnedFd);

/// Which frames a packet socket receives, and how.
#[derive(Clone, Copy, Debug, Default)]
struct ReceiveOptions<'a> {
    /// The filter that frames must pass; without it all do.
    filter: Option<&'a [sock_filter]>,
    /// Whether frames that the kernel or another program sends are included.
    outgoing: bool,
    /// Whether frames to other stations are included.
    promiscuous: bool,
    /// Whether each frame takes a system call.
    without_ring: bool,
}

impl PacketSocket {
    /// Opens a socket for every frame that arrives on the interface of this name.
    pub fn open(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        PacketSocket::open_with(name, ReceiveOptions::default())
    }

    /// Opens the same without a ring, for whoever reads from the descriptor himself: a frame a system call.
    pub fn open_without_ring(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        PacketSocket::open_with(name, ReceiveOptions { without_ring: true, ..ReceiveOptions::default() })
    }

    /// Opens one that receives ARP alone, with VLAN tags and without: of all else on a busy interface
    /// nothing is copied.
    pub fn open_for_arp(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        PacketSocket::open_with(
            name,
            ReceiveOptions { filter: Some(&filter::ARP), ..ReceiveOptions::default() },
        )
    }

    /// Opens a socket that receives all ARP on the wire, in both directions: also between other stations, as far as it
    /// reaches the interface, and from this machine. It is not to transmit.
    pub fn open_arp_monitor(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        let options = ReceiveOptions {
            filter: Some(&filter::ARP),
            outgoing: true,
            promiscuous: true,
            ..ReceiveOptions::default()
        };
        PacketSocket::open_with(name, options)
    }

    /// Opens one for stations of our own beside the kernel, with the hardware addresses from `first` to `last`: it
    /// hears what is sent to one of them or to a group, and nothing that is sent to the kernel alone.
    pub fn open_for_stations(
        name: &InterfaceName,
        first: [u8; 6],
        last: [u8; 6],
    ) -> Result<PacketSocket, SocketError> {
        // spec: shared-receives
        let filter = filter::stations(first, last);
        PacketSocket::open_with(
            name,
            ReceiveOptions { filter: Some(&filter), promiscuous: true, ..ReceiveOptions::default() },
        )
    }

    fn open_with(name: &InterfaceName, options: ReceiveOptions<'_>) -> Result<PacketSocket, SocketError> {
        let failed = |step| move |source| SocketError::Failed { step, source };
        let interface = Interface::named(name).map_err(failed("open a socket"))?;
        if !interface.exists() {
            return Err(SocketError::Absent(name.clone()));
        }
        if !interface.is_ethernet()? {
            return Err(SocketError::NotEthernet(name.clone()));
        }
        let (index, mtu) = (interface.index()?, interface.mtu()?);
        let socket = system::open().map_err(|error| SocketError::of_socket(name, error))?;
        let receiver = if options.without_ring {
            Receiver::without_ring(index)
        } else {
            Receiver::new(socket.as_fd(), index, mtu)
        };
        options.apply(socket.as_fd(), index).map_err(|error| SocketError::of_socket(name, error))?;
        // Nothing is heard on one that is down, and nobody is asked.
        if !interface.is_up()? {
            return Err(SocketError::Down(name.clone()));
        }
        Ok(PacketSocket { receiver, socket: Socket(socket), index, mtu, counters: DeviceCounters::default() })
    }

    /// Why the kernel refused a ring, where frames are received one a system call instead.
    pub fn ring_error(&self) -> Option<&io::Error> {
        self.receiver.ring_error()
    }

    /// Lets the interface take in what is sent to this hardware address too, as long as this socket is
    /// open.
    pub fn add_station(&self, address: [u8; 6]) -> io::Result<()> {
        system::add_station(self.socket.as_fd(), self.index, address)
    }

    /// Also receives, from now on, the frames that the kernel and other programs send on the interface.
    pub fn receive_outgoing(&self) -> io::Result<()> {
        system::set_flag(self.socket.as_fd(), libc::PACKET_IGNORE_OUTGOING, false)
    }

    /// Hands what is sent from now on to the interface itself, past the kernel's queue before it: less
    /// work a frame, and a full interface refuses ([`DeviceCounters::refused`]) instead of losing.
    pub fn bypass_queue(&self) -> io::Result<()> {
        system::set_flag(self.socket.as_fd(), libc::PACKET_QDISC_BYPASS, true)
    }

    /// Whether the interface went down and nothing arrived since. The kernel tells nobody when one that is down
    /// is deleted: to learn of it, receive again before long.
    pub fn was_down(&self) -> bool {
        self.receiver.was_down()
    }
}

impl ReceiveOptions<'_> {
    /// Sets the options and binds the socket to the interface with this index.
    fn apply(self, socket: BorrowedFd<'_>, index: i32) -> io::Result<()> {
        if !self.outgoing {
            system::set_flag(socket, libc::PACKET_IGNORE_OUTGOING, true)?;
        }
        if let Some(filter) = self.filter {
            system::attach_filter(socket, filter)?;
        }
        if self.promiscuous {
            system::set_promiscuous(socket, index)?;
        }
        system::bind(socket, index)
    }
}

impl Device for PacketSocket {
    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<usize, DeviceError> {
        self.receiver.receive(&mut self.socket, &mut self.counters, pool, arrived)
    }

    fn transmit(&mut self, departing: &mut Batch, pool: &mut Pool) -> Result<usize, DeviceError> {
        read_write::transmit(&mut self.socket, &mut self.counters, departing, pool)
    }

    fn counters(&self) -> DeviceCounters {
        self.counters
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl FrameFile for Socket {
    fn read(&mut self, space: &mut [u8]) -> io::Result<(usize, Checksum)> {
        let (length, about) = system::receive(self.0.as_fd(), space)?;
        let length = match about.tag {
            Some(tag) => insert_tag(space, length, tag),
            None => length,
        };
        Ok((length, about.checksum))
    }

    fn write(&mut self, frame: &Frame) -> io::Result<usize> {
        system::send(self.0.as_fd(), frame.bytes())
    }

    fn classify(error: &io::Error) -> ErrorClass {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EAGAIN) => ErrorClass::WouldBlock,
            Some(Errno::EINTR) => ErrorClass::Interrupted,
            Some(Errno::ENETDOWN | Errno::EINVAL | Errno::ENOBUFS | Errno::ENOMEM | Errno::EMSGSIZE) => {
                ErrorClass::FrameLost
            }
            Some(Errno::ENODEV | Errno::ENXIO) => ErrorClass::DeviceGone,
            _ => ErrorClass::DeviceFailed,
        }
    }
}

/// Puts a tag back behind the addresses of the frame in the first `length` bytes of `space`.
/// Returns the new length; a frame that then fills the space counts as truncated.
fn insert_tag(space: &mut [u8], length: usize, tag: [u8; 4]) -> usize {
    let longer = (length + tag.len()).min(space.len());
    if let Some(frame) = space.get_mut(..longer).filter(|frame| frame.len() >= ADDRESSES + tag.len()) {
        frame.copy_within(ADDRESSES..longer - tag.len(), ADDRESSES + tag.len());
        for (to, from) in frame.iter_mut().skip(ADDRESSES).zip(tag) {
            *to = from;
        }
        longer
    } else {
        length
    }
}

#[cfg(test)]
mod tests;
