use super::*;
use crate::watch::tests::{at, request};
use arptools::census::CensusEntry;

fn tagged(tags: &[u8]) -> Vec<u8> {
    let plain = request(7, 1);
    let (addresses, rest) = plain.split_at(12);
    [addresses, tags, rest].concat()
}

fn rows(vlan: Option<u16>, tags: &[u8]) -> (String, Vec<CensusEntry>) {
    let mut observer = Observer::new(vlan.and_then(VlanId::new));
    let decision = observer.observe(at(0), &tagged(tags)).to_string();
    (decision, observer.census.iter(at(0)).collect())
}

#[test]
fn address_is_in_vlan_of_frame_tag() {
    let address = |vlan, tags: &[u8]| {
        let (decision, rows) = rows(vlan, tags);
        (decision, rows.first().map(|row| row.address.to_string()))
    };
    let counted = |address: &str| ("new".to_owned(), Some(address.to_owned()));
    let ignored = ("ignored: another VLAN".to_owned(), None);
    let (five, priority) = ([0x81, 0, 0x20, 5], [0x81, 0, 0x20, 0]);
    assert_eq!(address(None, &[]), counted("10.0.0.7"));
    assert_eq!(address(None, &five), counted("10.0.0.7@5"));
    assert_eq!(address(None, &priority), counted("10.0.0.7"));
    assert_eq!(address(None, &[priority, five].concat()), counted("10.0.0.7@5"));
    assert_eq!(address(None, &[five, five].concat()).1, None);
    assert_eq!(address(None, &[0x88, 0xa8, 0, 5]).1, None);
    assert_eq!(address(Some(5), &five), counted("10.0.0.7@5"));
    assert_eq!(address(Some(5), &[]), ignored);
    assert_eq!(address(Some(6), &five), ignored);
}

#[test]
fn frame_without_arp_is_ignored_and_counted() {
    let mut observer = Observer::new(None);
    let ipv4 = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1], &[8, 0], &[0; 28]].concat();
    assert_eq!(observer.observe(at(0), &ipv4).to_string(), "ignored: unsupported EtherType IPv4 (0x0800)");
    assert_eq!(observer.observe(at(1), &[0; 13]).to_string(), "ignored: shorter than an Ethernet header");
    assert_eq!((observer.ignored, observer.counts().packets()), (2, 0));
    let cut = request(7, 1);
    assert_eq!(observer.observe(at(1), &cut[..41]).to_string(), "dropped: shorter than an ARP packet");
    assert_eq!((observer.ignored, observer.counts().packets()), (2, 1));
}

#[test]
fn cooked_capture_is_counted_like_ethernet() {
    let frame = |link_type, bytes| CapturedFrame {
        number: 1,
        interface: capture::PacketInterface::default(),
        link_type,
        time: None,
        length: 0,
        captured: 0,
        bytes,
        direction: None,
        comments: Vec::new(),
    };
    let header = [0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 7, 0, 0, 8, 6];
    let cooked = [&header[..], &request(7, 1)[14..]].concat();
    let mut observer = Observer::new(None);
    let decision = observer.observe_captured(at(0), &frame(LinkType::LINUX_SLL, &cooked));
    assert_eq!(decision.to_string(), "new");
    let row = observer.census.iter(at(0)).next().map(|row| (row.address.to_string(), row.mac));
    assert_eq!(row, Some(("10.0.0.7".to_owned(), link::MacAddr::new([2, 0, 0, 0, 0, 7]))));
    assert_eq!(observer.counts().broadcast, 1);
    let decision = observer.observe_captured(at(1), &frame(LinkType::RAW, &[0x45; 20]));
    assert_eq!(decision.to_string(), "ignored: unsupported EtherType IPv4 (0x0800)");
    let decision = observer.observe_captured(at(2), &frame(LinkType::LINUX_SLL, &header[..15]));
    assert_eq!(decision.to_string(), "ignored: shorter than an Ethernet header");
    assert_eq!((observer.ignored, observer.counts().packets()), (2, 1));
}

#[test]
fn frames_of_ignored_stations_are_excluded_and_counted() {
    let station = IgnoredStation::Range("10.0.0.7".parse::<std::net::Ipv4Addr>().unwrap().into());
    let mut observer = Observer { ignored_stations: vec![station], ..Observer::new(None) };
    assert_eq!(observer.observe(at(0), &request(7, 1)).to_string(), "ignored: station of --ignore");
    assert_eq!(observer.observe(at(0), &request(8, 7)).to_string(), "new");
    assert_eq!((observer.excluded, observer.ignored, observer.counts().packets()), (1, 0, 1));
}
