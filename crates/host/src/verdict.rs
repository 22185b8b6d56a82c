//! What became of a frame.

use std::fmt;

use link::EtherType;

/// What a host made of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An ARP packet was taken in.
    Arp(arp::Received),
    /// The frame was turned away.
    Dropped(Dropped),
}

/// Why a frame was turned away, and by which layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// By the link layer.
    Link(link::Dropped),
    /// By ARP.
    Arp(arp::Dropped),
    /// Nobody here speaks the protocol.
    Protocol(EtherType),
    /// An answer was due, and too many wait for the wire already.
    Congested,
}

impl Verdict {
    /// Why the frame was turned away, if it was.
    pub fn dropped(self) -> Option<Dropped> {
        match self {
            Self::Dropped(reason) => Some(reason),
            Self::Arp(_) => None,
        }
    }
}

impl From<link::Dropped> for Dropped {
    fn from(reason: link::Dropped) -> Self {
        Self::Link(reason)
    }
}

impl From<arp::Dropped> for Dropped {
    fn from(reason: arp::Dropped) -> Self {
        Self::Arp(reason)
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(reason) => reason.fmt(f),
            Self::Arp(reason) => reason.fmt(f),
            Self::Protocol(ether_type) => write!(f, "nobody here speaks {ether_type}"),
            Self::Congested => f.write_str("too many frames wait for the wire"),
        }
    }
}
