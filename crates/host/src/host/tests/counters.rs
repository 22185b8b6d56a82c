//! Names of counters and of drop reasons.

use base::Reason;

use super::*;
use crate::{DropReason, TxDropReason};

#[test]
fn counter_names_are_unique_identifiers_in_their_layer() {
    // `Host::counters` would add the counts of two counters with one name.
    let counters = crate::counters::of_interface(host(None).interfaces.first());
    for (index, counter) in counters.iter().enumerate() {
        let Counter { layer, name, text, .. } = *counter;
        assert!(name.starts_with(|first: char| first.is_ascii_lowercase()), "{layer}: {name}");
        let is_identifier = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(name.chars().all(is_identifier), "{layer}: {name}");
        let before = &counters[..index];
        assert!(!before.iter().any(|other| (other.layer, other.name) == (layer, name)), "{layer}: {name}");
        assert!(!before.iter().any(|other| (other.layer, other.text) == (layer, text)), "{layer}: {text}");
    }
}

#[test]
fn drop_reason_is_counted_by_loss_counter_of_its_name() {
    fn all<R: Reason + Into<DropReason>>() -> Vec<DropReason> {
        R::ALL.iter().map(|reason| (*reason).into()).collect()
    }
    let reasons = [
        all::<link::LinkDropReason>(),
        all::<arp::ArpDropReason>(),
        all::<ipv4::Ipv4DropReason>(),
        all::<icmp::IcmpDropReason>(),
        all::<udp::UdpDropReason>(),
        all::<TxDropReason>(),
        vec![
            DropReason::UnsupportedEtherType(link::EtherType::IPV6),
            DropReason::AddressNotInUse,
            DropReason::WrongMac,
            DropReason::NoListener,
            DropReason::NoRoute,
        ],
    ];
    let counters = host(None).counters();
    for reason in reasons.into_iter().flatten() {
        let is_of_reason = |other: &&Counter| (other.layer, other.name) == (reason.layer(), reason.name());
        assert!(counters.iter().find(is_of_reason).is_some_and(|counter| counter.is_loss), "{reason:?}");
    }
}
