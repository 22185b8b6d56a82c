//! Path MTUs (RFC 1191).

use std::net::Ipv4Addr;
use std::time::Duration;

use base::list::index;
use base::{Links, List, Place, PlaceIndex};
use link::Instant;

/// Path MTUs of destinations, learned from ICMP errors "fragmentation needed".
///
/// A destination without an entry has the MTU of the link. An entry expires [`PathMtus::LIFETIME`] after the last error
/// about its destination. The table stores at most [`PathMtus::CAPACITY`] entries and evicts the oldest entry.
///
/// The caller checks that an error quotes a datagram that the host sent: see RFC 5927 7.2.
#[derive(Debug)]
pub struct PathMtus {
    index: PlaceIndex,
    entries: Vec<Entry>,
    /// All entries, by the time of their last error, oldest first.
    age: List,
    /// Time at which the last entry expires.
    last_expiry: Instant,
    evicted: u64,
}

#[derive(Debug)]
struct Entry {
    destination: Ipv4Addr,
    mtu: u16,
    expires: Instant,
    links: Links,
}

/// The plateaus of RFC 1191 7.1: a router that reports no MTU is assumed to have one of these MTUs.
const PLATEAUS: [u16; 11] = [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68];

/// Length of a header without options, in bytes. Routers with software from 4.2BSD quote a total length that is larger
/// by the length of the header (RFC 1191 5).
const QUOTED_EXCESS: u16 = 20;

impl PathMtus {
    /// Maximum number of entries.
    pub const CAPACITY: usize = 1_024;
    /// Time from the last error about a destination until its entry expires (RFC 1191 6.3).
    // spec: rfc1191-aging
    pub const LIFETIME: Duration = Duration::from_mins(10);
    /// Minimum path MTU, in bytes. A smaller reported MTU counts as this MTU, as in Linux (`min_pmtu`): otherwise, one
    /// forged error would divide each datagram into hundreds of fragments.
    ///
    /// The path may have a smaller MTU. The sender therefore clears the flag "don't fragment" of datagrams to a
    /// destination with this path MTU, so that routers can fragment them.
    // spec: rfc1191-minimum, path-mtu-floor
    pub const MINIMUM: u16 = 552;

    /// Creates an empty table. `seed` must be unpredictable to other hosts.
    pub fn new(seed: u64) -> PathMtus {
        PathMtus {
            index: PlaceIndex::new(Self::CAPACITY, seed),
            entries: Vec::new(),
            age: List::EMPTY,
            last_expiry: Instant::ORIGIN,
            evicted: 0,
        }
    }

    /// Returns whether all destinations have the MTU of the link.
    #[inline]
    pub fn is_empty(&self, now: Instant) -> bool {
        now >= self.last_expiry
    }

    /// Returns the path MTU of a destination, in bytes, or `None` if the path MTU is that of the link.
    #[inline]
    pub fn get(&self, now: Instant, destination: Ipv4Addr) -> Option<u16> {
        if self.is_empty(now) {
            return None;
        }
        let entry = self.entries.get(index(self.find(destination)?))?;
        (now < entry.expires).then_some(entry.mtu)
    }

    /// Handles an error "fragmentation needed" about a datagram to `destination`. `mtu` is the MTU in the error, and
    /// `length` is the total length of the quoted datagram.
    ///
    /// The path MTU never increases. If `mtu` is zero, the path MTU is the next plateau below `length`.
    pub fn update(&mut self, now: Instant, destination: Ipv4Addr, mtu: u16, length: u16) {
        let mtu = self.reduced(now, destination, mtu, length);
        let place = self.find(destination).or_else(|| self.add(now, destination));
        let Some(place) = place else { return };
        self.age.unlink(&mut self.entries, links, place);
        self.age.append(&mut self.entries, links, place);
        if let Some(entry) = self.entries.get_mut(index(place)) {
            entry.mtu = mtu;
            entry.expires = now + Self::LIFETIME;
            self.last_expiry = entry.expires;
        }
    }

    /// Returns the path MTU to which an error "fragmentation needed" reduces the path MTU: see [`PathMtus::update`].
    pub fn reduced(&self, now: Instant, destination: Ipv4Addr, mtu: u16, length: u16) -> u16 {
        let known = self.get(now, destination);
        // spec: rfc1191-no-mtu
        let reported = if mtu == 0 { plateau_below(length, known) } else { mtu };
        // spec: rfc1191-reduce, rfc1191-no-increase
        reported.max(Self::MINIMUM).min(known.unwrap_or(u16::MAX))
    }

    /// Returns the number of entries that were evicted before they expired.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    fn find(&self, destination: Ipv4Addr) -> Option<Place> {
        let has_destination =
            |place| self.entries.get(index(place)).is_some_and(|entry| entry.destination == destination);
        self.index.find(destination, has_destination)
    }

    /// Adds an entry without a valid MTU at the end of the list by age. At the bound, the entry replaces the oldest.
    fn add(&mut self, now: Instant, destination: Ipv4Addr) -> Option<Place> {
        let entry = Entry { destination, mtu: u16::MAX, expires: now, links: Links::NONE };
        // spec: path-mtu-bound
        let place = if self.entries.len() < Self::CAPACITY {
            self.entries.push(entry);
            Place::try_from(self.entries.len() - 1).ok()?
        } else {
            let place = self.age.first()?;
            self.age.unlink(&mut self.entries, links, place);
            let slot = self.entries.get_mut(index(place))?;
            let oldest = std::mem::replace(slot, entry);
            self.evicted = self.evicted.saturating_add(u64::from(now < oldest.expires));
            let entries = &self.entries;
            self.index.remove(oldest.destination, place, |other| destination_at(entries, other));
            place
        };
        self.age.append(&mut self.entries, links, place);
        let entries = &self.entries;
        self.index.insert(destination, place, |other| destination_at(entries, other));
        Some(place)
    }
}

/// Returns the MTU that a router without support of RFC 1191 is assumed to have: the next plateau below the length of
/// the dropped datagram. `known` is the path MTU so far.
fn plateau_below(length: u16, known: Option<u16>) -> u16 {
    // RFC 1191 5: "If the Total Length field returned is not less than the current PMTU estimate, it must be reduced".
    let excess = if known.is_some_and(|known| length >= known) { QUOTED_EXCESS } else { 0 };
    let length = length.saturating_sub(excess);
    PLATEAUS.into_iter().find(|plateau| *plateau < length).unwrap_or_default()
}

/// Returns the destination of the entry at a place.
fn destination_at(entries: &[Entry], place: Place) -> Option<Ipv4Addr> {
    entries.get(index(place)).map(|entry| entry.destination)
}

fn links(entry: &mut Entry) -> &mut Links {
    &mut entry.links
}

#[cfg(test)]
mod tests;
