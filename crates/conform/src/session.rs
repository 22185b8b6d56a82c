//! Session with a host under test: the host and the packet socket that is connected to the host.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::frame_socket::FrameSocket;
use super::frames::{Mac, hex, mac};
use super::tested_host::{ArpCache, LearnPolicy, TestedHost};

/// Session with a host under test.
pub(crate) struct Session {
    pub(crate) wire: FrameSocket,
    pub(crate) policy: LearnPolicy,
    host: Box<dyn TestedHost>,
    new_stations: u8,
}

/// MAC and IP address of a station.
pub(crate) type Station = (Mac, Ipv4Addr);

impl Session {
    /// Creates a session, after the host has replied to a request.
    pub(crate) fn new(
        mut wire: FrameSocket,
        policy: LearnPolicy,
        host: Box<dyn TestedHost>,
    ) -> Result<Session, String> {
        wire.settle()?;
        Ok(Session { wire, policy, host, new_stations: 0 })
    }

    /// Returns a station that is not in the ARP cache of the host.
    pub(crate) fn new_station(&mut self) -> Result<Station, String> {
        const FIRST: u8 = 20;
        let number = FIRST.checked_add(self.new_stations).filter(|number| *number < 98);
        let number = number.ok_or("no unused station left")?;
        self.new_stations += 1;
        Ok(([2, 0, 0, 0, 2, number], Ipv4Addr::new(10, 0, 0, number)))
    }

    /// Returns the ARP cache of the host.
    pub(crate) fn table(&mut self) -> Result<ArpCache, String> {
        let Session { wire, host, .. } = self;
        host.table(&mut || wire.send_and_collect(&[0; 14]).map(drop))
    }

    /// Returns the MAC address of an IP address in the host's ARP cache, or `None` without an entry.
    pub(crate) fn mac_of(&mut self, ip: Ipv4Addr) -> Result<Option<Mac>, String> {
        Ok(self.table()?.get(&ip).copied())
    }

    /// Sends a frame and expects that the ARP cache then has this MAC address for `ip`, or no entry if `mac_address` is
    /// `None`.
    pub(crate) fn expect_learned(
        &mut self,
        frame: &[u8],
        ip: Ipv4Addr,
        mac_address: Option<Mac>,
    ) -> Result<(), String> {
        self.wire.send_and_collect(frame)?;
        let found = self.mac_of(ip)?;
        if found == mac_address {
            return Ok(());
        }
        let text = |mac_address: Option<Mac>| mac_address.map_or("no MAC address".to_owned(), mac);
        let (frame, found, expected) = (hex(frame), text(found), text(mac_address));
        Err(format!("{ip} has {found} instead of {expected} after {frame}"))
    }

    /// Sends frames and expects that the ARP cache does not change.
    pub(crate) fn expect_unchanged(&mut self, frames: &[Vec<u8>]) -> Result<(), String> {
        // The stations of sentinel requests get their entries before the comparison.
        self.wire.introduce_sentinels()?;
        let before = self.table()?;
        for frame in frames {
            self.wire.send_and_collect(frame)?;
            let after = self.table()?;
            if after != before {
                let (added, removed) = (difference(&after, &before), difference(&before, &after));
                return Err(format!(
                    "the ARP cache has [{added}] instead of [{removed}] after {}",
                    hex(frame)
                ));
            }
        }
        Ok(())
    }

    /// Returns the events about the ARP cache since the last call.
    pub(crate) fn take_events(&mut self) -> Result<Vec<Value>, String> {
        // The host prints the ARP cache after all earlier events.
        self.table()?;
        Ok(self.host.take_events())
    }

    /// Returns whether the host is still running.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.host.is_alive()
    }
}

/// Returns the entries of a table that another table does not contain.
fn difference(table: &ArpCache, other: &ArpCache) -> String {
    let entries = table.iter().filter(|(ip, mac_address)| other.get(ip) != Some(mac_address));
    entries.map(|(ip, mac_address)| format!("{ip} at {}", mac(*mac_address))).collect::<Vec<_>>().join(", ")
}
