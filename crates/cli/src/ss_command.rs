//! `tapstack ss`: the sockets of a running host.

pub(crate) mod arguments;
pub(crate) mod details;

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use tap::linux::InterfaceName;

use crate::control::client::HostClient;
use crate::control::message::{ConnectionStateName, Operation, Outcome, SocketKindName, SocketRow};
use crate::failure::{Failure, print_line};
use crate::json::SCHEMA;
use arguments::SsArguments;
use details::TcpDetails;

/// Prints the sockets that the arguments select.
pub(crate) fn run(arguments: &SsArguments) -> Result<ExitCode, Failure> {
    let client = HostClient::select(arguments.host.interface.as_ref().map(InterfaceName::as_str))?;
    let page = |outcome| if let Outcome::Sockets(page) = outcome { Some(page) } else { None };
    let mut rows = client.list(|from| Operation::Sockets { from }, page)?;
    rows.extend(client.list(|from| Operation::TcpSockets { from, has_details: arguments.info }, page)?);
    rows.retain(|row| arguments.selects(row));
    if arguments.json {
        for row in &rows {
            print_line(&serde_json::to_string(&SocketJson::new(&client.interface, row))?)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let names = if arguments.numeric { PortNames::default() } else { PortNames::of_system() };
    let columns = Columns {
        has_kind: arguments.tcp == arguments.udp,
        has_state: arguments.tcp || !arguments.udp || arguments.all || arguments.listening,
    };
    let mut lines = columns.lines(&rows, &names).into_iter();
    print_line(&lines.next().unwrap_or_default())?;
    for (line, row) in lines.zip(&rows) {
        print_line(&line)?;
        if let Some(details) = &row.details {
            print_line(&details.line(arguments.numeric))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl SsArguments {
    fn selects(&self, row: &SocketRow) -> bool {
        let has_state = match (row.peer, row.state) {
            (None, _) => self.all || self.listening,
            // As with ss, half-open connections and those that only wait for their end are shown with -a.
            (
                Some(_),
                Some(
                    ConnectionStateName::Closed
                    | ConnectionStateName::SynReceived
                    | ConnectionStateName::TimeWait,
                ),
            ) => self.all,
            (Some(_), _) => !self.listening,
        };
        let has_kind = match row.kind {
            SocketKindName::Udp => self.udp || !self.tcp,
            SocketKindName::Tcp | SocketKindName::TcpListener => self.tcp || !self.udp,
            SocketKindName::IcmpEcho => !self.tcp && !self.udp,
        };
        has_state && has_kind
    }
}

/// `tapstack ss --json`
///
/// Prints one object for each socket, without an `event`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ss")]
struct SocketJson {
    /// Version of the format: 1.
    schema: u32,
    /// Interface or TAP of the host.
    interface: String,
    /// Identifier of the socket. No other socket of the host has the same identifier, at any time. Null for a TCP
    /// connection that no program holds: half-open, in TIME-WAIT, or closed by its program.
    socket: Option<String>,
    /// Kind of the socket.
    kind: SocketKindName,
    /// Whether the socket has a peer.
    connected: bool,
    /// Local address, or first address of the range.
    #[schemars(with = "Ipv4Addr")]
    local_ip: IpAddr,
    /// Prefix length of the range of local addresses, in bits: 32 for one address, 0 for all addresses.
    local_prefix_length: u8,
    /// Local port, or ICMP identifier.
    local_port: u16,
    /// Address of the peer; null if the socket is not connected.
    #[schemars(with = "Option<Ipv4Addr>")]
    peer_ip: Option<IpAddr>,
    /// Port of the peer; null if the socket is not connected.
    peer_port: Option<u16>,
    /// State of a TCP connection; null for other sockets.
    state: Option<ConnectionStateName>,
    /// Number of connections of a TCP listener that wait to be accepted; null for other sockets.
    waiting_connections: Option<usize>,
    /// Maximum number of waiting connections of a TCP listener; null for other sockets.
    backlog: Option<usize>,
    /// Whether the socket sends and receives broadcasts.
    broadcast: bool,
    /// Unread bytes of a TCP connection, or memory of the frames in the receive queue of another socket, in bytes.
    receive_queue_bytes: usize,
    /// Unacknowledged and unsent bytes of a TCP connection, or memory of the frames in the send queue of another socket,
    /// in bytes.
    send_queue_bytes: usize,
    /// Number of received datagrams that were dropped because a limit was reached.
    dropped: u64,
    /// Number of failures (ICMP errors and unresolved next hops) that were dropped because a limit was reached.
    failures_lost: u64,
    /// State of an open TCP connection in detail; null without `-i` and for other sockets.
    details: Option<TcpDetails>,
}

/// Returns the schema of `tapstack ss --json`.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<SocketJson>()
}

impl SocketJson {
    fn new(host: &str, row: &SocketRow) -> SocketJson {
        SocketJson {
            schema: SCHEMA,
            interface: host.to_owned(),
            socket: row.id.clone(),
            kind: row.kind,
            connected: row.peer.is_some(),
            local_ip: row.addresses.addr(),
            local_prefix_length: row.addresses.prefix_len(),
            local_port: row.port,
            peer_ip: row.peer.map(|peer| peer.ip()),
            peer_port: row.peer.map(|peer| peer.port()),
            state: row.state,
            waiting_connections: row.backlog.map(|backlog| backlog.waiting),
            backlog: row.backlog.map(|backlog| backlog.limit),
            broadcast: row.broadcast,
            receive_queue_bytes: row.received_bytes,
            send_queue_bytes: row.sending_bytes,
            dropped: row.dropped,
            failures_lost: row.failures_lost,
            details: row.details.clone(),
        }
    }
}

/// The columns of the output. Like ss, the output omits the kind or the state if all selected sockets have the same.
struct Columns {
    has_kind: bool,
    has_state: bool,
}

/// The texts of a line.
struct Line {
    kind: String,
    state: String,
    queues: [String; 2],
    local: [String; 2],
    peer: [String; 2],
}

impl Columns {
    /// Returns the header and a line for each socket, as ss prints them.
    fn lines(&self, rows: &[SocketRow], names: &PortNames) -> Vec<String> {
        let header = Line {
            kind: "Netid".to_owned(),
            state: "State".to_owned(),
            queues: ["Recv-Q", "Send-Q"].map(str::to_owned),
            local: ["Local Address", "Port"].map(str::to_owned),
            peer: ["Peer Address", "Port"].map(str::to_owned),
        };
        let lines: Vec<_> =
            std::iter::once(header).chain(rows.iter().map(|row| Line::new(row, names))).collect();
        let width =
            |text: fn(&Line) -> &str| lines.iter().map(|line| text(line).len()).max().unwrap_or_default();
        let kind = width(|line| &line.kind);
        let state = width(|line| &line.state);
        let [received, sending] = [width(|line| &line.queues[0]), width(|line| &line.queues[1])];
        let [local, local_port] = [width(|line| &line.local[0]), width(|line| &line.local[1])];
        let peer = width(|line| &line.peer[0]);
        let text = |line: &Line| {
            let Line {
                queues: [receive_queue, send_queue],
                local: [ip, port],
                peer: [peer_ip, peer_port],
                ..
            } = line;
            let kind = if self.has_kind { format!("{:<kind$} ", line.kind) } else { String::new() };
            let state = if self.has_state { format!("{:<state$} ", line.state) } else { String::new() };
            format!(
                "{kind}{state}{receive_queue:<received$} {send_queue:<sending$} \
                 {ip:>local$}:{port:<local_port$} {peer_ip:>peer$}:{peer_port}"
            )
        };
        lines.iter().map(text).collect()
    }
}

impl Line {
    fn new(row: &SocketRow, names: &PortNames) -> Line {
        let (kind, names) = match row.kind {
            SocketKindName::Udp => ("udp", Some(&names.udp)),
            SocketKindName::Tcp | SocketKindName::TcpListener => ("tcp", Some(&names.tcp)),
            SocketKindName::IcmpEcho => ("icmp", None),
        };
        let name =
            |port: u16| names.and_then(|names| names.get(&port)).cloned().unwrap_or_else(|| port.to_string());
        let (ip, prefix_length) = (row.addresses.addr(), row.addresses.prefix_len());
        let local = match prefix_length {
            0 | 32 => ip.to_string(),
            _ => row.addresses.to_string(),
        };
        let peer = match row.peer {
            Some(peer) => [peer.ip().to_string(), name(peer.port())],
            None => [Ipv4Addr::UNSPECIFIED.to_string(), "*".to_owned()],
        };
        let queues = match row.backlog {
            Some(backlog) => [backlog.waiting, backlog.limit],
            None => [row.received_bytes, row.sending_bytes],
        };
        Line {
            kind: kind.to_owned(),
            state: state_name(row).to_owned(),
            queues: queues.map(|length| length.to_string()),
            local: [local, name(row.port)],
            peer,
        }
    }
}

/// Returns the state of a socket in the words of ss.
fn state_name(row: &SocketRow) -> &'static str {
    match row.state {
        None if row.kind == SocketKindName::TcpListener => "LISTEN",
        None if row.peer.is_some() => "ESTAB",
        None | Some(ConnectionStateName::Closed) => "UNCONN",
        Some(ConnectionStateName::SynSent) => "SYN-SENT",
        Some(ConnectionStateName::SynReceived) => "SYN-RECV",
        Some(ConnectionStateName::Established) => "ESTAB",
        Some(ConnectionStateName::FinWait1) => "FIN-WAIT-1",
        Some(ConnectionStateName::FinWait2) => "FIN-WAIT-2",
        Some(ConnectionStateName::CloseWait) => "CLOSE-WAIT",
        Some(ConnectionStateName::Closing) => "CLOSING",
        Some(ConnectionStateName::LastAck) => "LAST-ACK",
        Some(ConnectionStateName::TimeWait) => "TIME-WAIT",
    }
}

/// The names of ports.
#[derive(Debug, Default)]
struct PortNames {
    tcp: BTreeMap<u16, String>,
    udp: BTreeMap<u16, String>,
}

impl PortNames {
    /// Returns the names in /etc/services. Without this file, ports have no names.
    fn of_system() -> PortNames {
        PortNames::in_list(&fs::read_to_string("/etc/services").unwrap_or_default())
    }

    fn in_list(list: &str) -> PortNames {
        PortNames { tcp: services_in(list, "/tcp"), udp: services_in(list, "/udp") }
    }
}

/// Returns the names of the ports of a protocol in a list of services. The first name of a port is used.
fn services_in(list: &str, protocol: &str) -> BTreeMap<u16, String> {
    let mut names = BTreeMap::new();
    for line in list.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let (Some(name), Some(port)) = (words.next(), words.next()) else { continue };
        // The names are printed.
        let is_plain = name.bytes().all(|byte| byte.is_ascii_graphic());
        let number = port.strip_suffix(protocol).and_then(|port| port.parse().ok());
        if let Some(port) = number.filter(|_| is_plain) {
            names.entry(port).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests;
