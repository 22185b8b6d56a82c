//! Segments to send, in the order of their kinds: resets, SYN,ACKs, then data and acknowledgments in turn.

use base::Place;
use inet::InterfaceId;
use tap::{Instant, Offloads, Pool};

use super::{Departure, Tcp, queues_of};
use crate::{Output, SegmentFields, SegmentService};

impl Tcp {
    /// Maximum number of bytes that a connection sends before the next connection sends.
    const BURST: usize = 65_536;

    /// Returns whether an interface has a segment to send.
    pub fn has_output(&self, interface: InterfaceId) -> bool {
        self.queues.get(interface).is_some_and(|queues| !queues.is_empty())
    }

    /// Returns the next segment to send on an interface, in a frame of the pool. Returns `None` if no segment is due, or
    /// if the pool has no frame.
    ///
    /// With `offloads`, the device completes checksums, and cuts frames with several segments of new data: superframes, which
    /// are in large frames of the pool. Without such a frame, the segments are sent one by one.
    ///
    /// Connections with data send in turn, up to 64 KiB each. One acknowledgment of a connection without data follows each
    /// frame of the others, so that no amount of data delays the acknowledgments. The caller passes all segments of a turn
    /// to [`Tcp::receive`] before, so that one acknowledgment covers them.
    // spec: tcp-pulled, rfc9293-ack-aggregate
    pub fn transmit(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        offloads: Offloads,
        pool: &mut Pool,
    ) -> Option<Departure> {
        self.now = now;
        if !self.has_output(interface) {
            return None;
        }
        let mut frame = pool.take()?;
        if let Some((fields, service)) = self.next_control(now, interface) {
            let is_written = frame.extend(fields.header_length()).is_ok()
                && fields.write_to_frame(&mut frame, offloads).is_ok();
            if is_written {
                return Some(Departure {
                    frame,
                    source: *fields.source.ip(),
                    destination: *fields.destination.ip(),
                    time_to_live: service.time_to_live,
                    type_of_service: service.type_of_service,
                    may_be_forged: true,
                });
            }
            frame.clear();
        }
        while let Some((output, place)) = self.next_connection(interface) {
            let Some(held) = self.connections.get_mut(place) else { break };
            let connection = &mut held.connection;
            let mut plan = connection.plan_for(now, offloads, usize::MAX);
            if plan.is_some_and(|plan| plan.is_superframe()) {
                match pool.take_large() {
                    Some(large) => pool.give(std::mem::replace(&mut frame, large)),
                    None => plan = connection.plan_for(now, offloads, 0),
                }
            }
            let sent = connection.transmit_plan(now, plan, offloads, &mut frame);
            let (source, destination) = (*connection.local().ip(), *connection.peer().ip());
            let time_to_live = connection.service().time_to_live;
            let Some(type_of_service) = sent else {
                // The segment does not fit into a frame. The connection waits for its next change.
                held.queued = Output::None;
                self.requeue(place, interface, (output, Output::None));
                self.connections.schedule(place);
                continue;
            };
            self.settle(now, place, pool);
            queues_of(&mut self.queues, interface).last = output;
            if output == Output::Data {
                self.end_burst(interface, place, frame.len());
            }
            return Some(Departure {
                frame,
                source,
                destination,
                time_to_live,
                type_of_service,
                may_be_forged: false,
            });
        }
        pool.give(frame);
        None
    }

    /// Returns the next reset of an aborted connection, or the SYN,ACK of a half-open connection that is due.
    fn next_control(
        &mut self,
        now: Instant,
        interface: InterfaceId,
    ) -> Option<(SegmentFields, SegmentService)> {
        let queues = queues_of(&mut self.queues, interface);
        if let Some(reset) = queues.pop_reset() {
            return Some(reset);
        }
        let place = queues.syn_acks.first()?;
        let due = &mut queues.syn_acks;
        self.half_opens.sent_again(now, place, due);
        self.counters.syn_ack_retransmissions += 1;
        let row = *self.half_opens.get(place)?;
        Some((self.syn_ack_of(now, &row)?, self.service_of(row.listener)))
    }

    /// Returns the next connection with output. Data and acknowledgments take turns.
    // spec: tcp-ack-turn
    fn next_connection(&self, interface: InterfaceId) -> Option<(Output, Place)> {
        let queues = self.queues.get(interface)?;
        let data = queues.data.first().map(|place| (Output::Data, place));
        let ack = queues.acks.first().map(|place| (Output::Ack, place));
        if queues.last == Output::Data { ack.or(data) } else { data.or(ack) }
    }

    /// Counts the bytes of the first connection, and moves it behind the others after its burst: when an equal frame would
    /// exceed the burst.
    // spec: tcp-burst
    fn end_burst(&mut self, interface: InterfaceId, place: Place, bytes: usize) {
        let queues = queues_of(&mut self.queues, interface);
        if queues.data.first() != Some(place) {
            return;
        }
        queues.burst = queues.burst.saturating_add(bytes);
        if queues.burst.saturating_add(bytes) > Self::BURST {
            self.requeue(place, interface, (Output::Data, Output::Data));
        }
    }
}
