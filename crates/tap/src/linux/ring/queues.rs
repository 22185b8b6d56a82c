//! The queues of `io_uring` for one open file. The queues own the frames of a request until the request is complete.

#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

use io_uring::squeue::Entry;
use io_uring::types::Fixed;
use io_uring::{IoUring, opcode};
use nix::errno::Errno;

use crate::Frame;

/// Request to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Read one frame.
    Read,
    /// Write one frame.
    Write,
}

/// Completed request.
#[derive(Debug)]
pub(super) struct Completion {
    pub(super) request: Request,
    /// Frame of the request. After a read, the frame contains the received bytes.
    pub(super) frame: Frame,
    /// Number of bytes that were read or written, or the error.
    pub(super) result: Result<usize, Errno>,
}

/// Both queues, and the frames of the requests.
pub(super) struct Queues {
    ring: IoUring,
    /// Frames by the number of their request. The kernel accesses these frames, so this program must not access them.
    frames: Box<[Option<Frame>]>,
    /// Numbers without a request.
    free: Vec<u32>,
}

/// The only file of the ring.
const FILE: Fixed = Fixed(0);
/// A request that cannot be performed immediately fails with `EAGAIN` instead of waiting in the kernel.
const NO_WAIT: i32 = libc::RWF_NOWAIT;
/// User data of the probe, which differs from every [`tag`].
const PROBE: u64 = u64::MAX;

/// Creates a ring. With `IORING_SETUP_SUBMIT_ALL` (Linux 5.18) one call submits all requests even if a request fails.
/// Without this flag, [`Queues::submit`] makes further calls.
fn set_up(requests: u32) -> io::Result<IoUring> {
    match IoUring::builder().setup_submit_all().build(requests) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => IoUring::builder().build(requests),
        other => other,
    }
}

impl Queues {
    /// Creates queues for up to `requests` simultaneous requests on this file. Fails with `EOPNOTSUPP` if the file
    /// cannot be read without waiting.
    pub(super) fn new(file: BorrowedFd<'_>, requests: u32) -> io::Result<Queues> {
        let ring = set_up(requests)?;
        ring.submitter().register_files(&[file.as_raw_fd()])?;
        let frames = (0..requests).map(|_| None).collect();
        let mut queues = Queues { ring, frames, free: (0..requests).rev().collect() };
        queues.probe()?;
        Ok(queues)
    }

    /// Checks whether the file supports reads without waiting, with a read of 0 bytes, which consumes no frame.
    fn probe(&mut self) -> io::Result<()> {
        let nothing = opcode::Read::new(FILE, std::ptr::null_mut(), 0).rw_flags(NO_WAIT).build();
        let nothing = nothing.user_data(PROBE);
        // SAFETY: the read has length 0, so the kernel does not access the null pointer.
        unsafe { self.ring.submission().push(&nothing) }.map_err(io::Error::other)?;
        self.ring.submit_and_wait(1)?;
        let answer = self.ring.completion().next().map_or(0, |entry| entry.result());
        // Later reads report all other errors.
        match Errno::from_raw(answer.saturating_neg()) {
            refused @ (Errno::EOPNOTSUPP | Errno::EINVAL) if answer < 0 => Err(refused.into()),
            _ => Ok(()),
        }
    }

    /// Queues a request. Returns the frame if the queue is full.
    pub(super) fn push(&mut self, request: Request, frame: Frame) -> Result<(), Frame> {
        let Some(number) = self.free.pop() else { return Err(frame) };
        let Some(place) = self.frames.get_mut(to_usize(number)) else { return Err(frame) };
        let entry = entry(request, place.insert(frame)).user_data(tag(number, request));
        // SAFETY: the bytes are in the frame's heap storage, which does not move with the frame. The frame stays in
        // `frames`, without other references, until the completion of this request is seen. If the completion is never
        // seen, the frame is leaked.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        // The push cannot fail: the queue has a slot for each number.
        if pushed.is_err() {
            self.free.push(number);
            return place.take().map_or(Ok(()), Err);
        }
        Ok(())
    }

    /// Submits all queued requests to the kernel, which performs them before the call returns. Returns the number of
    /// system calls: 0 if no request is queued, usually 1, more after signals.
    pub(super) fn submit(&mut self) -> io::Result<u64> {
        let mut calls = 0;
        while !self.ring.submission().is_empty() {
            calls += 1;
            match self.ring.submit() {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(calls)
    }

    /// Returns the next completed request.
    pub(super) fn next_completion(&mut self) -> Option<Completion> {
        let entry = self.ring.completion().next()?;
        let (number, request) = untag(entry.user_data());
        let mut frame = self.frames.get_mut(to_usize(number))?.take()?;
        self.free.push(number);
        let result = usize::try_from(entry.result()).map_err(|_| Errno::from_raw(-entry.result()));
        if let (Request::Read, Ok(length)) = (request, result) {
            // The kernel has already filled the bytes. This call sets only the length, and cannot fail.
            let _ = frame.fill(|_| Ok(length));
        }
        Some(Completion { request, frame, result })
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        // Perform the pending writes, and leak the frames that the kernel may still access.
        let _ = self.submit();
        while self.next_completion().is_some() {}
        self.frames.iter_mut().filter_map(Option::take).for_each(mem::forget);
        // Otherwise the file would stay open until the kernel destroys the ring, some time later.
        let _ = self.ring.submitter().unregister_files();
    }
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Queues({} of {} requests)", self.frames.len() - self.free.len(), self.frames.len())
    }
}

/// Returns the submission queue entry of a request.
fn entry(request: Request, frame: &mut Frame) -> Entry {
    match request {
        Request::Read => {
            let mut space = (std::ptr::null_mut(), 0);
            let _ = frame.fill(|bytes| {
                space = (bytes.as_mut_ptr(), length(bytes));
                Ok(0)
            });
            opcode::Read::new(FILE, space.0, space.1).rw_flags(NO_WAIT).build()
        }
        Request::Write => {
            let bytes = frame.bytes();
            opcode::Write::new(FILE, bytes.as_ptr(), length(bytes)).rw_flags(NO_WAIT).build()
        }
    }
}

/// Returns the length of `bytes`, which always fits: no frame is longer than 64 KiB plus headers.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(0)
}

/// Encodes a request and its number as user data, which the completion returns.
fn tag(number: u32, request: Request) -> u64 {
    u64::from(number) << 1 | u64::from(request == Request::Write)
}

/// Decodes the user data of a completion.
fn untag(tag: u64) -> (u32, Request) {
    let request = if tag & 1 == 1 { Request::Write } else { Request::Read };
    (u32::try_from(tag >> 1).unwrap_or(u32::MAX), request)
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
