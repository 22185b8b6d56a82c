//! Data in flight: congestion control, loss detection, and the records of sent segments.

use tap::Instant;

use super::Connection;
use super::activity::CurrentActivity;
use crate::rack::Rack;
use crate::recovery::{Phase, RackRecovery, Recovery, Undo};
use crate::scoreboard::Scoreboard;
use crate::tail_loss_probe::TailLossProbe;
use crate::{
    Algorithm, DeliveryRate, FastRecovery, MAXIMUM_WINDOW, Round, SequenceNumber, WindowControl as _,
    WindowUse, initial_window,
};

/// State of a connection that has sent data. An idle connection without it begins again with the initial window.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) congestion: Algorithm,
    pub(super) recovery: Recovery,
    /// Evidence that the last reduction of the congestion window was unnecessary.
    pub(super) undo: Option<Undo>,
    pub(super) scoreboard: Scoreboard,
    pub(super) current: CurrentActivity,
    /// Whether the next lost segment is sent again although the congestion window does not permit it.
    pub(super) is_lost_due: bool,
    pub(super) delivery: DeliveryRate,
    pub(super) window_use: WindowUse,
    /// The first sequence number that was not sent at the last reduction of the congestion window, until data behind it is
    /// acknowledged. Only with ECN.
    pub(super) reduced_until: Option<SequenceNumber>,
    /// Time of the last decrease of the MTU of the path.
    pub(super) mtu_reduced_at: Option<Instant>,
    /// Time at which the paced rate permits the next data, without a burst.
    pub(super) paced_until: Instant,
    /// Time until which data is paced because of a recovery.
    pub(super) spread_until: Instant,
    /// Data that was sent again, in bytes.
    pub(super) bytes_retransmitted: u64,
    /// Number of retransmitted segments.
    pub(super) retransmissions: u32,
    /// Number of reports of data that was received twice (RFC 2883).
    pub(super) duplicate_reports: u32,
    /// Number of recoveries that were unnecessary, and undone.
    pub(super) undone: u32,
    /// Number of SACK blocks that were ignored.
    pub(super) ignored_blocks: u32,
}

impl Transfer {
    /// Returns whether an idle connection need not store the state of the path: the path has shown no loss, reordering,
    /// congestion or smaller MTU.
    pub(super) fn is_uneventful(&self) -> bool {
        let is_in_order = self.recovery.rack().is_none_or(|recovery| recovery.rack.reorderings() == 0);
        let counts = [self.retransmissions, self.duplicate_reports, self.undone, self.ignored_blocks];
        is_in_order
            && counts == [0; 4]
            && self.mtu_reduced_at.is_none()
            && self.congestion.threshold() >= MAXIMUM_WINDOW
    }

    /// Returns whether the congestion window was reduced for the data in flight, for a loss or a mark.
    pub(super) fn is_reduced(&self, unacknowledged: SequenceNumber) -> bool {
        // RFC 3168 6.1.2: "the TCP sender's congestion window should be reduced only once in response to a series of dropped
        // and/or CE packets from a single window of data."
        // spec: rfc3168-once
        self.reduced_until.is_some_and(|end| unacknowledged.is_before(end))
    }
}

impl Connection {
    /// Returns the state of the data in flight, which begins with the first data, and again with the first data after an
    /// idle time.
    pub(super) fn transfer_mut(&mut self, now: Instant) -> &mut Transfer {
        let segment_size = self.segment_size();
        let (lost_syns, kind) = (self.send.lost_syns, self.policy.congestion);
        // The first time, this is the ISS.
        let before = self.send.unacknowledged.minus(1);
        let delivered = self.counts.bytes_acknowledged;
        let has_sack = self.negotiated.has_sack;
        self.transfer.get_or_insert_with(|| {
            // RFC 8985 4: "The connection MUST use selective acknowledgment (SACK) options [RFC2018], and the sender MUST keep
            // SACK scoreboard information on a per-connection basis".
            // spec: rfc8985-sack
            let recovery = if has_sack {
                let (rack, probe) = (Rack::new(now, before), TailLossProbe::new());
                Recovery::Rack(RackRecovery { rack, probe, phase: Phase::Open })
            } else {
                Recovery::NewReno(FastRecovery::new(before))
            };
            Box::new(Transfer {
                congestion: Algorithm::new(kind, initial_window(segment_size, lost_syns.into())),
                recovery,
                undo: None,
                scoreboard: Scoreboard::new(),
                current: CurrentActivity::new(now),
                is_lost_due: false,
                delivery: DeliveryRate::new(now, delivered),
                window_use: WindowUse::default(),
                reduced_until: None,
                mtu_reduced_at: None,
                paced_until: now,
                spread_until: now,
                bytes_retransmitted: 0,
                retransmissions: 0,
                duplicate_reports: 0,
                undone: 0,
                ignored_blocks: 0,
            })
        })
    }

    /// Returns the number of bytes that may be in flight.
    pub(super) fn congestion_window(&self) -> u32 {
        let segment_size = self.segment_size();
        self.transfer.as_ref().map_or_else(
            || initial_window(segment_size, self.send.lost_syns.into()),
            |transfer| transfer.recovery.window(transfer.congestion.window(), segment_size),
        )
    }

    /// Returns the number of bytes in the network.
    pub(super) fn pipe(&self) -> u32 {
        self.transfer.as_ref().map_or(0, |transfer| transfer.scoreboard.pipe())
    }

    /// Returns the state for an event of congestion control.
    pub(super) fn round(&self, now: Instant) -> Round {
        let transfer = self.transfer.as_ref();
        let (maximum_in_flight, is_window_limited) = transfer.map_or((0, false), |transfer| {
            (transfer.window_use.maximum_in_flight(), transfer.window_use.is_window_limited())
        });
        Round {
            now,
            rtt: self.rtt.smoothed(),
            minimum_rtt: self.rtt.minimum(),
            sample: None,
            delivered: transfer.map_or(0, |transfer| transfer.delivery.total()),
            segment_size: self.segment_size(),
            in_flight: self.send.outstanding(),
            maximum_in_flight,
            is_window_limited,
            is_echoed: self.ecn.is_echoed,
        }
    }
}
