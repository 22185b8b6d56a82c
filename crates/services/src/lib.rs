//! Echo, discard, daytime and chargen (RFC 862, 863, 867 and 864) and HTTP on a host.
//!
//! [`Services`] serves UDP and TCP sockets of a [`Host`](host::Host). [`ServingHost`] is a host with its services: a
//! [`Machine`](tap::Machine) that transmits replies in the turn of their requests.
//!
//! ```
//! use std::time::Duration;
//!
//! use host::{Host, HostConfig};
//! use link::MacAddr;
//! use services::{ServiceKind, Services, ServingHost};
//! use tap::Instant;
//!
//! let config = HostConfig::range("10.1.0.0/16".parse()?, MacAddr::new([2, 0, 0, 0, 0, 1]));
//! let mut host = Host::new(Instant::ORIGIN, &config)?;
//! let mut services = Services::new(0x5eed, Duration::from_secs(1_795_943_287));
//! // One socket and one listener serve all 65,536 hosts.
//! services.add_udp(&mut host, ServiceKind::Echo, "0.0.0.0/0".parse()?, 7)?;
//! services.add_tcp(&mut host, ServiceKind::Echo, "0.0.0.0/0".parse()?, 7)?;
//! let machine = ServingHost { host, user: services };
//! # let _ = machine;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Order of calls
//!
//! 1. [`Services::add_udp`], [`Services::add_tcp`] or [`Services::add_http`] for each service.
//! 2. [`Exchange::turn`](tap::Exchange::turn) with a [`ServingHost`]. It calls [`run`](host::SocketUser::run) before the host
//!    transmits. A turn serves up to [`Services::BATCH`] datagrams and 64 connections, and the next turn follows
//!    immediately.
//!
//! # Bounds
//!
//! Received datagrams and replies wait in the queues of the sockets. If the send queue of a socket is full, its service
//! drops one reply in a turn, leaves further datagrams in the receive queue, and continues when the send queue has
//! capacity.
//!
//! No service replies to source port 0, to the port of a service of the same host that replies, or to the well-known port
//! of a service that replies to any datagram (7, 13, 17, 19 and 37). Otherwise, two services would answer each other
//! without end after one datagram with a forged source.
//! No service receives broadcasts.
//!
//! Up to 65,536 connections are served, and further connections wait in the backlog of their listener. A service takes
//! received data only when it can send or discard it, so that TCP slows down the client. A connection without progress is
//! reset after ten minutes. The limit is one minute for an HTTP connection, and for a connection that the service has
//! closed.
//!
//! # Non-features
//!
//! The services read no clock, because the time of their creation is an argument, and no file: [`http::Content`] supplies
//! the content of an HTTP server.
#![forbid(unsafe_code)]

mod chargen;
mod date_text;
pub mod http;
mod kind;
mod reason;
mod service;
mod services;
mod status_page;
mod tcp;
mod texts;
mod udp;

pub use self::kind::ServiceKind;
pub use self::reason::ReplyDropReason;
pub use self::service::{Protocol, Service};
pub use self::services::Services;
pub use self::tcp::Site;

/// A host with its services. All sockets of the host belong to the services.
pub type ServingHost = host::HostWith<Services>;
