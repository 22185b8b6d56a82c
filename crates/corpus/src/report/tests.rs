use super::*;
use crate::compare::compare;
use crate::decoded::Frame;
use crate::pdml::PdmlReader;

/// Returns a report on one frame with this frame number of tshark.
fn report(reference: &str) -> CorpusReport {
    let mut report = CorpusReport::new("TShark 4".to_owned());
    report.begin("a.pcap".to_owned());
    report.frame();
    let frame = Frame::parse("{\"number\":1}").unwrap();
    let page = format!(
        "<packet><proto name=\"frame\"><field name=\"frame.number\" show=\"{reference}\"/></proto></packet>"
    );
    let packet = PdmlReader::new(page.as_bytes()).next().unwrap().unwrap();
    compare(&frame, &packet, &mut |compared| report.take(&compared));
    report
}

fn end(code: i32, errors: &str) -> ProgramEnd {
    ProgramEnd { code: Some(code), errors: errors.to_owned() }
}

#[test]
fn unexplained_difference_is_printed_with_both_values() {
    let good = report("1");
    assert_eq!(good.unexplained(), 0);
    assert!(
        good.table().contains("1 captures, 1 frames, 1 values: 1 equal, 0 explained, 0 not"),
        "{}",
        good.table()
    );
    let bad = report("2");
    assert_eq!(bad.unexplained(), 1);
    assert!(
        bad.table().contains("\na.pcap frame 1 frame.number: tapstack 1, reference 2\n"),
        "{}",
        bad.table()
    );
    let object = r#"{"event":"difference","file":"a.pcap","frame":1,"field":"frame.number","tapstack":"1","reference":"2"}"#;
    assert!(bad.json().lines().any(|line| line == object), "{}", bad.json());
}

#[test]
fn captures_that_tcpdump_refuses_are_counted_with_its_error() {
    let mut report = report("1");
    assert!(!report.table().contains("refused"));
    let refused = Some("tcpdump: unknown file format".to_owned());
    report.add_lines("a.pcap", LineComparison { refused, ..LineComparison::default() });
    let text =
        "lines not compared in 1 captures, which tcpdump rejected:\n  a.pcap: tcpdump: unknown file format\n";
    assert!(report.table().contains(text), "{}", report.table());
    assert!(report.json().contains("\"lines_rejected\":\"tcpdump: unknown file format\""));
}

#[test]
fn rule_that_explains_nothing_is_printed() {
    assert!(report("1").table().contains("0  padding: no difference"));
}

#[test]
fn frame_of_only_one_program_is_difference() {
    let mut report = report("1");
    report.uneven(true);
    assert!(report.table().contains("a.pcap frame 2 capture: tapstack another frame, reference nothing"));
}

#[test]
fn capture_differs_when_only_one_side_reads_all_of_it() {
    let table = [(0, 0, 0), (1, 0, 0), (2, 2, 0), (2, 0, 1), (0, 2, 1), (101, 0, 1), (101, 2, 1)];
    for (tapstack, reference, count) in table {
        let mut report = report("1");
        report.end(&end(tapstack, "a"), &end(reference, "b"));
        assert_eq!(report.unexplained(), count, "{tapstack} {reference}");
    }
}

#[test]
fn capture_of_unsupported_link_type_is_skipped_with_reason() {
    let mut report = CorpusReport::new("TShark 4".to_owned());
    report.begin("b.pcap".to_owned());
    report.uneven(false);
    report.end(&end(2, "unsupported link type LINUX_SLL (113)"), &end(0, ""));
    assert_eq!(report.unexplained(), 0);
    assert!(!report.has_compared("b.pcap"));
    assert!(report.table().contains("b.pcap (skipped: unsupported link type LINUX_SLL (113))"));
}
