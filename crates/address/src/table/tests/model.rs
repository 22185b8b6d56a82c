//! The table compared with a map of every address.

use std::collections::BTreeMap;

use super::*;
use proptest::prelude::*;

/// Every address, MAC address and group, without ranges.
#[derive(Debug, Default)]
struct Model {
    addresses: BTreeMap<Ipv4Addr, (MacAddr, u8, AddressState)>,
    macs: BTreeSet<MacAddr>,
    groups: BTreeSet<Ipv4Addr>,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Add { range: AddressRange, is_tentative: bool },
    AddStation(MacAddr),
    SetState(Ipv4Addr, AddressState),
    Remove(Ipv4Addr),
    Release(Ipv4Addr),
    Join(Ipv4Addr),
    Leave(Ipv4Addr),
}

/// Number of addresses of the model, from 10.0.0.0.
const ADDRESSES: u32 = 24;

fn model_ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 + number)
}

fn model_mac(number: u64) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, 0]).plus(number).unwrap()
}

fn addresses() -> impl Iterator<Item = Ipv4Addr> {
    // Ranges of up to six addresses start within `ADDRESSES`.
    (0..ADDRESSES + 6).map(model_ip)
}

fn operation() -> impl Strategy<Value = Operation> {
    let ip = (0..ADDRESSES).prop_map(model_ip);
    let mac = (0_u64..40).prop_map(model_mac);
    let prefix = prop_oneof![Just(32_u8), Just(31), Just(28), Just(27), Just(24), Just(33)];
    // Most ranges have consecutive MAC addresses, so that rows merge.
    let range =
        (0..ADDRESSES, 0_u32..6, 0_u64..3, prefix).prop_map(|(first, length, shift, prefix)| AddressRange {
            first: model_ip(first),
            last: model_ip(first + length),
            mac: model_mac(u64::from(first) + shift / 2),
            prefix,
        });
    let state = prop_oneof![
        Just(AddressState::Tentative),
        Just(AddressState::Preferred),
        mac.clone().prop_map(|with| AddressState::Conflict { with }),
    ];
    let group = (0_u8..3).prop_map(|last| Ipv4Addr::new(224, 0, 0, last));
    prop_oneof![
        4 => (range, any::<bool>()).prop_map(|(range, is_tentative)| Operation::Add { range, is_tentative }),
        1 => mac.prop_map(Operation::AddStation),
        4 => (ip.clone(), state).prop_map(|(ip, state)| Operation::SetState(ip, state)),
        2 => ip.clone().prop_map(Operation::Remove),
        2 => ip.prop_map(Operation::Release),
        1 => group.clone().prop_map(Operation::Join),
        1 => group.prop_map(Operation::Leave),
    ]
}

impl Model {
    fn apply(&mut self, table: &mut AddressTable, operation: Operation) {
        match operation {
            Operation::Add { range, is_tentative } => {
                let checked = table.check(range);
                let added = if is_tentative { table.add_tentative(range) } else { table.add(range) };
                let state = if is_tentative { AddressState::Tentative } else { AddressState::Preferred };
                let is_valid = range.check().is_ok();
                let overlaps = range.iter().any(|(ip, _)| self.addresses.contains_key(&ip));
                assert_eq!(added.is_ok(), is_valid && !overlaps, "{range:?}: {added:?}");
                assert_eq!(checked, added, "{range:?}");
                if added.is_ok() {
                    for (ip, mac) in range.iter() {
                        self.addresses.insert(ip, (mac, range.prefix, state));
                        self.macs.insert(mac);
                    }
                }
            }
            Operation::AddStation(mac) => {
                assert_eq!(table.add_station(mac), Ok(()));
                self.macs.insert(mac);
            }
            Operation::SetState(ip, state) => {
                let entry = self.addresses.get_mut(&ip);
                assert_eq!(table.set_state(ip, state), entry.is_some());
                if let Some(entry) = entry {
                    entry.2 = state;
                }
            }
            Operation::Remove(ip) => {
                table.remove(ip);
                self.addresses.remove(&ip);
            }
            Operation::Release(ip) => {
                let mac = self.addresses.remove(&ip).map(|(mac, ..)| mac);
                assert_eq!(table.release(ip), mac, "{ip}");
                let is_shared = |mac| self.addresses.values().any(|(other, ..)| *other == mac);
                if let Some(mac) = mac.filter(|mac| !is_shared(*mac)) {
                    self.macs.remove(&mac);
                }
            }
            Operation::Join(group) => {
                assert_eq!(table.join(group), Ok(()));
                self.groups.insert(group);
            }
            Operation::Leave(group) => {
                table.leave(group);
                self.groups.remove(&group);
            }
        }
    }

    fn mac_of(&self, ip: Ipv4Addr) -> Option<MacAddr> {
        let (mac, _, state) = self.addresses.get(&ip)?;
        (*state != AddressState::Tentative).then_some(*mac)
    }

    fn is_broadcast(&self, candidate: Ipv4Addr) -> bool {
        let is_of_network = self.addresses.iter().any(|(ip, (_, prefix, _))| {
            let network = Ipv4Net::new(*ip, *prefix).unwrap();
            let broadcast = directed_broadcast(network);
            broadcast.is_some() && [broadcast, Some(network.network())].contains(&Some(candidate))
        });
        (candidate.is_broadcast() || is_of_network) && !self.addresses.contains_key(&candidate)
    }

    fn destination_kind(&self, ip: Ipv4Addr) -> Option<DestinationKind> {
        if self.addresses.contains_key(&ip) {
            Some(DestinationKind::Unicast)
        } else if self.is_broadcast(ip) {
            Some(DestinationKind::Broadcast)
        } else {
            self.groups.contains(&ip).then_some(DestinationKind::Multicast)
        }
    }

    /// Returns the order in which a source for requests is selected, or none if the address is not possible.
    fn source_order(&self, ip: Ipv4Addr, target: Ipv4Addr) -> Option<(bool, bool)> {
        let (_, prefix, state) = self.addresses.get(&ip)?;
        let is_far = !Ipv4Net::new(ip, *prefix).unwrap().contains(&target);
        match state {
            _ if ip == target => None,
            AddressState::Tentative => None,
            AddressState::Preferred => Some((false, is_far)),
            AddressState::Conflict { .. } => Some((true, false)),
        }
    }

    fn assert_matches(&self, table: &AddressTable) {
        for ip in addresses().chain([Ipv4Addr::BROADCAST, Ipv4Addr::new(224, 0, 0, 1)]) {
            assert_eq!(table.contains(ip), self.addresses.contains_key(&ip), "{ip}");
            assert_eq!(table.state(ip), self.addresses.get(&ip).map(|(_, _, state)| *state), "{ip}");
            assert_eq!(table.mac_of(ip), self.mac_of(ip), "{ip}");
            assert_eq!(table.is_broadcast(ip), self.is_broadcast(ip), "{ip}");
            assert_eq!(table.is_host(ip), is_valid_host(ip) && !self.is_broadcast(ip), "{ip}");
            assert_eq!(table.destination_kind(ip), self.destination_kind(ip), "{ip}");
            let best = addresses().filter_map(|source| self.source_order(source, ip)).min();
            let source = table.source_for(ip);
            assert_eq!(
                source.and_then(|(source, _)| self.source_order(source, ip)),
                best,
                "{ip}: {source:?}"
            );
            assert_eq!(source.map(|(_, mac)| mac), source.and_then(|(source, _)| self.mac_of(source)));
        }
        for mac in (0..66).map(model_mac) {
            assert_eq!(table.has_mac(mac), self.macs.contains(&mac), "{mac}");
        }
        let in_use: Vec<_> = addresses().filter_map(|ip| Some((ip, self.mac_of(ip)?))).collect();
        assert_eq!(table.in_use().collect::<Vec<_>>(), in_use);
        assert_eq!(table.has_address_in_use(), !in_use.is_empty());
        for first in addresses() {
            let ranges = table.ranges_from(first).flat_map(|(range, state)| {
                range.iter().map(move |(ip, mac)| (ip, (mac, range.prefix, state)))
            });
            let expected = self.addresses.range(first..).map(|(ip, row)| (*ip, *row));
            assert!(ranges.eq(expected), "{first}: ranges differ from the model");
        }
    }
}

proptest! {
    #[test]
    fn table_equals_map_of_every_address(operations in prop::collection::vec(operation(), 0..25)) {
        let (mut table, mut model) = (AddressTable::default(), Model::default());
        for operation in operations {
            let context = format!("{operation:?}");
            model.apply(&mut table, operation);
            model.assert_matches(&table);
            let rows: u64 = table.rows.iter().map(|row| u64::from(row.last - row.first) + 1).sum();
            prop_assert_eq!(rows, table.addresses, "{}", context);
            prop_assert!(table.rows.windows(2).all(|pair| pair[0].last < pair[1].first), "{}", context);
        }
    }
}
