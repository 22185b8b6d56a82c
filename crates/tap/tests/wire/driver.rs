//! Opening a TAP, and frames over it.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use tap::linux::{Features, InterfaceChange, Io, OpenError, PacketSocket, Tap, features};
use tap::{Batch, Device, DeviceError, Pool};

use testbed::frames::{arp, frames, is_arp, receive, send};
use testbed::kernel::{delete_link, kernel_neighbor, send_from_kernel};
use testbed::{Case, ROOT_TAP, TestResult, USER_TAP, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("the_kernel_chooses_a_name", the_kernel_chooses_a_name),
    ("the_kernel_learns_our_hardware_address", the_kernel_learns_our_hardware_address),
    ("a_busy_tap_names_its_holder", a_busy_tap_names_its_holder),
    ("what_is_no_tap_is_refused", what_is_no_tap_is_refused),
    ("a_tap_to_attach_to_must_exist", a_tap_to_attach_to_must_exist),
    ("a_name_too_long_is_refused_before_the_kernel_sees_it", a_name_too_long),
    ("down_is_survived", down_is_survived),
    ("deleted_is_gone", deleted_is_gone),
    ("what_is_no_frame_is_refused_and_counted", what_is_no_frame_is_refused_and_counted),
    ("a_frame_beyond_our_mtu_is_dropped_and_counted", a_frame_beyond_our_mtu),
    ("a_packet_socket_puts_the_tag_back", a_packet_socket_puts_the_tag_back),
    ("past_the_queue_a_full_interface_refuses", past_the_queue_a_full_interface_refuses),
    ("the_driver_tells_what_it_can_do", the_driver_tells_what_it_can_do),
];

pub(crate) const REFUSED: &[Case] = &[("a_node_of_another_user_says_so", a_node_of_another_user_says_so)];

pub(crate) const UNPRIVILEGED: &[Case] = &[
    ("an_owner_attaches_without_privilege", an_owner_attaches_without_privilege),
    ("a_tap_of_another_user_names_the_owner", a_tap_of_another_user_names_the_owner),
    ("making_a_tap_takes_privilege", making_a_tap_takes_privilege),
];

const KERNEL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const OUR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// A TAP that is up, with the kernel at 10.0.0.1/24.
pub(crate) fn wire() -> Result<Tap, Box<dyn std::error::Error>> {
    carried_by(Io::ReadWrite)
}

/// The same, with frames carried this way.
pub(crate) fn carried_by(io: Io) -> Result<Tap, Box<dyn std::error::Error>> {
    let tap = Tap::options().io(io).open("tap%d")?;
    tap.interface().add_address(Ipv4Net::new(KERNEL, 24)?)?;
    tap.interface().set_up(true)?;
    Ok(tap)
}

fn the_driver_tells_what_it_can_do() -> TestResult {
    // Every kernel since 3.8 has both.
    assert_eq!(features()?, Features { virtio_header: true, multi_queue: true });
    Ok(())
}

fn the_kernel_chooses_a_name() -> TestResult {
    let (first, second) = (Tap::open("some%d")?, Tap::open("some%d")?);
    assert_eq!(first.interface().name().as_str(), "some0");
    assert_eq!(second.interface().name().as_str(), "some1");
    assert!(first.is_created());
    assert_eq!(first.mtu(), 1_500);
    Ok(())
}

fn the_kernel_learns_our_hardware_address() -> TestResult {
    the_kernel_learns_our_hardware_address_by(Io::ReadWrite)
}

pub(crate) fn the_kernel_learns_our_hardware_address_by(io: Io) -> TestResult {
    let mut tap = carried_by(io)?;
    send_from_kernel(OURS, b"hello")?;
    let request = receive(&mut tap, is_arp(1))?;
    let kernel_mac = tap.interface().mac_address()?;
    let asked = arp([0xff; 6], 1, (kernel_mac, KERNEL), ([0; 6], OURS));
    assert_eq!(request, asked, "42 bytes: neither padding nor a frame check sequence");

    send(&mut tap, &arp(kernel_mac, 2, (OUR_MAC, OURS), (kernel_mac, KERNEL)))?;
    let entry = kernel_neighbor(tap.interface(), OURS)?;
    assert_eq!(entry.mac_address, Some(OUR_MAC));
    let name = tap.interface().name();
    assert_eq!(entry.to_string(), format!("10.0.0.2 dev {name} lladdr 02:00:00:00:00:02 REACHABLE"));

    // And the datagram that had to wait for us.
    let datagram = receive(&mut tap, |bytes| bytes.ends_with(b"hello"))?;
    assert_eq!(datagram[..6], OUR_MAC);
    let counters = tap.counters();
    assert_eq!((counters.received, counters.transmitted), (2, 1));
    Ok(())
}

fn a_busy_tap_names_its_holder() -> TestResult {
    let tap = Tap::open("tap%d")?;
    let name = tap.interface().name();
    let error = Tap::open(name.as_str()).err().ok_or("it is busy")?;
    let OpenError::Busy { ref holders, .. } = error else {
        return Err(error.into());
    };
    assert_eq!(holders.first().map(|holder| holder.pid), Some(std::process::id()));

    // Its own name of the process is for a terminal to show, not to obey.
    let own = std::fs::read("/proc/self/comm")?;
    std::fs::write("/proc/self/comm", b"\x1b[2J\xffpwned")?;
    let named = Tap::open(name.as_str()).err().ok_or("it is busy")?.to_string();
    std::fs::write("/proc/self/comm", own)?;
    assert!(named.contains("(\\u{1b}[2J\u{fffd}pwned) holds it"), "{named}");
    Ok(())
}

fn what_is_no_tap_is_refused() -> TestResult {
    assert!(matches!(Tap::open("lo"), Err(OpenError::NotATap(_))));
    Ok(())
}

fn a_tap_to_attach_to_must_exist() -> TestResult {
    let attached = Tap::options().attach_only().open("absent0");
    assert!(matches!(attached, Err(OpenError::Absent(_))));
    Ok(())
}

fn a_name_too_long() -> TestResult {
    assert!(matches!(Tap::open("a-name-too-long0"), Err(OpenError::Name(_))));
    Ok(())
}

fn down_is_survived() -> TestResult {
    down_is_survived_by(Io::ReadWrite)
}

pub(crate) fn down_is_survived_by(io: Io) -> TestResult {
    let mut tap = carried_by(io)?;
    tap.interface().set_up(false)?;
    send(&mut tap, &[0xff; 42])?;
    assert_eq!(tap.counters().refused, 1);
    assert_eq!(tap.receive(&mut Pool::new(1_500, 1), &mut Batch::new(1))?, 0);

    tap.interface().set_up(true)?;
    send_from_kernel(OURS, b"hello")?;
    receive(&mut tap, is_arp(1))?;
    Ok(())
}

fn deleted_is_gone() -> TestResult {
    deleted_is_gone_by(Io::ReadWrite)
}

pub(crate) fn deleted_is_gone_by(io: Io) -> TestResult {
    let mut tap = carried_by(io)?;
    delete_link(tap.interface())?;
    let (mut pool, mut batch) = (Pool::new(1_500, 4), Batch::new(4));
    let error = wait_for("error", || tap.receive(&mut pool, &mut batch).err())?;
    assert!(matches!(error, DeviceError::Gone(_)), "{error}");
    Ok(())
}

fn what_is_no_frame_is_refused_and_counted() -> TestResult {
    what_is_no_frame_is_refused_and_counted_by(Io::ReadWrite)
}

pub(crate) fn what_is_no_frame_is_refused_and_counted_by(io: Io) -> TestResult {
    let mut tap = carried_by(io)?;
    for length in 0..14 {
        send(&mut tap, &vec![0xff; length])?;
    }
    assert_eq!((tap.counters().refused, tap.counters().transmitted), (14, 0));
    Ok(())
}

fn a_frame_beyond_our_mtu() -> TestResult {
    let tap = wire()?;
    let name = tap.interface().name().clone();
    drop(tap);
    let mut tap = Tap::options().mtu(576).open(name.as_str())?;
    assert_eq!(tap.interface().mtu()?, 576, "a TAP made here is sized");
    tap.interface().set_mtu(1_500)?;
    tap.interface().add_address(Ipv4Net::new(KERNEL, 24)?)?;
    tap.interface().set_up(true)?;

    send_from_kernel(OURS, &[7; 1_400])?;
    let kernel_mac = tap.interface().mac_address()?;
    receive(&mut tap, is_arp(1))?;
    send(&mut tap, &arp(kernel_mac, 2, (OUR_MAC, OURS), (kernel_mac, KERNEL)))?;
    let (mut pool, mut batch) = (Pool::new(tap.mtu(), 4), Batch::new(4));
    wait_for("truncated frame", || {
        tap.receive(&mut pool, &mut batch).ok()?;
        (tap.counters().truncated == 1).then_some(())
    })?;
    assert!(frames(&batch).is_empty());
    Ok(())
}

fn a_packet_socket_puts_the_tag_back() -> TestResult {
    let mut tap = wire()?;
    let mut socket = PacketSocket::open(tap.interface().name())?;
    let untagged = arp([0xff; 6], 1, (OUR_MAC, OURS), ([0; 6], KERNEL));
    let tagged = [&untagged[..12], &[0x81, 0, 0x60, 5], &untagged[12..]].concat();
    let service = [&untagged[..12], &[0x88, 0xa8, 0, 7], &untagged[12..]].concat();
    for sent in [&untagged, &tagged, &service] {
        send(&mut tap, sent)?;
        assert_eq!(&receive(&mut socket, |bytes| bytes.starts_with(&[0xff; 6]))?, sent);
    }
    // The other way, and not back to the sender.
    send(&mut socket, &tagged)?;
    assert_eq!(receive(&mut tap, |bytes| bytes.len() == tagged.len())?, tagged);
    assert_eq!(socket.receive(&mut Pool::new(1_500, 4), &mut Batch::new(4))?, 0);
    Ok(())
}

fn past_the_queue_a_full_interface_refuses() -> TestResult {
    // What a TAP holds unless told otherwise.
    const HELD: u64 = 1_000;
    let tap = wire()?;
    let mut socket = PacketSocket::open(tap.interface().name())?;
    socket.bypass_queue()?;
    let request = arp([0xff; 6], 1, (OUR_MAC, OURS), ([0; 6], KERNEL));
    for _ in 0..HELD + 50 {
        // Those of the kernel's own make, if any, take a place too.
        let _ = send(&mut socket, &request);
    }
    let counters = socket.counters();
    assert_eq!(counters.transmitted + counters.refused, HELD + 50);
    assert!(counters.refused >= 50, "{counters:?}");
    Ok(())
}

fn a_node_of_another_user_says_so() -> TestResult {
    let error = Tap::open("tap0").err().ok_or("the node is root's")?;
    assert!(matches!(error, OpenError::NodeRefused(_)), "{error:?}");
    Ok(())
}

fn an_owner_attaches_without_privilege() -> TestResult {
    let mut tap = Tap::open(USER_TAP)?;
    assert!(!tap.is_created());
    send_from_kernel(OURS, b"hello")?;
    receive(&mut tap, is_arp(1))?;
    let error = tap.interface().set_up(false).err().ok_or("an owner may not")?;
    assert!(error.is_not_permitted());
    assert_eq!(error.change(), Some(InterfaceChange::Up(false)));
    Ok(())
}

fn a_tap_of_another_user_names_the_owner() -> TestResult {
    let error = Tap::open(ROOT_TAP).err().ok_or("it is root's")?;
    assert!(matches!(error, OpenError::OwnedByAnother { owner: Some(0), .. }), "{error:?}");
    Ok(())
}

fn making_a_tap_takes_privilege() -> TestResult {
    let error = Tap::open("new0").err().ok_or("nobody may not")?;
    assert!(matches!(error, OpenError::NotPermitted(_)), "{error:?}");
    Ok(())
}
