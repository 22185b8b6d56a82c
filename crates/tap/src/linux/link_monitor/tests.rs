use netlink_packet_core::Emitable;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};

use super::*;

const INDEX: u32 = 7;
const UP: LinkState = LinkState { is_up: true, has_carrier: true, mtu: 1_500 };
const LOST: LinkState = LinkState { has_carrier: false, ..UP };
const DOWN: LinkState = LinkState { is_up: false, has_carrier: false, mtu: 1_500 };

/// Returns a description of the interface, as the kernel sends it, with this number of carrier losses.
fn link(state: LinkState, losses: u32) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = INDEX;
    message.header.flags.set(LinkFlags::Up, state.is_up);
    message.header.flags.set(LinkFlags::Running | LinkFlags::LowerUp, state.has_carrier);
    message.attributes =
        vec![LinkAttribute::Mtu(u32::try_from(state.mtu).unwrap()), LinkAttribute::CarrierDownCount(losses)];
    message
}

fn history() -> LinkHistory {
    LinkHistory::new(&parsed(&link(UP, 0)))
}

fn parsed(message: &LinkMessage) -> LinkInfo {
    LinkInfo::parse(&payload(message)).unwrap()
}

fn payload(message: &LinkMessage) -> Vec<u8> {
    let mut payload = vec![0; message.buffer_len()];
    message.emit(&mut payload);
    payload
}

/// Applies a notification. Returns the changes that the notification adds.
fn apply(history: &mut LinkHistory, kind: u16, message: &LinkMessage) -> Vec<LinkState> {
    history.apply(Message::notification(kind, &payload(message)));
    history.changes.drain(..).collect()
}

#[test]
fn link_history_reports_each_change_in_order() {
    let mut history = history();
    let jumbo = LinkState { mtu: 9_000, ..UP };
    for (state, losses) in [(DOWN, 1), (UP, 1), (jumbo, 1), (UP, 1)] {
        assert_eq!(apply(&mut history, libc::RTM_NEWLINK, &link(state, losses)), [state]);
        assert_eq!(apply(&mut history, libc::RTM_NEWLINK, &link(state, losses)), []);
    }
}

#[test]
fn link_history_reports_carrier_loss_when_kernel_merges_it_with_return() {
    let mut history = history();
    assert_eq!(apply(&mut history, libc::RTM_NEWLINK, &link(UP, 1)), [LOST, UP]);
    assert_eq!(apply(&mut history, libc::RTM_NEWLINK, &link(UP, 1)), []);
    assert_eq!(apply(&mut history, libc::RTM_NEWLINK, &link(LOST, 2)), [LOST]);
    assert_eq!(apply(&mut history, libc::RTM_NEWLINK, &link(UP, 2)), [UP]);
}

#[test]
fn link_history_keeps_mtu_when_notification_has_none() {
    let mut history = history();
    let mut message = link(UP, 0);
    message.attributes.clear();
    assert_eq!(apply(&mut history, libc::RTM_NEWLINK, &message), []);
    assert_eq!(apply(&mut history, libc::RTM_NEWLINK, &link(UP, 1)), [LOST, UP]);
}

#[test]
fn link_history_ignores_other_interfaces_and_bridge_ports() {
    let mut history = history();
    let mut other = link(DOWN, 0);
    other.header.index = INDEX + 1;
    let mut port = link(DOWN, 0);
    port.header.interface_family = AddressFamily::Bridge;
    for message in [other, port] {
        for kind in [libc::RTM_NEWLINK, libc::RTM_DELLINK] {
            assert_eq!(apply(&mut history, kind, &message), []);
        }
    }
    assert!(!history.is_deleted);
    apply(&mut history, libc::RTM_DELLINK, &link(DOWN, 0));
    assert!(history.is_deleted);
}

#[test]
fn link_history_reports_down_when_notifications_were_lost() {
    for current in [UP, LOST, DOWN] {
        let mut history = history();
        history.resynchronize(Some(&parsed(&link(current, 0))));
        let expected = if current == DOWN { vec![DOWN] } else { vec![DOWN, current] };
        assert_eq!(Vec::from(history.changes), expected);
    }
    let mut history = history();
    history.resynchronize(None);
    assert!(history.is_deleted);
}
