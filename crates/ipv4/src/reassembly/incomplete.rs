//! Table of incomplete datagrams with a hard bound, and the queues for eviction.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use base::list::index;
use base::{KeyedHash, Links, List, Place};
use inet::IpProtocol;
use link::Instant;

use super::store::{self, FragmentStore};

/// ECN field of a datagram that does not support ECN (RFC 3168 5).
pub(super) const NOT_ECT: u8 = 0b00;

/// ECN field of a datagram that a router has marked with congestion experienced, and mask of the field.
pub(super) const CE: u8 = 0b11;

/// The header fields that identify the fragments of a datagram (RFC 791 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DatagramKey {
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) protocol: IpProtocol,
    pub(super) identification: u16,
}

/// Progress of an incomplete datagram, which selects its LRU queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// One fragment is stored. Any host could have forged this fragment.
    OneFragment,
    /// Several fragments without overlap are stored.
    Several,
}

/// An incomplete datagram.
#[derive(Clone, Debug)]
pub(super) struct Incomplete {
    key: DatagramKey,
    progress: Progress,
    /// Time at which the first fragment arrived.
    first_received: Instant,
    /// First and last fragment in the [`FragmentStore`], by offset.
    pub(super) first: store::Place,
    pub(super) last: store::Place,
    /// Bytes of data stored.
    pub(super) bytes: usize,
    /// Bytes of data of the whole datagram, known when its last fragment is stored.
    pub(super) end: Option<usize>,
    /// ECN fields of the stored fragments: one bit for each of the four values.
    pub(super) ecn_fields: u8,
    /// Number of blocks that the fragments take.
    blocks: usize,
    bucket: usize,
    /// Header of the fragment with offset zero, which becomes the header of the datagram.
    pub(super) header: [u8; 60],
    pub(super) header_length: usize,
    by_age: Links,
    by_progress: Links,
    by_source: Links,
}

/// A queue of incomplete datagrams, least recently advanced first.
#[derive(Clone, Copy, Debug)]
pub(super) struct LruQueue {
    list: List,
    pub(super) datagrams: usize,
    /// Number of blocks that the fragments of these datagrams take.
    pub(super) blocks: usize,
}

/// Name of a queue. Each datagram is in one queue of each kind.
#[derive(Clone, Copy, Debug)]
enum QueueId {
    Age,
    Progress(Progress),
    Source(usize),
}

#[derive(Debug)]
struct Queues {
    age: LruQueue,
    progress: [LruQueue; 2],
    /// Datagrams by hash bucket of the source. Several sources may share a bucket. A sender cannot predict the bucket
    /// of a source.
    sources: Box<[LruQueue]>,
}

/// Table of incomplete datagrams with a hard bound. Each operation takes constant time.
#[derive(Debug)]
pub(super) struct IncompleteTable {
    slots: Vec<Incomplete>,
    free: Vec<Place>,
    index: HashMap<DatagramKey, Place, KeyedHash>,
    bound: usize,
    queues: Queues,
    hash: KeyedHash,
}

impl IncompleteTable {
    /// Number of hash buckets for sources, far above the usual number of heavy senders.
    const BUCKETS: usize = 1_024;

    pub(super) fn new(bound: usize, hash: KeyedHash) -> IncompleteTable {
        IncompleteTable {
            slots: Vec::with_capacity(bound),
            free: Vec::with_capacity(bound),
            // The capacity is twice the bound, so that the map never grows because of removed entries.
            index: HashMap::with_capacity_and_hasher(2 * bound, hash.clone()),
            bound,
            queues: Queues {
                age: LruQueue::EMPTY,
                progress: [LruQueue::EMPTY; 2],
                sources: vec![LruQueue::EMPTY; Self::BUCKETS].into_boxed_slice(),
            },
            hash,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.bound
    }

    pub(super) fn find(&self, key: DatagramKey) -> Option<Place> {
        self.index.get(&key).copied()
    }

    pub(super) fn get(&self, place: Place) -> Option<&Incomplete> {
        self.slots.get(index(place))
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Incomplete> {
        self.slots.get_mut(index(place))
    }

    pub(super) fn bucket_of(&self, source: Ipv4Addr) -> usize {
        self.hash.bucket(source, Self::BUCKETS)
    }

    pub(super) fn of_progress(&self, progress: Progress) -> LruQueue {
        self.queues.progress.get(progress.number()).copied().unwrap_or(LruQueue::EMPTY)
    }

    /// Returns the datagrams of the sources in a bucket.
    pub(super) fn of_bucket(&self, bucket: usize) -> LruQueue {
        self.queues.sources.get(bucket).copied().unwrap_or(LruQueue::EMPTY)
    }

    /// Returns the datagram with the earliest first fragment.
    pub(super) fn oldest(&self) -> Option<Place> {
        self.queues.age.first()
    }

    /// Inserts a new datagram without fragments. Returns `None` if the table is full.
    pub(super) fn insert(&mut self, key: DatagramKey, now: Instant) -> Option<Place> {
        if self.is_full() {
            return None;
        }
        let bucket = self.bucket_of(key.source);
        let entry = Incomplete {
            key,
            progress: Progress::OneFragment,
            first_received: now,
            first: FragmentStore::NONE,
            last: FragmentStore::NONE,
            bytes: 0,
            end: None,
            ecn_fields: 0,
            blocks: 0,
            bucket,
            header: [0; 60],
            header_length: 0,
            by_age: Links::NONE,
            by_progress: Links::NONE,
            by_source: Links::NONE,
        };
        let place = if let Some(place) = self.free.pop() {
            *self.get_mut(place)? = entry;
            place
        } else {
            self.slots.push(entry);
            Place::try_from(self.slots.len() - 1).ok()?
        };
        self.index.insert(key, place);
        self.enqueue(place, QueueId::Age);
        self.enqueue(place, QueueId::Progress(Progress::OneFragment));
        self.enqueue(place, QueueId::Source(bucket));
        Some(place)
    }

    /// Removes a datagram. The caller removes its fragments from the store.
    pub(super) fn remove(&mut self, place: Place) {
        let Some(&Incomplete { progress, bucket, .. }) = self.get(place) else { return };
        self.dequeue(place, QueueId::Age);
        self.dequeue(place, QueueId::Progress(progress));
        self.dequeue(place, QueueId::Source(bucket));
        self.release_key(place);
        self.free.push(place);
    }

    /// Removes the key of a datagram from the index, so that another datagram may have the same key.
    pub(super) fn release_key(&mut self, place: Place) {
        if let Some(key) = self.get(place).map(Incomplete::key)
            && self.find(key) == Some(place)
        {
            self.index.remove(&key);
        }
    }

    /// Moves a datagram to the end of the queue for its new progress and of the queue of its source. Adds `blocks` to
    /// the block count of the datagram.
    pub(super) fn advance(&mut self, place: Place, to: Progress, blocks: usize) {
        let Some(&Incomplete { progress, bucket, .. }) = self.get(place) else { return };
        self.dequeue(place, QueueId::Progress(progress));
        self.dequeue(place, QueueId::Source(bucket));
        if let Some(entry) = self.get_mut(place) {
            entry.progress = to;
            entry.blocks += blocks;
        }
        self.enqueue(place, QueueId::Progress(to));
        self.enqueue(place, QueueId::Source(bucket));
    }

    fn enqueue(&mut self, place: Place, id: QueueId) {
        let Some(blocks) = self.get(place).map(|entry| id.blocks_of(entry)) else { return };
        let Some(queue) = self.queues.get_mut(id) else { return };
        queue.list.append(&mut self.slots, id.links(), place);
        queue.datagrams += 1;
        queue.blocks += blocks;
    }

    fn dequeue(&mut self, place: Place, id: QueueId) {
        let Some(blocks) = self.get(place).map(|entry| id.blocks_of(entry)) else { return };
        let Some(queue) = self.queues.get_mut(id) else { return };
        queue.list.unlink(&mut self.slots, id.links(), place);
        queue.datagrams -= 1;
        queue.blocks -= blocks;
    }
}

impl Incomplete {
    pub(super) fn key(&self) -> DatagramKey {
        self.key
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress
    }

    pub(super) fn first_received(&self) -> Instant {
        self.first_received
    }

    /// Returns whether a router has marked a fragment.
    pub(super) fn is_marked(&self) -> bool {
        self.ecn_fields & 1 << CE != 0
    }
}

impl Progress {
    fn number(self) -> usize {
        match self {
            Self::OneFragment => 0,
            Self::Several => 1,
        }
    }
}

impl QueueId {
    /// Returns the number of blocks that a queue counts for a datagram. The queue by age does not count blocks.
    fn blocks_of(self, entry: &Incomplete) -> usize {
        match self {
            Self::Age => 0,
            Self::Progress(_) | Self::Source(_) => entry.blocks,
        }
    }

    /// Returns the accessor of the links of this queue.
    fn links(self) -> fn(&mut Incomplete) -> &mut Links {
        match self {
            Self::Age => |entry| &mut entry.by_age,
            Self::Progress(_) => |entry| &mut entry.by_progress,
            Self::Source(_) => |entry| &mut entry.by_source,
        }
    }
}

impl Queues {
    fn get_mut(&mut self, id: QueueId) -> Option<&mut LruQueue> {
        match id {
            QueueId::Age => Some(&mut self.age),
            QueueId::Progress(progress) => self.progress.get_mut(progress.number()),
            QueueId::Source(bucket) => self.sources.get_mut(bucket),
        }
    }
}

impl LruQueue {
    const EMPTY: LruQueue = LruQueue { list: List::EMPTY, datagrams: 0, blocks: 0 };

    pub(super) fn first(self) -> Option<Place> {
        self.list.first()
    }
}
