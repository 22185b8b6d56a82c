//! Opening TAPs, receiving and transmitting frames.

use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;
use tap::linux::{Features, InterfaceChange, Io, OpenError, PacketSocket, Tap, features};
use tap::{Batch, Device, DeviceError, Pool};

use testbed::frames::{arp, frames, is_arp, receive, send};
use testbed::kernel::{delete_link, kernel_neighbor, send_from_kernel};
use testbed::{Case, ROOT_TAP, TestResult, USER_TAP, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("kernel_chooses_name_when_pattern_is_given", kernel_chooses_name_when_pattern_is_given),
    ("kernel_learns_mac_address_from_arp_reply", kernel_learns_mac_address_from_arp_reply),
    ("busy_tap_error_names_holder", busy_tap_error_names_holder),
    (
        "busy_tap_is_opened_when_visible_holder_releases_it",
        busy_tap_is_opened_when_visible_holder_releases_it,
    ),
    ("open_fails_when_interface_is_not_tap", open_fails_when_interface_is_not_tap),
    ("attach_fails_when_tap_is_absent", attach_fails_when_tap_is_absent),
    ("open_fails_when_name_is_too_long", open_fails_when_name_is_too_long),
    ("tap_receives_again_after_interface_was_down", tap_receives_again_after_interface_was_down),
    ("tap_is_gone_when_interface_is_deleted", tap_is_gone_when_interface_is_deleted),
    ("too_short_frame_is_refused_and_counted", too_short_frame_is_refused_and_counted),
    (
        "frame_longer_than_configured_mtu_is_dropped_and_counted",
        frame_longer_than_configured_mtu_is_dropped_and_counted,
    ),
    ("packet_socket_restores_vlan_tag", packet_socket_restores_vlan_tag),
    (
        "full_interface_refuses_frames_when_queue_is_bypassed",
        full_interface_refuses_frames_when_queue_is_bypassed,
    ),
    ("features_report_virtio_header_and_multi_queue", features_report_virtio_header_and_multi_queue),
];

pub(crate) const REFUSED: &[Case] =
    &[("open_fails_when_node_mode_excludes_user", open_fails_when_node_mode_excludes_user)];

pub(crate) const UNPRIVILEGED: &[Case] = &[
    ("owner_attaches_without_privilege", owner_attaches_without_privilege),
    (
        "attach_error_names_owner_when_tap_belongs_to_another_user",
        attach_error_names_owner_when_tap_belongs_to_another_user,
    ),
    ("tap_creation_fails_without_privilege", tap_creation_fails_without_privilege),
];

const KERNEL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const LOCAL_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// Opens a TAP and brings the interface up. The kernel has the address 10.0.0.1/24 on this interface.
pub(crate) fn wire() -> Result<Tap, Box<dyn std::error::Error>> {
    wire_with(Io::ReadWrite)
}

/// Opens the same TAP with another I/O method.
pub(crate) fn wire_with(io: Io) -> Result<Tap, Box<dyn std::error::Error>> {
    let tap = Tap::options().io(io).open("tap%d")?;
    tap.interface().add_address(Ipv4Net::new(KERNEL, 24)?)?;
    tap.interface().set_up(true)?;
    Ok(tap)
}

fn features_report_virtio_header_and_multi_queue() -> TestResult {
    // Linux has both features since version 3.8.
    assert_eq!(features()?, Features { virtio_header: true, multi_queue: true });
    Ok(())
}

fn kernel_chooses_name_when_pattern_is_given() -> TestResult {
    let (first, second) = (Tap::open("some%d")?, Tap::open("some%d")?);
    assert_eq!(first.interface().name().as_str(), "some0");
    assert_eq!(second.interface().name().as_str(), "some1");
    assert!(first.is_created());
    assert_eq!(first.capabilities().mtu, 1_500);
    Ok(())
}

fn kernel_learns_mac_address_from_arp_reply() -> TestResult {
    kernel_learns_mac_address_from_arp_reply_by(Io::ReadWrite)
}

pub(crate) fn kernel_learns_mac_address_from_arp_reply_by(io: Io) -> TestResult {
    let mut tap = wire_with(io)?;
    send_from_kernel(LOCAL, b"hello")?;
    let request = receive(&mut tap, is_arp(1))?;
    let kernel_mac = tap.interface().mac_address()?;
    let expected = arp([0xff; 6], 1, (kernel_mac, KERNEL), ([0; 6], LOCAL));
    assert_eq!(request, expected, "the request is not the expected 42 bytes");

    send(&mut tap, &arp(kernel_mac, 2, (LOCAL_MAC, LOCAL), (kernel_mac, KERNEL)))?;
    let entry = kernel_neighbor(tap.interface(), LOCAL)?;
    assert_eq!(entry.mac_address, Some(LOCAL_MAC));
    let name = tap.interface().name();
    assert_eq!(entry.to_string(), format!("10.0.0.2 dev {name} lladdr 02:00:00:00:00:02 REACHABLE"));

    // The kernel then sends the datagram that waited for the reply.
    let datagram = receive(&mut tap, |bytes| bytes.ends_with(b"hello"))?;
    assert_eq!(datagram[..6], LOCAL_MAC);
    let counters = tap.counters();
    assert_eq!((counters.received, counters.transmitted), (2, 1));
    Ok(())
}

fn busy_tap_error_names_holder() -> TestResult {
    let tap = Tap::open("tap%d")?;
    let name = tap.interface().name();
    let error = Tap::open(name.as_str()).err().ok_or("a busy TAP was opened")?;
    let OpenError::Busy { ref holders, .. } = error else {
        return Err(error.into());
    };
    assert_eq!(holders.first().map(|holder| holder.pid), Some(std::process::id()));

    // The name of the process must not inject escape sequences into a terminal.
    let original = std::fs::read("/proc/self/comm")?;
    std::fs::write("/proc/self/comm", b"\x1b[2J\xffpwned")?;
    let named = Tap::open(name.as_str()).err().ok_or("a busy TAP was opened")?.to_string();
    std::fs::write("/proc/self/comm", original)?;
    assert!(named.contains("(\\u{1b}[2J\u{fffd}pwned)"), "{named}");
    Ok(())
}

fn busy_tap_is_opened_when_visible_holder_releases_it() -> TestResult {
    let tap = Tap::open("tap%d")?;
    let name = tap.interface().name().clone();
    let holder = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        drop(tap);
    });
    let opened = Tap::open(name.as_str());
    holder.join().map_err(|_| "the holder panicked")?;
    assert!(opened?.is_created());
    Ok(())
}

fn open_fails_when_interface_is_not_tap() -> TestResult {
    assert!(matches!(Tap::open("lo"), Err(OpenError::NotATap(_))));
    Ok(())
}

fn attach_fails_when_tap_is_absent() -> TestResult {
    let attached = Tap::options().attach_only().open("absent0");
    assert!(matches!(attached, Err(OpenError::Absent(_))));
    Ok(())
}

fn open_fails_when_name_is_too_long() -> TestResult {
    assert!(matches!(Tap::open("a-name-too-long0"), Err(OpenError::Name(_))));
    Ok(())
}

fn tap_receives_again_after_interface_was_down() -> TestResult {
    tap_receives_again_after_interface_was_down_by(Io::ReadWrite)
}

pub(crate) fn tap_receives_again_after_interface_was_down_by(io: Io) -> TestResult {
    let mut tap = wire_with(io)?;
    tap.interface().set_up(false)?;
    send(&mut tap, &[0xff; 42])?;
    assert_eq!(tap.counters().refused, 1);
    assert_eq!(tap.receive(&mut Pool::new(1_500, 1), &mut Batch::new(1))?.frames, 0);

    tap.interface().set_up(true)?;
    send_from_kernel(LOCAL, b"hello")?;
    receive(&mut tap, is_arp(1))?;
    Ok(())
}

fn tap_is_gone_when_interface_is_deleted() -> TestResult {
    tap_is_gone_when_interface_is_deleted_by(Io::ReadWrite)
}

pub(crate) fn tap_is_gone_when_interface_is_deleted_by(io: Io) -> TestResult {
    let mut tap = wire_with(io)?;
    delete_link(tap.interface())?;
    let (mut pool, mut batch) = (Pool::new(1_500, 4), Batch::new(4));
    let error = wait_for("error", || tap.receive(&mut pool, &mut batch).err())?;
    assert!(matches!(error, DeviceError::Gone(_)), "{error}");
    Ok(())
}

fn too_short_frame_is_refused_and_counted() -> TestResult {
    too_short_frame_is_refused_and_counted_by(Io::ReadWrite)
}

pub(crate) fn too_short_frame_is_refused_and_counted_by(io: Io) -> TestResult {
    let mut tap = wire_with(io)?;
    for length in 0..14 {
        send(&mut tap, &vec![0xff; length])?;
    }
    assert_eq!((tap.counters().refused, tap.counters().transmitted), (14, 0));
    Ok(())
}

fn frame_longer_than_configured_mtu_is_dropped_and_counted() -> TestResult {
    let tap = wire()?;
    let name = tap.interface().name().clone();
    drop(tap);
    let mut tap = Tap::options().mtu(576).open(name.as_str())?;
    assert_eq!(tap.interface().mtu()?, 576, "the new TAP does not have the configured MTU");
    tap.interface().set_mtu(1_500)?;
    tap.interface().add_address(Ipv4Net::new(KERNEL, 24)?)?;
    tap.interface().set_up(true)?;

    send_from_kernel(LOCAL, &[7; 1_400])?;
    let kernel_mac = tap.interface().mac_address()?;
    receive(&mut tap, is_arp(1))?;
    send(&mut tap, &arp(kernel_mac, 2, (LOCAL_MAC, LOCAL), (kernel_mac, KERNEL)))?;
    let (mut pool, mut batch) = (Pool::new(tap.capabilities().mtu, 4), Batch::new(4));
    wait_for("truncated frame", || {
        tap.receive(&mut pool, &mut batch).ok()?;
        (tap.counters().truncated == 1).then_some(())
    })?;
    assert!(frames(&batch).is_empty());
    Ok(())
}

fn packet_socket_restores_vlan_tag() -> TestResult {
    let mut tap = wire()?;
    let mut socket = PacketSocket::open(tap.interface().name())?;
    let untagged = arp([0xff; 6], 1, (LOCAL_MAC, LOCAL), ([0; 6], KERNEL));
    let tagged = [&untagged[..12], &[0x81, 0, 0x60, 5], &untagged[12..]].concat();
    let service = [&untagged[..12], &[0x88, 0xa8, 0, 7], &untagged[12..]].concat();
    for sent in [&untagged, &tagged, &service] {
        send(&mut tap, sent)?;
        assert_eq!(&receive(&mut socket, |bytes| bytes.starts_with(&[0xff; 6]))?, sent);
    }
    // In the other direction, the socket does not receive its own frame.
    send(&mut socket, &tagged)?;
    assert_eq!(receive(&mut tap, |bytes| bytes.len() == tagged.len())?, tagged);
    assert_eq!(socket.receive(&mut Pool::new(1_500, 4), &mut Batch::new(4))?.frames, 0);
    Ok(())
}

fn full_interface_refuses_frames_when_queue_is_bypassed() -> TestResult {
    // Default queue length of a TAP, in frames.
    const QUEUE: u64 = 1_000;
    let tap = wire()?;
    let mut socket = PacketSocket::open(tap.interface().name())?;
    socket.bypass_queue()?;
    let request = arp([0xff; 6], 1, (LOCAL_MAC, LOCAL), ([0; 6], KERNEL));
    for _ in 0..QUEUE + 50 {
        // Frames of the kernel, if any, take space in the queue too.
        let _ = send(&mut socket, &request);
    }
    let counters = socket.counters();
    assert_eq!(counters.transmitted + counters.refused, QUEUE + 50);
    assert!(counters.refused >= 50, "{counters:?}");
    Ok(())
}

fn open_fails_when_node_mode_excludes_user() -> TestResult {
    let error = Tap::open("tap0").err().ok_or("a TAP was opened without access to the node")?;
    assert!(matches!(error, OpenError::NodeRefused(_)), "{error:?}");
    Ok(())
}

fn owner_attaches_without_privilege() -> TestResult {
    let mut tap = Tap::open(USER_TAP)?;
    assert!(!tap.is_created());
    send_from_kernel(LOCAL, b"hello")?;
    receive(&mut tap, is_arp(1))?;
    let error = tap.interface().set_up(false).err().ok_or("the owner changed the interface")?;
    assert!(error.is_not_permitted());
    assert_eq!(error.change(), Some(InterfaceChange::Up(false)));
    Ok(())
}

fn attach_error_names_owner_when_tap_belongs_to_another_user() -> TestResult {
    let error = Tap::open(ROOT_TAP).err().ok_or("another user's TAP was opened")?;
    assert!(matches!(error, OpenError::OwnedByAnother { owner: Some(0), .. }), "{error:?}");
    Ok(())
}

fn tap_creation_fails_without_privilege() -> TestResult {
    let error = Tap::open("new0").err().ok_or("a TAP was created without privilege")?;
    assert!(matches!(error, OpenError::NotPermitted(_)), "{error:?}");
    Ok(())
}
