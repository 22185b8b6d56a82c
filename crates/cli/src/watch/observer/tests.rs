use super::*;
use crate::watch::tests::{at, request, scene};
use arptools::census::Row;

fn tagged(tags: &[u8]) -> Vec<u8> {
    let plain = request(7, 1);
    let (addresses, rest) = plain.split_at(12);
    [addresses, tags, rest].concat()
}

fn rows(vlan: Option<u16>, tags: &[u8]) -> (String, Vec<Row>) {
    let mut observer = Observer::new(vlan.and_then(VlanId::new));
    let decision = observer.hear(at(0), &tagged(tags)).to_string();
    (decision, observer.census.iter(at(0)).collect())
}

#[test]
fn the_tag_of_a_frame_says_which_vlan_its_addresses_are_in() {
    let subject = |vlan, tags: &[u8]| {
        let (decision, rows) = rows(vlan, tags);
        (decision, rows.first().map(|row| row.subject.to_string()))
    };
    let heard = |subject: &str| ("new".to_owned(), Some(subject.to_owned()));
    let ignored = ("ignored: another VLAN".to_owned(), None);
    let (five, priority) = ([0x81, 0, 0x20, 5], [0x81, 0, 0x20, 0]);
    assert_eq!(subject(None, &[]), heard("10.0.0.7"));
    assert_eq!(subject(None, &five), heard("10.0.0.7@5"));
    assert_eq!(subject(None, &priority), heard("10.0.0.7"));
    assert_eq!(subject(None, &[priority, five].concat()), heard("10.0.0.7@5"));
    assert_eq!(subject(None, &[five, five].concat()).1, None);
    assert_eq!(subject(None, &[0x88, 0xa8, 0, 5]).1, None);
    assert_eq!(subject(Some(5), &five), heard("10.0.0.7@5"));
    assert_eq!(subject(Some(5), &[]), ignored);
    assert_eq!(subject(Some(6), &five), ignored);
}

#[test]
fn frames_without_arp_are_none_of_its_business_and_counted() {
    let mut observer = Observer::new(None);
    let ipv4 = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1], &[8, 0], &[0; 28]].concat();
    assert_eq!(observer.hear(at(0), &ipv4).to_string(), "ignored: nobody here speaks IPv4 (0x0800)");
    assert_eq!(observer.hear(at(1), &[0; 13]).to_string(), "ignored: shorter than an Ethernet header");
    assert_eq!((observer.ignored, observer.counts().packets()), (2, 0));
    let cut = request(7, 1);
    assert_eq!(observer.hear(at(1), &cut[..41]).to_string(), "dropped: shorter than an ARP packet");
    assert_eq!((observer.ignored, observer.counts().packets()), (2, 1));
}

#[test]
fn the_first_conflict_is_kept() {
    let (observer, told) = scene();
    let conflict = told.iter().map(|(_, event)| *event).find(|event| matches!(event, Event::Conflict { .. }));
    assert!(conflict.is_some());
    assert_eq!((observer.conflict, observer.began, observer.now), (conflict, Some(at(0)), at(4_200)));
}
