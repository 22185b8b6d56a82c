use super::*;
use crate::arping::tests::{first_reply, inquiry, reply};
use arp::PacketFields;
use arptools::inquiry::{InquiryOutcome, Purpose};
use std::net::Ipv4Addr;

#[test]
fn arping_text_equals_iputils_output() {
    let (mut inquiry, first) = first_reply();
    let interface = "tap0".parse().unwrap();
    let event = |inquiry: &_, event: ArpingEvent<'_>| lines(inquiry, &event);
    let start = event(&inquiry, ArpingEvent::Start { interface: &interface });
    assert_eq!(start, "ARPING 10.0.0.1 from 10.0.0.2 tap0");
    let line = event(&inquiry, ArpingEvent::Reply(first));
    assert_eq!(line, "Unicast reply from 10.0.0.1 [02:00:00:00:00:0A]  0.613ms");
    let again = reply(&mut inquiry, 1_000_499, |_| {}).unwrap();
    let line = event(&inquiry, ArpingEvent::Reply(InquiryReply { is_broadcast: true, ..again }));
    assert_eq!(line, "Broadcast reply from 10.0.0.1 [02:00:00:00:00:0A]  1.000ms (DUP!)");
    let counts = event(&inquiry, ArpingEvent::Statistics(InquiryOutcome::Answered));
    assert_eq!(counts, "Sent 1 probes (1 broadcast(s))\nReceived 2 response(s) (1 duplicate(s))");
}

#[test]
fn reply_text_names_target_when_it_is_another_host() {
    let mut inquiry = inquiry(Purpose::Probe);
    let other = |packet: &mut PacketFields| {
        packet.operation = Operation::REQUEST;
        (packet.sender_protocol, packet.target_protocol) =
            (Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(10, 0, 0, 1));
        packet.target_hardware = MacAddr::ZERO;
    };
    let reply = reply(&mut inquiry, 5, other).unwrap();
    let line = lines(&inquiry, &ArpingEvent::Reply(reply));
    let expected =
        "Unicast request from 0.0.0.0 [02:00:00:00:00:0A] for 10.0.0.1 [00:00:00:00:00:00]  UNSOLICITED?";
    assert_eq!(line, expected);
    let counts = lines(&inquiry, &ArpingEvent::Statistics(InquiryOutcome::InUse));
    assert_eq!(counts, "Sent 0 probes (0 broadcast(s))\nReceived 1 response(s) (1 request(s))");
}
