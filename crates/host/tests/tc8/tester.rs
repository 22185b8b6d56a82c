//! The station that tests: it speaks to the host under test, and hears all that it says.

use std::error::Error;
use std::time::Duration;

use arp::{Policy, Settings};
use host::{Config, Faults, Port, Segment, Sent, Speech};
use link::EtherType;
use tap::Instant;

use crate::packets::{self as p, Field, OURS, PEER, SECOND, Station};
use crate::saboteur::Saboteur;

/// Why a case did not hold.
pub(crate) type Failure = Box<dyn Error>;

/// What came of a case.
pub(crate) type Outcome = Result<(), Failure>;

/// The protocol of the payloads that the host sends of its own accord.
pub(crate) const TEST: EtherType = EtherType(0x88b5);

/// How long the host keeps an entry that nothing confirms: under the 5 seconds after which it would ask again
/// whether an entry in use holds.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(4);

/// How long the tester listens.
const PATIENCE: Duration = Duration::from_millis(500);

pub(crate) struct Tester {
    wire: Segment,
    ours: Port,
}

/// What the host said while the tester listened.
pub(crate) struct Heard {
    arp: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
}

impl Tester {
    /// A host that has just started, alone on a wire with the tester, and perhaps a saboteur.
    pub(crate) fn new(policy: Policy, saboteur: Option<Saboteur>) -> Result<Tester, Failure> {
        let mut wire = Segment::new(Instant::ORIGIN, Faults::NONE);
        let address = format!("{}/24", OURS.protocol).parse()?;
        let table = Settings { timeout: TIMEOUT, ..Settings::default() };
        let config = Config { policy, table, ..Config::new(address, OURS.hardware) };
        let ours = wire.add(&config)?;
        if let Some(saboteur) = saboteur {
            wire.intercept(ours, move |_, octets| -> Vec<Speech> { saboteur.spoil(octets) });
        }
        Ok(Tester { wire, ours })
    }

    /// Says a frame, and listens.
    pub(crate) fn say(&mut self, frame: &[u8]) -> Result<Heard, Failure> {
        self.wire.inject(frame);
        self.listen()
    }

    /// Lets the host send a payload of its own accord, and listens.
    pub(crate) fn let_send(&mut self, to: Station) -> Result<Heard, Failure> {
        let sent = self.wire.send(self.ours, to.protocol, TEST, b"a payload");
        if sent == Sent::Refused {
            return Err("it refuses to send".into());
        }
        self.listen()
    }

    /// Waits until so long after the start.
    pub(crate) fn wait_until(&mut self, since_start: Duration) -> Outcome {
        self.wire.run_until(Instant::ORIGIN + since_start)?;
        self.wire.take_sightings();
        Ok(())
    }

    fn listen(&mut self) -> Result<Heard, Failure> {
        self.wire.run_for(PATIENCE)?;
        let all = self.wire.take_sightings().into_iter().map(|sighting| sighting.octets);
        let (arp, payloads) = all.partition(|octets| p::holds(octets, p::ETHER_TYPE, &[8, 6]).is_ok());
        Ok(Heard { arp, payloads })
    }

    /// The host sends at once what is for `to`, and asks nobody. Returns the frame.
    pub(crate) fn sends_at_once(&mut self, to: Station) -> Result<Vec<u8>, Failure> {
        let heard = self.let_send(to)?;
        if !heard.arp.is_empty() {
            return Err("it asks for an address that it was told".into());
        }
        one(heard.payloads, "payload")
    }

    /// The host sends at once what is for `to`, and to its hardware address.
    pub(crate) fn sends_to(&mut self, to: Station) -> Outcome {
        let frame = self.sends_at_once(to)?;
        p::holds(&frame, p::DESTINATION, &to.hardware.octets())
    }

    /// The host does not know `whom`: it asks before it sends. Returns the frame that it asks with.
    pub(crate) fn asks_for(&mut self, whom: Station) -> Result<Vec<u8>, Failure> {
        let heard = self.let_send(whom)?;
        if !heard.payloads.is_empty() {
            return Err("it sends to an address that it does not know".into());
        }
        one(heard.arp, "request")
    }

    /// The field of the request that the host makes for somebody it does not know.
    pub(crate) fn asks_with(&mut self, field: Field, octets: &[u8]) -> Outcome {
        p::holds(&self.asks_for(PEER)?, field, octets)
    }

    /// The host answers `frame` with one frame, and returns it.
    pub(crate) fn answers(&mut self, frame: &[u8]) -> Result<Vec<u8>, Failure> {
        one(self.say(frame)?.arp, "reply")
    }

    /// The field of the reply that the host makes to a request of [`PEER`].
    pub(crate) fn answers_with(&mut self, field: Field, octets: &[u8]) -> Outcome {
        p::holds(&self.answers(&p::request(PEER))?, field, octets)
    }

    /// The host answers `frame`, a request of `from`, by a reply that is right in every field.
    pub(crate) fn replies(&mut self, frame: &[u8], from: Station) -> Outcome {
        let reply = self.answers(frame)?;
        p::holds(&reply, p::DESTINATION, &from.hardware.octets())?;
        p::holds(&reply, p::SOURCE, &OURS.hardware.octets())?;
        p::holds(&reply, p::HARDWARE_TYPE, &[0, 1])?;
        p::holds(&reply, p::PROTOCOL_TYPE, &[8, 0])?;
        p::holds(&reply, p::HARDWARE_LENGTH, &[6])?;
        p::holds(&reply, p::PROTOCOL_LENGTH, &[4])?;
        p::holds(&reply, p::OPERATION, &[0, 2])?;
        p::holds(&reply, p::SENDER_HARDWARE, &OURS.hardware.octets())?;
        p::holds(&reply, p::SENDER_PROTOCOL, &OURS.protocol.octets())?;
        p::holds(&reply, p::TARGET_HARDWARE, &from.hardware.octets())?;
        p::holds(&reply, p::TARGET_PROTOCOL, &from.protocol.octets())
    }

    /// The host says nothing to `frame`, though it hears well: another's request gets its one reply.
    pub(crate) fn is_silent(&mut self, frame: &[u8]) -> Outcome {
        let Heard { arp, payloads } = self.say(frame)?;
        match arp.len() + payloads.len() {
            0 => self.replies(&p::request(SECOND), SECOND),
            count => Err(format!("{count} frames heard where none was due").into()),
        }
    }

    /// What waited for `whom` goes there now that `frame` was said, once.
    pub(crate) fn sends_what_waited(&mut self, frame: &[u8], whom: Station) -> Outcome {
        let payload = one(self.say(frame)?.payloads, "payload")?;
        p::holds(&payload, p::DESTINATION, &whom.hardware.octets())
    }
}

/// The only one there is.
fn one(mut heard: Vec<Vec<u8>>, what: &str) -> Result<Vec<u8>, Failure> {
    match (heard.len(), heard.pop()) {
        (1, Some(frame)) => Ok(frame),
        (count, _) => Err(format!("a {what} was due, {count} heard").into()),
    }
}
