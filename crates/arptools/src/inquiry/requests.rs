//! Sent requests of an inquiry, and the assignment of replies to them.

use std::collections::VecDeque;
use std::time::Duration;

use link::{Instant, MacAddr};

/// Maximum number of stored requests. The oldest request is removed for a further request.
const MAX_REQUESTS: usize = 1_024;
/// Maximum number of stations: the number of bits of [`SentRequest::answered_by`].
pub(super) const MAX_STATIONS: usize = 16;
/// Maximum age of an earlier request when a request is sent. Older requests are removed.
const REPLY_LIMIT: Duration = Duration::from_secs(5);
/// Maximum age of the request that a first reply answers, if several requests are open.
const FIRST_REPLY_LIMIT: Duration = Duration::from_secs(1);
/// A first reply answers the newest open request if it arrives within this part of the interval after the request: a
/// tenth. A late reply to an older request arrives in this time with a probability of one tenth.
const PROMPT_PART: u32 = 10;

/// Sent requests, and the stations that replied to them.
///
/// An ARP reply does not identify its request. A station replies once to a request, so a reply answers an open request:
/// a request that the station has not answered. If several requests are open, the reply answers the request with the
/// round-trip time that is closest to that of the previous reply. Without a previous reply, the reply answers the newest
/// open request if it arrives soon after this request (see [`PROMPT_PART`]), because earlier replies were probably lost.
/// Otherwise, the reply answers the oldest open request of the last [`FIRST_REPLY_LIMIT`], or if there is none, the newest
/// open request.
#[derive(Clone, Debug, Default)]
pub(super) struct SentRequests {
    /// Oldest request first.
    requests: VecDeque<SentRequest>,
    stations: Vec<InquiryStation>,
    /// Round-trip time of the last reply of each station, in the order of `stations`.
    round_trips: Vec<Option<Duration>>,
    /// Whether a station was not stored because the list was full.
    has_more_stations: bool,
    statistics: RoundTripSum,
}

#[derive(Clone, Copy, Debug)]
struct SentRequest {
    number: u64,
    sent: Instant,
    /// One bit for each station that has answered.
    answered_by: u16,
}

/// Station that replied to an inquiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InquiryStation {
    /// MAC address.
    pub mac: MacAddr,
    /// Whether the station claims the address. Otherwise, the station only probes for the address.
    pub is_claiming: bool,
}

/// Round-trip times of the first replies to requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InquiryTimes {
    /// Minimum.
    pub min: Duration,
    /// Mean.
    pub mean: Duration,
    /// Maximum.
    pub max: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct RoundTripSum {
    count: u32,
    sum: Duration,
    /// Minimum and maximum, after the first reply.
    bounds: Option<(Duration, Duration)>,
}

/// Assignment of a reply to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Time since the request, if any.
    pub(super) round_trip: Option<Duration>,
    /// Whether the request already has a reply.
    pub(super) is_duplicate: bool,
}

impl SentRequests {
    /// Adds a request.
    pub(super) fn add(&mut self, now: Instant, number: u64) {
        let is_old = |oldest: &SentRequest| now.since(oldest.sent) > REPLY_LIMIT;
        while self.requests.front().is_some_and(is_old) || self.requests.len() >= MAX_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(SentRequest { number, sent: now, answered_by: 0 });
    }

    /// Removes a request that was not sent.
    pub(super) fn remove(&mut self, number: u64) {
        self.requests.retain(|request| request.number != number);
    }

    /// Returns whether no request was sent.
    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Returns the stations, in the order of their first replies, at most [`MAX_STATIONS`].
    pub(super) fn stations(&self) -> &[InquiryStation] {
        &self.stations
    }

    /// Returns whether more stations replied than [`SentRequests::stations`] contains.
    pub(super) fn has_more_stations(&self) -> bool {
        self.has_more_stations
    }

    /// Returns the round-trip times, or `None` without a reply.
    pub(super) fn times(&self) -> Option<InquiryTimes> {
        let RoundTripSum { count, sum, bounds } = self.statistics;
        let (min, max) = bounds?;
        Some(InquiryTimes { min, mean: sum.checked_div(count)?, max })
    }

    /// Returns whether a reply of this station would answer a request.
    pub(super) fn has_open(&self, mac: MacAddr) -> bool {
        let bit = self.stations.iter().position(|station| station.mac == mac).map_or(0, bit);
        self.requests.iter().any(|request| request.is_open(bit))
    }

    /// Assigns a reply of this station to a request.
    pub(super) fn answer(&mut self, now: Instant, mac: MacAddr, is_claiming: bool) -> Answer {
        let newest = self.requests.back().map(|request| now.since(request.sent));
        let unanswered = Answer { round_trip: newest, is_duplicate: newest.is_some() };
        let Some(place) = self.place(mac, is_claiming) else { return unanswered };
        let previous = self.round_trips.get(place).copied().flatten();
        let previous = previous.or_else(|| self.round_trips.iter().copied().flatten().next());
        let Some(request) = open_request(&mut self.requests, now, bit(place), previous) else {
            return unanswered;
        };
        let round_trip = now.since(request.sent);
        let is_duplicate = request.answered_by != 0;
        request.answered_by |= bit(place);
        if let Some(last) = self.round_trips.get_mut(place) {
            *last = Some(round_trip);
        }
        if !is_duplicate {
            self.statistics.add(round_trip);
        }
        Answer { round_trip: Some(round_trip), is_duplicate }
    }

    /// Returns the place of a station in the list, or `None` if the list is full.
    fn place(&mut self, mac: MacAddr, is_claiming: bool) -> Option<usize> {
        if let Some(place) = self.stations.iter().position(|station| station.mac == mac) {
            if let Some(station) = self.stations.get_mut(place) {
                station.is_claiming |= is_claiming;
            }
            return Some(place);
        }
        if self.stations.len() >= MAX_STATIONS {
            self.has_more_stations = true;
            return None;
        }
        self.stations.push(InquiryStation { mac, is_claiming });
        self.round_trips.push(None);
        Some(self.stations.len() - 1)
    }
}

/// Returns the request that a reply answers. `previous` is the previous round-trip time.
fn open_request(
    requests: &mut VecDeque<SentRequest>,
    now: Instant,
    bit: u16,
    previous: Option<Duration>,
) -> Option<&mut SentRequest> {
    let mut newest_first = requests.iter().rev().filter(|request| request.is_open(bit));
    let is_prompt = match (newest_first.next(), newest_first.next()) {
        (Some(newest), Some(before)) => {
            now.since(newest.sent).saturating_mul(PROMPT_PART) < newest.sent.since(before.sent)
        }
        _ => false,
    };
    let is_recent = |request: &SentRequest| now.since(request.sent) <= FIRST_REPLY_LIMIT;
    let mut open = requests.iter_mut().filter(|request| request.is_open(bit));
    match previous {
        Some(previous) => open.min_by_key(|request| now.since(request.sent).abs_diff(previous)),
        // The newest request after a prompt reply, or the oldest recent request, or the newest.
        None if is_prompt => open.next_back(),
        None => open.reduce(|found, request| if is_recent(found) { found } else { request }),
    }
}

/// Returns the bit of a station.
fn bit(place: usize) -> u16 {
    u32::try_from(place).ok().and_then(|place| 1_u16.checked_shl(place)).unwrap_or_default()
}

impl SentRequest {
    /// Returns whether the station of this bit has not answered.
    fn is_open(&self, bit: u16) -> bool {
        self.answered_by & bit == 0
    }
}

impl RoundTripSum {
    fn add(&mut self, round_trip: Duration) {
        // After four billion replies, the mean and the bounds stay.
        let Some(count) = self.count.checked_add(1) else { return };
        self.count = count;
        self.sum = self.sum.saturating_add(round_trip);
        let (min, max) = self.bounds.unwrap_or((round_trip, round_trip));
        self.bounds = Some((min.min(round_trip), max.max(round_trip)));
    }
}

#[cfg(test)]
mod tests;
