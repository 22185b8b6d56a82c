use super::*;

fn all() -> [Exchange; 3] {
    [RequestKind::Arp, RequestKind::Ping, RequestKind::Udp]
        .map(|kind| Traffic::plain(kind).exchanges().remove(0))
}

#[test]
fn reply_is_accepted_with_or_without_padding() {
    for exchange in all() {
        assert!(exchange.is_answered_by(&exchange.reply));
        assert!(exchange.is_answered_by(&[&exchange.reply[..], &[0; 18]].concat()));
    }
}

#[test]
fn request_is_not_reply() {
    for exchange in all() {
        assert!(!exchange.is_answered_by(&exchange.request));
    }
}

#[test]
fn every_byte_of_reply_is_compared() {
    for exchange in all() {
        for at in 0..exchange.reply.len() {
            let mut reply = exchange.reply.clone();
            reply[at] ^= 1;
            assert!(!exchange.is_answered_by(&reply), "{:?} at {at}", exchange.kind);
        }
        assert!(!exchange.is_answered_by(&exchange.reply[1..]));
    }
}

#[test]
fn echo_reply_may_have_another_time_to_live_and_checksum() {
    let [_, exchange, _] = all();
    let mut reply = exchange.reply.clone();
    reply[IP + 8] = 255;
    assert!(!exchange.is_answered_by(&reply));
    reply[IP + 10..IP + 12].fill(0);
    write_checksum(&mut reply[IP..PAYLOAD], 10);
    assert!(exchange.is_answered_by(&reply));
}

#[test]
fn udp_checksum_covers_pseudo_header_and_datagram() {
    let [_, _, exchange] = all();
    for frame in [&exchange.request, &exchange.reply] {
        let length = u8::try_from(frame.len() - PAYLOAD).expect("the datagram should be short");
        let covered = [&frame[IP + 12..PAYLOAD], &[0, 17, 0, length], &frame[PAYLOAD..]].concat();
        assert_eq!(sum(&covered), 0xffff);
    }
}

#[test]
fn echoed_datagram_must_have_source_and_data_of_reply() {
    let [arp, _, exchange] = all();
    let (source, data) = (SocketAddrV4::new(RESPONDER.ip, ECHO_PORT), exchange.request[42..].to_vec());
    assert!(exchange.is_echoed_by(source, &data), "the echo was refused");
    let port = SocketAddrV4::new(RESPONDER.ip, ECHO_PORT + 1);
    for other in [SocketAddrV4::new(REQUESTER.ip, ECHO_PORT), port] {
        assert!(!exchange.is_echoed_by(other, &data), "an echo from {other} was accepted");
    }
    for at in 0..data.len() {
        let mut changed = data.clone();
        changed[at] ^= 1;
        assert!(!exchange.is_echoed_by(source, &changed), "changed data at {at} was accepted");
    }
    assert!(!exchange.is_echoed_by(source, &data[1..]), "shorter data was accepted");
    assert!(!exchange.is_echoed_by(source, &[&data[..], &[0]].concat()), "longer data was accepted");
    assert!(!arp.is_echoed_by(source, &data), "an echo was accepted for an ARP request");
}

#[test]
fn udp_socket_receives_replies_to_one_requester_only() {
    let requesters = AddressRange { count: 2, ..REQUESTER };
    assert!(Traffic::plain(RequestKind::Udp).has_udp_socket());
    assert!(!Traffic { requesters, ..Traffic::plain(RequestKind::Udp) }.has_udp_socket());
    assert!(!Traffic::plain(RequestKind::Arp).has_udp_socket());
}

#[test]
fn exchanges_visit_each_host_once() {
    let responders = AddressRange { count: 1 << 12, ..RESPONDER };
    let exchanges = Traffic { responders, ..Traffic::plain(RequestKind::Ping) }.exchanges();
    let mut destinations: Vec<_> = exchanges.iter().map(|exchange| exchange.request[..6].to_vec()).collect();
    destinations.sort();
    destinations.dedup();
    assert_eq!(destinations.len(), 1 << 12);
}

#[test]
fn only_request_for_requester_is_answered() {
    let responder =
        Traffic { requesters: RESPONDER, responders: REQUESTER, ..Traffic::plain(RequestKind::Arp) };
    let question = responder.exchanges().remove(0);
    let answer = Exchange::answer_to(&question.request).expect("request should get a reply");
    assert!(question.is_answered_by(&answer));
    let mut other = question.request.clone();
    other[41] ^= 8;
    assert_eq!(Exchange::answer_to(&other), None);
    for exchange in all() {
        assert_eq!(Exchange::answer_to(&exchange.request), None);
        assert_eq!(Exchange::answer_to(&exchange.reply), None);
    }
}

#[test]
fn each_datagram_has_checksum_for_any_address() {
    let responders = AddressRange { ip: Ipv4Addr::new(10, 1, 0, 0), count: 1 << 16, ..RESPONDER };
    let traffic = Traffic { responders, ..Traffic::plain(RequestKind::Udp) };
    for Exchange { request, reply, .. } in traffic.exchanges() {
        let checksum = [PAYLOAD + 6, PAYLOAD + 7];
        assert!(checksum.iter().any(|at| request[*at] != 0), "a request has no checksum");
        assert!(checksum.iter().any(|at| reply[*at] != 0), "a reply has no checksum");
    }
}
