//! Readiness of connections: `epoll_create`, `epoll_ctl` and `epoll_wait`.

use std::ffi::c_int;
use std::os::fd::RawFd;

use crate::errno::{CallResult, Errno};
use crate::sockets::Sockets;

/// An epoll instance: the connections that it watches.
#[derive(Debug, Default)]
pub(crate) struct Epoll {
    watches: Vec<Watch>,
}

/// A watched connection.
#[derive(Clone, Copy, Debug)]
struct Watch {
    descriptor: RawFd,
    /// Events and flags that the script has requested.
    requested: u32,
    /// Value that accompanies the events.
    data: u64,
    /// State of the connection at the last call.
    last: Readiness,
}

/// Events of a connection, and the amount of data that it has received.
#[derive(Clone, Copy, Debug, Default)]
struct Readiness {
    events: u32,
    received: u64,
}

/// Events that a connection reports.
const EVENTS: u32 = IN | OUT | RDHUP | HUP;
const IN: u32 = bits(libc::EPOLLIN);
const OUT: u32 = bits(libc::EPOLLOUT);
const RDHUP: u32 = bits(libc::EPOLLRDHUP);
const HUP: u32 = bits(libc::EPOLLHUP);
/// Flag: report only changes.
const EDGE: u32 = bits(libc::EPOLLET);
/// Flag: report once, until the next `EPOLL_CTL_MOD`.
const ONE_SHOT: u32 = bits(libc::EPOLLONESHOT);

/// Returns the bits of a constant of libc.
const fn bits(constant: c_int) -> u32 {
    constant.cast_unsigned()
}

impl Epoll {
    /// Adds, changes or removes a watched connection.
    pub(crate) fn control(
        &mut self,
        operation: c_int,
        descriptor: RawFd,
        requested: u32,
        data: u64,
    ) -> CallResult<()> {
        let watch = self.watches.iter_mut().find(|watch| watch.descriptor == descriptor);
        if operation != libc::EPOLL_CTL_DEL && requested & !(EVENTS | EDGE | ONE_SHOT) != 0 {
            return Err(Errno::NOT_SUPPORTED);
        }
        match (operation, watch) {
            (libc::EPOLL_CTL_ADD, None) => {
                self.watches.push(Watch { descriptor, requested, data, last: Readiness::default() });
            }
            (libc::EPOLL_CTL_ADD, Some(_)) => return Err(Errno(libc::EEXIST)),
            (libc::EPOLL_CTL_MOD, Some(watch)) => {
                *watch = Watch { descriptor, requested, data, last: Readiness::default() };
            }
            (libc::EPOLL_CTL_DEL, Some(_)) => self.forget(descriptor),
            (libc::EPOLL_CTL_MOD | libc::EPOLL_CTL_DEL, None) => return Err(Errno(libc::ENOENT)),
            _ => return Err(Errno::INVALID),
        }
        Ok(())
    }

    /// Removes a watched connection that may not exist.
    pub(crate) fn forget(&mut self, descriptor: RawFd) {
        self.watches.retain(|watch| watch.descriptor != descriptor);
    }

    /// Returns up to `maximum` events, with the values that accompany them.
    pub(crate) fn wait(&mut self, sockets: &Sockets, maximum: usize) -> CallResult<Vec<(u32, u64)>> {
        let mut events = Vec::new();
        for watch in &mut self.watches {
            if events.len() >= maximum {
                break;
            }
            let now = readiness(sockets, watch.descriptor)?;
            let last = std::mem::replace(&mut watch.last, now);
            let is_new = now.events & !last.events != 0 || now.received > last.received;
            // After an event of a one-shot watch, nothing is requested.
            let is_requested = watch.requested & EVENTS != 0 && (is_new || watch.requested & EDGE == 0);
            // Linux reports EPOLLHUP without a request.
            let reported = now.events & (watch.requested | HUP);
            if is_requested && reported != 0 {
                events.push((reported, watch.data));
                if watch.requested & ONE_SHOT != 0 {
                    watch.requested = 0;
                }
            }
        }
        Ok(events)
    }
}

/// Returns the readiness of a connection.
fn readiness(sockets: &Sockets, descriptor: RawFd) -> CallResult<Readiness> {
    let id = sockets.connection(descriptor)?.id;
    let status = sockets.network.host.tcp_status(id)?;
    let received = sockets.network.host.tcp_info(id).map_or(0, |info| info.bytes_received);
    let event = |is_set: bool, event: u32| if is_set { event } else { 0 };
    let is_closed = status.closed.is_some();
    let events = event(status.readable > 0 || status.is_end_of_data || is_closed, IN)
        | event(status.writable > 0 || is_closed, OUT)
        | event(status.is_end_of_data || is_closed, RDHUP)
        | event(is_closed, HUP);
    Ok(Readiness { events, received })
}
