//! Fragments back into datagrams: RFC 791 3.2, RFC 815, RFC 1122 3.3.2.
//!
//! What is stored has a bound in bytes and in datagrams, in all and for each source. When a bound is reached, incomplete
//! datagrams are evicted, chosen so that a flood from a million sources leaves capacity for others:
//!
//! - a source beyond its share loses its own datagrams, the one longest without progress first;
//! - otherwise, datagrams of which one fragment is here and those of which several are here stand in two queues. The
//!   queue that holds more loses its first: the one longest without progress.
//!
//! So senders of single fragments evict each other, and a datagram of which a second fragment comes soon is safe from
//! them. Every fragment costs the same, except for the search for its place among those of its own datagram, which its
//! source's share bounds.

use std::net::Ipv4Addr;
use std::time::Duration;

use base::{EventQueue, KeyedHash, Place, ReasonCounters};
use inet::{IpProtocol, checksum};
use link::Instant;
use zerocopy::FromBytes;

use self::incomplete::{DatagramKey, IncompleteTable, Progress};
use self::store::{BLOCK, FragmentStore, blocks_for};
use crate::{Datagram, Ipv4DropReason, Ipv4Header};

mod incomplete;
mod store;

/// How many fragments are stored, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct ReassemblyLimits {
    /// Bytes of fragments in all. Each fragment takes a multiple of 512.
    pub bytes: usize,
    /// Bytes of fragments for each source.
    pub bytes_per_source: usize,
    /// Datagrams in all.
    pub datagrams: usize,
    /// Datagrams for each source.
    pub datagrams_per_source: usize,
    /// Time from the first fragment of a datagram until it is given up.
    pub timeout: Duration,
}

base::reasons! {
    /// Why an incomplete datagram was given up.
    pub enum ReassemblyFailure {
        /// The other fragments did not come in time.
        TimedOut = "reassembly timed out",
        /// Evicted, because other fragments needed its capacity.
        Evicted = "fragments pushed out by others",
        /// Two of its fragments contradicted each other.
        Overlap = "fragments overlapped",
        /// Complete, and with its header, it would be longer than 65,535 bytes.
        TooLong = "fragments too long together",
    }
}

/// A datagram of which not all fragments came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReassemblyTimeout {
    /// Sender of the fragments.
    pub source: Ipv4Addr,
    /// Destination of the fragments.
    pub destination: Ipv4Addr,
    /// The protocol of the data.
    pub protocol: IpProtocol,
    /// The identification that the fragments had in common.
    pub identification: u16,
    /// The start of the first fragment, if that was here: an ICMP error quotes it (RFC 792, "Time Exceeded").
    pub first_fragment: Option<FragmentStart>,
}

/// The header of a fragment and the first eight bytes of its data, unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentStart {
    bytes: [u8; 68],
    length: usize,
}

/// A complete datagram: the header of its first fragment, as if it had never been cut, and its data.
///
/// [`Reassembly::recycle`] takes its buffer back, so that nothing is allocated for the next datagram.
#[derive(Debug, PartialEq, Eq)]
pub struct ReassembledDatagram(Vec<u8>);

/// Datagrams of which some fragments are here.
#[derive(Debug)]
pub struct Reassembly {
    incomplete: IncompleteTable,
    store: FragmentStore,
    limits: ReassemblyLimits,
    failures: ReasonCounters<ReassemblyFailure>,
    timeouts: EventQueue<ReassemblyTimeout>,
    free_buffers: Vec<Vec<u8>>,
}

/// A fragment whose offset and length are valid.
#[derive(Clone, Copy)]
struct ValidFragment<'a> {
    key: DatagramKey,
    offset: usize,
    end: usize,
    is_last: bool,
    bytes: &'a [u8],
}

/// The resource that is exhausted.
#[derive(Clone, Copy)]
enum Resource {
    Datagrams,
    Blocks,
}

impl Reassembly {
    /// How many events wait to be taken at most; further ones are counted.
    pub const EVENTS: usize = 256;
    /// How many buffers are kept for the next datagrams.
    const MAX_FREE_BUFFERS: usize = 4;

    /// Creates an empty reassembly with these limits and a secret seed.
    pub fn new(limits: ReassemblyLimits, seed: u64) -> Reassembly {
        let limits = limits.clamped();
        Reassembly {
            incomplete: IncompleteTable::new(limits.datagrams, KeyedHash::new(seed)),
            store: FragmentStore::new(limits.bytes / BLOCK),
            limits,
            failures: ReasonCounters::default(),
            timeouts: EventQueue::new(Self::EVENTS),
            free_buffers: Vec::with_capacity(Self::MAX_FREE_BUFFERS),
        }
    }

    /// Stores a fragment. Returns the datagram if the fragment completes it.
    pub fn receive(
        &mut self,
        now: Instant,
        datagram: &Datagram<'_>,
    ) -> Result<Option<ReassembledDatagram>, Ipv4DropReason> {
        let fragment = ValidFragment::of(datagram)?;
        let known = self.incomplete.find(fragment.key);
        let before = match known {
            Some(place) => self.find_predecessor(place, &fragment)?,
            None => FragmentStore::NONE,
        };
        // spec: rfc1122-reassembly
        let place =
            self.store_fragment(now, known, before, &fragment).ok_or(Ipv4DropReason::ReassemblyFull)?;
        if fragment.offset == 0 {
            self.store_header(place, datagram);
        }
        self.complete(place)
    }

    /// Gives up the datagrams whose time is over.
    pub fn poll(&mut self, now: Instant) {
        // spec: reassembly-timeout
        while let Some((place, first_received)) = self.incomplete.oldest() {
            if first_received + self.limits.timeout > now {
                return;
            }
            self.time_out(place);
        }
    }

    /// Returns when [`Reassembly::poll`] has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        self.incomplete.oldest().map(|(_, first_received)| first_received + self.limits.timeout)
    }

    /// Takes the oldest event.
    pub fn take_event(&mut self) -> Option<ReassemblyTimeout> {
        self.timeouts.pop()
    }

    /// Returns how many events were lost because they were not taken in time.
    pub fn events_lost(&self) -> u64 {
        self.timeouts.lost()
    }

    /// Returns how many datagrams were given up, by reason.
    pub fn failures(&self) -> &ReasonCounters<ReassemblyFailure> {
        &self.failures
    }

    /// Returns how many incomplete datagrams are here.
    pub fn len(&self) -> usize {
        self.incomplete.len()
    }

    /// Returns whether no fragment is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes the stored fragments take.
    pub fn bytes(&self) -> usize {
        (self.limits.bytes / BLOCK - self.store.free()) * BLOCK
    }

    /// Takes the buffer of a datagram back that came out of [`Reassembly::receive`].
    pub fn recycle(&mut self, reassembled: ReassembledDatagram) {
        if self.free_buffers.len() < Self::MAX_FREE_BUFFERS {
            self.free_buffers.push(reassembled.0);
        }
    }

    /// Finds the stored fragment that a new one follows in its datagram.
    fn find_predecessor(
        &mut self,
        place: Place,
        fragment: &ValidFragment<'_>,
    ) -> Result<store::Place, Ipv4DropReason> {
        let entry = self.incomplete.get(place).ok_or(Ipv4DropReason::ReassemblyFull)?;
        let (first, last, end) = (entry.first, entry.last, entry.end);
        let tail = self.store.get(last).map_or(0, |stored| stored.end());
        // Most come in order.
        let (mut before, mut after) =
            if tail <= fragment.offset { (last, FragmentStore::NONE) } else { (FragmentStore::NONE, first) };
        let mut next = self.store.get(after);
        while let Some(stored) = next.filter(|stored| stored.offset < fragment.offset) {
            before = after;
            after = stored.next;
            next = self.store.get(after);
        }
        let agrees_with_end = match end {
            Some(end) => fragment.end <= end && fragment.is_last == (fragment.end == end),
            None => !fragment.is_last || tail <= fragment.end,
        };
        // spec: fragments-repeated
        let repeats = next.is_some_and(|stored| stored.offset == fragment.offset);
        let has_same_end = fragment.is_last == (end == Some(fragment.end));
        if repeats && has_same_end && self.store.equals(after, fragment.bytes) {
            return Err(Ipv4DropReason::FragmentRepeated);
        }
        // spec: fragments-overlap
        let overlaps_before = self.store.get(before).is_some_and(|stored| stored.end() > fragment.offset);
        let overlaps_after = next.is_some_and(|stored| stored.offset < fragment.end);
        if overlaps_before || overlaps_after || !agrees_with_end {
            self.discard(place, ReassemblyFailure::Overlap);
            return Err(Ipv4DropReason::FragmentOverlap);
        }
        Ok(before)
    }

    /// Stores a fragment after another one of its datagram, or as the first of a new datagram.
    fn store_fragment(
        &mut self,
        now: Instant,
        known: Option<Place>,
        before: store::Place,
        fragment: &ValidFragment<'_>,
    ) -> Option<Place> {
        if !self.evict_for(known, fragment) {
            return None;
        }
        let place = match known {
            Some(place) => place,
            None => self.incomplete.insert(fragment.key, now)?,
        };
        let after = match self.store.get(before) {
            Some(stored) => stored.next,
            None => self.incomplete.get(place)?.first,
        };
        let stored = self.store.insert(fragment.offset, fragment.bytes, after)?;
        self.store.set_next(before, stored);
        let entry = self.incomplete.get_mut(place)?;
        if before == FragmentStore::NONE {
            entry.first = stored;
        }
        if after == FragmentStore::NONE {
            entry.last = stored;
        }
        entry.bytes += fragment.bytes.len();
        if fragment.is_last {
            entry.end = Some(fragment.end);
        }
        let progress = if entry.first == entry.last { Progress::OneFragment } else { Progress::Several };
        self.incomplete.advance(place, progress, blocks_for(fragment.bytes.len()));
        Some(place)
    }

    /// Evicts what has to go for a fragment of a known datagram or of a new one, first within its source's share and
    /// then in all. Fails if nothing but the datagram itself could go.
    // spec: reassembly-bounds, reassembly-flood
    fn evict_for(&mut self, known: Option<Place>, fragment: &ValidFragment<'_>) -> bool {
        if let Some((place, progress)) =
            known.and_then(|place| Some((place, self.incomplete.get(place)?.progress())))
        {
            // It makes progress: others go first.
            self.incomplete.advance(place, progress, 0);
        }
        let bucket = self.incomplete.bucket_of(fragment.key.source);
        let blocks = blocks_for(fragment.bytes.len());
        let blocks_per_source = self.limits.bytes_per_source / BLOCK;
        while self.incomplete.of_bucket(bucket).blocks + blocks > blocks_per_source
            || known.is_none()
                && self.incomplete.of_bucket(bucket).datagrams >= self.limits.datagrams_per_source
        {
            let victim = self.incomplete.of_bucket(bucket).first();
            if !self.evict(victim, known) {
                return false;
            }
        }
        while known.is_none() && self.incomplete.is_full() {
            let victim = self.victim(Resource::Datagrams, known);
            if !self.evict(victim, known) {
                return false;
            }
        }
        while self.store.free() < blocks {
            let victim = self.victim(Resource::Blocks, known);
            if !self.evict(victim, known) {
                return false;
            }
        }
        true
    }

    /// Returns the first of the queue that holds more, or of the other one if that is the datagram itself.
    fn victim(&self, exhausted: Resource, known: Option<Place>) -> Option<Place> {
        let one = self.incomplete.of_progress(Progress::OneFragment);
        let several = self.incomplete.of_progress(Progress::Several);
        let several_hold_more = match exhausted {
            Resource::Datagrams => several.datagrams > one.datagrams,
            Resource::Blocks => several.blocks > one.blocks,
        };
        let (more, less) = if several_hold_more { (several, one) } else { (one, several) };
        if known.is_some() && known == more.first() { less.first() } else { more.first() }
    }

    fn evict(&mut self, victim: Option<Place>, known: Option<Place>) -> bool {
        let Some(place) = victim.filter(|place| known != Some(*place)) else { return false };
        if self.incomplete.get(place).is_none() {
            return false;
        }
        self.discard(place, ReassemblyFailure::Evicted);
        true
    }

    /// Keeps the header of a datagram's first fragment.
    fn store_header(&mut self, place: Place, datagram: &Datagram<'_>) {
        let length = datagram.header_length();
        let Some(entry) = self.incomplete.get_mut(place) else { return };
        for (to, from) in entry.header.iter_mut().zip(datagram.bytes()).take(length) {
            *to = *from;
        }
        entry.header_length = length;
    }

    /// Removes a datagram and returns it if all of it is here.
    fn complete(&mut self, place: Place) -> Result<Option<ReassembledDatagram>, Ipv4DropReason> {
        let Some(entry) = self.incomplete.get(place) else { return Ok(None) };
        // No two fragments overlap, so the datagram is complete when the bytes here reach its end.
        if entry.end != Some(entry.bytes) {
            return Ok(None);
        }
        // The first fragment's header may be longer than that of the last.
        // spec: fragments-beyond
        let Ok(total_length) = u16::try_from(entry.header_length + entry.bytes) else {
            self.discard(place, ReassemblyFailure::TooLong);
            return Err(Ipv4DropReason::FragmentBeyond);
        };
        let mut bytes = self.free_buffers.pop().unwrap_or_else(|| Vec::with_capacity(Datagram::MAX_LENGTH));
        self.assemble(place, total_length, &mut bytes);
        self.remove(place);
        Ok(Some(ReassembledDatagram(bytes)))
    }

    /// Puts header and data together.
    // spec: rfc791-reassembly
    fn assemble(&self, place: Place, total_length: u16, bytes: &mut Vec<u8>) {
        bytes.clear();
        let Some(entry) = self.incomplete.get(place) else { return };
        bytes.extend_from_slice(entry.header.get(..entry.header_length).unwrap_or_default());
        if let Ok((header, _)) = Ipv4Header::mut_from_prefix(bytes) {
            header.total_length.set(total_length);
            let flags = header.flags_and_offset.get();
            header.flags_and_offset.set(flags & !(Ipv4Header::MORE_FRAGMENTS | Ipv4Header::OFFSET));
            header.checksum.set(0);
        }
        let sum = checksum::of(bytes);
        if let Ok((header, _)) = Ipv4Header::mut_from_prefix(bytes) {
            header.checksum.set(sum);
        }
        let mut next = entry.first;
        while let Some(stored) = self.store.get(next) {
            self.store.bytes(next).for_each(|part| bytes.extend_from_slice(part));
            next = stored.next;
        }
    }

    fn time_out(&mut self, place: Place) {
        let Some(entry) = self.incomplete.get(place) else { return };
        let DatagramKey { source, destination, protocol, identification } = entry.key();
        let first_fragment = self.first_fragment(place);
        self.discard(place, ReassemblyFailure::TimedOut);
        self.timeouts.push(ReassemblyTimeout {
            source,
            destination,
            protocol,
            identification,
            first_fragment,
        });
    }

    /// Returns the start of a datagram's first fragment, if that is here.
    fn first_fragment(&self, place: Place) -> Option<FragmentStart> {
        let entry = self.incomplete.get(place)?;
        self.store.get(entry.first).filter(|stored| stored.offset == 0)?;
        let header = entry.header.get(..entry.header_length)?;
        let data = self.store.bytes(entry.first).flatten().take(8);
        let mut bytes = [0; 68];
        let mut length = 0;
        for (to, from) in bytes.iter_mut().zip(header.iter().chain(data)) {
            *to = *from;
            length += 1;
        }
        Some(FragmentStart { bytes, length })
    }

    /// Forgets a datagram that cannot be completed, and counts why. Its key is free again: were it remembered, a
    /// stranger could block the datagrams of another host with two fragments each, ahead of time.
    fn discard(&mut self, place: Place, reason: ReassemblyFailure) {
        self.failures.count(reason);
        self.remove(place);
    }

    fn remove(&mut self, place: Place) {
        if let Some(entry) = self.incomplete.get(place) {
            let mut stored = entry.first;
            while stored != FragmentStore::NONE {
                stored = self.store.remove(stored);
            }
        }
        self.incomplete.remove(place);
    }
}

impl<'a> ValidFragment<'a> {
    fn of(datagram: &Datagram<'a>) -> Result<ValidFragment<'a>, Ipv4DropReason> {
        let (offset, bytes) = (datagram.fragment_offset(), datagram.payload());
        let end = offset + bytes.len();
        if bytes.is_empty() {
            return Err(Ipv4DropReason::FragmentEmpty);
        }
        // spec: fragments-uneven
        if datagram.more_fragments() && bytes.len() % 8 != 0 {
            return Err(Ipv4DropReason::FragmentUneven);
        }
        // spec: fragments-beyond
        if datagram.header_length() + end > Datagram::MAX_LENGTH {
            return Err(Ipv4DropReason::FragmentBeyond);
        }
        let key = DatagramKey {
            source: datagram.source(),
            destination: datagram.destination(),
            protocol: datagram.protocol(),
            identification: datagram.identification(),
        };
        Ok(ValidFragment { key, offset, end, is_last: !datagram.more_fragments(), bytes })
    }
}

impl ReassembledDatagram {
    /// Parses the datagram.
    pub fn datagram(&self) -> Result<Datagram<'_>, Ipv4DropReason> {
        Datagram::parse(&self.0)
    }

    /// Returns its bytes, to change in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl FragmentStart {
    /// Returns header and data.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl ReassemblyLimits {
    /// Default time until an incomplete datagram is given up.
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// Returns the nearest limits that are valid: at least one datagram of any length fits.
    fn clamped(self) -> ReassemblyLimits {
        let longest = 2 * (Datagram::MAX_LENGTH + 1);
        let bytes = self.bytes.clamp(longest, 1 << 30);
        let datagrams = self.datagrams.clamp(4, 1 << 20);
        ReassemblyLimits {
            bytes,
            bytes_per_source: self.bytes_per_source.clamp(longest, bytes),
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
            bytes: 4 << 20,
            bytes_per_source: 1 << 20,
            datagrams: 4_096,
            datagrams_per_source: 256,
            timeout: Self::TIMEOUT,
        }
    }
}

#[cfg(test)]
mod tests;
