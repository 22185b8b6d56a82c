//! Flood of packets from forged senders.

use std::net::Ipv4Addr;
use std::time::Duration;

use host::HostConfig;
use icmp::{Echo, IcmpType};
use inet::IpProtocol;
use ipv4::Ipv4Fields;
use link::MacAddr;
use sim::{Faults, RecordedFrame};

use super::{ip, mac, segment};

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

/// Returns a frame with an echo request to 10.0.0.2.
fn ping(from: MacAddr, source: Ipv4Addr) -> Vec<u8> {
    let mut datagram = vec![0; Ipv4Fields::LENGTH + Echo::HEADER];
    let echo = Echo { identifier: 1, sequence: 1, data: &[] };
    echo.write_to(IcmpType::ECHO_REQUEST, &mut datagram[Ipv4Fields::LENGTH..]).unwrap();
    Ipv4Fields::new(IpProtocol::ICMP, source, ip(2)).write_to(&mut datagram).unwrap();
    [&mac(2).bytes()[..], &from.bytes(), &[8, 0], &datagram].concat()
}

/// Sends ten pings per second through the gateway during a flood of forged pings. Returns the number of answered pings,
/// and the maximum number of ARP broadcasts per second.
fn under_forged_pings(per_second: u64) -> (usize, usize) {
    let mut segment = segment(Faults::NONE);
    let network = "10.0.0.2/16".parse().unwrap();
    let host = segment
        .add(&HostConfig { gateway: Some(GATEWAY.into()), ..HostConfig::new(network, mac(2)) })
        .unwrap();
    segment.add(&HostConfig::new("10.0.0.1/16".parse().unwrap(), mac(1))).unwrap();
    let (mut answered, mut max_broadcasts) = (0, 0);
    let mut forged = 0_u32;
    for _ in 0..10 {
        let mut broadcasts = 0;
        for tenth in 0..10 {
            segment.inject(&ping(mac(1), REMOTE));
            for _ in 0..per_second / 10 {
                forged += 1;
                segment.inject(&ping(mac(66), Ipv4Addr::from_bits(0x0a00_0100 + forged)));
                segment.run_for(Duration::from_micros(1_000_000 / per_second)).unwrap();
            }
            segment.run_for(Duration::from_millis(u64::from(tenth == 9))).unwrap();
            for RecordedFrame { from, bytes, .. } in segment.take_captured() {
                let is_from_host = from == host;
                answered +=
                    usize::from(is_from_host && bytes[..6] == mac(1).bytes() && bytes[12..14] == [8, 0]);
                broadcasts += usize::from(is_from_host && bytes[..6] == [0xff; 6]);
            }
        }
        max_broadcasts = max_broadcasts.max(broadcasts);
    }
    assert!(segment.host(host).unwrap().arp().neighbors().counts().refused > 0);
    (answered, max_broadcasts)
}

// proves: table-share, table-eviction
#[test]
fn gateway_in_use_stays_reachable_under_forged_pings() {
    for per_second in [400, 2_000] {
        let (answered, max_broadcasts) = under_forged_pings(per_second);
        assert_eq!(answered, 100, "unanswered pings at {per_second} forged pings per second");
        // Requests for a quarter of the table, and for the gateway.
        assert!(max_broadcasts <= 257, "{max_broadcasts} broadcasts per second (limit 257)");
    }
}
