//! Reassembly of fragments: RFC 791 3.2, RFC 815, RFC 1122 3.3.2.
//!
//! Stored fragments are bounded in bytes and in datagrams, in total and per source. At a bound, incomplete datagrams
//! are evicted, so that a flood from a million sources leaves capacity for other senders:
//!
//! - At a limit per source, datagrams of the same source are evicted, least recently advanced first. Sources in the
//!   same hash bucket have a common limit.
//! - At a limit in total, the policy uses two LRU queues: datagrams with one stored fragment, and datagrams with
//!   several. The first datagram of the queue that uses more of the exhausted resource is evicted.
//!
//! Senders of single fragments therefore evict each other's datagrams, but not a datagram with a second fragment.
//! Storing a fragment takes amortized constant time, except for the search for its position in its datagram.
//! The limit per source bounds this search.

use std::net::Ipv4Addr;
use std::time::Duration;

use base::{KeyedHash, Place, ReasonCounters};
use inet::{IpProtocol, checksum};
use link::Instant;
use zerocopy::FromBytes;

use self::incomplete::{CE, DatagramKey, IncompleteTable, NOT_ECT, Progress};
use self::store::{BLOCK, FragmentStore, blocks_for};
use crate::{Datagram, Ipv4DropReason, Ipv4Header};

mod incomplete;
mod store;

/// Limits on stored fragments, and the reassembly timeout. Limits out of range are clamped, so that at least one
/// datagram of any length fits.
#[derive(Clone, Copy, Debug)]
pub struct ReassemblyLimits {
    /// Maximum bytes of fragments in total, 128 KiB to 1 GiB. Each fragment takes a multiple of 512 bytes.
    pub bytes: usize,
    /// Maximum bytes of fragments per source, 128 KiB to `bytes`.
    pub bytes_per_source: usize,
    /// Maximum number of incomplete datagrams in total, 4 to 1,048,576.
    pub datagrams: usize,
    /// Maximum number of incomplete datagrams per source, 1 to `datagrams`.
    pub datagrams_per_source: usize,
    /// Time from the first received fragment of a datagram until the incomplete datagram is discarded.
    pub timeout: Duration,
}

base::reasons! {
    /// Reason for which an incomplete datagram was discarded.
    pub enum ReassemblyFailure {
        /// The remaining fragments did not arrive before the timeout.
        TimedOut("reassembly_timeout") = "reassembly timed out",
        /// The datagram was evicted to store other fragments, because a limit was reached.
        Evicted("reassembly_evicted") = "incomplete datagram evicted (reassembly limit reached)",
        /// Two fragments overlapped, or disagreed on the end of the datagram.
        Overlap("reassembly_overlap") = "fragments overlapped or disagreed on the end of the datagram",
        /// Header and data of the complete datagram would be longer than 65,535 bytes.
        TooLong("reassembly_too_long") = "reassembled datagram longer than 65535 bytes",
        /// A router had marked a fragment with congestion experienced, and another fragment did not support ECN.
        Ecn("reassembly_ecn") = "datagram with a congestion mark and a fragment without ECN",
    }
}

/// A datagram that was discarded because its reassembly timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReassemblyTimeout {
    /// Source address of the fragments.
    pub source: Ipv4Addr,
    /// Destination address of the fragments.
    pub destination: Ipv4Addr,
    /// Protocol of the data.
    pub protocol: IpProtocol,
    /// Identification of the fragments.
    pub identification: u16,
    /// Start of the fragment with offset zero, if this fragment arrived. An ICMP Time Exceeded message quotes this
    /// start (RFC 792).
    pub first_fragment: Option<FragmentStart>,
}

/// Header and first eight bytes of data of a fragment, as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentStart {
    bytes: [u8; 68],
    length: usize,
}

/// A reassembled datagram. Its header is the header of the fragment with offset zero, with a new total length and
/// checksum, without the flag "more fragments", and with the congestion mark of any fragment.
///
/// After use, pass the datagram to [`Reassembly::recycle`], so that the next datagram needs no allocation.
#[derive(Debug, PartialEq, Eq)]
pub struct ReassembledDatagram(Vec<u8>);

/// Fragment reassembly: incomplete datagrams and their fragments.
#[derive(Debug)]
pub struct Reassembly {
    incomplete: IncompleteTable,
    store: FragmentStore,
    limits: ReassemblyLimits,
    failures: ReasonCounters<ReassemblyFailure>,
    free_buffers: Vec<Vec<u8>>,
}

/// A fragment with valid offset and length.
#[derive(Clone, Copy)]
struct ValidFragment<'a> {
    key: DatagramKey,
    offset: usize,
    end: usize,
    is_last: bool,
    /// ECN field of the header (RFC 3168 5).
    ecn_field: u8,
    bytes: &'a [u8],
}

/// A resource with a bound.
#[derive(Clone, Copy)]
enum Resource {
    Datagrams,
    Blocks,
}

impl Reassembly {
    /// Maximum number of recycled buffers.
    const MAX_FREE_BUFFERS: usize = 4;

    /// Creates an empty reassembly with these limits. `seed` is the key of the hash functions and must be unpredictable
    /// to senders.
    pub fn new(limits: ReassemblyLimits, seed: u64) -> Reassembly {
        let limits = limits.clamped();
        Reassembly {
            incomplete: IncompleteTable::new(limits.datagrams, KeyedHash::new(seed)),
            store: FragmentStore::new(limits.bytes / BLOCK),
            limits,
            failures: ReasonCounters::default(),
            free_buffers: Vec::with_capacity(Self::MAX_FREE_BUFFERS),
        }
    }

    /// Stores a fragment. Returns the datagram that the fragment completes, or `None`.
    ///
    /// Fails if the fragment is malformed, repeated or overlapping, or exceeds the limits.
    pub fn receive(
        &mut self,
        now: Instant,
        datagram: &Datagram<'_>,
    ) -> Result<Option<ReassembledDatagram>, Ipv4DropReason> {
        let fragment = ValidFragment::of(datagram)?;
        let known = self.find(now, fragment.key);
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

    /// Discards and returns the oldest datagram that has timed out.
    ///
    /// A datagram that has timed out accepts no fragment, and stays stored until this method returns it or another
    /// datagram needs its capacity. Call this method while an ICMP error can be sent.
    // spec: reassembly-timeout
    pub fn take_timed_out(&mut self, now: Instant) -> Option<ReassemblyTimeout> {
        let place = self.incomplete.oldest()?;
        if !self.has_timed_out(now, place) {
            return None;
        }
        let DatagramKey { source, destination, protocol, identification } = self.incomplete.get(place)?.key();
        let first_fragment = self.first_fragment(place);
        self.discard(place, ReassemblyFailure::TimedOut);
        Some(ReassemblyTimeout { source, destination, protocol, identification, first_fragment })
    }

    /// Returns the time at which the next datagram times out. Call [`Reassembly::take_timed_out`] at this time.
    pub fn deadline(&self) -> Option<Instant> {
        let oldest = self.incomplete.get(self.incomplete.oldest()?)?;
        Some(oldest.first_received() + self.limits.timeout)
    }

    /// Returns the number of discarded datagrams, by reason.
    pub fn failures(&self) -> &ReasonCounters<ReassemblyFailure> {
        &self.failures
    }

    /// Returns the number of incomplete datagrams.
    pub fn len(&self) -> usize {
        self.incomplete.len()
    }

    /// Returns whether no fragment is stored.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of bytes that the stored fragments take, a multiple of 512.
    pub fn bytes(&self) -> usize {
        (self.limits.bytes / BLOCK - self.store.free()) * BLOCK
    }

    /// Stores the buffer of a datagram from [`Reassembly::receive`] for reuse.
    pub fn recycle(&mut self, reassembled: ReassembledDatagram) {
        if self.free_buffers.len() < Self::MAX_FREE_BUFFERS {
            self.free_buffers.push(reassembled.0);
        }
    }

    /// Returns the incomplete datagram with this key. If the datagram has timed out, its key becomes free for a new
    /// datagram.
    // spec: reassembly-timeout
    fn find(&mut self, now: Instant, key: DatagramKey) -> Option<Place> {
        let place = self.incomplete.find(key)?;
        if self.has_timed_out(now, place) {
            self.incomplete.release_key(place);
            return None;
        }
        Some(place)
    }

    fn has_timed_out(&self, now: Instant, place: Place) -> bool {
        self.incomplete.get(place).is_some_and(|entry| entry.first_received() + self.limits.timeout <= now)
    }

    /// Returns the stored fragment after which a new fragment is inserted. Discards the datagram if the new fragment
    /// overlaps a stored fragment or contradicts the known end of the datagram.
    fn find_predecessor(
        &mut self,
        place: Place,
        fragment: &ValidFragment<'_>,
    ) -> Result<store::Place, Ipv4DropReason> {
        let entry = self.incomplete.get(place).ok_or(Ipv4DropReason::ReassemblyFull)?;
        let (first, last, end) = (entry.first, entry.last, entry.end);
        let tail = self.store.get(last).map_or(0, |stored| stored.end());
        // Most fragments arrive in order.
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

    /// Stores a fragment after another fragment of its datagram, or as the first fragment of a new datagram.
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
        entry.ecn_fields |= 1 << fragment.ecn_field;
        if fragment.is_last {
            entry.end = Some(fragment.end);
        }
        let progress = if entry.first == entry.last { Progress::OneFragment } else { Progress::Several };
        self.incomplete.advance(place, progress, blocks_for(fragment.bytes.len()));
        Some(place)
    }

    /// Evicts datagrams until a fragment of a known or new datagram fits, first within the limits per source, then in
    /// total. Returns `false` if only the datagram of the fragment itself could be evicted.
    // spec: reassembly-bounds, reassembly-flood
    fn evict_for(&mut self, known: Option<Place>, fragment: &ValidFragment<'_>) -> bool {
        if let Some((place, progress)) =
            known.and_then(|place| Some((place, self.incomplete.get(place)?.progress())))
        {
            // The datagram moves to the end of its queues, so that other datagrams are evicted first.
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

    /// Returns the datagram to evict: the first datagram of the queue that uses more of the resource. If this is the
    /// known datagram itself, returns the first datagram of the other queue.
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

    /// Stores the header of the fragment with offset zero.
    fn store_header(&mut self, place: Place, datagram: &Datagram<'_>) {
        let length = datagram.header_length();
        let Some(entry) = self.incomplete.get_mut(place) else { return };
        for (to, from) in entry.header.iter_mut().zip(datagram.bytes()).take(length) {
            *to = *from;
        }
        entry.header_length = length;
    }

    /// Removes and returns a complete datagram. Returns `None` for an incomplete datagram.
    fn complete(&mut self, place: Place) -> Result<Option<ReassembledDatagram>, Ipv4DropReason> {
        let Some(entry) = self.incomplete.get(place) else { return Ok(None) };
        // No fragments overlap, so the datagram is complete when the stored bytes add up to its length.
        if entry.end != Some(entry.bytes) {
            return Ok(None);
        }
        // RFC 3168 5.3: "if any fragment of an IP packet to be reassembled has the CE codepoint set, then one of two actions
        // MUST be taken: Set the CE codepoint on the reassembled packet. However, this MUST NOT occur if any of the other
        // fragments contributing to this reassembly carries the Not-ECT codepoint. The packet is dropped, instead of being
        // reassembled".
        // spec: rfc791-ecn
        if entry.is_marked() && entry.ecn_fields & 1 << NOT_ECT != 0 {
            self.discard(place, ReassemblyFailure::Ecn);
            return Err(Ipv4DropReason::FragmentEcn);
        }
        // The header of the first fragment may be longer than the header of the last fragment.
        // spec: fragments-too-long
        let Ok(total_length) = u16::try_from(entry.header_length + entry.bytes) else {
            self.discard(place, ReassemblyFailure::TooLong);
            return Err(Ipv4DropReason::FragmentBeyond);
        };
        let mut bytes = self.free_buffers.pop().unwrap_or_else(|| Vec::with_capacity(Datagram::MAX_LENGTH));
        self.assemble(place, total_length, &mut bytes);
        self.remove(place);
        Ok(Some(ReassembledDatagram(bytes)))
    }

    /// Writes header and data of a complete datagram to `bytes`.
    // spec: rfc791-reassembly
    fn assemble(&self, place: Place, total_length: u16, bytes: &mut Vec<u8>) {
        bytes.clear();
        let Some(entry) = self.incomplete.get(place) else { return };
        bytes.extend_from_slice(entry.header.get(..entry.header_length).unwrap_or_default());
        if let Ok((header, _)) = Ipv4Header::mut_from_prefix(bytes) {
            header.total_length.set(total_length);
            if entry.is_marked() {
                header.type_of_service |= CE;
            }
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

    /// Returns the start of the fragment with offset zero, if this fragment is stored.
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

    /// Removes an incomplete datagram, and counts the reason. The key of the datagram is not blocked afterwards.
    /// Otherwise, an attacker could block each future datagram of another host with two forged fragments.
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
        // spec: fragments-length
        if datagram.more_fragments() && bytes.len() % 8 != 0 {
            return Err(Ipv4DropReason::FragmentUneven);
        }
        // spec: fragments-too-long
        if datagram.header_length() + end > Datagram::MAX_LENGTH {
            return Err(Ipv4DropReason::FragmentBeyond);
        }
        let key = DatagramKey {
            source: datagram.source(),
            destination: datagram.destination(),
            protocol: datagram.protocol(),
            identification: datagram.identification(),
        };
        let ecn_field = datagram.type_of_service() & CE;
        Ok(ValidFragment { key, offset, end, is_last: !datagram.more_fragments(), ecn_field, bytes })
    }
}

impl ReassembledDatagram {
    /// Parses the datagram.
    pub fn datagram(&self) -> Result<Datagram<'_>, Ipv4DropReason> {
        Datagram::parse(&self.0)
    }

    /// Returns the bytes of the datagram for modification.
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
    /// Default reassembly timeout.
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// Returns the nearest valid limits, within which at least one datagram of any length fits.
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
    /// Returns limits of 4 MiB and 4,096 datagrams in total, 1 MiB and 256 datagrams per source, and a timeout of 30
    /// seconds.
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
