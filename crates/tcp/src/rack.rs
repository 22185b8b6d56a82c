//! Loss detection by time (RFC 8985, RACK).

use std::time::Duration;

use tap::Instant;

use crate::scoreboard::{LONGEST_TURN, Scoreboard, Sent, Verdict};
use crate::timestamp_clock::timestamp;
use crate::{SackBlock, SequenceNumber};

/// Detects losses: a segment is lost if a segment that was sent sufficiently later is delivered.
///
/// All times are those of turns: segments that are sent in one turn have the same time, and are ordered by their sequence
/// numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rack {
    /// `RACK.xmit_ts`: time of the last transmission of the delivered segment that was sent last.
    sent_at: Instant,
    /// `RACK.end_seq`: the sequence number after this segment.
    end: SequenceNumber,
    /// `RACK.rtt`: round-trip time of the segment that was delivered last.
    rtt: Duration,
    /// Latest transmission among the segments that the current acknowledgment delivers.
    latest: Instant,
    /// `RACK.min_RTT`.
    minimum_rtt: MinimumRtt,
    /// `RACK.fack`: the sequence number after the highest delivered one.
    highest: SequenceNumber,
    /// Number of acknowledgments that delivered a segment out of order.
    reorderings: u32,
    /// Whether the current acknowledgment is one of them.
    is_reordering: bool,
    /// Largest distance from the start of a segment that was delivered out of order to the highest delivered number.
    reordering: u32,
    /// `RACK.reo_wnd_mult`.
    multiplier: u32,
    /// `RACK.reo_wnd_persist`: number of recoveries until the multiplier becomes one.
    persistence: u8,
    /// `RACK.dsack_round`: SND.NXT when a duplicate was reported; its acknowledgment ends the round trip.
    duplicate_round: Option<SequenceNumber>,
}

/// The smallest RTT of the last minutes.
#[derive(Clone, Copy, Debug)]
struct MinimumRtt {
    since: Instant,
    current: Option<Duration>,
    /// The smallest RTT of the interval before `since`.
    previous: Option<Duration>,
}

/// Times of an acknowledgment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AckTime {
    pub(crate) now: Instant,
    /// The echoed timestamp (`TSecr`), if the connection has timestamps. `None` for selective acknowledgments.
    pub(crate) echo: Option<u32>,
    /// Offset of the local timestamp clock.
    pub(crate) offset: u32,
}

/// Circumstances that determine the reordering window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    /// Smoothed RTT.
    pub(crate) smoothed_rtt: Option<Duration>,
    /// Whether a recovery from losses is in progress.
    pub(crate) is_recovering: bool,
    /// Number of segments that are selectively acknowledged.
    pub(crate) sacked_segments: u32,
}

/// Number of selectively acknowledged segments that mean a loss if no segment was ever reordered.
const DUPLICATE_THRESHOLD: u32 = 3;

/// Number of recoveries after which the multiplier of the reordering window becomes one.
const PERSISTENCE: u8 = 16;

impl MinimumRtt {
    /// Half of the time for which a sample counts.
    const INTERVAL: Duration = Duration::from_mins(2);

    fn sample(&mut self, now: Instant, rtt: Duration) {
        if now.since(self.since) >= Self::INTERVAL {
            *self = MinimumRtt { since: now, current: None, previous: self.current };
        }
        self.current = Some(self.current.map_or(rtt, |current| current.min(rtt)));
    }

    fn get(&self) -> Option<Duration> {
        [self.current, self.previous].into_iter().flatten().min()
    }
}

impl AckTime {
    /// Returns whether the peer echoes a timestamp from before `time`.
    pub(crate) fn is_echo_before(&self, time: Instant) -> bool {
        self.echo.is_some_and(|echo| {
            SequenceNumber::new(echo).is_before(SequenceNumber::new(timestamp(time, self.offset)))
        })
    }
}

impl Rack {
    /// Creates the state of a connection with this sequence number of its first data.
    pub(crate) fn new(now: Instant, first: SequenceNumber) -> Rack {
        Rack {
            sent_at: Instant::ORIGIN,
            end: first,
            rtt: Duration::ZERO,
            latest: Instant::ORIGIN,
            minimum_rtt: MinimumRtt { since: now, current: None, previous: None },
            highest: first,
            reorderings: 0,
            is_reordering: false,
            reordering: 0,
            multiplier: 1,
            persistence: 0,
            duplicate_round: None,
        }
    }

    /// Takes a sample of the RTT.
    // spec: rfc8985-minimum-rtt
    pub(crate) fn sample(&mut self, now: Instant, rtt: Duration) {
        self.minimum_rtt.sample(now, rtt);
    }

    /// Processes the delivery of a segment. The segments of an acknowledgment are delivered in ascending order.
    pub(crate) fn delivered(&mut self, time: &AckTime, sent: &Sent) {
        // RFC 8985 6.2 step 3: "If a never-retransmitted segment that's below RACK.fack is (selectively or cumulatively)
        // acknowledged, it has been delivered out of order."
        // spec: rfc8985-reordering
        if self.highest.is_before(sent.end) {
            self.highest = sent.end;
        } else if sent.end.is_before(self.highest) && !sent.is_retransmitted {
            if !std::mem::replace(&mut self.is_reordering, true) {
                self.reordered();
            }
            self.reordering = self.reordering.max(self.highest.distance_from(sent.start));
        }
        let sent_at = sent.mark.sent_at();
        let rtt = time.now.since(sent_at);
        // RFC 8985 6.2 step 2: "ignore a segment as invalid if any of its sequence range has been retransmitted before and if
        // either of two conditions is true": the echoed timestamp "indicates the ACK was not acknowledging the last
        // retransmission of the segment", or "The segment was last retransmitted less than RACK.min_rtt ago."
        // spec: rfc8985-newest
        let is_too_soon = self.minimum_rtt.get().is_some_and(|minimum| rtt < minimum);
        if sent.is_retransmitted && (time.is_echo_before(sent_at) || is_too_soon) {
            return;
        }
        // RFC 8985 6.2: the segments are processed "in ascending order of Segment.xmit_ts".
        if self.latest <= sent_at {
            (self.latest, self.rtt) = (sent_at, rtt);
        }
        if is_sent_after((sent_at, sent.end), (self.sent_at, self.end)) {
            (self.sent_at, self.end) = (sent_at, sent.end);
        }
    }

    /// Processes an acknowledgment up to `unacknowledged`, after its deliveries. `duplicate` if the acknowledgment reports
    /// data that was received twice (RFC 2883). `next` is SND.NXT.
    // spec: rfc8985-duplicate-rounds
    pub(crate) fn acknowledged(
        &mut self,
        unacknowledged: SequenceNumber,
        next: SequenceNumber,
        is_duplicate: bool,
    ) {
        (self.latest, self.is_reordering) = (Instant::ORIGIN, false);
        // RFC 8985 6.2 step 4: "If RACK.dsack_round is not None AND SND.UNA >= RACK.dsack_round: RACK.dsack_round = None".
        if self.duplicate_round.is_some_and(|end| end.is_at_or_before(unacknowledged)) {
            self.duplicate_round = None;
        }
        // "Grow the reordering window per round that sees DSACK."
        if self.duplicate_round.is_none() && is_duplicate {
            self.duplicate_round = Some(next);
            self.multiplier = self.multiplier.saturating_add(1);
            self.persistence = PERSISTENCE;
        }
    }

    /// Processes the end of a recovery.
    pub(crate) fn recovered(&mut self) {
        // RFC 8985 6.2 step 4: "Reset the window after 16 DSACK-free recoveries".
        // spec: rfc8985-persistence
        self.persistence = self.persistence.saturating_sub(1);
        if self.persistence == 0 {
            self.multiplier = 1;
        }
    }

    /// Marks the lost segments. Returns the number of lost bytes, and the time when the next segment is lost unless it is
    /// delivered before.
    pub(crate) fn detect(
        &self,
        now: Instant,
        scoreboard: &mut Scoreboard,
        circumstances: &Circumstances,
    ) -> (u32, Option<Instant>) {
        let patience = self.rtt.saturating_add(self.reordering_window(circumstances));
        let mut next = None;
        // RFC 8985 6.2 step 5: "RACK considers that segment lost if another segment that was sent later has been delivered
        // and the reordering window has passed." "For timely loss detection, it is RECOMMENDED that the sender install a
        // reordering timer."
        // spec: rfc8985-lost, rfc8985-reordering-timer
        let lost = scoreboard.lose(|sent| {
            let sent_at = sent.mark.sent_at();
            if self.sent_at < sent_at {
                return Verdict::WaitForAll;
            }
            if !is_sent_after((self.sent_at, self.end), (sent_at, sent.end)) {
                // The records behind it have the same time and later ends, unless they were sent again.
                return if sent.is_retransmitted { Verdict::Wait } else { Verdict::WaitForAll };
            }
            if sent_at + patience <= now {
                return Verdict::Lost;
            }
            next = Some(sent_at + patience);
            Verdict::WaitForAll
        });
        (lost, next)
    }

    /// Marks the segments that are lost after an expiry of the retransmission timer.
    pub(crate) fn detect_at_timeout(
        &self,
        now: Instant,
        scoreboard: &mut Scoreboard,
        circumstances: &Circumstances,
    ) {
        let patience = self.rtt.saturating_add(self.reordering_window(circumstances));
        // RFC 8985 6.3: "RACK marks the first outstanding segment as lost (since it was sent an RTO ago); for all the other
        // segments, RACK only marks the segment as lost if the time elapsed since the segment was transmitted is at least
        // the sum of the recent RTT and the reordering window."
        // spec: rfc8985-timeout
        scoreboard.lose(|sent| {
            if sent.mark.sent_at() + patience <= now { Verdict::Lost } else { Verdict::WaitForAll }
        });
        scoreboard.lose_first();
    }

    /// Returns the reordering window (RFC 8985 6.2 step 4, `RACK_update_reo_wnd`).
    // spec: rfc8985-window
    fn reordering_window(&self, circumstances: &Circumstances) -> Duration {
        // "If RACK.reordering_seen is FALSE: If in Fast or RTO recovery: Return 0. Else if RACK.segs_sacked >= DupThresh:
        // Return 0."
        let is_certain = circumstances.is_recovering || circumstances.sacked_segments >= DUPLICATE_THRESHOLD;
        if self.reorderings == 0 && is_certain {
            return Duration::ZERO;
        }
        // "Return min(RACK.reo_wnd_mult * RACK.min_RTT / 4, SRTT)". A shorter time than the longest turn has no meaning.
        let window = (self.minimum_rtt.get().unwrap_or_default() / 4).saturating_mul(self.multiplier);
        window.min(circumstances.smoothed_rtt.unwrap_or_default()).max(LONGEST_TURN)
    }

    /// Counts a reordering: a segment was delivered out of order, or segments that were taken for lost were delivered.
    pub(crate) fn reordered(&mut self) {
        self.reorderings = self.reorderings.saturating_add(1);
    }

    /// Returns the largest distance of a reordering, in bytes.
    pub(crate) fn reordering(&self) -> u32 {
        self.reordering
    }

    /// Returns the number of acknowledgments that delivered a segment out of order.
    pub(crate) fn reorderings(&self) -> u32 {
        self.reorderings
    }
}

/// Returns whether a segment was sent after another segment. Segments of the same time are ordered by their ends.
fn is_sent_after(one: (Instant, SequenceNumber), other: (Instant, SequenceNumber)) -> bool {
    // spec: rfc8985-ties
    one.0 > other.0 || one.0 == other.0 && other.1.is_before(one.1)
}

/// Returns the data that an acknowledgment reports as received twice (RFC 2883): its first block, if the data is
/// acknowledged or part of the second block.
pub(crate) fn duplicate_block(acknowledgment: SequenceNumber, blocks: &[SackBlock]) -> Option<SackBlock> {
    // RFC 2883 4: "the SACK sequence space specified in the first SACK block" is compared "with the cumulative ACK", and
    // with "the SACK sequence space in the second SACK block, if there is one."
    // spec: rfc2883-sender
    let first = *blocks.first()?;
    let is_within = |second: &SackBlock| {
        second.start.is_at_or_before(first.start) && first.end.is_at_or_before(second.end)
    };
    let is_duplicate = first.end.is_at_or_before(acknowledgment) || blocks.get(1).is_some_and(is_within);
    (is_duplicate && first.start.is_before(first.end)).then_some(first)
}

#[cfg(test)]
mod tests;
