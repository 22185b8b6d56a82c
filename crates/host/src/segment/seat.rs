//! Who is on the wire.

use std::fmt;
use std::net::Ipv4Addr;

use link::EtherType;
use tap::{Counters, Device, Instant, Pool};

use super::Speech;
use super::jack::Jack;
use crate::{Config, ConfigError, Host, Sent};

/// Hears a frame, and says what it will.
pub(super) type Script = Box<dyn FnMut(Instant, &[u8]) -> Vec<Speech>>;

/// A place on the wire and who has it.
pub(super) struct Seat {
    pub(super) role: Role,
    pub(super) runs: bool,
    /// Has what is sent here before the wire has it.
    pub(super) interceptor: Option<Script>,
}

pub(super) enum Role {
    Host(Box<Machine>),
    Script(Script),
}

/// A host with all that it needs.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) host: Host,
    pub(super) pool: Pool,
    pub(super) jack: Jack,
    /// Somebody called it: it may have something to do that no deadline tells.
    is_called: bool,
}

impl Seat {
    pub(super) fn host(now: Instant, config: &Config) -> Result<Seat, ConfigError> {
        Ok(Seat::new(Role::Host(Box::new(Machine::new(now, config)?))))
    }

    pub(super) fn script(script: Script) -> Seat {
        Seat::new(Role::Script(script))
    }

    fn new(role: Role) -> Seat {
        Seat { role, runs: true, interceptor: None }
    }

    pub(super) fn machine(&self) -> Option<&Machine> {
        match &self.role {
            Role::Host(machine) => Some(machine),
            Role::Script(_) => None,
        }
    }

    /// The machine, for somebody to do something with it.
    pub(super) fn machine_mut(&mut self) -> Option<&mut Machine> {
        match &mut self.role {
            Role::Host(machine) => {
                machine.is_called = true;
                Some(machine)
            }
            Role::Script(_) => None,
        }
    }

    /// When it has something to do by itself.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let machine = self.machine().filter(|_| self.runs)?;
        if machine.is_called || machine.jack.is_ready() { Some(now) } else { machine.host.deadline() }
    }

    pub(super) fn send(
        &mut self,
        now: Instant,
        neighbor: Ipv4Addr,
        ether_type: EtherType,
        payload: &[u8],
    ) -> Sent {
        let Some(Machine { host, pool, .. }) = self.machine_mut() else {
            return Sent::Refused;
        };
        let Some(mut frame) = pool.take() else {
            return Sent::Refused;
        };
        if frame.write(payload).is_err() {
            pool.give(frame);
            return Sent::Refused;
        }
        host.send(now, neighbor, ether_type, frame, pool)
    }

    pub(super) fn start(&mut self, now: Instant) -> Result<(), ConfigError> {
        if let Some(machine) = self.machine_mut() {
            *machine = Machine::new(now, &machine.host.config().clone())?;
        }
        self.runs = true;
        Ok(())
    }
}

impl Machine {
    fn new(now: Instant, config: &Config) -> Result<Machine, ConfigError> {
        let host = Host::new(now, config)?;
        let pool = Pool::new(config.mtu, host.frames());
        Ok(Machine { host, pool, jack: Jack::new(config.mtu), is_called: true })
    }

    /// One turn of the loop.
    pub(super) fn turn(&mut self, now: Instant) {
        let turn = self.host.turn(now, &mut self.jack, &mut self.pool, &mut ());
        // A device in memory does not fail, and takes all it gets.
        self.is_called = turn.is_ok_and(|turn| turn.congested);
    }

    pub(super) fn counters(&self) -> Counters {
        self.jack.counters()
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seat { runs, interceptor, .. } = self;
        f.debug_struct("Seat")
            .field("machine", &self.machine())
            .field("runs", runs)
            .field("is_intercepted", &interceptor.is_some())
            .finish()
    }
}
