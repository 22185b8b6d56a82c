//! Errors of the event loop.

use std::fmt;
use std::io;

use tap::{DeviceError, PortId};

/// Error that ends an event loop.
#[derive(Debug)]
pub enum DriverError {
    /// A device failed or no longer exists.
    Device {
        /// Port of the device.
        port: PortId,
        /// Error of the device.
        source: DeviceError,
    },
    /// The link of a device cannot be monitored.
    Link {
        /// Port of the device.
        port: PortId,
        /// Error of the link monitor.
        source: io::Error,
    },
    /// The wait for the descriptors failed.
    Wait(io::Error),
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device { source, .. } => source.fmt(f),
            Self::Link { source, .. } => write!(f, "cannot monitor the link: {source}"),
            Self::Wait(source) => write!(f, "cannot wait for frames: {source}"),
        }
    }
}

impl std::error::Error for DriverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Device { source, .. } => source.source(),
            Self::Link { source, .. } | Self::Wait(source) => Some(source),
        }
    }
}
