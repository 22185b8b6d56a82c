//! Raw frames on interfaces that the kernel uses too.

mod error;
mod filter;
mod receiver;
mod ring;
mod system;

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use libc::sock_filter;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBuf, RcvBufForce};
use nix::sys::socket::{MsgFlags, sendmsg, setsockopt};

use super::read_write::{self, ErrorClass, FrameFile};
use super::virtio_header::{self, HeaderFile};
use super::{Interface, InterfaceName};
use crate::{
    Batch, Capabilities, Device, DeviceCounters, DeviceError, Frame, Offloads, Pool, Received, Transmitted,
};
pub use error::SocketError;
use receiver::Receiver;
use system::FrameMetadata;

/// `AF_PACKET` socket bound to one interface. The socket receives the frames of the interface, in addition to the
/// kernel, and transmits whole Ethernet frames. Opening the socket requires `CAP_NET_RAW`.
///
/// Frames are received from a ring in shared memory. If the kernel refuses a ring, each frame takes a system call
/// ([`PacketSocket::ring_error`]). The kernel merges received TCP segments, and passes the segments of another kernel on
/// the same machine uncut. A frame that is longer than the MTU therefore arrives in a large frame of the pool, if the pool
/// has one. The kernel removes the outer VLAN tag of a frame and reports the tag separately.
/// This socket reinserts the tag. The socket does not receive its own frames.
///
/// The kernel's stack uses the interface too, and replies to requests for its IP addresses. A program with this socket
/// must either send only requests, or act as another station with its own addresses
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
struct Socket {
    fd: OwnedFd,
    /// Whether the kernel exchanges each frame with a virtio header in front of it.
    has_header: bool,
    /// Whether UDP datagrams with the same headers are written together.
    joins: bool,
}

/// Options of receiving.
#[derive(Clone, Copy, Debug, Default)]
struct ReceiveOptions<'a> {
    /// Filter that frames must pass. Without a filter, all frames are received.
    filter: Option<&'a [sock_filter]>,
    /// Whether frames sent by the kernel and by other programs are received.
    outgoing: bool,
    /// Whether frames to other stations are received.
    promiscuous: bool,
    /// EtherType of the received frames. Without an EtherType, frames of all types are received.
    ether_type: Option<u16>,
    transfer: Transfer,
}

/// How frames move between the kernel and this program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Transfer {
    /// Received frames are in a ring.
    #[default]
    Ring,
    /// Received frames are in a ring, and the kernel does the work of [`Offloads`].
    RingWithOffloads,
    /// Each frame takes a system call.
    Calls,
}

impl PacketSocket {
    /// Opens a socket for all frames that arrive on the interface with this name.
    pub fn open(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        PacketSocket::open_with(name, ReceiveOptions::default())
    }

    /// Opens a socket like [`open`](PacketSocket::open), but without a ring, for callers that read from the descriptor.
    pub fn open_without_ring(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        PacketSocket::open_with(
            name,
            ReceiveOptions { transfer: Transfer::Calls, ..ReceiveOptions::default() },
        )
    }

    /// Opens a socket like [`open_without_ring`](PacketSocket::open_without_ring), but only for untagged frames of this
    /// `EtherType`. The kernel does not pass other frames to the socket, so they take no additional time.
    pub fn open_for_ether_type(name: &InterfaceName, ether_type: u16) -> Result<PacketSocket, SocketError> {
        let options = ReceiveOptions {
            transfer: Transfer::Calls,
            ether_type: Some(ether_type),
            ..ReceiveOptions::default()
        };
        PacketSocket::open_with(name, options)
    }

    /// Opens a socket that receives only ARP, with and without VLAN tags. The kernel copies no other frames.
    pub fn open_for_arp(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        PacketSocket::open_with(
            name,
            ReceiveOptions { filter: Some(&filter::ARP), ..ReceiveOptions::default() },
        )
    }

    /// Opens a socket that receives all ARP that reaches the interface: frames between other stations, and frames sent
    /// by this machine. The socket must not be used to transmit.
    pub fn open_arp_monitor(name: &InterfaceName) -> Result<PacketSocket, SocketError> {
        let options = ReceiveOptions {
            filter: Some(&filter::ARP),
            outgoing: true,
            promiscuous: true,
            ..ReceiveOptions::default()
        };
        PacketSocket::open_with(name, options)
    }

    /// Opens a socket for stations with the MAC addresses from `first` to `last`, in addition to the kernel's MAC
    /// address. The socket receives frames to these stations, multicasts and broadcasts, but no unicast frames to the
    /// kernel's MAC address.
    pub fn open_for_stations(
        name: &InterfaceName,
        first: [u8; 6],
        last: [u8; 6],
    ) -> Result<PacketSocket, SocketError> {
        // spec: shared-receives
        let filter = filter::stations(first, last);
        let socket = PacketSocket::open_with(
            name,
            ReceiveOptions {
                filter: Some(&filter),
                promiscuous: true,
                transfer: Transfer::RingWithOffloads,
                ..ReceiveOptions::default()
            },
        )?;
        socket.enlarge_receive_queue();
        Ok(socket)
    }

    /// Enlarges the queue of frames that are longer than a slot of the ring: frames with several TCP segments, of which the
    /// default queue holds three.
    fn enlarge_receive_queue(&self) {
        /// Size of the queue in bytes. The kernel counts twice the size.
        const QUEUE: usize = 4 << 20;
        // Without privilege, the kernel limits the size. Frames that a short queue loses are counted as `lost`.
        let _ = setsockopt(&self.socket, RcvBufForce, &QUEUE)
            .or_else(|_| setsockopt(&self.socket, RcvBuf, &QUEUE));
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
        let fd = system::open().map_err(|error| SocketError::of_socket(name, error))?;
        // A kernel without the option does no work on the frames of this socket.
        let has_header = options.transfer == Transfer::RingWithOffloads
            && system::set_flag(fd.as_fd(), libc::PACKET_VNET_HDR, true).is_ok();
        let socket = Socket { fd, has_header, joins: has_header };
        let receiver = if options.transfer == Transfer::Calls {
            Receiver::without_ring(index)
        } else {
            Receiver::new(&socket, index, mtu)
        };
        options.apply(socket.as_fd(), index).map_err(|error| SocketError::of_socket(name, error))?;
        // An interface that is down neither receives nor transmits.
        if !interface.is_up()? {
            return Err(SocketError::Down(name.clone()));
        }
        Ok(PacketSocket { receiver, socket, index, mtu, counters: DeviceCounters::default() })
    }

    /// Returns why the kernel refused a ring. Each frame then takes a system call.
    pub fn ring_error(&self) -> Option<&io::Error> {
        self.receiver.ring_error()
    }

    /// Replaces the MAC addresses of a socket that was opened with
    /// [`open_for_stations`](PacketSocket::open_for_stations) by the addresses from `first` to `last`.
    pub fn set_stations(&self, first: [u8; 6], last: [u8; 6]) -> io::Result<()> {
        // spec: shared-receives
        system::attach_filter(self.socket.as_fd(), &filter::stations(first, last))
    }

    /// Makes the interface accept frames to this MAC address too, as long as this socket is open.
    pub fn add_station(&self, address: [u8; 6]) -> io::Result<()> {
        system::add_station(self.socket.as_fd(), self.index, address)
    }

    /// Enables the reception of frames that the kernel and other programs send on the interface.
    pub fn receive_outgoing(&self) -> io::Result<()> {
        system::set_flag(self.socket.as_fd(), libc::PACKET_IGNORE_OUTGOING, false)
    }

    /// Bypasses the kernel's queueing discipline from now on. Frames then take less work, and a full interface refuses
    /// frames ([`DeviceCounters::refused`]) instead of dropping them silently. An interface that does not segment also
    /// refuses frames with several segments.
    pub fn bypass_queue(&self) -> io::Result<()> {
        system::set_flag(self.socket.as_fd(), libc::PACKET_QDISC_BYPASS, true)
    }

    /// Returns whether the interface went down, and no frame arrived since.
    ///
    /// The kernel does not report to the socket that an interface was deleted while it was down. After a
    /// [`LinkMonitor`](super::LinkMonitor) has reported the deletion, `receive` fails with
    /// [`DeviceError::Gone`]. Without a monitor, call `receive` periodically.
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
        system::bind(socket, index, self.ether_type)
    }
}

impl Device for PacketSocket {
    fn capabilities(&self) -> Capabilities {
        // The driver of the interface pads short frames.
        let has_header = self.socket.has_header;
        let offloads = Offloads { checksum: has_header, tcp_v4: has_header, udp: has_header };
        Capabilities { mtu: self.mtu, offloads, ..Capabilities::default() }
    }

    fn receive(&mut self, pool: &mut Pool, into: &mut Batch) -> Result<Received, DeviceError> {
        self.receiver.receive(&mut self.socket, &mut self.counters, pool, into)
    }

    fn transmit(&mut self, from: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        read_write::transmit(&mut self.socket, &mut self.counters, from, pool)
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
        self.fd.as_fd()
    }
}

impl HeaderFile for OwnedFd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        system::send(self.as_fd(), bytes)
    }

    fn write_parts(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(sendmsg::<()>(self.as_raw_fd(), parts, &[], MsgFlags::empty(), None)?)
    }
}

impl Socket {
    /// Reads one frame behind a header of `N` bytes.
    fn read<const N: usize>(
        &self,
        frame: &mut Frame,
        pool: &mut Pool,
    ) -> io::Result<(FrameMetadata, [u8; N])> {
        let mut metadata = FrameMetadata::default();
        let header = read_write::read_with_header(frame, pool, |space| {
            let (length, read) = system::receive(self.fd.as_fd(), space)?;
            metadata = read;
            Ok(length)
        })?;
        Ok((metadata, header))
    }
}

impl FrameFile for Socket {
    fn receive(&mut self, frame: &mut Frame, pool: &mut Pool) -> io::Result<()> {
        if self.has_header {
            let (metadata, header) = self.read(frame, pool)?;
            metadata.apply_to(frame, Some(header));
        } else {
            let (metadata, []) = self.read(frame, pool)?;
            metadata.apply_to(frame, None);
        }
        Ok(())
    }

    fn transmit(&mut self, frames: &mut Batch) -> (usize, io::Result<usize>) {
        if self.has_header {
            virtio_header::transmit(&mut self.fd, frames, &mut self.joins)
        } else {
            read_write::write_one(frames, |frame| system::send(self.fd.as_fd(), frame.bytes()))
        }
    }

    fn classify(error: &io::Error) -> ErrorClass {
        match error.raw_os_error().map(Errno::from_raw) {
            // A message without a whole header.
            None if error.kind() == io::ErrorKind::InvalidData => ErrorClass::FrameLost,
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

#[cfg(test)]
mod tests;
