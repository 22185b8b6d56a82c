//! tapstack: the layered parsers, the single view, and the builders.

use arp::{ArpReply, FrameView, Packet, PacketFields};
use link::{EtherType, EthernetFrame};

use super::{Contender, Work};
use crate::frames::ParseDepth;

pub(super) const READ_LAYERED: Contender = Contender {
    name: "read_layered",
    api: "Ethernet::parse, Packet::parse",
    work: Work::Read(ParseDepth::Any, read_layered),
};
pub(super) const READ_VIEW: Contender =
    Contender { name: "read_view", api: "View::parse", work: Work::Read(ParseDepth::Any, read_view) };
pub(super) const BUILD: Contender =
    Contender { name: "build_fields", api: "Fields::write_to", work: Work::Build(build_fields) };
pub(super) const REWRITE: Contender =
    Contender { name: "rewrite_answer", api: "Answer::write_over", work: Work::Rewrite(rewrite_answer) };

#[inline(never)]
fn read_layered(bytes: &[u8]) -> Option<PacketFields> {
    let frame = EthernetFrame::parse(bytes).ok()?;
    if frame.ether_type() != EtherType::ARP {
        return None;
    }
    Packet::parse(frame.payload()).ok().map(PacketFields::from)
}

#[inline(never)]
fn read_view(bytes: &[u8]) -> Option<PacketFields> {
    let view = FrameView::parse(bytes).ok()?;
    if view.ethernet().ether_type() != EtherType::ARP {
        return None;
    }
    view.packet().ok().map(PacketFields::from)
}

#[inline(never)]
fn build_fields(fields: &PacketFields, bytes: &mut [u8]) -> Option<()> {
    fields.write_to(bytes).ok()
}

#[inline(never)]
fn rewrite_answer(answer: ArpReply, bytes: &mut [u8]) -> Option<()> {
    answer.write_over(bytes).ok()
}
