//! Devices that carry frames: the trait, their errors and counters, the state of a link.

use std::fmt;
use std::io;

use crate::{Batch, Pool};

/// Something that carries frames: a TAP, a packet socket, a cable between two programs.
///
/// No call blocks. A wire of the system's is also `AsFd`: its descriptor is readable when frames wait and
/// writable when there is room. One that a test simulates has none.
pub trait Device {
    /// The longest payload of a frame, in bytes, link header not counted.
    fn mtu(&self) -> usize;

    /// The length in bytes below which the wire wants outgoing frames padded. A wire without a
    /// medium, as a TAP is, wants none: 0.
    fn minimum_frame(&self) -> usize {
        0
    }

    /// Moves what has arrived into `arrived`, in frames taken from `pool`, until the wire is dry or
    /// the batch or the pool is at its bound; a device may stop sooner, and read more at the next call. Returns how
    /// many frames were added.
    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<usize, DeviceError>;

    /// Sends the frames of `departing` in order and gives them back to `pool`. Returns how many the
    /// wire took.
    ///
    /// A wire without room ends the call and leaves the rest in the batch. A frame that the wire
    /// refuses is dropped and counted, and the next one is tried. While more frames arrive than fit into a
    /// batch, a device may keep some in flight.
    fn transmit(&mut self, departing: &mut Batch, pool: &mut Pool) -> Result<usize, DeviceError>;

    /// How many frames were given to [`Device::transmit`] and are not on the wire yet: the next
    /// [`Device::receive`] sends them. Whoever is about to wait calls that first, until there are none, or
    /// until [`DeviceCounters::congested`] says that there is no room: then it is room that is waited for.
    fn in_flight(&self) -> usize {
        0
    }

    /// What has passed so far.
    fn counters(&self) -> DeviceCounters;
}

/// Why a device cannot go on.
#[derive(Debug)]
pub enum DeviceError {
    /// The wire no longer exists: the interface was deleted, or the other end of a cable was closed
    /// (which shows when something is transmitted).
    Gone(io::Error),
    /// The system refused in a way that trying again does not mend.
    Failed(io::Error),
}

/// Frames that passed a device, and frames that it turned away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    /// Frames received whole.
    pub received: u64,
    /// Frames that were longer than the MTU allows, hence cut short, hence dropped.
    pub truncated: u64,
    /// Frames that were lost before we read them: they arrived faster than they were read, and the kernel's room
    /// for them was full. A device whose kernel does not tell has none.
    pub lost: u64,
    /// Reads that failed without ending the device, as on an interface that is down.
    pub unreadable: u64,
    /// Frames the wire took.
    pub transmitted: u64,
    /// Frames the wire refused: the interface was down, or the frame was no frame.
    pub refused: u64,
    /// Calls that ended because the wire had no room; their frames stayed in the batch.
    pub congested: u64,
    /// System calls that all this took; none where frames need none.
    pub calls: u64,
}

/// State of a network interface and its link, as the kernel reports it.
///
/// The link carries frames only if both [`is_up`](LinkState::is_up) and [`has_carrier`](LinkState::has_carrier) are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// Whether the interface is administratively up (`ip link set ... up`).
    pub is_up: bool,
    /// Whether the interface is up and its other end is connected: a cable with a peer, or a program that has
    /// the TAP open. Always false while the interface is down.
    pub has_carrier: bool,
    /// Maximum transmission unit: the longest payload of a frame, link header not counted, in bytes.
    pub mtu: usize,
}

impl LinkState {
    /// Whether a link in this state carries frames.
    pub fn carries_frames(&self) -> bool {
        self.is_up && self.has_carrier
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(_) => f.write_str("the device is gone: it was deleted while in use"),
            Self::Failed(source) => write!(f, "the device failed: {source}"),
        }
    }
}

impl std::error::Error for DeviceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Gone(source) | Self::Failed(source) => Some(source),
        }
    }
}
