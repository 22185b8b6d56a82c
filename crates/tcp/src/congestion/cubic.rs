//! CUBIC (RFC 9438).

mod hystart;
mod stage;

use tap::Instant;

use self::hystart::{Growth, HyStart};
use self::stage::Stage;
use super::window::Window;
use super::{MAXIMUM_WINDOW, Round, WindowControl};

/// The window of RFC 9438, counted in bytes.
///
/// After a reduction, the window grows by a cubic function of time: fast up to the window that had a loss, slowly around
/// this window, and then fast again. The window is at least that of a Reno sender. An increase of the RTT ends the initial
/// slow start (`HyStart++`, RFC 9406).
#[derive(Clone, Copy, Debug)]
pub struct Cubic {
    state: CubicState,
    hystart: HyStart,
    /// The state before the last reduction of the threshold.
    before_reduction: Option<CubicState>,
}

/// What an undo restores.
#[derive(Clone, Copy, Debug)]
struct CubicState {
    window: Window,
    /// `W_max`: the window before the last reduction, or less with fast convergence. Zero if unknown.
    maximum: u32,
    /// `cwnd_prior`: the window before the last reduction.
    prior: u32,
    /// The current stage of congestion avoidance.
    stage: Option<Stage>,
}

impl Cubic {
    /// Creates the state of a connection with this initial window in bytes.
    pub fn new(initial_window: u32) -> Cubic {
        let state = CubicState { window: Window::new(initial_window), maximum: 0, prior: 0, stage: None };
        Cubic { state, hystart: HyStart::new(), before_reduction: None }
    }

    /// Lowers the threshold at a congestion event, and ends the stage. Returns the reduced flight, without a minimum.
    fn reduce(&mut self, round: &Round) -> u32 {
        self.before_reduction = Some(self.state);
        let state = &mut self.state;
        let window = state.window.size;
        // spec: rfc9438-fast-convergence
        // RFC 9438 4.7: W_max is "cwnd * (1 + beta_cubic) / 2 if cwnd < W_max and fast convergence enabled, further reduce
        // W_max", and "cwnd otherwise, remember cwnd before reduction".
        state.maximum = if window < state.maximum { share(window, 17, 20) } else { window };
        // RFC 9438 4.6: "cwnd_prior = cwnd".
        state.prior = window;
        state.stage = None;
        // spec: rfc9438-decrease
        // RFC 9438 4.6: "ssthresh = flight_size * beta_cubic", with a beta of 0.7. "a rate-limited application with idle
        // periods or periods when unable to send at the full rate permitted by cwnd could easily encounter notable
        // variations in the volume of data sent from one RTT to another, resulting in flight_size that is significantly less
        // than cwnd when there is a congestion event." So the largest flight of the last round trip counts.
        let flight = round.in_flight.max(round.maximum_in_flight).min(window);
        let reduced = share(flight, 7, 10);
        state.window.threshold = reduced.max(round.segment_size.saturating_mul(2)).min(MAXIMUM_WINDOW);
        reduced
    }
}

impl WindowControl for Cubic {
    fn acknowledged(&mut self, round: &Round, bytes: u32) {
        // RFC 3168 6.1.2: "The sending TCP SHOULD NOT increase the congestion window in response to the receipt of an ECN-Echo
        // ACK packet."
        // spec: rfc3168-no-growth
        if round.is_echoed {
            return;
        }
        let state = &mut self.state;
        // spec: rfc9406-initial
        let growth =
            if state.window.has_threshold() { Growth::Full } else { self.hystart.acknowledged(round) };
        let bytes = match growth {
            Growth::Full => bytes,
            Growth::Quarter => bytes / 4,
            Growth::End => {
                // RFC 9438 4.10: "When CUBIC uses HyStart++ [RFC9406], it may exit the first slow start without incurring any
                // packet loss and thus W_max is undefined. In this special case, CUBIC sets cwnd_prior = cwnd and switches to
                // congestion avoidance."
                // spec: rfc9438-delay
                (state.window.threshold, state.prior) = (state.window.size, state.window.size);
                bytes
            }
        };
        let left = state.window.slow_start(round, bytes);
        let window = state.window.size;
        if window < state.window.threshold {
            state.stage = None;
            return;
        }
        if !round.is_window_limited {
            // spec: rfc9438-application-limited
            // RFC 9438 5.8: "CUBIC does not increase its congestion window if a flow is application limited."
            if let Some(stage) = &mut state.stage {
                stage.skip_to(round.now);
            }
            return;
        }
        let (now, segment_size, prior) = (round.now, round.segment_size, state.prior);
        let growth = state.stage.get_or_insert_with(|| Stage::new(now, window, state.maximum, segment_size));
        let rtt = round.rtt.unwrap_or_default();
        state.window.size = growth.grow(now, rtt, segment_size, (window, prior), left);
    }

    fn lost(&mut self, round: &Round) {
        self.reduce(round);
        self.state.window.size = self.state.window.threshold;
    }

    fn marked(&mut self, round: &Round) {
        // spec: rfc9438-mark, rfc3168-response
        // RFC 9438 4.6: "CUBIC MUST continue to reduce cwnd in response to congestion events detected by ECN-Echo ACKs until
        // it reaches a value of 1 SMSS." A mark is no mistake, so that nothing is undone.
        let window = self.state.window.size;
        self.state.window.size = self.reduce(round).max(round.segment_size).min(window);
        self.before_reduction = None;
    }

    fn recovered(&mut self, round: &Round) {
        self.state.window.deflate(round);
    }

    fn timed_out(&mut self, round: &Round, is_repeated: bool) {
        // spec: rfc9438-timeout
        // RFC 9438 4.8: "In the case of a timeout, CUBIC follows Reno to reduce cwnd [RFC5681] but sets ssthresh using
        // beta_cubic". "During the first congestion avoidance stage after a timeout, CUBIC increases its congestion window
        // size using Figure 1, where [...] K is set to 0".
        if !is_repeated {
            self.reduce(round);
        }
        let state = &mut self.state;
        (state.window.size, state.maximum, state.stage) = (round.segment_size, 0, None);
    }

    fn undo(&mut self) {
        // spec: rfc9438-undo
        // RFC 9438 4.9.2: "Once the previously declared packet loss is confirmed to be spurious, CUBIC MAY restore the
        // original values of the above-mentioned variables as follows if the current cwnd is lower than cwnd_prior."
        if let Some(before) = self.before_reduction.take()
            && self.state.window.size < self.state.prior
        {
            self.state = before;
        }
    }

    fn resume(&mut self, now: Instant) {
        if let Some(stage) = &mut self.state.stage {
            stage.skip_to(now);
        }
    }

    fn restart_after_idle(&mut self, segment_size: u32) {
        let before = self.state.window.size;
        self.state.window.restart(segment_size);
        if self.state.window.size < before {
            self.state.stage = None;
        }
    }

    fn shrink_segments(&mut self, from: u32, to: u32) {
        self.state.window.shrink(from, to);
        self.state.stage = None;
    }

    fn window(&self) -> u32 {
        self.state.window.size
    }

    fn threshold(&self) -> u32 {
        self.state.window.threshold
    }
}

/// Returns a share of a number of bytes.
fn share(bytes: u32, numerator: u32, denominator: u32) -> u32 {
    let share = u64::from(bytes) * u64::from(numerator) / u64::from(denominator);
    u32::try_from(share).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
