//! Who is measured. A new one takes one line in [`all`].

use tap::linux::{InterfaceName, Io, Tap};

use crate::engine::Engine;
use crate::smoltcp_engine::{BatchedSmoltcp, SmoltcpEngine};
use crate::swap::Swap;
use crate::tapstack_engine::{NaiveEngine, Population, TEN_NEIGHBORS, TapstackEngine};
use crate::traffic::{AddressRange, Load, Traffic};

/// Somebody who answers.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    kind: ContenderKind,
    population: Population,
}

/// Makes an engine on a new interface of this name.
type MakeEngine = fn(&InterfaceName, &Population) -> Result<Box<dyn Engine>, String>;

#[derive(Clone, Copy, Debug)]
enum ContenderKind {
    /// A program on a TAP.
    Engine(MakeEngine),
    /// The kernel at the other end of a veth pair.
    Kernel,
}

/// Ours, in the plain loop that our speed is told against.
pub(crate) const NAIVE: &str = "naive";
/// The floor.
pub(crate) const SWAP: &str = "swap";
pub(crate) const KERNEL: &str = "kernel";
pub(crate) const LOCAL: &str = "tapstack";
/// The floor over a ring.
pub(crate) const SWAP_RING: &str = "swap-ring";
/// Ours over a ring.
pub(crate) const RING: &str = "tapstack-ring";
pub(crate) const SMOLTCP: &str = "smoltcp";
/// Ours with many hosts, with many neighbors, and with many who ask: only where that is the question.
pub(crate) const MANY_HOSTS: &str = "tapstack-hosts";
pub(crate) const MANY_NEIGHBORS: &str = "tapstack-table";
pub(crate) const MANY_REQUESTERS: &str = "tapstack-askers";

/// All who may be measured, ours with as many hosts and neighbors as these.
pub(crate) fn all(hosts: AddressRange, neighbors: AddressRange) -> Vec<Contender> {
    let engine = |name, about, make| Contender {
        name,
        about,
        kind: ContenderKind::Engine(make),
        population: TEN_NEIGHBORS,
    };
    let ours: MakeEngine = |name, population| Ok(Box::new(TapstackEngine::over(tap(name)?, population)?));
    vec![
        engine(LOCAL, "our host as `tapstack host --io read-write` drives it", ours),
        engine(RING, "the same with --io ring", |name, population| {
            Ok(Box::new(TapstackEngine::over(tap_with_io(Io::Ring, name)?, population)?))
        }),
        engine("tapstack-auto", "the same with --io auto", |name, population| {
            Ok(Box::new(TapstackEngine::over(tap_with_io(Io::Auto, name)?, population)?))
        }),
        engine(NAIVE, "our host in a naive loop: one blocking read, one write", |name, population| {
            Ok(Box::new(NaiveEngine::over(tap(name)?, population)?))
        }),
        engine(SWAP, "the floor: a hard-coded swap of octets over the same I/O as ours", |name, _| {
            Ok(Box::new(Swap::over(tap(name)?)))
        }),
        engine(SWAP_RING, "the floor by io_uring", |name, _| {
            Ok(Box::new(Swap::over(tap_with_io(Io::Ring, name)?)))
        }),
        engine(SMOLTCP, "smoltcp 0.14 over its own TAP device, polled until dry", |name, _| {
            Ok(Box::new(SmoltcpEngine::over(tap(name)?)?))
        }),
        engine("smoltcp-best", "smoltcp 0.14 over our batches and pool", |name, _| {
            Ok(Box::new(BatchedSmoltcp::over(tap(name)?)))
        }),
        Contender {
            kind: ContenderKind::Kernel,
            ..engine(KERNEL, "the kernel itself over a veth pair", ours)
        },
        Contender {
            population: Population { hosts: Some(hosts), ..TEN_NEIGHBORS },
            ..engine(MANY_HOSTS, "our host with many addresses, each asked in turn", ours)
        },
        Contender {
            population: Population { neighbors, ..TEN_NEIGHBORS },
            ..engine(MANY_NEIGHBORS, "our host with many neighbours, one of whom asks", ours)
        },
        Contender {
            population: Population { neighbors, ..TEN_NEIGHBORS },
            ..engine(MANY_REQUESTERS, "our host with many neighbours, up to 65,536 of whom ask in turn", ours)
        },
    ]
}

impl Contender {
    /// Whether the kernel answers, not a program of this process.
    pub(crate) fn is_kernel(&self) -> bool {
        matches!(self.kind, ContenderKind::Kernel)
    }

    /// Whether it is there for the cost of a population only.
    pub(crate) fn has_population(&self) -> bool {
        [MANY_HOSTS, MANY_NEIGHBORS, MANY_REQUESTERS].contains(&self.name)
    }

    /// What is asked of it.
    pub(crate) fn traffic(&self, load: Load) -> Traffic {
        let mut traffic = Traffic::plain(load);
        if let Some(hosts) = self.population.hosts {
            traffic.responders = hosts;
        }
        if self.name == MANY_REQUESTERS {
            traffic.requesters = self.population.neighbors;
        }
        traffic
    }

    /// Makes its engine on a new interface of this name; the kernel needs none.
    pub(crate) fn engine(&self, name: &InterfaceName) -> Result<Option<Box<dyn Engine>>, String> {
        match self.kind {
            ContenderKind::Engine(make) => make(name, &self.population).map(Some),
            ContenderKind::Kernel => Ok(None),
        }
    }
}

/// A new TAP of this name, up.
fn tap(name: &InterfaceName) -> Result<Tap, String> {
    tap_with_io(Io::ReadWrite, name)
}

/// The same, with frames carried this way.
fn tap_with_io(io: Io, name: &InterfaceName) -> Result<Tap, String> {
    let tap = Tap::options().io(io).open(name.as_str()).map_err(|error| error.to_string())?;
    tap.interface().set_up(true).map_err(|error| error.to_string())?;
    Ok(tap)
}
