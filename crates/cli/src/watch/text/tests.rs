use super::*;
use crate::watch::tests::{at, every_event, sample_census};

#[test]
fn event_text_and_time_fit_into_80_columns() {
    // The screen cuts off a long reason of an invalid packet.
    let events = every_event().into_iter().filter(|event| !matches!(event, CensusEvent::Invalid { .. }));
    for event in events {
        let line = format!("00:00:00 {}", event_text(event));
        assert!(line.len() <= 80, "{}: {line}", line.len());
        assert!(line.split(' ').nth(1).is_some_and(|word| word.len() > 2), "{line}");
    }
}

#[test]
fn event_texts_name_ip_and_mac_addresses() {
    let texts: Vec<_> = every_event().into_iter().map(event_text).collect();
    let (ip, a, b) = ("192.168.100.200", "02:00:00:00:00:aa", "02:00:00:00:00:bb");
    let expected = [
        format!("new {ip} is at {a}"),
        format!("moved {ip} from {a} to {b}"),
        format!("conflict {ip}: both {b} and {a}"),
        format!("probe {ip} by {a}"),
        format!("probe {ip} by {a}; in use by {b}"),
        format!("announced {ip} is at {a}"),
        format!("mismatch {ip}: {a} sent by {b}"),
        format!("invalid from {a}: invalid sender MAC address"),
        format!("invalid from {a}@5: invalid sender IP address"),
        format!("gone {ip} was at {a}"),
        format!("returned {ip} is at {a} after 1h"),
        format!("many addresses at {a}: 16"),
        format!("flood from {a}: 100 packets/s"),
        "flood in total: 1000 packets/s".to_owned(),
        format!("full: not tracking {ip} at {a}"),
        format!("evicted {ip}: table full"),
    ];
    assert_eq!(texts, expected);
}

#[test]
fn only_conflict_is_styled_as_error() {
    let errors: Vec<_> = every_event().into_iter().filter(|event| event_style(*event) == ERROR).collect();
    assert!(matches!(errors[..], [CensusEvent::Conflict { .. }]));
    assert!(every_event().into_iter().filter(|event| event_style(*event) == EMPHASIS).count() == 4);
}

#[test]
fn message_of_fail_on_names_addresses() {
    let (_, events) = sample_census();
    let is_conflict = |event: &CensusEvent| matches!(event, CensusEvent::Conflict { .. });
    let conflict = events.into_iter().map(|(_, event)| event).find(is_conflict).unwrap();
    assert_eq!(
        event_message(conflict),
        "address conflict: 10.0.0.1 is claimed by 02:00:00:00:00:01 and 02:00:00:00:00:aa"
    );
    assert_eq!(event_message(every_event().remove(0)), "new 192.168.100.200 is at 02:00:00:00:00:aa");
}

#[test]
fn statistics_of_one_of_several_interfaces_name_it_in_each_line() {
    let mut observer = Observer { interface: Some("eth1".parse().unwrap()), ..Observer::new(None) };
    observer.link_losses = 2;
    assert!(statistics_text(&observer).starts_with("0 packets in "), "a single interface is named");
    observer.is_one_of_several = true;
    let expected = "eth1: 0 packets in 0s: 0 requests, 0 replies, 0 announcements, 0 probes
eth1: 0 addresses: 0 fresh, 0 quiet, 0 gone; 0 changes, 0 conflicts
eth1:          2  link losses: down or no carrier";
    assert_eq!(statistics_text(&observer), expected);
}

#[test]
fn statistics_count_packets_addresses_and_losses() {
    let (mut observer, _) = sample_census();
    observer.frames_lost = 3;
    assert_eq!(
        statistics_text(&observer),
        "11 packets in 1h: 5 requests, 2 replies, 2 announcements, 1 probe, 1 invalid
6 addresses: 4 fresh, 1 quiet, 1 gone; 2 changes, 1 conflict
         1  arp: dropped: invalid sender MAC address
         3  frames lost or truncated"
    );
    let mut other = Observer::new(None);
    other.observe(at(0), &[0; 60]);
    assert!(
        statistics_text(&other).ends_with("\n         1  frames ignored: not ARP, other VLAN or malformed")
    );
    let empty = "0 packets in 0s: 0 requests, 0 replies, 0 announcements, 0 probes
0 addresses: 0 fresh, 0 quiet, 0 gone; 0 changes, 0 conflicts";
    assert_eq!(statistics_text(&Observer::new(None)), empty);
}

#[test]
fn short_duration_has_at_most_four_characters_from_1_s_on() {
    let spans = [0, 1, 59, 60, 3_599, 3_600, 86_399, 86_400, 99 * 86_400];
    let texts: Vec<_> =
        spans.iter().map(|seconds| ShortDuration(Duration::from_secs(*seconds)).to_string()).collect();
    assert_eq!(texts, ["0s", "1s", "59s", "1m", "59m", "1h", "23h", "1d", "99d"]);
    assert_eq!(format!("{:>6}", ShortDuration(Duration::from_millis(250))), " 250ms");
}
