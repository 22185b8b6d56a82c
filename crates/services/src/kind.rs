//! The services.

use std::fmt;

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// Returns the received data (RFC 862).
    Echo,
    /// Discards the received data (RFC 863).
    Discard,
    /// Sends date and time as text (RFC 867).
    Daytime,
    /// Sends a pattern of characters (RFC 864).
    Chargen,
}

impl ServiceKind {
    /// All services, in the order of their ports.
    pub const ALL: [ServiceKind; 4] =
        [ServiceKind::Echo, ServiceKind::Discard, ServiceKind::Daytime, ServiceKind::Chargen];

    /// Returns the name, as IANA has registered it.
    pub const fn name(self) -> &'static str {
        match self {
            ServiceKind::Echo => "echo",
            ServiceKind::Discard => "discard",
            ServiceKind::Daytime => "daytime",
            ServiceKind::Chargen => "chargen",
        }
    }

    /// Returns the port that IANA has assigned.
    pub const fn default_port(self) -> u16 {
        match self {
            ServiceKind::Echo => 7,
            ServiceKind::Discard => 9,
            ServiceKind::Daytime => 13,
            ServiceKind::Chargen => 19,
        }
    }

    /// Returns whether the service replies.
    pub const fn replies(self) -> bool {
        !matches!(self, ServiceKind::Discard)
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
