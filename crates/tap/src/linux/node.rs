//! The node `/dev/net/tun`: opening the node, features of its driver, reading and writing frames.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;

use super::read_write::{ErrorClass, FrameFile};
use super::{OpenError, ioctl};
use crate::{Frame, Offload};

/// Path of the node through which TAPs are created.
const NODE: &str = "/dev/net/tun";

/// An open `/dev/net/tun`.
#[derive(Debug)]
pub(super) struct TunNode(File);

/// Optional features of the kernel's tun driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Support for a header in front of each frame that describes unfinished work: checksums, segmentation.
    pub virtio_header: bool,
    /// Support for several queues per TAP.
    pub multi_queue: bool,
}

/// Returns the features of the driver behind `/dev/net/tun`. This function creates no interface, and requires no
/// privilege except to open the node.
pub fn features() -> Result<Features, OpenError> {
    let node = TunNode::open()?;
    // The node of another driver does not support this ioctl.
    let flags = ioctl::features(node.as_fd()).map_err(|errno| OpenError::NoNode(errno.into()))?;
    Ok(Features {
        virtio_header: flags & libc::IFF_VNET_HDR != 0,
        multi_queue: flags & libc::IFF_MULTI_QUEUE != 0,
    })
}

impl TunNode {
    /// Opens the node for reads and writes that do not block.
    pub(super) fn open() -> Result<TunNode, OpenError> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(NODE)
            .map(TunNode)
            .map_err(open_error)
    }
}

/// Returns the error of a failed `open` of the node.
fn open_error(source: io::Error) -> OpenError {
    match source.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT | Errno::ENODEV | Errno::ENXIO) => OpenError::NoNode(source),
        Some(Errno::EACCES | Errno::EPERM) => OpenError::NodeRefused(source),
        _ => OpenError::Failed { step: "open /dev/net/tun", source },
    }
}

impl AsFd for TunNode {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl FrameFile for TunNode {
    fn read(&mut self, space: &mut [u8]) -> io::Result<(usize, Offload)> {
        // Without offloads the kernel completes every checksum.
        Ok((self.0.read(space)?, Offload::default()))
    }

    fn write(&mut self, frame: &Frame) -> io::Result<usize> {
        self.0.write(frame.bytes())
    }

    fn classify(error: &io::Error) -> ErrorClass {
        error.raw_os_error().map_or(ErrorClass::DeviceFailed, |errno| classify(Errno::from_raw(errno)))
    }
}

/// Returns the effect of an error of a read or write on a TAP.
pub(super) fn classify(errno: Errno) -> ErrorClass {
    match errno {
        Errno::EAGAIN => ErrorClass::WouldBlock,
        Errno::EINTR => ErrorClass::Interrupted,
        // The interface is down, the frame is too short, or memory is short: the next frame may pass.
        Errno::EIO | Errno::EINVAL | Errno::ENOBUFS | Errno::ENOMEM => ErrorClass::FrameLost,
        // A read returns EFAULT if the interface is deleted during the call.
        Errno::EBADFD | Errno::EFAULT => ErrorClass::DeviceGone,
        _ => ErrorClass::DeviceFailed,
    }
}

#[cfg(test)]
mod tests;
