//! The kernel's neighbor table, as `ip neigh` shows it.

use std::fmt;
use std::io;
use std::net::Ipv4Addr;

use netlink_packet_route::neighbour::{NeighbourHeader, NeighbourMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::netlink::attribute;
use super::{Interface, InterfaceName};

/// Entry of the kernel's neighbor table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelNeighbor {
    /// IP address.
    pub address: Ipv4Addr,
    /// Interface of the entry.
    pub interface: InterfaceName,
    /// MAC address, if known.
    pub mac_address: Option<[u8; 6]>,
    /// State.
    pub state: KernelNeighborState,
}

/// State of a kernel neighbor (`NUD_*`). Any number is valid. `Display` prints the names of `ip neigh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelNeighborState(pub u16);

impl KernelNeighborState {
    /// Confirmed recently.
    pub const REACHABLE: KernelNeighborState = KernelNeighborState(libc::NUD_REACHABLE);
}

/// `NDA_DST` of rtnetlink, which libc lacks.
const DESTINATION: u16 = 1;
/// `NDA_LLADDR` of rtnetlink, which libc lacks.
const LINK_LAYER_ADDRESS: u16 = 2;
/// Size of a `struct ndmsg` in bytes.
const HEADER: usize = 12;

/// Returns the kernel's IPv4 neighbors on an interface.
pub fn kernel_neighbors(interface: &Interface) -> io::Result<Vec<KernelNeighbor>> {
    let index = interface.index().map_err(io::Error::other)?;
    let mut request = NeighbourMessage::default();
    request.header.family = AddressFamily::Inet;
    let request = RouteNetlinkMessage::GetNeighbour(request);
    interface.netlink().dump(&request, |message| neighbor(message, index, interface.name()))
}

fn neighbor(message: &[u8], index: i32, interface: &InterfaceName) -> Option<KernelNeighbor> {
    let header = NeighbourHeader::parse(message).ok()?;
    if header.ifindex != index.cast_unsigned() {
        return None;
    }
    let address = <[u8; 4]>::try_from(attribute(message, HEADER, DESTINATION)?).ok()?;
    Some(KernelNeighbor {
        address: address.into(),
        interface: interface.clone(),
        mac_address: attribute(message, HEADER, LINK_LAYER_ADDRESS)
            .and_then(|address| address.try_into().ok()),
        state: KernelNeighborState(header.state.into()),
    })
}

impl fmt::Display for KernelNeighbor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} dev {}", self.address, self.interface)?;
        if let Some(address) = self.mac_address {
            let [a, b, c, d, e, g] = address;
            write!(f, " lladdr {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")?;
        }
        write!(f, " {}", self.state)
    }
}

impl fmt::Display for KernelNeighborState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            libc::NUD_NONE => "NONE",
            libc::NUD_INCOMPLETE => "INCOMPLETE",
            libc::NUD_REACHABLE => "REACHABLE",
            libc::NUD_STALE => "STALE",
            libc::NUD_DELAY => "DELAY",
            libc::NUD_PROBE => "PROBE",
            libc::NUD_FAILED => "FAILED",
            libc::NUD_NOARP => "NOARP",
            libc::NUD_PERMANENT => "PERMANENT",
            other => return write!(f, "{other:x}"),
        })
    }
}
