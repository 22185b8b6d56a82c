//! Questions about ARP.

use std::net::Ipv4Addr;

use super::Case;
use super::frames::{
    ANNOUNCEMENT, Arp, BROADCAST, GROUP, OTHER, OTHER_MAC, OUR_MAC, OURS, PEER, PEER_MAC, REPLY, REQUEST,
    ZERO, hex,
};
use super::wire::Wire;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "every field of the reply is RFC 826's",
        rule: "RFC 826; TC8 41, 43, 44, 46, 47",
        run: the_reply,
    },
    Case { name: "the reply follows each requester", rule: "RFC 826; TC8 45", run: follows_the_requester },
    Case { name: "the reply goes to the sender in the packet", rule: "RFC 826", run: sender_in_the_packet },
    Case {
        name: "the target hardware address is not looked at",
        rule: "RFC 826; TC8 16..19",
        run: target_hardware,
    },
    Case { name: "a request for another is not answered", rule: "RFC 826; TC8 37", run: for_another },
    Case { name: "a reply is not answered", rule: "RFC 826; TC8 42", run: replies },
    Case {
        name: "other operations are not answered",
        rule: "RFC 826, 903, 2390, 5494",
        run: other_operations,
    },
    Case { name: "another hardware type is dropped", rule: "RFC 826; TC8 21", run: hardware_types },
    Case { name: "another protocol type is dropped", rule: "RFC 826; TC8 27", run: protocol_types },
    Case { name: "other lengths of addresses are dropped", rule: "RFC 826", run: address_lengths },
    Case { name: "truncated at any length is dropped", rule: "RFC 826", run: truncated },
    Case { name: "a probe is answered", rule: "RFC 5227 2.5", run: probes },
    Case { name: "an announcement is not answered", rule: "RFC 5227 2.3", run: announcements },
    Case { name: "a sender that is no station is dropped", rule: "security", run: no_station },
    Case { name: "our own packet is dropped", rule: "security", run: own_echo },
    Case { name: "a sender that is no host is dropped", rule: "security", run: no_host },
    Case {
        name: "a sender with our address is met once, and not answered",
        rule: "RFC 5227 2.4",
        run: conflicts,
    },
    Case { name: "a thousand requests get a thousand replies", rule: "one reply a request", run: a_thousand },
];

// proves: rfc826-reply-fields, rfc826-reply-to
fn the_reply(wire: &mut Wire) -> Result<(), String> {
    wire.answered(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc826-reply-fields, rfc826-reply-to
fn follows_the_requester(wire: &mut Wire) -> Result<(), String> {
    for number in 10..20 {
        let sender = ([2, 0, 0, 0, 1, number], Ipv4Addr::new(10, 0, 0, number));
        let request = Arp { source: sender.0, sender, ..REQUEST };
        let reply = Arp { destination: sender.0, target: sender, ..REPLY };
        wire.answered(&request.frame(), &reply.frame())?;
    }
    Ok(())
}

// proves: rfc826-reply-to
fn sender_in_the_packet(wire: &mut Wire) -> Result<(), String> {
    // The frame comes by way of a bridge that shows its own address.
    wire.answered(&Arp { source: OTHER_MAC, ..REQUEST }.frame(), &REPLY.frame())
}

// proves: rfc826-target-hardware
fn target_hardware(wire: &mut Wire) -> Result<(), String> {
    for hardware in [ZERO, BROADCAST, [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc], OUR_MAC, GROUP] {
        wire.answered(&Arp { target: (hardware, OURS), ..REQUEST }.frame(), &REPLY.frame())?;
    }
    Ok(())
}

// proves: reply-none
fn for_another(wire: &mut Wire) -> Result<(), String> {
    for destination in [BROADCAST, OUR_MAC] {
        wire.silent(&Arp { destination, target: (ZERO, OTHER), ..REQUEST }.frame())?;
        wire.silent(&Arp { destination, target: (OUR_MAC, OTHER), ..REQUEST }.frame())?;
    }
    Ok(())
}

// proves: rfc826-operation-last, reply-none
fn replies(wire: &mut Wire) -> Result<(), String> {
    for destination in [BROADCAST, OUR_MAC] {
        wire.silent(&Arp { destination, operation: 2, target: (OUR_MAC, OURS), ..REQUEST }.frame())?;
    }
    Ok(())
}

// proves: rfc826-foreign, rfc826-operation-last
fn other_operations(wire: &mut Wire) -> Result<(), String> {
    for operation in [0, 3, 4, 5, 6, 7, 8, 9, 10, 24, 25, 0x0100, 65_535] {
        wire.silent(&Arp { operation, ..REQUEST }.frame())?;
    }
    Ok(())
}

// proves: rfc826-hardware-type
fn hardware_types(wire: &mut Wire) -> Result<(), String> {
    for hardware_type in [0, 2, 6, 0x0100, 65_535] {
        wire.silent(&Arp { hardware_type, ..REQUEST }.frame())?;
    }
    Ok(())
}

// proves: rfc826-protocol-type
fn protocol_types(wire: &mut Wire) -> Result<(), String> {
    for protocol_type in [0, 0x0801, 0x0806, 0x86dd, 0x0008] {
        wire.silent(&Arp { protocol_type, ..REQUEST }.frame())?;
    }
    Ok(())
}

// proves: rfc826-lengths
fn address_lengths(wire: &mut Wire) -> Result<(), String> {
    for length in [0, 1, 5, 7, 8, 255] {
        wire.silent(&Arp { hardware_length: length, ..REQUEST }.padded(&[0; 18]))?;
    }
    for length in [0, 1, 3, 5, 16, 255] {
        wire.silent(&Arp { protocol_length: length, ..REQUEST }.padded(&[0; 18]))?;
    }
    Ok(())
}

// proves: truncated
fn truncated(wire: &mut Wire) -> Result<(), String> {
    // Below the 14 octets of a header the kernel itself refuses to send.
    let frame = REQUEST.frame();
    (14..42).try_for_each(|length| wire.silent(frame.get(..length).unwrap_or_default()))
}

fn probes(wire: &mut Wire) -> Result<(), String> {
    let sender = (PEER_MAC, Ipv4Addr::UNSPECIFIED);
    let reply = Arp { target: sender, ..REPLY };
    wire.answered(&Arp { sender, ..REQUEST }.frame(), &reply.frame())
}

// proves: reply-none
fn announcements(wire: &mut Wire) -> Result<(), String> {
    for operation in [1, 2] {
        for hardware in [ZERO, BROADCAST, PEER_MAC] {
            wire.silent(&Arp { operation, target: (hardware, PEER), ..REQUEST }.frame())?;
        }
    }
    Ok(())
}

// proves: sender-hardware-station
fn no_station(wire: &mut Wire) -> Result<(), String> {
    for hardware in [BROADCAST, ZERO, GROUP] {
        wire.silent(&Arp { sender: (hardware, PEER), ..REQUEST }.frame())?;
    }
    Ok(())
}

// proves: sender-hardware-ours
fn own_echo(wire: &mut Wire) -> Result<(), String> {
    wire.silent(&Arp { source: OUR_MAC, sender: (OUR_MAC, PEER), ..REQUEST }.frame())?;
    wire.silent(&Arp { source: OUR_MAC, sender: (OUR_MAC, OURS), ..REQUEST }.frame())
}

// proves: sender-protocol-host
fn no_host(wire: &mut Wire) -> Result<(), String> {
    for address in [[255; 4], [10, 0, 0, 255], [224, 0, 0, 1], [239, 255, 255, 255], [127, 0, 0, 1]] {
        wire.silent(&Arp { sender: (PEER_MAC, address.into()), ..REQUEST }.frame())?;
    }
    Ok(())
}

// proves: sender-protocol-ours, rfc5227-always, rfc5227-defend-interval
fn conflicts(wire: &mut Wire) -> Result<(), String> {
    let conflict = Arp { sender: (PEER_MAC, OURS), ..REQUEST };
    // One announcement is the defence. It may come after the reply to whatever is asked next.
    let said = [wire.ask(&conflict.frame())?, wire.ask(&REQUEST.frame())?].concat();
    for expected in [ANNOUNCEMENT, REPLY] {
        if !said.contains(&expected.frame()) {
            return Err(format!("{} is missing", hex(&expected.frame())));
        }
    }
    if said.len() != 2 {
        return Err(format!("{} frames because of a conflict and a request", said.len()));
    }
    for operation in [1, 2] {
        wire.silent(&Arp { operation, ..conflict }.frame())?;
    }
    Ok(())
}

// proves: reply-one
fn a_thousand(wire: &mut Wire) -> Result<(), String> {
    (0..1_000).try_for_each(|_| wire.answered(&REQUEST.frame(), &REPLY.frame()))
}
