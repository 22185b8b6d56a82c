use super::*;
use crate::scan::tests::sweep;

const MAC_A: [u8; 6] = [2, 0, 0, 0, 0, 10];
const MAC_B: [u8; 6] = [2, 0, 0, 0, 0, 11];

fn stations(rows: &[(u8, &[[u8; 6]])]) -> Stations {
    rows.iter().map(|(last, macs)| ([10, 0, 0, *last].into(), macs.iter().copied().collect())).collect()
}

#[test]
fn earlier_scan_is_read_in_each_format() {
    let text = "Interface: eth0, type: EN10MB, MAC: 02:00:00:00:00:09, IPv4: 10.0.0.9\n\
        Starting tapstack 0.2.0 with 255 hosts\n\
        10.0.0.1\t02:00:00:00:00:0a\tThe \"Makers\", Sons\n\
        10.0.0.1\t02:00:00:00:00:0b\t(Unknown) (DUP: 2) (CONFLICT: also at 02:00:00:00:00:0a)\n\
        10.0.0.2\t02:00:00:00:00:0b\t(Unknown)\n\n\
        510 requests sent, 3 replies received\n";
    let plain = "10.0.0.2 02:00:00:00:00:0b\n10.0.0.1\t02:00:00:00:00:0a\n10.0.0.1\t02:00:00:00:00:0b\n";
    let csv = "ip,mac,vendor,name,rtt_ms,time,reply_number,other_mac\n\
        10.0.0.1,02:00:00:00:00:0a,\"The \"\"Makers\"\"\n, Sons\",,0.1,,1,\n\
        10.0.0.1,02:00:00:00:00:0b,,,0.1,,2,02:00:00:00:00:0a\n10.0.0.2,02:00:00:00:00:0b,,,0.1,,1,\n";
    let json = "{\"schema\":1,\"event\":\"start\",\"local_ip\":\"10.0.0.9\"}\n\
        {\"event\":\"reply\",\"ip\":\"10.0.0.1\",\"mac\":\"02:00:00:00:00:0a\"}\n\
        {\"event\":\"reply\",\"ip\":\"10.0.0.1\",\"mac\":\"02:00:00:00:00:0b\"}\n\
        {\"event\":\"reply\",\"ip\":\"10.0.0.2\",\"mac\":\"02:00:00:00:00:0b\"}\n\
        {\"event\":\"statistics\",\"answered\":2}\n";
    for file in [text, plain, csv, json] {
        assert_eq!(parse(file), Ok(stations(&[(1, &[MAC_A, MAC_B]), (2, &[MAC_B])]).into()), "{file}");
    }
    let empty = ["Interface: eth0\n\n0 requests", "ip,mac,vendor,name,rtt_ms,time,reply_number,other_mac\n"];
    for file in [empty[0], empty[1], "{\"event\":\"start\"}"] {
        assert_eq!(parse(file), Ok(EarlierScan::default()), "{file}");
    }
}

#[test]
fn file_that_is_no_scan_is_rejected_with_reason() {
    for (file, why) in [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("root:x:0:0\n", "no line has an IP address and a MAC address"),
        ("{\"event\":\"start\"}\nx\n", "line 2 is not an object of `scan --json`"),
        ("{\"event\":\"reply\",\"ip\":\"10.0.0.1\"}\n", "line 1 is not an object of `scan --json`"),
        (
            "ip,mac,vendor,name,rtt_ms,time,reply_number,other_mac\n10.0.0.1,x,,,,,,\n",
            "line 2 lacks an IP address or a MAC address",
        ),
        (
            "ip,mac,vendor,name,rtt_ms,time,reply_number,other_mac\n10.0.0.1,02:00:00:00:00:01\n",
            "line 2 has another number of fields than the first line",
        ),
    ] {
        assert_eq!(parse(file).unwrap_err().text(), why, "{file}");
    }
}

#[test]
fn differences_are_added_gone_and_moved_addresses_of_targets() {
    // The targets are 10.0.0.1 and 10.0.0.2.
    let sweep = sweep();
    let difference = |last, old: &[[u8; 6]], new: &[[u8; 6]]| Difference {
        ip: [10, 0, 0, last].into(),
        old: old.iter().copied().map(MacAddr::new).collect(),
        new: new.iter().copied().map(MacAddr::new).collect(),
    };
    let compared = |old: &[(u8, &[[u8; 6]])], new: &[(u8, &[[u8; 6]])], is_complete| {
        let comparison = Comparison { old: stations(old), new: stations(new), uncounted: 0 };
        comparison.differences(&sweep, is_complete)
    };
    let same: [(u8, &[[u8; 6]]); 2] = [(1, &[MAC_A]), (2, &[MAC_A, MAC_B])];
    assert_eq!(compared(&same, &same, true), []);
    let added = difference(2, &[], &[MAC_B]);
    let gone = difference(1, &[MAC_A], &[]);
    assert_eq!(compared(&[(1, &[MAC_A])], &[(2, &[MAC_B])], true), [gone, added.clone()]);
    assert_eq!(compared(&[(1, &[MAC_A])], &[(2, &[MAC_B])], false), [added]);
    let moved = difference(1, &[MAC_A], &[MAC_A, MAC_B]);
    assert_eq!(compared(&[(1, &[MAC_A])], &[(1, &[MAC_A, MAC_B])], false), [moved]);
    // The sender address and addresses outside the targets.
    assert_eq!(compared(&[(9, &[MAC_A]), (3, &[MAC_A])], &[], true), []);
    let comparison = Comparison { old: stations(&[(9, &[MAC_A]), (3, &[MAC_A])]), ..Comparison::default() };
    assert_eq!(comparison.unrequested(&sweep), 1);
}

#[test]
fn output_of_comparison_is_no_earlier_scan() {
    let footer = |answered: u8, count: &str| {
        format!("Interface: eth0\n\nEnding tapstack 0.2.0: 2 hosts scanned. {answered} responded\n{count}\n")
    };
    let statistics = |answered: u8| format!("{{\"event\":\"statistics\",\"answered\":{answered}}}\n");
    for file in [
        "added 10.0.0.1 is at 02:00:00:00:00:0a\n".to_owned(),
        "moved 10.0.0.1 from 02:00:00:00:00:0a to 02:00:00:00:00:0b\n".to_owned(),
        "Interface: eth0\ngone 10.0.0.1 was at 02:00:00:00:00:0a\n".to_owned(),
        "{\"event\":\"gone\",\"ip\":\"10.0.0.1\",\"old_macs\":[]}\n".to_owned(),
        footer(1, "0 differences"),
        statistics(1),
    ] {
        let error = parse(&file).unwrap_err();
        assert_eq!(error.text(), "the file has the differences of --compare, not the replies of a scan");
    }
    for file in [footer(0, "0 differences"), statistics(0)] {
        assert_eq!(parse(&file), Ok(EarlierScan::default()), "{file}");
    }
}

#[test]
fn statistics_report_earlier_scan_without_all_hosts() {
    let reply = "{\"event\":\"reply\",\"ip\":\"10.0.0.1\",\"mac\":\"02:00:00:00:00:0a\"}\n";
    let whole = "\"outcome\":\"found\",\"targets\":2,\"requested\":2,\"answered\":1,\"send_failures\":0,\"frames_lost\":0";
    for (statistics, is_partial) in [
        (whole.to_owned(), false),
        (whole.replace("found", "unfinished"), true),
        (whole.replace("found", "impaired"), true),
        (whole.replace("\"requested\":2", "\"requested\":1"), true),
        (whole.replace("\"send_failures\":0", "\"send_failures\":1"), true),
        (whole.replace("\"frames_lost\":0", "\"frames_lost\":1"), true),
    ] {
        let file = format!("{reply}{{\"event\":\"statistics\",{statistics}}}\n");
        let scan = parse(&file).unwrap();
        assert_eq!((scan.is_partial, scan.stations.len()), (is_partial, 1), "{statistics}");
    }
}

#[test]
fn stations_of_an_address_are_bounded() {
    let mut comparison = Comparison::default();
    let mac = |last: u8| MacAddr::new([2, 0, 0, 0, 1, last]);
    let ip = Ipv4Addr::new(10, 0, 0, 1);
    for last in (0..20).chain(0..20) {
        comparison.add(ip, mac(last));
    }
    assert_eq!((comparison.new[&ip].len(), comparison.uncounted()), (MAX_STATIONS, 8));
}
