//! Settings of connections.

use std::time::Duration;

/// Settings of a connection, or of the connections of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each setting is independent of the others")]
pub struct TcpSettings {
    /// Whether a small segment waits while another small segment is unacknowledged (Nagle's algorithm, RFC 9293 3.7.4).
    pub nagle: bool,
    /// Probes of an idle connection (RFC 9293 3.8.4). `None` sends no probe.
    pub keep_alive: Option<KeepAlive>,
    /// Maximum time without an acknowledgment before the connection ends (RFC 9293 3.9.1.1). `None` ends the connection
    /// after 15 retransmissions.
    pub user_timeout: Option<Duration>,
    /// Size of the receive buffer.
    pub receive_buffer: BufferSize,
    /// Size of the send buffer.
    pub send_buffer: BufferSize,
    /// Time to live of sent datagrams. `None` is the default of the host.
    pub time_to_live: Option<u8>,
    /// Type of service of sent datagrams. Its two lowest bits, the ECN field, have no effect.
    pub type_of_service: u8,
    /// Maximum segment size in bytes. `None` is the size that the MTU permits.
    pub maximum_segment_size: Option<u16>,
    /// Minimum retransmission timeout (RFC 6298).
    pub minimum_rto: Duration,
    /// Whether the connection offers timestamps (RFC 7323 3).
    pub timestamps: bool,
    /// Whether the connection offers selective acknowledgments (RFC 2018).
    pub sack: bool,
    /// Whether the connection offers window scaling (RFC 7323 2).
    pub window_scaling: bool,
    /// Time of a connection in the state TIME-WAIT.
    pub time_wait: Duration,
    /// Maximum time of a closed connection in the state FIN-WAIT-2.
    pub fin_wait_2: Duration,
    /// Congestion control.
    pub congestion: CongestionControl,
    /// Use of explicit congestion notification (RFC 3168).
    pub ecn: Ecn,
    /// Whether data is spread over the round trip instead of sent in bursts.
    pub pacing: bool,
}

/// Probes of an idle connection (RFC 9293 3.8.4). A time below a second counts as a second, as in Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Time without a received segment before the first probe.
    pub idle: Duration,
    /// Time between two probes.
    pub interval: Duration,
    /// Number of probes without an answer that end the connection.
    pub probes: u32,
}

/// Size of a buffer, in bytes. The buffer starts at the initial size and grows with the throughput.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferSize {
    /// Initial size.
    pub initial: usize,
    /// Maximum size.
    pub maximum: usize,
}

/// Algorithm of congestion control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CongestionControl {
    /// CUBIC (RFC 9438).
    #[default]
    Cubic,
    /// `NewReno` (RFC 5681 and RFC 6582).
    NewReno,
    /// No congestion control: only the peer's window limits the data in flight, also after losses. The connection does not
    /// use ECN, and pacing has no effect.
    ///
    /// This setting is only for networks without other traffic, for example a link to the local kernel, or a simulation. On a
    /// shared network, such a connection takes the capacity of other connections, and can cause a congestion collapse
    /// (RFC 2914). RFC 9293 requires congestion control (MUST-19).
    None,
}

/// Use of explicit congestion notification (RFC 3168).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ecn {
    /// Connections use ECN if the peer asks for it.
    #[default]
    Accept,
    /// Connections use ECN if the peer asks for it, and opened connections ask for it.
    Ask,
    /// Connections do not use ECN.
    Off,
}

impl Default for TcpSettings {
    /// Returns the settings of Linux.
    fn default() -> TcpSettings {
        TcpSettings {
            nagle: true,
            keep_alive: None,
            user_timeout: None,
            receive_buffer: BufferSize { initial: 64 << 10, maximum: 6 << 20 },
            send_buffer: BufferSize { initial: 16 << 10, maximum: 4 << 20 },
            time_to_live: None,
            type_of_service: 0,
            maximum_segment_size: None,
            minimum_rto: Duration::from_millis(200),
            timestamps: true,
            sack: true,
            window_scaling: true,
            time_wait: Duration::from_mins(1),
            fin_wait_2: Duration::from_mins(1),
            congestion: CongestionControl::Cubic,
            ecn: Ecn::Accept,
            pacing: false,
        }
    }
}

impl TcpSettings {
    /// Returns the use of ECN: none without congestion control, because such a connection does not react to marks.
    pub(crate) fn used_ecn(&self) -> Ecn {
        if self.congestion == CongestionControl::None { Ecn::Off } else { self.ecn }
    }
}

impl KeepAlive {
    /// Returns the probes with times of at least a second. Without this bound, probes of a connection with data would be
    /// due without end.
    pub(crate) fn bounded(self) -> KeepAlive {
        let minimum = Duration::from_secs(1);
        KeepAlive { idle: self.idle.max(minimum), interval: self.interval.max(minimum), ..self }
    }
}

impl Default for KeepAlive {
    /// Returns the times of Linux: a first probe after two hours (RFC 9293 3.8.4), and then up to nine probes at
    /// intervals of 75 seconds.
    fn default() -> KeepAlive {
        KeepAlive { idle: Duration::from_hours(2), interval: Duration::from_secs(75), probes: 9 }
    }
}
