use arptools::sweep::{SweepOutcome, SweepReply};

use super::*;
use crate::clock::Moment;
use crate::scan::tests::{RIVAL, reply, sweep};
use arp::PacketFields;
use arptools::Requester;
use std::net::Ipv4Addr;

const IANA: MacAddr = MacAddr::new([0, 0, 0x5e, 0, 1, 1]);

fn name(address: MacAddr) -> Option<&'static str> {
    (address == IANA).then_some("IANA")
}

fn printed(sweep: &Sweep, event: &ScanEvent) -> String {
    printed_with(sweep, &ScanStations::default(), event)
}

fn printed_with(sweep: &Sweep, stations: &ScanStations, event: &ScanEvent) -> String {
    lines(Styler::DISABLED, false, &"tap0".parse().unwrap(), (sweep, stations), Some(name), event)
}

fn event(reply: SweepReply) -> ReplyEvent {
    ReplyEvent { reply, at: Moment::of_nanos(0), name: None }
}

fn line(reply: SweepReply) -> String {
    printed(&sweep(), &ScanEvent::Reply(event(reply)))
}

fn statistics(elapsed: Duration, lost: u64, differences: Option<usize>) -> ScanEvent {
    ScanEvent::Statistics { outcome: SweepOutcome::Found, elapsed, lost, differences }
}

#[test]
fn scan_text_has_format_of_arp_scan() {
    let mut sweep = sweep();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        printed(&sweep, &ScanEvent::Start),
        format!(
            "Interface: tap0, type: EN10MB, MAC: 02:00:00:00:00:09, IPv4: 10.0.0.9\n\
            Starting tapstack {version} with 2 hosts"
        )
    );
    assert_eq!(line(reply(&mut sweep, IANA)), "10.0.0.1\t00:00:5e:00:01:01\tIANA");
    assert_eq!(line(reply(&mut sweep, IANA)), "10.0.0.1\t00:00:5e:00:01:01\tIANA (DUP: 2)");
    let elapsed = Duration::from_millis(1_500);
    assert_eq!(
        printed(&sweep, &statistics(elapsed, 0, None)),
        format!(
            "\n1 request sent, 2 replies received\n\
            Ending tapstack {version}: 1 host scanned in 1.500 seconds (0.66 hosts/sec). 1 responded"
        )
    );
}

#[test]
fn conflict_is_marked_in_reply_and_summary() {
    let mut sweep = sweep();
    let first = reply(&mut sweep, MacAddr::new([0, 1, 2, 3, 4, 5]));
    assert_eq!(line(first), "10.0.0.1\t00:01:02:03:04:05\t(Unknown)");
    let second = reply(&mut sweep, RIVAL);
    let text = "10.0.0.1\t02:00:00:00:00:0b\t(Unknown: locally administered) (DUP: 2) (CONFLICT: also at 00:01:02:03:04:05)";
    assert_eq!(line(second), text);
    let bold = reply_text(Styler::ENABLED, false, &event(second), Some(name));
    assert!(
        bold.ends_with("(DUP: 2) \u{1b}[1m\u{1b}[31m(CONFLICT: also at 00:01:02:03:04:05)\u{1b}[0m"),
        "{bold:?}"
    );
    sweep.refused(1);
    let end = printed(&sweep, &statistics(Duration::ZERO, 3, None));
    assert!(
        end.starts_with("\n0 requests sent, 1 refused by the interface, 2 replies received, 3 frames lost\n"),
        "{end}"
    );
    assert!(end.contains(" 1 responded\nCONFLICT: several stations replied for 1 address\n"), "{end}");
}

#[test]
fn footer_lists_shared_addresses_and_stations_with_several_addresses() {
    let (mut sweep, mut stations) = (sweep(), ScanStations::default());
    let first = reply(&mut sweep, IANA);
    let second = reply(&mut sweep, RIVAL);
    let packet = PacketFields { sender_protocol: Ipv4Addr::new(10, 0, 0, 2), ..first.packet };
    for reply in [first, second, SweepReply { packet, ..first }] {
        stations.add(&reply);
    }
    let text = printed_with(&sweep, &stations, &statistics(Duration::ZERO, 0, None));
    let expected = "\nCONFLICT: several stations replied for 1 address\n\
        10.0.0.1 is used by two stations: 00:00:5e:00:01:01, 02:00:00:00:00:0b\n\
        00:00:5e:00:01:01 replied for 2 addresses, from 10.0.0.1 to 10.0.0.2";
    assert!(text.ends_with(expected), "{text}");
    let unlisted = printed(&sweep, &statistics(Duration::ZERO, 0, None));
    assert!(unlisted.ends_with("\n1 address with several stations not listed"), "{unlisted}");
}

#[test]
fn reply_line_ends_with_mac_address_when_vendors_are_off() {
    let reply = reply(&mut sweep(), IANA);
    let none: Option<fn(MacAddr) -> Option<&'static str>> = None;
    assert_eq!(reply_text(Styler::DISABLED, false, &event(reply), none), "10.0.0.1\t00:00:5e:00:01:01");
}

#[test]
fn name_of_host_follows_vendor() {
    let mut sweep = sweep();
    let mut found = event(reply(&mut sweep, IANA));
    let text = |event: &ReplyEvent| reply_text(Styler::DISABLED, true, event, Some(name));
    assert_eq!(text(&found), "10.0.0.1\t00:00:5e:00:01:01\tIANA\t-");
    found.name = Some("router.example".to_owned());
    assert_eq!(text(&found), "10.0.0.1\t00:00:5e:00:01:01\tIANA\trouter.example");
    let duplicate = ReplyEvent { name: found.name, ..event(reply(&mut sweep, IANA)) };
    assert_eq!(text(&duplicate), "10.0.0.1\t00:00:5e:00:01:01\tIANA\trouter.example (DUP: 2)");
}

#[test]
fn differences_are_lines_and_counted_at_end() {
    let line = |old: &[MacAddr], new: &[MacAddr]| {
        let difference = Difference { ip: [10, 0, 0, 7].into(), old: old.to_vec(), new: new.to_vec() };
        printed(&sweep(), &ScanEvent::Difference(difference))
    };
    assert_eq!(line(&[], &[IANA]), "added 10.0.0.7 is at 00:00:5e:00:01:01");
    assert_eq!(line(&[IANA], &[]), "gone 10.0.0.7 was at 00:00:5e:00:01:01");
    assert_eq!(
        line(&[IANA], &[IANA, RIVAL]),
        "moved 10.0.0.7 from 00:00:5e:00:01:01 to 00:00:5e:00:01:01, 02:00:00:00:00:0b"
    );
    for (count, text) in [(0, "\n0 differences"), (1, "\n1 difference")] {
        let end = printed(&sweep(), &statistics(Duration::ZERO, 0, Some(count)));
        assert!(end.ends_with(text), "{end}");
    }
}
