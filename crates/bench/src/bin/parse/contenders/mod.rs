//! The contenders: functions that read, build and rewrite ARP frames. The functions are never inlined, so that their
//! symbols identify their instructions.
//!
//! All readers do the same work: they check that a frame carries ARP for Ethernet and IPv4 (hardware type, protocol
//! type, both lengths) and return the other five fields.

mod cast;
mod etherparse;
mod pnet;
mod smoltcp;
mod tapstack;

use arp::{ArpReply, PacketFields};

use crate::frames::ParseDepth;

/// A function that does one kind of work with one library.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender {
    /// Name of the function.
    pub(crate) name: &'static str,
    /// Library call that the function makes.
    pub(crate) api: &'static str,
    pub(crate) work: Work,
}

/// Kind of work, with the function.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Read the fields of a frame, up to the parse depth of the reader.
    Read(ParseDepth, fn(&[u8]) -> Option<PacketFields>),
    /// Build a packet.
    Build(fn(&PacketFields, &mut [u8]) -> Option<()>),
    /// Rewrite a request in place as its reply.
    Rewrite(fn(ArpReply, &mut [u8]) -> Option<()>),
}

/// The contenders, grouped by kind of work. The first contender of each group is the unsafe cast, the baseline.
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
    /// Returns the name of the kind of work.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read(..) => "read",
            Self::Build(_) => "build",
            Self::Rewrite(_) => "rewrite",
        }
    }
}
