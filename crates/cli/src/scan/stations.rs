//! IP addresses with several stations, and stations with several IP addresses.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use arptools::sweep::SweepReply;
use link::MacAddr;

use crate::shared_address::SharedAddress;

/// Maximum number of listed IP addresses with several stations.
const MAX_SHARED: usize = 1_024;
/// Maximum number of listed stations of an IP address.
pub(super) const MAX_STATIONS: usize = 16;
/// Maximum number of stations with counted IP addresses.
const MAX_COUNTED: usize = 65_536;
/// Maximum number of stations in the result.
const MAX_RESULT: usize = 16;

/// The stations of a scan.
#[derive(Debug, Default)]
pub(super) struct ScanStations {
    shared: BTreeMap<Ipv4Addr, SharedAddress>,
    counted: BTreeMap<MacAddr, StationAddresses>,
    /// Replies of stations that were not counted because the table was full.
    uncounted: u64,
}

/// The IP addresses of a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StationAddresses {
    pub(super) mac: MacAddr,
    /// Number of IP addresses.
    pub(super) count: u64,
    /// Lowest and highest IP address.
    pub(super) first: Ipv4Addr,
    pub(super) last: Ipv4Addr,
}

impl ScanStations {
    /// Adds a reply.
    pub(super) fn add(&mut self, reply: &SweepReply) {
        let (ip, mac) = (reply.packet.sender_protocol, reply.packet.sender_hardware);
        let is_new = match reply.other_mac {
            None => reply.number == 1,
            Some(first) => self.add_shared(ip, first, mac),
        };
        if is_new {
            self.count(ip, mac);
        }
    }

    /// Adds a further station of an IP address. Returns whether the station is new.
    fn add_shared(&mut self, ip: Ipv4Addr, first: MacAddr, mac: MacAddr) -> bool {
        if self.shared.len() >= MAX_SHARED && !self.shared.contains_key(&ip) {
            return false;
        }
        let shared = SharedAddress { ip, macs: vec![first], has_more: false };
        let shared = self.shared.entry(ip).or_insert(shared);
        if shared.macs.contains(&mac) {
            return false;
        }
        shared.has_more |= shared.macs.len() >= MAX_STATIONS;
        if !shared.has_more {
            shared.macs.push(mac);
        }
        !shared.has_more
    }

    /// Counts an IP address of a station.
    fn count(&mut self, ip: Ipv4Addr, mac: MacAddr) {
        if self.counted.len() >= MAX_COUNTED && !self.counted.contains_key(&mac) {
            self.uncounted = self.uncounted.saturating_add(1);
            return;
        }
        let none = StationAddresses { mac, count: 0, first: ip, last: ip };
        let station = self.counted.entry(mac).or_insert(none);
        station.count = station.count.saturating_add(1);
        station.first = station.first.min(ip);
        station.last = station.last.max(ip);
    }

    /// Returns the IP addresses with several stations, at most 1,024, in ascending order.
    pub(super) fn shared(&self) -> impl ExactSizeIterator<Item = &SharedAddress> {
        self.shared.values()
    }

    /// Returns the stations with several IP addresses, at most 16, those with the most addresses first.
    pub(super) fn with_several_addresses(&self) -> Vec<StationAddresses> {
        let mut stations: Vec<_> =
            self.counted.values().copied().filter(|station| station.count > 1).collect();
        stations.sort_by_key(|station| (Reverse(station.count), station.first));
        stations.truncate(MAX_RESULT);
        stations
    }

    /// Returns the number of replies that were not counted because the table was full.
    pub(super) fn uncounted(&self) -> u64 {
        self.uncounted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::tests::{RIVAL, reply, sweep};
    use arp::PacketFields;

    const FIRST: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 10]);

    /// Returns a reply for 10.0.x.y, where x and y are the bytes of `address`.
    fn reply_of(address: u16, mac: MacAddr, other_mac: Option<MacAddr>) -> SweepReply {
        let [third, fourth] = address.to_be_bytes();
        let reply = reply(&mut sweep(), mac);
        let packet = PacketFields { sender_protocol: Ipv4Addr::new(10, 0, third, fourth), ..reply.packet };
        SweepReply { packet, number: if other_mac.is_some() { 2 } else { 1 }, other_mac, ..reply }
    }

    #[test]
    fn shared_address_lists_each_station_once() {
        let mut stations = ScanStations::default();
        stations.add(&reply_of(1, FIRST, None));
        assert_eq!(stations.shared().len(), 0);
        for _ in 0..2 {
            stations.add(&reply_of(1, RIVAL, Some(FIRST)));
        }
        let shared = stations.shared().next().unwrap();
        assert_eq!((&shared.macs[..], shared.has_more), (&[FIRST, RIVAL][..], false));
        for last in 0..20 {
            stations.add(&reply_of(1, MacAddr::new([2, 0, 0, 0, 1, last]), Some(FIRST)));
        }
        let shared = stations.shared().next().unwrap();
        assert_eq!((shared.macs.len(), shared.has_more), (MAX_STATIONS, true));
    }

    #[test]
    fn stations_with_several_addresses_are_sorted_by_count() {
        let mut stations = ScanStations::default();
        for (address, mac) in [(3, FIRST), (1, RIVAL), (2, RIVAL), (9, RIVAL), (4, FIRST)] {
            stations.add(&reply_of(address, mac, None));
        }
        // A further reply for the same address is not counted.
        stations.add(&SweepReply { number: 2, ..reply_of(3, FIRST, None) });
        stations.add(&reply_of(7, MacAddr::new([2, 0, 0, 0, 0, 12]), None));
        let ip = |last| Ipv4Addr::new(10, 0, 0, last);
        assert_eq!(
            stations.with_several_addresses(),
            [
                StationAddresses { mac: RIVAL, count: 3, first: ip(1), last: ip(9) },
                StationAddresses { mac: FIRST, count: 2, first: ip(3), last: ip(4) },
            ]
        );
    }

    #[test]
    fn second_station_of_shared_address_has_the_address_too() {
        let mut stations = ScanStations::default();
        stations.add(&reply_of(1, FIRST, None));
        stations.add(&reply_of(1, RIVAL, Some(FIRST)));
        stations.add(&reply_of(2, RIVAL, None));
        let found = stations.with_several_addresses();
        assert_eq!(
            found.iter().map(|station| (station.mac, station.count)).collect::<Vec<_>>(),
            [(RIVAL, 2)]
        );
    }

    #[test]
    fn tables_of_stations_are_bounded() {
        let mut stations = ScanStations::default();
        for number in 0..=u16::MAX {
            let [high, low] = number.to_be_bytes();
            let mac = MacAddr::new([2, 1, 0, 0, high, low]);
            stations.add(&reply_of(number, FIRST, Some(mac)));
            stations.add(&reply_of(number, mac, None));
        }
        assert_eq!(stations.shared().len(), MAX_SHARED);
        assert_eq!((stations.counted.len(), stations.uncounted()), (MAX_COUNTED, 1));
        assert!(stations.with_several_addresses().len() <= MAX_RESULT);
    }
}
