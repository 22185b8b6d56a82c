use super::*;

fn record(name: &str, verdict: Verdict) -> CaseRecord {
    CaseRecord { name: name.to_owned(), rule: "RFC 826", verdict }
}

fn report() -> ConformReport {
    let mut report = ConformReport::default();
    let failed = Verdict::Failed("no reply".to_owned());
    report.add(
        "tapstack",
        "cautious",
        vec![record("first case", Verdict::Passed), record("second case", failed)],
    );
    report.add("tapstack", "rfc826", vec![record("first case", Verdict::Passed)]);
    report.add("tapstack", "cautious", vec![record("third case", Verdict::Skipped("no tool".to_owned()))]);
    report
}

#[test]
fn table_has_row_per_case_column_per_host_and_reasons_below() {
    let table = "\
case         rule     cautious  rfc826
first case   RFC 826  passed    passed
second case  RFC 826  failed    -
third case   RFC 826  skipped   -

failed: second case (cautious): no reply
skipped: third case (cautious): no tool

2 passed, 1 failed, 1 skipped
";
    assert_eq!(report().table(), table);
}

#[test]
fn reason_shared_by_hosts_is_printed_once() {
    let mut report = ConformReport::default();
    for policy in ["cautious", "permissive"] {
        report.add("tapstack", policy, vec![record("first case", Verdict::Failed("no frame".to_owned()))]);
    }
    assert!(
        report
            .table()
            .contains("\nfailed: first case (cautious, permissive): no frame\n\n0 passed, 2 failed")
    );
}

#[test]
fn json_has_object_per_case_and_summary() {
    let json = report().json();
    let lines: Vec<_> = json.lines().collect();
    assert_eq!(
        lines.first(),
        Some(
            &r#"{"event":"case","name":"first case","rule":"RFC 826","target":"tapstack","policy":"cautious","verdict":"passed","reason":null}"#
        )
    );
    assert!(lines[1].ends_with(r#""verdict":"failed","reason":"no reply"}"#), "{json}");
    assert_eq!(lines.last(), Some(&r#"{"event":"summary","passed":2,"failed":1,"skipped":1,"differs":0}"#));
    assert_eq!(lines.len(), 5);
}

#[test]
fn recorded_difference_does_not_fail_report() {
    let mut report = ConformReport::default();
    report.add("linux", "arp_accept=0", vec![record("first case", Verdict::Differs("replies".to_owned()))]);
    assert_eq!(report.exit_code(), ExitCode::SUCCESS);
    assert!(report.table().ends_with("0 passed, 0 failed, 0 skipped, 1 differ as recorded\n"));
    assert_ne!(self::report().exit_code(), ExitCode::SUCCESS);
}
