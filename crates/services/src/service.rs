//! A service on a port, and its transport protocol.

use std::fmt;

use ipnet::IpNet;

/// A service on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Name, as IANA has registered it.
    pub name: &'static str,
    /// Transport protocol.
    pub protocol: Protocol,
    /// The service has all local addresses among these addresses.
    pub addresses: IpNet,
    /// Port.
    pub port: u16,
}

/// Transport protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl Protocol {
    /// Returns the name: `udp` or `tcp`.
    pub const fn name(self) -> &'static str {
        match self {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
