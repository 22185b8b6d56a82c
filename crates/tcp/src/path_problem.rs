//! Problems of the path to a peer.

/// Problem of the path to a peer: an ICMP error about a segment, or a next hop without a MAC address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathProblem {
    /// Network unreachable (ICMP 3, code 0).
    NetworkUnreachable,
    /// Host unreachable (ICMP 3, code 1).
    HostUnreachable,
    /// Protocol unreachable (ICMP 3, code 2).
    ProtocolUnreachable,
    /// Port unreachable (ICMP 3, code 3).
    PortUnreachable,
    /// Fragmentation needed (ICMP 3, code 4): a segment is longer than the MTU of a link on the path.
    FragmentationNeeded {
        /// MTU of the link, in bytes.
        mtu: u16,
    },
    /// Destination unreachable for another reason (ICMP 3, other codes).
    OtherUnreachable,
    /// Time exceeded (ICMP 11).
    TimeExceeded,
    /// Parameter problem (ICMP 12).
    ParameterProblem,
    /// The next hop did not answer ARP requests.
    NextHopUnresolved,
}

impl PathProblem {
    /// Returns whether the problem ends a connection that is not established.
    pub(crate) fn is_hard(self) -> bool {
        // RFC 9293 3.9.2.2, "Destination Unreachable -- codes 2-4": "These are hard error conditions, so TCP implementations
        // SHOULD abort the connection (SHLD-26)." Code 4 only reduces the segments here (RFC 1191).
        matches!(
            self,
            PathProblem::ProtocolUnreachable | PathProblem::PortUnreachable | PathProblem::NextHopUnresolved
        )
    }
}
