//! Reading and changing interfaces of the kernel.

use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Barrier;
use std::thread;

use ipnet::Ipv4Net;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};
use tap::linux::{
    Interface, InterfaceChange, KernelRoute, PacketSocket, PersistentTap, Tap, addressed_interfaces,
    kernel_route,
};

use super::driver::wire;
use testbed::frames::{receive, send};
use testbed::kernel::send_from_kernel;
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("interface_settings_are_read_back", interface_settings_are_read_back),
    ("added_address_is_read_back_with_prefix", added_address_is_read_back_with_prefix),
    ("added_address_has_its_prefix_and_keeps_others", added_address_has_its_prefix_and_keeps_others),
    ("second_addition_of_route_fails", second_addition_of_route_fails),
    ("address_is_rejected_when_invalid_for_hosts", address_is_rejected_when_invalid_for_hosts),
    ("address_is_ensured_when_added_concurrently", address_is_ensured_when_added_concurrently),
    ("frames_not_read_from_tap_are_counted_as_dropped", frames_not_read_from_tap_are_counted_as_dropped),
    ("route_sends_frames_to_wire", route_sends_frames_to_wire),
    ("kernel_route_names_interface_and_gateway", kernel_route_names_interface_and_gateway),
    ("absent_interface_is_named_in_error", absent_interface_is_named_in_error),
    ("ipv6_is_off_in_namespace", ipv6_is_off_in_namespace),
];

fn interface_settings_are_read_back() -> TestResult {
    let tap = Tap::open("tap%d")?;
    let interface = tap.interface();
    assert!(!interface.is_up()?);
    interface.set_up(true)?;
    assert!(interface.is_up()?);
    interface.set_up(false)?;
    assert!(!interface.is_up()?);
    interface.set_mtu(9_000)?;
    assert_eq!(interface.mtu()?, 9_000);
    interface.set_mac_address([2, 1, 2, 3, 4, 5])?;
    assert_eq!(interface.mac_address()?, [2, 1, 2, 3, 4, 5]);
    Ok(())
}

fn added_address_is_read_back_with_prefix() -> TestResult {
    let tap = Tap::open("tap%d")?;
    assert_eq!(tap.interface().address()?, None);
    let address = "10.0.0.1/24".parse()?;
    tap.interface().add_address(address)?;
    assert_eq!(tap.interface().address()?, Some(address));
    Ok(())
}

/// Opens a socket that receives the kernel's notifications about IPv4 addresses and routes.
fn notifications() -> Result<OwnedFd, Box<dyn std::error::Error>> {
    const ADDRESSES_AND_ROUTES: u32 = 0x10 | 0x40;
    let socket =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_NONBLOCK, SockProtocol::NetlinkRoute)?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, ADDRESSES_AND_ROUTES))?;
    Ok(socket)
}

/// Returns the types (`RTM_*`) and prefix lengths of all waiting notifications.
fn received(notifications: &OwnedFd) -> Vec<(u16, u8)> {
    let mut datagram = [0; 4_096];
    let next = || recv(notifications.as_raw_fd(), &mut datagram, MsgFlags::empty()).ok().map(|_| datagram);
    std::iter::from_fn(next)
        .map(|message| (u16::from_ne_bytes([message[4], message[5]]), message[17]))
        .collect()
}

fn added_address_has_its_prefix_and_keeps_others() -> TestResult {
    const NEW_ADDRESS: u16 = 20;
    const NEW_ROUTE: u16 = 24;
    let all: Vec<Ipv4Net> = ["192.168.5.1/24", "10.0.0.1/24", "10.2.0.1/30"]
        .iter()
        .map(|text| text.parse())
        .collect::<Result<_, _>>()?;
    let tap = PersistentTap { name: "two0".parse()?, owner: None, group: None, mtu: None, address: None };
    let interface = Interface::named(&tap.create()?)?;
    let notifications = notifications()?;
    for (place, address) in all.iter().enumerate() {
        let settings = PersistentTap { address: Some(*address), ..tap.clone() };
        settings.create()?;
        assert_eq!(interface.addresses()?, all[..=place]);
        // The address, and the routes to the address, its network and the broadcast address.
        let mut changes = received(&notifications);
        changes.sort_unstable();
        let length = address.prefix_len();
        let expected = [(NEW_ADDRESS, length), (NEW_ROUTE, length), (NEW_ROUTE, 32), (NEW_ROUTE, 32)];
        assert_eq!(changes, expected, "{address}");
    }
    // Adding an existing address changes nothing.
    for address in all.iter().rev() {
        interface.ensure_address(*address)?;
        assert_eq!((interface.addresses()?, received(&notifications)), (all.clone(), vec![]));
    }
    PersistentTap::delete(&tap.name)?;
    Ok(())
}

fn second_addition_of_route_fails() -> TestResult {
    let tap = Tap::open("tap%d")?;
    tap.interface().set_up(true)?;
    let notifications = notifications()?;
    let destination = "192.0.2.0/24".parse()?;
    tap.interface().add_route(destination, None)?;
    assert_eq!(received(&notifications), [(24, 24)]);
    let error = tap.interface().add_route(destination, None).err().ok_or("a route was added twice")?;
    assert!(error.to_string().contains("File exists"), "{error}");
    assert_eq!(received(&notifications), []);
    Ok(())
}

fn address_is_rejected_when_invalid_for_hosts() -> TestResult {
    let tap = Tap::open("tap%d")?;
    for address in ["0.0.0.0/0", "0.1.2.3/8", "224.0.0.1/24", "255.255.255.255/32"] {
        let error = tap.interface().ensure_address(address.parse()?).err().ok_or(address)?;
        assert!(matches!(error.change(), Some(InterfaceChange::Address(_))), "{error:?}");
        assert_eq!(error.reason(), Errno::EADDRNOTAVAIL);
    }
    assert_eq!(tap.interface().addresses()?, []);
    Ok(())
}

fn address_is_ensured_when_added_concurrently() -> TestResult {
    let tap = Tap::open("tap%d")?;
    let name = tap.interface().name();
    let start = Barrier::new(2);
    for round in 1..=200_u8 {
        let address = Ipv4Net::new(Ipv4Addr::new(10, 0, round, 1), 24)?;
        let ensure = || -> Result<(), String> {
            let interface = Interface::named(name).map_err(|error| error.to_string())?;
            start.wait();
            interface.ensure_address(address).map_err(|error| error.to_string())
        };
        let outcomes = thread::scope(|scope| {
            let threads = [scope.spawn(ensure), scope.spawn(ensure)];
            threads.map(|thread| thread.join().expect("the thread should not panic"))
        });
        assert_eq!(outcomes, [Ok(()), Ok(())], "{address}");
    }
    // The same address with another prefix is added.
    tap.interface().ensure_address("10.0.1.1/16".parse()?)?;
    assert_eq!(tap.interface().addresses()?.len(), 201);
    Ok(())
}

fn frames_not_read_from_tap_are_counted_as_dropped() -> TestResult {
    let tap = wire()?;
    let interface = tap.interface();
    assert_eq!(interface.transmit_drops()?, 0);
    let mut socket = PacketSocket::open_for_arp(interface.name())?;
    wait_for("dropped frame", || {
        for _ in 0..100 {
            send(&mut socket, &[0xff; 60]).ok()?;
        }
        (interface.transmit_drops().ok()? > 0).then_some(())
    })
}

fn route_sends_frames_to_wire() -> TestResult {
    let mut tap = Tap::open("tap%d")?;
    tap.interface().add_address("10.0.0.1/24".parse()?)?;
    tap.interface().set_up(true)?;
    tap.interface().add_route("192.0.2.0/24".parse()?, None)?;
    tap.interface().add_route("198.51.100.0/24".parse()?, Some(Ipv4Addr::new(10, 0, 0, 9)))?;

    // Without a gateway, the kernel resolves the destination. With a gateway, the kernel resolves the gateway.
    for (destination, next_hop) in [([192, 0, 2, 7], [192, 0, 2, 7]), ([198, 51, 100, 7], [10, 0, 0, 9])] {
        send_from_kernel(destination.into(), b"hello")?;
        receive(&mut tap, |bytes| bytes.ends_with(&next_hop))?;
    }
    Ok(())
}

fn kernel_route_names_interface_and_gateway() -> TestResult {
    let (near, far) = (Tap::open("near%d")?, Tap::open("far%d")?);
    for (tap, address) in [(&near, "10.0.0.1/24"), (&far, "10.0.1.1/24")] {
        tap.interface().add_address(address.parse()?)?;
        tap.interface().set_up(true)?;
    }
    let name = |tap: &Tap| tap.interface().name().clone();
    assert_eq!(kernel_route([192, 0, 2, 7].into())?, None, "the namespace has a default route");
    far.interface().add_route("192.0.2.0/24".parse()?, Some([10, 0, 1, 9].into()))?;
    let rows = [
        ([10, 0, 0, 7], name(&near), None),
        ([10, 0, 1, 7], name(&far), None),
        // Addresses of the kernel.
        ([10, 0, 1, 1], name(&far), None),
        ([192, 0, 2, 7], name(&far), Some([10, 0, 1, 9].into())),
    ];
    for (destination, interface, gateway) in rows {
        assert_eq!(kernel_route(destination.into())?, Some(KernelRoute { interface, gateway }));
    }
    // The loopback interface has an address too.
    assert_eq!(addressed_interfaces()?, [name(&near), name(&far)]);
    Ok(())
}

fn absent_interface_is_named_in_error() -> TestResult {
    let absent = Interface::named(&"absent0".parse()?)?;
    assert!(!absent.exists());
    let error = absent.set_up(true).err().ok_or("an absent interface was changed")?;
    assert_eq!((error.name(), error.reason()), (absent.name(), Errno::ENODEV));
    assert!(error.to_string().contains("absent0"), "{error}");
    Ok(())
}

fn ipv6_is_off_in_namespace() -> TestResult {
    let setting = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
    if std::path::Path::new(setting).exists() {
        assert_eq!(std::fs::read_to_string(setting)?.trim(), "1");
    }
    Ok(())
}
