//! Proportional rate reduction (RFC 6937).

/// Computes how many bytes each ACK of a recovery permits, so that the flight shrinks to the slow start threshold during
/// one round trip. [`Prr::acknowledged`] processes each ACK, and [`Prr::sent`] each transmission.
#[derive(Clone, Copy, Debug)]
pub struct Prr {
    /// `RecoverFS`: bytes that were sent and not acknowledged when the recovery began. At least one.
    in_flight_at_start: u32,
    /// ssthresh: bytes in flight at the end of the recovery.
    threshold: u32,
    /// `prr_delivered`: bytes that were delivered during the recovery.
    delivered: u64,
    /// `prr_out`: bytes that were sent during the recovery.
    sent: u64,
}

impl Prr {
    /// Begins a recovery. `in_flight_at_start` is SND.NXT - SND.UNA, and `threshold` is the slow start threshold that the
    /// congestion control has set. Both are in bytes.
    pub fn new(in_flight_at_start: u32, threshold: u32) -> Prr {
        // RFC 6937 3: "prr_delivered = 0", "prr_out = 0", "RecoverFS = snd.nxt-snd.una".
        Prr { in_flight_at_start: in_flight_at_start.max(1), threshold, delivered: 0, sent: 0 }
    }

    /// Processes an ACK, also the one that began the recovery. Returns the number of bytes that may be sent now.
    ///
    /// `delivered` is the number of bytes that the ACK reports as delivered for the first time, by its acknowledgment
    /// number or its SACK blocks. `pipe` is the number of bytes in the network after the ACK (RFC 6675). `is_safe` if the
    /// ACK acknowledges new data and reveals no further loss: then the window may grow as in slow start.
    // spec: rfc6937-reduction, rfc6937-bound
    pub fn acknowledged(&mut self, delivered: u32, pipe: u32, segment_size: u32, is_safe: bool) -> u32 {
        self.delivered = self.delivered.saturating_add(delivered.into());
        let bytes = if pipe > self.threshold {
            // RFC 6937 3: "sndcnt = CEIL(prr_delivered * ssthresh / RecoverFS) - prr_out".
            let target = u128::from(self.delivered) * u128::from(self.threshold);
            let target = target.div_ceil(self.in_flight_at_start.into());
            u64::try_from(target).unwrap_or(u64::MAX).saturating_sub(self.sent)
        } else {
            // RFC 6937 3: "PRR-CRB limit = prr_delivered - prr_out", "PRR-SSRB limit = MAX(prr_delivered - prr_out,
            // DeliveredData) + MSS", "Attempt to catch up, as permitted by limit sndcnt = MIN(ssthresh - pipe, limit)".
            // The larger of both also bounds the conservative version, so that the first segment, which is always sent again,
            // does not count against the data that is delivered later.
            let conserved = self.delivered.saturating_sub(self.sent).max(delivered.into());
            let limit = if is_safe { conserved.saturating_add(segment_size.into()) } else { conserved };
            limit.min(u64::from(self.threshold - pipe))
        };
        // The segment that the first ACK of the recovery reveals as lost is always sent again (RFC 5681 3.2).
        // spec: rfc6937-first
        let minimum = if self.sent == 0 { segment_size } else { 0 };
        u32::try_from(bytes).unwrap_or(u32::MAX).max(minimum)
    }

    /// Records that bytes are sent, for the first time or again.
    pub fn sent(&mut self, bytes: u32) {
        self.sent = self.sent.saturating_add(bytes.into());
    }
}

#[cfg(test)]
mod tests;
