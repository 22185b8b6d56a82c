//! The services on TCP.

use super::*;
use crate::http::{Content, ContentError, Found, RequestPath, Resource};
use host::{HostConfig, TcpConnect, TcpRead};
use link::MacAddr;
use network::Node;
use std::net::Ipv4Addr;
use tap::Machine;

/// Bytes without a tag, of which the last `missing` cannot be read.
#[derive(Debug)]
struct Bytes {
    bytes: Vec<u8>,
    missing: u64,
}

/// Content: `/short` has 100,000 bytes, and `/truncated` ends early.
#[derive(Debug)]
struct Memory;

impl Resource for Bytes {
    fn length(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap() + self.missing
    }

    fn media_type(&self) -> &'static str {
        "text/plain"
    }

    fn tag(&self) -> Option<&str> {
        None
    }

    fn read(&mut self, position: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let rest = &self.bytes[usize::try_from(position).unwrap()..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

impl Content for Memory {
    fn open(&mut self, path: &RequestPath) -> Result<Found, ContentError> {
        let bytes = bytes(100_000);
        match path.segments() {
            [name] if name == b"short" => Ok(Found::Resource(Box::new(Bytes { bytes, missing: 0 }))),
            [name] if name == b"truncated" => Ok(Found::Resource(Box::new(Bytes { bytes, missing: 1 }))),
            _ => Err(ContentError::NotFound),
        }
    }
}

fn bytes(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

impl Network {
    fn serve_tcp(&mut self, kind: ServiceKind, port: u16) {
        let ServingHost { host, user: services } = &mut self.server.machine;
        services.add_tcp(host, kind, IpNet::default(), port).unwrap();
    }

    fn serve_http(&mut self, site: Site) {
        let ServingHost { host, user: services } = &mut self.server.machine;
        services.add_http(host, site, IpNet::default(), 80).unwrap();
    }

    fn connect(&mut self, to: (Ipv4Addr, u16)) -> SocketId {
        self.client.machine.connect_tcp(self.now, &TcpConnect::new(to.into())).unwrap()
    }

    fn write(&mut self, id: SocketId, data: &[u8]) -> usize {
        self.client.machine.write_tcp(self.now, id, data, &mut self.client.pool).unwrap()
    }

    fn shut_down(&mut self, id: SocketId) {
        self.client.machine.shutdown_tcp(self.now, id).unwrap();
    }

    /// Reads everything that is available. Returns the data, and whether the peer has closed its direction.
    fn read(&mut self, id: SocketId) -> (Vec<u8>, bool) {
        let (mut data, mut buffer) = (Vec::new(), vec![0; 65_536]);
        loop {
            match self.client.machine.read_tcp(self.now, id, &mut buffer, &mut self.client.pool).unwrap() {
                TcpRead::Data(length) => data.extend_from_slice(&buffer[..length]),
                TcpRead::End => return (data, true),
                TcpRead::WouldBlock => return (data, false),
            }
        }
    }

    /// Takes turns and advances the time to each deadline, for this time.
    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let deadlines = [self.client.machine.deadline(), self.server.machine.deadline()];
            match deadlines.into_iter().flatten().min() {
                Some(due) if due <= end => self.now = due.max(self.now),
                _ => break,
            }
        }
        self.now = end;
        self.settle();
    }

    /// Writes data and reads the answer, until the peer closes its direction or nothing happens any more. Closes the
    /// local direction after the data.
    fn exchange(&mut self, id: SocketId, mut data: &[u8]) -> (Vec<u8>, bool) {
        let (mut received, mut is_shut_down) = (Vec::new(), false);
        for _ in 0..10_000 {
            let written = if is_shut_down { 0 } else { self.write(id, data) };
            data = &data[written..];
            if data.is_empty() && !is_shut_down {
                self.shut_down(id);
                is_shut_down = true;
            }
            self.run_for(Duration::from_millis(50));
            let (part, is_end) = self.read(id);
            let is_idle = written == 0 && part.is_empty();
            received.extend(part);
            if is_end || is_idle {
                return (received, is_end);
            }
        }
        panic!("the exchange does not end");
    }

    /// Closes a connection of the client, waits for TIME-WAIT, and checks that nothing is left.
    fn check_closed(&mut self, id: SocketId) {
        self.client.machine.close(self.now, id, &mut self.client.pool);
        self.run_for(Duration::from_mins(3));
        assert_eq!(self.server.machine.user.tcp.connections(), 0, "a service keeps its connection");
        self.check_pools();
    }
}

// proves: rfc862-tcp
#[test]
fn echo_returns_data_of_connection() {
    let mut network = Network::new();
    network.serve_tcp(ServiceKind::Echo, 7);
    for length in [0, 1, 1_460, 1_461, 65_536, 1_000_000] {
        let id = network.connect((HOST, 7));
        network.settle();
        let (received, is_end) = network.exchange(id, &bytes(length));
        assert!(received == bytes(length) && is_end, "{length} bytes: {} returned", received.len());
        network.check_closed(id);
    }
    assert_eq!(network.count("echo_connections"), 6);
    assert_eq!(network.count("connections_failed"), 0);
}

// proves: rfc862-tcp
#[test]
fn echo_waits_for_client_that_does_not_read() {
    let mut network = Network::new();
    network.serve_tcp(ServiceKind::Echo, 7);
    let id = network.connect((HOST, 7));
    network.settle();
    let data = bytes(10_000_000);
    let mut sent = 0;
    loop {
        let written = network.write(id, &data[sent..]);
        sent += written;
        network.run_for(Duration::from_secs(1));
        if written == 0 {
            break;
        }
    }
    assert!(sent < data.len(), "the echo takes data without end");
    let (received, is_end) = network.exchange(id, &data[sent..]);
    assert!(received == data && is_end, "{} bytes returned", received.len());
    network.check_closed(id);
}

// proves: rfc863-tcp
#[test]
fn discard_receives_data_and_sends_nothing() {
    let mut network = Network::new();
    network.serve_tcp(ServiceKind::Discard, 9);
    let id = network.connect((HOST, 9));
    network.settle();
    assert_eq!(network.exchange(id, &bytes(300_000)), (Vec::new(), true));
    network.check_closed(id);
    assert_eq!(network.count("discard_connections"), 1);
}

// proves: rfc867-tcp, services-close
#[test]
fn daytime_sends_time_and_waits_for_end_of_client() {
    let mut network = Network::new();
    network.serve_tcp(ServiceKind::Daytime, 13);
    let id = network.connect((HOST, 13));
    network.settle();
    assert_eq!(network.read(id), (b"Sunday, November 29, 2026 09:08:07-UTC\r\n".to_vec(), true));
    // Data that arrives after the end of the service causes no reset.
    assert_eq!(network.write(id, b"thanks"), 6);
    network.run_for(Duration::from_secs(1));
    assert_eq!(network.client.machine.tcp_status(id).unwrap().closed, None);
    network.check_closed(id);
    assert_eq!(network.count("connections_failed"), 0);
    assert_eq!(network.count("connections_timed_out"), 0);
}

// proves: rfc864-tcp
#[test]
fn chargen_sends_pattern_until_client_closes_or_aborts() {
    let mut network = Network::new();
    network.serve_tcp(ServiceKind::Chargen, 19);
    let mut expected = vec![0; 20 * chargen::PERIOD];
    chargen::write_pattern(0, &mut expected);
    for aborts in [false, true] {
        let id = network.connect((HOST, 19));
        network.settle();
        assert_eq!(network.write(id, b"ignored"), 7);
        let mut received = Vec::new();
        while received.len() < expected.len() {
            let (part, is_end) = network.read(id);
            assert!(!is_end, "chargen ends after {} characters", received.len());
            received.extend(part);
            network.run_for(Duration::from_millis(1));
        }
        assert!(received[..expected.len()] == expected, "the pattern differs");
        if aborts {
            network.client.machine.abort_tcp(network.now, id, &mut network.client.pool);
        } else {
            network.shut_down(id);
            network.run_for(Duration::from_millis(100));
            while !network.read(id).1 {
                network.run_for(Duration::from_millis(1));
            }
        }
        network.check_closed(id);
    }
    assert_eq!(network.count("chargen_connections"), 2);
}

/// Returns the responses to requests.
fn respond(network: &mut Network, requests: &str) -> String {
    let id = network.connect((HOST, 80));
    network.settle();
    let (responses, is_end) = network.exchange(id, requests.as_bytes());
    assert!(is_end, "the server has not closed its direction");
    network.check_closed(id);
    String::from_utf8_lossy(&responses).into_owned()
}

// proves: http-close, http-pipelining
#[test]
fn http_serves_content_on_persistent_connection() {
    let mut network = Network::new();
    network.serve_http(Site::Content(Box::new(Memory)));
    let request = |path: &str, field: &str| format!("GET {path} HTTP/1.1\r\nHost: h\r\n{field}\r\n");
    let requests = [
        request("/short", ""),
        request("/missing", ""),
        request("/short", "Range: bytes=2-3\r\n"),
        request("/missing", "Connection: close\r\n"),
        request("/short", ""),
    ];
    let responses = respond(&mut network, &requests.concat());
    let statuses = responses.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.lines().next());
    let statuses: Vec<&str> = statuses.collect();
    assert_eq!(statuses, ["200 OK", "404 Not Found", "206 Partial Content", "404 Not Found"]);
    assert!(responses.contains("\r\nDate: Sun, 29 Nov 2026 09:08:07 GMT\r\n"), "{responses}");
    assert_eq!(responses.len() - responses.replace("404 Not Found\n", "").len(), 28);
    assert_eq!((network.count("http_connections"), network.count("http_requests")), (1, 4));
    assert_eq!(network.count("http_errors"), 2);
}

// proves: http-truncated
#[test]
fn http_resets_connection_when_content_ends_early() {
    let mut network = Network::new();
    network.serve_http(Site::Content(Box::new(Memory)));
    let id = network.connect((HOST, 80));
    network.settle();
    network.write(id, b"GET /truncated HTTP/1.1\r\nHost: h\r\n\r\n");
    network.run_for(Duration::from_secs(1));
    let status = network.client.machine.tcp_status(id).unwrap();
    assert_eq!((status.closed.is_some(), status.is_end_of_data), (true, false), "{status:?}");
    network.check_closed(id);
    assert_eq!(network.count("connections_truncated"), 1);
}

// proves: http-status-page
#[test]
fn status_page_shows_host_and_changes_once_a_second() {
    let mut network = Network::new();
    network.serve(ServiceKind::Echo, 7);
    network.serve_http(Site::Status);
    let get = "GET / HTTP/1.0\r\n\r\n";
    let first = respond(&mut network, get);
    for text in [
        "HTTP/1.1 200 OK",
        "Content-Type: text/html; charset=utf-8",
        "<td>10.0.0.2</td>",
        "<td>02:00:00:00:00:02</td>",
        "<td>10.0.0.1</td>",
        "<td>0.0.0.0/0</td><td>7</td>",
        "<td>services</td><td>connections to http</td>",
        "<td>tcp</td><td>connections accepted by listeners</td>",
        "<td>LISTEN</td><td>0.0.0.0/0</td><td>80</td>",
        "<td>CLOSE-WAIT</td><td>10.0.0.2/32</td><td>80</td><td>10.0.0.1:",
        "<p>connections: 1, half-open: 0, in TIME-WAIT: 0, bytes of buffers: ",
    ] {
        assert!(first.contains(text), "{text} is missing in\n{first}");
    }
    let missing = respond(&mut network, "GET /a HTTP/1.0\r\n\r\n");
    assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
    let second = respond(&mut network, get);
    assert!(second.contains("<td>2</td><td>services</td><td>HTTP requests</td>"), "{second}");
    // The first request in a second writes the page.
    let id = network.connect((HOST, 80));
    network.settle();
    let page = |network: &mut Network| {
        network.write(id, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        network.settle();
        String::from_utf8(network.read(id).0).unwrap()
    };
    let (first, second) = (page(&mut network), page(&mut network));
    assert!(
        first.ends_with("</html>\n") && first == second,
        "two pages of one second differ\n{first}{second}"
    );
}

// proves: services-idle
#[test]
fn idle_connections_are_reset() {
    let mut network = Network::new();
    network.serve_tcp(ServiceKind::Echo, 7);
    network.serve_http(Site::Status);
    let (echo, http) = (network.connect((HOST, 7)), network.connect((HOST, 80)));
    network.settle();
    network.write(echo, b"x");
    network.run_for(Duration::from_secs(30));
    // The start of a request is no progress.
    network.write(http, b"GET / HTTP/1.1\r\n");
    let is_open = |network: &mut Network, id| network.client.machine.tcp_status(id).unwrap().closed.is_none();
    network.run_for(Duration::from_secs(29));
    assert!(is_open(&mut network, http), "HTTP after 59 seconds");
    network.run_for(Duration::from_secs(2));
    assert!(!is_open(&mut network, http), "HTTP after 61 seconds");
    network.run_for(Duration::from_secs(538));
    assert!(is_open(&mut network, echo), "echo after 599 seconds");
    network.run_for(Duration::from_secs(2));
    assert!(!is_open(&mut network, echo), "echo after 601 seconds");
    assert_eq!(network.count("connections_timed_out"), 2);
    network.check_closed(echo);
}

// proves: services-idle
#[test]
fn client_that_continues_to_send_does_not_keep_ended_connection() {
    let mut network = Network::new();
    network.serve_tcp(ServiceKind::Daytime, 13);
    let id = network.connect((HOST, 13));
    for _ in 0..6 {
        assert_eq!(network.client.machine.tcp_status(id).unwrap().closed, None);
        network.write(id, b"x");
        network.run_for(Duration::from_secs(10));
    }
    network.run_for(Duration::from_secs(1));
    assert!(network.client.machine.tcp_status(id).unwrap().closed.is_some(), "daytime after 61 seconds");
    network.check_closed(id);
}

// proves: services-fair
#[test]
fn many_connections_are_served_in_turn() {
    let mut network = Network::new();
    network.serve_tcp(ServiceKind::Discard, 9);
    // The first SYN resolves the host. Most of many SYN segments to an unresolved host would be dropped.
    network.connect((HOST, 9));
    network.settle();
    let ids: Vec<SocketId> = (0..100).map(|_| network.connect((HOST, 9))).collect();
    network.settle();
    for id in &ids {
        network.write(*id, &bytes(1_000));
    }
    while network.client.turn(network.now) {
        network.deliver();
    }
    network.deliver();
    let unserved = |network: &mut Network| {
        network.server.machine.host.sockets().filter(|socket| socket.received_bytes > 0).count()
    };
    let run = |network: &mut Network| {
        let ServingHost { host, user: services } = &mut network.server.machine;
        services.run(network.now, host, &mut network.server.pool);
        unserved(network)
    };
    assert_eq!(unserved(&mut network), 100, "connections with data");
    assert_eq!(run(&mut network), 36, "connections with data after one run");
    assert!(network.server.machine.user.deadline().is_some_and(|due| due <= network.now));
    assert_eq!(run(&mut network), 0, "connections with data after two runs");
}

#[test]
fn one_listener_serves_all_hosts_of_range() {
    let config = HostConfig::range("10.1.0.0/16".parse().unwrap(), MacAddr::new([2, 0, 0, 0, 0, 2]));
    let mut network = Network::of(&config, "10.2.0.1/14");
    network.serve_tcp(ServiceKind::Echo, 7);
    for address in [[10, 1, 0, 0], [10, 1, 77, 7], [10, 1, 255, 255]] {
        let id = network.connect((address.into(), 7));
        network.settle();
        assert_eq!(network.exchange(id, &address), (address.to_vec(), true));
        network.check_closed(id);
    }
    assert_eq!(network.server.machine.host.sockets().count(), 1, "sockets of the host");
}

// proves: services-no-allocation
#[test]
fn data_of_connection_allocates_nothing() {
    let mut network = Network::new();
    network.serve_tcp(ServiceKind::Echo, 7);
    let id = network.connect((HOST, 7));
    network.settle();
    let data = bytes(1_000);
    let mut buffer = vec![0; 2_000];
    let mut round = |network: &mut Network| {
        assert_eq!(network.write(id, &data), data.len());
        network.settle();
        let Node { machine, pool, .. } = &mut network.client;
        let read = machine.read_tcp(network.now, id, &mut buffer, pool);
        assert_eq!(read.unwrap(), TcpRead::Data(data.len()));
        network.now = network.now + Duration::from_millis(1);
    };
    for _ in 0..100 {
        round(&mut network);
    }
    let allocated = allocation_counter::measure(|| {
        for _ in 0..1_000 {
            round(&mut network);
        }
    });
    assert_eq!(allocated.count_total, 0, "allocations of 1,000 requests");
}
