//! Packet sockets on interfaces that the kernel uses too.

use std::net::Ipv4Addr;

use tap::linux::{CarrierState, Interface, PacketSocket, PersistentTap, SocketError, Tap};
use tap::{Batch, Device, Pool};

use super::driver::{LOCAL_MAC, wire};
use testbed::frames::{arp, receive, send};
use testbed::kernel::{add_address, delete_link};
use testbed::{Case, TestResult, USER_TAP, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("arp_socket_receives_only_arp_with_any_vlan_tag", arp_socket_receives_only_arp_with_any_vlan_tag),
    ("packet_socket_error_names_reason", packet_socket_error_names_reason),
    (
        "packet_socket_fails_when_interface_goes_down_or_is_deleted",
        packet_socket_fails_when_interface_goes_down_or_is_deleted,
    ),
    (
        "packet_socket_adds_station_until_interface_is_deleted",
        packet_socket_adds_station_until_interface_is_deleted,
    ),
    ("interface_returns_all_addresses", interface_returns_all_addresses),
    ("tap_has_carrier_while_program_holds_it", tap_has_carrier_while_program_holds_it),
];

pub(crate) const UNPRIVILEGED: &[Case] =
    &[("packet_socket_is_refused_without_privilege", packet_socket_is_refused_without_privilege)];

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const KERNEL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn arp_socket_receives_only_arp_with_any_vlan_tag() -> TestResult {
    let mut tap = wire()?;
    let mut socket = PacketSocket::open_for_arp(tap.interface().name())?;
    let plain = arp([0xff; 6], 1, (LOCAL_MAC, LOCAL), ([0; 6], KERNEL));
    let (addresses, rest) = plain.split_at(12);
    let with = |inserted: &[u8]| [addresses, inserted, rest].concat();
    let snap = [addresses, &[0, 36, 0xaa, 0xaa, 3, 0, 0, 0], rest].concat();
    let one = with(&[0x81, 0, 0x60, 5]);
    let service = with(&[0x88, 0xa8, 0, 7]);
    let two = with(&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 5]);
    for expected in [plain.clone(), one.clone(), service, two, snap] {
        // The socket ignores IPv4, IPv4 in a VLAN, and length frames without SNAP.
        let ipv4 = [addresses, &[8, 0], &[0x45; 40]].concat();
        let tagged = [addresses, &[0x81, 0, 0, 5, 8, 0], &[0x45; 40]].concat();
        let short = [addresses, &[0, 3, 0x42, 0x42, 3]].concat();
        for bytes in [&ipv4, &tagged, &short, &expected] {
            send(&mut tap, bytes)?;
        }
        assert_eq!(receive(&mut socket, |_| true)?, expected);
    }
    // In the other direction the tag is kept, and the socket does not receive its own frame.
    send(&mut socket, &one)?;
    assert_eq!(receive(&mut tap, |bytes| bytes.len() == one.len())?, one);
    assert_eq!(socket.receive(&mut Pool::new(1_500, 4), &mut Batch::new(4))?.frames, 0);
    Ok(())
}

fn packet_socket_error_names_reason() -> TestResult {
    let absent = PacketSocket::open(&"absent0".parse()?).err().ok_or("an absent interface was opened")?;
    assert!(matches!(absent, SocketError::Absent(_)), "{absent:?}");
    let tap = wire()?;
    tap.interface().set_up(false)?;
    let down = PacketSocket::open_for_arp(tap.interface().name())
        .err()
        .ok_or("an interface that is down was opened")?;
    assert!(matches!(down, SocketError::Down(_)), "{down:?}");
    let lo = PacketSocket::open(&"lo".parse()?).err().ok_or("the loopback interface was opened")?;
    assert!(matches!(lo, SocketError::NotEthernet(_)), "{lo:?}");
    Ok(())
}

fn packet_socket_fails_when_interface_goes_down_or_is_deleted() -> TestResult {
    let tap = wire()?;
    let mut socket = PacketSocket::open_for_arp(tap.interface().name())?;
    let request = arp([0xff; 6], 1, (LOCAL_MAC, LOCAL), ([0; 6], KERNEL));
    let (mut pool, mut batch) = (Pool::new(1_500, 4), Batch::new(4));
    tap.interface().set_up(false)?;
    wait_for("error of the interface", || {
        socket.receive(&mut pool, &mut batch).ok()?;
        (socket.counters().unreadable > 0).then_some(())
    })?;
    send(&mut socket, &request)?;
    assert_eq!((socket.counters().transmitted, socket.counters().refused), (0, 1));
    delete_link(tap.interface())?;
    assert!(send(&mut socket, &request).is_err());
    Ok(())
}

fn packet_socket_adds_station_until_interface_is_deleted() -> TestResult {
    let tap = wire()?;
    let socket = PacketSocket::open_for_arp(tap.interface().name())?;
    socket.add_station([2, 0, 0, 0, 0, 0x55])?;
    delete_link(tap.interface())?;
    assert!(socket.add_station([2, 0, 0, 0, 0, 0x56]).is_err());
    Ok(())
}

fn interface_returns_all_addresses() -> TestResult {
    let (tap, other) = (Tap::open("tap%d")?, wire()?);
    assert_eq!(tap.interface().addresses()?, []);
    tap.interface().add_address("10.0.5.1/24".parse()?)?;
    add_address(tap.interface(), "192.0.2.1/28".parse()?)?;
    let expected: Vec<ipnet::Ipv4Net> = vec!["10.0.5.1/24".parse()?, "192.0.2.1/28".parse()?];
    assert_eq!(tap.interface().addresses()?, expected);
    assert_eq!(other.interface().addresses()?, ["10.0.0.1/24".parse()?]);
    Ok(())
}

fn tap_has_carrier_while_program_holds_it() -> TestResult {
    let tap = Tap::options().persist().open("held%d")?;
    let interface = Interface::named(tap.interface().name())?;
    assert_eq!(interface.carrier()?, CarrierState::Down);
    interface.set_up(true)?;
    assert_ne!(interface.carrier()?, CarrierState::Down);
    drop(tap);
    assert_eq!(interface.carrier()?, CarrierState::Down);
    PersistentTap::delete(interface.name())?;
    assert!(interface.carrier().is_err());
    Ok(())
}

fn packet_socket_is_refused_without_privilege() -> TestResult {
    let error =
        PacketSocket::open(&USER_TAP.parse()?).err().ok_or("a socket was opened without privilege")?;
    assert!(matches!(error, SocketError::NotPermitted(_)), "{error:?}");
    Ok(())
}
