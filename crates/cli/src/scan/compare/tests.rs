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
        assert_eq!(parse(file), Ok(stations(&[(1, &[MAC_A, MAC_B]), (2, &[MAC_B])])), "{file}");
    }
    let empty = ["Interface: eth0\n\n0 requests", "ip,mac,vendor,name,rtt_ms,time,reply_number,other_mac\n"];
    for file in [empty[0], empty[1], "{\"event\":\"start\"}"] {
        assert_eq!(parse(file), Ok(Stations::new()), "{file}");
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
        let comparison = Comparison { old: stations(old), new: stations(new) };
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
    let comparison = Comparison { old: stations(&[(9, &[MAC_A]), (3, &[MAC_A])]), new: Stations::new() };
    assert_eq!(comparison.unrequested(&sweep), 1);
}
