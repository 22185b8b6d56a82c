//! The operations on a running host.

use std::net::Ipv4Addr;

use arp::{AddressState, Neighbor};
use host::{Host, HostInterface, SocketId, SocketInfo, SocketKind, TcpSocketInfo, TcpState};
use inet::InterfaceId;
use ipnet::Ipv4Net;
use link::{MacAddr, VlanId};
use tap::Instant;

use super::message::{
    AddressRow, AddressStateName, BacklogRow, ConnectionStateName, DETAILS_PAGE, InterfaceRow,
    NeighborFilter, NeighborRow, Operation, Outcome, PAGE, Page, SocketKindName, SocketRow,
};
use crate::advice::explain;
use crate::device::NetworkDevice;
use crate::failure::Failure;
use crate::json::{EntryState, Mac};
use crate::ss_command::details::TcpDetails;

/// Runs an operation. A failed operation changes nothing.
pub(super) fn run(
    now: Instant,
    host: &mut Host,
    device: &NetworkDevice,
    operation: &Operation,
) -> Result<Outcome, Failure> {
    match *operation {
        Operation::Interfaces { from } => Ok(Outcome::Interfaces(interfaces(host, from))),
        Operation::Neighbors { interface, from } => {
            let (entries, next) = neighbors(host, interface, from)?;
            let rows = entries.iter().map(NeighborRow::from).collect();
            Ok(Outcome::Neighbors(Page { rows, next }))
        }
        Operation::FlushNeighbors { interface, from, ref filter } => {
            flush_neighbors(host, interface, from, filter)
        }
        Operation::AddNeighbor { interface, ip, mac: Mac(mac), replace } => {
            add_neighbor(now, host, interface, (ip, mac), replace)
        }
        Operation::DeleteNeighbor { interface, ip } => {
            let is_removed = find_mut(host, interface)?.arp_mut().neighbors_mut().remove(ip);
            done_if(is_removed, || Failure::negative(format!("no entry for {ip}")))
        }
        Operation::Addresses { interface, from } => {
            Ok(Outcome::Addresses(addresses(find(host, interface)?, from)))
        }
        Operation::Sockets { from } => Ok(Outcome::Sockets(sockets(host, from))),
        Operation::TcpSockets { from, has_details } => {
            Ok(Outcome::Sockets(tcp_sockets(host, from, has_details)))
        }
        Operation::AddAddress { interface, address, mac } => {
            add_address(now, host, device, InterfaceId(interface), address, mac.map(|Mac(mac)| mac))
        }
        Operation::DeleteAddress { interface, ip, prefix_length } => {
            delete_address(host, device, InterfaceId(interface), ip, prefix_length)
        }
    }
}

fn find(host: &Host, id: u16) -> Result<&HostInterface, Failure> {
    host.interface(InterfaceId(id)).ok_or_else(|| no_interface(id))
}

fn find_mut(host: &mut Host, id: u16) -> Result<&mut HostInterface, Failure> {
    host.interface_mut(InterfaceId(id)).ok_or_else(|| no_interface(id))
}

fn no_interface(id: u16) -> Failure {
    Failure::new(format!("the host has no interface {id}"))
}

fn done_if(is_done: bool, failure: impl FnOnce() -> Failure) -> Result<Outcome, Failure> {
    if is_done { Ok(Outcome::Done) } else { Err(failure()) }
}

fn interfaces(host: &Host, from: u64) -> Page<InterfaceRow> {
    let all = host.interfaces().skip_while(|interface| u64::from(interface.id().0) < from);
    let rows: Vec<_> = all
        .take(PAGE)
        .map(|interface| InterfaceRow {
            id: interface.id().0,
            vlan: interface.vlan().map(VlanId::number),
            mtu: interface.mtu(),
            is_active: host.is_link_active(interface.port()),
        })
        .collect();
    let last = rows.last().filter(|_| rows.len() == PAGE);
    Page { next: last.map(|row| u64::from(row.id) + 1), rows }
}

/// Returns a page of neighbors, and the place of the next page.
fn neighbors(host: &Host, id: u16, from: u64) -> Result<(Vec<Neighbor<Ipv4Addr>>, Option<u64>), Failure> {
    let from = u32::try_from(from).unwrap_or(u32::MAX);
    let (entries, next) = find(host, id)?.arp().neighbors().page(from, PAGE);
    Ok((entries, next.map(u64::from)))
}

fn flush_neighbors(host: &mut Host, id: u16, from: u64, filter: &NeighborFilter) -> Result<Outcome, Failure> {
    let (entries, next) = neighbors(host, id, from)?;
    let neighbors = find_mut(host, id)?.arp_mut().neighbors_mut();
    for entry in entries.iter().filter(|entry| filter.matches(entry.ip, entry.state.into())) {
        neighbors.remove(entry.ip);
    }
    Ok(Outcome::Flushed { next })
}

fn add_neighbor(
    now: Instant,
    host: &mut Host,
    id: u16,
    (ip, mac): (Ipv4Addr, MacAddr),
    replace: bool,
) -> Result<Outcome, Failure> {
    if !replace && find(host, id)?.arp().neighbors().get(ip).is_some() {
        return Err(Failure::negative(format!("cannot add {ip}: the entry already exists"))
            .hint("use `replace` to change the entry"));
    }
    let added = host.add_static_on(now, InterfaceId(id), ip, mac).ok_or_else(|| no_interface(id))?;
    added.map_err(|error| Failure::new(explain(&error).context(format!("cannot add {ip}"))))?;
    Ok(Outcome::Done)
}

fn addresses(interface: &HostInterface, from: u64) -> Page<AddressRow> {
    let Ok(from) = u32::try_from(from) else { return Page { rows: Vec::new(), next: None } };
    let ranges = interface.addresses().ranges_from(from.into()).take(PAGE);
    let rows: Vec<_> = ranges
        .map(|(range, state)| {
            let (state, conflict_mac) = match state {
                AddressState::Tentative => (AddressStateName::Tentative, None),
                AddressState::Preferred => (AddressStateName::Preferred, None),
                AddressState::Conflict { with } => (AddressStateName::Conflict, Some(Mac(with))),
            };
            let (first, last, prefix_length) = (range.first, range.last, range.prefix);
            AddressRow { first, last, mac: Mac(range.mac), prefix_length, state, conflict_mac }
        })
        .collect();
    let last = rows.last().filter(|_| rows.len() == PAGE).map(|row| u64::from(u32::from(row.last)));
    Page { next: last.map(|last| last + 1), rows }
}

/// Returns a page of UDP and echo sockets. Its position is the number of the last socket before the page, plus one.
fn sockets(host: &Host, from: u64) -> Page<SocketRow> {
    let is_datagram = |info: &SocketInfo| matches!(info.kind, SocketKind::Udp | SocketKind::Echo);
    let infos: Vec<SocketInfo> = match from.checked_sub(1) {
        None => host.sockets().take_while(is_datagram).take(PAGE).collect(),
        Some(number) => {
            host.sockets_after(SocketId::of_number(number)).take_while(is_datagram).take(PAGE).collect()
        }
    };
    let last = infos.last().filter(|_| infos.len() == PAGE);
    Page {
        next: last.and_then(|last| last.id.number().checked_add(1)),
        rows: infos.iter().map(SocketRow::from).collect(),
    }
}

/// Returns a page of TCP connections and listeners. Its position is the number of the last entry before the page, plus
/// one.
fn tcp_sockets(host: &Host, from: u64, has_details: bool) -> Page<SocketRow> {
    let Ok(after) = from.checked_sub(1).map(u32::try_from).transpose() else {
        return Page { rows: Vec::new(), next: None };
    };
    let length = if has_details { DETAILS_PAGE } else { PAGE };
    let infos: Vec<TcpSocketInfo> = host.tcp_sockets_after(after).take(length).collect();
    let last = infos.last().filter(|_| infos.len() == length);
    let details = |info: &TcpSocketInfo| info.details.as_ref().filter(|_| has_details).map(TcpDetails::from);
    Page {
        next: last.map(|info| u64::from(info.number) + 1),
        rows: infos.iter().map(|info| SocketRow { details: details(info), ..info.into() }).collect(),
    }
}

fn add_address(
    now: Instant,
    host: &mut Host,
    device: &NetworkDevice,
    id: InterfaceId,
    address: Ipv4Net,
    mac: Option<MacAddr>,
) -> Result<Outcome, Failure> {
    let interface = find(host, id.0)?;
    if interface.addresses().contains(address.addr()) {
        return Err(Failure::negative(format!("cannot add {address}: the address already exists")));
    }
    let refused = |error| Failure::new(explain(&error).context(format!("cannot add {address}")));
    let mac = mac.map_or_else(|| host.next_mac(id), Ok).map_err(refused)?;
    let (first, last) = host.mac_range(interface.port()).unwrap_or((mac, mac));
    let macs = (first.min(mac), last.max(mac));
    device.check_host(address, mac, macs)?;
    host.add_address(now, id, address.into(), Some(mac)).map_err(refused)?;
    if let Err(failure) = device.receive_for(macs) {
        host.remove_address(id, address.addr().into());
        return Err(failure);
    }
    Ok(Outcome::Done)
}

fn delete_address(
    host: &mut Host,
    device: &NetworkDevice,
    id: InterfaceId,
    ip: Ipv4Addr,
    prefix_length: Option<u8>,
) -> Result<Outcome, Failure> {
    let range = find(host, id.0)?.addresses().ranges_from(ip).next();
    let range = range.filter(|(range, _)| range.first == ip).map(|(range, _)| range);
    let Some(range) = range else {
        return Err(Failure::negative(format!("cannot delete {ip}: the host does not have this address")));
    };
    if let Some(length) = prefix_length.filter(|length| *length != range.prefix) {
        return Err(Failure::negative(format!(
            "cannot delete {ip}/{length}: the host does not have this address"
        ))
        .hint(format!("the host has {ip}/{}", range.prefix)));
    }
    let port = find(host, id.0)?.port();
    if !host.remove_address(id, ip.into()) {
        return Err(no_interface(id.0));
    }
    // On an interface of the kernel, the socket receives only the frames of the remaining hosts. If the kernel refuses the
    // filter, the socket receives more, and the host drops and counts these frames.
    if let Some(macs) = host.mac_range(port) {
        let _ = device.receive_for(macs);
    }
    Ok(Outcome::Done)
}

impl From<&Neighbor<Ipv4Addr>> for NeighborRow {
    fn from(entry: &Neighbor<Ipv4Addr>) -> NeighborRow {
        NeighborRow { ip: entry.ip, mac: entry.mac.map(Mac), state: EntryState::from(entry.state) }
    }
}

impl From<&SocketInfo> for SocketRow {
    fn from(info: &SocketInfo) -> SocketRow {
        SocketRow {
            id: Some(info.id.to_string()),
            kind: match info.kind {
                SocketKind::Udp => SocketKindName::Udp,
                SocketKind::Echo => SocketKindName::IcmpEcho,
                SocketKind::TcpListener => SocketKindName::TcpListener,
                SocketKind::Tcp => SocketKindName::Tcp,
            },
            addresses: info.addresses,
            port: info.port,
            peer: info.peer,
            broadcast: info.broadcast,
            state: info.state.map(ConnectionStateName::from),
            backlog: info
                .backlog
                .map(|backlog| BacklogRow { waiting: backlog.waiting, limit: backlog.limit }),
            received_bytes: info.received_bytes,
            sending_bytes: info.sending_bytes,
            dropped: info.dropped,
            failures_lost: info.failures_lost,
            details: None,
        }
    }
}

impl From<&TcpSocketInfo> for SocketRow {
    fn from(info: &TcpSocketInfo) -> SocketRow {
        SocketRow {
            id: info.id.map(|id| id.to_string()),
            kind: match info.backlog {
                Some(_) => SocketKindName::TcpListener,
                None => SocketKindName::Tcp,
            },
            addresses: info.addresses,
            port: info.port,
            peer: info.peer,
            broadcast: false,
            state: info.state.map(ConnectionStateName::from),
            backlog: info
                .backlog
                .map(|backlog| BacklogRow { waiting: backlog.waiting, limit: backlog.limit }),
            received_bytes: info.received_bytes,
            sending_bytes: info.sending_bytes,
            dropped: 0,
            failures_lost: 0,
            details: None,
        }
    }
}

impl From<TcpState> for ConnectionStateName {
    fn from(state: TcpState) -> ConnectionStateName {
        match state {
            TcpState::Closed => ConnectionStateName::Closed,
            TcpState::SynSent => ConnectionStateName::SynSent,
            TcpState::SynReceived => ConnectionStateName::SynReceived,
            TcpState::Established => ConnectionStateName::Established,
            TcpState::FinWait1 => ConnectionStateName::FinWait1,
            TcpState::FinWait2 => ConnectionStateName::FinWait2,
            TcpState::CloseWait => ConnectionStateName::CloseWait,
            TcpState::Closing => ConnectionStateName::Closing,
            TcpState::LastAck => ConnectionStateName::LastAck,
            TcpState::TimeWait => ConnectionStateName::TimeWait,
        }
    }
}
