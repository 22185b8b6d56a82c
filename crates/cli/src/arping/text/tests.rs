use super::*;
use crate::arping::tests::{first_reply, inquiry, reply};
use arp::PacketFields;
use arptools::Requester;
use std::net::Ipv4Addr;
use tap::Instant;

#[test]
fn arping_text_equals_iputils_output() {
    let (mut inquiry, first) = first_reply();
    let interface = "tap0".parse().unwrap();
    let event = |inquiry: &_, event: ArpingEvent<'_>| lines(Styler::DISABLED, inquiry, &event);
    let start = event(&inquiry, ArpingEvent::Start { interface: &interface });
    assert_eq!(start, "ARPING 10.0.0.1 from 10.0.0.2 tap0");
    let line = event(&inquiry, ArpingEvent::Reply(first));
    assert_eq!(line, "Unicast reply from 10.0.0.1 [02:00:00:00:00:0A]  0.613ms");
    let again = reply(&mut inquiry, 1_000_499, |_| {}).unwrap();
    let line = event(&inquiry, ArpingEvent::Reply(InquiryReply { is_broadcast: true, ..again }));
    assert_eq!(line, "Broadcast reply from 10.0.0.1 [02:00:00:00:00:0A]  1.000ms (DUP!)");
    let counts = event(&inquiry, ArpingEvent::Statistics(InquiryOutcome::Answered));
    assert_eq!(
        counts,
        "Sent 1 probes (1 broadcast(s))\nReceived 2 response(s) (1 duplicate(s))\n\
        1 of 1 request answered, 0% loss\nrtt min/avg/max = 0.613/0.613/0.613 ms"
    );
}

#[test]
fn text_names_both_stations_of_conflict() {
    let (mut inquiry, _) = first_reply();
    let rival = |packet: &mut PacketFields| packet.sender_hardware = MacAddr::new([2, 0, 0, 0, 0, 11]);
    let second = reply(&mut inquiry, 700_000, rival).unwrap();
    let line = lines(Styler::DISABLED, &inquiry, &ArpingEvent::Reply(second));
    let expected = "Unicast reply from 10.0.0.1 [02:00:00:00:00:0B]  0.700ms (DUP!) (CONFLICT: also at 02:00:00:00:00:0a)";
    assert_eq!(line, expected);
    inquiry.sent(Instant::from_nanos(1_000_000_000));
    let end = ArpingEvent::Statistics(InquiryOutcome::Answered);
    let verdict = "10.0.0.1 is used by two stations: 02:00:00:00:00:0a, 02:00:00:00:00:0b";
    let expected =
        format!("\n1 of 2 requests answered, 50% loss\nrtt min/avg/max = 0.613/0.613/0.613 ms\n{verdict}");
    let text = lines(Styler::DISABLED, &inquiry, &end);
    assert!(text.ends_with(&expected), "{text}");
    let text = lines(Styler::ENABLED, &inquiry, &end);
    assert!(text.ends_with(&format!("\u{1b}[1m\u{1b}[31m{verdict}\u{1b}[0m")), "{text:?}");
}

#[test]
fn text_without_reply_has_no_round_trip_times() {
    let mut inquiry = inquiry(Purpose::Find);
    let end = |inquiry: &_, outcome| lines(Styler::DISABLED, inquiry, &ArpingEvent::Statistics(outcome));
    let nothing = end(&inquiry, InquiryOutcome::NothingSent);
    assert_eq!(nothing, "Sent 0 probes (0 broadcast(s))\nReceived 0 response(s)");
    inquiry.sent(Instant::ORIGIN);
    let text = end(&inquiry, InquiryOutcome::NoReply);
    assert!(text.ends_with("\nReceived 0 response(s)\n0 of 1 request answered, 100% loss"), "{text}");
}

#[test]
fn text_of_probe_ends_with_verdict() {
    let mut inquiry = inquiry(Purpose::Probe);
    inquiry.sent(Instant::ORIGIN);
    let end = |inquiry: &_, outcome| lines(Styler::DISABLED, inquiry, &ArpingEvent::Statistics(outcome));
    let counts = "Sent 1 probes (1 broadcast(s))\nReceived 0 response(s)";
    assert_eq!(end(&inquiry, InquiryOutcome::Free), format!("{counts}\n10.0.0.1 is free"));
    assert_eq!(end(&inquiry, InquiryOutcome::Unfinished), counts);
    reply(&mut inquiry, 5, |_| {}).unwrap();
    let text = end(&inquiry, InquiryOutcome::InUse);
    assert!(text.ends_with("\n10.0.0.1 is in use by 02:00:00:00:00:0a"), "{text}");
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
    let line = lines(Styler::DISABLED, &inquiry, &ArpingEvent::Reply(reply));
    let expected =
        "Unicast request from 0.0.0.0 [02:00:00:00:00:0A] for 10.0.0.1 [00:00:00:00:00:00]  UNSOLICITED?";
    assert_eq!(line, expected);
    let counts = lines(Styler::DISABLED, &inquiry, &ArpingEvent::Statistics(InquiryOutcome::InUse));
    assert_eq!(
        counts,
        "Sent 0 probes (0 broadcast(s))\nReceived 1 response(s) (1 request(s))\n\
        10.0.0.1 is probed by 02:00:00:00:00:0a"
    );
}
