//! The recipients of a UDP datagram, by the rules of the RFCs.

use std::net::SocketAddrV4;

use ipv4::Ipv4Fields;
use tap::Checksum;

use crate::udp_datagram::{Destination, PEERS, UdpInput, local_mac};

/// A datagram as a socket receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: SocketAddrV4,
    pub(crate) time_to_live: u8,
    pub(crate) type_of_service: u8,
    pub(crate) data: Vec<u8>,
}

/// What a valid datagram is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipients {
    /// No socket: the datagram is invalid or not for the hosts.
    None,
    /// The socket of a local address.
    One,
    /// The sockets that receive broadcasts.
    Broadcast,
}

impl UdpInput {
    /// Returns the recipients of the datagram, and its content.
    pub(crate) fn expected(&self) -> (Recipients, Content) {
        let payload = self.payload();
        let claimed = usize::from(self.claimed_length());
        let has_valid_length = (8..=payload.len()).contains(&claimed);
        let is_fragmented = Ipv4Fields::LENGTH + payload.len() > self.fragment_mtu();
        let is_verified = self.device_state() != Checksum::None && !is_fragmented;
        let has_valid_checksum = self.has_valid_checksum() || is_verified;
        let has_valid_source = PEERS.iter().any(|(ip, _)| *ip == self.source());
        let is_valid = has_valid_source && has_valid_length && has_valid_checksum;
        let recipients = match self.destination() {
            Destination::Local(number) if is_valid && self.frame_destination() == local_mac(number) => {
                Recipients::One
            }
            Destination::Broadcast(_) if is_valid => Recipients::Broadcast,
            _ => Recipients::None,
        };
        let content = Content {
            source: SocketAddrV4::new(self.source(), self.source_port()),
            destination: SocketAddrV4::new(self.destination().address(), self.destination_port()),
            time_to_live: self.time_to_live.max(1),
            type_of_service: self.type_of_service,
            data: payload.get(8..claimed).unwrap_or_default().to_vec(),
        };
        (recipients, content)
    }
}
