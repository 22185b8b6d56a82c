use super::*;
use crate::segments::{self, Numbers};
use crate::traffic::{RequestKind, Traffic};

#[test]
fn swapped_request_is_reply() {
    for kind in [RequestKind::Arp, RequestKind::Ping, RequestKind::Udp] {
        let exchange = Traffic::plain(kind).exchanges().remove(0);
        let mut frame = exchange.request.clone();
        assert_eq!(swap(&mut frame), Some(()));
        assert!(exchange.is_answered_by(&frame), "{kind:?}");
    }
}

#[test]
fn other_frames_are_not_swapped() {
    assert_eq!(swap(&mut [0; 60]), None);
    assert_eq!(swap(&mut [8; 13]), None);
}

#[test]
fn checksum_carries_around_when_it_overflows() {
    let mut frame = Traffic::plain(RequestKind::Ping).exchanges().remove(0).request;
    frame[36..38].copy_from_slice(&[0xf9, 0]);
    assert_eq!(swap(&mut frame), Some(()));
    assert_eq!(frame[36..38], [1, 1]);
}

#[test]
fn only_syn_is_swapped_into_syn_ack() {
    let numbers = Numbers { port: 40_000, sequence: 0xffff_ffff, acknowledgment: 0 };
    let mut frame = segments::frame(numbers, SYN);
    assert_eq!(swap(&mut frame), Some(()));
    let expected = Numbers { sequence: 0, ..numbers };
    assert_eq!(segments::syn_ack(&frame, false), Some(expected));
    for flags in [ACK, segments::RST] {
        assert_eq!(swap(&mut segments::frame(numbers, flags)), None, "flags {flags:#x}");
    }
}
