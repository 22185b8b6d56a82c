//! The queues of `io_uring` for one open file: owned frames go in, and come out when the kernel is done with them.

#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

use io_uring::squeue::Entry;
use io_uring::types::Fixed;
use io_uring::{IoUring, opcode};
use nix::errno::Errno;

use crate::Frame;

/// What is asked of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// To read one frame.
    Read,
    /// To write one frame.
    Write,
}

/// A request that the kernel is done with.
#[derive(Debug)]
pub(super) struct Completion {
    pub(super) request: Request,
    /// The frame of the request; a read one is filled.
    pub(super) frame: Frame,
    /// How it went, in bytes.
    pub(super) result: Result<usize, Errno>,
}

/// Both queues, and the frames that the kernel has.
pub(super) struct Queues {
    ring: IoUring,
    /// By the number of their request. A frame here is the kernel's: nobody touches it.
    frames: Box<[Option<Frame>]>,
    /// The numbers that no request has.
    free: Vec<u32>,
}

/// The one file of the ring.
const FILE: Fixed = Fixed(0);
/// Nobody waits in the kernel: a request that cannot be served at once fails with `EAGAIN`.
const NO_WAIT: i32 = libc::RWF_NOWAIT;
/// The mark of the probe, which no [`tag`] is.
const PROBE: u64 = u64::MAX;

/// Sets a ring up. `IORING_SETUP_SUBMIT_ALL` spares calls after a request that is refused, and is of Linux 5.18: before
/// that, [`Queues::submit`] makes them.
fn set_up(requests: u32) -> io::Result<IoUring> {
    match IoUring::builder().setup_submit_all().build(requests) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => IoUring::builder().build(requests),
        other => other,
    }
}

impl Queues {
    /// Queues for so many requests at once on this file. Fails with `EOPNOTSUPP` where the file cannot be
    /// read without waiting.
    pub(super) fn new(file: BorrowedFd<'_>, requests: u32) -> io::Result<Queues> {
        let ring = set_up(requests)?;
        ring.submitter().register_files(&[file.as_raw_fd()])?;
        let frames = (0..requests).map(|_| None).collect();
        let mut queues = Queues { ring, frames, free: (0..requests).rev().collect() };
        queues.probe()?;
        Ok(queues)
    }

    /// Asks for a read of nothing, which is served without a look at what has arrived.
    fn probe(&mut self) -> io::Result<()> {
        let nothing = opcode::Read::new(FILE, std::ptr::null_mut(), 0).rw_flags(NO_WAIT).build();
        let nothing = nothing.user_data(PROBE);
        // SAFETY: the read is of no byte, so the pointer leads nowhere and is not followed.
        unsafe { self.ring.submission().push(&nothing) }.map_err(io::Error::other)?;
        self.ring.submit_and_wait(1)?;
        let answer = self.ring.completion().next().map_or(0, |entry| entry.result());
        // What the file has to say beyond that it can be asked, the reads to come will hear.
        match Errno::from_raw(answer.saturating_neg()) {
            refused @ (Errno::EOPNOTSUPP | Errno::EINVAL) if answer < 0 => Err(refused.into()),
            _ => Ok(()),
        }
    }

    /// Queues a request, or gives the frame back if there is no room.
    pub(super) fn push(&mut self, request: Request, frame: Frame) -> Result<(), Frame> {
        let Some(number) = self.free.pop() else { return Err(frame) };
        let Some(place) = self.frames.get_mut(to_usize(number)) else { return Err(frame) };
        let entry = entry(request, place.insert(frame)).user_data(tag(number, request));
        // SAFETY: the bytes lie in the frame's own storage, which does not move with the frame. The frame
        // stays in its place, and nobody refers to it, until the completion of this request was seen; if
        // that never comes, it is leaked.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        // There is a place in the queue for each number.
        if pushed.is_err() {
            self.free.push(number);
            return place.take().map_or(Ok(()), Err);
        }
        Ok(())
    }

    /// Hands all that is queued to the kernel, in one call, which serves it before it returns. Returns how many
    /// calls it took: none if nothing is queued, more if a signal came between.
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

    /// The next request that the kernel is done with.
    pub(super) fn next_completion(&mut self) -> Option<Completion> {
        let entry = self.ring.completion().next()?;
        let (number, request) = untag(entry.user_data());
        let mut frame = self.frames.get_mut(to_usize(number))?.take()?;
        self.free.push(number);
        let result = usize::try_from(entry.result()).map_err(|_| Errno::from_raw(-entry.result()));
        if let (Request::Read, Ok(length)) = (request, result) {
            // It cannot fail: the bytes are there already.
            let _ = frame.fill(|_| Ok(length));
        }
        Some(Completion { request, frame, result })
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        // What was to be written is not to be lost, and a frame that the kernel still has is not to be freed.
        let _ = self.submit();
        while self.next_completion().is_some() {}
        self.frames.iter_mut().filter_map(Option::take).for_each(mem::forget);
        // Else the file would stay open until the kernel has taken the ring apart, some time later.
        let _ = self.ring.submitter().unregister_files();
    }
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Queues({} of {} requests)", self.frames.len() - self.free.len(), self.frames.len())
    }
}

/// What the kernel is told of a request.
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

/// The length of bytes. No frame is longer than 64 KiB and some headers.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(0)
}

/// The number of a request and what it asks, as it comes back with the completion.
fn tag(number: u32, request: Request) -> u64 {
    u64::from(number) << 1 | u64::from(request == Request::Write)
}

fn untag(tag: u64) -> (u32, Request) {
    let request = if tag & 1 == 1 { Request::Write } else { Request::Read };
    (u32::try_from(tag >> 1).unwrap_or(u32::MAX), request)
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
