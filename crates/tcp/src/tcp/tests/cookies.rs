//! SYN cookies.

use super::*;

/// Returns a host without capacity for half-open connections.
fn flooded() -> (Node, ListenerId) {
    let mut node = Node::new(TcpLimits { half_open: 0, ..TcpLimits::default() });
    let listener = node.listen(5);
    (node, listener)
}

// proves: tcp-cookies, tcp-cookies-options
#[test]
fn cookie_establishes_connection_with_options_of_syn() {
    let (mut node, listener) = flooded();
    let reply = node.receive(&syn_with_options(client(1), 77)).expect("no SYN,ACK");
    assert_eq!(node.tcp.totals().half_open, 0);
    assert!(reply.options.window_scale.is_some() && reply.options.sack_permitted);
    node.wait(Duration::from_mins(1));
    assert_eq!(node.reason(&answer(&reply)), None);
    let id = node.tcp.accept(listener).expect("no connection");
    let info = node.tcp.info(id).expect("no such connection");
    assert!(info.has_timestamps && info.has_sack);
    assert_eq!((info.window_scales, info.send_segment_size), (Some((7, 7)), 1448));
    let counters = node.tcp.counters();
    assert_eq!((counters.cookies_sent, counters.cookies_accepted, counters.passive_opens), (1, 1, 1));
}

// proves: tcp-cookies-options
#[test]
fn cookie_without_timestamps_offers_segment_size_only() {
    let (mut node, listener) = flooded();
    let mut segment = syn_with_options(client(1), 77);
    segment.options.timestamps = None;
    let reply = node.receive(&segment).expect("no SYN,ACK");
    let options = Options { maximum_segment_size: Some(1460), ..Options::NONE };
    assert_eq!(reply.options, options);
    node.receive_data(&answer(&reply), b"GET");
    let id = node.tcp.accept(listener).expect("no connection");
    let info = node.tcp.info(id).expect("no such connection");
    assert_eq!((info.window_scales, info.has_sack, info.has_timestamps), (None, false, false));
    assert_eq!(node.tcp.chunk(id), Some(&b"GET"[..]));
}

// proves: tcp-cookies-options, rfc3168-accept
#[test]
fn cookie_keeps_agreement_on_ecn_if_the_syn_has_timestamps() {
    for has_timestamps in [true, false] {
        let (mut node, listener) = flooded();
        let mut segment = syn_with_options(client(1), 77);
        segment.flags = segment.flags | Flags::ECE | Flags::CWR;
        segment.options.timestamps = segment.options.timestamps.filter(|_| has_timestamps);
        let reply = node.receive(&segment).expect("no SYN,ACK");
        assert_eq!(reply.flags.contains(Flags::ECE), has_timestamps);
        assert_eq!(node.reason(&answer(&reply)), None);
        let id = node.tcp.accept(listener).expect("no connection");
        assert_eq!(node.tcp.info(id).map(|info| info.has_ecn), Some(has_timestamps));
    }
}

// proves: tcp-cookies
#[test]
fn listener_that_sent_no_cookie_accepts_none() {
    let (mut flooded, _) = flooded();
    let reply = flooded.receive(&syn(client(1))).expect("no SYN,ACK");
    // The same secret, but no cookie was sent.
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let reset = node.receive(&answer(&reply)).expect("no reset");
    assert_eq!((reset.flags, node.tcp.accept(listener)), (Flags::RST, None));
}

// proves: tcp-cookies
#[test]
fn cookie_is_rejected_128_seconds_after_last_cookie() {
    for (seconds, is_accepted) in [(60, true), (200, false)] {
        let (mut node, listener) = flooded();
        let reply = node.receive(&syn(client(1))).expect("no SYN,ACK");
        node.wait(Duration::from_secs(seconds));
        let reset = node.receive(&answer(&reply));
        assert_eq!(node.tcp.accept(listener).is_some(), is_accepted, "after {seconds} s");
        assert_eq!(reset.is_none(), is_accepted);
    }
}

// proves: tcp-cookies
#[test]
fn forged_cookie_is_rejected_128_seconds_after_last_cookie() {
    // No host but this one can make such a cookie. Another host can only guess one.
    let forged = |node: &Node| {
        let addresses = (server(), client(1));
        let cookie = node.tcp.cookies.make(node.now, addresses, SequenceNumber::new(1000), 1460);
        from_client(client(1), Flags::ACK, 1001, cookie.plus(1).value())
    };
    for (after, is_accepted) in [(Duration::ZERO, true), (Duration::from_nanos(1), false)] {
        let (mut node, listener) = flooded();
        node.receive(&syn(client(2))).expect("no SYN,ACK");
        node.wait(Duration::from_secs(128) + after);
        let segment = forged(&node);
        node.receive(&segment);
        assert_eq!(node.tcp.accept(listener).is_some(), is_accepted, "{after:?} after 128 s");
    }
}

#[test]
fn acknowledgment_of_another_number_is_no_cookie() {
    let (mut node, _) = flooded();
    let reply = node.receive(&syn(client(1))).expect("no SYN,ACK");
    let ack = answer(&reply);
    for wrong in [
        SegmentFields { acknowledgment: ack.acknowledgment.plus(1), ..ack },
        SegmentFields { sequence: ack.sequence.plus(1), ..ack },
        SegmentFields { source: client(2), ..ack },
        SegmentFields { flags: Flags::SYN | Flags::ACK, ..ack },
    ] {
        assert_eq!(node.reason(&wrong), Some(TcpDropReason::AckToListener));
    }
    let reset = SegmentFields { flags: Flags::RST | Flags::ACK, ..ack };
    assert_eq!(node.reason(&reset), Some(TcpDropReason::ResetToListener));
    assert_eq!(node.tcp.totals().connections, 0);
}

// proves: tcp-half-open-bound, tcp-cookies
#[test]
fn listener_beyond_its_share_sends_cookies_and_others_do_not() {
    let mut node = Node::new(TcpLimits { half_open_per_listener: 2, ..TcpLimits::default() });
    node.listen(5);
    let other = Binding { addresses: (*server().ip()).into(), port: 81 };
    node.tcp.listen(other, 5, &settings()).expect("the listener was refused");
    for number in 0..4 {
        node.receive(&syn(client(number))).expect("no SYN,ACK");
    }
    assert_eq!((node.tcp.totals().half_open, node.tcp.counters().cookies_sent), (2, 2));
    let destination = SocketAddrV4::new(*server().ip(), 81);
    node.receive(&SegmentFields { destination, ..syn(client(9)) }).expect("no SYN,ACK");
    assert_eq!((node.tcp.totals().half_open, node.tcp.counters().cookies_sent), (3, 2));
}

// proves: tcp-backlog
#[test]
fn cookie_is_accepted_later_if_backlog_is_full() {
    let mut node = Node::new(TcpLimits { half_open: 0, ..TcpLimits::default() });
    let listener = node.listen(1);
    let replies = [1, 2].map(|number| node.receive(&syn(client(number))).expect("no SYN,ACK"));
    assert_eq!(node.reason(&answer(&replies[0])), None);
    assert_eq!(node.reason(&answer(&replies[1])), Some(TcpDropReason::BacklogFull));
    assert!(node.tcp.accept(listener).is_some(), "no connection");
    node.receive_data(&answer(&replies[1]), b"GET");
    assert!(node.tcp.accept(listener).is_some(), "the cookie was not accepted");
}
