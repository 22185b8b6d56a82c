//! Drain mode: queues requests or the segments of connections, then measures the time until all are processed, on one CPU.

use std::time::{Duration, Instant};

use bench::namespace::within;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::contender::Contender;
use crate::cpu::{ThreadClock, reads_and_writes};
use crate::engine::Engine;
use crate::generator::Generator;
use crate::handshakes::Handshakes;
use crate::load::Load;
use crate::network::BenchNetwork;
use crate::rounds::{Rounds, in_turn};
use crate::stats::{ns, number};
use crate::traffic::RequestKind;

/// Number of rounds and requests of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) rounds: Rounds,
    /// Requests or connections per round.
    pub(crate) fill: u16,
}

/// Results of one contender.
#[derive(Debug)]
pub(crate) struct DrainResult {
    pub(crate) contender: &'static str,
    /// Nanoseconds per reply for each round: wall-clock time and CPU time of the thread.
    pub(crate) ns: Vec<f64>,
    pub(crate) cpu_ns: Vec<f64>,
    /// Nanoseconds per exchange, including the sending of the request. Measured for the kernel only.
    pub(crate) total_ns: Vec<f64>,
    pub(crate) requests: usize,
    pub(crate) replies: usize,
    pub(crate) unexpected: u64,
    pub(crate) system_calls: Option<f64>,
}

struct DrainRun {
    is_kernel: bool,
    engine: Option<Box<dyn Engine>>,
    generator: Generator,
    /// The client of the load `tcp-accept`.
    handshakes: Option<Handshakes>,
    drained: DrainResult,
    /// Keeps the namespaces alive.
    _network: BenchNetwork,
}

/// Number of warm-up rounds, which are not measured.
const WARM_UP: usize = 3;

/// Runs each contender once per round.
pub(crate) fn run(contenders: &[Contender], load: Load, bounds: Bounds) -> Result<Vec<DrainResult>, String> {
    let lanes = contenders.iter().map(|contender| {
        DrainRun::open(contender, load).map_err(|error| format!("{}: {error}", contender.name))
    });
    let mut lanes = lanes.collect::<Result<Vec<_>, _>>()?;
    let round = |lanes: &mut [DrainRun], round: usize| {
        in_turn(lanes, round, |lane| {
            lane.round(bounds.fill).map_err(|error| format!("{}: {error}", lane.drained.contender))
        })
    };
    (0..WARM_UP).try_for_each(|number| round(&mut lanes, number))?;
    for lane in &mut lanes {
        lane.drained.forget();
    }
    bounds.rounds.repeat(|number| round(&mut lanes, number))?;
    lanes.into_iter().map(|lane| lane.finish(bounds.fill)).collect()
}

impl DrainRun {
    fn open(contender: &Contender, load: Load) -> Result<DrainRun, String> {
        let network = BenchNetwork::new(contender)?;
        let mut engine = within(&network.responder, || contender.engine(&network.interface, load))?;
        let mut generator =
            Generator::open(&network, &contender.traffic(load.request().unwrap_or(RequestKind::Arp)))?;
        generator.settle(|| match &mut engine {
            Some(engine) => discard_pending(engine.as_mut()),
            None => Ok(()),
        })?;
        let drained = DrainResult {
            contender: contender.name,
            ns: Vec::new(),
            cpu_ns: Vec::new(),
            total_ns: Vec::new(),
            requests: 0,
            replies: 0,
            unexpected: 0,
            system_calls: None,
        };
        let handshakes = load.request().is_none().then(|| Handshakes::new(contender.has_partial_checksums()));
        Ok(DrainRun {
            is_kernel: contender.is_kernel(),
            engine,
            generator,
            handshakes,
            drained,
            _network: network,
        })
    }

    fn round(&mut self, fill: u16) -> Result<(), String> {
        let count = usize::from(fill);
        match (&mut self.handshakes, &mut self.engine) {
            (Some(handshakes), Some(engine)) => {
                let is_kernel = self.is_kernel;
                self.generator
                    .ensure_known(|| if is_kernel { Ok(()) } else { discard_pending(engine.as_mut()) })?;
                let cost = handshakes.round(&mut self.generator, engine.as_mut(), is_kernel, fill)?;
                self.drained.note(cost.responder, count);
                self.drained.total_ns.extend(cost.total.map(|total| ns(total.0) / number(count)));
            }
            (_, Some(engine)) if !self.is_kernel => {
                self.generator.ensure_known(|| discard_pending(engine.as_mut()))?;
                self.generator.fill(count)?;
                let (cost, drained) = timed(|| engine.drain(count));
                drained?;
                self.drained.note(cost, count);
            }
            _ => self.kernel_round(count)?,
        }
        self.drained.requests += count;
        self.generator.collect()?;
        self.drained.replies += count;
        Ok(())
    }

    /// Measures the kernel. The kernel receives a request during the call that sends the request, and also replies
    /// during this call, except to UDP datagrams, which the engine echoes. The cost of a reply is the cost of a request
    /// and of the engine, minus the cost of a request to an absent station.
    fn kernel_round(&mut self, fill: usize) -> Result<(), String> {
        self.generator.ensure_known(|| Ok(()))?;
        let (unanswered, sent) = timed(|| self.generator.fill_unanswered(fill));
        sent?;
        let (total, replied) = timed(|| {
            self.generator.fill(fill)?;
            self.engine.as_mut().map_or(Ok(()), |engine| engine.drain(fill))
        });
        replied?;
        let cost = (total.0.saturating_sub(unanswered.0), total.1.saturating_sub(unanswered.1));
        self.drained.note(cost, fill);
        self.drained.total_ns.push(ns(total.0) / number(fill));
        Ok(())
    }

    /// Counts the system calls per reply to a request, outside the measured rounds because counting takes time. Returns the results.
    fn finish(mut self, fill: u16) -> Result<DrainResult, String> {
        let fill = usize::from(fill);
        if let (Some(engine), None) = (&mut self.engine, &self.handshakes) {
            self.generator.fill(fill)?;
            // If the kernel counts the calls, one of the calls reads the count.
            let count = |engine: &dyn Engine| engine.calls().map(|calls| (calls, 0));
            let system = || reads_and_writes().map(|calls| (calls, 1));
            let before = count(engine.as_ref()).or_else(system);
            engine.drain(fill)?;
            let after = count(engine.as_ref()).or_else(system);
            self.generator.collect()?;
            let calls = before.zip(after).map(|(before, after)| after.0.saturating_sub(before.0 + after.1));
            let calls = calls.and_then(|calls| usize::try_from(calls).ok());
            self.drained.system_calls = calls.map(|calls| number(calls) / number(fill));
        }
        self.drained.unexpected = self.generator.unexpected();
        Ok(self.drained)
    }
}

impl DrainResult {
    fn note(&mut self, cost: (Duration, Duration), fill: usize) {
        self.ns.push(ns(cost.0) / number(fill));
        self.cpu_ns.push(ns(cost.1) / number(fill));
    }

    fn forget(&mut self) {
        self.ns.clear();
        self.cpu_ns.clear();
        self.total_ns.clear();
    }
}

/// Reads all queued frames of an engine that blocks while no frame is queued.
fn discard_pending(engine: &mut dyn Engine) -> Result<(), String> {
    loop {
        let mut fds = [PollFd::new(engine.fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::ZERO) {
            Ok(0) => return Ok(()),
            Ok(_) => engine.drain(1)?,
            Err(errno) => return Err(format!("cannot poll: {}", errno.desc())),
        }
    }
}

/// Adds a duration: wall-clock time and CPU time.
pub(crate) fn add(sum: &mut (Duration, Duration), took: (Duration, Duration)) {
    sum.0 += took.0;
    sum.1 += took.1;
}

/// Returns the duration: wall-clock time and CPU time of this thread.
pub(crate) fn timed<R>(act: impl FnOnce() -> R) -> ((Duration, Duration), R) {
    let cpu = ThreadClock::mine();
    let (begin, used) = (Instant::now(), cpu.now());
    let result = act();
    let took = begin.elapsed();
    ((took, cpu.now().saturating_sub(used)), result)
}
