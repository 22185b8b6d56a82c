//! Changes of an address table. Checks that the table agrees with a simple model: a map of all addresses.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use address::{AddressError, AddressRange, AddressState, AddressTable};
use ipnet::Ipv4Net;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use link::{DestinationKind, MacAddr};

#[derive(Arbitrary, Debug)]
enum Step {
    /// Up to eight consecutive addresses are added, in use or tentative.
    Add {
        first: u8,
        more: u8,
        mac: u8,
        prefix: u8,
        is_tentative: bool,
    },
    /// A MAC address without an IP address is added.
    AddStation(u8),
    Remove(u8),
    /// Another state is set. In a conflict, the other host has this number.
    SetState(u8, State),
    Join(u8),
    Leave(u8),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum State {
    Tentative,
    Preferred,
    Conflict(u8),
}

/// Addresses from 10.0.0.0.
const ADDRESSES: u8 = 48;

#[derive(Default)]
struct Model {
    /// MAC address, prefix length and state of each local address.
    addresses: BTreeMap<Ipv4Addr, (MacAddr, u8, AddressState)>,
    macs: BTreeSet<MacAddr>,
    groups: BTreeSet<Ipv4Addr>,
}

fuzz_target!(|steps: Vec<Step>| {
    let (mut table, mut model) = (AddressTable::default(), Model::default());
    for step in steps {
        step.apply(&mut table, &mut model);
        model.check(&table);
    }
});

impl Step {
    fn apply(&self, table: &mut AddressTable, model: &mut Model) {
        match *self {
            Self::Add { first, more, mac: number, prefix, is_tentative } => {
                let (first, last) = (address(first), address((first % ADDRESSES).saturating_add(more % 8)));
                let range = AddressRange { first, last, mac: mac(number), prefix: 20 + prefix % 14 };
                let added = if is_tentative { table.add_tentative(range) } else { table.add(range) };
                let state = if is_tentative { AddressState::Tentative } else { AddressState::Preferred };
                assert_eq!(added, model.add(range, state));
            }
            Self::AddStation(number) => {
                table.add_station(mac(number)).expect("MAC address should be valid");
                model.macs.insert(mac(number));
            }
            Self::Remove(number) => {
                table.remove(address(number));
                model.addresses.remove(&address(number));
            }
            Self::SetState(number, state) => {
                let entry = model.addresses.get_mut(&address(number));
                assert_eq!(table.set_state(address(number), state.of_table()), entry.is_some());
                if let Some((_, _, of_model)) = entry {
                    *of_model = state.of_table();
                }
            }
            Self::Join(number) => {
                table.join(group(number)).expect("few groups should be joined");
                model.groups.insert(group(number));
            }
            Self::Leave(number) => {
                table.leave(group(number));
                model.groups.remove(&group(number));
            }
        }
    }
}

impl State {
    fn of_table(self) -> AddressState {
        match self {
            Self::Tentative => AddressState::Tentative,
            Self::Preferred => AddressState::Preferred,
            Self::Conflict(number) => AddressState::Conflict { with: mac(number) },
        }
    }
}

impl Model {
    fn add(&mut self, range: AddressRange, state: AddressState) -> Result<(), AddressError> {
        let AddressRange { first, last, prefix, .. } = range;
        if last < first {
            return Err(AddressError::Reversed);
        }
        let network = Ipv4Net::new(first, prefix).map_err(|_| AddressError::InvalidPrefix)?;
        if prefix < 32 && !network.contains(&last) {
            return Err(AddressError::InvalidPrefix);
        }
        if self.addresses.range(first..=last).next().is_some() {
            return Err(AddressError::Overlap);
        }
        for (ip, mac) in range.iter() {
            self.addresses.insert(ip, (mac, prefix, state));
            self.macs.insert(mac);
        }
        Ok(())
    }

    fn check(&self, table: &AddressTable) {
        let is_in_use = |state: AddressState| state != AddressState::Tentative;
        let in_use: Vec<_> = self.addresses.iter().filter(|(_, (.., state))| is_in_use(*state)).collect();
        assert!(table.in_use().eq(in_use.iter().map(|(ip, (mac, ..))| (**ip, *mac))));
        assert_eq!(table.has_address_in_use(), !in_use.is_empty());
        for number in 0..ADDRESSES + 16 {
            assert_eq!(table.has_mac(mac(number)), self.macs.contains(&mac(number)));
            let ip = Ipv4Addr::new(10, 0, 0, number);
            let entry = self.addresses.get(&ip);
            assert_eq!((table.contains(ip), table.state(ip)), (entry.is_some(), entry.map(|entry| entry.2)));
            let used_by = entry.filter(|(.., state)| is_in_use(*state)).map(|(mac, ..)| *mac);
            assert_eq!(table.mac_of(ip), used_by);
            self.check_destination(table, ip);
            self.check_source(table, ip);
        }
        for number in 0..16 {
            self.check_destination(table, group(number));
        }
    }

    fn check_destination(&self, table: &AddressTable, ip: Ipv4Addr) {
        let is_local = self.addresses.contains_key(&ip);
        let is_broadcast = !is_local
            && self.addresses.iter().any(|(local, (_, prefix, _))| {
                let network = Ipv4Net::new(*local, *prefix).expect("prefix length should be valid");
                *prefix < 31 && (network.broadcast() == ip || network.network() == ip)
            });
        let expected = if is_local {
            Some(DestinationKind::Unicast)
        } else if is_broadcast {
            Some(DestinationKind::Broadcast)
        } else {
            self.groups.contains(&ip).then_some(DestinationKind::Multicast)
        };
        assert_eq!(table.destination_kind(ip), expected, "{ip}");
        assert_eq!(table.is_broadcast(ip), is_broadcast);
    }

    /// Checks the source of a request for an address: in use, another address, and without a conflict if there is one.
    fn check_source(&self, table: &AddressTable, target: Ipv4Addr) {
        let others = self.addresses.iter().filter(|(ip, _)| **ip != target);
        let preferred = others.clone().any(|(_, (.., state))| *state == AddressState::Preferred);
        let in_use = others.clone().any(|(_, (.., state))| *state != AddressState::Tentative);
        let source = table.source_for(target);
        assert_eq!(source.is_some(), in_use);
        if let Some((ip, mac)) = source {
            let (expected, _, state) = self.addresses.get(&ip).expect("source should be local");
            assert!(ip != target && mac == *expected && *state != AddressState::Tentative);
            assert!(!preferred || *state == AddressState::Preferred);
        }
    }
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number % ADDRESSES)
}

fn mac(number: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, number])
}

/// Returns one of 16 multicast groups.
fn group(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(224, 0, 0, number % 16)
}
