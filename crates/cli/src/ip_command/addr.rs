//! `tapstack ip addr`.

use std::net::Ipv4Addr;

use inet::directed_broadcast;
use ipnet::Ipv4Net;
use link::MacAddr;
use schemars::JsonSchema;
use serde::Serialize;
use tap::linux::Printable;

use super::arguments::{HostSelection, ShowOptions};
use super::clauses::{Clauses, missing};
use super::neigh::address_or_network;
use super::{Target, device_name};
use crate::control::message::{AddressRow, AddressStateName, InterfaceRow, Operation, Outcome};
use crate::failure::{Failure, print_line};
use crate::json::{Mac, SCHEMA};
use crate::values::{network, station_mac};

/// `tapstack ip addr --json`
///
/// Prints one object for each local address or range of addresses, without an `event`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ip_addr")]
pub(super) struct AddrJson {
    /// Version of the format: 1.
    schema: u32,
    /// Interface or TAP of the host.
    interface: String,
    /// VLAN ID, 1 to 4094; null if the interface is untagged.
    vlan: Option<u16>,
    /// IP address; in a range, the first.
    ip: Ipv4Addr,
    /// Number of addresses. The IP and MAC addresses of a range are consecutive.
    count: u64,
    /// Prefix length of the network, in bits; 32 for a range, which has no network.
    prefix_length: u8,
    /// Broadcast address of the network; null without one.
    broadcast_ip: Option<Ipv4Addr>,
    /// MAC address of the host with this address; in a range, the first.
    mac: Mac,
    /// State of the address.
    state: AddressStateName,
    /// MAC address of another station with the address; null without a conflict.
    conflict_mac: Option<Mac>,
}

/// Prints the local addresses that the arguments select.
pub(super) fn show(options: &ShowOptions, words: &[String]) -> Result<(), Failure> {
    let clauses = Clauses::parse(words, &["dev", "to"])?;
    let network = clauses.one("to", address_or_network)?;
    let target = Target::select(&options.host, clauses.one("dev", Ok)?)?;
    for interface in &target.interfaces {
        let id = interface.id;
        let rows = target.client.list(
            |from| Operation::Addresses { interface: id, from },
            |outcome| if let Outcome::Addresses(page) = outcome { Some(page) } else { None },
        )?;
        let rows = rows.iter().flat_map(separate);
        let rows: Vec<_> =
            rows.filter(|row| network.is_none_or(|network| network.contains(&row.first))).collect();
        if options.json {
            for row in rows {
                let line = AddrJson::new(&target.client.interface, interface.vlan, &row);
                print_line(&serde_json::to_string(&line)?)?;
            }
        } else if network.is_none() || !rows.is_empty() {
            for line in text(&target.client.interface, interface, &rows) {
                print_line(&line)?;
            }
        }
    }
    Ok(())
}

/// Adds an address, which is a host with its own MAC address.
pub(super) fn add(host: &HostSelection, words: &[String]) -> Result<(), Failure> {
    let clauses = Clauses::parse(words, &["local", "lladdr", "dev"])?;
    let address =
        clauses.one("local", address_or_network)?.ok_or_else(|| missing("IP address", "addr add"))?;
    let mac = clauses.one("lladdr", station_mac)?.map(Mac);
    let target = Target::select(host, clauses.one("dev", Ok)?)?;
    target.client.change(Operation::AddAddress { interface: target.interface()?.id, address, mac })
}

/// Deletes an address.
pub(super) fn delete(host: &HostSelection, words: &[String]) -> Result<(), Failure> {
    let clauses = Clauses::parse(words, &["local", "dev"])?;
    let parse = |text| {
        let address = address_or_network(text)?;
        let prefix_length = network(text).ok().map(|network| network.prefix_len());
        Ok((address.addr(), prefix_length))
    };
    let (ip, prefix_length) =
        clauses.one("local", parse)?.ok_or_else(|| missing("IP address", "addr del"))?;
    let target = Target::select(host, clauses.one("dev", Ok)?)?;
    target.client.change(Operation::DeleteAddress { interface: target.interface()?.id, ip, prefix_length })
}

/// Returns the addresses of a row one by one, unless they are a range without a network.
fn separate(row: &AddressRow) -> Vec<AddressRow> {
    if row.prefix_length == 32 {
        return vec![row.clone()];
    }
    let addresses = u32::from(row.first)..=u32::from(row.last);
    let one = |(ip, steps): (u32, u64)| {
        let (ip, mac) = (Ipv4Addr::from(ip), Mac(row.mac.0.plus(steps)?));
        Some(AddressRow { first: ip, last: ip, mac, ..row.clone() })
    };
    addresses.zip(0..).filter_map(one).collect()
}

impl AddressRow {
    fn count(&self) -> u64 {
        u64::from(u32::from(self.last).saturating_sub(u32::from(self.first))) + 1
    }

    fn broadcast(&self) -> Option<Ipv4Addr> {
        Ipv4Net::new(self.first, self.prefix_length).ok().and_then(directed_broadcast)
    }

    /// Returns the last MAC address.
    fn last_mac(&self) -> MacAddr {
        let Mac(first) = self.mac;
        first.plus(self.count() - 1).unwrap_or(first)
    }
}

impl AddrJson {
    fn new(host: &str, vlan: Option<u16>, row: &AddressRow) -> AddrJson {
        AddrJson {
            schema: SCHEMA,
            interface: host.to_owned(),
            vlan,
            ip: row.first,
            count: row.count(),
            prefix_length: row.prefix_length,
            broadcast_ip: row.broadcast(),
            mac: row.mac,
            state: row.state,
            conflict_mac: row.conflict_mac,
        }
    }
}

/// Returns the lines of an interface, as `ip addr` prints them. The addresses of a host follow its MAC address.
fn text(host: &str, interface: &InterfaceRow, rows: &[AddressRow]) -> Vec<String> {
    let InterfaceRow { id, vlan, mtu, is_active } = *interface;
    let name = device_name(host, vlan);
    let below = vlan.map_or(String::new(), |_| format!("@{}", Printable(host)));
    let (name, number) = (Printable(&name), u32::from(id) + 1);
    let (flags, state) = if is_active { (",UP,LOWER_UP", "UP") } else { ("", "DOWN") };
    let mut lines =
        vec![format!("{number}: {name}{below}: <BROADCAST,MULTICAST{flags}> mtu {mtu} state {state}")];
    for row in rows {
        let (Mac(first), last) = (row.mac, row.last_mac());
        let (macs, addresses) = if row.count() > 1 {
            (format!("{first}-{last}"), format!("{}-{}", row.first, row.last))
        } else {
            (first.to_string(), format!("{}/{}", row.first, row.prefix_length))
        };
        let broadcast = row.broadcast().map_or(String::new(), |ip| format!(" brd {ip}"));
        let scope = if row.first.is_link_local() { "link" } else { "global" };
        let state = match (row.state, row.conflict_mac) {
            (AddressStateName::Preferred, _) => String::new(),
            (AddressStateName::Tentative, _) => " tentative".to_owned(),
            (AddressStateName::Conflict, None) => " conflict".to_owned(),
            (AddressStateName::Conflict, Some(Mac(mac))) => format!(" conflict {mac}"),
        };
        lines.push(format!("    link/ether {macs} brd {}", MacAddr::BROADCAST));
        lines.push(format!("    inet {addresses}{broadcast} scope {scope}{state} {name}"));
        lines.push("       valid_lft forever preferred_lft forever".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(first: [u8; 4], last: [u8; 4], prefix_length: u8) -> AddressRow {
        let mac = Mac(MacAddr::new([2, 0, 0, 0, 0, 2]));
        let (state, conflict_mac) = (AddressStateName::Preferred, None);
        AddressRow { first: first.into(), last: last.into(), mac, prefix_length, state, conflict_mac }
    }

    fn interface(id: u16, vlan: Option<u16>, is_active: bool) -> InterfaceRow {
        InterfaceRow { id, vlan, mtu: 1_500, is_active }
    }

    #[test]
    fn lines_have_format_of_ip_addr() {
        let rows = separate(&row([10, 0, 0, 2], [10, 0, 0, 3], 24));
        let expected = "\
1: tap0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP
    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff
    inet 10.0.0.2/24 brd 10.0.0.255 scope global tap0
       valid_lft forever preferred_lft forever
    link/ether 02:00:00:00:00:03 brd ff:ff:ff:ff:ff:ff
    inet 10.0.0.3/24 brd 10.0.0.255 scope global tap0
       valid_lft forever preferred_lft forever";
        assert_eq!(text("tap0", &interface(0, None, true), &rows).join("\n"), expected);
    }

    #[test]
    fn lines_of_range_and_states_name_both_ends_and_state() {
        let range = row([10, 1, 0, 0], [10, 1, 0, 255], 32);
        let tentative =
            AddressRow { state: AddressStateName::Tentative, ..row([169, 254, 1, 2], [169, 254, 1, 2], 16) };
        let conflict = AddressRow {
            state: AddressStateName::Conflict,
            conflict_mac: Some(Mac(MacAddr::new([2, 0, 0, 0, 0, 9]))),
            ..row([10, 0, 0, 5], [10, 0, 0, 5], 32)
        };
        let rows: Vec<_> = [range, tentative, conflict].iter().flat_map(separate).collect();
        let lines = text("tap0", &interface(1, Some(5), false), &rows);
        assert_eq!(lines[0], "2: tap0.5@tap0: <BROADCAST,MULTICAST> mtu 1500 state DOWN");
        assert_eq!(lines[1], "    link/ether 02:00:00:00:00:02-02:00:00:00:01:01 brd ff:ff:ff:ff:ff:ff");
        assert_eq!(lines[2], "    inet 10.1.0.0-10.1.0.255 scope global tap0.5");
        assert_eq!(lines[5], "    inet 169.254.1.2/16 brd 169.254.255.255 scope link tentative tap0.5");
        assert_eq!(lines[8], "    inet 10.0.0.5/32 scope global conflict 02:00:00:00:00:09 tap0.5");
    }
}
