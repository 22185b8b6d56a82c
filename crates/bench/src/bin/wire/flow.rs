//! Flow mode: a fixed number of outstanding requests on two CPUs, in slices that alternate between the contenders.

use std::time::{Duration, Instant};

use crate::cpu::ThreadClock;
use crate::generator::{FRAMES_PER_CALL, TIMEOUT};
use crate::rounds::{Rounds, in_turn};
use crate::running::RunningContender;
use crate::stats::{ns, number};

/// Results of one contender.
#[derive(Debug)]
pub(crate) struct FlowResult {
    pub(crate) contender: &'static str,
    /// Number of replies per second in each slice.
    pub(crate) rates: Vec<f64>,
    pub(crate) replies: usize,
    pub(crate) unexpected: u64,
    /// CPU time of the contender's thread per reply, in nanoseconds.
    pub(crate) cpu_ns: Option<f64>,
    /// CPU time of the contender and the requester per reply, in nanoseconds. The requester never sleeps.
    pub(crate) total_ns: f64,
}

#[derive(Default)]
struct Slices {
    rates: Vec<f64>,
    replies: usize,
    time: Duration,
    cpu: Duration,
}

/// Keeps `window` requests outstanding to one contender at a time. Each contender has one slice per round.
pub(crate) fn run(
    running: &mut [RunningContender],
    window: usize,
    slice: Duration,
    rounds: Rounds,
) -> Result<Vec<FlowResult>, String> {
    let mut lanes: Vec<_> = running.iter_mut().map(|member| (member, Slices::default())).collect();
    rounds.repeat(|round| {
        in_turn(&mut lanes, round, |(member, slices)| {
            slices.add(member, window, slice).map_err(|error| format!("{}: {error}", member.contender))
        })
    })?;
    Ok(lanes.into_iter().map(|(member, slices)| slices.sum_up(member)).collect())
}

impl Slices {
    fn add(&mut self, member: &mut RunningContender, window: usize, slice: Duration) -> Result<(), String> {
        let clock = member.clock;
        let generator = &mut member.generator;
        // The contender adds the requester to its ARP cache. The reply shows that its thread is awake: that of the kernel
        // does not answer ARP.
        generator.ensure_known(|| Ok(()))?;
        generator.fill(1)?;
        generator.collect()?;
        let used = || clock.map_or(Duration::ZERO, ThreadClock::now);
        let (mut begin, mut cpu, mut replies) = (Instant::now(), used(), 0);
        let mut last_reply = begin;
        // The first tenth of the slice fills the window and is not measured.
        let mut is_warm = false;
        loop {
            let free = window - generator.outstanding();
            if free > 0 {
                generator.send(free)?;
            }
            let received = generator.receive(FRAMES_PER_CALL)?;
            replies += received;
            let now = Instant::now();
            if received > 0 {
                last_reply = now;
            } else if now.duration_since(last_reply) > TIMEOUT {
                return Err(format!("timeout: {} replies missing", generator.outstanding()));
            }
            let elapsed = now.duration_since(begin);
            if is_warm && elapsed >= slice {
                self.note(elapsed, used().saturating_sub(cpu), replies);
                return generator.collect();
            }
            if !is_warm && elapsed >= slice / 10 {
                (is_warm, begin, cpu, replies) = (true, now, used(), 0);
            }
        }
    }

    fn note(&mut self, elapsed: Duration, cpu: Duration, replies: usize) {
        self.rates.push(number(replies) / elapsed.as_secs_f64());
        self.replies += replies;
        self.time += elapsed;
        self.cpu += cpu;
    }

    fn sum_up(self, member: &RunningContender) -> FlowResult {
        let replies = number(self.replies.max(1));
        FlowResult {
            contender: member.contender,
            rates: self.rates,
            replies: self.replies,
            unexpected: member.generator.unexpected(),
            cpu_ns: member.clock.map(|_| ns(self.cpu) / replies),
            total_ns: ns(self.time + self.cpu) / replies,
        }
    }
}
