//! The datagrams of which some fragments are here, and the order in which they have to go.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use base::KeyedHash;
use link::Instant;

use super::store::{NONE, Place, to_usize};
use inet::IpProtocol;

/// What the fragments of one datagram have in common (RFC 791 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) protocol: IpProtocol,
    pub(super) identification: u16,
}

/// The row that a datagram stands in, the one that made progress last behind all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// One fragment is here: anybody could have sent it.
    Single,
    /// Several fragments are here, and they fit.
    Several,
}

/// A datagram in parts.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    key: Key,
    row: Row,
    /// When its first fragment came.
    since: Instant,
    /// Its fragments in the order of their offsets.
    pub(super) first: Place,
    pub(super) last: Place,
    /// Octets of data that are here.
    pub(super) octets: usize,
    /// Octets of data in all, once the last fragment is here.
    pub(super) end: Option<usize>,
    /// Blocks that its fragments take.
    blocks: usize,
    bucket: usize,
    /// The header of its first fragment, which becomes the datagram's.
    pub(super) header: [u8; 60],
    pub(super) header_length: usize,
    by_age: Links,
    in_row: Links,
    of_source: Links,
}

/// The entries before and after an entry in a chain.
#[derive(Clone, Copy, Debug)]
struct Links {
    before: u32,
    after: u32,
}

/// A chain through the entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    pub(super) first: u32,
    last: u32,
    /// How many entries are in it.
    pub(super) places: usize,
    /// How many blocks these take.
    pub(super) blocks: usize,
}

/// One of the chains that an entry is in.
#[derive(Clone, Copy, Debug)]
enum Which {
    Age,
    Row(Row),
    Source(usize),
}

/// Entries with a hard bound. Every operation costs the same however many there are.
#[derive(Debug)]
pub(super) struct Entries {
    slots: Vec<Entry>,
    unused: Vec<u32>,
    index: HashMap<Key, u32, KeyedHash>,
    bound: usize,
    age: Chain,
    rows: [Chain; 2],
    /// Sources share buckets, and no sender can foresee with which others.
    buckets: Box<[Chain]>,
    hash: KeyedHash,
}

impl Entries {
    /// Many more than there are heavy senders at a time.
    const BUCKETS: usize = 1_024;

    pub(super) fn new(bound: usize, hash: KeyedHash) -> Entries {
        Entries {
            slots: Vec::with_capacity(bound),
            unused: Vec::with_capacity(bound),
            // Twice as many as are used: then what was removed never makes it grow.
            index: HashMap::with_capacity_and_hasher(2 * bound, hash.clone()),
            bound,
            age: Chain::EMPTY,
            rows: [Chain::EMPTY; 2],
            buckets: vec![Chain::EMPTY; Self::BUCKETS].into_boxed_slice(),
            hash,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.unused.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.bound
    }

    pub(super) fn find(&self, key: Key) -> Option<u32> {
        self.index.get(&key).copied()
    }

    pub(super) fn get(&self, place: u32) -> Option<&Entry> {
        self.slots.get(to_usize(place))
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Entry> {
        self.slots.get_mut(to_usize(place))
    }

    pub(super) fn bucket_of(&self, source: Ipv4Addr) -> usize {
        self.hash.bucket(source, Self::BUCKETS)
    }

    pub(super) fn row(&self, row: Row) -> Chain {
        self.rows.get(row.number()).copied().unwrap_or(Chain::EMPTY)
    }

    /// The datagrams of the sources in a bucket.
    pub(super) fn bucket(&self, bucket: usize) -> Chain {
        self.buckets.get(bucket).copied().unwrap_or(Chain::EMPTY)
    }

    /// The one whose first fragment came first, and when that was.
    pub(super) fn oldest(&self) -> Option<(u32, Instant)> {
        self.get(self.age.first).map(|entry| (self.age.first, entry.since))
    }

    /// Enters a datagram without fragments, which is not there. The caller has made room.
    pub(super) fn insert(&mut self, key: Key, now: Instant) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        let entry = Entry {
            key,
            row: Row::Single,
            since: now,
            first: NONE,
            last: NONE,
            octets: 0,
            end: None,
            blocks: 0,
            bucket: self.bucket_of(key.source),
            header: [0; 60],
            header_length: 0,
            by_age: Links::NONE,
            in_row: Links::NONE,
            of_source: Links::NONE,
        };
        let bucket = entry.bucket;
        let place = if let Some(place) = self.unused.pop() {
            *self.get_mut(place)? = entry;
            place
        } else {
            self.slots.push(entry);
            u32::try_from(self.slots.len() - 1).ok()?
        };
        self.index.insert(key, place);
        self.join(place, Which::Age);
        self.join(place, Which::Row(Row::Single));
        self.join(place, Which::Source(bucket));
        Some(place)
    }

    /// Forgets a datagram; its fragments are the caller's to remove.
    pub(super) fn remove(&mut self, place: u32) {
        let Some((key, row, bucket)) = self.get(place).map(|entry| (entry.key, entry.row, entry.bucket))
        else {
            return;
        };
        self.leave(place, Which::Age);
        self.leave(place, Which::Row(row));
        self.leave(place, Which::Source(bucket));
        self.index.remove(&key);
        self.unused.push(place);
    }

    /// Puts a datagram behind all others of a row, and of its source, with so many blocks more.
    pub(super) fn advance(&mut self, place: u32, to: Row, blocks: usize) {
        let Some((row, bucket)) = self.get(place).map(|entry| (entry.row, entry.bucket)) else { return };
        self.leave(place, Which::Row(row));
        self.leave(place, Which::Source(bucket));
        if let Some(entry) = self.get_mut(place) {
            entry.row = to;
            entry.blocks += blocks;
        }
        self.join(place, Which::Row(to));
        self.join(place, Which::Source(bucket));
    }

    fn join(&mut self, place: u32, which: Which) {
        let last = self.chain(which).map_or(NONE, |chain| chain.last);
        let Some(entry) = self.get_mut(place) else { return };
        *entry.links(which) = Links { before: last, after: NONE };
        let blocks = entry.load(which);
        if let Some(before) = self.get_mut(last) {
            before.links(which).after = place;
        }
        let Some(chain) = self.chain(which) else { return };
        if last == NONE {
            chain.first = place;
        }
        chain.last = place;
        chain.places += 1;
        chain.blocks += blocks;
    }

    fn leave(&mut self, place: u32, which: Which) {
        let Some(entry) = self.get_mut(place) else { return };
        let (Links { before, after }, blocks) = (*entry.links(which), entry.load(which));
        if let Some(entry) = self.get_mut(before) {
            entry.links(which).after = after;
        }
        if let Some(entry) = self.get_mut(after) {
            entry.links(which).before = before;
        }
        let Some(chain) = self.chain(which) else { return };
        if before == NONE {
            chain.first = after;
        }
        if after == NONE {
            chain.last = before;
        }
        chain.places -= 1;
        chain.blocks -= blocks;
    }

    fn chain(&mut self, which: Which) -> Option<&mut Chain> {
        match which {
            Which::Age => Some(&mut self.age),
            Which::Row(row) => self.rows.get_mut(row.number()),
            Which::Source(bucket) => self.buckets.get_mut(bucket),
        }
    }
}

impl Entry {
    pub(super) fn key(&self) -> Key {
        self.key
    }

    pub(super) fn row(&self) -> Row {
        self.row
    }

    /// Blocks as a chain counts them; what is oldest is never asked how much it holds.
    fn load(&self, which: Which) -> usize {
        match which {
            Which::Age => 0,
            Which::Row(_) | Which::Source(_) => self.blocks,
        }
    }

    fn links(&mut self, which: Which) -> &mut Links {
        match which {
            Which::Age => &mut self.by_age,
            Which::Row(_) => &mut self.in_row,
            Which::Source(_) => &mut self.of_source,
        }
    }
}

impl Row {
    fn number(self) -> usize {
        match self {
            Self::Single => 0,
            Self::Several => 1,
        }
    }
}

impl Links {
    const NONE: Links = Links { before: NONE, after: NONE };
}

impl Chain {
    const EMPTY: Chain = Chain { first: NONE, last: NONE, places: 0, blocks: 0 };
}
