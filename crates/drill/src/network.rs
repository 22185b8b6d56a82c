//! The host under test and its clock.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use host::{Host, HostConfig};
use ipnet::Ipv4Net;
use link::{EtherType, MacAddr};
use tap::{Batch, Instant, Machine, Pool, PortId};

use crate::errno::{CallResult, Errno};

/// The host under test, its frames and the virtual clock.
pub(crate) struct Network {
    pub(crate) host: Host,
    pub(crate) pool: Pool,
    now: Instant,
    departing: Batch,
    sent: VecDeque<SentPacket>,
    /// Whether the flag PSH is removed from sent segments.
    ignores_push: bool,
}

/// IP packet that the host has sent.
pub(crate) struct SentPacket {
    /// Time at which the packet left the host.
    pub(crate) at: Instant,
    /// The IP packet, without an Ethernet header.
    pub(crate) bytes: Vec<u8>,
}

/// The port of the host.
const PORT: PortId = PortId::new(0);
/// MAC address of the host.
const HOST_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
/// Address of the host and its network.
const HOST_ADDRESS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 1), 16);
/// MAC address of the gateway.
const GATEWAY_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
/// Address of the gateway.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 2);
/// MTU of the device in bytes. Scripts inject segments of up to 60,000 bytes of data, as a device of Linux passes them on.
const MTU: usize = 65_000;
/// Maximum number of frames of a size class.
const FRAMES: usize = 65_536;
/// Length of an Ethernet header without VLAN tags.
const ETHERNET: usize = 14;
/// Time of the clock at the start.
const START: Instant = Instant::from_nanos(1_000_000_000_000);
/// The step of the clock.
const MICROSECOND: Duration = Duration::from_micros(1);

impl Network {
    /// Creates a host at the start of the virtual time. With `ignores_push`, sent segments never have the flag PSH.
    pub(crate) fn new(ignores_push: bool) -> Result<Network, String> {
        let config = HostConfig {
            mtu: MTU,
            gateway: Some(GATEWAY.into()),
            ..HostConfig::new(HOST_ADDRESS.into(), HOST_MAC)
        };
        let mut host = Host::new(START, &config).map_err(|error| format!("invalid host: {error}"))?;
        host.add_static(START, GATEWAY, GATEWAY_MAC).map_err(|error| format!("invalid neighbor: {error}"))?;
        let mut network = Network {
            host,
            pool: Pool::new(MTU, FRAMES),
            now: START,
            departing: Batch::new(64),
            sent: VecDeque::new(),
            ignores_push,
        };
        network.settle();
        Ok(network)
    }

    /// Returns the time.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Advances the clock by a microsecond, and returns the new time. packetdrill reads the clock until an expected time.
    pub(crate) fn read_clock(&mut self) -> Instant {
        self.now = self.now + MICROSECOND;
        self.now
    }

    /// Passes an IP packet to the host.
    pub(crate) fn inject(&mut self, packet: &[u8]) -> CallResult<()> {
        let mut frame = self.pool.take().ok_or(Errno::NO_FRAME)?;
        let mut bytes = Vec::with_capacity(ETHERNET + packet.len());
        bytes.extend_from_slice(&HOST_MAC.bytes());
        bytes.extend_from_slice(&GATEWAY_MAC.bytes());
        bytes.extend_from_slice(&EtherType::IPV4.0.to_be_bytes());
        bytes.extend_from_slice(packet);
        if frame.write(&bytes).is_err() {
            self.pool.give(frame);
            return Err(Errno::INVALID);
        }
        self.host.receive(self.now, PORT, frame, &mut self.pool);
        self.settle();
        Ok(())
    }

    /// Removes and returns the first packet that the host has sent.
    pub(crate) fn take_sent(&mut self) -> Option<SentPacket> {
        self.sent.pop_front()
    }

    /// Advances the clock to the next deadline of the host, and runs the timers that are due. Without a deadline up to
    /// `limit`, sets the clock to `limit` and returns false.
    pub(crate) fn step(&mut self, limit: Instant) -> bool {
        match self.host.deadline() {
            Some(deadline) if deadline <= limit && self.now < limit => {
                // The clock advances at every step, so the time comes to an end.
                self.now = deadline.max(self.now + MICROSECOND).min(limit);
                self.settle();
                true
            }
            _ => {
                self.now = limit.max(self.now);
                false
            }
        }
    }

    /// Returns whether the host has a deadline.
    pub(crate) fn has_deadline(&self) -> bool {
        self.host.deadline().is_some()
    }

    /// Takes all packets that the host has to send now.
    pub(crate) fn settle(&mut self) {
        loop {
            self.host.transmit(self.now, PORT, &mut self.departing, &mut self.pool);
            if self.departing.is_empty() {
                break;
            }
            while let Some(frame) = self.departing.pop() {
                let (header, packet) = frame.bytes().split_at_checked(ETHERNET).unwrap_or_default();
                if header.ends_with(&EtherType::IPV4.0.to_be_bytes()) {
                    let mut bytes = ip_packet(packet).to_vec();
                    if self.ignores_push {
                        remove_push(&mut bytes);
                    }
                    self.sent.push_back(SentPacket { at: self.now, bytes });
                }
                self.pool.give(frame);
            }
        }
        while self.host.take_event().is_some() {}
        while self.host.poll_ready().is_some() {}
    }
}

/// Returns the IP packet without the padding of the frame.
fn ip_packet(payload: &[u8]) -> &[u8] {
    let length = payload.get(2..4).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes);
    length.and_then(|length| payload.get(..length.into())).unwrap_or(payload)
}

/// Removes the flag PSH from the TCP segment in an IP packet. Does nothing to other packets.
fn remove_push(packet: &mut [u8]) {
    const TCP: u8 = 6;
    const PSH: u8 = 0x08;
    let Some([length, _, _, _, _, _, _, _, _, TCP]) = packet.first_chunk() else { return };
    let header = usize::from(length & 0x0f) * 4;
    let Some(segment) = packet.get_mut(header..) else { return };
    if let [_, _, _, _, _, _, _, _, _, _, _, _, _, flags, _, _, high, low, ..] = segment
        && *flags & PSH != 0
    {
        *flags &= !PSH;
        // RFC 1624 3: the one's complement sum of the segment decreases, so its complement increases.
        let (sum, carry) = u16::from_be_bytes([*high, *low]).overflowing_add(PSH.into());
        [*high, *low] = sum.wrapping_add(carry.into()).to_be_bytes();
    }
}

#[cfg(test)]
mod tests;
