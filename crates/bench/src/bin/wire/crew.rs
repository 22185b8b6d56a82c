//! Contenders at work, each in a thread of its own on one CPU, and who asks them from another.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tap::linux::InterfaceName;

use crate::contender::Contender;
use crate::cpu::{ThreadClock, pin};
use crate::engine::Halt;
use crate::generator::Generator;
use crate::site::Site;
use crate::traffic::Load;

/// A contender at work.
pub(crate) struct Member {
    pub(crate) contender: &'static str,
    pub(crate) generator: Generator,
    /// Its thread's; the kernel has none, for it answers on the CPU of whoever asks.
    pub(crate) clock: Option<ThreadClock>,
    worker: Option<Worker>,
}

struct Worker {
    halt: Arc<Halt>,
    thread: JoinHandle<Result<(), String>>,
}

/// Sets all to work on that CPU, each looking again for `spin` before it sleeps.
pub(crate) fn assemble(
    site: &Site,
    contenders: &[Contender],
    load: Load,
    spin: Duration,
    cpu: usize,
) -> Result<Vec<Member>, String> {
    let member = |contender: &Contender| {
        Member::begin(site, contender, load, spin, cpu)
            .map_err(|error| format!("{}: {error}", contender.name))
    };
    contenders.iter().map(member).collect()
}

/// Sends all home; their interfaces are gone afterwards.
pub(crate) fn dismiss(crew: Vec<Member>) -> Result<(), String> {
    crew.into_iter().try_for_each(|member| {
        let name = member.contender;
        member.end().map_err(|error| format!("{name}: {error}"))
    })
}

impl Member {
    fn begin(
        site: &Site,
        contender: &Contender,
        load: Load,
        spin: Duration,
        cpu: usize,
    ) -> Result<Member, String> {
        let (name, worker, clock) = if contender.is_kernel() {
            (site.kernel()?.clone(), None, None)
        } else {
            let name = site.new_name()?;
            let (worker, clock) = Worker::start(contender, &name, spin, cpu)?;
            (name, Some(worker), Some(clock))
        };
        let mut generator = Generator::open(&name, &contender.traffic(load))?;
        generator.settle(|| Ok(()))?;
        Ok(Member { contender: contender.name, generator, clock, worker })
    }

    fn end(mut self) -> Result<(), String> {
        let Some(Worker { halt, thread }) = self.worker else { return Ok(()) };
        halt.raise();
        // For whoever sits in a read.
        self.generator.say_hello()?;
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
        let halt = Arc::new(Halt::new()?);
        let (ready, begun) = channel();
        let thread = {
            let (contender, name, halt) = (contender.clone(), name.clone(), Arc::clone(&halt));
            thread::spawn(move || work(&contender, &name, spin, cpu, &halt, &ready))
        };
        match begun.recv() {
            Ok(clock) => Ok((Worker { halt, thread }, clock)),
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
    halt: &Halt,
    ready: &Sender<ThreadClock>,
) -> Result<(), String> {
    pin(cpu)?;
    let mut engine = contender.engine(name)?.ok_or("the kernel needs no thread")?;
    ready.send(ThreadClock::mine()).map_err(|_| "nobody waits for it")?;
    engine.serve(spin, halt)
}
