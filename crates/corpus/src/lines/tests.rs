use super::*;

const HEAD: &str = "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 60: ";

fn taken(tapstack: &str, reference: &str) -> LineComparison {
    let mut comparison = LineComparison { explained: vec![0; LINE_RULES.len()], ..LineComparison::default() };
    comparison.take(1, &format!("{HEAD}{tapstack}"), &format!("{HEAD}{reference}"));
    comparison
}

fn rule(comparison: &LineComparison) -> Option<&'static str> {
    comparison.explained.iter().position(|count| *count == 1).map(|place| LINE_RULES[place].name)
}

#[test]
fn line_difference_has_its_rule_or_none() {
    let usual = "Ethernet (len 6), IPv4 (len 4), ";
    let table = [
        ("[hardware type is not Ethernet], length 46".to_owned(), " [|arp]".to_owned(), Some(0)),
        (format!("{usual}Reserved 10.0.0.1 to 10.0.0.2"), format!("{usual}Unknown (0) "), Some(1)),
        (format!("{usual}Reply a, length 46"), format!("{usual}Unknown (2) b"), None),
        (format!("{usual}Reply a [truncated: 1 of 2]"), format!("{usual}Reply a"), Some(4)),
        (format!("{usual}Reply a"), format!("{usual}Reply b"), None),
    ];
    for (tapstack, reference, place) in table {
        let comparison = taken(&tapstack, &reference);
        assert_eq!(rule(&comparison), place.map(|place: usize| LINE_RULES[place].name), "{tapstack}");
        assert_eq!(comparison.unexplained.len(), usize::from(place.is_none()), "{tapstack}");
        assert_eq!((comparison.lines, comparison.equal), (1, 0));
    }
    let same = taken("a", "a");
    assert_eq!((same.lines, same.equal, rule(&same)), (1, 1, None));
}

#[test]
fn bracket_does_not_explain_another_link_header() {
    let mut comparison = LineComparison { explained: vec![0; LINE_RULES.len()], ..LineComparison::default() };
    let line = format!("{HEAD}[hardware type is not Ethernet], length 46");
    comparison.take(1, &line, &line.replacen("02:", "03:", 1));
    assert_eq!(comparison.unexplained.len(), 1);
}

#[test]
fn frames_of_other_protocols_are_ignored() {
    let mut comparison = LineComparison::default();
    comparison.take(1, "a > b, ethertype IPv4", "c > d");
    assert_eq!(comparison, LineComparison::default());
}

#[test]
fn only_first_line_of_frame_is_compared() {
    let mut tapstack = DecodeLines(BufReader::new(&b"one\n    more\n\tmore\ntwo\n"[..]));
    assert_eq!(
        [tapstack.next(), tapstack.next(), tapstack.next()],
        [Ok(Some("one".into())), Ok(Some("two".into())), Ok(None)]
    );
    let mut reference = TcpdumpLines::new(BufReader::new(&b"    1  one\nmore\n 7  more\n    2  two\n"[..]));
    let lines = [reference.next(), reference.next(), reference.next()];
    assert_eq!(lines, [Ok(Some("one".into())), Ok(Some("two".into())), Ok(None)]);
}
