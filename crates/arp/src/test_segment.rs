//! ARP with its address table, for tests. Waiting packets are `()`.

use std::net::Ipv4Addr;
use std::ops::{Deref, DerefMut};

use address::{AddressError, AddressRange, AddressTable};
use ipnet::Ipv4Net;
use link::{Instant, MacAddr};
use neighbor::{AddError, Resolution};

use crate::{
    Arp, ArpAction, ArpConfig, ArpDropReason, Identity, Packet, PacketFields, ProxyError, Reception,
    StartMode,
};

/// ARP and the addresses of its hosts. The methods pass the table to the methods of [`Arp`] with the same names.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) arp: Arp<()>,
    pub(crate) table: AddressTable,
}

impl Segment {
    /// Returns a segment without a local address.
    pub(crate) fn new(config: ArpConfig) -> Segment {
        Segment { arp: Arp::new(config), table: AddressTable::default() }
    }

    /// Returns a segment with one local address.
    pub(crate) fn with(ip: Ipv4Addr, mac: MacAddr, config: ArpConfig) -> Segment {
        let mut segment = Segment::new(config);
        segment.table.add(range(ip, ip, mac)).unwrap();
        segment
    }

    pub(crate) fn receive(
        &mut self,
        now: Instant,
        station: Option<MacAddr>,
        parsed: Result<Packet<'_>, ArpDropReason>,
    ) -> Result<Reception, ArpDropReason> {
        self.arp.receive(now, &mut self.table, station, parsed)
    }

    pub(crate) fn receive_fields(
        &mut self,
        now: Instant,
        fields: PacketFields,
    ) -> Result<Reception, ArpDropReason> {
        let mut bytes = [0; PacketFields::LENGTH];
        fields.write_to(&mut bytes).unwrap();
        self.receive(now, None, Packet::parse(&bytes))
    }

    pub(crate) fn claim(
        &mut self,
        now: Instant,
        identity: Identity,
        start: StartMode,
    ) -> Result<(), AddressError> {
        self.claim_range(now, range(identity.ip, identity.ip, identity.mac), start)
    }

    pub(crate) fn claim_range(
        &mut self,
        now: Instant,
        range: AddressRange,
        start: StartMode,
    ) -> Result<(), AddressError> {
        self.arp.claim(now, &mut self.table, range, start)
    }

    pub(crate) fn select_link_local(&mut self, now: Instant, mac: MacAddr) -> Result<(), AddressError> {
        self.arp.select_link_local(now, &mut self.table, mac)
    }

    pub(crate) fn release(&mut self, ip: Ipv4Addr) -> Option<MacAddr> {
        self.arp.release(&mut self.table, ip)
    }

    pub(crate) fn link_up(&mut self, now: Instant) {
        self.arp.link_up(now, &mut self.table);
    }

    pub(crate) fn poll(&mut self, now: Instant) -> Option<ArpAction<()>> {
        self.arp.poll(now, &mut self.table)
    }

    pub(crate) fn resolve(&mut self, now: Instant, ip: Ipv4Addr) -> Resolution<()> {
        self.arp.resolve(now, &self.table, ip, 0, ())
    }

    pub(crate) fn add_static(&mut self, now: Instant, ip: Ipv4Addr, mac: MacAddr) -> Result<(), AddError> {
        self.arp.add_static(now, &self.table, ip, mac)
    }

    pub(crate) fn add_proxy(&mut self, range: Ipv4Net, mac: MacAddr) -> Result<(), ProxyError> {
        self.arp.add_proxy(&self.table, range, mac)
    }

    pub(crate) fn new_owner(&self) -> Option<Identity> {
        self.arp.new_owner(&self.table)
    }
}

impl Deref for Segment {
    type Target = Arp<()>;

    fn deref(&self) -> &Arp<()> {
        &self.arp
    }
}

impl DerefMut for Segment {
    fn deref_mut(&mut self) -> &mut Arp<()> {
        &mut self.arp
    }
}

/// Returns the range from `first` to `last` without broadcast addresses.
pub(crate) fn range(first: Ipv4Addr, last: Ipv4Addr, mac: MacAddr) -> AddressRange {
    AddressRange { first, last, mac, prefix: 32 }
}
