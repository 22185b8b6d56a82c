//! A host under test, and the wire to it.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::frames::{Mac, hex, mac};
use super::subject::{Policy, Subject, Table};
use super::wire::Wire;

/// A host that is questioned.
pub(crate) struct Session {
    pub(crate) wire: Wire,
    pub(crate) policy: Policy,
    host: Box<dyn Subject>,
    strangers: u8,
}

/// Who a packet may be from.
pub(crate) type Station = (Mac, Ipv4Addr);

impl Session {
    /// A session with a host that answers, from the first request that it hears.
    pub(crate) fn new(mut wire: Wire, policy: Policy, host: Box<dyn Subject>) -> Result<Session, String> {
        wire.settle()?;
        Ok(Session { wire, policy, host, strangers: 0 })
    }

    /// A station that the host has never heard of.
    pub(crate) fn stranger(&mut self) -> Result<Station, String> {
        const FIRST: u8 = 20;
        let number = FIRST.checked_add(self.strangers).filter(|number| *number < 98);
        let number = number.ok_or("the suite has run out of strangers")?;
        self.strangers += 1;
        Ok(([2, 0, 0, 0, 2, number], Ipv4Addr::new(10, 0, 0, number)))
    }

    /// The host's translation table.
    pub(crate) fn table(&mut self) -> Result<Table, String> {
        let Session { wire, host, .. } = self;
        host.table(&mut || wire.ask(&[0; 14]).map(drop))
    }

    /// Where the host thinks this address is.
    pub(crate) fn place_of(&mut self, protocol: Ipv4Addr) -> Result<Option<Mac>, String> {
        Ok(self.table()?.get(&protocol).copied())
    }

    /// Sends a frame, and wants the host to think that `protocol` is at `hardware`.
    pub(crate) fn teaches(
        &mut self,
        frame: &[u8],
        protocol: Ipv4Addr,
        hardware: Option<Mac>,
    ) -> Result<(), String> {
        self.wire.ask(frame)?;
        let found = self.place_of(protocol)?;
        if found == hardware {
            return Ok(());
        }
        let place = |hardware: Option<Mac>| hardware.map_or("nowhere".to_owned(), mac);
        let (frame, found, wanted) = (hex(frame), place(found), place(hardware));
        Err(format!("after {frame} {protocol} is at {found} instead of {wanted}"))
    }

    /// Sends frames that are to leave the table as it is.
    pub(crate) fn teach_nothing(&mut self, frames: &[Vec<u8>]) -> Result<(), String> {
        // Now, so that those who only end a silence are in it already.
        self.wire.introduce_all()?;
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
    pub(crate) fn told(&mut self) -> Result<Vec<Value>, String> {
        // Events come before the table that was asked for after them.
        self.table()?;
        Ok(self.host.told())
    }

    /// Whether the host still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.host.is_alive()
    }
}

/// The entries of a table that another does not have.
fn beyond(table: &Table, other: &Table) -> String {
    let more = table.iter().filter(|(protocol, hardware)| other.get(protocol) != Some(hardware));
    more.map(|(protocol, hardware)| format!("{protocol} at {}", mac(*hardware)))
        .collect::<Vec<_>>()
        .join(", ")
}
