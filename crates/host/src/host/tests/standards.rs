//! What a standard demands of everything that the host sends.

use super::rig::{Rig, datagram, echo, frame, framed, to_us};
use super::*;
use ipv4::{Datagram, Protocol};

/// The datagram in the only frame that was sent.
fn sent_datagram(frames: &[Vec<u8>]) -> Datagram<'_> {
    assert_eq!(frames.len(), 1);
    Datagram::parse(&frames[0][14..]).unwrap()
}

/// A datagram of a protocol that the host does not support.
fn unsupported() -> Vec<u8> {
    datagram(ipv4::Fields { protocol: Protocol(254), type_of_service: 0xb8, ..to_us() }, &[7; 8])
}

// proves: rfc1122-time-to-live-configurable
#[test]
fn reply_and_error_have_the_configured_time_to_live() {
    for time_to_live in [1, 64, 255] {
        let mut rig = Rig::new(&Config { time_to_live, ..config() });
        rig.hear(&[broadcast(&[&[8, 6], &request()])]);
        for asked in [datagram(to_us(), &echo(b"data")), unsupported()] {
            let sent = rig.hear(&[frame(&asked)]);
            assert_eq!(sent_datagram(&sent).time_to_live(), time_to_live);
        }
    }
    assert_eq!(config().time_to_live, 64);
}

// proves: rfc1122-error-service, rfc1349-reply-service, rfc1122-source-address
#[test]
fn error_has_type_of_service_0_and_reply_that_of_its_request() {
    let mut rig = Rig::acquainted();
    let ask = datagram(ipv4::Fields { type_of_service: 0xb8, ..to_us() }, &echo(b"data"));
    for (asked, type_of_service) in [(ask, 0xb8), (unsupported(), 0)] {
        let sent = rig.hear(&[frame(&asked)]);
        let sent = sent_datagram(&sent);
        assert_eq!(
            (sent.type_of_service(), sent.source(), sent.destination()),
            (type_of_service, OURS, PEER)
        );
    }
}

// proves: rfc3927-arp-for-everything
#[test]
fn link_local_host_resolves_every_destination_on_its_link() {
    let mut rig = Rig::new(&Config::link_local(OUR_MAC));
    rig.pass(Duration::from_secs(20));
    let ours = rig.host.address().unwrap().addr();
    for stranger in [[192, 0, 2, 1], [10, 0, 0, 9], [169, 254, 7, 7]] {
        let ask = ipv4::Fields::new(Protocol::ICMP, stranger.into(), ours);
        let sent = rig.hear(&[framed(OUR_MAC, PEER_MAC, &datagram(ask, &echo(b"data")))]);
        assert_eq!((sent.len(), &sent[0][12..14], &sent[0][38..42]), (1, &[8, 6][..], &stranger[..]));
    }
    let gateway = Config { gateway: Some([169, 254, 7, 7].into()), ..Config::link_local(OUR_MAC) };
    assert!(Host::new(NOW, &gateway).is_err(), "a link-local host has no gateway");
}
