//! Fragments back into datagrams: RFC 791 3.2, RFC 815, RFC 1122 3.3.2.
//!
//! What is kept has a bound in octets and in datagrams, in all and for each source. Where there is no
//! room, somebody's fragments go, and whose is chosen so that a flood from a million sources leaves
//! room for others:
//!
//! - a source beyond its share loses its own datagrams, longest without progress first;
//! - else those of which one fragment is here and those of which several are here stand in two rows. The
//!   row that holds more loses its first: the one longest without progress.
//!
//! So strangers who send one fragment each push out each other; whoever sends a second one soon is
//! safe from them. Every fragment costs the same, but for the search for its place among those of its
//! own datagram, which its source's share bounds.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use base::{KeyedHash, ReasonCounters};
use link::Instant;

use crate::{Datagram, Ipv4DropReason};
use inet::IpProtocol;

mod assemble;
mod entries;
mod room;
mod store;

pub use self::assemble::{FragmentStart, ReassembledDatagram};
use self::entries::{Entries, Key, Row};
use self::store::{BLOCK, NONE, Place, Store, blocks_for};

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct ReassemblyLimits {
    /// Octets of fragments in all. Each takes a multiple of 512.
    pub octets: usize,
    /// Octets of fragments for each source.
    pub bytes_per_source: usize,
    /// Datagrams in all.
    pub datagrams: usize,
    /// Datagrams for each source.
    pub datagrams_per_source: usize,
    /// How long after its first fragment a datagram is given up.
    pub timeout: Duration,
}

base::reasons! {
    /// Why a datagram of which fragments were here was given up.
    pub enum ReassemblyFailure {
        /// The rest did not come in time.
        TimedOut = "reassembly timed out",
        /// Its room was needed for others.
        Crowded = "fragments pushed out by others",
        /// Two of its fragments contradicted each other.
        Overlap = "fragments overlapped",
        /// Whole, and with its header, it would be longer than 65,535 octets.
        TooLong = "fragments too long together",
    }
}

/// A datagram whose rest did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReassemblyTimeout {
    /// Who sent it.
    pub source: Ipv4Addr,
    /// Whom it was for.
    pub destination: Ipv4Addr,
    /// The protocol of its data.
    pub protocol: IpProtocol,
    /// What its fragments had in common.
    pub identification: u16,
    /// The start of its first fragment, if that was here: its sender can be told (RFC 792, "Time
    /// Exceeded").
    pub first: Option<FragmentStart>,
}

/// Datagrams that wait for the rest of their fragments.
#[derive(Debug)]
pub struct Reassembly {
    entries: Entries,
    store: Store,
    limits: ReassemblyLimits,
    given_up: ReasonCounters<ReassemblyFailure>,
    timed_out: VecDeque<ReassemblyTimeout>,
    events_lost: u64,
    spare: Vec<Vec<u8>>,
}

/// A fragment whose header makes sense among fragments.
#[derive(Clone, Copy)]
struct Fragment<'a> {
    key: Key,
    offset: usize,
    end: usize,
    is_last: bool,
    octets: &'a [u8],
}

impl Reassembly {
    /// How many events wait to be taken at most; what happens beyond that is counted.
    pub const EVENTS: usize = 256;

    /// Nothing yet, with these limits, and a secret seed.
    pub fn new(limits: ReassemblyLimits, seed: u64) -> Reassembly {
        let limits = limits.sane();
        Reassembly {
            entries: Entries::new(limits.datagrams, KeyedHash::new(seed)),
            store: Store::new(limits.octets / BLOCK),
            limits,
            given_up: ReasonCounters::default(),
            timed_out: VecDeque::with_capacity(Self::EVENTS),
            events_lost: 0,
            spare: Vec::with_capacity(Self::SPARE),
        }
    }

    /// Takes a fragment. If it was the last one missing, the whole datagram comes out.
    pub fn receive(
        &mut self,
        now: Instant,
        datagram: &Datagram<'_>,
    ) -> Result<Option<ReassembledDatagram>, Ipv4DropReason> {
        let fragment = Fragment::of(datagram)?;
        let known = self.entries.find(fragment.key);
        let before = match known {
            Some(place) => self.fit(place, &fragment)?,
            None => NONE,
        };
        // spec: rfc1122-reassembly
        let place = self.keep(now, known, before, &fragment).ok_or(Ipv4DropReason::ReassemblyFull)?;
        if fragment.offset == 0 {
            self.keep_header(place, datagram);
        }
        self.finish(place)
    }

    /// Gives up what is due.
    pub fn poll(&mut self, now: Instant) {
        // spec: reassembly-timeout
        while let Some((place, since)) = self.entries.oldest() {
            if since + self.limits.timeout > now {
                return;
            }
            self.time_out(place);
        }
    }

    /// When [`Reassembly::poll`] has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        self.entries.oldest().map(|(_, since)| since + self.limits.timeout)
    }

    /// The oldest event not yet taken.
    pub fn take_event(&mut self) -> Option<ReassemblyTimeout> {
        self.timed_out.pop_front()
    }

    /// How many events nobody took in time.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }

    /// Datagrams given up, by reason.
    pub fn given_up(&self) -> &ReasonCounters<ReassemblyFailure> {
        &self.given_up
    }

    /// How many datagrams are here in parts.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many octets the fragments here take.
    pub fn octets(&self) -> usize {
        (self.limits.octets / BLOCK - self.store.free()) * BLOCK
    }

    /// Finds the fragment that a new one comes behind in its datagram.
    fn fit(&mut self, place: u32, fragment: &Fragment<'_>) -> Result<Place, Ipv4DropReason> {
        let entry = self.entries.get(place).ok_or(Ipv4DropReason::ReassemblyFull)?;
        let (first, last, end) = (entry.first, entry.last, entry.end);
        let tail = self.store.get(last).map_or(0, |piece| piece.end());
        // Most come in order.
        let (mut before, mut behind) = if tail <= fragment.offset { (last, NONE) } else { (NONE, first) };
        let mut next = self.store.get(behind);
        while let Some(piece) = next.filter(|piece| piece.offset < fragment.offset) {
            before = behind;
            behind = piece.behind;
            next = self.store.get(behind);
        }
        let fits_the_end = match end {
            Some(end) => fragment.end <= end && fragment.is_last == (fragment.end == end),
            None => !fragment.is_last || tail <= fragment.end,
        };
        // spec: fragments-repeated
        let repeats = next.is_some_and(|piece| piece.offset == fragment.offset);
        let ends_alike = fragment.is_last == (end == Some(fragment.end));
        if repeats && ends_alike && self.store.equals(behind, fragment.octets) {
            return Err(Ipv4DropReason::FragmentRepeated);
        }
        // spec: fragments-overlap
        let reaches_in = self.store.get(before).is_some_and(|piece| piece.end() > fragment.offset);
        let reaches_out = next.is_some_and(|piece| piece.offset < fragment.end);
        if reaches_in || reaches_out || !fits_the_end {
            self.give_up(place, ReassemblyFailure::Overlap);
            return Err(Ipv4DropReason::FragmentOverlap);
        }
        Ok(before)
    }

    /// Keeps a fragment behind another of its datagram, or as the first of a new one.
    fn keep(
        &mut self,
        now: Instant,
        known: Option<u32>,
        before: Place,
        fragment: &Fragment<'_>,
    ) -> Option<u32> {
        if !self.make_room(known, fragment) {
            return None;
        }
        let place = match known {
            Some(place) => place,
            None => self.entries.insert(fragment.key, now)?,
        };
        let behind = match self.store.get(before) {
            Some(piece) => piece.behind,
            None => self.entries.get(place)?.first,
        };
        let piece = self.store.insert(fragment.offset, fragment.octets, behind)?;
        self.store.put_behind(before, piece);
        let entry = self.entries.get_mut(place)?;
        if before == NONE {
            entry.first = piece;
        }
        if behind == NONE {
            entry.last = piece;
        }
        entry.octets += fragment.octets.len();
        if fragment.is_last {
            entry.end = Some(fragment.end);
        }
        let row = if entry.first == entry.last { Row::Single } else { Row::Several };
        self.entries.advance(place, row, blocks_for(fragment.octets.len()));
        Some(place)
    }

    fn time_out(&mut self, place: u32) {
        let Some(entry) = self.entries.get(place) else { return };
        let key = entry.key();
        let first = self.quote(place);
        self.forget(place);
        self.given_up.count(ReassemblyFailure::TimedOut);
        if self.timed_out.len() >= Self::EVENTS {
            self.events_lost = self.events_lost.saturating_add(1);
            return;
        }
        let Key { source, destination, protocol, identification } = key;
        self.timed_out.push_back(ReassemblyTimeout { source, destination, protocol, identification, first });
    }

    /// Forgets a datagram that cannot be made whole. Its key is free again: were it remembered, a stranger could keep
    /// the datagrams of another host away with two fragments each, ahead of time.
    fn give_up(&mut self, place: u32, reason: ReassemblyFailure) {
        self.given_up.count(reason);
        self.forget(place);
    }

    fn forget(&mut self, place: u32) {
        self.drop_pieces(place);
        self.entries.remove(place);
    }

    fn drop_pieces(&mut self, place: u32) {
        let Some(entry) = self.entries.get_mut(place) else { return };
        let mut piece = std::mem::replace(&mut entry.first, NONE);
        entry.last = NONE;
        while piece != NONE {
            piece = self.store.remove(piece);
        }
    }
}

impl<'a> Fragment<'a> {
    fn of(datagram: &Datagram<'a>) -> Result<Fragment<'a>, Ipv4DropReason> {
        let (offset, octets) = (datagram.fragment_offset(), datagram.payload());
        let end = offset + octets.len();
        if octets.is_empty() {
            return Err(Ipv4DropReason::FragmentEmpty);
        }
        // spec: fragments-uneven
        if datagram.more_fragments() && octets.len() % 8 != 0 {
            return Err(Ipv4DropReason::FragmentUneven);
        }
        // spec: fragments-beyond
        if datagram.header_length() + end > Datagram::LONGEST {
            return Err(Ipv4DropReason::FragmentBeyond);
        }
        let key = Key {
            source: datagram.source(),
            destination: datagram.destination(),
            protocol: datagram.protocol(),
            identification: datagram.identification(),
        };
        Ok(Fragment { key, offset, end, is_last: !datagram.more_fragments(), octets })
    }
}

impl ReassemblyLimits {
    /// How long a datagram waits unless somebody wants otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// As near to these limits as makes sense: at least one datagram of any length fits.
    fn sane(self) -> ReassemblyLimits {
        let longest = 2 * (Datagram::LONGEST + 1);
        let octets = self.octets.clamp(longest, 1 << 30);
        let datagrams = self.datagrams.clamp(4, 1 << 20);
        ReassemblyLimits {
            octets,
            bytes_per_source: self.bytes_per_source.clamp(longest, octets),
            datagrams,
            datagrams_per_source: self.datagrams_per_source.clamp(1, datagrams),
            timeout: self.timeout,
        }
    }
}

impl Default for ReassemblyLimits {
    /// 4 MiB and 4,096 datagrams in all, a quarter and a sixteenth of them for each source.
    fn default() -> Self {
        ReassemblyLimits {
            octets: 4 << 20,
            bytes_per_source: 1 << 20,
            datagrams: 4_096,
            datagrams_per_source: 256,
            timeout: Self::TIMEOUT,
        }
    }
}

#[cfg(test)]
mod tests;
