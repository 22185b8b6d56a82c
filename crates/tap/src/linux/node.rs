//! The node `/dev/net/tun`: opening the node, features of its driver, reading and writing frames.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;

use super::read_write::{self, ErrorClass, FrameFile};
use super::virtio_header::{self, HeaderFile};
use super::{OpenError, ioctl};
use crate::{Batch, Frame, Offload, Pool};

/// Path of the node through which TAPs are created.
const NODE: &str = "/dev/net/tun";

/// An open `/dev/net/tun`.
#[derive(Debug)]
pub(super) struct TunNode {
    file: File,
    /// Whether the kernel exchanges each frame with a virtio header in front of it.
    pub(super) has_header: bool,
    /// Whether UDP datagrams with the same headers are written together.
    pub(super) joins: bool,
}

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
            .map(|file| TunNode { file, has_header: false, joins: false })
            .map_err(open_error)
    }
}

impl Drop for TunNode {
    /// Disables the offloads of a persistent TAP, so that a later program without virtio headers receives complete frames.
    fn drop(&mut self) {
        if self.has_header {
            // The interface may have been deleted.
            let _ = ioctl::set_offloads(self.file.as_fd(), 0);
        }
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
        self.file.as_fd()
    }
}

impl HeaderFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn write_parts(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_vectored(parts)
    }
}

impl FrameFile for TunNode {
    #[inline]
    fn receive(&mut self, frame: &mut Frame, pool: &mut Pool) -> io::Result<()> {
        if self.has_header {
            let header = read_write::read_with_header(frame, pool, |space| self.file.read(space))?;
            virtio_header::apply_to(frame, header);
            Ok(())
        } else {
            // Without offloads the kernel completes every checksum.
            read_write::fill(frame, |space| Ok((self.file.read(space)?, Offload::default())))
        }
    }

    #[inline]
    fn transmit(&mut self, frames: &mut Batch) -> (usize, io::Result<usize>) {
        if self.has_header {
            virtio_header::transmit(&mut self.file, frames, &mut self.joins)
        } else {
            read_write::write_one(frames, |frame| Write::write(&mut self.file, frame.bytes()))
        }
    }

    fn classify(error: &io::Error) -> ErrorClass {
        match error.raw_os_error() {
            Some(errno) => classify(Errno::from_raw(errno)),
            // A message without a whole header.
            None if error.kind() == io::ErrorKind::InvalidData => ErrorClass::FrameLost,
            None => ErrorClass::DeviceFailed,
        }
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
