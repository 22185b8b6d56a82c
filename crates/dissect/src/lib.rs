//! Dissection of frames: layers, fields and faults, with output as one line, JSON or an explanation.
//!
//! [`dissect`] takes the bytes of an Ethernet frame, [`dissect_captured`] also those of a frame with another link header.
//! Both return a [`Dissection`]:
//!
//! - [`Dissection::layers`]: Ethernet or another link header, VLAN tags, LLC and SNAP, ARP and RARP, IPv4, ICMP with the quoted datagram, UDP
//!   and TCP, each with its fields;
//! - [`Dissection::faults`]: violations of a standard, each with its field and the rule;
//! - [`Dissection::write_summary`]: one line in the format of tcpdump;
//! - `impl Serialize`: an object with all layers and faults;
//! - [`FrameFilter::matches`]: whether a filter in a subset of tcpdump's syntax matches;
//! - [`Dissection::explain`]: a diagram and the fields of each layer, then the faults.
//!
//! Any bytes are accepted, and the capture may have truncated the frame. No input makes the crate panic, and a layer never
//! extends beyond the frame.
#![forbid(unsafe_code)]

mod conversation;
mod explain;
mod fault;
mod filter;
mod frame;
mod ipv6;
mod json;
mod layers;
mod layout;
mod link_header;
mod requirement;
mod summary;
mod udp;

use std::fmt;

use capture::LinkType;
pub use conversation::TcpConversations;
pub use fault::{FaultRule, FrameFault};
pub use filter::{FilterError, FrameFilter};
pub use layers::{FieldValue, Layer, Layers, TAG_LIMIT};
pub use layout::{Field, FieldFormat, LAYOUTS, Layout};
pub use link_header::{EthernetForm, LINK_TYPES};
pub use summary::SummaryStyle;

use frame::DissectedFrame;

/// A dissected frame.
#[derive(Clone, Debug)]
pub struct Dissection<'a> {
    link_type: LinkType,
    bytes: &'a [u8],
    length: usize,
    faults: Vec<FrameFault>,
}

/// Dissects an Ethernet frame that was `length` bytes long on the wire; `bytes` is the captured part.
pub fn dissect(bytes: &[u8], length: usize) -> Dissection<'_> {
    dissect_captured(LinkType::ETHERNET, bytes, length)
}

/// Dissects a frame of a link type in [`LINK_TYPES`]. The frame was `length` bytes long, and `bytes` is the captured part.
pub fn dissect_captured(link_type: LinkType, bytes: &[u8], length: usize) -> Dissection<'_> {
    Dissection { link_type, bytes, length, faults: fault::faults(link_type, bytes, length) }
}

/// Returns the one-line summary of a complete frame, with its link header.
pub fn summarize(bytes: &[u8], conversations: &mut TcpConversations) -> String {
    let mut line = String::new();
    let style = SummaryStyle { link_header: true, verbose: false };
    // Writing to a String does not fail.
    let _ = dissect(bytes, bytes.len()).write_summary(&mut line, style, conversations);
    line
}

impl<'a> Dissection<'a> {
    /// Returns the layers of known protocols, outermost first.
    pub fn layers(&self) -> Layers<'a> {
        layers::layers(self.link_type, self.bytes, self.length)
    }

    /// Returns the faults and warnings. Truncation by the capture is not a fault.
    pub fn faults(&self) -> &[FrameFault] {
        &self.faults
    }

    /// Returns whether the frame has a fault that is not just a warning.
    pub fn is_faulty(&self) -> bool {
        self.faults.iter().any(|fault| !fault.is_warning)
    }

    /// Returns the bytes after the link header, or all bytes if the link header is invalid.
    pub fn payload(&self) -> &'a [u8] {
        let frame = DissectedFrame::parse(self.link_type, self.bytes, self.length);
        let offset = frame.map_or(0, |frame| frame.offset);
        self.bytes.get(offset..).unwrap_or(self.bytes)
    }

    /// Appends one line in the format of tcpdump, without a line break. Faults follow in brackets.
    pub fn write_summary(
        &self,
        line: &mut String,
        style: SummaryStyle,
        conversations: &mut TcpConversations,
    ) -> fmt::Result {
        summary::write(line, style, self, conversations)
    }

    /// Appends a diagram of each layer, its fields with values and meanings, then each fault with the rule that it breaks.
    pub fn explain(&self, page: &mut String) -> fmt::Result {
        explain::write(page, &self.layers(), &self.faults)
    }
}

#[cfg(test)]
mod tests;
