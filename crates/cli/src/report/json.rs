//! Events of a host as JSON: one object per line.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use arp::{ArpEvent, ClaimEvent, Neighbor, NeighborEvent};
use capture::Direction;
use host::{Counter, DropReason, HostEvent};
use link::{MacAddr, VlanId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use tap::linux::InterfaceName;

use super::{ReadyHosts, ReadyService, SuppressedLines};
use crate::json::{EntryState, FrameDirection, Mac};

/// `tapstack host --json`
///
/// `frame` is printed only with `-v`. With `-q`, only `ready` and `counters` are printed. SIGUSR1 prints a `neighbor` for each entry of
/// the ARP cache.
///
/// Without `-v`, at most 10 objects of one kind are printed in 10 seconds.
/// A kind is an `event`. The `reason` of `dropped` is part of the kind, and so is the `ip` of `conflict`, `defended` and
/// `moved`, for up to 64 addresses.
/// After the 10 seconds, and at the end, `suppressed` reports how many objects were not printed.
/// `probing`, `bound`, `probe_conflict` and `ceased` are always printed, and the counters count everything.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(rename = "host")]
pub(super) enum HostJson {
    /// All hosts answer from now on. Printed again after the link was down.
    Ready {
        /// Interface or TAP.
        interface: String,
        /// MAC address of the first host.
        mac: Option<Mac>,
        /// IP address of the first host.
        #[schemars(with = "Option<Ipv4Addr>")]
        ip: Option<IpAddr>,
        /// Prefix length of its network, in bits.
        prefix_length: Option<u8>,
        /// VLAN ID of the first host, 1 to 4094; null if the host is untagged.
        vlan: Option<u16>,
        /// MTU: the longest payload of a frame, in bytes.
        mtu: usize,
        /// All hosts and ranges of hosts.
        hosts: Vec<ReadyHosts>,
        /// Services of `--serve`, on every host; empty without `--serve`.
        services: Vec<ReadyService>,
    },
    /// A sender was added to the ARP cache.
    Learned(IpAndMac),
    /// An entry of the ARP cache has another MAC address now.
    Moved {
        /// IP address of the entry.
        ip: Ipv4Addr,
        /// New MAC address.
        mac: Mac,
        /// Previous MAC address.
        old_mac: Mac,
        /// VLAN ID of the interface, 1 to 4094; absent if the interface is untagged.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "u16")]
        vlan: Option<u16>,
    },
    /// A sender claims the IP address of a static entry. The entry does not change.
    StaticConflict(IpAndMac),
    /// An entry of the ARP cache changed its state.
    StateChanged {
        /// IP address of the entry.
        ip: Ipv4Addr,
        /// New state.
        state: EntryState,
        /// Previous state.
        old_state: EntryState,
        /// VLAN ID of the interface, 1 to 4094; absent if the interface is untagged.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "u16")]
        vlan: Option<u16>,
    },
    /// ARP requests for an unknown IP address are being sent.
    Resolving(IpOnly),
    /// No ARP reply arrived for an IP address, and the entry of the address was removed.
    ResolutionFailed(IpOnly),
    /// An entry of the ARP cache was removed, because the entry was not confirmed within `--arp-timeout`.
    Expired(IpOnly),
    /// An entry of the ARP cache was removed for a new one: the cache is full.
    Evicted(IpOnly),
    /// An IP address was not added to the ARP cache: the cache is full.
    TableFull(IpOnly),
    /// ARP probes for a local address are being sent (RFC 5227).
    Probing(IpOnly),
    /// A local address is in use from now on.
    Bound(IpAndMac),
    /// Another station uses an address that is being probed, or probes for the same address.
    ProbeConflict(IpAndMac),
    /// Another station uses a local address.
    Conflict(IpAndMac),
    /// A local address was announced as a defense against another station.
    Defended(IpAndMac),
    /// A local address is no longer used: another station uses the address.
    Ceased(IpAndMac),
    /// A received frame was dropped. With `-v` also frames for other stations and VLANs are reported.
    Dropped {
        /// Source MAC address of the frame; null if the frame is too short.
        source_mac: Option<Mac>,
        /// Layer that dropped the frame.
        layer: &'static str,
        /// Name of the counter of the drop, in `layer`.
        reason: &'static str,
        /// The reason in words.
        message: String,
    },
    /// Objects of one kind were not printed because of the rate limit.
    Suppressed {
        /// `event` of the objects.
        suppressed_event: &'static str,
        /// `reason` of the objects, if they are `dropped`.
        reason: Option<&'static str>,
        /// `ip` of the objects, if they are counted by address.
        ip: Option<Ipv4Addr>,
        /// Number of objects.
        count: u64,
    },
    /// A frame was received or sent. Printed with `-v`.
    Frame {
        /// Direction of the frame.
        direction: FrameDirection,
        /// Length of the frame, in bytes.
        bytes: usize,
        /// All bytes of the frame, in hexadecimal digits.
        hex: String,
    },
    /// An entry of the ARP cache, printed on SIGUSR1.
    Neighbor {
        /// Interface or TAP.
        interface: String,
        /// IP address.
        ip: Ipv4Addr,
        /// MAC address; null while the MAC address is unknown.
        mac: Option<Mac>,
        /// State of the entry.
        state: EntryState,
    },
    /// The last object: all counters.
    Counters {
        /// Counters by layer and name, zeros included. The layer `services` is absent without `--serve`.
        #[schemars(schema_with = "counters_schema")]
        counters: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    },
}

/// Fields of an event of an IP address.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct IpOnly {
    /// IP address.
    ip: Ipv4Addr,
    /// VLAN ID of the interface, 1 to 4094; absent if the interface is untagged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16")]
    vlan: Option<u16>,
}

/// Fields of an event of an IP address and a MAC address.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct IpAndMac {
    /// IP address.
    ip: Ipv4Addr,
    /// MAC address of its station.
    mac: Mac,
    /// VLAN ID of the interface, 1 to 4094; absent if the interface is untagged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16")]
    vlan: Option<u16>,
}

impl IpOnly {
    fn new(ip: Ipv4Addr) -> IpOnly {
        IpOnly { ip, vlan: None }
    }
}

impl IpAndMac {
    fn new(ip: Ipv4Addr, mac: MacAddr) -> IpAndMac {
        IpAndMac { ip, mac: Mac(mac), vlan: None }
    }
}

impl HostJson {
    /// All hosts are ready. The fields of the first host precede the list of all.
    pub(super) fn ready(
        interface: &InterfaceName,
        mtu: usize,
        hosts: &[ReadyHosts],
        services: &[ReadyService],
    ) -> HostJson {
        let first = hosts.first();
        HostJson::Ready {
            interface: interface.as_str().to_owned(),
            mac: first.map(|host| host.mac),
            ip: first.map(|host| host.ip),
            prefix_length: first.map(|host| host.prefix_length),
            vlan: first.and_then(|host| host.vlan),
            mtu,
            hosts: hosts.to_vec(),
            services: services.to_vec(),
        }
    }

    /// An event of an interface in a VLAN, or of an untagged interface.
    pub(super) fn event(event: HostEvent, vlan: Option<VlanId>) -> HostJson {
        let mut json = HostJson::untagged_event(event);
        match &mut json {
            Self::Learned(IpAndMac { vlan: field, .. })
            | Self::Moved { vlan: field, .. }
            | Self::StaticConflict(IpAndMac { vlan: field, .. })
            | Self::StateChanged { vlan: field, .. }
            | Self::Resolving(IpOnly { vlan: field, .. })
            | Self::ResolutionFailed(IpOnly { vlan: field, .. })
            | Self::Expired(IpOnly { vlan: field, .. })
            | Self::Evicted(IpOnly { vlan: field, .. })
            | Self::TableFull(IpOnly { vlan: field, .. })
            | Self::Probing(IpOnly { vlan: field, .. })
            | Self::Bound(IpAndMac { vlan: field, .. })
            | Self::ProbeConflict(IpAndMac { vlan: field, .. })
            | Self::Conflict(IpAndMac { vlan: field, .. })
            | Self::Defended(IpAndMac { vlan: field, .. })
            | Self::Ceased(IpAndMac { vlan: field, .. }) => *field = vlan.map(VlanId::number),
            _ => {}
        }
        json
    }

    fn untagged_event(event: HostEvent) -> HostJson {
        match event {
            HostEvent::Arp(_, ArpEvent::Claim(event)) => HostJson::claim(event),
            HostEvent::Arp(_, ArpEvent::Neighbor(event)) => HostJson::of_neighbor(event),
        }
    }

    fn claim(event: ClaimEvent) -> HostJson {
        match event {
            ClaimEvent::Probing { ip } => HostJson::Probing(IpOnly::new(ip)),
            ClaimEvent::Bound { ip, mac } => HostJson::Bound(IpAndMac::new(ip, mac)),
            ClaimEvent::ProbeConflict { ip, mac } => HostJson::ProbeConflict(IpAndMac::new(ip, mac)),
            ClaimEvent::Conflict { ip, mac } => HostJson::Conflict(IpAndMac::new(ip, mac)),
            ClaimEvent::Defended { ip, mac } => HostJson::Defended(IpAndMac::new(ip, mac)),
            ClaimEvent::Ceased { ip, mac } => HostJson::Ceased(IpAndMac::new(ip, mac)),
        }
    }

    fn of_neighbor(event: NeighborEvent<Ipv4Addr>) -> HostJson {
        match event {
            NeighborEvent::Learned { ip, mac } => HostJson::Learned(IpAndMac::new(ip, mac)),
            NeighborEvent::Moved { ip, from, to } => {
                HostJson::Moved { ip, mac: Mac(to), old_mac: Mac(from), vlan: None }
            }
            NeighborEvent::StaticConflict { ip, mac } => HostJson::StaticConflict(IpAndMac::new(ip, mac)),
            NeighborEvent::Changed { ip, from, to } => {
                HostJson::StateChanged { ip, state: to.into(), old_state: from.into(), vlan: None }
            }
            NeighborEvent::Resolving { ip } => HostJson::Resolving(IpOnly::new(ip)),
            NeighborEvent::Forgotten { ip } => HostJson::ResolutionFailed(IpOnly::new(ip)),
            NeighborEvent::Expired { ip } => HostJson::Expired(IpOnly::new(ip)),
            NeighborEvent::Evicted { ip } => HostJson::Evicted(IpOnly::new(ip)),
            NeighborEvent::Refused { ip } => HostJson::TableFull(IpOnly::new(ip)),
        }
    }

    pub(super) fn neighbor(interface: &InterfaceName, entry: &Neighbor<Ipv4Addr>) -> HostJson {
        HostJson::Neighbor {
            interface: interface.as_str().to_owned(),
            ip: entry.ip,
            mac: entry.mac.map(Mac),
            state: entry.state.into(),
        }
    }

    pub(super) fn dropped(source: Option<MacAddr>, reason: DropReason) -> HostJson {
        HostJson::Dropped {
            source_mac: source.map(Mac),
            layer: reason.layer(),
            reason: reason.name(),
            message: reason.to_string(),
        }
    }

    pub(super) fn suppressed(suppressed: &SuppressedLines) -> HostJson {
        HostJson::Suppressed {
            suppressed_event: suppressed.kind.name(),
            reason: suppressed.kind.reason_name(),
            ip: suppressed.kind.address(),
            count: suppressed.count,
        }
    }

    pub(super) fn frame(direction: Direction, bytes: &[u8]) -> HostJson {
        let mut hex = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            // Writing to a String does not fail.
            let _ = write!(hex, "{byte:02x}");
        }
        HostJson::Frame { direction: direction.into(), bytes: bytes.len(), hex }
    }

    pub(super) fn counters(counters: &[Counter]) -> HostJson {
        let mut layers: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for Counter { layer, name, count, .. } in counters {
            layers.entry(*layer).or_default().insert(*name, *count);
        }
        HostJson::Counters { counters: layers }
    }
}

/// Returns the schema of all counters: an object for each layer, with an integer for each counter. Only a host with
/// services has the layer `services`, and only a host with a control socket has the layer `control`.
fn counters_schema(_: &mut SchemaGenerator) -> Schema {
    let mut layers = json_schema!({"type": "object", "properties": {}, "required": []});
    for Counter { layer, name, text, is_loss, .. } in super::zero_counters() {
        let text = if is_loss { format!("Dropped: {text}") } else { text.to_owned() };
        let counter = serde_json::json!({"type": "integer", "minimum": 0, "description": text});
        let of_layer =
            layers.pointer_mut("/properties").and_then(serde_json::Value::as_object_mut).map(|layers| {
                layers.entry(layer).or_insert_with(
                    || serde_json::json!({"type": "object", "properties": {}, "required": []}),
                )
            });
        if let Some(of_layer) = of_layer {
            if let Some(counters) = of_layer["properties"].as_object_mut() {
                counters.insert(name.to_owned(), counter);
            }
            if let Some(required) = of_layer["required"].as_array_mut() {
                required.push(name.into());
            }
        }
        if let Some(required) = layers.get_mut("required").and_then(serde_json::Value::as_array_mut)
            && !["control", "services"].contains(&layer)
            && !required.iter().any(|known| known == layer)
        {
            required.push(layer.into());
        }
    }
    layers
}
