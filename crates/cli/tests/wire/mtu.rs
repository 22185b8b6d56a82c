//! Changes of the MTU while a host runs.

use std::net::Ipv4Addr;

use tap::Device;
use tap::linux::{Interface, PacketSocket};

use super::claims::line_with;
use super::host::MAC;
use super::hosts::checksum;
use super::running::{PersistentTapGuard, Running};
use testbed::frames::{arp, is_arp, receive, send};
use testbed::veth::{NEAR, Veth};
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] =
    &[("replies_fit_changed_mtu_on_tap", tap), ("replies_fit_changed_mtu_on_interface", interface)];

const HOST_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

// proves: link-mtu
fn tap() -> TestResult {
    let tap = PersistentTapGuard::create("mtu0")?;
    let mut host = Running::start(&["--tap", "mtu0", "--address", "10.0.0.2/24", "--mac", MAC])?;
    check_reply_lengths(&mut host, &tap.0, |_| PacketSocket::open(tap.0.name()).map_err(Into::into))?;
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

// proves: link-mtu
fn interface() -> TestResult {
    let veth = Veth::new()?;
    let far = veth.far_interface()?;
    let mut host = Running::start(&["-I", NEAR, "--address", "10.0.0.2/24", "--mac", MAC])?;
    check_reply_lengths(&mut host, &veth.near, |mtu| {
        veth.in_far_namespace(|| far.set_mtu(mtu).map_err(|error| error.to_string()))?;
        veth.far_socket()
    })?;
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

/// Sets several MTUs and checks that the fragments of the reply to a long echo request fit each MTU. `peer` opens the
/// socket of the peer for an MTU.
fn check_reply_lengths(
    host: &mut Running,
    interface: &Interface,
    peer: impl Fn(usize) -> Result<PacketSocket, Box<dyn std::error::Error>>,
) -> TestResult {
    // The host receives and sends frames of the maximum length.
    for (mtu, frames) in [(576, 15), (1_500, 6), (9_000, 1), (576, 15)] {
        interface.set_mtu(mtu)?;
        line_with(host, &format!(" link is up, mtu {mtu}\n"))?;
        let mut socket = peer(mtu)?;
        send(&mut socket, &arp([0xff; 6], 1, (PEER_MAC, PEER), ([0; 6], HOST_IP)))?;
        receive(&mut socket, is_arp(2))?;
        for bytes in echo_request(8_000, mtu) {
            send(&mut socket, &bytes)?;
        }
        let mut data = 0;
        for number in 1..=frames {
            let bytes = receive(&mut socket, |bytes| bytes.starts_with(&[PEER_MAC, HOST_MAC].concat()))?;
            assert!(bytes.len() <= 14 + mtu, "a frame of {} bytes exceeds the MTU of {mtu}", bytes.len());
            assert_eq!(
                bytes[20] & 0x20 == 0,
                number == frames,
                "wrong flag \"more fragments\" in fragment {number} of {frames}"
            );
            data += bytes.len() - 34;
        }
        assert_eq!((data, socket.counters().truncated), (8_008, 0));
    }
    Ok(())
}

/// Returns an echo request with `length` bytes of data, as frames with fragments that fit the MTU.
fn echo_request(length: usize, mtu: usize) -> Vec<Vec<u8>> {
    let mut message = vec![0x5a; 8 + length];
    message[..8].copy_from_slice(&[8, 0, 0, 0, 0x12, 0x34, 0, 7]);
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum);
    let step = (mtu - 20) / 8 * 8;
    let parts = message.chunks(step).enumerate();
    let frame = |(number, part): (usize, &[u8])| {
        let more = if (number + 1) * step < message.len() { 0x2000 } else { 0 };
        let offset =
            u16::try_from(number * step / 8).expect("the fragment offset should have 16 bits") | more;
        let total = u16::try_from(20 + part.len()).expect("the total length should have 16 bits");
        let mut header =
            [&[0x45, 0][..], &total.to_be_bytes(), &[0, 9], &offset.to_be_bytes(), &[64, 1, 0, 0]].concat();
        header.extend([PEER.octets(), HOST_IP.octets()].concat());
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum);
        [&HOST_MAC[..], &PEER_MAC, &[8, 0], &header, part].concat()
    };
    parts.map(frame).collect()
}
