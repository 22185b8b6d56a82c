//! rtnetlink: requests to the kernel's network configuration, and notifications.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_packet_core::{
    ErrorBuffer, NLA_HEADER_SIZE, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkBuffer,
    NetlinkHeader, NetlinkMessage, NetlinkPayload, NlasIterator,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::errno::Errno;

/// Size of the datagram buffer in bytes. The kernel sends up to 32 KiB.
const DATAGRAM: usize = 1 << 16;
/// Maximum number of attempts to get a consistent dump.
const DUMP_TRIES: usize = 8;

/// Netlink socket of the family `NETLINK_ROUTE`, in the network namespace of the thread that opened it.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Socket,
    datagram: Vec<u8>,
    sequence: u32,
}

/// Message of the kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    /// `RTM_*`, `NLMSG_DONE` or `NLMSG_ERROR`.
    pub(super) kind: u16,
    /// Sequence number of the request that this message answers, or 0 for a notification.
    pub(super) sequence: u32,
    /// `NLM_F_*`.
    flags: u16,
    /// Bytes after the header.
    pub(super) payload: &'a [u8],
}

impl Connection {
    /// Opens a blocking socket.
    pub(super) fn open() -> io::Result<Connection> {
        let socket = Socket::new(NETLINK_ROUTE)?;
        Ok(Connection { socket, datagram: Vec::with_capacity(DATAGRAM), sequence: 0 })
    }

    /// Opens a non-blocking socket, and subscribes the socket to a group of notifications (`RTNLGRP_*`).
    pub(super) fn subscribe(group: u32) -> io::Result<Connection> {
        let mut connection = Connection::open()?;
        connection.socket.set_non_blocking(true)?;
        connection.socket.bind_auto()?;
        connection.socket.add_membership(group)?;
        Ok(connection)
    }

    /// Sends a request with these flags (`NLM_F_*`). Returns its sequence number.
    pub(super) fn send(&mut self, request: RouteNetlinkMessage, flags: u16) -> io::Result<u32> {
        // Notifications have the number 0.
        self.sequence = self.sequence.checked_add(1).unwrap_or(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(request));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send_to(&bytes, &SocketAddr::new(0, 0), 0)?;
        Ok(self.sequence)
    }

    /// Receives one datagram. Returns its messages.
    ///
    /// Fails with `ENOBUFS` if messages were lost: the datagram did not fit into the buffer, or the receive queue was
    /// full.
    pub(super) fn receive(&mut self) -> io::Result<impl Iterator<Item = Message<'_>>> {
        self.datagram.clear();
        let length = self.socket.recv(&mut self.datagram, libc::MSG_TRUNC)?;
        if length > self.datagram.len() {
            return Err(Errno::ENOBUFS.into());
        }
        Ok(messages(&self.datagram))
    }

    /// Receives messages until the answer to the request with this number. Returns the result of `read` for this
    /// answer.
    pub(super) fn answer<T>(&mut self, sequence: u32, read: impl FnOnce(&Message<'_>) -> T) -> io::Result<T> {
        loop {
            let mut messages = match self.receive() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if let Some(message) = messages.find(|message| message.sequence == sequence) {
                return Ok(read(&message));
            }
        }
    }

    /// Sends a change and waits for the kernel's answer.
    pub(super) fn change(&mut self, request: RouteNetlinkMessage, flags: u16) -> Result<(), Errno> {
        let sequence = self.send(request, NLM_F_ACK | flags).map_err(|error| errno(&error))?;
        let answer = self.answer(sequence, |answer| answer.error().map_or(Ok(()), Err));
        answer.map_err(|error| errno(&error))?
    }

    /// Requests a whole table. Returns the results of `parse` for its messages.
    pub(super) fn dump<T>(
        &mut self,
        request: &RouteNetlinkMessage,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> io::Result<Vec<T>> {
        for _ in 0..DUMP_TRIES {
            if let Some(table) = self.dump_once(request.clone(), &parse)? {
                return Ok(table);
            }
        }
        Err(io::Error::new(io::ErrorKind::Interrupted, "the table changed each time it was read"))
    }

    /// Requests a whole table once. Returns `None` if the table changed during the reading.
    fn dump_once<T>(
        &mut self,
        request: RouteNetlinkMessage,
        parse: &impl Fn(&[u8]) -> Option<T>,
    ) -> io::Result<Option<Vec<T>>> {
        let sequence = self.send(request, NLM_F_DUMP)?;
        let (mut table, mut is_consistent) = (Vec::new(), true);
        loop {
            for message in self.receive()?.filter(|message| message.sequence == sequence) {
                is_consistent &= message.flags & NLM_F_DUMP_INTR == 0;
                match i32::from(message.kind) {
                    libc::NLMSG_DONE | libc::NLMSG_ERROR => {
                        return match message.error() {
                            Some(errno) => Err(errno.into()),
                            None => Ok(is_consistent.then_some(table)),
                        };
                    }
                    _ => table.extend(parse(message.payload)),
                }
            }
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Message<'_> {
    /// Returns a notification of this type.
    #[cfg(test)]
    pub(super) fn notification(kind: u16, payload: &[u8]) -> Message<'_> {
        Message { kind, sequence: 0, flags: 0, payload }
    }

    /// Returns the error in this message, if any. An error code of 0 is an acknowledgement.
    pub(super) fn error(&self) -> Option<Errno> {
        if !matches!(i32::from(self.kind), libc::NLMSG_ERROR | libc::NLMSG_DONE) {
            return None;
        }
        let code = ErrorBuffer::new_checked(self.payload).ok()?.code()?;
        (code.get() < 0).then(|| Errno::from_raw(code.get().saturating_neg()))
    }
}

/// Iterates over the messages of a datagram, up to the first malformed message.
fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let message = NetlinkBuffer::new_checked(rest).ok()?;
        let length = usize::try_from(message.length()).ok()?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message {
            kind: message.message_type(),
            sequence: message.sequence_number(),
            flags: message.flags(),
            payload: message.payload(),
        })
    })
}

/// Iterates over the types and values of the attributes after a fixed part of `fixed` bytes, up to the first malformed
/// attribute.
///
/// Messages are not parsed as a whole, because one attribute of unknown form would then make the other attributes
/// unreadable.
pub(super) fn attributes(payload: &[u8], fixed: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let attributes = NlasIterator::new(payload.get(fixed..).unwrap_or_default());
    attributes.map_while(Result::ok).map_while(|attribute| {
        let (kind, length) = (attribute.kind(), usize::from(attribute.length()));
        Some((kind, attribute.into_inner().get(NLA_HEADER_SIZE..length)?))
    })
}

/// Returns the value of the first attribute of this type.
pub(super) fn attribute(payload: &[u8], fixed: usize, kind: u16) -> Option<&[u8]> {
    attributes(payload, fixed).find_map(|(found, value)| (found == kind).then_some(value))
}

/// Parses the value of an attribute as a 32-bit number.
pub(super) fn number(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_ne_bytes)
}

/// Returns the error number of a failed socket call.
pub(super) fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}

#[cfg(test)]
mod tests;
