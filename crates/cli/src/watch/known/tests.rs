use super::*;
use crate::watch::tests::{at, ip, mac};

fn address(last: u8) -> VlanAddress {
    VlanAddress { vlan: None, ip: ip(last) }
}

/// Returns an address on this interface.
fn on(interface: Option<&str>, last: u8) -> KnownAddress {
    KnownAddress { address: address(last), interface: interface.map(str::to_owned) }
}

/// Returns the event to report instead of an event of a capture.
fn review(known: &mut KnownAddresses, now: Instant, event: CensusEvent) -> Option<CensusEvent> {
    known.review(now, EventOrigin::default(), event).event
}

fn known(text: &str) -> KnownAddresses {
    let macs = parse(text).unwrap();
    let (path, changes) = (PathBuf::new(), BTreeMap::new());
    KnownAddresses { path, version: None, macs, changes, save_at: None }
}

#[test]
fn known_address_is_not_new_and_other_mac_address_is_a_move() {
    let mut known = known("10.0.0.1 02:00:00:00:00:01\n");
    let new = |address, mac| CensusEvent::New { address, mac };
    assert_eq!(review(&mut known, at(0), new(address(1), mac(1))), None);
    let moved = CensusEvent::Moved { address: address(1), from: mac(1), to: mac(2) };
    assert_eq!(review(&mut known, at(0), new(address(1), mac(2))), Some(moved));
    // The new MAC address is known now, and so is a new address.
    assert_eq!(review(&mut known, at(0), new(address(1), mac(2))), None);
    assert_eq!(review(&mut known, at(0), new(address(3), mac(3))), Some(new(address(3), mac(3))));
    assert_eq!(review(&mut known, at(0), new(address(3), mac(3))), None);
    // The same IP address in a VLAN is another address.
    let tagged = VlanAddress { vlan: link::VlanId::new(5), ..address(1) };
    assert_eq!(review(&mut known, at(0), new(tagged, mac(1))), Some(new(tagged, mac(1))));
    // A conflict does not change the known MAC address.
    let conflict = CensusEvent::Conflict { address: address(3), mac: mac(4), other: mac(3) };
    assert_eq!(review(&mut known, at(0), conflict), Some(conflict));
    assert_eq!(known.macs.get(&on(None, 3)), Some(&mac(3)));
    let moved = CensusEvent::Moved { address: address(3), from: mac(3), to: mac(4) };
    assert_eq!(review(&mut known, at(0), moved), Some(moved));
    assert_eq!(known.macs.get(&on(None, 3)), Some(&mac(4)));
}

#[test]
fn changes_keep_comments_and_lines_of_the_file() {
    let text = "# my network\n10.0.0.1\t02:00:00:00:00:01 # router\n\n10.0.0.2 02-00-00-00-00-02\nnonsense\n";
    let changes =
        [(on(None, 1), (mac(9), at(0))), (on(None, 2), (mac(2), at(0))), (on(None, 7), (mac(7), at(0)))];
    let (replaced, _) = with_changes(text, &changes.into_iter().collect());
    let expected = "# my network\n10.0.0.1        02:00:00:00:00:09  # router\n\n10.0.0.2 02-00-00-00-00-02\nnonsense\n\
        10.0.0.7        02:00:00:00:00:07  # first seen 2026-11-22 08:00:00\n";
    assert_eq!(replaced, expected);
    assert_eq!(with_changes(text, &BTreeMap::new()), (text.to_owned(), Vec::new()));
}

#[test]
fn interface_name_with_number_sign_is_read_back() {
    let changes = |last| BTreeMap::from([(on(Some("eth#0"), 1), (mac(last), at(0)))]);
    let (text, _) = with_changes("", &changes(1));
    assert_eq!(text, "10.0.0.1%eth#0  02:00:00:00:00:01  # first seen 2026-11-22 08:00:00\n");
    let macs = |text: &str| parse(text).map_err(|why| why.to_string());
    assert_eq!(macs(&text), Ok(BTreeMap::from([(on(Some("eth#0"), 1), mac(1))])));
    // A replaced line keeps its comment.
    let (text, _) = with_changes(&text, &changes(2));
    assert_eq!(text, "10.0.0.1%eth#0  02:00:00:00:00:02  # first seen 2026-11-22 08:00:00\n");
    // In front of the name, and after the name, the sign starts a comment.
    assert_eq!(macs("#10.0.0.1%eth0 02:00:00:00:00:01\n # 100 %\n"), Ok(BTreeMap::new()));
    let expected = BTreeMap::from([(on(Some("eth0"), 1), mac(1)), (on(None, 2), mac(2))]);
    let text = "10.0.0.1%eth0 02:00:00:00:00:01#printer\n10.0.0.2 02:00:00:00:00:02#100%\n";
    assert_eq!(macs(text), Ok(expected));
}

#[test]
fn addresses_are_known_for_each_of_several_interfaces() {
    let names = ["eth0", "eth1"].map(|name| name.parse::<InterfaceName>().unwrap());
    let [eth0, eth1] =
        names.each_ref().map(|name| EventOrigin { interface: Some(name), is_one_of_several: true });
    let text = "10.0.0.1 02:00:00:00:00:01 # any\n10.0.0.2%eth0 02:00:00:00:00:02\n";
    let mut known = known(text);
    let new = |last| CensusEvent::New { address: address(last), mac: mac(last) };
    let mut events = |origin, event| known.review(at(0), origin, event).event;
    // A line without an interface applies to each interface, and other lines only to their interface.
    assert_eq!([events(eth0, new(1)), events(eth1, new(1))], [None, None]);
    assert_eq!([events(eth0, new(2)), events(eth1, new(2))], [None, Some(new(2))]);
    assert_eq!([events(eth0, new(3)), events(eth1, new(3))], [Some(new(3)), Some(new(3))]);
    // A move on one interface does not change the address of the other.
    let moved = CensusEvent::Moved { address: address(1), from: mac(1), to: mac(9) };
    assert_eq!(events(eth1, CensusEvent::New { address: address(1), mac: mac(9) }), Some(moved));
    assert_eq!([events(eth0, new(1)), events(eth1, moved)], [None, None]);
    let (text, _) = with_changes(text, &known.changes);
    let lines: Vec<_> = text.lines().filter_map(|line| line.split("  #").next()).collect();
    let expected = [
        "10.0.0.1 02:00:00:00:00:01 # any",
        "10.0.0.2%eth0 02:00:00:00:00:02",
        "10.0.0.1%eth1   02:00:00:00:00:09",
        "10.0.0.2%eth1   02:00:00:00:00:02",
        "10.0.0.3%eth0   02:00:00:00:00:03",
        "10.0.0.3%eth1   02:00:00:00:00:03",
    ];
    assert_eq!(lines, expected);
    assert_eq!(parse(&text).unwrap(), known.macs, "the file reads back differently");
}

#[test]
fn watch_of_one_interface_changes_its_line_or_the_line_without_interface() {
    let name = "eth0".parse().unwrap();
    let origin = EventOrigin { interface: Some(&name), is_one_of_several: false };
    let mut known = known("10.0.0.1 02:00:00:00:00:01\n10.0.0.2%eth0 02:00:00:00:00:02\n");
    for last in [1, 2, 3] {
        let event = CensusEvent::New { address: address(last), mac: mac(9) };
        assert!(known.review(at(0), origin, event).event.is_some());
    }
    let changed: Vec<_> = known.changes.keys().cloned().collect();
    assert_eq!(changed, [on(None, 1), on(Some("eth0"), 2), on(None, 3)]);
}

/// Returns this number of lines, each with another address.
fn many_lines(count: usize) -> String {
    let line = |number: usize| {
        let [.., a, b, c] = number.to_be_bytes();
        format!("10.{a}.{b}.{c} 02:00:00:00:00:01\n")
    };
    (0..count).map(line).fold(String::new(), |text, line| text + &line)
}

#[test]
fn address_beyond_maximum_is_not_added() {
    let mut known = known(&many_lines(MAX_ADDRESSES));
    let event =
        CensusEvent::New { address: VlanAddress { vlan: None, ip: [192, 168, 0, 1].into() }, mac: mac(1) };
    let review = known.review(at(0), EventOrigin::default(), event);
    assert_eq!(review, Review { event: Some(event), is_full: true });
    assert_eq!((known.macs.len(), known.deadline()), (MAX_ADDRESSES, None));
}

#[test]
fn edited_file_does_not_grow_beyond_maximum() {
    let changes = [(on(None, 1), (mac(9), at(0)))].into_iter();
    let others = [9, 8].map(|last| KnownAddress {
        address: VlanAddress { vlan: None, ip: [192, 168, 0, last].into() },
        interface: Some(format!("eth{last}")),
    });
    let changes = changes.chain(others.map(|address| (address, (mac(1), at(0))))).collect();
    // A line of the file changes, one line is added, and another does not fit.
    let (text, rejected) = with_changes(&many_lines(MAX_ADDRESSES - 1), &changes);
    assert_eq!(rejected, [Some("eth9".to_owned())]);
    let macs = parse(&text).expect("the file has more than the maximum of addresses");
    assert_eq!((macs.len(), macs.get(&on(None, 1))), (MAX_ADDRESSES, Some(&mac(9))));
}

#[test]
fn invalid_line_is_named() {
    let error = |text: &str| parse(text).unwrap_err().text().to_owned();
    assert_eq!(error("# x\n10.0.0.1\n"), "line 2: expected an IP address and a MAC address");
    assert_eq!(error("10.0.0.256 02:00:00:00:00:01"), "line 1: 256 is greater than 255");
    assert_eq!(error("10.0.0.1@0 02:00:00:00:00:01"), "line 1: expected 1 to 4094");
    assert_eq!(error("10.0.0.1 02:00:00:00:00:01 eth0"), "line 1: expected an IP address and a MAC address");
    assert!(error("10.0.0.1%a/b 02:00:00:00:00:01").starts_with("line 1: "));
    assert!(error("10.0.0.1 ff:ff:ff:ff:ff:ff").ends_with(" is the broadcast MAC address"));
    assert_eq!(error(&many_lines(MAX_ADDRESSES + 1)), "more than 65,536 addresses");
}

#[test]
fn file_is_replaced_after_delay_with_edits_of_others() {
    let folder = std::env::temp_dir().join(format!("tapstack-known-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("known");
    let mut known = KnownAddresses::read(&path).unwrap();
    known.save().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), HEADER);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(known.deadline(), None);
    review(&mut known, at(0), CensusEvent::New { address: address(1), mac: mac(1) });
    assert_eq!(known.deadline(), Some(at(5)));
    // Another process edits the file meanwhile.
    fs::write(&path, "10.0.0.9 02:00:00:00:00:09 # added by hand\n").unwrap();
    known.save_if_due(at(4)).unwrap();
    assert!(!fs::read_to_string(&path).unwrap().contains("10.0.0.1 "));
    known.save_if_due(at(5)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("10.0.0.9 02:00:00:00:00:09 # added by hand\n10.0.0.1  "), "{text}");
    assert_eq!((known.deadline(), fs::metadata(&path).unwrap().mode() & 0o777), (None, 0o640));
    assert_eq!(KnownAddresses::read(&path).unwrap().macs.len(), 2);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "a temporary file was left");
    assert!(KnownAddresses::read(Path::new("/dev/null")).is_err());
    assert!(KnownAddresses::read(Path::new("/nowhere/known")).unwrap().save().is_err());
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn edit_during_replacement_of_file_is_kept() {
    let folder = std::env::temp_dir().join(format!("tapstack-version-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("known");
    for before in [None, Some("10.0.0.1 02:00:00:00:00:01\n")] {
        if let Some(text) = before {
            fs::write(&path, text).unwrap();
        }
        let mut known = KnownAddresses::read(&path).unwrap();
        review(&mut known, at(0), CensusEvent::New { address: address(5), mac: mac(5) });
        let version = FileVersion::of(&path);
        let edited = "10.0.0.7 02:00:00:00:00:07 # added by hand\n";
        fs::write(&path, edited).unwrap();
        assert_eq!(known.save_version(version).unwrap(), None, "another version of the file was replaced");
        assert_eq!(fs::read_to_string(&path).unwrap(), edited);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "a temporary file was left");
        known.save().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(&format!("{edited}10.0.0.5  ")), "{text}");
        fs::remove_file(&path).unwrap();
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn edits_of_the_file_are_known_before_next_event() {
    let folder = std::env::temp_dir().join(format!("tapstack-edits-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("known");
    fs::write(&path, "10.0.0.1 02:00:00:00:00:01\n").unwrap();
    let mut known = KnownAddresses::read(&path).unwrap();
    let new = |last| CensusEvent::New { address: address(last), mac: mac(last) };
    assert_eq!(review(&mut known, at(0), new(5)), Some(new(5)));
    // Another process adds two lines. The change that is not in the file yet stays known.
    fs::write(&path, "10.0.0.1 02:00:00:00:00:09\n10.0.0.7 02:00:00:00:00:07\n").unwrap();
    assert_eq!(review(&mut known, at(1), new(7)), None);
    assert_eq!(review(&mut known, at(1), new(5)), None);
    let moved = CensusEvent::Moved { address: address(1), from: mac(1), to: mac(9) };
    assert_eq!(review(&mut known, at(1), moved), None, "the file has the MAC address");
    let moved = CensusEvent::Moved { address: address(1), from: mac(9), to: mac(8) };
    assert_eq!(review(&mut known, at(1), moved), Some(moved));
    // A line in the middle of an edit.
    fs::write(&path, "10.0.0.8 02:00\n").unwrap();
    assert_eq!(review(&mut known, at(2), new(8)), Some(new(8)));
    assert_eq!(known.macs.get(&on(None, 7)), Some(&mac(7)), "an invalid file has changed the addresses");
    fs::remove_dir_all(&folder).unwrap();
}
