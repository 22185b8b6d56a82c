//! The host itself.

use arp::{Arp, Fields, Identity, LINK_LOCAL, Locals, LocalsError, Settings};
use ipnet::Ipv4Net;
use link::{Accepted, Cast, EtherType, Link, Stations};
use tap::{Batch, Device, DeviceError, Frame, Instant, Pool};

use crate::output::Parcel;
use crate::{Config, ConfigError, Dropped, Trace, Verdict};

/// One machine: a station on a wire with a protocol address.
#[derive(Debug)]
pub struct Host {
    pub(crate) stack: Stack,
    arrived: Batch,
    pub(crate) departing: Batch,
    /// How many of the departing frames the trace has seen.
    traced: usize,
}

/// The layers and what the host itself counts.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) config: Config,
    pub(crate) link: Link,
    pub(crate) arp: Arp<Parcel>,
    answered: u64,
    unspoken: u64,
    pub(crate) congested: u64,
    /// Frames that were not sent because no address is in use.
    pub(crate) addressless: u64,
}

/// What one turn of the loop did, and what to wait for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// How many frames arrived.
    pub arrived: usize,
    /// Whether frames still wait for room on the wire.
    pub congested: bool,
}

impl Host {
    /// How many frames one turn receives at most, and how many answers may wait for the wire.
    pub const BATCH: usize = 64;

    /// A host of this configuration, from `now` on.
    pub fn new(now: Instant, config: &Config) -> Result<Host, ConfigError> {
        config.check()?;
        let stack = Stack {
            config: *config,
            link: Link::new(Stations::one(config.hardware), config.mtu, config.vlan),
            arp: start(now, config).map_err(|_| ConfigError::Hardware(config.hardware))?,
            answered: 0,
            unspoken: 0,
            congested: 0,
            addressless: 0,
        };
        Ok(Host { stack, arrived: Batch::new(Self::BATCH), departing: Batch::new(Self::BATCH), traced: 0 })
    }

    /// One turn of the loop: receives at most [`Host::BATCH`] frames, judges each, does what the time
    /// brings, and transmits what is due. It neither waits nor reads a clock.
    pub fn turn(
        &mut self,
        now: Instant,
        device: &mut impl Device,
        pool: &mut Pool,
        trace: &mut impl Trace,
    ) -> Result<Turn, DeviceError> {
        let arrived = device.receive(pool, &mut self.arrived)?;
        while let Some(frame) = self.arrived.pop() {
            trace.arrived(now, frame.octets());
            trace.judged(now, self.stack.receive(now, frame, &mut self.departing, pool));
            self.finish(now, device, trace);
        }
        self.poll(now, pool);
        self.finish(now, device, trace);
        let refused = device.counters().refused;
        let transmitted = device.transmit(&mut self.departing, pool);
        self.traced = self.departing.len();
        if device.counters().refused != refused {
            self.stack.arp.unheard(now);
        }
        transmitted?;
        Ok(Turn { arrived, congested: !self.departing.is_empty() })
    }

    /// Pads the frames that are new among the departing ones, and shows them.
    fn finish(&mut self, now: Instant, device: &impl Device, trace: &mut impl Trace) {
        for frame in self.departing.iter_mut().skip(self.traced) {
            // spec: ethernet-minimum
            if link::pad(frame, device.minimum_frame()).is_err() {
                // The wire wants more than its own frames hold: it will refuse this one.
                self.stack.congested = self.stack.congested.saturating_add(1);
            }
            trace.departs(now, frame.octets());
        }
        self.traced = self.departing.len();
    }

    /// Judges one frame. What is to be sent is added to `departing`; a frame that is not used again
    /// goes back to `pool`.
    pub fn receive(&mut self, now: Instant, frame: Frame, departing: &mut Batch, pool: &mut Pool) -> Verdict {
        self.stack.receive(now, frame, departing, pool)
    }

    /// How many frames a pool must have for this host never to run out: what arrived, what departs,
    /// what waits for a neighbour to answer, and what was given back and not yet fetched.
    pub fn frames(&self) -> usize {
        2 * (Self::BATCH + self.stack.config.table.parcels)
    }

    /// What the host is.
    pub fn config(&self) -> &Config {
        &self.stack.config
    }

    /// Its address and network, while the address is in use.
    pub fn address(&self) -> Option<Ipv4Net> {
        self.stack.address()
    }

    /// Who has the host's address, once it has none and will have none any more: the host is over then.
    pub fn ceased(&self) -> Option<Identity> {
        self.stack.arp.ceased()
    }

    /// Its link layer.
    pub fn link(&self) -> &Link {
        &self.stack.link
    }

    /// Its ARP.
    pub fn arp(&self) -> &Arp<Parcel> {
        &self.stack.arp
    }

    /// Its ARP, for a person to add static entries and proxied ranges to.
    pub fn arp_mut(&mut self) -> &mut Arp<Parcel> {
        &mut self.stack.arp
    }

    /// The oldest event not yet taken.
    pub fn take_event(&mut self) -> Option<arp::Event> {
        self.stack.arp.take_event()
    }

    /// How many requests were answered.
    pub fn answered(&self) -> u64 {
        self.stack.answered
    }

    /// How many frames carried a protocol that nobody here speaks.
    pub fn unspoken(&self) -> u64 {
        self.stack.unspoken
    }

    /// How many frames were not sent because no address was in use.
    pub fn addressless(&self) -> u64 {
        self.stack.addressless
    }

    /// How many frames were not sent because too many waited for the wire.
    pub fn congested(&self) -> u64 {
        self.stack.congested
    }
}

/// ARP that has begun with the host's address.
fn start(now: Instant, config: &Config) -> Result<Arp<Parcel>, LocalsError> {
    // Stations that start together must not speak together, even with the same seed.
    let [a, b, c, d, e, f] = config.hardware.octets();
    let seed = config.table.seed ^ u64::from_be_bytes([a, b, c, d, e, f, 0, 0]);
    let mut arp = Arp::new(
        Locals::default(),
        arp::Config {
            policy: config.policy,
            table: Settings { seed, ..config.table },
            network: Some(config.address.unwrap_or(LINK_LOCAL)),
            defence: config.defence,
        },
    );
    match config.address {
        Some(address) => {
            let identity = Identity { protocol: address.addr(), hardware: config.hardware };
            arp.claim(now, identity, config.start)?;
        }
        None => arp.select(now, config.hardware)?,
    }
    Ok(arp)
}

impl Stack {
    /// The address and network, while the address is in use.
    pub(crate) fn address(&self) -> Option<Ipv4Net> {
        match self.config.address {
            Some(address) => self.arp.locals().hardware_of(address.addr()).map(|_| address),
            None => Ipv4Net::new(self.arp.selected()?, LINK_LOCAL.prefix_len()).ok(),
        }
    }

    fn receive(&mut self, now: Instant, frame: Frame, departing: &mut Batch, pool: &mut Pool) -> Verdict {
        let Accepted { frame: ethernet, cast } = match self.link.receive(frame.octets()) {
            Ok(accepted) => accepted,
            Err(reason) => {
                pool.give(frame);
                return Verdict::Dropped(reason.into());
            }
        };
        match ethernet.ether_type() {
            EtherType::ARP => {
                let station = (cast == Cast::Unicast).then_some(ethernet.destination());
                let received = self.arp.receive(now, station, ethernet.payload());
                let offset = ethernet.payload_offset();
                self.answer(received, offset, frame, departing, pool)
            }
            other => {
                // spec: drops-counted
                self.unspoken = self.unspoken.saturating_add(1);
                pool.give(frame);
                Verdict::Dropped(Dropped::Protocol(other))
            }
        }
    }

    /// Turns the request in `frame`, its packet `offset` octets in, into the reply that is due.
    fn answer(
        &mut self,
        received: Result<arp::Received, arp::Dropped>,
        offset: usize,
        mut frame: Frame,
        departing: &mut Batch,
        pool: &mut Pool,
    ) -> Verdict {
        let verdict = received.map_or_else(|reason| Verdict::Dropped(reason.into()), Verdict::Arp);
        let Ok(arp::Received { answer: Some(answer), .. }) = received else {
            pool.give(frame);
            return verdict;
        };
        // spec: rfc826-reply-to, rfc826-reply-padding
        let rewritten = frame.narrow(offset, Fields::LENGTH).is_ok()
            && answer.write_over(frame.octets_mut()).is_ok()
            && self.link.send(&mut frame, answer.to, answer.ours, EtherType::ARP).is_ok();
        // spec: reply-one
        let sent = if rewritten { departing.push(frame) } else { Err(frame) };
        match sent {
            Ok(()) => {
                self.answered = self.answered.saturating_add(1);
                verdict
            }
            Err(frame) => {
                self.congested = self.congested.saturating_add(1);
                pool.give(frame);
                Verdict::Dropped(Dropped::Congested)
            }
        }
    }
}

#[cfg(test)]
mod tests;
