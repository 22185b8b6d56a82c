use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::kinds::Kind;
use super::rows::{End, ROWS, Row, Saying, Scene, Stations, TWICE, TWINS, Who};
use super::run::Answer;
use conform::case::Verdict;
use conform::frames::{OUR_MAC, OURS};

/// What users read.
const PAGE: &str = include_str!("../../../docs/compare.md");

fn assert_on_the_page(head: &[&str], rows: &[Vec<String>]) {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<_> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let table = line(&head) + &rule + &rows.iter().map(|row| line(row)).collect::<String>();
    assert!(format!("{PAGE}\n").contains(&format!("\n{table}\n")), "docs/compare.md should have:\n{table}");
}

fn differing() -> impl Iterator<Item = (Kind, &'static super::known::Difference)> {
    Kind::ALL.into_iter().flat_map(|kind| kind.differences().iter().map(move |difference| (kind, difference)))
}

fn row(name: &str) -> &'static Row {
    ROWS.iter().find(|row| row.name == name).expect("a row of this name")
}

#[test]
fn the_page_says_what_each_tool_says() {
    let cell = |kind: Kind, row: &Row| match (kind.unasked(row), kind.difference(row)) {
        (Some(_), _) => "–".to_owned(),
        (None, None) => row.truth.to_string(),
        (None, Some(difference)) => format!("**{}**", difference.says),
    };
    let cells = |row: &Row| {
        let tools = Kind::ALL.map(|kind| cell(kind, row));
        [row.name.to_owned(), row.truth.to_string()].into_iter().chain(tools).collect()
    };
    let head: Vec<_> = ["row", "documented"].into_iter().chain(Kind::ALL.map(Kind::name)).collect();
    assert_on_the_page(&head, &ROWS.iter().map(cells).collect::<Vec<_>>());
}

#[test]
fn the_page_says_why_a_tool_differs_and_of_which_version_that_is_known() {
    let rows = differing().map(|(kind, difference)| {
        [kind.name(), difference.row, &difference.says.to_string(), difference.why]
            .map(str::to_owned)
            .to_vec()
    });
    assert_on_the_page(&["tool", "row", "says", "why"], &rows.collect::<Vec<_>>());
    let versions = Kind::ALL.into_iter().filter_map(|kind| Some((kind.name(), kind.known_version()?)));
    let rows = versions.map(|(name, version)| [name, version].map(str::to_owned).to_vec());
    assert_on_the_page(&["tool", "version"], &rows.collect::<Vec<_>>());
}

#[test]
fn the_page_says_what_a_tool_is_not_asked() {
    let mut reasons: Vec<(Kind, &str, Vec<&str>)> = Vec::new();
    for (kind, row) in Kind::ALL.into_iter().flat_map(|kind| ROWS.iter().map(move |row| (kind, row))) {
        let Some(why) = kind.unasked(row) else { continue };
        match reasons.iter_mut().find(|(its, reason, _)| (*its, *reason) == (kind, why)) {
            Some((.., rows)) => rows.push(row.name),
            None => reasons.push((kind, why, vec![row.name])),
        }
    }
    let rows =
        reasons.iter().map(|(kind, why, rows)| vec![kind.name().into(), rows.join(", "), (*why).into()]);
    assert_on_the_page(&["tool", "is not asked", "why"], &rows.collect::<Vec<_>>());
}

#[test]
fn what_is_known_of_a_tool_is_about_a_row_that_it_is_asked_and_is_no_truth() {
    let mut known = BTreeSet::new();
    for (kind, difference) in differing() {
        let row = row(difference.row);
        assert!(!kind.is_ours() && kind.unasked(row).is_none(), "{} {}", kind.name(), row.name);
        assert_ne!(difference.says, row.truth, "{} {}", kind.name(), row.name);
        assert!(known.insert((kind.name(), row.name)), "{} {}", kind.name(), row.name);
    }
    assert_eq!(ROWS.iter().map(|row| row.name).collect::<BTreeSet<_>>().len(), ROWS.len());
    assert!(ROWS.iter().all(|row| Scene::ALL.contains(&row.scene)));
}

fn both() -> Stations {
    TWINS.map(|station| (TWICE, Some(station))).into()
}

#[test]
fn a_tool_is_told_by_what_it_says() {
    let iputils = "arping from iputils 20221126\nlibcap: yes, IDN: yes, NLS: no\n";
    let habets =
        "arping: option requires an argument -- 'V'\nARPing 2.23, by Thomas Habets <thomas@habets.se>\n";
    let nmap = "Nmap version 7.93 ( https://nmap.org )\nPlatform: x86_64-pc-linux-gnu\n";
    let rows = [
        (iputils, Some((Kind::Iputils, "20221126"))),
        ("arping utility, iputils-s20161105\n", Some((Kind::Iputils, "s20161105"))),
        (habets, Some((Kind::Habets, "2.23"))),
        ("arp-scan 1.10.0\n\nCopyright (C) 2005-2022 Roy Hills\n", Some((Kind::ArpScan, "1.10.0"))),
        (nmap, Some((Kind::Nmap, "7.93"))),
        ("arping: invalid option -- 'V'\nBusyBox v1.35.0 multi-call binary.\n", None),
        ("", None),
    ];
    for (said, tool) in rows {
        assert_eq!(Kind::of(said), tool.map(|(kind, version)| (kind, version.to_owned())), "{said}");
    }
}

#[test]
fn who_is_there_is_read_from_the_lines_of_each_tool() {
    let iputils = "ARPING 10.0.0.4 from 10.0.0.11 ask0
Unicast reply from 10.0.0.4 [02:00:00:00:04:01]  1.996ms
Broadcast reply from 10.0.0.4 [02:00:00:00:04:02]  2.016ms (DUP!)
Sent 2 probes (1 broadcast(s))
";
    let habets = "ARPING 10.0.0.4
42 bytes from 02:00:00:00:04:01 (10.0.0.4): index=0 time=15.757 usec
42 bytes from 02:00:00:00:04:02 (10.0.0.4): index=1 time=286.600 usec

--- 10.0.0.4 statistics ---
";
    let scan = "10.0.0.4\t02:00:00:00:04:01
10.0.0.4\t02:00:00:00:04:02 (DUP: 2) (CONFLICT: also at 02:00:00:00:04:01)
";
    let vendors = "10.0.0.4\t02:00:00:00:04:01\t(Unknown: locally administered)
10.0.0.4\t02:00:00:00:04:02\t(Unknown: locally administered) (DUP: 2)
";
    let printed = [
        (Kind::Arping, iputils),
        (Kind::Station, iputils),
        (Kind::Iputils, iputils),
        (Kind::Habets, habets),
        (Kind::Scan, scan),
        (Kind::ArpScan, scan),
        (Kind::ArpScan, vendors),
    ];
    for (kind, text) in printed {
        assert_eq!(kind.stations(text), both(), "{}", kind.name());
        assert!(kind.stations("Timeout\nInterface \"down0\" is down\n").is_empty());
    }
    let head = "Starting Nmap 7.93 ( https://nmap.org )\nNmap scan report for ";
    let named = format!(
        "{head}10.0.0.2\nHost is up (0.00007s latency).\nMAC Address: 02:00:00:00:00:02 (Unknown)\nNmap done\n"
    );
    assert_eq!(Kind::Nmap.stations(&named), [(OURS, Some(OUR_MAC))].into());
    let unnamed = format!("{head}10.0.0.2\nHost is up (0.00039s latency).\nNmap done\n");
    assert_eq!(Kind::Nmap.stations(&unnamed), [(OURS, None)].into());
}

#[test]
fn who_was_seen_has_a_name() {
    let [one, other] = TWINS.map(|station| (TWICE, Some(station)));
    assert_eq!(Who::of(&Stations::new()), Some(Who::Nobody));
    assert_eq!(Who::of(&[(OURS, Some(OUR_MAC))].into()), Some(Who::Kernel));
    assert_eq!(Who::of(&both()), Some(Who::Both));
    assert_eq!(Who::of(&[one].into()), Some(Who::OneOfBoth));
    assert_eq!(Who::of(&[other, (OURS, None)].into()), None);
    assert!(Who::SomeOfBoth.is(&both()) && Who::SomeOfBoth.is(&[other].into()));
    let mut range: Stations =
        (0..=255).map(|n| (Ipv4Addr::new(10, 1, 0, n), Some([2, 0, 0, 1, 0, n]))).collect();
    assert_eq!(Who::of(&range), Some(Who::All));
    range.pop_last();
    assert_eq!(Who::of(&range), None);
}

#[test]
fn ours_has_to_say_the_truth_and_a_recorded_difference_has_to_show() {
    let seen = |code, stations| Answer::Seen(End::Code(code), stations, String::new());
    let duplicate = row("duplicate");
    assert_eq!(duplicate.truth, Saying(End::Code(0), Who::Both));
    let judge = |kind: Kind, version, answer| kind.judge(duplicate, version, &answer);
    assert_eq!(judge(Kind::Arping, None, seen(0, both())), Verdict::Passed);
    assert!(matches!(judge(Kind::Arping, None, seen(1, both())), Verdict::Failed(_)));
    assert!(matches!(judge(Kind::Arping, None, seen(0, Stations::new())), Verdict::Failed(_)));

    let iputils = |version, code| judge(Kind::Iputils, Some(version), seen(code, both()));
    assert!(matches!(iputils("20221126", 1), Verdict::Differs(why) if why.starts_with("it wants a reply")));
    assert!(matches!(iputils("20221126", 0), Verdict::Failed(_)));
    assert!(matches!(iputils("20300101", 0), Verdict::Differs(why) if why.starts_with("as 20300101, ")));

    let not = Answer::Not("not installed".to_owned());
    assert_eq!(judge(Kind::Nmap, None, not), Verdict::Skipped("not installed".to_owned()));
    let failed = Answer::Failed("it cannot be run".to_owned());
    assert!(matches!(judge(Kind::Nmap, Some("7.93"), failed), Verdict::Failed(_)));
}
