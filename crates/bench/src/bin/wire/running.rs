//! Running contenders, each in its own thread on one CPU, and their packet generators on another CPU.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bench::namespace::enter;

use crate::contender::Contender;
use crate::cpu::{ThreadClock, pin};
use crate::engine::StopFlag;
use crate::generator::Generator;
use crate::load::Load;
use crate::network::BenchNetwork;
use crate::traffic::RequestKind;

/// A running contender.
pub(crate) struct RunningContender {
    pub(crate) contender: &'static str,
    pub(crate) generator: Generator,
    /// CPU clock of the contender's thread. `None` for the kernel if it replies on the CPU of the requester.
    pub(crate) clock: Option<ThreadClock>,
    worker: Option<Worker>,
    /// Keeps the namespaces alive.
    _network: BenchNetwork,
}

/// The thread of a contender.
pub(crate) struct Worker {
    stop: Arc<StopFlag>,
    thread: JoinHandle<Result<(), String>>,
}

/// How a contender runs.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) load: Load,
    /// Duration for which the contender polls before it sleeps.
    pub(crate) spin: Duration,
    pub(crate) cpu: usize,
}

/// Starts all contenders.
pub(crate) fn start_all(
    contenders: &[Contender],
    kind: RequestKind,
    job: &Job,
) -> Result<Vec<RunningContender>, String> {
    let member = |contender: &Contender| {
        RunningContender::begin(contender, kind, job).map_err(|error| format!("{}: {error}", contender.name))
    };
    contenders.iter().map(member).collect()
}

/// Stops all contenders and deletes their interfaces.
pub(crate) fn stop_all(running: Vec<RunningContender>) -> Result<(), String> {
    running.into_iter().try_for_each(|member| {
        let name = member.contender;
        member.end().map_err(|error| format!("{name}: {error}"))
    })
}

impl RunningContender {
    fn begin(contender: &Contender, kind: RequestKind, job: &Job) -> Result<RunningContender, String> {
        let network = BenchNetwork::new(contender)?;
        let (worker, clock) = if contender.has_engine(job.load) {
            let (worker, clock) = Worker::start(contender, &network, job)?;
            (Some(worker), Some(clock))
        } else {
            (None, None)
        };
        let mut generator = Generator::open(&network, &contender.traffic(kind))?;
        generator.settle(|| Ok(()))?;
        Ok(RunningContender { contender: contender.name, generator, clock, worker, _network: network })
    }

    fn end(mut self) -> Result<(), String> {
        let Some(worker) = self.worker else { return Ok(()) };
        // A frame ends a blocking read.
        worker.end(|| self.generator.send_probe())
    }
}

impl Worker {
    /// Starts the thread of a contender in its namespace.
    pub(crate) fn start(
        contender: &Contender,
        network: &BenchNetwork,
        job: &Job,
    ) -> Result<(Worker, ThreadClock), String> {
        let stop = Arc::new(StopFlag::new()?);
        let (ready, begun) = channel();
        let thread = {
            let (contender, network, job, stop) =
                (contender.clone(), network.clone(), job.clone(), Arc::clone(&stop));
            thread::spawn(move || work(&contender, &network, &job, &stop, &ready))
        };
        match begun.recv() {
            Ok(clock) => Ok((Worker { stop, thread }, clock)),
            // The thread ended before it started serving.
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error),
                _ => Err("the contender did not start".to_owned()),
            },
        }
    }

    /// Stops the thread. `wake` ends a read that blocks.
    pub(crate) fn end(self, wake: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        self.stop.raise();
        wake()?;
        self.thread.join().map_err(|_| "the contender panicked")?
    }
}

fn work(
    contender: &Contender,
    network: &BenchNetwork,
    job: &Job,
    stop: &StopFlag,
    ready: &Sender<ThreadClock>,
) -> Result<(), String> {
    enter(&network.responder)?;
    pin(job.cpu)?;
    let mut engine = contender.engine(&network.interface, job.load)?.ok_or("contender without an engine")?;
    ready.send(ThreadClock::mine()).map_err(|_| "the starting thread ended early")?;
    engine.serve(job.spin, stop)
}
