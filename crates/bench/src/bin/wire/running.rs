//! Contenders at work, each in a thread of its own on one CPU, and who asks them from another.

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

/// A contender at work.
pub(crate) struct RunningContender {
    pub(crate) contender: &'static str,
    pub(crate) generator: Generator,
    /// Its thread's; the kernel has none, for it answers on the CPU of whoever asks.
    pub(crate) clock: Option<ThreadClock>,
    worker: Option<Worker>,
}

struct Worker {
    stop: Arc<StopFlag>,
    thread: JoinHandle<Result<(), String>>,
}

/// Sets all to work on that CPU, each looking again for `spin` before it sleeps.
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

/// Sends all home; their interfaces are gone afterwards.
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
        let (name, worker, clock) = if contender.is_kernel() {
            (network.kernel()?.clone(), None, None)
        } else {
            let name = network.new_name()?;
            let (worker, clock) = Worker::start(contender, &name, spin, cpu)?;
            (name, Some(worker), Some(clock))
        };
        let mut generator = Generator::open(&name, &contender.traffic(load))?;
        generator.settle(|| Ok(()))?;
        Ok(RunningContender { contender: contender.name, generator, clock, worker })
    }

    fn end(mut self) -> Result<(), String> {
        let Some(Worker { stop, thread }) = self.worker else { return Ok(()) };
        stop.raise();
        // For whoever sits in a read.
        self.generator.send_probe()?;
        thread.join().map_err(|_| "it panicked")?
    }
}

impl Worker {
    fn start(
        contender: &Contender,
        name: &InterfaceName,
        spin: Duration,
        cpu: usize,
    ) -> Result<(Worker, ThreadClock), String> {
        let stop = Arc::new(StopFlag::new()?);
        let (ready, begun) = channel();
        let thread = {
            let (contender, name, stop) = (contender.clone(), name.clone(), Arc::clone(&stop));
            thread::spawn(move || work(&contender, &name, spin, cpu, &stop, &ready))
        };
        match begun.recv() {
            Ok(clock) => Ok((Worker { stop, thread }, clock)),
            // It has ended before it began.
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error),
                _ => Err("it did not begin".to_owned()),
            },
        }
    }
}

fn work(
    contender: &Contender,
    name: &InterfaceName,
    spin: Duration,
    cpu: usize,
    stop: &StopFlag,
    ready: &Sender<ThreadClock>,
) -> Result<(), String> {
    pin(cpu)?;
    let mut engine = contender.engine(name)?.ok_or("the kernel needs no thread")?;
    ready.send(ThreadClock::mine()).map_err(|_| "nobody waits for it")?;
    engine.serve(spin, stop)
}
