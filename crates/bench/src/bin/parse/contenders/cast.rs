//! The baseline: unsafe casts.

use arp::{ArpReply, PacketFields};

use super::{Contender, Work};
use crate::frames::ParseDepth;

#[path = "../../../../../arp/benches/cast/packet.rs"]
mod packet;

pub(super) const READ: Contender = Contender {
    name: "read_cast",
    api: "unsafe read_unaligned",
    work: Work::Read(ParseDepth::Any, read_cast),
};
pub(super) const BUILD: Contender =
    Contender { name: "build_cast", api: "unsafe field writes", work: Work::Build(build_cast) };
pub(super) const REWRITE: Contender =
    Contender { name: "rewrite_cast", api: "unsafe field writes", work: Work::Rewrite(rewrite_cast) };

#[inline(never)]
fn read_cast(bytes: &[u8]) -> Option<PacketFields> {
    packet::parse(bytes)
}

#[inline(never)]
fn build_cast(fields: &PacketFields, bytes: &mut [u8]) -> Option<()> {
    packet::write(fields, bytes)
}

#[inline(never)]
fn rewrite_cast(answer: ArpReply, bytes: &mut [u8]) -> Option<()> {
    packet::write_over(answer, bytes)
}
