//! The contenders. [`all`] lists them.

use tap::linux::{InterfaceName, Io, Tap};

use crate::engine::Engine;
use crate::gso_blaster::GsoBlaster;
use crate::kernel_engine::KernelEcho;
use crate::kernel_tcp::KernelServer;
use crate::load::Load;
use crate::smoltcp_engine::{BatchedSmoltcp, SmoltcpEngine};
use crate::swap::Swap;
use crate::tapstack_engine::{NaiveEngine, Population, TEN_NEIGHBORS, TapstackEngine};
use crate::traffic::{AddressRange, RequestKind, Traffic};

/// A program or kernel that replies to requests.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    kind: ContenderKind,
    population: Population,
}

/// Creates an engine on a new interface of this name for this load.
type MakeEngine = fn(&InterfaceName, &Population, Load) -> Result<Box<dyn Engine>, String>;

#[derive(Clone, Debug)]
enum ContenderKind {
    /// A program on a TAP.
    Engine(MakeEngine),
    /// The kernel at the other end of a veth pair.
    Kernel,
}

/// tapstack's host in a loop with one blocking read and one write.
pub(crate) const NAIVE: &str = "naive";
/// The lower bound: a swap of bytes.
pub(crate) const SWAP: &str = "swap";
/// The lower bound of bulk data with segmentation offload. Measured with `tcp-send` only.
pub(crate) const GSO_BLASTER: &str = "gso-blaster";
pub(crate) const KERNEL: &str = "kernel";
/// The kernel without segmentation offload. Measured with bulk transfers only.
pub(crate) const PLAIN_KERNEL: &str = "kernel-plain";
pub(crate) const LOCAL: &str = "tapstack";
/// The lower bound over io_uring.
pub(crate) const SWAP_RING: &str = "swap-ring";
/// tapstack's host with checksum and segmentation offload.
pub(crate) const OFFLOAD: &str = "tapstack-offload";
/// tapstack's host over io_uring.
pub(crate) const RING: &str = "tapstack-ring";
pub(crate) const SMOLTCP: &str = "smoltcp";
/// smoltcp over the batches of tapstack.
pub(crate) const BATCHED_SMOLTCP: &str = "smoltcp-best";
/// tapstack's host with many local addresses. Measured in drain mode only.
pub(crate) const MANY_HOSTS: &str = "tapstack-hosts";
/// tapstack's host with many neighbors. Measured in drain mode only.
pub(crate) const MANY_NEIGHBORS: &str = "tapstack-table";
/// tapstack's host with many requesters. Measured in drain mode only.
pub(crate) const MANY_REQUESTERS: &str = "tapstack-requesters";

/// Returns all contenders. `hosts` and `neighbors` are the populations of the contenders with many hosts or neighbors.
pub(crate) fn all(hosts: AddressRange, neighbors: AddressRange) -> Vec<Contender> {
    let engine = |name, about, make| Contender {
        name,
        about,
        kind: ContenderKind::Engine(make),
        population: TEN_NEIGHBORS,
    };
    let local: MakeEngine = |name, population, _| Ok(Box::new(TapstackEngine::over(tap(name)?, population)?));
    vec![
        engine(LOCAL, "the host of tapstack as `tapstack host --serve echo --io read-write` polls it", local),
        engine(
            RING,
            "the host of tapstack as `tapstack host --serve echo --io ring` polls it",
            |name, population, _| {
                Ok(Box::new(TapstackEngine::over(tap_with_io(Io::Ring, name)?, population)?))
            },
        ),
        engine(
            "tapstack-auto",
            "the host of tapstack as `tapstack host --serve echo --io auto` polls it",
            |name, population, _| {
                Ok(Box::new(TapstackEngine::over(tap_with_io(Io::Auto, name)?, population)?))
            },
        ),
        engine(
            OFFLOAD,
            "the host of tapstack as `tapstack host --serve echo` polls it: with checksum and segmentation offload",
            |name, population, _| {
                Ok(Box::new(TapstackEngine::over(tap_with_io(Io::Offload, name)?, population)?))
            },
        ),
        engine(
            NAIVE,
            "the host of tapstack in a naive loop: one blocking read, one write",
            |name, population, _| Ok(Box::new(NaiveEngine::over(tap(name)?, population)?)),
        ),
        engine(SWAP, "lower bound: a hard-coded swap of bytes over the same I/O", |name, _, _| {
            Ok(Box::new(Swap::over(tap(name)?)))
        }),
        engine(SWAP_RING, "lower bound over io_uring: the same swap of bytes", |name, _, _| {
            Ok(Box::new(Swap::over(tap_with_io(Io::Ring, name)?)))
        }),
        engine(
            GSO_BLASTER,
            "lower bound of sending: frames with 44 TCP segments, without a copy of the data",
            |name, _, _| Ok(Box::new(GsoBlaster::over(tap_with_io(Io::Offload, name)?))),
        ),
        engine(
            SMOLTCP,
            "smoltcp 0.14 over its own TAP device, polled until no frame is queued",
            |name, _, load| Ok(Box::new(SmoltcpEngine::over(tap(name)?, load)?)),
        ),
        engine(BATCHED_SMOLTCP, "smoltcp 0.14 over the batches and pool of tapstack", |name, _, load| {
            Ok(Box::new(BatchedSmoltcp::over(tap(name)?, load)))
        }),
        Contender {
            kind: ContenderKind::Kernel,
            ..engine(
                KERNEL,
                "the Linux kernel over a veth pair; a thread echoes UDP datagrams and serves TCP",
                local,
            )
        },
        Contender {
            kind: ContenderKind::Kernel,
            ..engine(
                PLAIN_KERNEL,
                "the Linux kernel over a veth pair, with each TCP segment in its own frame",
                local,
            )
        },
        Contender {
            population: Population { hosts: Some(hosts), ..TEN_NEIGHBORS },
            ..engine(
                MANY_HOSTS,
                "the host of tapstack with many addresses, which are requested in rotation",
                local,
            )
        },
        Contender {
            population: Population { neighbors, ..TEN_NEIGHBORS },
            ..engine(
                MANY_NEIGHBORS,
                "the host of tapstack with many neighbors, of which one sends requests",
                local,
            )
        },
        Contender {
            population: Population { neighbors, ..TEN_NEIGHBORS },
            ..engine(
                MANY_REQUESTERS,
                "the host of tapstack with many neighbors, of which up to 65,536 send requests in rotation",
                local,
            )
        },
    ]
}

impl Contender {
    /// Returns whether this contender is the kernel, not an engine of this process.
    pub(crate) fn is_kernel(&self) -> bool {
        matches!(self.kind, ContenderKind::Kernel)
    }

    /// Returns whether the link of the kernel carries several TCP segments in one frame.
    pub(crate) fn has_segmentation(&self) -> bool {
        self.name != PLAIN_KERNEL
    }

    /// Returns whether this contender leaves checksums to its network card.
    pub(crate) fn has_partial_checksums(&self) -> bool {
        self.is_kernel() || self.name == OFFLOAD
    }

    /// Returns whether an engine of this process replies to this load.
    pub(crate) fn has_engine(&self, load: Load) -> bool {
        !self.is_kernel() || !matches!(load, Load::Arp | Load::Ping)
    }

    /// Returns whether this contender can do the work of a load.
    pub(crate) fn supports(&self, load: Load) -> bool {
        let is_single_frame = load.request().is_some() || load == Load::TcpAccept;
        match self.name {
            SWAP | SWAP_RING | NAIVE => is_single_frame,
            GSO_BLASTER => load == Load::TcpSend,
            PLAIN_KERNEL => matches!(load, Load::TcpSend | Load::TcpReceive),
            MANY_HOSTS | MANY_NEIGHBORS | MANY_REQUESTERS => load.request().is_some(),
            // A listening socket of smoltcp takes one connection.
            SMOLTCP | BATCHED_SMOLTCP => load != Load::TcpFlood,
            _ => true,
        }
    }

    /// Returns whether this contender measures the cost of a population.
    pub(crate) fn has_population(&self) -> bool {
        [MANY_HOSTS, MANY_NEIGHBORS, MANY_REQUESTERS].contains(&self.name)
    }

    /// Returns the requests to send to this contender.
    pub(crate) fn traffic(&self, kind: RequestKind) -> Traffic {
        let mut traffic = Traffic::plain(kind);
        if let Some(hosts) = self.population.hosts {
            traffic.responders = hosts;
        }
        if self.name == MANY_REQUESTERS {
            traffic.requesters = self.population.neighbors;
        }
        traffic
    }

    /// Creates the engine for this load in the current network namespace, on a new interface of this name. The kernel needs
    /// an engine for UDP and TCP only, which uses sockets instead of the interface.
    pub(crate) fn engine(&self, name: &InterfaceName, load: Load) -> Result<Option<Box<dyn Engine>>, String> {
        match &self.kind {
            ContenderKind::Engine(make) => make(name, &self.population, load).map(Some),
            ContenderKind::Kernel => match load {
                Load::Arp | Load::Ping => Ok(None),
                Load::Udp => Ok(Some(Box::new(KernelEcho::new()?))),
                Load::TcpAccept | Load::TcpSend | Load::TcpReceive | Load::TcpRequest | Load::TcpFlood => {
                    Ok(Some(Box::new(KernelServer::new(load)?)))
                }
            },
        }
    }
}

/// Creates a TAP and sets it up.
fn tap(name: &InterfaceName) -> Result<Tap, String> {
    tap_with_io(Io::ReadWrite, name)
}

/// Creates a TAP with this I/O method and sets it up.
fn tap_with_io(io: Io, name: &InterfaceName) -> Result<Tap, String> {
    let tap = Tap::options().io(io).open(name.as_str()).map_err(|error| error.to_string())?;
    tap.interface().set_up(true).map_err(|error| error.to_string())?;
    Ok(tap)
}
