//! Monitoring of link state changes.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;

use super::InterfaceName;
use super::link::{self, LinkInfo, Selector};
use super::netlink::{Connection, Message};
use crate::{DeviceEvent, LinkState};

/// Maximum number of requests for the state when the receive queue overflows before the answer.
const MAX_ATTEMPTS: usize = 16;

/// Subscription to the state of one network interface, by rtnetlink. The subscription requires no privilege.
///
/// The interface is found by name when the monitor is opened, and identified by index afterwards, so that it may be
/// renamed. The monitor belongs to the network namespace of the thread that opened it. Its descriptor is readable when
/// [`poll`](LinkMonitor::poll) may return a change or an error, so the monitor can be passed to
/// [`wait`](super::wait()).
#[derive(Debug)]
pub struct LinkMonitor {
    connection: Connection,
    history: LinkHistory,
    state: LinkState,
}

/// Changes of one interface, in order.
#[derive(Debug)]
struct LinkHistory {
    index: u32,
    /// Latest state.
    latest: LinkState,
    /// Latest number of carrier losses.
    carrier_losses: Option<u32>,
    /// Changes that were not returned yet. These changes come from one datagram, which bounds their number.
    changes: VecDeque<LinkState>,
    is_deleted: bool,
}

impl LinkMonitor {
    /// Subscribes to the state of the interface with this name.
    ///
    /// If the interface does not exist, the error has the kind [`io::ErrorKind::NotFound`].
    pub fn open(name: &InterfaceName) -> io::Result<LinkMonitor> {
        let mut connection = Connection::subscribe(libc::RTNLGRP_LINK)?;
        let link = request(&mut connection, Selector::Name(name.as_str()))?.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("interface {name} does not exist"))
        })?;
        let history = LinkHistory::new(&link);
        Ok(LinkMonitor { connection, state: history.latest, history })
    }

    /// Returns the state that [`poll`](LinkMonitor::poll) returned last, or the state at [`open`](LinkMonitor::open)
    /// before any change.
    pub fn state(&self) -> LinkState {
        self.state
    }

    /// Returns the next change, or `None` if no change has been received. The call does not block.
    ///
    /// Every change is returned, in order: an interface that went down and came up between two calls returns both. If
    /// the kernel merges or discards changes, at least the loss is returned: first a link that is down, then the state
    /// that follows.
    ///
    /// After the interface was deleted, or moved to another network namespace, every call fails once all changes have
    /// been returned. The error has the kind [`io::ErrorKind::NotFound`].
    pub fn poll(&mut self) -> io::Result<Option<DeviceEvent>> {
        loop {
            if let Some(state) = self.history.changes.pop_front() {
                self.state = state;
                return Ok(Some(DeviceEvent::Link(state)));
            }
            if self.history.is_deleted {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the interface was deleted"));
            }
            let history = &mut self.history;
            let received =
                self.connection.receive().map(|all| all.for_each(|message| history.apply(message)));
            match received {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_overflow(&error) => {
                    let current = request(&mut self.connection, Selector::Index(self.history.index))?;
                    self.history.resynchronize(current.as_ref());
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for LinkMonitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

impl LinkHistory {
    fn new(link: &LinkInfo) -> LinkHistory {
        LinkHistory {
            index: link.index,
            latest: link.state(0),
            carrier_losses: link.carrier_losses,
            changes: VecDeque::new(),
            is_deleted: false,
        }
    }

    /// Applies a notification.
    fn apply(&mut self, message: Message<'_>) {
        let Some(link) = LinkInfo::parse(message.payload).filter(|link| link.index == self.index) else {
            return;
        };
        match message.kind {
            libc::RTM_NEWLINK => self.update(&link),
            libc::RTM_DELLINK => self.is_deleted = true,
            _ => {}
        }
    }

    fn update(&mut self, link: &LinkInfo) {
        let state = link.state(self.latest.mtu);
        // The kernel reports carrier changes with a delay, and may merge them. The count of losses then reveals a loss.
        let was_lost = link.carrier_losses.is_some() && link.carrier_losses != self.carrier_losses;
        if was_lost && self.latest.has_carrier && state.has_carrier {
            self.push(LinkState { has_carrier: false, ..self.latest });
        }
        self.carrier_losses = link.carrier_losses.or(self.carrier_losses);
        self.push(state);
    }

    /// Continues after messages were lost, with the current state, or `None` if the interface was deleted.
    fn resynchronize(&mut self, current: Option<&LinkInfo>) {
        self.push(LinkState { is_up: false, has_carrier: false, ..self.latest });
        match current {
            Some(link) => self.update(link),
            None => self.is_deleted = true,
        }
    }

    fn push(&mut self, state: LinkState) {
        if state != self.latest {
            self.latest = state;
            self.changes.push_back(state);
        }
    }
}

/// Requests the state of an interface on a non-blocking connection. Returns `None` if the interface does not exist.
///
/// Notifications received before the answer are older than the answer and are discarded. Later notifications are newer.
fn request(connection: &mut Connection, which: Selector<'_>) -> io::Result<Option<LinkInfo>> {
    for _ in 0..MAX_ATTEMPTS {
        drain(connection)?;
        // The kernel answers before this call returns.
        let sequence = connection.send(link::request(which), 0)?;
        match connection.answer(sequence, link::answer) {
            Err(error) if is_overflow(&error) || error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
            Ok(Ok(link)) => return Ok(Some(link)),
            Ok(Err(Errno::ENODEV)) => return Ok(None),
            Ok(Err(errno)) => return Err(errno.into()),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "the receive queue of the link monitor overflowed"))
}

/// Empties the receive queue, which must have space for the answer.
fn drain(connection: &mut Connection) -> io::Result<()> {
    loop {
        match connection.receive() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if is_overflow(&error) || error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_overflow(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOBUFS)
}

#[cfg(test)]
mod tests;
