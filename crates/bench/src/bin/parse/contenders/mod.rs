//! Who reads, builds and rewrites ARP frames, each in a function of its own that is never inlined: its
//! name is its symbol's, by which its instructions are counted and looked at.
//!
//! All readers do the same: they check that a frame carries ARP for Ethernet and IPv4 (hardware type,
//! protocol type, both lengths), and return the five other fields.

mod cast;
mod etherparse;
mod pnet;
mod smoltcp;
mod tapstack;

use arp::{ArpReply, PacketFields};

use crate::frames::ParseDepth;

/// Somebody who does one kind of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender {
    /// The function's name.
    pub(crate) name: &'static str,
    /// What it calls.
    pub(crate) api: &'static str,
    pub(crate) work: Work,
}

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Read the fields of a frame, as far as the reader can.
    Read(ParseDepth, fn(&[u8]) -> Option<PacketFields>),
    /// Write a packet.
    Build(fn(&PacketFields, &mut [u8]) -> Option<()>),
    /// Make a request the reply to it, where it lies.
    Rewrite(fn(ArpReply, &mut [u8]) -> Option<()>),
}

/// All of them, by their work. The first of each is the unsafe cast, beside which the others stand.
pub(crate) const ALL: &[Contender] = &[
    cast::READ,
    tapstack::READ_LAYERED,
    tapstack::READ_VIEW,
    smoltcp::READ_PACKET,
    smoltcp::READ_REPR,
    etherparse::READ_SLICES,
    etherparse::READ_SLICED_PACKET,
    pnet::READ,
    cast::BUILD,
    tapstack::BUILD,
    smoltcp::BUILD_PACKET,
    smoltcp::BUILD_REPR,
    etherparse::BUILD_ETH_IPV4,
    etherparse::BUILD_PACKET,
    pnet::BUILD,
    cast::REWRITE,
    tapstack::REWRITE,
    smoltcp::REWRITE_PACKET,
    smoltcp::REWRITE_REPR,
    pnet::REWRITE,
];

impl Work {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read(..) => "read",
            Self::Build(_) => "build",
            Self::Rewrite(_) => "rewrite",
        }
    }
}
