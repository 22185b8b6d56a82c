//! The absence of congestion control.

use tap::Instant;

use super::{MAXIMUM_WINDOW, Round, WindowControl};

/// A window that no event changes. The window is the largest one that a peer can advertise, so that only the peer's window
/// limits the data in flight: see [`CongestionControl::None`](crate::CongestionControl::None).
#[derive(Clone, Copy, Debug)]
pub struct Unlimited;

impl WindowControl for Unlimited {
    fn acknowledged(&mut self, _round: &Round, _bytes: u32) {}

    fn lost(&mut self, _round: &Round) {}

    fn marked(&mut self, _round: &Round) {}

    fn recovered(&mut self, _round: &Round) {}

    fn timed_out(&mut self, _round: &Round, _is_repeated: bool) {}

    fn undo(&mut self) {}

    fn resume(&mut self, _now: Instant) {}

    fn restart_after_idle(&mut self, _segment_size: u32) {}

    fn shrink_segments(&mut self, _from: u32, _to: u32) {}

    // spec: tcp-no-congestion-control
    fn window(&self) -> u32 {
        MAXIMUM_WINDOW
    }

    fn threshold(&self) -> u32 {
        MAXIMUM_WINDOW
    }
}
