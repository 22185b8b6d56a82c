//! What a filter reads from a frame.

use std::net::IpAddr;

use arp::Packet;
use capture::LinkType;
use inet::IpProtocol;
use ipv4::Datagram;
use link::{EtherType, MacAddr, VlanTags};

use crate::Dissection;
use crate::frame::{DissectedFrame, RARP};
use crate::ipv6::Ipv6Datagram;
use crate::layers::layers;

/// Protocol number of SCTP (RFC 9260).
pub(super) const SCTP: IpProtocol = IpProtocol(132);

/// What a filter reads from a frame. Source precedes destination.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FrameFacts {
    /// MAC addresses, as far as the frame contains them.
    pub(super) macs: [Option<MacAddr>; 2],
    /// Whether the frame was sent to a group MAC address, and whether this is the broadcast address.
    pub(super) is_multicast: bool,
    pub(super) is_broadcast: bool,
    pub(super) vlans: [Option<u16>; 2],
    pub(super) ether_type: Option<EtherType>,
    /// IP addresses of an IP header, or sender and target of an ARP packet.
    pub(super) addresses: Option<[IpAddr; 2]>,
    pub(super) protocol: Option<IpProtocol>,
    pub(super) ports: Option<[u16; 2]>,
    /// Length on the wire, in bytes.
    pub(super) length: usize,
}

impl FrameFacts {
    pub(super) fn new(dissection: &Dissection<'_>) -> FrameFacts {
        let &Dissection { link_type, bytes, length, .. } = dissection;
        let facts = FrameFacts { length, ..FrameFacts::default() };
        match DissectedFrame::parse(link_type, bytes, length) {
            Ok(frame) => facts.with_frame(&frame),
            // A frame with an unparsed payload, such as a BPDU, has MAC addresses.
            Err(_) if link_type == LinkType::ETHERNET => facts.with_addresses(bytes),
            Err(_) => facts,
        }
    }

    fn with_addresses(mut self, bytes: &[u8]) -> FrameFacts {
        if let Some(&[a, b, c, d, e, f, g, h, i, j, k, l]) = bytes.first_chunk() {
            let destination = MacAddr::new([a, b, c, d, e, f]);
            self.macs = [Some(MacAddr::new([g, h, i, j, k, l])), Some(destination)];
            self.set_destination(destination);
        }
        let found = layers(LinkType::ETHERNET, bytes, self.length).layers;
        let vlans = found.iter().filter_map(|layer| layer.number("vlan")?.try_into().ok());
        for (place, vlan) in self.vlans.iter_mut().zip(vlans) {
            *place = Some(vlan);
        }
        self
    }

    fn set_destination(&mut self, destination: MacAddr) {
        self.is_multicast = destination.is_group();
        self.is_broadcast = destination == MacAddr::BROADCAST;
    }

    fn with_frame(mut self, frame: &DissectedFrame<'_>) -> FrameFacts {
        // A cooked header has no destination, but its packet type names broadcast and multicast.
        self.macs = [frame.sender(), frame.link.is_none().then_some(frame.destination)];
        self.set_destination(frame.destination);
        self.vlans = match frame.tags {
            VlanTags::None => [None, None],
            VlanTags::One(tag) => [Some(tag.identifier()), None],
            VlanTags::Two(outer, inner) => [Some(outer.identifier()), Some(inner.identifier())],
        };
        self.ether_type = Some(frame.ether_type);
        match frame.ether_type {
            EtherType::ARP | RARP => {
                let packet = Packet::parse(frame.payload).ok();
                self.addresses =
                    packet.map(|packet| [packet.sender_protocol().into(), packet.target_protocol().into()]);
            }
            EtherType::IPV4 => {
                if let Some(datagram) = Datagram::parse_lenient(frame.payload) {
                    self.addresses = Some([datagram.source().into(), datagram.destination().into()]);
                    self.protocol = Some(datagram.protocol());
                    if datagram.fragment_offset() == 0 {
                        self.ports = ports(datagram.protocol(), datagram.payload());
                    }
                }
            }
            EtherType::IPV6 => {
                if let Some(datagram) = Ipv6Datagram::parse(frame.payload) {
                    self.addresses = Some([datagram.source.into(), datagram.destination.into()]);
                    self.protocol = Some(datagram.protocol);
                    if datagram.is_start() {
                        self.ports = ports(datagram.protocol, datagram.payload);
                    }
                }
            }
            _ => {}
        }
        self
    }
}

/// Returns the ports at the start of the data of a datagram.
fn ports(protocol: IpProtocol, data: &[u8]) -> Option<[u16; 2]> {
    let &[a, b, c, d] = data.first_chunk()?;
    let has_ports = [IpProtocol::TCP, IpProtocol::UDP, SCTP].contains(&protocol);
    has_ports.then(|| [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
}
