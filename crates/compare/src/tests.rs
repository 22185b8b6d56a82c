use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::report::ReportTable;
use super::rows::{
    ComparisonRow, DUPLICATE_IP, DUPLICATE_MACS, NamedHosts, ROWS, Situation, Stations, TWO_ADDRESSES,
    ToolAnswer, ToolExit,
};
use super::run::RunResult;
use super::tool::ToolKind;
use conform::case::Verdict;
use conform::frames::{TESTED_IP, TESTED_MAC};

/// The page that lists the results.
const PAGE: &str = include_str!("../../../docs/compare-suite.md");

fn assert_page_has(header: &[&str], rows: &[Vec<String>]) {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let header: Vec<_> = header.iter().map(|&cell| cell.to_owned()).collect();
    let rule = format!("|{}\n", "---|".repeat(header.len()));
    let table = line(&header) + &rule + &rows.iter().map(|row| line(row)).collect::<String>();
    assert!(
        format!("{PAGE}\n").contains(&format!("\n{table}\n")),
        "docs/compare-suite.md does not contain:\n{table}"
    );
}

fn differing() -> impl Iterator<Item = (ToolKind, &'static super::differences::Difference)> {
    ToolKind::ALL
        .into_iter()
        .flat_map(|kind| kind.differences().iter().map(move |difference| (kind, difference)))
}

fn row(name: &str) -> &'static ComparisonRow {
    ROWS.iter().find(|row| row.name == name).expect("row of this name should exist")
}

#[test]
fn compare_page_lists_answer_of_each_tool() {
    let cell = |kind: ToolKind, row: &ComparisonRow| match (kind.skip_reason(row), kind.difference(row)) {
        (Some(_), _) => "–".to_owned(),
        (None, None) => row.correct.to_string(),
        (None, Some(difference)) => format!("**{}**", difference.answer),
    };
    for table in ReportTable::all() {
        let cells = |row: &&ComparisonRow| {
            let tools = table.kinds.iter().map(|kind| cell(*kind, row));
            [row.name.to_owned(), row.correct.to_string()].into_iter().chain(tools).collect()
        };
        assert_page_has(&table.header(), &table.rows.iter().map(cells).collect::<Vec<_>>());
    }
}

#[test]
fn compare_page_lists_each_difference_with_its_reason_and_version() {
    let rows = differing().map(|(kind, difference)| {
        [kind.name(), difference.row, &difference.answer.to_string(), difference.reason]
            .map(str::to_owned)
            .to_vec()
    });
    assert_page_has(&["tool", "row", "answer", "reason"], &rows.collect::<Vec<_>>());
    let versions = ToolKind::ALL.into_iter().filter_map(|kind| Some((kind.name(), kind.known_version()?)));
    let rows = versions.map(|(name, version)| [name, version].map(str::to_owned).to_vec());
    assert_page_has(&["tool", "version"], &rows.collect::<Vec<_>>());
}

#[test]
fn compare_page_lists_rows_that_tool_skips() {
    let mut reasons: Vec<(ToolKind, &str, Vec<&str>)> = Vec::new();
    let tables = ReportTable::all();
    let is_shown = |(kind, row): &(ToolKind, &ComparisonRow)| {
        tables.iter().any(|table| table.kinds.contains(kind) && table.rows.contains(row))
    };
    let cells = ToolKind::ALL.into_iter().flat_map(|kind| ROWS.iter().map(move |row| (kind, row)));
    for (kind, row) in cells.filter(is_shown) {
        let Some(skip_reason) = kind.skip_reason(row) else { continue };
        match reasons.iter_mut().find(|(other, reason, _)| (*other, *reason) == (kind, skip_reason)) {
            Some((.., rows)) => rows.push(row.name),
            None => reasons.push((kind, skip_reason, vec![row.name])),
        }
    }
    let rows = reasons
        .iter()
        .map(|(kind, reason, rows)| vec![kind.name().into(), rows.join(", "), (*reason).into()]);
    assert_page_has(&["tool", "rows", "reason"], &rows.collect::<Vec<_>>());
}

#[test]
fn recorded_difference_concerns_run_row_and_is_not_correct_answer() {
    let mut known = BTreeSet::new();
    for (kind, difference) in differing() {
        let row = row(difference.row);
        assert!(!kind.is_tapstack() && kind.skip_reason(row).is_none(), "{} {}", kind.name(), row.name);
        assert_ne!(difference.answer, row.correct, "{} {}", kind.name(), row.name);
        assert!(known.insert((kind.name(), row.name)), "{} {}", kind.name(), row.name);
    }
    assert_eq!(ROWS.iter().map(|row| row.name).collect::<BTreeSet<_>>().len(), ROWS.len());
    assert!(ROWS.iter().all(|row| Situation::ALL.contains(&row.situation)));
}

fn both() -> Stations {
    DUPLICATE_MACS.map(|mac| (DUPLICATE_IP, Some(mac))).into()
}

#[test]
fn tool_is_identified_by_its_version_output() {
    let iputils = "arping from iputils 20221126\nlibcap: yes, IDN: yes, NLS: no\n";
    let habets =
        "arping: option requires an argument -- 'V'\nARPing 2.23, by Thomas Habets <thomas@habets.se>\n";
    let nmap = "Nmap version 7.93 ( https://nmap.org )\nPlatform: x86_64-pc-linux-gnu\n";
    let netdiscover = "netdiscover: invalid option -- 'V'

Netdiscover 0.10 [Active/passive ARP reconnaissance tool]
";
    let rows = [
        (iputils, Some((ToolKind::Iputils, "20221126"))),
        ("arping utility, iputils-s20161105\n", Some((ToolKind::Iputils, "s20161105"))),
        (habets, Some((ToolKind::Habets, "2.23"))),
        ("arp-scan 1.10.0\n\nCopyright (C) 2005-2022 Roy Hills\n", Some((ToolKind::ArpScan, "1.10.0"))),
        (netdiscover, Some((ToolKind::Netdiscover, "0.10"))),
        (nmap, Some((ToolKind::Nmap, "7.93"))),
        ("arping: invalid option -- 'V'\nBusyBox v1.35.0 multi-call binary.\n", None),
        ("", None),
    ];
    for (version_output, tool) in rows {
        assert_eq!(
            ToolKind::of(version_output),
            tool.map(|(kind, version)| (kind, version.to_owned())),
            "{version_output}"
        );
    }
}

#[test]
fn hosts_are_parsed_from_output_of_each_tool() {
    let iputils = "ARPING 10.3.0.4 from 10.0.0.11 ask0
Unicast reply from 10.3.0.4 [02:00:00:00:04:01]  1.996ms
Broadcast reply from 10.3.0.4 [02:00:00:00:04:02]  2.016ms (DUP!)
Sent 2 probes (1 broadcast(s))
";
    let habets = "ARPING 10.3.0.4
42 bytes from 02:00:00:00:04:01 (10.3.0.4): index=0 time=15.757 usec
42 bytes from 02:00:00:00:04:02 (10.3.0.4): index=1 time=286.600 usec

--- 10.3.0.4 statistics ---
";
    let scan = "10.3.0.4\t02:00:00:00:04:01
10.3.0.4\t02:00:00:00:04:02 (DUP: 2) (CONFLICT: also at 02:00:00:00:04:01)
";
    let vendors = "10.3.0.4\t02:00:00:00:04:01\t(Unknown: locally administered)
10.3.0.4\t02:00:00:00:04:02\t(Unknown: locally administered) (DUP: 2)
";
    let watch = "watching tool3
2026-11-30 00:19:54.316992 new 10.3.0.4 is at 02:00:00:00:04:02
2026-11-30 00:19:54.316992 conflict 10.3.0.4: both 02:00:00:00:04:02 and 02:00:00:00:04:01
";
    let netdiscover = " 10.3.0.4        02:00:00:00:04:02      1      42  Unknown vendor
 10.3.0.4        02:00:00:00:04:01      1      42  Unknown vendor

-- Active scan completed, 2 Hosts found.
";
    let printed = [
        (ToolKind::Watch, watch),
        (ToolKind::Netdiscover, netdiscover),
        (ToolKind::NetdiscoverPassive, netdiscover),
        (ToolKind::Arping, iputils),
        (ToolKind::ArpingTap, iputils),
        (ToolKind::Iputils, iputils),
        (ToolKind::Habets, habets),
        (ToolKind::Scan, scan),
        (ToolKind::ArpScan, scan),
        (ToolKind::ArpScan, vendors),
    ];
    for (kind, text) in printed {
        assert_eq!(kind.stations(text), both(), "{}", kind.name());
        assert!(kind.stations("Timeout\nInterface \"down0\" is down\n").is_empty());
    }
    let head = "Starting Nmap 7.93 ( https://nmap.org )\nNmap scan report for ";
    let named = format!(
        "{head}10.0.0.2\nHost is up (0.00007s latency).\nMAC Address: 02:00:00:00:00:02 (Unknown)\nNmap done\n"
    );
    assert_eq!(ToolKind::Nmap.stations(&named), [(TESTED_IP, Some(TESTED_MAC))].into());
    let unnamed = format!("{head}10.0.0.2\nHost is up (0.00039s latency).\nNmap done\n");
    assert_eq!(ToolKind::Nmap.stations(&unnamed), [(TESTED_IP, None)].into());
}

#[test]
fn each_set_of_found_hosts_has_name() {
    let [one, other] = DUPLICATE_MACS.map(|mac| (DUPLICATE_IP, Some(mac)));
    assert_eq!(NamedHosts::of(&Stations::new()), Some(NamedHosts::NoHost));
    assert_eq!(NamedHosts::of(&[(TESTED_IP, Some(TESTED_MAC))].into()), Some(NamedHosts::Kernel));
    assert_eq!(NamedHosts::of(&both()), Some(NamedHosts::Both));
    assert_eq!(NamedHosts::of(&[one].into()), Some(NamedHosts::OneOfBoth));
    assert_eq!(NamedHosts::of(&[other, (TESTED_IP, None)].into()), None);
    let (addresses, mac) = TWO_ADDRESSES;
    let two = addresses.map(|ip| (ip, Some(mac)));
    assert_eq!(NamedHosts::of(&two.into()), Some(NamedHosts::TwoAddresses));
    assert_eq!(NamedHosts::of(&[two[0]].into()), None);
    assert!(NamedHosts::SomeOfBoth.is(&both()) && NamedHosts::SomeOfBoth.is(&[other].into()));
    let mut range: Stations =
        (0..=255).map(|n| (Ipv4Addr::new(10, 1, 0, n), Some([2, 0, 0, 1, 0, n]))).collect();
    assert_eq!(NamedHosts::of(&range), Some(NamedHosts::All));
    range.pop_last();
    assert_eq!(NamedHosts::of(&range), None);
}

#[test]
fn tapstack_must_be_correct_and_recorded_difference_must_occur() {
    let answered = |code, stations| RunResult::Answered(ToolExit::Code(code), stations, String::new());
    let duplicate = row("duplicate");
    assert_eq!(duplicate.correct, ToolAnswer(ToolExit::Code(0), NamedHosts::Both));
    let verdict = |kind: ToolKind, version, answer| kind.verdict(duplicate, version, &answer);
    assert_eq!(verdict(ToolKind::Arping, None, answered(0, both())), Verdict::Passed);
    assert!(matches!(verdict(ToolKind::Arping, None, answered(1, both())), Verdict::Failed(_)));
    assert!(matches!(verdict(ToolKind::Arping, None, answered(0, Stations::new())), Verdict::Failed(_)));

    let iputils = |version, code| verdict(ToolKind::Iputils, Some(version), answered(code, both()));
    assert!(
        matches!(iputils("20221126", 1), Verdict::Differs(reason) if reason.starts_with("the tool expects one reply"))
    );
    assert!(matches!(iputils("20221126", 0), Verdict::Failed(_)));
    assert!(
        matches!(iputils("20300101", 0), Verdict::Differs(reason) if reason.starts_with("version 20300101 "))
    );

    let skipped = RunResult::Skipped("not installed".to_owned());
    assert_eq!(verdict(ToolKind::Nmap, None, skipped), Verdict::Skipped("not installed".to_owned()));
    let failed = RunResult::Failed("cannot run nmap".to_owned());
    assert!(matches!(verdict(ToolKind::Nmap, Some("7.93"), failed), Verdict::Failed(_)));
}
