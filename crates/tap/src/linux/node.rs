//! The node `/dev/net/tun`: opening the node, features of its driver, reading and writing frames.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;

use super::read_write::{self, ErrorClass, FrameFile};
use super::{OpenError, ioctl, virtio_header};
use crate::{Batch, Frame, Offload, Pool, joined};

/// Path of the node through which TAPs are created.
const NODE: &str = "/dev/net/tun";

/// An open `/dev/net/tun`.
#[derive(Debug)]
pub(super) struct TunNode {
    file: File,
    /// Whether the kernel exchanges each frame with a virtio header in front of it.
    pub(super) has_header: bool,
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
            .map(|file| TunNode { file, has_header: false })
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
        self.file.as_fd()
    }
}

impl TunNode {
    /// Reads a virtio header and one frame.
    ///
    /// A frame that is longer than `frame` continues in a large frame, which then replaces `frame`. Short frames, which
    /// are most, thus need no large frame.
    fn receive_with_header(&mut self, frame: &mut Frame, pool: &mut Pool) -> io::Result<()> {
        let mut large = pool.take_large();
        let result = self.read_parts(frame, large.as_mut());
        if matches!(result, Ok(true))
            && let Some(large) = &mut large
        {
            mem::swap(frame, large);
        }
        if let Some(unused) = large {
            pool.give(unused);
        }
        result.map(drop)
    }

    /// Reads a virtio header and one frame into `small`, or into `large` if `small` is too short. Returns whether
    /// `large` has the frame. Without `large`, a frame that is too long is truncated, and fills `small`.
    fn read_parts(&mut self, small: &mut Frame, large: Option<&mut Frame>) -> io::Result<bool> {
        let start = small.receive_space(virtio_header::LENGTH);
        let space = start.len().saturating_sub(virtio_header::LENGTH);
        let Some(large) = large.filter(|large| large.capacity() > small.capacity()) else {
            let length = self.file.read(small.receive_space(virtio_header::LENGTH))?;
            return finish_read(small, length).map(|()| false);
        };
        let rest = large.receive_space(0).get_mut(space..).unwrap_or_default();
        let mut parts = [IoSliceMut::new(small.receive_space(virtio_header::LENGTH)), IoSliceMut::new(rest)];
        let length = self.file.read_vectored(&mut parts)?;
        finish_read(small, length)?;
        // A frame that fills `small` to its last byte would count as truncated.
        if !small.is_full() {
            return Ok(false);
        }
        large.set_received(length - virtio_header::LENGTH);
        if let Some(start) = large.bytes_mut().get_mut(..small.len()) {
            start.copy_from_slice(small.bytes());
        }
        large.set_offload(small.offload());
        Ok(true)
    }

    /// Writes the frames at the front that can be joined, with one virtio header.
    fn transmit_with_header(&mut self, frames: &mut Batch) -> (usize, io::Result<usize>) {
        let count = joined::run_length(frames.iter());
        if count > 1
            && let Some(result) = self.write_joined(frames, count)
        {
            return (count, result);
        }
        let Some(frame) = frames.front_mut() else { return (1, Ok(0)) };
        let header = virtio_header::encode(frame.offload(), frame.len());
        let result = match frame.with_header(header) {
            Some(all) => self.file.write(all),
            None => self.file.write_vectored(&[IoSlice::new(&header), IoSlice::new(frame.bytes())]),
        };
        (1, result)
    }

    /// Writes the first `count` frames as one frame with several segments.
    fn write_joined(&mut self, frames: &Batch, count: usize) -> Option<io::Result<usize>> {
        let first = frames.front()?;
        let header_length = usize::from(first.offload().segmentation?.header);
        let data = |frame: &'_ Frame| frame.len().saturating_sub(header_length);
        let more = frames.iter().take(count).skip(1).map(data).sum();
        let headers = joined::headers(first, more)?;
        let header = virtio_header::encode(headers.offload, headers.bytes().len() + data(first) + more);
        let mut parts = [IoSlice::new(&[]); joined::MAX_DATAGRAMS + 2];
        let (start, segments) = parts.split_first_chunk_mut()?;
        *start = [IoSlice::new(&header), IoSlice::new(headers.bytes())];
        for (part, frame) in segments.iter_mut().zip(frames.iter().take(count)) {
            *part = IoSlice::new(frame.bytes().get(header_length..).unwrap_or_default());
        }
        Some(self.file.write_vectored(parts.get(..count + 2)?))
    }
}

/// Sets the length and the state of a frame after a read of `length` bytes with its virtio header.
fn finish_read(frame: &mut Frame, length: usize) -> io::Result<()> {
    let header = frame.receive_space(virtio_header::LENGTH).first_chunk().copied();
    let (Some(header), Some(length)) = (header, length.checked_sub(virtio_header::LENGTH)) else {
        return Err(Errno::EIO.into());
    };
    frame.set_received(length);
    frame.set_offload(virtio_header::decode(header));
    Ok(())
}

impl FrameFile for TunNode {
    fn read(&mut self, space: &mut [u8]) -> io::Result<(usize, Offload)> {
        // Without offloads the kernel completes every checksum.
        Ok((self.file.read(space)?, Offload::default()))
    }

    fn write(&mut self, frame: &Frame) -> io::Result<usize> {
        self.file.write(frame.bytes())
    }

    #[inline]
    fn receive(&mut self, frame: &mut Frame, pool: &mut Pool) -> io::Result<()> {
        if self.has_header {
            self.receive_with_header(frame, pool)
        } else {
            read_write::fill(frame, self).map(drop)
        }
    }

    #[inline]
    fn transmit(&mut self, frames: &mut Batch) -> (usize, io::Result<usize>) {
        if self.has_header {
            self.transmit_with_header(frames)
        } else {
            (1, frames.front().map_or(Ok(0), |frame| self.write(frame)))
        }
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
