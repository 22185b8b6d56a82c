//! Trials: one transfer of one contender over the link.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bench::namespace::{add_address, new_namespace, within};
use sim::Faults;
use tap::linux::{Cable, InterfaceName, Tap};

use crate::bridge::{Bridge, BridgeDevice, MTU};
use crate::kernel;
use crate::options::Options;
use crate::report::{Report, Row};
use crate::tapstack;

/// Address of the sender.
pub(crate) const SENDER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// Address of the receiver.
const RECEIVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const PREFIX: u8 = 24;
/// Port of the receiver.
pub(crate) const PORT: u16 = 5_001;
/// Maximum time until the first data arrives.
const CONNECT: Duration = Duration::from_secs(30);
/// Data of the start of a connection is not counted for this time.
const WARM_UP: Duration = Duration::from_secs(1);
/// Difference of the seeds of both directions.
const OTHER_DIRECTION: u64 = 1 << 32;

/// Which stack is at which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    /// The kernel sends to a kernel.
    Kernel,
    /// tapstack sends to a kernel.
    Sending,
    /// A kernel sends to tapstack.
    Receiving,
}

/// Measures all contenders in turn.
pub(crate) fn measure(options: &Options) -> Result<Report, String> {
    let mut rows: Vec<Row> = options.losses.iter().map(|loss| Row::new(*loss)).collect();
    for round in 0..options.rounds {
        for row in &mut rows {
            let faults = [round, round + OTHER_DIRECTION].map(|seed| options.faults(row.loss, seed));
            let mut contenders = [Contender::Kernel, Contender::Sending, Contender::Receiving];
            let first = usize::try_from(round).unwrap_or_default() % contenders.len();
            contenders.rotate_left(first);
            for contender in contenders {
                row.add(contender, transfer(contender, faults, options.time())?);
            }
        }
    }
    Ok(Report { rtt: options.rtt(), rows })
}

/// Returns the goodput of a transfer in bytes per second. `faults` are those of the data and of the acknowledgments.
fn transfer(contender: Contender, faults: [Faults; 2], time: Duration) -> Result<f64, String> {
    let (stop, received) = (AtomicBool::new(false), AtomicU64::new(0));
    let [data, acks] = faults;
    let address = SocketAddrV4::new(RECEIVER, PORT);
    // Each transfer has new namespaces, so that the kernel remembers no metrics of earlier transfers.
    let (near, far) = (new_namespace()?, new_namespace()?);
    let kernel_end = |namespace, ip| -> Result<Box<dyn BridgeDevice>, String> {
        within(namespace, || {
            let tap = Tap::options().mtu(MTU).open("lossy0").map_err(|error| error.to_string())?;
            let name: InterfaceName = "lossy0".parse().map_err(|error| format!("{error}"))?;
            add_address(&name, ip, PREFIX)?;
            Ok(Box::new(tap) as Box<dyn BridgeDevice>)
        })
    };
    let cable = || Cable::pair(MTU).map_err(|error| format!("cannot create a cable: {error}"));
    thread::scope(|scope| {
        let (stop, received, near, far) = (&stop, &received, &near, &far);
        let (sending, receiving) = match contender {
            Contender::Kernel | Contender::Receiving => (kernel_end(near, SENDER)?, None),
            Contender::Sending => {
                let (inner, outer) = cable()?;
                (Box::new(outer) as Box<dyn BridgeDevice>, Some(inner))
            }
        };
        let mut threads = Vec::new();
        let other: Box<dyn BridgeDevice> = if contender == Contender::Receiving {
            let (inner, outer) = cable()?;
            threads.push(scope.spawn(move || tapstack::receive(inner, address, received, stop)));
            Box::new(outer)
        } else {
            let device = kernel_end(far, RECEIVER)?;
            threads.push(scope.spawn(move || kernel::receive(far, address, received, stop)));
            device
        };
        let mut bridge = Bridge::new([(sending, data), (other, acks)]);
        threads.push(scope.spawn(move || bridge.run(stop)));
        threads.push(match receiving {
            Some(inner) => scope.spawn(move || tapstack::send(inner, SENDER, address, stop)),
            None => scope.spawn(move || kernel::send(near, address, stop)),
        });
        let goodput = watch(received, time, || threads.iter().any(thread::ScopedJoinHandle::is_finished));
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|_| "a thread panicked".to_owned())??;
        }
        goodput
    })
}

/// Returns the received bytes per second in the given time after the warm-up.
fn watch(received: &AtomicU64, time: Duration, has_failed: impl Fn() -> bool) -> Result<f64, String> {
    let start = Instant::now();
    while received.load(Ordering::Relaxed) == 0 {
        if start.elapsed() > CONNECT || has_failed() {
            return Err("no data was received".to_owned());
        }
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(WARM_UP);
    let (before, start) = (received.load(Ordering::Relaxed), Instant::now());
    thread::sleep(time);
    let bytes = received.load(Ordering::Relaxed) - before;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    Ok(bytes as f64 / start.elapsed().as_secs_f64())
}
