//! The services on TCP: listeners, connections, and their turns.

use std::collections::VecDeque;
use std::time::Duration;

use base::list::index;
use base::{Links, List, Place, PlaceIndex};
use host::{Counter, Host, SocketError, SocketId, TcpListen, TcpSettings};
use ipnet::IpNet;
use tap::{Instant, Pool};

use crate::http::HttpConnection;
use crate::kind::ServiceKind;
use crate::service::{Protocol, Service};
use crate::status_page::StatusPage;
use crate::texts::Texts;
use crate::udp::UdpServices;

mod program;

pub use self::program::Site;
use self::program::{Next, Program, Turn};

/// The services on TCP.
#[derive(Debug)]
pub(crate) struct TcpServices {
    /// Settings of the connections of further listeners.
    pub(crate) settings: TcpSettings,
    listeners: Vec<Listener>,
    slots: Vec<Slot>,
    /// Places without a connection.
    free: Vec<Place>,
    index: PlaceIndex,
    /// The listeners and connections that can continue, each once.
    ready: VecDeque<Ready>,
    /// The connections by the time of their last progress: of HTTP and ending connections, and of the others.
    idle: [List; 2],
    buffer: Box<[u8]>,
    requests: u64,
    errors: u64,
    timed_out: u64,
    failed: u64,
    truncated: u64,
}

/// What the services on TCP share with other services.
#[derive(Debug)]
pub(crate) struct Shared<'a> {
    pub(crate) texts: &'a Texts,
    pub(crate) status_page: &'a mut StatusPage,
    pub(crate) udp: &'a UdpServices,
}

/// A listener of a service.
#[derive(Debug)]
struct Listener {
    socket: SocketId,
    /// The service, or `None` for HTTP.
    kind: Option<ServiceKind>,
    site: Option<Site>,
    addresses: IpNet,
    port: u16,
    accepted: u64,
    is_ready: bool,
}

/// A place for a connection.
#[derive(Debug)]
struct Slot {
    connection: Option<Connection>,
    idle: Links,
}

/// A connection.
#[derive(Debug)]
struct Connection {
    socket: SocketId,
    listener: usize,
    program: Program,
    /// Time of the last progress.
    moved_at: Instant,
    is_ready: bool,
}

/// A listener or a connection that can continue.
#[derive(Clone, Copy, Debug)]
enum Ready {
    Listener(usize),
    /// The connection may have ended since.
    Connection(SocketId),
}

impl TcpServices {
    /// Maximum number of connections.
    const CONNECTIONS: usize = 65_536;
    /// Maximum number of listeners and connections that one [`TcpServices::run`] continues.
    const BATCH: usize = 64;
    /// Maximum number of connections that a listener accepts before the next listener or connection continues.
    const ACCEPTS: usize = 16;
    /// Maximum number of bytes that a connection moves before the next one continues.
    const BURST: usize = 65_536;
    /// Time without progress after which an HTTP connection, or a connection that has sent everything, is closed.
    const SHORT: Duration = Duration::from_mins(1);
    /// Time without progress after which another connection is closed.
    const LONG: Duration = Duration::from_mins(10);
    /// The time limits of the lists in `idle`.
    const LIMITS: [Duration; 2] = [Self::SHORT, Self::LONG];

    /// Creates the services without a service.
    pub(crate) fn new(seed: u64) -> TcpServices {
        TcpServices {
            settings: TcpSettings::default(),
            listeners: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            index: PlaceIndex::new(Self::CONNECTIONS, seed),
            ready: VecDeque::new(),
            idle: [List::EMPTY; 2],
            buffer: Box::default(),
            requests: 0,
            errors: 0,
            timed_out: 0,
            failed: 0,
            truncated: 0,
        }
    }

    /// Starts a service on a port of all local addresses in `addresses`, with one listener of the host. Without a kind,
    /// the service is HTTP.
    pub(crate) fn add(
        &mut self,
        host: &mut Host,
        (kind, site): (Option<ServiceKind>, Option<Site>),
        addresses: IpNet,
        port: u16,
    ) -> Result<(), SocketError> {
        let settings = self.settings;
        let listen = TcpListen { addresses, port: Some(port), settings, ..TcpListen::default() };
        let socket = host.listen_tcp(&listen)?;
        self.buffer = vec![0; Self::BURST].into_boxed_slice();
        self.listeners.push(Listener { socket, kind, site, addresses, port, accepted: 0, is_ready: false });
        Ok(())
    }

    /// Returns the services, in the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Service> {
        self.listeners.iter().map(|listener| Service {
            name: listener.kind.map_or("http", ServiceKind::name),
            protocol: Protocol::Tcp,
            addresses: listener.addresses,
            port: listener.port,
        })
    }

    /// Notes that a socket can continue. Returns whether the socket belongs to a service.
    pub(crate) fn mark_ready(&mut self, id: SocketId) -> bool {
        if let Some(place) = self.find(id) {
            if let Some(connection) = self.connection_mut(place)
                && !std::mem::replace(&mut connection.is_ready, true)
            {
                self.ready.push_back(Ready::Connection(id));
            }
            return true;
        }
        let found = self.listeners.iter().position(|listener| listener.socket == id);
        found.inspect(|position| self.mark_listener(*position)).is_some()
    }

    /// Returns whether a listener or a connection can continue.
    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Returns the time at which a connection is idle too long.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let first = |(list, limit): (&List, Duration)| {
            let slot = self.slots.get(index(list.first()?))?;
            Some(slot.connection.as_ref()?.moved_at + limit)
        };
        self.idle.iter().zip(Self::LIMITS).filter_map(first).min()
    }

    /// Continues the listeners and connections that can, up to [`TcpServices::BATCH`], and ends the connections that were
    /// idle too long.
    pub(crate) fn run(
        &mut self,
        now: Instant,
        (host, pool): (&mut Host, &mut Pool),
        shared: &mut Shared<'_>,
    ) {
        self.end_idle(now, host, pool);
        // spec: services-fair
        for _ in 0..Self::BATCH {
            match self.ready.pop_front() {
                None => break,
                Some(Ready::Listener(position)) => self.accept(now, position, host),
                Some(Ready::Connection(id)) => {
                    if let Some(place) = self.find(id) {
                        self.continue_connection(place, now, (host, pool), shared);
                    }
                }
            }
        }
    }

    /// Accepts connections of a listener.
    fn accept(&mut self, now: Instant, position: usize, host: &mut Host) {
        for _ in 0..Self::ACCEPTS {
            // Without a free place, connections wait in the backlog.
            let place = self.free.last().copied().or_else(|| {
                let is_free = self.slots.len() < Self::CONNECTIONS;
                Place::try_from(self.slots.len()).ok().filter(|_| is_free)
            });
            let Some(listener) = self.listeners.get_mut(position) else { return };
            let accepted = place.and_then(|place| Some((place, host.accept_tcp(listener.socket)?)));
            let Some((place, accepted)) = accepted else {
                listener.is_ready = false;
                return;
            };
            listener.accepted = listener.accepted.saturating_add(1);
            let program = match listener.kind {
                Some(kind) => Program::new(kind),
                None => Program::Http(Box::new(HttpConnection::new())),
            };
            if self.free.pop().is_none() {
                self.slots.push(Slot { connection: None, idle: Links::NONE });
            }
            if let Some(slot) = self.slots.get_mut(index(place)) {
                slot.connection = Some(Connection {
                    socket: accepted.socket,
                    listener: position,
                    program,
                    moved_at: now,
                    is_ready: true,
                });
            }
            let slots = &self.slots;
            self.index.insert(accepted.socket, place, |other| socket_at(slots, other));
            self.link(place);
            // A service may send first.
            self.ready.push_back(Ready::Connection(accepted.socket));
        }
        self.ready.push_back(Ready::Listener(position));
    }

    /// Continues the program of a connection.
    fn continue_connection(
        &mut self,
        place: Place,
        now: Instant,
        (host, pool): (&mut Host, &mut Pool),
        shared: &mut Shared<'_>,
    ) {
        self.write_status_page(place, now, host, shared);
        let TcpServices { slots, listeners, buffer, .. } = self;
        let Shared { texts, status_page, .. } = shared;
        let Some(connection) = slots.get_mut(index(place)).and_then(|slot| slot.connection.as_mut()) else {
            return;
        };
        let mut turn = Turn {
            now,
            host,
            pool,
            site: listeners.get_mut(connection.listener).and_then(|listener| listener.site.as_mut()),
            status_page: status_page.page(),
            texts: (texts.daytime(), texts.date()),
            pattern: texts.pattern(),
            buffer,
            left: Self::BURST,
            has_moved: false,
            requests: (0, 0),
        };
        let socket = connection.socket;
        let next = connection.program.run(socket, &mut turn);
        let (has_moved, (requests, errors)) = (turn.has_moved, turn.requests);
        self.requests = self.requests.saturating_add(requests);
        self.errors = self.errors.saturating_add(errors);
        if has_moved {
            self.touch(place, now);
        }
        match next {
            Ok(Next::More) => self.ready.push_back(Ready::Connection(socket)),
            Ok(Next::Waiting) => {
                if let Some(connection) = self.connection_mut(place) {
                    connection.is_ready = false;
                }
            }
            // spec: services-close
            Ok(Next::End) => match host.shutdown_tcp(now, socket) {
                Ok(()) => {
                    self.unlink(place);
                    if let Some(connection) = self.connection_mut(place) {
                        connection.program = Program::Ending;
                        connection.moved_at = now;
                    }
                    self.link(place);
                    self.ready.push_back(Ready::Connection(socket));
                }
                Err(_) => self.close(place, now, host, pool),
            },
            Ok(Next::Close) => self.close(place, now, host, pool),
            Ok(Next::Abort) => {
                self.truncated = self.truncated.saturating_add(1);
                host.abort_tcp(now, socket, pool);
                self.close(place, now, host, pool);
            }
            Err(_) => {
                self.failed = self.failed.saturating_add(1);
                self.close(place, now, host, pool);
            }
        }
    }

    /// Writes the status page, if a connection that serves it has received data.
    fn write_status_page(&self, place: Place, now: Instant, host: &Host, shared: &mut Shared<'_>) {
        let connection = self.slots.get(index(place)).and_then(|slot| slot.connection.as_ref());
        let Some(connection) = connection else { return };
        let listener = self.listeners.get(connection.listener);
        if listener.is_some_and(|listener| matches!(listener.site, Some(Site::Status)))
            && host.tcp_chunk(connection.socket).is_ok_and(|chunk| !chunk.is_empty())
        {
            let Shared { texts, status_page, udp } = shared;
            let counters = || [udp.counters(), self.counters()].concat();
            status_page.write(now, texts.date(), host, counters);
        }
    }

    /// Ends the connections that have made no progress for too long.
    // spec: services-idle
    fn end_idle(&mut self, now: Instant, host: &mut Host, pool: &mut Pool) {
        for (list, limit) in Self::LIMITS.into_iter().enumerate() {
            while let Some(place) = self.idle.get(list).and_then(|list| list.first())
                && let Some(connection) = self.connection_mut(place)
                && connection.moved_at + limit <= now
            {
                let socket = connection.socket;
                self.timed_out = self.timed_out.saturating_add(1);
                host.abort_tcp(now, socket, pool);
                self.close(place, now, host, pool);
            }
        }
    }

    /// Releases the place of a connection, and closes its socket.
    fn close(&mut self, place: Place, now: Instant, host: &mut Host, pool: &mut Pool) {
        self.unlink(place);
        let Some(slot) = self.slots.get_mut(index(place)) else { return };
        let Some(Connection { socket, .. }) = slot.connection.take() else { return };
        host.close(now, socket, pool);
        let slots = &self.slots;
        self.index.remove(socket, place, |other| socket_at(slots, other));
        if self.free.is_empty() && self.slots.len() >= Self::CONNECTIONS {
            // Connections wait in the backlogs.
            for position in 0..self.listeners.len() {
                self.mark_listener(position);
            }
        }
        self.free.push(place);
    }

    /// Notes that a listener can continue.
    fn mark_listener(&mut self, position: usize) {
        if let Some(listener) = self.listeners.get_mut(position)
            && !std::mem::replace(&mut listener.is_ready, true)
        {
            self.ready.push_back(Ready::Listener(position));
        }
    }

    /// Records progress of a connection.
    fn touch(&mut self, place: Place, now: Instant) {
        if let Some(connection) = self.connection_mut(place).filter(|connection| connection.moved_at != now) {
            connection.moved_at = now;
            self.unlink(place);
            self.link(place);
        }
    }

    /// Adds a connection that has just made progress to the list of its time limit.
    fn link(&mut self, place: Place) {
        if let Some(list) = self.list(place) {
            list.0.append(list.1, |slot| &mut slot.idle, place);
        }
    }

    fn unlink(&mut self, place: Place) {
        if let Some(list) = self.list(place) {
            list.0.unlink(list.1, |slot| &mut slot.idle, place);
        }
    }

    /// Returns the list that has a connection, and the slots.
    fn list(&mut self, place: Place) -> Option<(&mut List, &mut [Slot])> {
        let [short, long] = &mut self.idle;
        let connection = self.slots.get(index(place))?.connection.as_ref()?;
        let list = match connection.program {
            Program::Http(_) | Program::Ending => short,
            Program::Echo | Program::Discard | Program::Daytime(_) | Program::Chargen(_) => long,
        };
        Some((list, &mut self.slots))
    }

    /// Returns the number of connections.
    #[cfg(test)]
    pub(crate) fn connections(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    fn connection_mut(&mut self, place: Place) -> Option<&mut Connection> {
        self.slots.get_mut(index(place))?.connection.as_mut()
    }

    /// Returns the place of the connection with a socket.
    fn find(&self, id: SocketId) -> Option<Place> {
        self.index.find(id, |place| socket_at(&self.slots, place) == Some(id))
    }

    /// Returns the counters.
    pub(crate) fn counters(&self) -> Vec<Counter> {
        let event = |name, text, count| Counter { layer: "services", name, text, count, is_loss: false };
        let accepted = |kind| {
            let of_kind = self.listeners.iter().filter(|listener| listener.kind == kind);
            of_kind.map(|listener| listener.accepted).fold(0_u64, u64::saturating_add)
        };
        vec![
            event("echo_connections", "connections to echo", accepted(Some(ServiceKind::Echo))),
            event("discard_connections", "connections to discard", accepted(Some(ServiceKind::Discard))),
            event("daytime_connections", "connections to daytime", accepted(Some(ServiceKind::Daytime))),
            event("chargen_connections", "connections to chargen", accepted(Some(ServiceKind::Chargen))),
            event("http_connections", "connections to http", accepted(None)),
            event("http_requests", "HTTP requests", self.requests),
            event("http_errors", "HTTP responses with an error", self.errors),
            event("connections_failed", "connections ended by an error", self.failed),
            event("connections_timed_out", "connections ended: no progress in time", self.timed_out),
            event(
                "connections_truncated",
                "connections ended: content shorter than its length",
                self.truncated,
            ),
        ]
    }
}

/// Returns the socket of the connection at a place.
fn socket_at(slots: &[Slot], place: Place) -> Option<SocketId> {
    let connection = slots.get(index(place))?.connection.as_ref()?;
    Some(connection.socket)
}
