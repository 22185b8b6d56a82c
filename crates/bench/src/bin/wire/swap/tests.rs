use super::*;
use crate::traffic::{Load, Traffic};

#[test]
fn swapped_request_is_reply() {
    for load in [Load::Arp, Load::Ping, Load::Udp] {
        let exchange = Traffic::plain(load).exchanges().remove(0);
        let mut frame = exchange.request.clone();
        assert_eq!(swap(&mut frame), Some(()));
        assert!(exchange.is_answered_by(&frame), "{load:?}");
    }
}

#[test]
fn other_frames_are_not_swapped() {
    assert_eq!(swap(&mut [0; 60]), None);
    assert_eq!(swap(&mut [8; 13]), None);
}

#[test]
fn checksum_carries_around_when_it_overflows() {
    let mut frame = Traffic::plain(Load::Ping).exchanges().remove(0).request;
    frame[36..38].copy_from_slice(&[0xf9, 0]);
    assert_eq!(swap(&mut frame), Some(()));
    assert_eq!(frame[36..38], [1, 1]);
}
