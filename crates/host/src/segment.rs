//! A wire in memory, with hosts on it and a time of its own.

mod jack;
mod seat;
mod wire;

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use link::EtherType;
use tap::{Checksum, Counters, Instant, Pool};

use self::seat::{Role, Seat};
use self::wire::{Flight, Wire};
use crate::{Config, ConfigError, Faults, Host, Sent};

pub use self::wire::{Carried, Sighting};

/// A simulated wire: hosts, frames in flight, and a time that jumps from one thing to happen to the next.
///
/// Every frame goes to every other port, as on a hub; a host's link layer filters. Each copy has a fate
/// of its own, by the [`Faults`] of the wire. Nothing waits and no clock is read: an hour takes as long as
/// what happens in it. The same calls give the same run again.
///
/// Two hosts that find each other:
///
/// ```
/// use std::time::Duration;
///
/// use host::{Config, Faults, Segment};
/// use link::{EtherType, MacAddr};
/// use tap::Instant;
///
/// let mut wire = Segment::new(Instant::ORIGIN, Faults::NONE);
/// let left = wire.add(&Config::new("10.0.0.1/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 1])))?;
/// let right = wire.add(&Config::new("10.0.0.2/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 2])))?;
///
/// wire.send(left, "10.0.0.2".parse()?, EtherType(0x88b5), b"hello");
/// wire.run_for(Duration::from_secs(1))?;
///
/// let speakers: Vec<_> = wire.take_sightings().iter().map(|frame| frame.from).collect();
/// assert_eq!(speakers, [left, right, left], "a request, its reply, and what waited for it");
/// let table = wire.host(left).ok_or("a host")?.arp().neighbors();
/// let entry = table.get("10.0.0.2".parse()?).ok_or("an entry")?;
/// assert_eq!(entry.hardware, Some(MacAddr::new([2, 0, 0, 0, 0, 2])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Segment {
    now: Instant,
    wire: Wire,
    seats: Vec<Seat>,
}

/// A place on a segment: a host's or a scripted peer's. It means nothing on another segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(usize);

/// What a script says: octets of a frame, and how long after what it heard.
pub type Speech = (Duration, Vec<u8>);

/// The time stands still: something happens again and again at one instant, as where two scripts answer each
/// other without delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restless {
    /// The instant.
    pub at: Instant,
}

impl Segment {
    /// How many frames are in flight at most; what is beyond that is lost, and counted.
    pub const IN_FLIGHT: usize = 1 << 14;

    /// How many sightings are kept until they are taken; what is beyond that is counted.
    pub const SIGHTINGS: usize = 1 << 16;

    /// How many steps are taken at one instant before [`Restless`] is said.
    pub const STEPS: u32 = 10_000;

    /// A wire with nobody on it, from `now` on.
    pub fn new(now: Instant, faults: Faults) -> Segment {
        Segment { now, wire: Wire::new(faults), seats: Vec::new() }
    }

    /// Puts a host on the wire, from now on.
    pub fn add(&mut self, config: &Config) -> Result<Port, ConfigError> {
        let seat = Seat::host(self.now, config)?;
        Ok(self.seat(seat))
    }

    /// Puts a scripted peer on the wire: `script` hears every frame there, and says what it will.
    pub fn attach(&mut self, script: impl FnMut(Instant, &[u8]) -> Vec<Speech> + 'static) -> Port {
        self.seat(Seat::script(Box::new(script)))
    }

    /// Lets `script` have what a port sends, from now on: what it says goes on the wire instead.
    pub fn intercept(&mut self, port: Port, script: impl FnMut(Instant, &[u8]) -> Vec<Speech> + 'static) {
        if let Some(seat) = self.seats.get_mut(port.0) {
            seat.interceptor = Some(Box::new(script));
        }
    }

    /// Sends a frame of these octets to every port, as if from a peer that is not here. It is no sighting.
    pub fn inject(&mut self, octets: &[u8]) {
        self.inject_with(octets, Checksum::None);
    }

    /// Sends a frame as [`Segment::inject`] does, with what its receiver is to know of its transport checksum.
    pub fn inject_with(&mut self, octets: &[u8], checksum: Checksum) {
        self.wire.send(self.now, None, octets, checksum, self.seats.len());
    }

    /// Lets a host send a payload to a neighbor: see [`Host::send`]. It is refused where there is no
    /// such host, it is stopped, or the payload is longer than a frame.
    pub fn send(&mut self, port: Port, neighbor: Ipv4Addr, ether_type: EtherType, payload: &[u8]) -> Sent {
        match self.seats.get_mut(port.0) {
            Some(seat) if seat.runs => seat.send(self.now, neighbor, ether_type, payload),
            _ => Sent::Refused,
        }
    }

    /// Stops a host, or a scripted peer: it does nothing, and what arrives for it is lost. What a host
    /// knew may still be read.
    pub fn stop(&mut self, port: Port) {
        if let Some(seat) = self.seats.get_mut(port.0) {
            seat.runs = false;
        }
    }

    /// Starts a host anew, as when it is switched on: it knows nobody. A scripted peer goes on.
    pub fn start(&mut self, port: Port) -> Result<(), ConfigError> {
        match self.seats.get_mut(port.0) {
            Some(seat) => seat.start(self.now),
            None => Ok(()),
        }
    }

    /// Makes the wire better or worse from now on; what is in flight keeps its fate.
    pub fn set_faults(&mut self, faults: Faults) {
        self.wire.faults = faults;
    }

    /// Lets a span of time pass, and all that happens in it.
    pub fn run_for(&mut self, span: Duration) -> Result<(), Restless> {
        self.run_until(self.now + span)
    }

    /// Lets time pass until `end`, and all happen that is to happen until then, that instant included.
    pub fn run_until(&mut self, end: Instant) -> Result<(), Restless> {
        let mut steps = 0;
        while let Some(at) = self.next().filter(|at| *at <= end) {
            steps = if at > self.now { 0 } else { steps + 1 };
            if steps > Self::STEPS {
                return Err(Restless { at });
            }
            self.now = at;
            self.step();
        }
        self.now = self.now.max(end);
        Ok(())
    }

    /// When something is next to happen; none if only a call can change that.
    pub fn next(&self) -> Option<Instant> {
        let wakes = self.seats.iter().filter_map(|seat| seat.next(self.now));
        wakes.chain(self.wire.next()).min().map(|at| at.max(self.now))
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The host at a port, if one is there.
    pub fn host(&self, port: Port) -> Option<&Host> {
        Some(&self.seats.get(port.0)?.machine()?.host)
    }

    /// The host at a port, to take its events or to add to its table.
    pub fn host_mut(&mut self, port: Port) -> Option<&mut Host> {
        Some(&mut self.seats.get_mut(port.0)?.machine_mut()?.host)
    }

    /// The pool of the host at a port: what it holds is in the host.
    pub fn pool(&self, port: Port) -> Option<&Pool> {
        Some(&self.seats.get(port.0)?.machine()?.pool)
    }

    /// What passed the device of the host at a port.
    pub fn counters(&self, port: Port) -> Option<Counters> {
        Some(self.seats.get(port.0)?.machine()?.counters())
    }

    /// What was sent since this was last asked, in order: all that somebody hears who listens in.
    pub fn take_sightings(&mut self) -> Vec<Sighting> {
        self.wire.take_sightings()
    }

    /// How many frames are in flight.
    pub fn in_flight(&self) -> usize {
        self.wire.in_flight()
    }

    /// What the wire carried and what it did not.
    pub fn carried(&self) -> Carried {
        self.wire.carried
    }

    fn seat(&mut self, seat: Seat) -> Port {
        self.seats.push(seat);
        Port(self.seats.len() - 1)
    }

    /// Lets happen what is due: frames arrive, and every host that has something to do takes one turn.
    fn step(&mut self) {
        // What sets out in this step lands in the next.
        let before = self.wire.launched();
        while let Some(flight) = self.wire.land(self.now, before) {
            match flight {
                Flight::Leaves { from, octets, checksum } => {
                    self.wire.send(self.now, Some(from), &octets, checksum, self.seats.len());
                }
                Flight::Arrives { to, octets, checksum } => self.arrive(to, octets, checksum),
            }
        }
        for port in (0..self.seats.len()).map(Port) {
            self.turn(port);
        }
    }

    fn arrive(&mut self, to: Port, octets: Vec<u8>, checksum: Checksum) {
        let Some(seat) = self.seats.get_mut(to.0) else { return };
        let carried = &mut self.wire.carried;
        if !seat.runs {
            carried.unplugged += 1;
            return;
        }
        let mut said = Vec::new();
        match &mut seat.role {
            Role::Host(machine) if machine.jack.is_full() => {
                carried.crowded += 1;
                return;
            }
            Role::Host(machine) => machine.jack.push(octets, checksum),
            Role::Script(script) => said = script(self.now, &octets),
        }
        carried.delivered += 1;
        for (after, octets) in said {
            self.say(to, after, octets, Checksum::None);
        }
    }

    /// One turn of the host at a port, if there is anything for it to do.
    fn turn(&mut self, port: Port) {
        let Some(seat) = self.seats.get_mut(port.0) else { return };
        if seat.next(self.now).is_none_or(|at| at > self.now) {
            return;
        }
        let Some(machine) = seat.machine_mut() else { return };
        machine.turn(self.now);
        let said: Vec<_> = std::iter::from_fn(|| machine.jack.take()).collect();
        for (octets, checksum) in said {
            self.say(port, Duration::ZERO, octets, checksum);
        }
    }

    /// Sends a frame for a port, unless somebody comes between.
    fn say(&mut self, from: Port, after: Duration, octets: Vec<u8>, checksum: Checksum) {
        let interceptor = self.seats.get_mut(from.0).and_then(|seat| seat.interceptor.as_mut());
        // What a script says has its checksums complete.
        let (said, checksum) = match interceptor {
            Some(script) => (script(self.now, &octets), Checksum::None),
            None => (vec![(Duration::ZERO, octets)], checksum),
        };
        for (more, octets) in said {
            let at = self.now + after + more;
            if at > self.now {
                self.wire.postpone(at, from, octets, checksum);
            } else {
                self.wire.send(self.now, Some(from), &octets, checksum, self.seats.len());
            }
        }
    }
}

impl fmt::Display for Restless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.at.as_nanos();
        write!(f, "the time stands still at {nanoseconds} ns: something happens there without end")
    }
}

impl std::error::Error for Restless {}

#[cfg(test)]
mod tests;
