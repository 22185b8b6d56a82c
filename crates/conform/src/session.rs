//! A host under test, and the wire to it.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::frame_socket::FrameSocket;
use super::frames::{Mac, hex, mac};
use super::tested_host::{ArpCache, LearnPolicy, TestedHost};

/// A host that is questioned.
pub(crate) struct Session {
    pub(crate) wire: FrameSocket,
    pub(crate) policy: LearnPolicy,
    host: Box<dyn TestedHost>,
    new_stations: u8,
}

/// Who a packet may be from.
pub(crate) type Station = (Mac, Ipv4Addr);

impl Session {
    /// A session with a host that answers, from the first request that it hears.
    pub(crate) fn new(
        mut wire: FrameSocket,
        policy: LearnPolicy,
        host: Box<dyn TestedHost>,
    ) -> Result<Session, String> {
        wire.settle()?;
        Ok(Session { wire, policy, host, new_stations: 0 })
    }

    /// A station that the host has never heard of.
    pub(crate) fn new_station(&mut self) -> Result<Station, String> {
        const FIRST: u8 = 20;
        let number = FIRST.checked_add(self.new_stations).filter(|number| *number < 98);
        let number = number.ok_or("the suite has run out of strangers")?;
        self.new_stations += 1;
        Ok(([2, 0, 0, 0, 2, number], Ipv4Addr::new(10, 0, 0, number)))
    }

    /// The host's translation table.
    pub(crate) fn table(&mut self) -> Result<ArpCache, String> {
        let Session { wire, host, .. } = self;
        host.table(&mut || wire.ask(&[0; 14]).map(drop))
    }

    /// Where the host thinks this address is.
    pub(crate) fn mac_of(&mut self, ip: Ipv4Addr) -> Result<Option<Mac>, String> {
        Ok(self.table()?.get(&ip).copied())
    }

    /// Sends a frame, and wants the host to think that `ip` is at `mac_address`.
    pub(crate) fn expect_learned(
        &mut self,
        frame: &[u8],
        ip: Ipv4Addr,
        mac_address: Option<Mac>,
    ) -> Result<(), String> {
        self.wire.ask(frame)?;
        let found = self.mac_of(ip)?;
        if found == mac_address {
            return Ok(());
        }
        let place = |mac_address: Option<Mac>| mac_address.map_or("nowhere".to_owned(), mac);
        let (frame, found, expected) = (hex(frame), place(found), place(mac_address));
        Err(format!("after {frame} {ip} is at {found} instead of {expected}"))
    }

    /// Sends frames that are to leave the table as it is.
    pub(crate) fn expect_unchanged(&mut self, frames: &[Vec<u8>]) -> Result<(), String> {
        // Now, so that those who only end a silence are in it already.
        self.wire.introduce_sentinels()?;
        let before = self.table()?;
        for frame in frames {
            self.wire.ask(frame)?;
            let after = self.table()?;
            if after != before {
                let (more, less) = (beyond(&after, &before), beyond(&before, &after));
                return Err(format!("after {} the table has [{more}] instead of [{less}]", hex(frame)));
            }
        }
        Ok(())
    }

    /// What the host has told of its table since the last call.
    pub(crate) fn take_events(&mut self) -> Result<Vec<Value>, String> {
        // Events come before the table that was asked for after them.
        self.table()?;
        Ok(self.host.take_events())
    }

    /// Whether the host still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.host.is_alive()
    }
}

/// The entries of a table that another does not have.
fn beyond(table: &ArpCache, other: &ArpCache) -> String {
    let more = table.iter().filter(|(ip, mac_address)| other.get(ip) != Some(mac_address));
    more.map(|(ip, mac_address)| format!("{ip} at {}", mac(*mac_address))).collect::<Vec<_>>().join(", ")
}
