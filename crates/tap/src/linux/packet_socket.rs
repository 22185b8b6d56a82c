//! Raw frames on an interface that the kernel uses too.

mod error;
mod filter;
mod reception;
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
use reception::Reception;
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
    reception: Reception,
    socket: Socket,
    index: i32,
    mtu: usize,
    counters: DeviceCounters,
}

#[derive(Debug)]
struct Socket(OwnedFd);

/// Which frames a socket is to hear.
#[derive(Clone, Copy, Debug, Default)]
struct Hearing<'a> {
    /// Those that this lets pass; without it all.
    filter: Option<&'a [sock_filter]>,
    /// Also those that the kernel or another program sends.
    departing: bool,
    /// Also those that are for neither the kernel nor a group of its own.
    others: bool,
    /// Each by a system call.
    without_ring: bool,
}

impl PacketSocket {
    /// Opens a socket for every frame that arrives on the interface of this name.
    pub fn open(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        PacketSocket::open_for(name, Hearing::default())
    }

    /// Opens the same without a ring, for whoever reads from the descriptor himself: a frame a system call.
    pub fn open_without_ring(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        PacketSocket::open_for(name, Hearing { without_ring: true, ..Hearing::default() })
    }

    /// Opens one that receives ARP alone, with VLAN tags and without: of all else on a busy interface
    /// nothing is copied.
    pub fn open_for_arp(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        PacketSocket::open_for(name, Hearing { filter: Some(&filter::ARP), ..Hearing::default() })
    }

    /// Opens one that hears all ARP on the wire, in both directions: also what others on it say to each other, as
    /// far as it comes along, and what is sent from here. It is to transmit nothing.
    pub fn open_arp_monitor(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        let hearing =
            Hearing { filter: Some(&filter::ARP), departing: true, others: true, ..Hearing::default() };
        PacketSocket::open_for(name, hearing)
    }

    /// Opens one for stations of our own beside the kernel, with the hardware addresses from `first` to `last`: it
    /// hears what is sent to one of them or to a group, and nothing that is sent to the kernel alone.
    pub fn open_for_stations(
        name: &InterfaceName,
        first: [u8; 6],
        last: [u8; 6],
    ) -> Result<PacketSocket, SocketError> {
        // spec: beside-hears
        let filter = filter::stations(first, last);
        PacketSocket::open_for(name, Hearing { filter: Some(&filter), others: true, ..Hearing::default() })
    }

    fn open_for(name: &InterfaceName, hearing: Hearing<'_>) -> Result<PacketSocket, SocketError> {
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
        let reception = if hearing.without_ring {
            Reception::without_ring(index)
        } else {
            Reception::of(socket.as_fd(), index, mtu)
        };
        hearing.begin(socket.as_fd(), index).map_err(|error| SocketError::of_socket(name, error))?;
        // Nothing is heard on one that is down, and nobody is asked.
        if !interface.is_up()? {
            return Err(SocketError::Down(name.clone()));
        }
        Ok(PacketSocket {
            reception,
            socket: Socket(socket),
            index,
            mtu,
            counters: DeviceCounters::default(),
        })
    }

    /// Why the kernel refused a ring, where frames are received one a system call instead.
    pub fn ring_error(&self) -> Option<&io::Error> {
        self.reception.refused()
    }

    /// Lets the interface take in what is sent to this hardware address too, as long as this socket is
    /// open.
    pub fn add_station(&self, address: [u8; 6]) -> io::Result<()> {
        system::add_station(self.socket.as_fd(), self.index, address)
    }

    /// Hears from now on what the kernel and other programs send there too: whoever asks under the kernel's
    /// addresses is not alone in that.
    pub fn receive_outgoing(&self) -> io::Result<()> {
        system::switch(self.socket.as_fd(), libc::PACKET_IGNORE_OUTGOING, false)
    }

    /// Hands what is sent from now on to the interface itself, past the kernel's queue before it: less
    /// work a frame, and a full interface refuses ([`DeviceCounters::refused`]) instead of losing.
    pub fn bypass_queue(&self) -> io::Result<()> {
        system::switch(self.socket.as_fd(), libc::PACKET_QDISC_BYPASS, true)
    }

    /// Whether the interface went down and nothing arrived since. The kernel tells nobody when one that is down
    /// is deleted: to learn of it, receive again before long.
    pub fn was_down(&self) -> bool {
        self.reception.was_down()
    }
}

impl Hearing<'_> {
    /// Hears, from now on, on the interface with this index.
    fn begin(self, socket: BorrowedFd<'_>, index: i32) -> io::Result<()> {
        if !self.departing {
            system::switch(socket, libc::PACKET_IGNORE_OUTGOING, true)?;
        }
        if let Some(filter) = self.filter {
            system::attach(socket, filter)?;
        }
        if self.others {
            system::take_in_all(socket, index)?;
        }
        system::bind(socket, index)
    }
}

impl Device for PacketSocket {
    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<usize, DeviceError> {
        self.reception.receive(&mut self.socket, &mut self.counters, pool, arrived)
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

/// Puts a tag back behind the addresses of the frame in the first `length` octets of `space`.
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
