//! ICMP of a host: reception of messages, and errors within the rate limits.

use std::time::Duration;

use address::AddressTable;
use base::ReasonCounters;
use inet::{ExhaustedBucket, RateLimiter, RateLimits, TokenRate};
use ipv4::{DestinationKind, Instant};

use crate::{Echo, IcmpBody, IcmpDropReason, IcmpError, IcmpMessage, QuotedDatagram, SuppressReason};

/// Configuration of [`Icmp`].
#[derive(Clone, Copy, Debug)]
pub struct IcmpConfig {
    /// Whether broadcast and multicast echo requests are answered. RFC 1122 3.2.2.6 allows a host to answer or to
    /// discard such requests. A broadcast request with a forged source address makes all hosts of a network answer to
    /// one victim.
    pub answers_broadcast: bool,
    /// Rate limits of sent errors. The default is one error per second to each destination, with bursts of six, and
    /// 1,000 errors per second to all destinations, with bursts of 50.
    pub rates: RateLimits,
    /// Seed of the rate limiter. It must be unpredictable to other hosts.
    pub seed: u64,
}

impl Default for IcmpConfig {
    fn default() -> IcmpConfig {
        IcmpConfig {
            answers_broadcast: false,
            rates: RateLimits {
                per_destination: TokenRate { interval: Duration::from_secs(1), burst: 6 },
                global: TokenRate { interval: Duration::from_millis(1), burst: 50 },
            },
            seed: 0,
        }
    }
}

/// An accepted message.
#[derive(Clone, Copy, Debug)]
pub enum ReceivedMessage<'a> {
    /// An echo request to answer: see [`reply_in_place`](crate::reply_in_place).
    Request(Echo<'a>),
    /// An echo reply. Whether the host has sent a request for the reply is not checked.
    Reply(Echo<'a>),
    /// An error about a datagram with a local source address.
    Error(IcmpError, QuotedDatagram<'a>),
}

/// ICMP of one host or many: validates messages, writes errors, and counts dropped messages and suppressed errors.
#[derive(Debug)]
pub struct Icmp {
    answers_broadcast: bool,
    limit: RateLimiter,
    accepted: u64,
    errors_written: u64,
    dropped: ReasonCounters<IcmpDropReason>,
    suppressed: ReasonCounters<SuppressReason>,
}

impl Icmp {
    /// Creates an ICMP layer with this configuration.
    pub fn new(config: &IcmpConfig) -> Icmp {
        Icmp {
            answers_broadcast: config.answers_broadcast,
            limit: RateLimiter::new(config.rates, config.seed),
            accepted: 0,
            errors_written: 0,
            dropped: ReasonCounters::default(),
            suppressed: ReasonCounters::default(),
        }
    }

    /// Handles the data of a received datagram. `table` has the local addresses. `destination_kind` is the kind of the
    /// datagram's destination: unicast, multicast or broadcast.
    // Inlined across crates, because the caller reads the result immediately.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        table: &AddressTable,
        destination_kind: DestinationKind,
        message: &'a [u8],
    ) -> Result<ReceivedMessage<'a>, IcmpDropReason> {
        match self.accept(table, destination_kind, message) {
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
        table: &AddressTable,
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
            // spec: icmp-not-local
            IcmpBody::Error(_, quoted) if !table.contains(quoted.source()) => Err(IcmpDropReason::NotLocal),
            // spec: rfc1122-error-reported
            IcmpBody::Error(error, quoted) => Ok(ReceivedMessage::Error(error, quoted)),
            // spec: rfc1122-unknown-type, rfc1122-other-queries
            IcmpBody::Other => Err(IcmpDropReason::UnsupportedType),
        }
    }

    /// Writes an error about the datagram `about` to the start of `message`, if the error may be sent to the source of
    /// the datagram. Returns the length of the message in bytes.
    ///
    /// `about` starts with the IP header and has no padding of the link layer. `link` is the kind of the destination of
    /// the received frame: unicast, multicast or broadcast.
    pub fn write_error(
        &mut self,
        now: Instant,
        error: IcmpError,
        about: &[u8],
        link: DestinationKind,
        table: &AddressTable,
        message: &mut [u8],
    ) -> Result<usize, SuppressReason> {
        let written = QuotedDatagram::parse(about).ok_or(SuppressReason::OutOfSpace).and_then(|quoted| {
            may_send_error(&quoted, link, table)?;
            // spec: icmp-rate-each, icmp-rate-all
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

    /// Returns the number of accepted messages.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Returns the number of written errors.
    pub fn errors_written(&self) -> u64 {
        self.errors_written
    }

    /// Returns the number of dropped messages, by reason.
    pub fn dropped(&self) -> &ReasonCounters<IcmpDropReason> {
        &self.dropped
    }

    /// Returns the number of suppressed errors, by reason.
    pub fn suppressed(&self) -> &ReasonCounters<SuppressReason> {
        &self.suppressed
    }
}

/// Checks whether RFC 1122 3.2.2 allows an error about this datagram, regardless of the rate limits. Fails with the
/// reason not to send the error. The rules are checked in the order of the RFC.
pub fn may_send_error(
    about: &QuotedDatagram<'_>,
    link: DestinationKind,
    table: &AddressTable,
) -> Result<(), SuppressReason> {
    let destination = about.destination();
    // A later fragment does not start with an ICMP header.
    // spec: rfc1122-error-about-error
    if !about.is_later_fragment() && about.may_be_an_error() {
        return Err(SuppressReason::AboutError);
    }
    // spec: rfc1122-error-broadcast
    if destination.is_multicast() || table.is_broadcast(destination) {
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
    if !table.is_host(about.source()) {
        return Err(SuppressReason::Source);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
