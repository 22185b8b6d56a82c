//! Events of a watch as JSON: one object per line.

use std::net::Ipv4Addr;

use arptools::census::{CensusCounts, CensusEntry, CensusEvent, Presence, VlanAddress};
use host::DropReason;
use link::{MacAddr, VlanId};
use schemars::JsonSchema;
use serde::Serialize;

use super::SourceKind;
use super::observer::Observer;
use super::text::presences;
use crate::clock::Moment;
use crate::json::{EventObject, InterfaceEvent, Mac, Time, nanos};
use crate::output::json;
use crate::vendors::Vendors;

/// `tapstack watch --json`
///
/// For a capture, `time` is the time in the capture, and `elapsed_ns` is the time since its first frame.
/// A frame without a time has the time of the previous frame; without a previous frame, the start of 1970.
/// An event that repeats is reported again after five minutes at the earliest.
/// With `-q`, no object is printed.
/// A watch of several interfaces prints the objects `start` and `statistics` for each interface.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(rename = "watch")]
pub(super) enum WatchJson {
    /// The first object of an interface or a capture.
    Start {
        /// File name of a capture; null otherwise.
        file: Option<String>,
    },
    /// An IP address appears for the first time.
    New(ClaimFields),
    /// An IP address has another MAC address now.
    Moved {
        /// IP address.
        ip: Ipv4Addr,
        /// VLAN ID, 1 to 4094; null if untagged.
        vlan: Option<u16>,
        /// New MAC address.
        mac: Mac,
        /// Previous MAC address.
        old_mac: Mac,
    },
    /// Two MAC addresses claim one IP address.
    Conflict {
        /// IP address.
        ip: Ipv4Addr,
        /// VLAN ID, 1 to 4094; null if untagged.
        vlan: Option<u16>,
        /// MAC address that claimed the IP address last.
        mac: Mac,
        /// MAC address that claimed the IP address before.
        other_mac: Mac,
    },
    /// A station probes for an IP address before using it (RFC 5227).
    Probe {
        /// IP address.
        ip: Ipv4Addr,
        /// VLAN ID, 1 to 4094; null if untagged.
        vlan: Option<u16>,
        /// MAC address of the probing station.
        mac: Mac,
        /// MAC address of another station that has the IP address; null if no such station is known.
        owner_mac: Option<Mac>,
    },
    /// A station announces its IP address: gratuitous ARP.
    Announcement(ClaimFields),
    /// The sender MAC address of a packet is not the source of its frame.
    Mismatch {
        /// IP address.
        ip: Ipv4Addr,
        /// VLAN ID, 1 to 4094; null if untagged.
        vlan: Option<u16>,
        /// Sender MAC address of the packet.
        mac: Mac,
        /// Source MAC address of the frame.
        source_mac: Mac,
    },
    /// A packet is invalid.
    Invalid {
        /// Source MAC address of the frame.
        source_mac: Mac,
        /// VLAN ID, 1 to 4094; null if untagged.
        vlan: Option<u16>,
        /// Name of the reason, as in the counters of layer `arp` of `tapstack host`.
        reason: &'static str,
        /// The reason in words.
        message: String,
    },
    /// An IP address sent no ARP packet for an hour.
    Gone(ClaimFields),
    /// An IP address that was gone sends ARP packets again.
    Returned {
        /// IP address.
        ip: Ipv4Addr,
        /// VLAN ID, 1 to 4094; null if untagged.
        vlan: Option<u16>,
        /// MAC address of its station.
        mac: Mac,
        /// Time without packets, in nanoseconds.
        silence_ns: u64,
    },
    /// One station has many IP addresses: reported at 16 and at each doubling.
    ManyAddresses {
        /// MAC address of the station.
        mac: Mac,
        /// Number of its IP addresses.
        addresses: u32,
    },
    /// Many packets in one second: 100 from one station, or 1,000 in total.
    Flood {
        /// MAC address of the station; null for the total.
        mac: Option<Mac>,
        /// Number of packets in this second so far.
        packets: u32,
    },
    /// An IP address is not tracked: the table is full.
    TableFull(ClaimFields),
    /// An IP address was removed for a new address: the table is full.
    Evicted {
        /// IP address.
        ip: Ipv4Addr,
        /// VLAN ID, 1 to 4094; null if untagged.
        vlan: Option<u16>,
    },
    /// An IP address. At the end, one object is printed for each IP address.
    Address {
        /// IP address.
        ip: Ipv4Addr,
        /// VLAN ID, 1 to 4094; null if untagged.
        vlan: Option<u16>,
        /// MAC address that claimed the IP address last.
        mac: Mac,
        /// Vendor of the MAC address; null if the vendor is unknown.
        vendor: Option<String>,
        /// State.
        state: AddressState,
        /// MAC address that claimed the IP address before; null if there was none.
        old_mac: Option<Mac>,
        /// MAC address of a conflict in the last five minutes; null if there was none.
        other_mac: Option<Mac>,
        /// Date and time of the first packet (RFC 3339).
        first_seen: Time,
        /// Date and time of the last packet (RFC 3339).
        last_seen: Time,
        /// Requests from the IP address, without announcements.
        requests: u64,
        /// Replies from the IP address, without announcements.
        replies: u64,
        /// Announcements of the IP address.
        announcements: u64,
        /// Probes for the IP address.
        probes: u64,
        /// Requests for the IP address, without probes and announcements.
        requested: u64,
        /// Changes of its MAC address.
        changes: u64,
    },
    /// The last object of an interface or a capture. Each packet is counted in one of `requests`, `replies`, `announcements`, `probes`, `invalid`
    /// and `rejected`.
    Statistics(Box<StatisticsFields>),
}

/// An IP address and the MAC address that claims it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct ClaimFields {
    /// IP address.
    ip: Ipv4Addr,
    /// VLAN ID, 1 to 4094; null if untagged.
    vlan: Option<u16>,
    /// MAC address of its station.
    mac: Mac,
    /// Vendor of the MAC address; null if the vendor is unknown.
    vendor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct StatisticsFields {
    /// Time from the first frame to the end, in nanoseconds.
    duration_ns: u64,
    /// ARP packets.
    packets: u64,
    /// Requests, without probes and announcements.
    requests: u64,
    /// Replies, without announcements.
    replies: u64,
    /// Packets with equal sender and target IP addresses.
    announcements: u64,
    /// Requests with the sender IP address 0.0.0.0.
    probes: u64,
    /// Invalid packets.
    invalid: u64,
    /// Packets that were not recorded: the table was full.
    rejected: u64,
    /// Packets in broadcast or multicast frames.
    broadcasts: u64,
    /// Frames without ARP, of other VLANs, or malformed.
    ignored: u64,
    /// Known IP addresses.
    addresses: usize,
    /// Known IP addresses that are fresh.
    fresh: usize,
    /// Known IP addresses that are quiet.
    quiet: usize,
    /// Known IP addresses that are gone.
    gone: usize,
    /// IP addresses that were new.
    added: u64,
    /// Changes of MAC addresses.
    changes: u64,
    /// Packets that showed a conflict.
    conflicts: u64,
    /// IP addresses that were removed: the table was full.
    evicted: u64,
    /// Removed IP addresses that were not gone. Each had a single packet.
    displaced: u64,
    /// Events that were not reported because they repeat.
    suppressed: u64,
    /// Events that were lost: the queue was full.
    events_lost: u64,
    /// Frames that were lost or truncated.
    frames_lost: u64,
    /// Number of times that the link went down or lost its carrier.
    link_losses: u64,
    /// Frames of the stations of `--ignore`.
    excluded: u64,
    /// Addresses that were not added to the file of `--known`: the list of 65,536 addresses was full.
    known_not_added: u64,
    /// Commands of `--exec` that were started.
    commands_started: u64,
    /// Commands of `--exec` that could not be started, or that ended with another exit code than 0.
    commands_failed: u64,
    /// Events without a command of `--exec`: too many events were waiting, or `watch` ended.
    commands_lost: u64,
}

/// State of an IP address.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum AddressState {
    /// The IP address sent ARP packets in the last five minutes.
    Fresh,
    /// The IP address sent no ARP packet for five minutes.
    Quiet,
    /// The IP address sent no ARP packet for an hour.
    Gone,
}

/// Returns the line of an event of an interface or a capture.
pub(super) fn line(at: Moment, observer: &Observer, event: impl Serialize) -> String {
    json(&EventObject::new(at, InterfaceEvent::new(observer.interface.as_ref(), event)))
}

impl WatchJson {
    /// The first object. `source` is the name of the capture.
    pub(super) fn start(kind: SourceKind, source: &str) -> WatchJson {
        WatchJson::Start { file: (kind != SourceKind::Link).then(|| source.to_owned()) }
    }

    /// An address in the final table.
    pub(super) fn address(row: &CensusEntry, vendors: &Vendors) -> WatchJson {
        let ClaimFields { ip, vlan, mac, vendor } = ClaimFields::new(row.address, row.mac, vendors);
        WatchJson::Address {
            ip,
            vlan,
            mac,
            vendor,
            state: row.presence.into(),
            old_mac: row.previous.map(Mac),
            other_mac: row.conflict.map(Mac),
            first_seen: Time(row.first),
            last_seen: Time(row.last),
            requests: row.requests,
            replies: row.replies,
            announcements: row.announcements,
            probes: row.probes,
            requested: row.requested,
            changes: row.changes,
        }
    }

    /// The last object.
    pub(super) fn statistics(observer: &Observer) -> WatchJson {
        let counts = observer.counts();
        let CensusCounts { requests, replies, announcements, probes, dropped, rejected, broadcast, .. } =
            counts;
        let CensusCounts { added, changed, conflicts, evicted, suppressed, events_lost, .. } = counts;
        let [fresh, quiet, gone] = presences(observer);
        let commands = observer.commands;
        WatchJson::Statistics(Box::new(StatisticsFields {
            duration_ns: observer.began.map_or(0, |began| nanos(observer.now.since(began))),
            packets: counts.packets(),
            requests,
            replies,
            announcements,
            probes,
            invalid: dropped,
            rejected,
            broadcasts: broadcast,
            ignored: observer.ignored,
            addresses: observer.census.len(),
            fresh,
            quiet,
            gone,
            added,
            changes: changed,
            conflicts,
            evicted,
            displaced: counts.displaced,
            suppressed,
            events_lost,
            frames_lost: observer.frames_lost,
            link_losses: observer.link_losses,
            excluded: observer.excluded,
            known_not_added: observer.known_not_added,
            commands_started: commands.started,
            commands_failed: commands.failed,
            commands_lost: commands.lost,
        }))
    }
}

impl WatchJson {
    /// An event.
    pub(super) fn event(event: CensusEvent, vendors: &Vendors) -> WatchJson {
        let number = |vlan: Option<VlanId>| vlan.map(VlanId::number);
        match event {
            CensusEvent::New { address, mac } => WatchJson::New(ClaimFields::new(address, mac, vendors)),
            CensusEvent::Moved { address: VlanAddress { ip, vlan }, from, to } => {
                WatchJson::Moved { ip, vlan: number(vlan), mac: Mac(to), old_mac: Mac(from) }
            }
            CensusEvent::Conflict { address: VlanAddress { ip, vlan }, mac, other } => {
                WatchJson::Conflict { ip, vlan: number(vlan), mac: Mac(mac), other_mac: Mac(other) }
            }
            CensusEvent::Probe { address: VlanAddress { ip, vlan }, mac, owner } => {
                WatchJson::Probe { ip, vlan: number(vlan), mac: Mac(mac), owner_mac: owner.map(Mac) }
            }
            CensusEvent::Announcement { address, mac } => {
                WatchJson::Announcement(ClaimFields::new(address, mac, vendors))
            }
            CensusEvent::Mismatch { address: VlanAddress { ip, vlan }, mac, source } => {
                WatchJson::Mismatch { ip, vlan: number(vlan), mac: Mac(mac), source_mac: Mac(source) }
            }
            CensusEvent::Invalid { source, vlan, reason } => WatchJson::Invalid {
                source_mac: Mac(source),
                vlan: number(vlan),
                reason: DropReason::from(reason).name(),
                message: reason.to_string(),
            },
            CensusEvent::Gone { address, mac } => WatchJson::Gone(ClaimFields::new(address, mac, vendors)),
            CensusEvent::Returned { address: VlanAddress { ip, vlan }, mac, silence } => {
                WatchJson::Returned { ip, vlan: number(vlan), mac: Mac(mac), silence_ns: nanos(silence) }
            }
            CensusEvent::ManyAddresses { mac, addresses } => {
                WatchJson::ManyAddresses { mac: Mac(mac), addresses }
            }
            CensusEvent::Flood { mac, packets } => WatchJson::Flood { mac: mac.map(Mac), packets },
            CensusEvent::Full { address, mac } => {
                WatchJson::TableFull(ClaimFields::new(address, mac, vendors))
            }
            CensusEvent::Evicted { address: VlanAddress { ip, vlan } } => {
                WatchJson::Evicted { ip, vlan: number(vlan) }
            }
        }
    }
}

impl ClaimFields {
    fn new(VlanAddress { ip, vlan }: VlanAddress, mac: MacAddr, vendors: &Vendors) -> ClaimFields {
        let vendor = vendors.name(mac).map(str::to_owned);
        ClaimFields { ip, vlan: vlan.map(VlanId::number), mac: Mac(mac), vendor }
    }
}

impl From<Presence> for AddressState {
    fn from(presence: Presence) -> AddressState {
        match presence {
            Presence::Fresh => AddressState::Fresh,
            Presence::Quiet => AddressState::Quiet,
            Presence::Gone => AddressState::Gone,
        }
    }
}

#[cfg(test)]
mod tests;
