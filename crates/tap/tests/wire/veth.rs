//! Packet sockets on an interface of the kernel, with another network namespace at the far end of a veth pair.

use std::net::UdpSocket;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tap::linux::{Interface, PacketSocket};
use tap::{Batch, Checksum, Device, Pool};

use testbed::frames::{arp, frames, receive, send};
use testbed::kernel::{create_bridge, delete_link};
use testbed::veth::{FAR_KERNEL, NEAR, NEAR_KERNEL, Veth};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    (
        "station_socket_receives_frames_to_stations_and_not_to_kernel",
        station_socket_receives_frames_to_stations_and_not_to_kernel,
    ),
    ("interface_receives_frames_to_added_stations", interface_receives_frames_to_added_stations),
    ("arp_monitor_receives_all_arp_in_both_directions", arp_monitor_receives_all_arp_in_both_directions),
    ("frames_are_equal_with_and_without_ring", frames_are_equal_with_and_without_ring),
    (
        "frame_from_kernel_is_marked_when_udp_checksum_is_partial",
        frame_from_kernel_is_marked_when_udp_checksum_is_partial,
    ),
    (
        "socket_for_ether_type_receives_only_frames_of_this_type",
        socket_for_ether_type_receives_only_frames_of_this_type,
    ),
    ("frames_dropped_by_kernel_are_counted", frames_dropped_by_kernel_are_counted),
    ("frames_longer_than_mtu_need_large_frames", frames_longer_than_mtu_need_large_frames),
    ("transmit_drops_are_read_in_namespace_of_interface", transmit_drops_are_read_in_namespace_of_interface),
    (
        "longer_frames_are_received_in_order_when_mtu_and_pool_have_grown",
        longer_frames_are_received_in_order_when_mtu_and_pool_have_grown,
    ),
    (
        "packet_socket_receives_again_after_down_and_is_gone_when_deleted",
        packet_socket_receives_again_after_down_and_is_gone_when_deleted,
    ),
    ("deletion_is_found_when_frames_arrived_before_down", deletion_is_found_when_frames_arrived_before_down),
];

const FIRST: [u8; 6] = [2, 0, 0, 0, 0, 0x10];
const LAST: [u8; 6] = [2, 0, 0, 0, 0, 0x1f];
const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 0x20];
const PEER: [u8; 6] = [2, 0, 0, 0, 0, 9];
const GROUP: [u8; 6] = [1, 0, 0x5e, 0, 0, 1];

/// Returns a frame with the EtherType of IPv4 and this number in it.
fn frame(destination: [u8; 6], number: u8) -> Vec<u8> {
    [&destination[..], &PEER, &[8, 0, number], &[0; 45]].concat()
}

/// Receives the next frame.
fn next(socket: &mut PacketSocket) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    receive(socket, |_| true)
}

fn transmit_drops_are_read_in_namespace_of_interface() -> TestResult {
    let veth = Veth::new()?;
    assert_eq!(veth.far_interface()?.transmit_drops()?, 0);
    Ok(())
}

// proves: shared-receives
fn station_socket_receives_frames_to_stations_and_not_to_kernel() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let near = veth.near.mac_address()?;
    for (first, last) in [(FIRST, LAST), (FIRST, FIRST)] {
        let mut socket = PacketSocket::open_for_stations(&NEAR.parse()?, first, last)?;
        // The socket receives no frames of the near kernel, in either direction.
        UdpSocket::bind((NEAR_KERNEL, 0))?.send_to(b"hello", (FAR_KERNEL, 9))?;
        for (destination, number) in [(near, 1), (OTHER, 2), (last, 3), (near, 4), (GROUP, 5), ([0xff; 6], 6)]
        {
            send(&mut far, &frame(destination, number))?;
        }
        for (destination, number) in [(last, 3), (GROUP, 5), ([0xff; 6], 6)] {
            assert_eq!(
                receive(&mut socket, |bytes| bytes[12..14] != [8, 6])?,
                frame(destination, number),
                "{last:x?}"
            );
        }
        // A tag is reinserted. In the other direction, the tag is sent.
        let plain = frame(first, 7);
        for tag in [[0x81, 0, 0x60, 5], [0x88, 0xa8, 0, 7]] {
            let tagged = [&plain[..12], &tag, &plain[12..]].concat();
            send(&mut far, &tagged)?;
            assert_eq!(next(&mut socket)?, tagged);
            let back = [&PEER, &first, &tagged[12..]].concat();
            send(&mut socket, &back)?;
            assert_eq!(receive(&mut far, |bytes| bytes.starts_with(&PEER))?, back);
        }
        assert_eq!(socket.receive(&mut Pool::new(1_500, 4), &mut Batch::new(4))?.frames, 0);
    }
    Ok(())
}

/// By default, a bridge accepts only frames to its own address and to groups.
fn interface_receives_frames_to_added_stations() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    create_bridge("bridge0", &[&veth.near])?;
    let bridge = Interface::named(&"bridge0".parse()?)?;
    for (first, last) in [(FIRST, FIRST), (FIRST, LAST)] {
        let mut socket = PacketSocket::open_for_stations(bridge.name(), first, last)?;
        let (mut pool, mut batch) = (Pool::new(1_500, 4), Batch::new(4));
        wait_for("frame to the added station", || {
            let request = arp(last, 1, (PEER, FAR_KERNEL), ([0; 6], NEAR_KERNEL));
            send(&mut far, &request).ok()?;
            socket.receive(&mut pool, &mut batch).ok()?;
            batch.pop()
        })?;
    }
    delete_link(&bridge)
}

fn arp_monitor_receives_all_arp_in_both_directions() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let mut monitor = PacketSocket::open_arp_monitor(&NEAR.parse()?)?;
    let near = veth.near.mac_address()?;
    // A request of the near kernel and the reply of the far kernel, then a reply between other stations.
    UdpSocket::bind((NEAR_KERNEL, 0))?.send_to(b"hello", (FAR_KERNEL, 9))?;
    let request = next(&mut monitor)?;
    assert_eq!((&request[..12], request[21]), (&[&[0xff; 6][..], &near].concat()[..], 1));
    let reply = next(&mut monitor)?;
    assert_eq!((&reply[..6], reply[21]), (&near[..], 2));
    let foreign_reply = arp(OTHER, 2, (PEER, "10.0.0.8".parse()?), (OTHER, "10.0.0.7".parse()?));
    for bytes in [frame(OTHER, 1), foreign_reply.clone()] {
        send(&mut far, &bytes)?;
    }
    assert_eq!(next(&mut monitor)?, foreign_reply);
    Ok(())
}

/// Runs `act` with less than 1 MiB of address space left.
fn without_memory<T>(act: impl FnOnce() -> T) -> Result<T, Box<dyn std::error::Error>> {
    let pages: u64 =
        std::fs::read_to_string("/proc/self/statm")?.split(' ').next().ok_or("empty statm")?.parse()?;
    let (soft, hard) = getrlimit(Resource::RLIMIT_AS)?;
    setrlimit(Resource::RLIMIT_AS, pages * 4_096 + (1 << 20), hard)?;
    let result = act();
    setrlimit(Resource::RLIMIT_AS, soft, hard)?;
    Ok(result)
}

fn frames_are_equal_with_and_without_ring() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let mut ring = PacketSocket::open_for_arp(&NEAR.parse()?)?;
    let mut calls =
        without_memory(|| PacketSocket::open_for_arp(&NEAR.parse().expect("the name should be valid")))??;
    assert!(ring.ring_error().is_none(), "{:?}", ring.ring_error());
    let refused = calls.ring_error().ok_or("a ring was created without memory")?;
    assert_eq!(refused.raw_os_error(), Some(12), "{refused}");
    let (mut pool, mut batch) = (Pool::new(1_500, 64), Batch::new(64));
    // The ring wraps: 3,200 frames in 2,496 slots.
    for round in 0..50_u8 {
        let plain = arp([0xff; 6], 1, (PEER, FAR_KERNEL), ([0; 6], [10, 0, 0, round].into()));
        let tagged = [&plain[..12], &[0x81, 0, 0, 5], &plain[12..]].concat();
        for _ in 0..32 {
            send(&mut far, &plain)?;
            send(&mut far, &tagged)?;
        }
        for socket in [&mut ring, &mut calls] {
            wait_for("all frames", || {
                socket.receive(&mut pool, &mut batch).ok()?;
                (batch.len() == 64).then_some(())
            })?;
            while let (Some(first), Some(second)) = (batch.pop(), batch.pop()) {
                assert_eq!((first.bytes(), second.bytes()), (&plain[..], &tagged[..]));
                pool.give(first);
                pool.give(second);
            }
        }
    }
    let (ring, calls) = (ring.counters(), calls.counters());
    assert_eq!((ring.received, calls.received), (3_200, 3_200));
    assert_eq!((ring.lost, calls.lost), (0, 0));
    assert!(ring.calls < 3_200 && calls.calls >= 3_200, "{} {}", ring.calls, calls.calls);
    Ok(())
}

// proves: partial-checksum
fn frame_from_kernel_is_marked_when_udp_checksum_is_partial() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let near = NEAR.parse()?;
    for mut socket in [PacketSocket::open(&near)?, PacketSocket::open_without_ring(&near)?] {
        veth.in_far_namespace(|| UdpSocket::bind((FAR_KERNEL, 0))?.send_to(b"hello", (NEAR_KERNEL, 9)))?;
        send(&mut far, &frame(FIRST, 1))?;
        let (mut pool, mut batch) = (Pool::new(1_500, 64), Batch::new(64));
        let mut seen = Vec::new();
        wait_for("frame of the far socket", || {
            socket.receive(&mut pool, &mut batch).ok()?;
            while let Some(received) = batch.pop() {
                seen.push((received.bytes().to_vec(), received.offload().checksum));
                pool.give(received);
            }
            seen.iter().any(|(bytes, _)| *bytes == frame(FIRST, 1)).then_some(())
        })?;
        let is_udp = |bytes: &[u8]| bytes.get(12..14) == Some(&[8, 0]) && bytes.get(23) == Some(&17);
        assert!(seen.iter().any(|(bytes, _)| is_udp(bytes)), "{seen:x?}");
        for (bytes, checksum) in seen {
            let expected = if is_udp(&bytes) { Checksum::Verified } else { Checksum::None };
            assert_eq!(checksum, expected, "{bytes:x?}");
        }
    }
    Ok(())
}

fn socket_for_ether_type_receives_only_frames_of_this_type() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let mut socket = PacketSocket::open_for_ether_type(&NEAR.parse()?, 0x0806)?;
    let request = arp([0xff; 6], 1, (PEER, FAR_KERNEL), ([0; 6], "10.0.0.8".parse()?));
    for sent in [&frame(OTHER, 0)[..], &request, &frame(OTHER, 1)] {
        send(&mut far, sent)?;
    }
    assert_eq!(next(&mut socket)?, request);
    let (mut pool, mut batch) = (Pool::new(1_500, 64), Batch::new(64));
    assert_eq!(socket.receive(&mut pool, &mut batch)?.frames, 0, "another frame was received");
    Ok(())
}

// proves: shared-lost
fn frames_dropped_by_kernel_are_counted() -> TestResult {
    const FLOOD: u64 = 6_000;
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let name = NEAR.parse()?;
    let ring = PacketSocket::open(&name)?;
    let calls = PacketSocket::open_without_ring(&name)?;
    let mut sockets = [ring, calls];
    for _ in 0..FLOOD {
        send(&mut far, &frame(OTHER, 0))?;
    }
    let (mut pool, mut batch) = (Pool::new(1_500, 64), Batch::new(64));
    // A ring that is never empty reports losses too, with the next frame that it stores.
    let ring = &mut sockets[0];
    let mut more = 0;
    while more < 50 * 64 {
        assert_eq!(ring.receive(&mut pool, &mut batch)?.frames, 64);
        while let Some(received) = batch.pop() {
            pool.give(received);
            send(&mut far, &frame(OTHER, 0))?;
            more += 1;
        }
    }
    assert!(ring.counters().lost > 0);
    // Every frame after a loss has the flag. The count is read once per call of `receive`.
    assert!(ring.counters().calls <= 50, "{}", ring.counters().calls);
    for socket in &mut sockets {
        wait_for("count of all frames", || {
            socket.receive(&mut pool, &mut batch).ok()?;
            while let Some(frame) = batch.pop() {
                pool.give(frame);
            }
            let counters = socket.counters();
            (counters.received + counters.lost == FLOOD + more && counters.lost > 0).then_some(())
        })?;
    }
    // After the losses, frames are received again.
    send(&mut far, &frame(OTHER, 1))?;
    for socket in &mut sockets {
        assert_eq!(next(socket)?, frame(OTHER, 1));
    }
    Ok(())
}

// proves: shared-lost
fn frames_longer_than_mtu_need_large_frames() -> TestResult {
    let veth = Veth::new()?;
    let near = NEAR.parse()?;
    let mut far = veth
        .in_far_namespace(|| {
            let far = Interface::named(&"far0".parse().expect("the name should be valid"))
                .expect("a netlink socket should open");
            far.set_mtu(9_000)
        })
        .map_err(Into::into)
        .and_then(|()| veth.far_socket())?;
    // The longest frame that fits into a small frame.
    let longest = [&frame(OTHER, 1)[..], &[0; 1_462]].concat();
    let longer = [&longest[..], &[0]].concat();
    for large_frames in [0, 64] {
        let mut sockets = [PacketSocket::open(&near)?, PacketSocket::open_without_ring(&near)?];
        // The interface gets its MTU again for the sockets of the next round.
        veth.near.set_mtu(9_000)?;
        let long = [&longest[..], &[1; 4_000]].concat();
        for bytes in [&longest, &longer, &long, &frame(OTHER, 2)] {
            send(&mut far, bytes)?;
        }
        for socket in &mut sockets {
            let mut pool = Pool::new(1_500, 64).with_large_limit(large_frames);
            let mut batch = Batch::new(64);
            let received = wait_for("frames", || {
                socket.receive(&mut pool, &mut batch).ok()?;
                batch.iter().any(|last| last.bytes() == frame(OTHER, 2)).then(|| frames(&batch))
            })?;
            let expected = if large_frames == 0 {
                vec![longest.clone(), frame(OTHER, 2)]
            } else {
                vec![longest.clone(), longer.clone(), long.clone(), frame(OTHER, 2)]
            };
            assert!(received == expected, "{large_frames} large frames: received {}", received.len());
            assert_eq!(socket.counters().truncated, if large_frames == 0 { 2 } else { 0 });
        }
        veth.near.set_mtu(1_500)?;
    }
    Ok(())
}

// proves: link-mtu
fn longer_frames_are_received_in_order_when_mtu_and_pool_have_grown() -> TestResult {
    let veth = Veth::new()?;
    let near = NEAR.parse()?;
    let mut far = veth.far_socket()?;
    veth.in_far_namespace(|| {
        let far = Interface::named(&"far0".parse().expect("the name should be valid"))
            .expect("a netlink socket should open");
        far.set_mtu(9_000)
    })?;
    // Short frames, which fit into a slot, and long frames, each with and without a tag, which the kernel removes.
    let tagged = |bytes: &[u8]| [&bytes[..12], &[0x81, 0, 0, 5], &bytes[12..]].concat();
    let long = |number: u8| [&frame(OTHER, number)[..], &vec![number; 8_954]].concat();
    let frames: Vec<_> = (0..40)
        .flat_map(|number| {
            [frame(OTHER, number), long(number), tagged(&long(number)), tagged(&frame(OTHER, number))]
        })
        .collect();
    for open in [PacketSocket::open, PacketSocket::open_without_ring] {
        veth.near.set_mtu(1_500)?;
        let mut socket = open(&near)?;
        veth.near.set_mtu(9_000)?;
        let mut pool = Pool::new(1_500, 256);
        pool.grow(9_000);
        let (mut batch, mut seen) = (Batch::new(256), Vec::new());
        for bytes in &frames {
            send(&mut far, bytes)?;
            socket.receive(&mut pool, &mut batch)?;
            while let Some(received) = batch.pop() {
                seen.push(received.bytes().to_vec());
                pool.give(received);
            }
        }
        wait_for("last frame", || {
            socket.receive(&mut pool, &mut batch).ok()?;
            while let Some(received) = batch.pop() {
                seen.push(received.bytes().to_vec());
                pool.give(received);
            }
            (seen.len() >= frames.len()).then_some(())
        })?;
        assert!(seen == frames, "the received frames ({}) differ from the sent frames", seen.len());
        assert_eq!((socket.counters().truncated, pool.held()), (0, 0));
    }
    Ok(())
}

// proves: shared-gone
fn packet_socket_receives_again_after_down_and_is_gone_when_deleted() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let name = NEAR.parse()?;
    let mut sockets = [PacketSocket::open(&name)?, PacketSocket::open_without_ring(&name)?];
    let (mut pool, mut batch) = (Pool::new(1_500, 4), Batch::new(4));
    veth.near.set_up(false)?;
    for socket in &mut sockets {
        assert!(!socket.was_down());
        wait_for("error of the interface", || {
            socket.receive(&mut pool, &mut batch).ok()?;
            (socket.counters().unreadable == 1 && socket.was_down()).then_some(())
        })?;
        // The error is reported once.
        assert_eq!(socket.receive(&mut pool, &mut batch)?.frames, 0);
        send(socket, &frame(OTHER, 1))?;
        let counters = socket.counters();
        assert_eq!((counters.unreadable, counters.transmitted, counters.refused), (1, 0, 1));
    }
    veth.near.set_up(true)?;
    for socket in &mut sockets {
        wait_for("frame after the interface is up", || {
            // Frames are lost until the far kernel has processed the carrier change.
            send(&mut far, &frame(OTHER, 2)).ok()?;
            socket.receive(&mut pool, &mut batch).ok()?;
            let received = batch.pop();
            received.map(|received| pool.give(received))
        })?;
        while let Some(received) = batch.pop() {
            pool.give(received);
        }
        assert!(!socket.was_down());
    }
    delete_link(&veth.near)?;
    for socket in &mut sockets {
        wait_for("error of the deleted device", || socket.receive(&mut pool, &mut batch).err())?;
    }
    Ok(())
}

// proves: shared-gone
fn deletion_is_found_when_frames_arrived_before_down() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let name = NEAR.parse()?;
    let mut sockets = [PacketSocket::open(&name)?, PacketSocket::open_without_ring(&name)?];
    for number in 0..3 {
        send(&mut far, &frame(OTHER, number))?;
    }
    veth.near.set_up(false)?;
    for socket in &mut sockets {
        // With a ring, the frames come before the error. Without a ring, the frames come after the error.
        for number in 0..3 {
            assert_eq!(next(socket)?, frame(OTHER, number));
        }
        wait_for("error of the interface", || {
            socket.receive(&mut Pool::new(1_500, 1), &mut Batch::new(1)).ok()?;
            socket.was_down().then_some(())
        })?;
        assert_eq!(socket.counters().unreadable, 1);
    }
    delete_link(&veth.near)?;
    for socket in &mut sockets {
        wait_for("error of the deleted device", || {
            socket.receive(&mut Pool::new(1_500, 1), &mut Batch::new(1)).err()
        })?;
    }
    Ok(())
}
