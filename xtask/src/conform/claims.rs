//! Questions about conflicts: RFC 5227.

use super::case::{Case, Outcome};
use super::frames::{
    ANNOUNCEMENT, Arp, CONFLICT, OTHER, OUR_MAC, OURS, PEER, PEER_MAC, REPLY, REQUEST, ZERO, hex,
};
use super::session::Session;
use super::wire::Wire;

/// Asked last, of every host: the defence of an address is heard at most once in 10 s.
pub(super) const CASES: &[Case] = &[
    Case::new("a sender with our address meets one announcement", "RFC 5227 2.4", conflicts)
        .linux_differs("it does not defend its address, and leaves that to programs"),
    Case::of_table("a sender with our address teaches nothing", "RFC 5227 2.4", conflicts_teach_nothing),
];

// proves: sender-protocol-ours, rfc5227-always, rfc5227-defend-interval
fn conflicts(wire: &mut Wire) -> Outcome {
    // The defence may come after the reply to whatever is asked next.
    let heard = [wire.ask(&CONFLICT.frame())?, wire.ask(&REQUEST.frame())?].concat();
    for expected in [ANNOUNCEMENT, REPLY] {
        if !heard.contains(&expected.frame()) {
            return Err(format!("{} does not come", hex(&expected.frame())));
        }
    }
    if heard.len() != 2 {
        return Err(format!("{} frames because of a conflict and a request", heard.len()));
    }
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
