//! Frames that arrive, and ARP.

use arp::{Fields, View};
use link::{DestinationKind, EtherType, MacAddr, ReceivedFrame};
use tap::{Checksum, Frame, Instant};

use crate::output::TxDropReason;
use crate::stack::{Out, Stack};
use crate::{DropReason, FrameOutcome};

/// A frame's payload: where it starts, and how the frame was addressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload {
    /// Octets before it.
    pub(crate) offset: usize,
    /// Whom the frame was for.
    pub(crate) cast: DestinationKind,
    /// Which of our stations, if it was for one.
    pub(crate) station: Option<MacAddr>,
    /// What is known of its transport checksum.
    pub(crate) checksum: Checksum,
}

impl Stack {
    pub(crate) fn receive(&mut self, now: Instant, frame: Frame, out: &mut Out<'_>) -> FrameOutcome {
        let view = View::parse(frame.bytes());
        let accepted = self.link.receive(view.map(|view| view.ethernet()));
        let (view, ReceivedFrame { frame: ethernet, cast }) =
            match view.and_then(|view| Ok((view, accepted?))) {
                Ok(seen) => seen,
                Err(reason) => {
                    out.pool.give(frame);
                    return FrameOutcome::Dropped(reason.into());
                }
            };
        let station = (cast == DestinationKind::Unicast).then_some(ethernet.destination());
        let checksum = frame.checksum();
        let payload = Payload { offset: ethernet.payload_offset(), cast, station, checksum };
        match ethernet.ether_type() {
            EtherType::ARP => {
                let received = self.arp.judge(now, station, view.packet());
                self.answer(received, payload.offset, frame, out)
            }
            // The payload ends where the link layer says, and IPv4's total length lies within.
            EtherType::IPV4 => {
                let length = ethernet.payload().len();
                self.receive_ipv4(now, frame, payload, length, out)
            }
            other => {
                // spec: drops-counted
                self.counts.unspoken = self.counts.unspoken.saturating_add(1);
                out.pool.give(frame);
                FrameOutcome::Dropped(DropReason::UnsupportedEtherType(other))
            }
        }
    }

    /// Turns the request in `frame`, its packet `offset` octets in, into the reply that is due.
    fn answer(
        &mut self,
        received: Result<arp::Received, arp::Dropped>,
        offset: usize,
        mut frame: Frame,
        out: &mut Out<'_>,
    ) -> FrameOutcome {
        let verdict = received.map_or_else(|reason| FrameOutcome::Dropped(reason.into()), FrameOutcome::Arp);
        let Ok(arp::Received { answer: Some(answer), .. }) = received else {
            out.pool.give(frame);
            return verdict;
        };
        // spec: rfc826-reply-to, rfc826-reply-padding
        frame.set_checksum(Checksum::None);
        let rewritten = frame.narrow(offset, Fields::LENGTH).is_ok()
            && answer.write_over(frame.bytes_mut()).is_ok()
            && self.link.add_header(&mut frame, answer.to, answer.ours, EtherType::ARP).is_ok();
        // spec: reply-one
        let sent = if rewritten { out.departing.push(frame) } else { Err(frame) };
        match sent {
            Ok(()) => {
                self.counts.answered = self.counts.answered.saturating_add(1);
                verdict
            }
            Err(frame) => {
                out.pool.give(frame);
                self.drop_unsent(if rewritten { TxDropReason::TxQueueFull } else { TxDropReason::TooLong })
            }
        }
    }
}
