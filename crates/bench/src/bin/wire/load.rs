//! The loads of the tables.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

use crate::traffic::RequestKind;

/// Work of the contenders in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Load {
    /// ARP requests
    Arp,
    /// Echo requests with 56 bytes of data
    Ping,
    /// UDP datagrams with 64 bytes of data to the echo service
    Udp,
    /// TCP connections: SYN, ACK and RST
    TcpAccept,
    /// TCP data from a contender to a kernel socket
    TcpSend,
    /// TCP data from a kernel socket to a contender
    TcpReceive,
    /// One byte over TCP to the echo service
    TcpRequest,
    /// SYNs with forged sources, and honest clients
    TcpFlood,
}

impl Load {
    pub(crate) const ALL: [Load; 8] = [
        Load::Arp,
        Load::Ping,
        Load::Udp,
        Load::TcpAccept,
        Load::TcpSend,
        Load::TcpReceive,
        Load::TcpRequest,
        Load::TcpFlood,
    ];

    /// Returns the kind of the requests, or `None` if the load is TCP.
    pub(crate) fn request(self) -> Option<RequestKind> {
        match self {
            Load::Arp => Some(RequestKind::Arp),
            Load::Ping => Some(RequestKind::Ping),
            Load::Udp => Some(RequestKind::Udp),
            Load::TcpAccept | Load::TcpSend | Load::TcpReceive | Load::TcpRequest | Load::TcpFlood => None,
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Load::Arp => "ARP",
            Load::Ping => "ping",
            Load::Udp => "UDP",
            Load::TcpAccept => "TCP accept",
            Load::TcpSend => "TCP send",
            Load::TcpReceive => "TCP receive",
            Load::TcpRequest => "TCP request",
            Load::TcpFlood => "SYN flood",
        })
    }
}
