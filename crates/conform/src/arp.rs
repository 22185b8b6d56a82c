//! Cases about ARP.

use std::net::Ipv4Addr;

use super::case::{Case, CaseResult};
use super::frame_socket::FrameSocket;
use super::frames::{
    Arp, BROADCAST, GROUP, NETWORK_BROADCAST, OTHER, OTHER_MAC, PEER, PEER_MAC, REPLY, REQUEST, TESTED_IP,
    TESTED_MAC, ZERO,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("all fields of the reply follow RFC 826", "RFC 826; TC8 36, 41, 43, 44, 46, 47", reply_fields),
    Case::new("each requester gets its own reply", "RFC 826; TC8 45", reply_follows_requester),
    Case::new("reply goes to the sender MAC address in the packet", "RFC 826", sender_in_packet),
    Case::new("target MAC address of a request is ignored", "RFC 826; TC8 16..19", target_hardware),
    Case::new("request for another host gets no reply", "RFC 826; TC8 37", for_other_host),
    Case::new("reply gets no reply", "RFC 826; TC8 42", replies),
    Case::new("packets with other operations get no reply", "RFC 826, 903, 2390, 5494", other_operations),
    Case::new("packet with an unknown hardware type is dropped", "RFC 826; TC8 20, 21", hardware_types),
    Case::new("request with hardware type 6 gets a reply with type 6", "RFC 1042; RFC 826", hardware_type_6)
        .linux_differs(INTERFACE_TYPE),
    Case::new("packet with an unknown protocol type is dropped", "RFC 826; TC8 26, 27", protocol_types),
    Case::new("packet with other address lengths is dropped", "RFC 826", address_lengths),
    Case::new("truncated packet of any length is dropped", "RFC 826", truncated),
    Case::new("probe gets a reply", "RFC 5227 2.5", probes),
    Case::new("announcement gets no reply", "RFC 5227 2.3", announcements),
    Case::new("packet with a broadcast sender MAC address is dropped", "security", broadcast_sender_mac)
        .linux_differs(ANY_SENDER),
    Case::new("packet with a multicast sender MAC address is dropped", "security", multicast_sender_mac)
        .linux_differs(ANY_SENDER),
    Case::new("packet with a zero sender MAC address is dropped", "security", zero_sender_mac)
        .linux_differs(ANY_SENDER),
    Case::new("packet with a local sender MAC address is dropped", "security", own_echo)
        .linux_differs(ANY_SENDER),
    Case::new("echo of the host's announcement is dropped", "RFC 5227 2.4", own_announcement),
    Case::new("packet with an invalid sender IP address is dropped", "security", invalid_sender_ip),
    Case::new(
        "packet with the broadcast address of the network as sender is dropped",
        "security",
        network_broadcast,
    )
    .linux_differs("rejects only senders that no route can reach, and a route can reach this one"),
    Case::new("1,000 requests get 1,000 replies", "one reply per request", thousand_requests),
];

/// Difference of Linux for requests with hardware type 6.
const INTERFACE_TYPE: &str = "replies with the hardware type of the interface (1)";
/// Difference of Linux for invalid sender MAC addresses.
pub(crate) const ANY_SENDER: &str = "accepts any sender MAC address";

// proves: rfc826-reply-fields, rfc826-reply-to
fn reply_fields(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_reply(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc826-reply-fields, rfc826-reply-to
fn reply_follows_requester(wire: &mut FrameSocket) -> CaseResult {
    for number in 10..20 {
        let sender = ([2, 0, 0, 0, 1, number], Ipv4Addr::new(10, 0, 0, number));
        let request = Arp { source: sender.0, sender, ..REQUEST };
        let reply = Arp { destination: sender.0, target: sender, ..REPLY };
        wire.expect_reply(&request.frame(), &reply.frame())?;
    }
    Ok(())
}

// proves: rfc826-reply-to
fn sender_in_packet(wire: &mut FrameSocket) -> CaseResult {
    // The source address differs from the sender MAC address, as after a bridge that replaces source addresses.
    wire.expect_reply(&Arp { source: OTHER_MAC, ..REQUEST }.frame(), &REPLY.frame())
}

// proves: rfc826-target-hardware
fn target_hardware(wire: &mut FrameSocket) -> CaseResult {
    for hardware in [ZERO, BROADCAST, [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc], TESTED_MAC, GROUP] {
        wire.expect_reply(&Arp { target: (hardware, TESTED_IP), ..REQUEST }.frame(), &REPLY.frame())?;
    }
    Ok(())
}

// proves: reply-none
fn for_other_host(wire: &mut FrameSocket) -> CaseResult {
    for destination in [BROADCAST, TESTED_MAC] {
        wire.expect_no_reply(&Arp { destination, target: (ZERO, OTHER), ..REQUEST }.frame())?;
        wire.expect_no_reply(&Arp { destination, target: (TESTED_MAC, OTHER), ..REQUEST }.frame())?;
    }
    Ok(())
}

// proves: rfc826-operation-last, reply-none
fn replies(wire: &mut FrameSocket) -> CaseResult {
    for destination in [BROADCAST, TESTED_MAC] {
        wire.expect_no_reply(
            &Arp { destination, operation: 2, target: (TESTED_MAC, TESTED_IP), ..REQUEST }.frame(),
        )?;
    }
    Ok(())
}

// proves: rfc826-foreign, rfc826-operation-last
fn other_operations(wire: &mut FrameSocket) -> CaseResult {
    for operation in [0, 3, 4, 5, 6, 7, 8, 9, 10, 24, 25, 0x0100, 65_535] {
        wire.expect_no_reply(&Arp { operation, ..REQUEST }.frame())?;
    }
    Ok(())
}

// proves: rfc826-hardware-type
fn hardware_types(wire: &mut FrameSocket) -> CaseResult {
    for hardware_type in [0, 2, 0x0100, 65_535] {
        wire.expect_no_reply(&Arp { hardware_type, ..REQUEST }.frame())?;
    }
    wire.expect_reply(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc1042-hardware-type
fn hardware_type_6(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_reply(
        &Arp { hardware_type: 6, ..REQUEST }.frame(),
        &Arp { hardware_type: 6, ..REPLY }.frame(),
    )
}

// proves: rfc826-protocol-type
fn protocol_types(wire: &mut FrameSocket) -> CaseResult {
    for protocol_type in [0, 0x0801, 0x0806, 0x86dd, 0x0008] {
        wire.expect_no_reply(&Arp { protocol_type, ..REQUEST }.frame())?;
    }
    wire.expect_reply(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc826-lengths
fn address_lengths(wire: &mut FrameSocket) -> CaseResult {
    for length in [0, 1, 5, 7, 8, 255] {
        wire.expect_no_reply(&Arp { hardware_length: length, ..REQUEST }.padded(&[0; 18]))?;
    }
    for length in [0, 1, 3, 5, 16, 255] {
        wire.expect_no_reply(&Arp { protocol_length: length, ..REQUEST }.padded(&[0; 18]))?;
    }
    Ok(())
}

// proves: truncated
fn truncated(wire: &mut FrameSocket) -> CaseResult {
    // The kernel rejects frames that are shorter than a header of 14 bytes.
    let frame = REQUEST.frame();
    (14..42).try_for_each(|length| wire.expect_no_reply(frame.get(..length).unwrap_or_default()))
}

fn probes(wire: &mut FrameSocket) -> CaseResult {
    let sender = (PEER_MAC, Ipv4Addr::UNSPECIFIED);
    let reply = Arp { target: sender, ..REPLY };
    wire.expect_reply(&Arp { sender, ..REQUEST }.frame(), &reply.frame())
}

// proves: reply-none
fn announcements(wire: &mut FrameSocket) -> CaseResult {
    for operation in [1, 2] {
        for hardware in [ZERO, BROADCAST, PEER_MAC] {
            wire.expect_no_reply(&Arp { operation, target: (hardware, PEER), ..REQUEST }.frame())?;
        }
    }
    Ok(())
}

// proves: sender-hardware-station
fn broadcast_sender_mac(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { sender: (BROADCAST, PEER), ..REQUEST }.frame())
}

// proves: sender-hardware-station
fn multicast_sender_mac(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { sender: (GROUP, PEER), ..REQUEST }.frame())
}

// proves: sender-hardware-station
fn zero_sender_mac(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { sender: (ZERO, PEER), ..REQUEST }.frame())
}

// proves: sender-hardware-local
fn own_echo(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { source: TESTED_MAC, sender: (TESTED_MAC, PEER), ..REQUEST }.frame())
}

// proves: sender-hardware-local
fn own_announcement(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { source: TESTED_MAC, sender: (TESTED_MAC, TESTED_IP), ..REQUEST }.frame())
}

// proves: sender-protocol-host
fn invalid_sender_ip(wire: &mut FrameSocket) -> CaseResult {
    for address in [[255; 4], [224, 0, 0, 1], [239, 255, 255, 255], [127, 0, 0, 1]] {
        wire.expect_no_reply(&Arp { sender: (PEER_MAC, address.into()), ..REQUEST }.frame())?;
    }
    Ok(())
}

// proves: sender-protocol-host
fn network_broadcast(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { sender: (PEER_MAC, NETWORK_BROADCAST), ..REQUEST }.frame())
}

// proves: reply-one
fn thousand_requests(wire: &mut FrameSocket) -> CaseResult {
    (0..1_000).try_for_each(|_| wire.expect_reply(&REQUEST.frame(), &REPLY.frame()))
}
