//! ICMP of a host: receives messages, and writes errors within the rate limits.

use base::ReasonCounters;
use ipv4::{DestinationKind, Instant, LocalAddresses};

use crate::rate_limit::{ErrorRateLimiter, ErrorRateLimits, ExhaustedBucket};
use crate::{Echo, IcmpBody, IcmpDropReason, IcmpError, IcmpMessage, QuotedDatagram, SuppressReason};

/// How an [`Icmp`] is to behave.
#[derive(Clone, Copy, Debug, Default)]
pub struct IcmpConfig {
    /// Whether echo requests to a broadcast or to a group are answered (RFC 1122 3.2.2.6 leaves it
    /// open). Forged ones make every host of a network answer one victim.
    pub answers_broadcast: bool,
    /// How often errors are sent.
    pub rates: ErrorRateLimits,
    /// A secret.
    pub seed: u64,
}

/// A message that was accepted.
#[derive(Clone, Copy, Debug)]
pub enum ReceivedMessage<'a> {
    /// An echo request to answer: see [`crate::reply_in_place`].
    Request(Echo<'a>),
    /// The reply to an echo request of this host.
    Reply(Echo<'a>),
    /// An error about a datagram of this host.
    Error(IcmpError, QuotedDatagram<'a>),
}

/// ICMP for one host, or for many.
#[derive(Debug)]
pub struct Icmp {
    answers_broadcast: bool,
    limit: ErrorRateLimiter,
    accepted: u64,
    errors_written: u64,
    dropped: ReasonCounters<IcmpDropReason>,
    suppressed: ReasonCounters<SuppressReason>,
}

impl Icmp {
    /// ICMP as `config` has it.
    pub fn new(config: &IcmpConfig) -> Icmp {
        Icmp {
            answers_broadcast: config.answers_broadcast,
            limit: ErrorRateLimiter::new(config.rates, config.seed),
            accepted: 0,
            errors_written: 0,
            dropped: ReasonCounters::default(),
            suppressed: ReasonCounters::default(),
        }
    }

    /// Receives the data of a datagram. `destination_kind` is how the datagram was addressed.
    // The caller reads the result at once: across crates it would go through memory.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        addresses: &LocalAddresses,
        destination_kind: DestinationKind,
        message: &'a [u8],
    ) -> Result<ReceivedMessage<'a>, IcmpDropReason> {
        match self.accept(addresses, destination_kind, message) {
            Ok(received) => {
                self.accepted = self.accepted.saturating_add(1);
                Ok(received)
            }
            Err(reason) => {
                // spec: drops-counted
                self.dropped.count(reason);
                Err(reason)
            }
        }
    }

    #[inline]
    fn accept<'a>(
        &self,
        addresses: &LocalAddresses,
        destination_kind: DestinationKind,
        message: &'a [u8],
    ) -> Result<ReceivedMessage<'a>, IcmpDropReason> {
        match IcmpMessage::parse(message)?.body()? {
            // spec: rfc1122-echo-broadcast
            IcmpBody::Request(_)
                if destination_kind != DestinationKind::Unicast && !self.answers_broadcast =>
            {
                Err(IcmpDropReason::BroadcastEcho)
            }
            IcmpBody::Request(echo) => Ok(ReceivedMessage::Request(echo)),
            IcmpBody::Reply(echo) => Ok(ReceivedMessage::Reply(echo)),
            // spec: icmp-not-ours
            IcmpBody::Error(_, quoted) if !addresses.is_local(quoted.source()) => {
                Err(IcmpDropReason::NotLocal)
            }
            // spec: rfc1122-error-reported
            IcmpBody::Error(error, quoted) => Ok(ReceivedMessage::Error(error, quoted)),
            // spec: rfc1122-unknown-type, rfc1122-other-queries
            IcmpBody::Other => Err(IcmpDropReason::UnsupportedType),
        }
    }

    /// Writes an error about the datagram `about` (from its header on, without the link's padding) to
    /// the start of `message`, if it may be sent to the datagram's source. `link` is how the
    /// datagram's frame was addressed. Returns the length of the message in bytes.
    pub fn write_error(
        &mut self,
        now: Instant,
        error: IcmpError,
        about: &[u8],
        link: DestinationKind,
        addresses: &LocalAddresses,
        message: &mut [u8],
    ) -> Result<usize, SuppressReason> {
        let written = QuotedDatagram::parse(about).ok_or(SuppressReason::OutOfSpace).and_then(|quoted| {
            may_send_error(&quoted, link, addresses)?;
            self.limit.take(now, quoted.source()).map_err(|empty| match empty {
                ExhaustedBucket::PerDestination => SuppressReason::DestinationRateLimit,
                ExhaustedBucket::Global => SuppressReason::GlobalRateLimit,
            })?;
            error.write_to(about, message).map_err(|_| SuppressReason::OutOfSpace)
        });
        match written {
            Ok(length) => {
                self.errors_written = self.errors_written.saturating_add(1);
                Ok(length)
            }
            Err(reason) => {
                self.suppressed.count(reason);
                Err(reason)
            }
        }
    }

    /// Returns how many messages were accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Returns how many errors were written.
    pub fn errors_written(&self) -> u64 {
        self.errors_written
    }

    /// Returns how many messages were dropped, by reason.
    pub fn dropped(&self) -> &ReasonCounters<IcmpDropReason> {
        &self.dropped
    }

    /// Returns how many errors were suppressed, by reason.
    pub fn suppressed(&self) -> &ReasonCounters<SuppressReason> {
        &self.suppressed
    }
}

/// Whether an error about this datagram may be sent at all, whatever the rate: RFC 1122 3.2.2, in its
/// order.
pub fn may_send_error(
    about: &QuotedDatagram<'_>,
    link: DestinationKind,
    addresses: &LocalAddresses,
) -> Result<(), SuppressReason> {
    let destination = about.destination();
    // What a later fragment starts with is no ICMP header.
    // spec: rfc1122-error-about-error
    if !about.is_later_fragment() && about.may_be_an_error() {
        return Err(SuppressReason::AboutError);
    }
    // spec: rfc1122-error-to-many
    if destination.is_multicast() || addresses.is_broadcast(destination) {
        return Err(SuppressReason::BroadcastDestination);
    }
    // spec: rfc1122-error-link-broadcast
    if link != DestinationKind::Unicast {
        return Err(SuppressReason::LinkBroadcast);
    }
    // spec: rfc1122-error-fragment
    if about.is_later_fragment() {
        return Err(SuppressReason::Fragment);
    }
    // spec: rfc1122-error-source
    if !addresses.is_host(about.source()) {
        return Err(SuppressReason::Source);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
