use super::*;
use crate::traffic::{Load, Traffic};

#[test]
fn what_is_swapped_is_the_reply() {
    for load in [Load::Arp, Load::Ping] {
        let exchange = Traffic::plain(load).exchanges().remove(0);
        let mut frame = exchange.request.clone();
        assert_eq!(swap(&mut frame), Some(()));
        assert!(exchange.is_answered_by(&frame), "{load:?}");
    }
}

#[test]
fn what_is_neither_is_left_alone() {
    assert_eq!(swap(&mut [0; 60]), None);
    assert_eq!(swap(&mut [8; 13]), None);
}
