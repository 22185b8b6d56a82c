//! `tapstack ip neigh`.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::Serialize;
use tap::linux::Printable;

use super::Target;
use super::arguments::{HostSelection, ShowOptions};
use super::clauses::{Clauses, invalid, missing};
use crate::control::message::{NeighborFilter, NeighborRow, Operation, Outcome};
use crate::error_message::ErrorMessage;
use crate::failure::{Failure, print_line};
use crate::json::{EntryState, Mac, SCHEMA};
use crate::values::{ip_address, network, station_mac};

/// `tapstack ip neigh --json`
///
/// Prints one object for each entry of the neighbor table, without an `event`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ip_neigh")]
pub(super) struct NeighJson {
    /// Version of the format: 1.
    schema: u32,
    /// Interface or TAP of the host.
    interface: String,
    /// VLAN ID, 1 to 4094; null if the interface is untagged.
    vlan: Option<u16>,
    /// IP address.
    ip: Ipv4Addr,
    /// MAC address; null while the MAC address is unknown.
    mac: Option<Mac>,
    /// State of the entry.
    state: EntryState,
}

const FILTER_KEYWORDS: [&str; 3] = ["to", "dev", "nud"];

/// Prints the entries that the arguments select, sorted by IP address.
pub(super) fn show(options: &ShowOptions, words: &[String]) -> Result<(), Failure> {
    let clauses = Clauses::parse(words, &FILTER_KEYWORDS)?;
    let filter = filter(&clauses)?;
    let device = clauses.one("dev", Ok)?;
    let target = Target::select(&options.host, device)?;
    for interface in &target.interfaces {
        let id = interface.id;
        let mut rows = target.client.list(
            |from| Operation::Neighbors { interface: id, from },
            |outcome| if let Outcome::Neighbors(page) = outcome { Some(page) } else { None },
        )?;
        rows.retain(|row| filter.matches(row.ip, row.state));
        rows.sort_unstable_by_key(|row| row.ip);
        let name = target.name(interface);
        for row in rows {
            if options.json {
                let NeighborRow { ip, mac, state } = row;
                let host = target.client.interface.clone();
                let line =
                    NeighJson { schema: SCHEMA, interface: host, vlan: interface.vlan, ip, mac, state };
                print_line(&serde_json::to_string(&line)?)?;
            } else {
                // Like ip, the line omits a device that the arguments name.
                print_line(&text(&row, Some(name.as_str()).filter(|_| device.is_none())))?;
            }
        }
    }
    Ok(())
}

/// Returns the line of an entry, as `ip neigh` prints it.
fn text(row: &NeighborRow, device: Option<&str>) -> String {
    let device = device.map_or(String::new(), |device| format!(" dev {}", Printable(device)));
    let mac = row.mac.map_or(String::new(), |Mac(mac)| format!(" lladdr {mac}"));
    format!("{}{device}{mac} {}", row.ip, row.state.name())
}

/// Deletes the entries that the arguments select. Static entries are deleted only with their state.
pub(super) fn flush(host: &HostSelection, words: &[String]) -> Result<(), Failure> {
    let words = match words {
        [] => {
            return Err(
                Failure::new("missing arguments").hint("add `all`, a network, `dev NAME` or `nud STATE`")
            );
        }
        [all, rest @ ..] if all == "all" => rest,
        words => words,
    };
    let clauses = Clauses::parse(words, &FILTER_KEYWORDS)?;
    let mut filter = filter(&clauses)?;
    filter.states.get_or_insert_with(|| {
        EntryState::ALL.into_iter().filter(|state| *state != EntryState::Permanent).collect()
    });
    let target = Target::select(host, clauses.one("dev", Ok)?)?;
    for interface in &target.interfaces {
        let mut from = Some(0);
        while let Some(place) = from {
            let filter = filter.clone();
            let operation = Operation::FlushNeighbors { interface: interface.id, from: place, filter };
            from = target.client.flush(operation)?;
        }
    }
    Ok(())
}

/// Adds a static entry, or with `replace`, makes an entry static.
pub(super) fn add(host: &HostSelection, words: &[String], replace: bool) -> Result<(), Failure> {
    let command = if replace { "neigh replace" } else { "neigh add" };
    let clauses = Clauses::parse(words, &["to", "lladdr", "dev", "nud"])?;
    let ip = clauses.one("to", ip_address)?.ok_or_else(|| missing("IP address", command))?;
    let mac = clauses.one("lladdr", station_mac)?.ok_or_else(|| missing("'lladdr MAC'", command))?;
    clauses.one("nud", |state| match state {
        "permanent" => Ok(()),
        _ => Err(ErrorMessage::new("an entry can only be added as permanent")),
    })?;
    let target = Target::select(host, clauses.one("dev", Ok)?)?;
    let interface = target.interface()?.id;
    target.client.change(Operation::AddNeighbor { interface, ip, mac: Mac(mac), replace })
}

/// Deletes an entry.
pub(super) fn delete(host: &HostSelection, words: &[String]) -> Result<(), Failure> {
    let clauses = Clauses::parse(words, &["to", "dev"])?;
    let ip = clauses.one("to", ip_address)?.ok_or_else(|| missing("IP address", "neigh del"))?;
    let target = Target::select(host, clauses.one("dev", Ok)?)?;
    target.client.change(Operation::DeleteNeighbor { interface: target.interface()?.id, ip })
}

/// Returns the network and the states of `to` and `nud`.
fn filter(clauses: &Clauses<'_>) -> Result<NeighborFilter, Failure> {
    let mut states: Option<Vec<EntryState>> = None;
    for word in clauses.all("nud") {
        let named = match word {
            "all" => EntryState::ALL.to_vec(),
            _ => vec![state(word).map_err(|why| invalid(word, "nud", why))?],
        };
        states.get_or_insert_default().extend(named);
    }
    Ok(NeighborFilter { network: clauses.one("to", address_or_network)?, states })
}

/// Parses the name of a state.
fn state(name: &str) -> Result<EntryState, ErrorMessage> {
    let found = EntryState::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        ErrorMessage::new("unknown state")
            .hint("use incomplete, reachable, stale, delay, probe, failed, permanent or all")
    })
}

/// Parses a network, or an IP address, which stands for its network of one address.
pub(super) fn address_or_network(text: &str) -> Result<Ipv4Net, ErrorMessage> {
    if text.contains('/') { network(text) } else { ip_address(text).map(Ipv4Net::from) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use link::MacAddr;

    #[test]
    fn line_equals_that_of_ip_neigh() {
        let mac = Some(Mac(MacAddr::new([2, 0, 0, 0, 0, 2])));
        let row = NeighborRow { ip: [10, 9, 0, 2].into(), mac, state: EntryState::Permanent };
        assert_eq!(text(&row, Some("d0")), "10.9.0.2 dev d0 lladdr 02:00:00:00:00:02 PERMANENT");
        assert_eq!(text(&row, None), "10.9.0.2 lladdr 02:00:00:00:00:02 PERMANENT");
        let unknown = NeighborRow { mac: None, state: EntryState::Incomplete, ..row };
        assert_eq!(text(&unknown, Some("d0.5")), "10.9.0.2 dev d0.5 INCOMPLETE");
    }

    #[test]
    fn filter_has_network_and_states_of_arguments() {
        let filter_of = |text: &str| {
            let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
            let clauses = Clauses::parse(&words, &FILTER_KEYWORDS).unwrap();
            filter(&clauses).map_err(|failure| failure.to_string())
        };
        assert_eq!(filter_of("dev tap0"), Ok(NeighborFilter::default()));
        let stale = filter_of("10.0.0.0/8 nud stale nud failed").unwrap();
        assert!(stale.matches([10, 1, 2, 3].into(), EntryState::Stale));
        assert!(stale.matches([10, 1, 2, 3].into(), EntryState::Failed));
        assert!(!stale.matches([10, 1, 2, 3].into(), EntryState::Reachable));
        assert!(!stale.matches([11, 1, 2, 3].into(), EntryState::Stale));
        assert!(filter_of("10.0.0.1 nud all").unwrap().matches([10, 0, 0, 1].into(), EntryState::Permanent));
        let error = filter_of("nud foo").unwrap_err();
        assert!(error.starts_with("invalid value 'foo' for 'nud': unknown state\nhint: use "), "{error}");
    }
}
