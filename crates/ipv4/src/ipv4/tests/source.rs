use super::*;
use address::AddressRange;
use link::MacAddr;

const LOCAL_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn table(network: &str) -> AddressTable {
    AddressTable::one(network.parse().unwrap(), LOCAL_MAC).unwrap()
}

// proves: rfc1122-source, source-local
#[test]
fn invalid_source_is_rejected_with_reason() {
    let cases = [
        ("255.255.255.255", Err(Ipv4DropReason::SourceBroadcast)),
        ("10.0.0.255", Err(Ipv4DropReason::SourceBroadcast)),
        ("10.0.0.0", Err(Ipv4DropReason::SourceBroadcast)),
        ("224.0.0.1", Err(Ipv4DropReason::SourceGroup)),
        ("239.255.255.255", Err(Ipv4DropReason::SourceGroup)),
        ("127.0.0.1", Err(Ipv4DropReason::SourceLoopback)),
        ("127.255.255.254", Err(Ipv4DropReason::SourceLoopback)),
        ("10.0.0.2", Err(Ipv4DropReason::SourceLocal)),
        ("10.0.0.1", Ok(())),
        ("10.0.1.255", Ok(())),
        ("0.0.0.0", Err(Ipv4DropReason::SourceReserved)),
        ("192.0.2.1", Ok(())),
    ];
    for (source, expected) in cases {
        let checked = check_source(&table("10.0.0.2/24"), address(source), address("10.0.0.2"));
        assert_eq!(checked, expected, "{source}");
    }
    let pair = table("10.0.0.0/31");
    assert_eq!(check_source(&pair, address("10.0.0.1"), address("10.0.0.0")), Ok(()));
}

// proves: source-local, conflict-of-one-address
#[test]
fn source_in_conflict_is_accepted_by_other_local_hosts() {
    let (source, other) = (address("10.0.0.2"), address("10.0.0.3"));
    let mut table = AddressTable::default();
    table.add(AddressRange { first: source, last: other, mac: LOCAL_MAC, prefix: 24 }).unwrap();
    let states = [
        (AddressState::Preferred, Err(Ipv4DropReason::SourceLocal)),
        (AddressState::Tentative, Err(Ipv4DropReason::SourceLocal)),
        (AddressState::Conflict { with: PEER_MAC }, Ok(())),
    ];
    for (state, expected) in states {
        assert!(table.set_state(source, state));
        assert_eq!(check_source(&table, source, other), expected, "{state:?}");
        assert_eq!(check_source(&table, source, source), Err(Ipv4DropReason::SourceLocal), "{state:?}");
        assert_eq!(check_source(&table, other, source), Err(Ipv4DropReason::SourceLocal), "{state:?}");
    }
}
