//! Reasons for which a service sent no reply.

use host::SocketError;

base::reasons! {
    /// Reason for which a service sent no reply.
    pub enum ReplyDropReason {
        /// The source port is 0, or the port of a service that would reply to the reply.
        SourcePort("source_port_of_service") = "source port is 0 or the port of a service",
        /// The send queue of the socket is full.
        SendBufferFull("send_buffer_full") = "send buffer full",
        /// The datagrams of all sockets take the maximum memory.
        SocketMemoryFull("socket_memory_full") = "memory of all sockets full",
        /// All frames of the pool are in use.
        NoFrame("no_free_frame") = "no free frame in the pool",
        /// The host has no route to the requester.
        NoRoute("no_route") = "no route to the requester",
        /// The host refused the reply for another reason, such as a local address that is no longer in use.
        Refused("reply_refused") = "source or destination of the reply not usable",
    }
}

impl From<&SocketError> for ReplyDropReason {
    fn from(error: &SocketError) -> ReplyDropReason {
        match error {
            SocketError::SendBufferFull => ReplyDropReason::SendBufferFull,
            SocketError::SocketMemoryFull => ReplyDropReason::SocketMemoryFull,
            SocketError::NoFrame => ReplyDropReason::NoFrame,
            SocketError::NoRoute(_) => ReplyDropReason::NoRoute,
            _ => ReplyDropReason::Refused,
        }
    }
}
