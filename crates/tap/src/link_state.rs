//! State of a link.

/// State of a network interface and its link, as the kernel reports it.
///
/// The link carries frames only if both [`is_up`](LinkState::is_up) and [`has_carrier`](LinkState::has_carrier) are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// Whether the interface is administratively up (`ip link set ... up`).
    pub is_up: bool,
    /// Whether the interface is up and its other end is connected: a cable with a peer, or a program that has
    /// the TAP open. Always false while the interface is down.
    pub has_carrier: bool,
    /// Maximum transmission unit: the longest payload of a frame, link header not counted, in bytes.
    pub mtu: usize,
}

impl LinkState {
    /// Whether a link in this state carries frames.
    pub fn carries_frames(&self) -> bool {
        self.is_up && self.has_carrier
    }
}
