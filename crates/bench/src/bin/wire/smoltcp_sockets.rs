//! The sockets of smoltcp: those of one load, and the services on them.

use std::time::Duration;

use smoltcp::iface::{Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet};
use smoltcp::phy;
use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;

use crate::kernel_tcp::port;
use crate::load::Load;
use crate::measure::CONNECTIONS;
use crate::pattern::{BURST, Pattern};
use crate::traffic::ECHO_PORT;

/// Maximum number of frames per poll, as in tapstack's host.
const BATCH: usize = tap::Exchange::BATCH;
/// Maximum length of the data of a UDP datagram, in bytes.
const MAX_DATA: usize = 128;
/// Size of each buffer of a TCP connection with bulk data.
const STREAM_BUFFER: usize = 1 << 20;
/// Size of each buffer of a TCP connection without data.
const SMALL_BUFFER: usize = 4_096;

/// The sockets, and the services on them.
pub(crate) struct Sockets {
    set: SocketSet<'static>,
    handles: Vec<SocketHandle>,
    load: Load,
    pattern: Pattern,
    /// Position in the stream of chargen.
    position: usize,
}

impl Sockets {
    /// Creates the sockets of a load. A listening socket of smoltcp takes one connection, so there is one for each
    /// connection at the same time.
    pub(crate) fn new(load: Load) -> Sockets {
        let mut set = SocketSet::new(Vec::new());
        let handles = match load {
            Load::Arp | Load::Ping => Vec::new(),
            Load::Udp => vec![set.add(udp_socket())],
            Load::TcpAccept => (0..CONNECTIONS).map(|_| set.add(tcp_socket(SMALL_BUFFER))).collect(),
            Load::TcpSend | Load::TcpReceive | Load::TcpRequest | Load::TcpFlood => {
                vec![set.add(tcp_socket(STREAM_BUFFER))]
            }
        };
        let mut sockets = Sockets { set, handles, load, pattern: Pattern::new(), position: 0 };
        sockets.serve();
        sockets
    }

    /// Receives up to [`BATCH`] frames, serves the sockets and sends. Returns the number of received frames. The function
    /// works like `Interface::poll`, with the services between both halves.
    pub(crate) fn poll(
        &mut self,
        interface: &mut Interface,
        device: &mut (impl phy::Device + ?Sized),
    ) -> usize {
        let now = Instant::now();
        interface.poll_maintenance(now);
        let mut arrived = 0;
        while arrived < BATCH
            && interface.poll_ingress_single(now, device, &mut self.set) != PollIngressSingleResult::None
        {
            arrived += 1;
        }
        self.serve();
        while interface.poll_egress(now, device, &mut self.set) != PollResult::None {}
        arrived
    }

    /// Returns the time until the next timer.
    pub(crate) fn deadline(&self, interface: &mut Interface) -> Option<Duration> {
        interface.poll_delay(Instant::now(), &self.set).map(Duration::from)
    }

    fn serve(&mut self) {
        let Sockets { set, handles, load, pattern, position } = self;
        for handle in handles {
            if *load == Load::Udp {
                echo_datagrams(set.get_mut::<udp::Socket<'_>>(*handle));
                continue;
            }
            let socket = set.get_mut::<tcp::Socket<'_>>(*handle);
            if !socket.is_open() {
                // The call succeeds, because the port is not zero and the socket is closed.
                let _ = socket.listen(port(*load));
                *position = 0;
            }
            match load {
                Load::TcpSend => send(socket, pattern, position),
                Load::TcpRequest | Load::TcpFlood => echo(socket),
                _ => discard(socket),
            }
            if socket.state() == tcp::State::CloseWait {
                socket.close();
            }
        }
    }
}

fn udp_socket() -> udp::Socket<'static> {
    let buffer =
        || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; BATCH], vec![0; BATCH * MAX_DATA]);
    let mut socket = udp::Socket::new(buffer(), buffer());
    // The call succeeds, because the port is not zero and the socket is new.
    let _ = socket.bind(ECHO_PORT);
    socket
}

fn tcp_socket(buffer: usize) -> tcp::Socket<'static> {
    tcp::Socket::new(tcp::SocketBuffer::new(vec![0; buffer]), tcp::SocketBuffer::new(vec![0; buffer]))
}

/// Moves received datagrams to the transmit buffer. The socket lends one buffer at a time, so the data is copied twice.
fn echo_datagrams(socket: &mut udp::Socket<'_>) {
    let mut data = [0; MAX_DATA];
    while let Ok((length, peer)) = socket.recv_slice(&mut data) {
        // The transmit buffer is as large as the receive buffer, and the bench counts missing replies.
        let _ = socket.send_slice(&data[..length], peer);
    }
}

/// Fills the transmit buffer with the stream of chargen.
fn send(socket: &mut tcp::Socket<'_>, pattern: &Pattern, position: &mut usize) {
    while socket.can_send() {
        let sent = socket.send_slice(pattern.at(*position)).unwrap_or(0);
        *position += sent;
        if sent < BURST {
            break;
        }
    }
}

/// Discards received data, without a copy.
fn discard(socket: &mut tcp::Socket<'_>) {
    while socket.can_recv() && socket.recv(|data| (data.len(), ())).is_ok() {}
}

/// Moves received data to the transmit buffer, which is as large as the receive buffer.
fn echo(socket: &mut tcp::Socket<'_>) {
    let mut data = [0; 2_048];
    while socket.can_recv() && socket.can_send() {
        let length = socket.recv_slice(&mut data).unwrap_or(0);
        let _ = socket.send_slice(&data[..length]);
    }
}
