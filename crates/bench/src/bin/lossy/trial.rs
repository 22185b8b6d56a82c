//! Trials: one transfer of one contender over the link.

use std::fs::File;
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

/// An end of the link.
enum End<K> {
    /// tapstack, with its end of a cable.
    Tapstack(Cable),
    /// The kernel.
    Kernel(K),
}

const CONTENDERS: [Contender; 3] = [Contender::Kernel, Contender::Sending, Contender::Receiving];

/// Measures all contenders. The transfers of some rounds run at the same time, so that all contenders have the same load.
pub(crate) fn measure(options: &Options) -> Result<Report, String> {
    let mut rows: Vec<Row> = options.losses.iter().map(|loss| Row::new(*loss)).collect();
    for row in &mut rows {
        for first in (0..options.rounds).step_by(usize::try_from(options.parallel).unwrap_or(1)) {
            let rounds = first..options.rounds.min(first + options.parallel);
            let transfers = rounds.flat_map(|round| CONTENDERS.map(|contender| (contender, round)));
            thread::scope(|scope| {
                let threads = transfers.map(|(contender, round)| {
                    let faults = [round, round + OTHER_DIRECTION].map(|seed| options.faults(row.loss, seed));
                    (contender, scope.spawn(move || transfer(contender, faults, options.time())))
                });
                let threads: Vec<_> = threads.collect();
                for (contender, thread) in threads {
                    row.add(contender, thread.join().map_err(|_| "a thread panicked".to_owned())??);
                }
                Ok::<_, String>(())
            })?;
        }
    }
    Ok(Report { rtt: options.rtt(), rows })
}

/// Returns the goodput of a transfer in bytes per second. `faults` are those of the data and of the acknowledgments.
fn transfer(contender: Contender, [data, acks]: [Faults; 2], time: Duration) -> Result<f64, String> {
    // Each transfer has new namespaces, so that the kernel remembers no metrics of earlier transfers.
    let (near, far) = (new_namespace()?, new_namespace()?);
    let address = SocketAddrV4::new(RECEIVER, PORT);
    let (near_device, sender) = match contender {
        Contender::Sending => cable()?,
        Contender::Kernel | Contender::Receiving => (tap(&near, SENDER)?, End::Kernel(())),
    };
    let (far_device, receiver) = match contender {
        Contender::Receiving => cable()?,
        Contender::Kernel | Contender::Sending => {
            (tap(&far, RECEIVER)?, End::Kernel(kernel::listen(&far, address)?))
        }
    };
    // The ends of its cables are open until the other threads have ended.
    let mut bridge = Bridge::new([(near_device, data), (far_device, acks)]);
    let (stop, stop_bridge, bytes) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let (stop, stop_bridge, bytes, bridge) = (&stop, &stop_bridge, &bytes, &mut bridge);
        let near = &near;
        let threads = [
            scope.spawn(move || bridge.run(stop_bridge)),
            scope.spawn(move || match receiver {
                End::Tapstack(cable) => tapstack::receive(cable, address, bytes, stop),
                End::Kernel(listener) => kernel::receive(&listener, bytes, stop),
            }),
            scope.spawn(move || match sender {
                End::Tapstack(cable) => tapstack::send(cable, SENDER, address, stop),
                End::Kernel(()) => kernel::send(near, address, stop),
            }),
        ];
        let goodput = watch(bytes, time, || threads.iter().any(thread::ScopedJoinHandle::is_finished));
        let mut result = Ok(());
        // The bridge ends first, because it cannot send to an end that has ended.
        for (stop, thread) in [stop_bridge, stop, stop].into_iter().zip(threads) {
            stop.store(true, Ordering::Relaxed);
            let ended = thread.join().unwrap_or_else(|_| Err("a thread panicked".to_owned()));
            result = result.and(ended);
        }
        result.and(goodput)
    })
}

/// Creates the TAP of a kernel.
fn tap(namespace: &File, ip: Ipv4Addr) -> Result<Box<dyn BridgeDevice>, String> {
    within(namespace, || {
        let tap = Tap::options().mtu(MTU).open("lossy0").map_err(|error| error.to_string())?;
        let name: InterfaceName = "lossy0".parse().map_err(|error| format!("{error}"))?;
        add_address(&name, ip, PREFIX)?;
        Ok(Box::new(tap) as Box<dyn BridgeDevice>)
    })
}

/// Creates the cable of tapstack. Returns its ends at the bridge and at tapstack.
fn cable<K>() -> Result<(Box<dyn BridgeDevice>, End<K>), String> {
    let (outer, inner) = Cable::pair(MTU).map_err(|error| format!("cannot create a cable: {error}"))?;
    Ok((Box::new(outer), End::Tapstack(inner)))
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
