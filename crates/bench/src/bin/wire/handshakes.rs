//! The client of the load `tcp-accept`: opens connections with SYN and ACK, and ends them with RST.

use std::time::{Duration, Instant};

use crate::drain::{add, timed};
use crate::engine::Engine;
use crate::generator::{Generator, TIMEOUT};
use crate::segments::{ACK, Numbers, RST, SYN, frame, syn_ack};
use crate::traffic::ABSENT_MAC;

/// Opens and ends connections.
#[derive(Debug)]
pub(crate) struct Handshakes {
    /// Port of the next connection.
    port: u16,
    /// Whether the responder leaves checksums to its network card.
    has_partial_checksums: bool,
}

/// Cost of the connections of a round: wall-clock time and CPU time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HandshakeCost {
    /// Cost of the responder.
    pub(crate) responder: (Duration, Duration),
    /// Cost of the kernel, including the sending of the segments.
    pub(crate) total: Option<(Duration, Duration)>,
}

/// Ports of the connections. A contender has forgotten the connections of a port when the port is used again.
const PORTS: std::ops::Range<u16> = 1_024..65_000;
/// Initial sequence number of the requester.
const SEQUENCE: u32 = 1_000;

impl Handshakes {
    pub(crate) fn new(has_partial_checksums: bool) -> Handshakes {
        Handshakes { port: PORTS.start, has_partial_checksums }
    }

    /// Opens `count` connections and ends them: sends all segments of a kind, and then lets the responder process them.
    pub(crate) fn round(
        &mut self,
        generator: &mut Generator,
        engine: &mut dyn Engine,
        is_kernel: bool,
        count: u16,
    ) -> Result<HandshakeCost, String> {
        let mut cost = HandshakeCost::default();
        let first = if self.port + count > PORTS.end { PORTS.start } else { self.port };
        self.port = first + count;
        let ports = first..first + count;
        let mut send = |generator: &mut Generator, frames: &[Vec<u8>]| {
            let phase = if is_kernel { kernel_phase } else { phase };
            phase(&mut cost, generator, engine, frames)
        };

        let syns: Vec<_> = ports.clone().map(|port| segment(port, SEQUENCE, 0, SYN)).collect();
        send(generator, &syns)?;
        let sequences = collect(generator, &ports, self.has_partial_checksums)?;
        let numbered = ports.zip(sequences);
        let acks: Vec<_> =
            numbered.clone().map(|(port, sequence)| segment(port, SEQUENCE + 1, sequence + 1, ACK)).collect();
        send(generator, &acks)?;
        let resets: Vec<_> = numbered.map(|(port, _)| segment(port, SEQUENCE + 1, 0, RST)).collect();
        send(generator, &resets)?;
        Ok(cost)
    }
}

fn segment(port: u16, sequence: u32, acknowledgment: u32, flags: u8) -> Vec<u8> {
    frame(Numbers { port, sequence, acknowledgment }, flags)
}

/// Sends frames, and adds the cost of the engine that processes them.
fn phase(
    cost: &mut HandshakeCost,
    generator: &mut Generator,
    engine: &mut dyn Engine,
    frames: &[Vec<u8>],
) -> Result<(), String> {
    generator.send_frames(frames)?;
    let (took, drained) = timed(|| engine.drain(frames.len()));
    drained?;
    add(&mut cost.responder, took);
    Ok(())
}

/// Sends frames to the kernel, which processes them during the call. The cost is that of the call and of the engine, minus
/// the cost of sending the same frames to an absent station.
fn kernel_phase(
    cost: &mut HandshakeCost,
    generator: &mut Generator,
    engine: &mut dyn Engine,
    frames: &[Vec<u8>],
) -> Result<(), String> {
    let unanswered: Vec<_> = frames.iter().map(|frame| [&ABSENT_MAC[..], &frame[6..]].concat()).collect();
    let (base, sent) = timed(|| generator.send_frames(&unanswered));
    sent?;
    let (took, answered) = timed(|| {
        generator.send_frames(frames)?;
        engine.drain(frames.len())
    });
    answered?;
    add(&mut cost.responder, (took.0.saturating_sub(base.0), took.1.saturating_sub(base.1)));
    add(cost.total.get_or_insert_default(), took);
    Ok(())
}

/// Receives a SYN,ACK for each port, and returns their sequence numbers in the order of the ports.
fn collect(
    generator: &mut Generator,
    ports: &std::ops::Range<u16>,
    has_partial_checksums: bool,
) -> Result<Vec<u32>, String> {
    let mut sequences = vec![None; ports.len()];
    let begin = Instant::now();
    while sequences.iter().any(Option::is_none) {
        generator.receive_frames(|frame| {
            let numbers = syn_ack(frame, has_partial_checksums)
                .filter(|numbers| ports.contains(&numbers.port) && numbers.acknowledgment == SEQUENCE + 1);
            let place =
                numbers.and_then(|numbers| sequences.get_mut(usize::from(numbers.port - ports.start)));
            if let (Some(place), Some(numbers)) = (place, numbers) {
                *place = Some(numbers.sequence);
                return true;
            }
            false
        })?;
        if begin.elapsed() > TIMEOUT {
            let missing = sequences.iter().filter(|sequence| sequence.is_none()).count();
            return Err(format!("{missing} of {} SYN,ACKs missing", ports.len()));
        }
    }
    Ok(sequences.into_iter().flatten().collect())
}
