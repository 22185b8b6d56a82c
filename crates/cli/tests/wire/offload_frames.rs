//! Frames of a TAP with offloads: in captures, over a bridge to another TAP, and after the offloads were used.

use std::error::Error;
use std::fs::File;
use std::net::UdpSocket;
use std::process::Stdio;
use std::thread;

use capture::{Direction, FrameReader, LinkType};
use nix::sys::signal::Signal;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::UdpGsoSegment;
use tap::linux::Tap;

use super::capture::Scratch;
use super::claims::Bridged;
use super::host::{HOST_IP, MAC};
use super::hosts::checksum;
use super::offloads::{Pattern, TIMEOUT, burst, socket, start, stop};
use super::running::{PersistentTapGuard, Running, wait_for_carrier};
use testbed::frames::{receive, send, wait_until_answering};
use testbed::program::command;
use testbed::veth::{FAR_KERNEL, NEAR, Veth};
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("capture_has_valid_checksums_and_long_frames_with_offloads", capture),
    ("plain_tap_receives_segments_of_host_with_offloads", streams_over_bridge),
    ("plain_tap_receives_datagrams_of_host_with_offloads", datagrams_over_bridge),
    ("tap_used_with_offloads_before_receives_plain_frames", plain_after_offloads),
    ("merged_segments_and_datagrams_arrive_on_interface", merged_frames_on_interface),
];

/// Maximum length in bytes of a frame on an MTU of 1,500 bytes.
const PLAIN_FRAME: usize = 1_514;
const LENGTH: usize = 5_000_000;

/// Returns whether an untagged frame is an unfragmented TCP segment or UDP datagram.
fn has_checksum(frame: &[u8]) -> bool {
    frame[12..14] == [8, 0]
        && [6, 17].contains(&frame[23])
        && u16::from_be_bytes([frame[20] & 0x3f, frame[21]]) == 0
}

/// Returns whether the checksum of a TCP segment or UDP datagram is valid.
fn has_valid_checksum(frame: &[u8]) -> bool {
    let start = 14 + 4 * usize::from(frame[14] & 0xf);
    let end = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
    let length = u16::try_from(end - start).expect("the length should have 16 bits").to_be_bytes();
    checksum(&[&frame[26..34], &[0, frame[23]], &length, &frame[start..end]].concat()) == [0, 0]
}

/// Returns the length in bytes of the longest frame of each direction. All checksums of the capture must be valid.
fn longest_frames(file: &Scratch) -> Result<[usize; 2], Box<dyn Error>> {
    let mut longest = [0; 2];
    let capture = File::open(&file.0)?;
    FrameReader::new(capture, &[LinkType::ETHERNET])?.read(|frame| {
        assert_eq!(frame.bytes.len(), frame.length, "frame {} is truncated", frame.number);
        if has_checksum(frame.bytes) {
            assert!(has_valid_checksum(frame.bytes), "frame {} has an invalid checksum", frame.number);
        }
        let longest = &mut longest[usize::from(frame.direction == Some(Direction::Out))];
        *longest = frame.length.max(*longest);
        true
    })?;
    Ok(longest)
}

fn capture() -> TestResult {
    let file = Scratch::new("offloads.pcapng");
    let host = start("echo", &["--pcap", file.name()])?;
    let pattern = Pattern::new();
    assert_eq!(pattern.exchange((HOST_IP, 7), LENGTH)?, LENGTH);
    burst(&host, &socket()?, &pattern, &[500; 20])?;
    stop(host)?;
    let longest = longest_frames(&file)?;
    assert!(
        longest.iter().all(|length| *length > PLAIN_FRAME),
        "longest frames received and sent: {longest:?}"
    );
    Ok(())
}

fn merged_frames_on_interface() -> TestResult {
    let veth = Veth::new()?;
    let words = ["-I", NEAR, "--address", "10.0.0.2/24", "--mac", MAC, "--serve", "echo", "-q", "--json"];
    let host = Running::start(&words)?;
    // The far kernel passes several TCP segments in one frame.
    let pattern = Pattern::new();
    veth.in_far_namespace(|| -> Result<(), String> {
        let length = pattern.exchange((HOST_IP, 7), LENGTH).map_err(|error| error.to_string())?;
        assert_eq!(length, LENGTH);
        Ok(())
    })?;
    // A program that sends several UDP datagrams in one frame.
    let socket = veth.in_far_namespace(|| UdpSocket::bind((FAR_KERNEL, 0)))?;
    setsockopt(&socket, UdpGsoSegment, &1_000)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    let data: Vec<u8> = (0..=249).cycle().take(2_500).collect();
    socket.send_to(&data, (HOST_IP, 7))?;
    let mut received = [0; 3_000];
    for expected in data.chunks(1_000) {
        let length = socket.recv(&mut received)?;
        assert!(received[..length] == *expected, "a datagram of {length} bytes differs");
    }
    let counters = stop(host)?;
    assert_eq!(counters["udp"]["delivered"], 3, "{counters}");
    Ok(())
}

fn plain_after_offloads() -> TestResult {
    let tap = PersistentTapGuard::create("again0")?;
    let pattern = Pattern::new();
    let words = ["--tap", "again0", "--address", "10.0.0.2/24", "--mac", MAC, "--serve", "echo"];
    for io in ["auto", "ring", "read-write"] {
        let host = Running::start(&[&words[..], &["--io", "offload"]].concat())?;
        wait_for_carrier(&tap.0)?;
        assert_eq!(pattern.exchange((HOST_IP, 7), LENGTH)?, LENGTH, "{io}: with offloads");
        // A killed host changes no settings of the TAP.
        host.signal(Signal::SIGKILL)?;
        host.end()?;
        let file = Scratch::new("plain.pcapng");
        let more = ["--io", io, "--pcap", file.name(), "-q", "--json"];
        let host = Running::start(&[&words[..], &more].concat())?;
        wait_for_carrier(&tap.0)?;
        assert_eq!(pattern.exchange((HOST_IP, 7), LENGTH)?, LENGTH, "{io}: without offloads");
        stop(host)?;
        assert_eq!(longest_frames(&file)?, [PLAIN_FRAME; 2], "{io}: wrong length of the longest frame");
    }
    Ok(())
}

/// Starts an echo service with offloads on the near TAP of a bridge.
fn start_near(more: &[&str]) -> Result<Running, Box<dyn Error>> {
    let words = ["--tap", "near0", "--address", "10.0.0.2/24", "--mac", MAC, "--serve", "echo"];
    Running::start(&[&words[..], &["--io", "offload", "-q", "--json"], more].concat())
}

fn streams_over_bridge() -> TestResult {
    let _wire = Bridged::new()?;
    let pattern = &Pattern::new();
    // The kernel of the bridge cuts frames of several segments for the plain TAP, and computes their checksums.
    // A frame of two segments has all data in the first buffer of the kernel.
    for (io, vlan, length) in [
        ("read-write", &[][..], LENGTH),
        ("read-write", &["--vlan", "5"], LENGTH),
        ("offload", &[], LENGTH),
        ("offload", &[], 2_500),
    ] {
        let host = start_near(vlan)?;
        let words = ["nc", "--tap", "far0", "-s", "10.0.0.3/24", "--io", io, "-N", "10.0.0.2", "7"];
        let mut nc = command(&[&words[..], vlan].concat());
        let mut nc = nc.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
        let (input, output) = nc.stdin.take().zip(nc.stdout.take()).ok_or("no pipes")?;
        thread::scope(|scope| -> TestResult {
            let writer = scope.spawn(move || pattern.write(input, length));
            assert_eq!(pattern.read(output)?, length, "{io} {vlan:?}");
            Ok(writer.join().map_err(|_| "the writing thread panicked")??)
        })?;
        assert_eq!(nc.wait()?.code(), Some(0), "{io} {vlan:?}");
        stop(host)?;
    }
    Ok(())
}

const FAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// Returns a frame with a datagram from 10.0.0.9 to the echo service.
fn request(data: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let total = u16::try_from(28 + data.len())?.to_be_bytes();
    let mut header =
        [&[0x45, 0][..], &total, &[0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 9, 10, 0, 0, 2]].concat();
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum);
    let length = u16::try_from(8 + data.len())?.to_be_bytes();
    // The sender computes no checksum.
    let udp = [&[0x13, 0x88, 0, 7][..], &length, &[0, 0]].concat();
    Ok([&HOST_MAC[..], &FAR_MAC, &[8, 0], &header, &udp, data].concat())
}

fn datagrams_over_bridge() -> TestResult {
    let wire = Bridged::new()?;
    let host = start_near(&["--static", "10.0.0.9=02:00:00:00:00:09"])?;
    let mut far = Tap::options().attach_only().open(wire.far.0.name().as_str())?;
    wait_for_carrier(far.interface())?;
    wait_until_answering(&mut far, HOST_IP)?;
    // The host receives all requests of a burst in one turn, so that it sends their replies together.
    for lengths in [&[500; 40][..], &[1_472; 20], &[1; 40], &[0; 5], &[64, 64, 63, 64, 0, 64, 65, 900, 900]] {
        host.signal(Signal::SIGSTOP)?;
        for (number, length) in (0_u8..).zip(lengths) {
            send(&mut far, &request(&vec![number; *length])?)?;
        }
        host.signal(Signal::SIGCONT)?;
        for (number, length) in (0_u8..).zip(lengths) {
            let reply = receive(&mut far, |bytes| bytes.starts_with(&[FAR_MAC, HOST_MAC].concat()))?;
            assert_eq!(reply[42..], vec![number; *length], "data of reply {number} of {lengths:?}");
            assert!(has_valid_checksum(&reply), "reply {number} of {lengths:?} has an invalid checksum");
            assert_ne!(reply[40..42], [0, 0], "reply {number} of {lengths:?} has no checksum");
        }
    }
    stop(host).map(drop)
}
