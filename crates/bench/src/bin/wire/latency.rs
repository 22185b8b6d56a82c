//! Latency mode: one request at a time.

use std::time::{Duration, Instant};

use crate::generator::TIMEOUT;
use crate::rounds::{Rounds, in_turn};
use crate::running::RunningContender;

/// Results of one contender.
#[derive(Debug)]
pub(crate) struct LatencyResult {
    pub(crate) contender: &'static str,
    /// Time in microseconds from sending each request to receiving its reply.
    pub(crate) us: Vec<f64>,
    pub(crate) unexpected: u64,
}

/// Measures one contender at a time. Each contender has one slice per round.
pub(crate) fn run(
    running: &mut [RunningContender],
    slice: Duration,
    rounds: Rounds,
) -> Result<Vec<LatencyResult>, String> {
    let mut lanes: Vec<_> = running.iter_mut().map(|member| (member, Vec::new())).collect();
    rounds.repeat(|round| {
        in_turn(&mut lanes, round, |(member, us)| {
            ask(member, us, slice).map_err(|error| format!("{}: {error}", member.contender))
        })
    })?;
    let timed = lanes.into_iter().map(|(member, us)| LatencyResult {
        contender: member.contender,
        us,
        unexpected: member.generator.unexpected(),
    });
    Ok(timed.collect())
}

fn ask(member: &mut RunningContender, us: &mut Vec<f64>, slice: Duration) -> Result<(), String> {
    let generator = &mut member.generator;
    generator.ensure_known(|| Ok(()))?;
    let begin = Instant::now();
    while begin.elapsed() < slice {
        let sent = Instant::now();
        generator.fill(1)?;
        while generator.receive(1)? == 0 {
            if sent.elapsed() > TIMEOUT {
                return Err("no reply to a request".to_owned());
            }
        }
        us.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    Ok(())
}
