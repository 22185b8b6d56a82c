use super::*;

fn record(name: &str, verdict: Verdict) -> Record {
    Record { name: name.to_owned(), rule: "RFC 826", verdict }
}

fn report() -> Report {
    let mut report = Report::default();
    let failed = Verdict::Failed("no answer".to_owned());
    report.add(
        "tapstack",
        "cautious",
        vec![record("a question", Verdict::Passed), record("another", failed)],
    );
    report.add("tapstack", "rfc826", vec![record("a question", Verdict::Passed)]);
    report.add("tapstack", "cautious", vec![record("a third", Verdict::Skipped("no tool".to_owned()))]);
    report
}

#[test]
fn people_get_one_row_a_case_one_column_a_host_and_the_reasons_below() {
    let table = "\
case        rule     cautious  rfc826
a question  RFC 826  passed    passed
another     RFC 826  failed    -
a third     RFC 826  skipped   -

failed: another (cautious): no answer
skipped: a third (cautious): no tool

2 passed, 1 failed, 1 skipped
";
    assert_eq!(report().table(), table);
}

#[test]
fn a_reason_that_several_hosts_have_is_printed_once() {
    let mut report = Report::default();
    for policy in ["cautious", "permissive"] {
        report.add("tapstack", policy, vec![record("a question", Verdict::Failed("silence".to_owned()))]);
    }
    assert!(
        report.table().contains("\nfailed: a question (cautious, permissive): silence\n\n0 passed, 2 failed")
    );
}

#[test]
fn json_is_an_object_for_each_case_and_a_summary() {
    let json = report().json();
    let lines: Vec<_> = json.lines().collect();
    assert_eq!(
        lines.first(),
        Some(
            &r#"{"event":"case","name":"a question","rule":"RFC 826","target":"tapstack","policy":"cautious","verdict":"passed","reason":null}"#
        )
    );
    assert!(lines[1].ends_with(r#""verdict":"failed","reason":"no answer"}"#), "{json}");
    assert_eq!(lines.last(), Some(&r#"{"event":"summary","passed":2,"failed":1,"skipped":1,"differs":0}"#));
    assert_eq!(lines.len(), 5);
}

#[test]
fn what_differs_as_recorded_is_no_failure() {
    let mut report = Report::default();
    report.add("linux", "arp_accept=0", vec![record("a question", Verdict::Differs("it is so".to_owned()))]);
    assert_eq!(report.exit_code(), ExitCode::SUCCESS);
    assert!(report.table().ends_with("0 passed, 0 failed, 0 skipped, 1 differ as recorded\n"));
    assert_ne!(self::report().exit_code(), ExitCode::SUCCESS);
}
