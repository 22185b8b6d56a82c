use super::*;
use crate::watch::tests::{at, every_event, scene};

#[test]
fn every_sentence_fits_into_a_line_of_80_beside_the_time() {
    for event in every_event() {
        let line = format!("00:00:00 {}", sentence(event));
        assert!(line.len() <= 80, "{}: {line}", line.len());
        assert!(line.split(' ').nth(1).is_some_and(|word| word.len() > 2), "{line}");
    }
}

#[test]
fn the_sentences_say_who_and_where() {
    let sentences: Vec<_> = every_event().into_iter().map(sentence).collect();
    let (ip, a, b) = ("192.168.100.200", "02:00:00:00:00:aa", "02:00:00:00:00:bb");
    let expected = [
        format!("new {ip} is at {a}"),
        format!("moved {ip} from {a} to {b}"),
        format!("conflict {ip}: both {b} and {a}"),
        format!("probe {ip} by {a}"),
        format!("probe {ip} by {a}; {b} has it"),
        format!("announced {ip} is at {a}"),
        format!("mismatch {ip}: {a} sent by {b}"),
        format!("odd from {a}: sender hardware address is no station"),
        format!("odd from {a}@5: sender protocol address is no host"),
        format!("gone {ip} was at {a}"),
        format!("returned {ip} is at {a} after 1h"),
        format!("many addresses are at {a}: 16"),
        format!("flood from {a}: 100 packets in a second"),
        "flood from many: 1000 packets in a second".to_owned(),
        format!("full: no room for {ip} at {a}"),
        format!("evicted {ip} to make room"),
    ];
    assert_eq!(sentences, expected);
}

#[test]
fn a_conflict_is_bad_and_what_happens_every_day_is_not() {
    let bad: Vec<_> = every_event().into_iter().filter(|event| style(*event) == ERROR).collect();
    assert!(matches!(bad[..], [Event::Conflict { .. }]));
    assert!(every_event().into_iter().filter(|event| style(*event) == EMPHASIS).count() == 4);
}

#[test]
fn the_statistics_say_what_it_came_to() {
    let (observer, _) = scene();
    assert_eq!(
        statistics(&observer, 3),
        "11 packets in 1h: 5 requests, 2 replies, 2 announcements, 1 probe, 1 odd
6 addresses: 4 fresh, 1 quiet, 1 gone; 2 changes, 1 of them in conflict
         1  odd: sender hardware address is no station
         3  frames lost before they were read"
    );
    let mut other = Observer::new(None);
    other.hear(at(0), &[0; 60]);
    assert!(
        statistics(&other, 0).ends_with("\n         1  frames that carry no ARP, or are in another VLAN")
    );
    let nothing = "0 packets in 0s: 0 requests, 0 replies, 0 announcements, 0 probes
0 addresses: 0 fresh, 0 quiet, 0 gone; 0 changes, 0 of them in conflict";
    assert_eq!(statistics(&Observer::new(None), 0), nothing);
}

#[test]
fn a_span_has_four_letters_but_below_a_second() {
    let spans = [0, 1, 59, 60, 3_599, 3_600, 86_399, 86_400, 99 * 86_400];
    let words: Vec<_> = spans.iter().map(|seconds| Span(Duration::from_secs(*seconds)).to_string()).collect();
    assert_eq!(words, ["0s", "1s", "59s", "1m", "59m", "1h", "23h", "1d", "99d"]);
    assert_eq!(format!("{:>6}", Span(Duration::from_millis(250))), " 250ms");
}

#[test]
fn dates_are_those_of_the_calendar() {
    let date = |seconds: u64| Second(Instant::from_nanos(seconds * 1_000_000_000)).to_string();
    let rows = [
        (0, "1970-01-01 00:00:00"),
        (68_169_600, "1972-02-29 00:00:00"),
        (951_782_399, "2000-02-28 23:59:59"),
        (951_782_400, "2000-02-29 00:00:00"),
        (951_868_800, "2000-03-01 00:00:00"),
        (1_735_689_599, "2024-12-31 23:59:59"),
        (4_107_542_399, "2100-02-28 23:59:59"),
        (4_107_542_400, "2100-03-01 00:00:00"),
    ];
    for (seconds, expected) in rows {
        assert_eq!(date(seconds), expected);
    }
    let precise = Date(at(61) + Duration::from_nanos(7_008_999)).to_string();
    assert_eq!(precise, "2026-11-22 08:01:01.007008");
    // The end of time is a date too.
    assert_eq!(Second(Instant::from_nanos(u64::MAX)).to_string(), "2554-07-21 23:34:33");
}
