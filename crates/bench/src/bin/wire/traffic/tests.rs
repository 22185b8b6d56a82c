use super::*;

fn both() -> [Exchange; 2] {
    [Load::Arp, Load::Ping].map(|load| Traffic::plain(load).exchanges().remove(0))
}

#[test]
fn reply_is_accepted_with_or_without_padding() {
    for exchange in both() {
        assert!(exchange.is_answered_by(&exchange.reply));
        assert!(exchange.is_answered_by(&[&exchange.reply[..], &[0; 18]].concat()));
    }
}

#[test]
fn request_is_not_reply() {
    for exchange in both() {
        assert!(!exchange.is_answered_by(&exchange.request));
    }
}

#[test]
fn every_byte_of_reply_is_compared() {
    for exchange in both() {
        for at in 0..exchange.reply.len() {
            let mut reply = exchange.reply.clone();
            reply[at] ^= 1;
            assert!(!exchange.is_answered_by(&reply), "{:?} at {at}", exchange.load);
        }
        assert!(!exchange.is_answered_by(&exchange.reply[1..]));
    }
}

#[test]
fn echo_reply_may_have_another_time_to_live_and_checksum() {
    let [_, exchange] = both();
    let mut reply = exchange.reply.clone();
    reply[IP + 8] = 255;
    assert!(!exchange.is_answered_by(&reply));
    reply[IP + 10..IP + 12].fill(0);
    write_checksum(&mut reply[IP..ICMP], 10);
    assert!(exchange.is_answered_by(&reply));
}

#[test]
fn exchanges_visit_each_host_once() {
    let responders = AddressRange { count: 1 << 12, ..RESPONDER };
    let exchanges = Traffic { responders, ..Traffic::plain(Load::Ping) }.exchanges();
    let mut destinations: Vec<_> = exchanges.iter().map(|exchange| exchange.request[..6].to_vec()).collect();
    destinations.sort();
    destinations.dedup();
    assert_eq!(destinations.len(), 1 << 12);
}

#[test]
fn only_request_for_requester_is_answered() {
    let responder = Traffic { requesters: RESPONDER, responders: REQUESTER, load: Load::Arp };
    let question = responder.exchanges().remove(0);
    let answer = Exchange::answer_to(&question.request).expect("request should get a reply");
    assert!(question.is_answered_by(&answer));
    let mut other = question.request.clone();
    other[41] ^= 8;
    assert_eq!(Exchange::answer_to(&other), None);
    for exchange in both() {
        assert_eq!(Exchange::answer_to(&exchange.request), None);
        assert_eq!(Exchange::answer_to(&exchange.reply), None);
    }
}
