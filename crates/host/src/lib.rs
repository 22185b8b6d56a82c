//! A host: the protocol layers combined, on one or more network devices.
//!
//! [`Host`] answers ARP requests and pings, resolves neighbors, defends its addresses, and rejects other datagrams with
//! ICMP errors. It is a state machine without a clock: a [`tap::Device`] receives and transmits the frames, and each
//! call takes the current time. In this example, a host pings a second host over a cable:
//!
//! ```
//! use host::{EchoBind, EchoRequest, Host, HostConfig};
//! use link::MacAddr;
//! use tap::linux::Cable;
//! use tap::{Exchange, Instant, Pool, PortId};
//!
//! let now = Instant::ORIGIN;
//! let config = HostConfig::new("10.0.0.1/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 1]));
//! let mut host = Host::new(now, &config)?;
//! let config = HostConfig::new("10.0.0.2/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 2]));
//! let mut peer = Host::new(now, &config)?;
//! let (mut near, mut far) = Cable::pair(1_500)?;
//! let mut pool = Pool::new(1_500, host.pool_size() + peer.pool_size());
//!
//! let socket = host.bind_echo(&EchoBind::default())?;
//! host.send_echo(now, socket, &EchoRequest::new([10, 0, 0, 2].into(), 1), b"data", &mut pool)?;
//! let mut exchange = Exchange::new(PortId::default());
//! let mut peer_exchange = Exchange::new(PortId::default());
//! for _ in 0..3 {
//!     exchange.turn(now, &mut host, &mut near, &mut pool, &mut ())?;
//!     peer_exchange.turn(now, &mut peer, &mut far, &mut pool, &mut ())?;
//! }
//! let reply = host.receive_echo(socket).ok_or("no reply")?;
//! assert_eq!((reply.sequence, reply.frame.bytes()), (1, &b"data"[..]));
//! pool.give(reply.frame);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Order of calls
//!
//! 1. [`Host::new`], then [`Host::add`] and [`Host::add_route`] as needed. [`HostConfig::port`] and [`HostConfig::vlan`]
//!    select the [`HostInterface`]. A [`Pool`](tap::Pool) of [`Host::pool_size`] frames never runs out.
//! 2. [`Exchange::device_event`](tap::Exchange::device_event), if the device reports the state of its link: at the start
//!    and for each change.
//! 3. [`Exchange::turn`](tap::Exchange::turn) for each device. It receives, handles and transmits frames, and runs the
//!    timers that are due.
//! 4. [`Host::take_event`] until it returns `None`, after each turn. If events stay in a full queue, further events
//!    are lost and counted.
//! 5. If [`Turn::poll_again`](tap::Turn::poll_again) is set, continue with step 3 without waiting. Otherwise, wait until
//!    the device has frames or until the deadline of the host. If [`Turn::tx_blocked`](tap::Turn::tx_blocked) is set,
//!    wait until the device has frames or accepts frames, and ignore the deadline. Continue with step 3.
//!
//! `runtime::Driver` performs these steps for the devices of Linux. [`Host::send`], the calls of sockets and changes of the
//! configuration are allowed between any two of these calls.
//!
//! # Congestion
//!
//! Packets wait in the host until the device accepts them. A turn takes up to 64 frames, in this order: ARP requests
//! and probes, replies and ICMP errors, packets with a next hop that was just resolved, the packets of [`Host::send`],
//! the datagrams of sockets, and TCP segments. The ARP requests and probes of a port take at most a quarter of a batch,
//! and replies leave a quarter to the packets behind them. A datagram that is longer than the MTU is fragmented as the
//! device accepts it, so the number of fragments has no limit.
//!
//! The packets of [`Host::send`] wait in a queue of [`Host::DATA_QUEUE`] packets. The datagrams of a socket join this
//! queue while the queue has less than a batch of packets, and otherwise wait in the send buffer of the socket. The data
//! of a TCP connection waits in its connection. Waiting packets and data stop neither receiving nor replies.
//! While the queue of replies has no capacity for the replies to a batch of received frames, received frames stay in
//! the kernel. A packet to an unresolved neighbor is pending in the neighbor table, which has bounds of its own
//! ([`HostConfig::table`]). A packet that exceeds a bound is dropped and counted ([`Host::counters`]).
//!
//! # Sockets
//!
//! [`Host::bind_udp`] creates a UDP socket for all local addresses, for a network or for one address.
//! [`Host::bind_echo`] creates a socket for echo requests (ping). Such a socket has a receive buffer and a send buffer,
//! which are limited by the capacity of their frames. [`Host::listen_tcp`] creates a TCP listener, and
//! [`Host::connect_tcp`] opens a TCP connection.
//!
//! 1. After each turn, call [`Host::poll_ready`] until it returns `None`, and [`Host::receive_udp`] and
//!    [`Host::take_socket_error`] of each returned socket.
//! 2. Accept the connections of a returned listener with [`Host::accept_tcp`]. Read from a returned connection with
//!    [`Host::read_tcp`], and read its state with [`Host::tcp_status`].
//! 3. Send with [`Host::send_udp`] or [`Host::write_tcp`], or send a received frame with [`Host::reply_udp`] without a copy.
//! 4. Take the next turn of each device. It transmits the datagrams and segments.
//!
//! [`HostWith`] is a machine that performs the steps 1 to 3 in its turns, before the host transmits.
//!
//! `examples/udp_echo.rs` is a UDP echo server on a TAP of Linux, and `examples/tcp_echo.rs` is a TCP echo server.
//!
//! # An event loop
//!
//! `examples/answer.rs` is a host on a TAP of Linux:
//!
//! ```no_run
#![doc = include_str!("../examples/answer.rs")]
//! ```
//!
//! # Non-features
//!
//! The host does not wait, read a clock, start threads or print. A [`tap::Tracer`] observes the frames of a host. The
//! host receives no multicast datagrams, and rejects protocols except ICMP, UDP and TCP with protocol unreachable. It
//! does not forward datagrams. The crate `sim` simulates hosts on a network segment with a
//! virtual clock.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../../../docs/device.md")]
struct DevicePage;

mod config;
mod counters;
mod echo_socket;
mod egress;
mod event;
mod gateways;
mod host;
mod host_with;
mod icmp_input;
mod ingress;
mod interface;
mod interfaces;
mod ipv4_input;
mod outcome;
mod output;
mod path_cache;
mod quoted_segment;
mod reply;
mod socket_calls;
mod socket_failure;
mod sockets;
mod tcp_input;
mod tcp_output;
mod tcp_socket;
mod tx_queue;
mod udp_input;
mod udp_socket;

pub use self::config::{HostConfig, HostConfigError, HostSet};
pub use self::counters::Counter;
pub use self::echo_socket::{EchoBind, EchoReply, EchoRequest};
pub use self::event::HostEvent;
pub use self::host::Host;
pub use self::host_with::{HostWith, SocketUser};
pub use self::interface::{HostInterface, PendingPacket};
pub use self::outcome::{DatagramOutcome, DropReason, FrameOutcome, SendOutcome, TxDropReason};
pub use self::sockets::{
    DatagramSocketKind, SocketDropReason, SocketError, SocketFailure, SocketId, SocketInfo, SocketKind,
    SocketLimits, TcpBacklog,
};
pub use self::tcp_socket::{AcceptedTcp, TcpConnect, TcpListen, TcpRead, TcpSocketInfo};
pub use self::udp_socket::{Fragmentation, ReceivedUdp, UdpBind, UdpMessage};
pub use tcp::{
    BufferSize, CloseReason as TcpCloseReason, CongestionControl, Ecn, KeepAlive, PathProblem,
    Setting as TcpSetting, State as TcpState, Status as TcpStatus, TcpInfo, TcpLimits, TcpSettings,
    TcpTotals,
};
