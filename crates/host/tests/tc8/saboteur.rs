//! What stands between the host and the wire, so that a case must fail.

use std::time::Duration;

use host::Speech;

use crate::packets::{self as p, Field};

/// Spoils one kind of what the host sends, in one way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saboteur {
    kind: Kind,
    deed: Deed,
}

/// A kind of frame that the host sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Reply,
    Payload,
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Drop,
    Double,
    Delay,
    Rewrite(Field, &'static [u8]),
}

/// Longer than the tester listens.
const LATE: Duration = Duration::from_millis(700);

/// Takes the frames away.
pub(crate) fn drops(kind: Kind) -> Saboteur {
    Saboteur { kind, deed: Deed::Drop }
}

/// Sends the frames twice.
pub(crate) fn doubles(kind: Kind) -> Saboteur {
    Saboteur { kind, deed: Deed::Double }
}

/// Holds the frames back until the tester has listened long enough.
pub(crate) fn delays(kind: Kind) -> Saboteur {
    Saboteur { kind, deed: Deed::Delay }
}

/// Puts other octets into a field of the frames.
pub(crate) fn rewrites(kind: Kind, field: Field, octets: &'static [u8]) -> Saboteur {
    Saboteur { kind, deed: Deed::Rewrite(field, octets) }
}

impl Saboteur {
    /// What reaches the wire of a frame that the host sends.
    pub(crate) fn spoil(self, octets: &[u8]) -> Vec<Speech> {
        let whole = (Duration::ZERO, octets.to_vec());
        if Kind::of(octets) != self.kind {
            return vec![whole];
        }
        match self.deed {
            Deed::Drop => Vec::new(),
            Deed::Double => vec![whole.clone(), whole],
            Deed::Delay => vec![(LATE, whole.1)],
            Deed::Rewrite(field, other) => vec![(Duration::ZERO, p::with(whole.1, field, other))],
        }
    }
}

impl Kind {
    fn of(octets: &[u8]) -> Kind {
        let is = |field, expected: &[u8]| p::holds(octets, field, expected).is_ok();
        match (is(p::ETHER_TYPE, &[8, 6]), is(p::OPERATION, &[0, 2])) {
            (false, _) => Kind::Payload,
            (true, true) => Kind::Reply,
            (true, false) => Kind::Request,
        }
    }
}
