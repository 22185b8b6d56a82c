//! Writes the sample capture of the documentation: `cargo run -p sim --example sample > docs/sample.pcapng`.
//!
//! Hosts of the stack and a scripted sender exchange frames on a simulated segment. Every run writes the same bytes.

use std::error::Error;
use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{Operation, PacketFields, StartMode};
use capture::LinkType;
use capture::write::{self, EnhancedPacket};
use host::HostConfig;
use icmp::{Echo, IcmpType};
use inet::IpProtocol;
use ipv4::Ipv4Fields;
use link::{EtherType, MacAddr, VlanId};
use sim::{Faults, NodeId, Segment};
use tap::Instant;

/// 2 November 2026, 09:00 UTC, in nanoseconds since 1970.
const START: u64 = 1_793_610_000_000_000_000;
/// Data bytes of a fragment.
const FRAGMENT: usize = 1_480;
/// Data bytes of an echo request, the default of `ping`.
const PING_DATA: usize = 56;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const LAPTOP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// Two hosts use this address.
const PRINTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
/// The sender of the invalid frames.
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 66);
/// Two hosts in VLAN 5.
const CAMERA: Ipv4Addr = Ipv4Addr::new(10, 5, 0, 1);
const RECORDER: Ipv4Addr = Ipv4Addr::new(10, 5, 0, 2);

fn main() -> Result<(), Box<dyn Error>> {
    std::io::stdout().write_all(&sample()?)?;
    Ok(())
}

/// Returns the capture.
fn sample() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut wire = Wire { segment: Segment::new(Instant::ORIGIN, latency()), injected: Vec::new() };
    let gateway = wire.segment.add(&config(GATEWAY, mac(1)))?;
    // This host probes for its address and announces it (RFC 5227).
    let laptop = wire.segment.add(&HostConfig { start: StartMode::Probe, ..config(LAPTOP, mac(2)) })?;
    wire.run_for(8_000)?;

    wire.send(laptop, IpProtocol::ICMP, (LAPTOP, GATEWAY), &echo_request(1, PING_DATA)?)?;
    wire.run_for(1_000)?;
    // Request and reply are too long for one frame.
    wire.send(laptop, IpProtocol::ICMP, (LAPTOP, GATEWAY), &echo_request(2, 1_600)?)?;
    wire.run_for(1_000)?;
    // Port 9 is closed. A checksum of zero means that the datagram has no checksum (RFC 768).
    let datagram = [&[0xc0, 0, 0, 9, 0, 13, 0, 0][..], b"hello"].concat();
    wire.send(laptop, IpProtocol::UDP, (LAPTOP, GATEWAY), &datagram)?;
    wire.run_for(1_000)?;

    // Two hosts reply to the ARP request: a conflict.
    wire.segment.add(&config(PRINTER, mac(7)))?;
    wire.segment.add(&config(PRINTER, mac(8)))?;
    wire.send(laptop, IpProtocol::ICMP, (LAPTOP, PRINTER), &echo_request(3, PING_DATA)?)?;
    wire.run_for(1_000)?;

    let tagged = |address, mac| HostConfig { vlan: VlanId::new(5), ..config(address, mac) };
    wire.segment.add(&tagged(CAMERA, mac(0x51)))?;
    let recorder = wire.segment.add(&tagged(RECORDER, mac(0x52)))?;
    wire.send(recorder, IpProtocol::ICMP, (RECORDER, CAMERA), &echo_request(1, PING_DATA)?)?;
    wire.run_for(1_000)?;

    // A standby router takes over the address of the gateway, by gratuitous ARP.
    wire.segment.stop(gateway);
    let router = MacAddr::new([0, 0, 0x5e, 0, 1, 1]);
    wire.inject(gratuitous_arp(router, router, GATEWAY)?);
    wire.run_for(1_000)?;

    // In the first packet, the sender MAC address is not the source of the frame. In the second packet, it is the
    // broadcast address.
    wire.inject(gratuitous_arp(mac(0x66), mac(0x67), STRANGER)?);
    wire.run_for(500)?;
    wire.inject(gratuitous_arp(mac(0x66), MacAddr::BROADCAST, STRANGER)?);
    wire.run_for(500)?;
    // A bit of the ICMP message is inverted after the checksum is written.
    let fields = Ipv4Fields::new(IpProtocol::ICMP, STRANGER, LAPTOP);
    let mut damaged = datagram_of(fields, &echo_request(4, 16)?)?;
    if let Some(last) = damaged.last_mut() {
        *last ^= 1;
    }
    wire.inject(frame(mac(2), mac(0x66), EtherType::IPV4, &damaged));
    wire.run_for(500)?;
    Ok(wire.into_capture())
}

/// A segment, and the frames on it that no host sent, with their times.
struct Wire {
    segment: Segment,
    injected: Vec<(Instant, Vec<u8>)>,
}

impl Wire {
    fn run_for(&mut self, milliseconds: u64) -> Result<(), Box<dyn Error>> {
        let result = self.segment.run_for(Duration::from_millis(milliseconds));
        result.map_err(|error| format!("{error:?}").into())
    }

    /// Sends a datagram between two neighbors, in fragments if it is too long for one frame.
    fn send(
        &mut self,
        from: NodeId,
        protocol: IpProtocol,
        (source, destination): (Ipv4Addr, Ipv4Addr),
        data: &[u8],
    ) -> Result<(), Box<dyn Error>> {
        for (index, part) in data.chunks(FRAGMENT).enumerate() {
            let fragment_offset = index * FRAGMENT;
            let fields = Ipv4Fields {
                identification: 7,
                fragment_offset,
                more_fragments: fragment_offset + part.len() < data.len(),
                ..Ipv4Fields::new(protocol, source, destination)
            };
            self.segment.send(from, destination, EtherType::IPV4, &datagram_of(fields, part)?);
        }
        Ok(())
    }

    fn inject(&mut self, bytes: Vec<u8>) {
        self.segment.inject(&bytes);
        self.injected.push((self.segment.now(), bytes));
    }

    /// Returns all frames, ordered by time, as pcapng.
    fn into_capture(mut self) -> Vec<u8> {
        let sent = self.segment.take_captured().into_iter().map(|frame| (frame.at, frame.bytes));
        let mut frames: Vec<_> = sent.chain(self.injected).collect();
        frames.sort_by_key(|(at, _)| *at);
        let mut out = Vec::new();
        write::section(&mut out, "tapstack");
        write::interface(&mut out, LinkType::ETHERNET, "eth0");
        for (at, data) in &frames {
            let time = START + at.as_nanos();
            write::packet(&mut out, &EnhancedPacket { interface: 0, time, data, flags: 0, comment: None });
        }
        out
    }
}

/// Returns a latency like that of a switch, without faults.
fn latency() -> Faults {
    let [min_latency, max_latency] = [90, 260].map(Duration::from_micros);
    Faults { seed: 826, min_latency, max_latency, ..Faults::NONE }
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

fn config(address: Ipv4Addr, mac: MacAddr) -> HostConfig {
    HostConfig::new(ipnet::Ipv4Net::new_assert(address, 24).into(), mac)
}

fn echo_request(sequence: u16, length: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let data: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
    let mut message = vec![0; Echo::HEADER + length];
    let echo = Echo { identifier: 826, sequence, data: &data };
    echo.write_to(IcmpType::ECHO_REQUEST, &mut message).map_err(|reason| format!("{reason:?}"))?;
    Ok(message)
}

/// Returns a datagram with these fields and this data.
fn datagram_of(fields: Ipv4Fields, data: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut datagram = [&[0; Ipv4Fields::LENGTH][..], data].concat();
    fields.write_to(&mut datagram).map_err(|error| format!("{error:?}"))?;
    Ok(datagram)
}

/// Returns a broadcast ARP request from `source` with the same sender and target IP address.
fn gratuitous_arp(
    source: MacAddr,
    sender_hardware: MacAddr,
    address: Ipv4Addr,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let fields = PacketFields {
        operation: Operation::REQUEST,
        sender_hardware,
        sender_protocol: address,
        target_hardware: MacAddr::ZERO,
        target_protocol: address,
    };
    let mut packet = [0; PacketFields::LENGTH];
    fields.write_to(&mut packet).map_err(|reason| format!("{reason:?}"))?;
    Ok(frame(MacAddr::BROADCAST, source, EtherType::ARP, &packet))
}

fn frame(destination: MacAddr, source: MacAddr, ether_type: EtherType, payload: &[u8]) -> Vec<u8> {
    [&destination.bytes()[..], &source.bytes(), &ether_type.0.to_be_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_capture_in_docs_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sample.pcapng");
        let in_docs = std::fs::read(path).unwrap_or_default();
        let hint = "run `cargo run -p sim --example sample > docs/sample.pcapng`";
        assert!(sample().unwrap() == in_docs, "docs/sample.pcapng is out of date: {hint}");
    }
}
