//! Running contenders, each in its own thread on one CPU, and their packet generators on another CPU.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tap::linux::InterfaceName;

use crate::contender::Contender;
use crate::cpu::{ThreadClock, pin};
use crate::engine::StopFlag;
use crate::generator::Generator;
use crate::network::BenchNetwork;
use crate::traffic::Load;

/// A running contender.
pub(crate) struct RunningContender {
    pub(crate) contender: &'static str,
    pub(crate) generator: Generator,
    /// CPU clock of the contender's thread. `None` for the kernel if it replies on the CPU of the requester.
    pub(crate) clock: Option<ThreadClock>,
    worker: Option<Worker>,
}

struct Worker {
    stop: Arc<StopFlag>,
    thread: JoinHandle<Result<(), String>>,
}

/// Starts all contenders on this CPU. Each contender polls for the duration `spin` before it sleeps.
pub(crate) fn start_all(
    network: &BenchNetwork,
    contenders: &[Contender],
    load: Load,
    spin: Duration,
    cpu: usize,
) -> Result<Vec<RunningContender>, String> {
    let member = |contender: &Contender| {
        RunningContender::begin(network, contender, load, spin, cpu)
            .map_err(|error| format!("{}: {error}", contender.name))
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
    fn begin(
        network: &BenchNetwork,
        contender: &Contender,
        load: Load,
        spin: Duration,
        cpu: usize,
    ) -> Result<RunningContender, String> {
        let name = if contender.is_kernel() { network.kernel()?.clone() } else { network.new_name()? };
        let (worker, clock) = if contender.has_engine(load) {
            let (worker, clock) = Worker::start(contender, &name, load, spin, cpu)?;
            (Some(worker), Some(clock))
        } else {
            (None, None)
        };
        let mut generator = Generator::open(&name, &contender.traffic(load))?;
        generator.settle(|| Ok(()))?;
        Ok(RunningContender { contender: contender.name, generator, clock, worker })
    }

    fn end(mut self) -> Result<(), String> {
        let Some(Worker { stop, thread }) = self.worker else { return Ok(()) };
        stop.raise();
        // A frame ends a blocking read.
        self.generator.send_probe()?;
        thread.join().map_err(|_| "the contender panicked")?
    }
}

impl Worker {
    fn start(
        contender: &Contender,
        name: &InterfaceName,
        load: Load,
        spin: Duration,
        cpu: usize,
    ) -> Result<(Worker, ThreadClock), String> {
        let stop = Arc::new(StopFlag::new()?);
        let (ready, begun) = channel();
        let thread = {
            let (contender, name, stop) = (contender.clone(), name.clone(), Arc::clone(&stop));
            thread::spawn(move || work(&contender, &name, load, spin, cpu, &stop, &ready))
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
}

fn work(
    contender: &Contender,
    name: &InterfaceName,
    load: Load,
    spin: Duration,
    cpu: usize,
    stop: &StopFlag,
    ready: &Sender<ThreadClock>,
) -> Result<(), String> {
    pin(cpu)?;
    let mut engine = contender.engine(name, load)?.ok_or("contender without an engine")?;
    ready.send(ThreadClock::mine()).map_err(|_| "the starting thread ended early")?;
    engine.serve(spin, stop)
}
