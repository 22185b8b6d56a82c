//! What a host does under packets of many forged senders.

use icmp::{Echo, Kind};
use ipv4::{Fields, Protocol};

use super::*;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

/// An echo request to 10.0.0.2 in a frame of this station's.
fn ping(from: MacAddr, source: Ipv4Addr) -> Vec<u8> {
    let mut datagram = vec![0; Fields::LENGTH + Echo::HEADER];
    let echo = Echo { identifier: 1, sequence: 1, data: &[] };
    echo.write_to(Kind::ECHO_REQUEST, &mut datagram[Fields::LENGTH..]).unwrap();
    Fields::new(Protocol::ICMP, source, ip(2)).write_to(&mut datagram).unwrap();
    [&mac(2).octets()[..], &from.octets(), &[8, 0], &datagram].concat()
}

/// Of pings by way of the gateway, ten a second, how many are answered while forged ones come; and how many ARP
/// requests the host broadcasts in the busiest second.
fn under_forged_pings(each_second: u64) -> (usize, usize) {
    let mut wire = wire(Faults::NONE);
    let network = "10.0.0.2/16".parse().unwrap();
    let ours = wire.add(&Config { gateway: Some(GATEWAY), ..Config::new(network, mac(2)) }).unwrap();
    wire.add(&Config::new("10.0.0.1/16".parse().unwrap(), mac(1))).unwrap();
    let (mut answered, mut busiest) = (0, 0);
    let mut forged = 0_u32;
    for _ in 0..10 {
        let mut asked = 0;
        for tenth in 0..10 {
            wire.inject(&ping(mac(1), FAR));
            for _ in 0..each_second / 10 {
                forged += 1;
                wire.inject(&ping(mac(66), Ipv4Addr::from_bits(0x0a00_0100 + forged)));
                wire.run_for(Duration::from_micros(1_000_000 / each_second)).unwrap();
            }
            wire.run_for(Duration::from_millis(u64::from(tenth == 9))).unwrap();
            for Sighting { from, octets, .. } in wire.take_sightings() {
                let is_ours = from == ours;
                answered +=
                    usize::from(is_ours && octets[..6] == mac(1).octets() && octets[12..14] == [8, 0]);
                asked += usize::from(is_ours && octets[..6] == [0xff; 6]);
            }
        }
        busiest = busiest.max(asked);
    }
    assert!(wire.host(ours).unwrap().arp().neighbors().counts().refused > 0);
    (answered, busiest)
}

// proves: table-share, table-eviction
#[test]
fn gateway_in_use_stays_reachable_under_forged_pings() {
    for each_second in [400, 2_000] {
        let (answered, busiest) = under_forged_pings(each_second);
        assert_eq!(answered, 100, "{each_second} forged pings a second");
        // A quarter of the table, and the gateway.
        assert!(busiest <= 257, "{busiest} broadcasts in a second");
    }
}
