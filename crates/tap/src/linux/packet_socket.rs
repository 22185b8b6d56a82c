//! Raw frames on an interface that the kernel uses too.

mod error;
mod filter;
mod system;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use super::{Interface, InterfaceName};
use crate::plain::{self, Fate, Port};
use crate::{Batch, Counters, Device, DeviceError, Pool};
pub use error::SocketError;

/// An `AF_PACKET` socket bound to one interface: it receives what arrives there, the kernel beside
/// it, and transmits whole Ethernet frames. It takes `CAP_NET_RAW`.
///
/// The kernel cuts a frame's outer VLAN tag out and hands it over beside the frame; here it is put
/// back. Frames that this socket sends are not received by it.
///
/// The kernel's own stack lives on the interface, and keeps its addresses: whoever opens this socket is to
/// ask, and to leave the answers about them to the kernel.
#[derive(Debug)]
pub struct PacketSocket {
    port: Socket,
    index: i32,
    mtu: usize,
    counters: Counters,
}

#[derive(Debug)]
struct Socket(OwnedFd);

impl PacketSocket {
    /// Opens a socket for every frame on the interface of this name.
    pub fn open(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        PacketSocket::open_for(name, None)
    }

    /// Opens one that receives ARP alone, with VLAN tags and without: of all else on a busy interface
    /// nothing is copied.
    pub fn open_for_arp(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        PacketSocket::open_for(name, Some(&filter::ARP))
    }

    fn open_for(
        name: &InterfaceName,
        filter: Option<&[libc::sock_filter]>,
    ) -> Result<PacketSocket, SocketError> {
        let failed = |step| move |source| SocketError::Failed { step, source };
        let interface = Interface::named(name).map_err(failed("open a socket"))?;
        if !interface.exists() {
            return Err(SocketError::Absent(name.clone()));
        }
        if !interface.is_ethernet()? {
            return Err(SocketError::NotEthernet(name.clone()));
        }
        let (index, mtu) = (interface.index()?, interface.mtu()?);
        let port = system::open(index, filter).map_err(|error| SocketError::of_socket(name, error))?;
        // Nothing is heard on one that is down, and nobody is asked.
        if !interface.is_up()? {
            return Err(SocketError::Down(name.clone()));
        }
        Ok(PacketSocket { port: Socket(port), index, mtu, counters: Counters::default() })
    }

    /// Lets the interface take in what is sent to this hardware address too, as long as this socket is
    /// open.
    pub fn add_station(&self, address: [u8; 6]) -> io::Result<()> {
        system::add_station(self.port.0.as_fd(), self.index, address)
    }

    /// Hands what is sent from now on to the interface itself, past the kernel's queue before it: less
    /// work a frame, and a full interface refuses ([`Counters::refused`]) instead of losing.
    pub fn bypass_queue(&self) -> io::Result<()> {
        system::switch_on(self.port.0.as_fd(), libc::PACKET_QDISC_BYPASS)
    }
}

impl Device for PacketSocket {
    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<usize, DeviceError> {
        plain::receive(&mut self.port, &mut self.counters, pool, arrived, usize::MAX)
    }

    fn transmit(&mut self, departing: &mut Batch, pool: &mut Pool) -> Result<usize, DeviceError> {
        plain::transmit(&mut self.port, &mut self.counters, departing, pool)
    }

    fn counters(&self) -> Counters {
        self.counters
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.port.0.as_fd()
    }
}

impl Port for Socket {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let (length, tag) = system::receive(self.0.as_fd(), space)?;
        Ok(match tag {
            Some(tag) => insert_tag(space, length, tag),
            None => length,
        })
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        system::send(self.0.as_fd(), octets)
    }

    fn fate(error: &io::Error) -> Fate {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EAGAIN) => Fate::Wait,
            Some(Errno::EINTR) => Fate::Again,
            Some(Errno::ENETDOWN | Errno::EINVAL | Errno::ENOBUFS | Errno::ENOMEM | Errno::EMSGSIZE) => {
                Fate::Drop
            }
            Some(Errno::ENODEV | Errno::ENXIO) => Fate::Gone,
            _ => Fate::Fail,
        }
    }
}

/// Octets before the place of the outer tag: destination and source.
const ADDRESSES: usize = 12;

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
