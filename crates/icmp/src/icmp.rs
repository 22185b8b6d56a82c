//! One host's ICMP: what comes, what is answered, what is reported.

use ipv4::{Addresses, Cast, Instant, Tally};

use crate::limit::{Empty, Limit, Rates};
use crate::{Body, Echo, Message, Problem, Quoted};

ipv4::reasons! {
    /// Why a message was turned away.
    pub enum Dropped {
        /// Shorter than the 8 octets of a header.
        Truncated = "shorter than an ICMP header",
        /// The checksum is wrong.
        Checksum = "ICMP checksum is wrong",
        /// An error that quotes no IPv4 header.
        Quote = "error about no datagram",
        /// An error about a datagram that we did not send.
        NotOurs = "error about a datagram that is not ours",
        /// An echo request to a broadcast or to a group.
        EchoToMany = "echo request to a broadcast or a group",
        /// Of a type that nobody here serves.
        Unserved = "type that nobody here serves",
    }
}

ipv4::reasons! {
    /// Why an error was not sent (RFC 1122 3.2.2).
    pub enum Withheld {
        /// It would be about an error.
        AboutError = "about an ICMP error",
        /// The datagram was for a broadcast address or for a group.
        ToMany = "about a datagram to a broadcast or a group",
        /// The datagram's frame was for all stations or for a group of them.
        LinkBroadcast = "about a broadcast frame",
        /// The datagram is a fragment, and not the first.
        Fragment = "about a later fragment",
        /// The datagram's source is no single host.
        Source = "to a source that is no single host",
        /// It is about no datagram, or there is no room for it.
        NoRoom = "no room for the message",
        /// The destination got as many as it may.
        RateEach = "too many to one destination",
        /// All together got as many as they may.
        RateAll = "too many in all",
    }
}

/// How an [`Icmp`] is to behave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// Whether echo requests to a broadcast or to a group are answered (RFC 1122 3.2.2.6 leaves it
    /// open). Forged ones make every host of a network answer one victim.
    pub answers_many: bool,
    /// How often errors are sent.
    pub rates: Rates,
    /// A secret.
    pub seed: u64,
}

/// A message for us.
#[derive(Clone, Copy, Debug)]
pub enum Received<'a> {
    /// To be answered: see [`crate::answer_over`].
    Request(Echo<'a>),
    /// The answer to an echo request of ours.
    Reply(Echo<'a>),
    /// What became of a datagram of ours.
    Error(Problem, Quoted<'a>),
}

/// ICMP for one host, or for many.
#[derive(Debug)]
pub struct Icmp {
    answers_many: bool,
    limit: Limit,
    accepted: u64,
    reported: u64,
    dropped: Tally<Dropped>,
    withheld: Tally<Withheld>,
}

impl Icmp {
    /// ICMP as `config` has it.
    pub fn new(config: &Config) -> Icmp {
        Icmp {
            answers_many: config.answers_many,
            limit: Limit::new(config.rates, config.seed),
            accepted: 0,
            reported: 0,
            dropped: Tally::default(),
            withheld: Tally::default(),
        }
    }

    /// Judges one datagram's data. `cast` is how the datagram was addressed to us.
    // As all that is read at once by whoever called.
    #[inline]
    pub fn receive<'a>(
        &mut self,
        addresses: &Addresses,
        cast: Cast,
        message: &'a [u8],
    ) -> Result<Received<'a>, Dropped> {
        match self.judge(addresses, cast, message) {
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
    fn judge<'a>(
        &self,
        addresses: &Addresses,
        cast: Cast,
        message: &'a [u8],
    ) -> Result<Received<'a>, Dropped> {
        match Message::parse(message)?.body()? {
            // spec: rfc1122-echo-broadcast
            Body::Request(_) if cast != Cast::Unicast && !self.answers_many => Err(Dropped::EchoToMany),
            Body::Request(echo) => Ok(Received::Request(echo)),
            Body::Reply(echo) => Ok(Received::Reply(echo)),
            // spec: icmp-not-ours
            Body::Error(_, quoted) if !addresses.is_ours(quoted.source()) => Err(Dropped::NotOurs),
            // spec: rfc1122-error-reported
            Body::Error(problem, quoted) => Ok(Received::Error(problem, quoted)),
            // spec: rfc1122-unknown-type, rfc1122-other-queries
            Body::Other => Err(Dropped::Unserved),
        }
    }

    /// Writes an error about the datagram `about` (from its header on, without the link's padding) to
    /// the start of `message`, if it may be sent to the datagram's source. `link` is how the
    /// datagram's frame was addressed. Returns the length of the message in octets.
    pub fn error(
        &mut self,
        now: Instant,
        problem: Problem,
        about: &[u8],
        link: Cast,
        addresses: &Addresses,
        message: &mut [u8],
    ) -> Result<usize, Withheld> {
        let written = Quoted::parse(about).ok_or(Withheld::NoRoom).and_then(|quoted| {
            may_be_sent(&quoted, link, addresses)?;
            self.limit.take(now, quoted.source()).map_err(|empty| match empty {
                Empty::Each => Withheld::RateEach,
                Empty::All => Withheld::RateAll,
            })?;
            problem.write_to(about, message).map_err(|_| Withheld::NoRoom)
        });
        match written {
            Ok(length) => {
                self.reported = self.reported.saturating_add(1);
                Ok(length)
            }
            Err(reason) => {
                self.withheld.count(reason);
                Err(reason)
            }
        }
    }

    /// How many messages were taken.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many errors were written.
    pub fn reported(&self) -> u64 {
        self.reported
    }

    /// How many messages were turned away, by reason.
    pub fn dropped(&self) -> &Tally<Dropped> {
        &self.dropped
    }

    /// How many errors were not sent, by reason.
    pub fn withheld(&self) -> &Tally<Withheld> {
        &self.withheld
    }
}

/// Whether an error about this datagram may be sent at all, whatever the rate: RFC 1122 3.2.2, in its
/// order.
pub fn may_be_sent(about: &Quoted<'_>, link: Cast, addresses: &Addresses) -> Result<(), Withheld> {
    let destination = about.destination();
    // What a later fragment starts with is no ICMP header.
    // spec: rfc1122-error-about-error
    if !about.is_later_fragment() && about.may_be_an_error() {
        return Err(Withheld::AboutError);
    }
    // spec: rfc1122-error-to-many
    if destination.is_multicast() || addresses.is_broadcast(destination) {
        return Err(Withheld::ToMany);
    }
    // spec: rfc1122-error-link-broadcast
    if link != Cast::Unicast {
        return Err(Withheld::LinkBroadcast);
    }
    // spec: rfc1122-error-fragment
    if about.is_later_fragment() {
        return Err(Withheld::Fragment);
    }
    // spec: rfc1122-error-source
    if !addresses.is_host(about.source()) {
        return Err(Withheld::Source);
    }
    Ok(())
}

impl std::error::Error for Dropped {}

impl std::error::Error for Withheld {}

#[cfg(test)]
mod tests;
