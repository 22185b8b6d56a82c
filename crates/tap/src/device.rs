//! The trait for devices, their errors and counters, and the state of a link.

use std::fmt;
use std::io;

use crate::{Batch, Offloads, Pool};

/// A device that receives and transmits frames: a TAP, a packet socket, or a simulated wire.
///
/// No call blocks. Devices of the operating system also implement `AsFd`: the descriptor is readable when frames wait,
/// and writable when the device accepts frames. Simulated devices have no descriptor.
pub trait Device {
    /// Returns the properties of the device. They may change while the device is open.
    fn capabilities(&self) -> Capabilities;

    /// Receives frames into `into`, using empty frames from `pool`. Sends frames in flight.
    ///
    /// Receiving stops when no frame waits, when the batch is full, or when the pool is exhausted. A device may stop
    /// earlier, and return the remaining frames at the next call.
    fn receive(&mut self, pool: &mut Pool, into: &mut Batch) -> Result<Received, DeviceError>;

    /// Transmits the frames of `from` in order and returns them to `pool`.
    ///
    /// A device without capacity ends the call, and the remaining frames stay in the batch. A frame that the device
    /// refuses is dropped and counted, its token is left in the batch ([`Batch::refuse`]), and the next frame is tried.
    /// While more frames wait to be received than fit into a batch, a device may keep some frames in flight. If the
    /// device refuses a frame in flight, the next call reports it.
    fn transmit(&mut self, from: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError>;

    /// Returns the counters. They are statistics: the results of `receive` and `transmit` contain everything that a
    /// caller needs.
    fn counters(&self) -> DeviceCounters;
}

/// Properties of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// MTU: the maximum payload of a frame in bytes, without link header.
    pub mtu: usize,
    /// Length in bytes to which shorter frames must be padded before [`Device::transmit`]. The length is 0 for devices
    /// without a physical medium, such as a TAP.
    pub minimum_frame: usize,
    /// Work on transmitted frames that the device does.
    pub offloads: Offloads,
}

/// Result of [`Device::receive`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Number of frames added to the batch.
    pub frames: usize,
    /// Number of frames that [`Device::transmit`] accepted and that are not transmitted yet.
    pub in_flight: usize,
    /// Whether frames in flight wait until the device is writable.
    pub would_block: bool,
}

/// Result of [`Device::transmit`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transmitted {
    /// Number of frames that this call transmitted.
    pub sent: usize,
    /// Number of frames refused, including frames in flight that the device refused since the last call.
    pub refused: usize,
    /// Number of frames accepted and not transmitted yet. The next [`Device::receive`] transmits these frames.
    ///
    /// Before waiting, call `receive` until the number is 0 or `would_block` is true.
    pub in_flight: usize,
    /// Whether frames, in the batch or in flight, wait until the device is writable.
    pub would_block: bool,
}

/// Error after which a device cannot continue.
#[derive(Debug)]
pub enum DeviceError {
    /// The device no longer exists: its interface was deleted, or the other end of a cable was closed. Only `transmit`
    /// detects a closed cable.
    Gone(io::Error),
    /// The operating system reported an error that retrying does not fix.
    Failed(io::Error),
}

/// Counters of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    /// Number of frames received.
    pub received: u64,
    /// Number of frames dropped because they were longer than the frames of the pool.
    pub truncated: u64,
    /// Number of frames dropped by the kernel because its receive queue was full. Always 0 for devices that do not
    /// report such drops.
    pub lost: u64,
    /// Number of reads that failed without ending the device, for example because the interface was down.
    pub unreadable: u64,
    /// Number of frames transmitted.
    pub transmitted: u64,
    /// Number of frames that the device refused, for example because the interface was down or the frame was invalid.
    pub refused: u64,
    /// Number of calls that ended because the device was congested. Their frames stayed in the batch.
    pub congested: u64,
    /// Number of system calls.
    pub calls: u64,
}

/// State of a network interface and its link, as the kernel reports it.
///
/// The link carries frames only if both [`is_up`](LinkState::is_up) and [`has_carrier`](LinkState::has_carrier) are
/// true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// Whether the interface is administratively up (`ip link set ... up`).
    pub is_up: bool,
    /// Whether the interface is up and its other end is connected: a cable with a peer, or a program that has
    /// the TAP open. Always false while the interface is down.
    pub has_carrier: bool,
    /// MTU: the maximum payload of a frame in bytes, without link header.
    pub mtu: usize,
}

/// Change of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceEvent {
    /// The state of the link changed, or its MTU.
    Link(LinkState),
}

impl LinkState {
    /// Returns whether a link in this state carries frames.
    pub fn carries_frames(&self) -> bool {
        self.is_up && self.has_carrier
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(_) => f.write_str("the device was deleted while in use"),
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
