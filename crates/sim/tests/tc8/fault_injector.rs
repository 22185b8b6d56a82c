//! Faults injected between the host and the segment, which a case must detect.

use std::time::Duration;

use sim::ScriptedFrame;

use crate::packets::{self as p, Field};

/// Applies one fault to every frame of one kind that the host sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultInjector {
    kind: FrameKind,
    fault: Fault,
}

/// A kind of frame that the host sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Request,
    Reply,
    Payload,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Drop,
    Duplicate,
    Delay,
    Rewrite(Field, &'static [u8]),
}

/// A delay beyond the time for which the tester captures frames.
const DELAY: Duration = Duration::from_millis(700);

/// Drops the frames.
pub(crate) fn drop_all(kind: FrameKind) -> FaultInjector {
    FaultInjector { kind, fault: Fault::Drop }
}

/// Sends the frames twice.
pub(crate) fn duplicate(kind: FrameKind) -> FaultInjector {
    FaultInjector { kind, fault: Fault::Duplicate }
}

/// Delays the frames until the tester has stopped capturing.
pub(crate) fn delay(kind: FrameKind) -> FaultInjector {
    FaultInjector { kind, fault: Fault::Delay }
}

/// Overwrites a field of the frames.
pub(crate) fn rewrite(kind: FrameKind, field: Field, bytes: &'static [u8]) -> FaultInjector {
    FaultInjector { kind, fault: Fault::Rewrite(field, bytes) }
}

impl FaultInjector {
    /// Returns the frames that replace a frame of the host.
    pub(crate) fn inject(self, bytes: &[u8]) -> Vec<ScriptedFrame> {
        let whole = (Duration::ZERO, bytes.to_vec());
        if FrameKind::of(bytes) != self.kind {
            return vec![whole];
        }
        match self.fault {
            Fault::Drop => Vec::new(),
            Fault::Duplicate => vec![whole.clone(), whole],
            Fault::Delay => vec![(DELAY, whole.1)],
            Fault::Rewrite(field, other) => vec![(Duration::ZERO, p::with(whole.1, field, other))],
        }
    }
}

impl FrameKind {
    fn of(bytes: &[u8]) -> FrameKind {
        let is = |field, expected: &[u8]| p::expect_field(bytes, field, expected).is_ok();
        match (is(p::ETHER_TYPE, &[8, 6]), is(p::OPERATION, &[0, 2])) {
            (false, _) => FrameKind::Payload,
            (true, true) => FrameKind::Reply,
            (true, false) => FrameKind::Request,
        }
    }
}
