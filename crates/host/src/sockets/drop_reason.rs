//! Reasons for which a socket does not receive a datagram.

base::reasons! {
    /// Reason for which a socket dropped a received datagram.
    pub enum SocketDropReason {
        /// The receive buffer of the socket has no capacity for the datagram.
        ReceiveBufferFull("receive_buffer_full") = "receive buffer of the socket full",
        /// The datagrams of all sockets take the maximum memory.
        MemoryFull("socket_memory_full") = "memory of all sockets full",
        /// No frame was available for a copy of the datagram.
        NoFrame("no_frame_for_socket") = "no free frame for the datagram of a socket",
        /// The socket was closed.
        Closed("socket_closed") = "socket closed",
    }
}
