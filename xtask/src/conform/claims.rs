//! Questions about conflicts: RFC 5227.

use super::case::{Case, Outcome};
use super::frames::{Arp, CONFLICT, OTHER, OUR_MAC, OURS, PEER, PEER_MAC, ZERO};
use super::session::Session;
use super::wire::Wire;

pub(super) const CASES: &[Case] = &[
    Case::new("a sender with our address is not answered", "RFC 5227 2.4", conflicts),
    Case::of_table("a sender with our address teaches nothing", "RFC 5227 2.4", conflicts_teach_nothing),
];

// proves: sender-protocol-ours
fn conflicts(wire: &mut Wire) -> Outcome {
    for operation in [1, 2] {
        wire.silent(&Arp { operation, ..CONFLICT }.frame())?;
    }
    Ok(())
}

// proves: sender-protocol-ours
fn conflicts_teach_nothing(session: &mut Session) -> Outcome {
    let packets = [1, 2].into_iter().flat_map(|operation| {
        let conflict = Arp { operation, ..CONFLICT };
        [(OUR_MAC, OURS), (ZERO, OTHER), (PEER_MAC, PEER)].map(|target| Arp { target, ..conflict }.frame())
    });
    session.teach_nothing(&packets.collect::<Vec<_>>())
}
