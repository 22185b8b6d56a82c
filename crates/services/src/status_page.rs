//! The status page of a host: its addresses, neighbors, sockets, TCP connections and counters.

use std::fmt::{Display, Write};

use host::{Counter, Host, HostInterface, SocketInfo, SocketKind, TcpSocketInfo};
use tap::Instant;

use crate::http::page::{Escaped, Page};

/// The status page of a host. Requests of the same second get the same page.
#[derive(Debug, Default)]
pub(crate) struct StatusPage {
    /// The page, and its second since [`Instant::ORIGIN`].
    last: Option<(u64, Page)>,
}

/// A table of a page.
struct Table<'a>(&'a mut String);

/// Maximum number of rows of addresses, of neighbors, of sockets and of TCP connections.
const MAX_ROWS: usize = 100;

impl StatusPage {
    /// Writes the page, unless it was written in the same second. `services` returns the counters of the services.
    // spec: http-status-page
    pub(crate) fn write(
        &mut self,
        now: Instant,
        date: &str,
        host: &Host,
        services: impl FnOnce() -> Vec<Counter>,
    ) {
        let second = now.since(Instant::ORIGIN).as_secs();
        if self.last.as_ref().is_none_or(|(at, _)| *at != second) {
            self.last = Some((second, Page::html("tapstack host", &body(date, host, &services()))));
        }
    }

    /// Returns the page that was written last.
    pub(crate) fn page(&self) -> Option<&Page> {
        self.last.as_ref().map(|(_, page)| page)
    }
}

fn body(date: &str, host: &Host, services: &[Counter]) -> String {
    let mut body = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(body, "<p>{}</p>", Escaped(date));
    Table::write(
        &mut body,
        "Addresses",
        &["interface", "first", "last", "MAC address", "prefix length"],
        |table| {
            let ranges = host.interfaces().flat_map(|interface| {
                interface.addresses().ranges_from([0; 4].into()).map(move |(range, _)| (interface, range))
            });
            table.rows(ranges, |row, (interface, range)| {
                row.cells(&[&name(interface), &range.first, &range.last, &range.mac, &range.prefix]);
            });
        },
    );
    Table::write(&mut body, "Neighbors", &["interface", "IP address", "MAC address", "state"], |table| {
        let neighbors = host.interfaces().flat_map(|interface| {
            let (page, _) = interface.arp().neighbors().page(0, MAX_ROWS + 1);
            page.into_iter().map(move |neighbor| (interface, neighbor))
        });
        table.rows(neighbors, |row, (interface, neighbor)| {
            let mac = neighbor.mac.map_or(String::new(), |mac| mac.to_string());
            row.cells(&[&name(interface), &neighbor.ip, &mac, &neighbor.state]);
        });
    });
    Table::write(&mut body, "Sockets", &["kind", "local address", "port", "peer"], |table| {
        // TCP connections and listeners follow all other sockets.
        let sockets =
            host.sockets().take_while(|info| !matches!(info.kind, SocketKind::Tcp | SocketKind::TcpListener));
        table.rows(sockets, |row, SocketInfo { kind, addresses, port, peer, .. }| {
            row.cells(&[&format_args!("{kind:?}"), &addresses, &port, &or_empty(peer)]);
        });
    });
    tcp(&mut body, host);
    let counters = host.counters();
    Table::write(&mut body, "Counters", &["count", "layer", "counter"], |table| {
        for Counter { layer, text, count, .. } in
            counters.iter().chain(services).filter(|counter| counter.count > 0)
        {
            table.cells(&[count, layer, text]);
        }
    });
    body
}

/// Writes the numbers of TCP connections, and a table of the connections and listeners.
fn tcp(body: &mut String, host: &Host) {
    let columns = [
        "state",
        "local address",
        "port",
        "peer",
        "bytes to read",
        "bytes to send",
        "RTT in milliseconds",
        "retransmitted segments",
    ];
    Table::write(body, "TCP", &columns, |table| {
        table.rows(host.tcp_sockets_after(None), |row, info| {
            let TcpSocketInfo {
                addresses, port, peer, state, received_bytes, sending_bytes, details, ..
            } = info;
            let state = state.map_or("LISTEN".to_owned(), |state| state.to_string());
            let rtt =
                details.and_then(|details| details.rtt).map(|rtt| format!("{:.3}", rtt.as_secs_f64() * 1e3));
            let retransmissions = details.map(|details| details.retransmissions);
            row.cells(&[
                &state,
                &addresses,
                &port,
                &or_empty(peer),
                &received_bytes,
                &sending_bytes,
                &or_empty(rtt),
                &or_empty(retransmissions),
            ]);
        });
    });
    let totals = host.tcp_totals();
    // Writing to a String does not fail.
    let _ = writeln!(
        body,
        "<p>connections: {}, half-open: {}, in TIME-WAIT: {}, bytes of buffers: {}</p>",
        totals.connections, totals.half_open, totals.time_wait, totals.memory
    );
}

/// Returns the text of a value, or an empty text without a value.
fn or_empty(value: Option<impl Display>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// Returns the number of an interface, and its VLAN.
fn name(interface: &HostInterface) -> String {
    let vlan = interface.vlan().map_or(String::new(), |vlan| format!(" VLAN {}", vlan.number()));
    format!("{}{vlan}", interface.id().0)
}

impl Table<'_> {
    /// Writes a table with a heading.
    fn write(body: &mut String, heading: &str, columns: &[&str], rows: impl FnOnce(&mut Table<'_>)) {
        let _ = write!(body, "<h2>{heading}</h2>\n<table>\n<tr>");
        for column in columns {
            let _ = write!(body, "<th>{column}</th>");
        }
        body.push_str("</tr>\n");
        rows(&mut Table(body));
        body.push_str("</table>\n");
    }

    /// Writes up to [`MAX_ROWS`] rows, and whether more exist.
    fn rows<T>(&mut self, mut items: impl Iterator<Item = T>, row: impl Fn(&mut Table<'_>, T)) {
        for item in items.by_ref().take(MAX_ROWS) {
            row(self, item);
        }
        if items.next().is_some() {
            self.cells(&[&"..."]);
        }
    }

    /// Writes a row.
    fn cells(&mut self, cells: &[&dyn Display]) {
        self.0.push_str("<tr>");
        for cell in cells {
            let _ = write!(self.0, "<td>{}</td>", Escaped(&cell.to_string()));
        }
        self.0.push_str("</tr>\n");
    }
}
