//! TAPs and packet sockets with offloads.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use tap::linux::{Io, PacketSocket, Tap};
use tap::{Batch, Checksum, Device, Frame, Offload, Offloads, Pool, Segmentation, SegmentationKind};

use super::driver::{self, LOCAL_MAC, wire_with};
use testbed::frames::{arp, is_arp, receive, send};
use testbed::kernel::{create_bridge, send_from_kernel};
use testbed::veth::{FAR_KERNEL, NEAR, Veth};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("kernel_learns_mac_address_from_arp_reply_by_offload", || {
        driver::kernel_learns_mac_address_from_arp_reply_by(Io::Offload)
    }),
    ("tap_receives_again_after_interface_was_down_by_offload", || {
        driver::tap_receives_again_after_interface_was_down_by(Io::Offload)
    }),
    ("tap_is_gone_when_interface_is_deleted_by_offload", || {
        driver::tap_is_gone_when_interface_is_deleted_by(Io::Offload)
    }),
    ("too_short_frame_is_refused_and_counted_by_offload", || {
        driver::too_short_frame_is_refused_and_counted_by(Io::Offload)
    }),
    ("datagrams_with_same_headers_are_written_together", datagrams_with_same_headers_are_written_together),
    ("datagrams_of_station_are_written_together", datagrams_of_station_are_written_together),
    ("checksum_of_datagram_to_station_is_incomplete", checksum_of_datagram_to_station_is_incomplete),
    (
        "datagrams_written_together_leave_bridge_as_they_were",
        datagrams_written_together_leave_bridge_as_they_were,
    ),
    ("checksum_of_received_datagram_is_incomplete", checksum_of_received_datagram_is_incomplete),
    ("persistent_tap_loses_offloads_of_last_program", persistent_tap_loses_offloads_of_last_program),
];

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// Port of the kernel's socket.
const PORT: u16 = 50_000;
/// Length in bytes of the headers of a datagram.
const HEADERS: usize = 42;

/// Adds words in one's complement.
fn sum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    u16::try_from((sum & 0xffff) + (sum >> 16)).expect("the sum has more than one carry")
}

/// Writes a datagram from 10.0.0.2:7 to the kernel, with an incomplete checksum and its mark.
fn write_datagram(frame: &mut Frame, kernel_mac: [u8; 6], data: &[u8]) -> TestResult {
    let [length, total, size] = [8, 28, 0].map(|header| u16::try_from(header + data.len()));
    let (length, total, size) = (length?.to_be_bytes(), total?.to_be_bytes(), size?);
    let addresses = [10, 0, 0, 2, 10, 0, 0, 1];
    let mut ip = [&[0x45, 0], &total[..], &[0, 0, 0x40, 0, 64, 17, 0, 0], &addresses].concat();
    let checksum = !sum(&ip);
    ip[10..12].copy_from_slice(&checksum.to_be_bytes());
    let partial = sum(&[&addresses[..], &[0, 17], &length].concat()).to_be_bytes();
    let udp = [&[0, 7], &PORT.to_be_bytes()[..], &length, &partial].concat();
    frame.write(&[&kernel_mac[..], &LOCAL_MAC, &[8, 0], &ip, &udp, data].concat())?;
    let segmentation = Segmentation { kind: SegmentationKind::Udp, size, header: 42, cwr: false };
    let checksum = Checksum::Partial { start: 34, offset: 6 };
    frame.set_offload(Offload { checksum, segmentation: Some(segmentation) });
    Ok(())
}

fn datagrams_with_same_headers_are_written_together() -> TestResult {
    let mut tap = wire_with(Io::Offload)?;
    let socket = UdpSocket::bind(("10.0.0.1", PORT))?;
    let kernel_mac = tap.interface().mac_address()?;
    send_datagrams(&mut tap, kernel_mac, &socket)
}

fn datagrams_of_station_are_written_together() -> TestResult {
    let veth = Veth::new()?;
    let mut device = PacketSocket::open_for_stations(&NEAR.parse()?, LOCAL_MAC, LOCAL_MAC)?;
    let far = veth.far_interface()?;
    far.add_address("10.0.0.1/24".parse()?)?;
    let socket = veth.in_far_namespace(|| UdpSocket::bind(("10.0.0.1", PORT)))?;
    send_datagrams(&mut device, far.mac_address()?, &socket)
}

/// Sends datagrams to a socket of the kernel. Those with the same headers take one system call.
fn send_datagrams(device: &mut impl Device, kernel_mac: [u8; 6], socket: &UdpSocket) -> TestResult {
    let offloads = device.capabilities().offloads;
    assert_eq!(offloads, Offloads { checksum: true, tcp_v4: true, ..offloads });
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let (mut pool, mut batch) = (Pool::new(1_500, 128), Batch::new(128));
    // The second frame of 64 datagrams is full, and a longer datagram begins another frame.
    let lengths = [[64; 70].as_slice(), &[63], &[1_472; 3], &[1]].concat();
    let data = |number: usize, length: usize| vec![u8::try_from(number).unwrap_or_default(); length];
    for (number, length) in lengths.iter().enumerate() {
        let mut frame = pool.take().ok_or("pool is exhausted")?;
        write_datagram(&mut frame, kernel_mac, &data(number, *length))?;
        if !offloads.udp {
            frame.set_offload(Offload { segmentation: None, ..frame.offload() });
        }
        batch.push(frame).map_err(|_| "batch is full")?;
    }
    let before = device.counters();
    let transmitted = device.transmit(&mut batch, &mut pool)?;
    assert_eq!((transmitted.sent, pool.held()), (lengths.len(), 0));
    let mut bytes = [0; 2_000];
    for (number, length) in lengths.iter().enumerate() {
        let (received, from) = socket.recv_from(&mut bytes)?;
        assert!(bytes[..received] == data(number, *length), "datagram {number} of {received} bytes differs");
        assert_eq!(from, (LOCAL, 7).into());
    }
    let counters = device.counters();
    let calls = if device.capabilities().offloads.udp { 3 } else { lengths.len() };
    let expected = (u64::try_from(lengths.len())?, u64::try_from(calls)?);
    assert_eq!((counters.transmitted - before.transmitted, counters.calls - before.calls), expected);
    Ok(())
}

// proves: partial-checksum
fn checksum_of_datagram_to_station_is_incomplete() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let mut device = PacketSocket::open_for_stations(&NEAR.parse()?, LOCAL_MAC, LOCAL_MAC)?;
    let far_mac = veth.far_interface()?.mac_address()?;
    // The far kernel learns the address of the station from an ARP request.
    let request = arp([0xff; 6], 1, (LOCAL_MAC, LOCAL), ([0; 6], FAR_KERNEL));
    send(&mut device, &request)?;
    receive(&mut device, is_arp(2))?;
    veth.in_far_namespace(|| UdpSocket::bind((FAR_KERNEL, 0))?.send_to(b"hello", (LOCAL, 9)))?;
    // A complete datagram with a tag, which the kernel removes, and the driver reinserts.
    let mut tagged = vec![2, 0, 0, 0, 0, 2];
    tagged.extend(far_mac);
    tagged.extend([0x81, 0, 0, 5, 8, 0]);
    tagged.extend([7; 50]);
    send(&mut far, &tagged)?;
    let (mut pool, mut batch) = (Pool::new(1_500, 64), Batch::new(64));
    let mut seen = Vec::new();
    wait_for("tagged frame", || {
        device.receive(&mut pool, &mut batch).ok()?;
        seen.extend(std::iter::from_fn(|| batch.pop()));
        seen.iter().any(|frame| frame.bytes() == tagged).then_some(())
    })?;
    let datagram = seen.iter().find(|frame| frame.bytes().ends_with(b"hello")).ok_or("no datagram")?;
    let partial = Checksum::Partial { start: 34, offset: 6 };
    assert_eq!(datagram.offload(), Offload { checksum: partial, segmentation: None });
    let tagged = seen.iter().find(|frame| frame.bytes() == tagged).ok_or("no tagged frame")?;
    assert_eq!(tagged.offload(), Offload::default());
    Ok(())
}

fn datagrams_written_together_leave_bridge_as_they_were() -> TestResult {
    let mut tap = wire_with(Io::Offload)?;
    let mut other = Tap::open("other0")?;
    other.interface().set_up(true)?;
    create_bridge("bridge0", &[tap.interface(), other.interface()])?;
    let absent = [2, 0, 0, 0, 0, 9];
    let (mut pool, mut batch) = (Pool::new(1_500, 64), Batch::new(64));
    let lengths = [64, 64, 64, 63, 1_472, 1_472];
    let mut complete = Vec::new();
    for (number, length) in lengths.into_iter().enumerate() {
        let mut frame = pool.take().ok_or("pool is exhausted")?;
        write_datagram(&mut frame, absent, &vec![u8::try_from(number)?; length])?;
        complete.push(completed(frame.bytes()));
        batch.push(frame).map_err(|_| "batch is full")?;
    }
    // A new port of a bridge can drop frames.
    let probe = arp([0xff; 6], 1, (LOCAL_MAC, LOCAL), ([0; 6], LOCAL));
    let mut arrived = Batch::new(64);
    wait_for("bridge", || {
        send(&mut tap, &probe).ok()?;
        other.receive(&mut pool, &mut arrived).ok()?;
        std::iter::from_fn(|| arrived.pop()).any(|frame| frame.bytes() == probe).then_some(())
    })?;
    tap.transmit(&mut batch, &mut pool)?;
    for (number, expected) in complete.iter().enumerate() {
        let mut bytes = receive(&mut other, |bytes| bytes.starts_with(&absent))?;
        assert_eq!(sum(&bytes[14..34]), u16::MAX, "the header checksum of datagram {number} is wrong");
        // The kernel numbers the datagrams of a frame.
        bytes[18..20].fill(0);
        bytes[24..26].copy_from_slice(&expected[24..26]);
        assert!(bytes == *expected, "datagram {number} differs: {bytes:?}");
    }
    Ok(())
}

/// Returns the bytes of a datagram with its whole checksum.
fn completed(frame: &[u8]) -> Vec<u8> {
    let mut bytes = frame.to_vec();
    let covered = [&frame[34..], &[0; 1][..frame.len() % 2]].concat();
    bytes[40..42].copy_from_slice(&(!sum(&covered)).to_be_bytes());
    bytes
}

fn checksum_of_received_datagram_is_incomplete() -> TestResult {
    let mut tap = wire_with(Io::Offload)?;
    send_from_kernel(LOCAL, b"hello")?;
    receive(&mut tap, is_arp(1))?;
    let kernel = (tap.interface().mac_address()?, Ipv4Addr::new(10, 0, 0, 1));
    send(&mut tap, &arp(kernel.0, 2, (LOCAL_MAC, LOCAL), kernel))?;
    let (mut pool, mut batch) = (Pool::new(1_500, 64), Batch::new(64));
    let received = wait_for("datagram", || {
        tap.receive(&mut pool, &mut batch).ok()?;
        let datagram = std::iter::from_fn(|| batch.pop()).find(|frame| frame.bytes().ends_with(b"hello"))?;
        Some((datagram.offload(), datagram.len()))
    })?;
    let partial = Checksum::Partial { start: 34, offset: 6 };
    assert_eq!(received, (Offload { checksum: partial, segmentation: None }, HEADERS + 5));
    Ok(())
}

fn persistent_tap_loses_offloads_of_last_program() -> TestResult {
    drop(Tap::options().persist().io(Io::Offload).open("kept0")?);
    let mut tap = Tap::options().attach_only().open("kept0")?;
    assert_eq!(tap.capabilities().offloads, Offloads::default());
    tap.interface().add_address("10.0.0.1/24".parse()?)?;
    tap.interface().set_up(true)?;
    send_from_kernel(LOCAL, b"hello")?;
    let request = receive(&mut tap, is_arp(1))?;
    assert_eq!(request.len(), HEADERS, "the frame has a header of the last program");
    Ok(())
}
