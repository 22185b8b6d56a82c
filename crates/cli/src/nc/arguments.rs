//! The command line of `tapstack nc`.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::time::Duration;

use clap::Args;
use ipnet::Ipv4Net;

use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::help;
use crate::recorder::CaptureArguments;
use crate::station::arguments::{PerformanceArguments, StationArguments};
use crate::tcp_arguments::{CongestionAlgorithm, EcnUse};
use crate::values::{host_network, ip_address, number, seconds};

#[derive(Debug, Args)]
// Each flag is a letter of netcat-openbsd.
#[allow(clippy::struct_excessive_bools)]
#[command(after_help = "\
Examples:
  tapstack nc --tap tap0 -s 10.0.0.2/24 -N 10.0.0.1 80 < request
      a TCP connection: the request, and the reply up to its end
  tapstack nc --tap tap0 -s 10.0.0.2/24 -l 5000 > received
      the data of the first TCP connection to port 5000
  echo hello | tapstack nc -u --tap tap0 -s 10.0.0.2/24 -q 1 10.0.0.1 7
      one datagram, and the replies of one second
  tapstack nc -u --tap tap0 -s 10.0.0.2/24 -k -l 5000 > received
      the data of all datagrams of all peers
  tapstack nc --tap tap0 -s 10.0.0.2/24 -z -v 10.0.0.1 20-80
      the TCP ports that accept a connection
  sudo tapstack nc -I eth0 -s 192.0.2.9/24 192.0.2.1 22
      from an additional host on the network of eth0

nc sends standard input to a peer, and writes received data to standard output, from an emulated host with the IP \
address of -s. The options have the letters of netcat-openbsd. Addresses and ports are numbers: nc does not resolve \
names.

Over TCP, nc ends when the peer has closed its direction and standard input has ended; with -l, when the peer has closed \
its direction. nc then waits up to 30 seconds until the peer has acknowledged all data. The end of standard input alone \
does not close the connection: see -N and -q.

Over UDP, each read of standard input is one datagram of up to 16,384 bytes. nc ends after a refused datagram, or by the \
conditions of -q, -w and -W. With -z, a port without an ICMP error within the time of -w counts as open, because many \
UDP services ignore unknown datagrams. If the next hop does not reply to ARP within this time, the port counts as not \
open.

Exit codes: 0 ended normally, with -z at least one open port; 1 no connection, a lost connection, or the peer refused \
the datagrams and sent none, with -z no open port; 2 usage, permission or setup error, no route to the peer, with -z no \
result because frames were lost.")]
pub(crate) struct NcArguments {
    /// IP address of the peer; with -l, the local IP address (may be omitted)
    #[arg(value_name = "HOST")]
    host: Option<String>,
    /// Port of the peer, with -z a range such as 7-19; with -l, the local port
    #[arg(value_name = "PORT")]
    port: Option<String>,
    #[command(flatten)]
    pub(crate) station: StationArguments,
    /// IP address of the emulated host, with prefix length or netmask
    #[arg(short = 's', long, value_name = "IP/PREFIX", value_parser = host_network, help_heading = help::ADDRESSES)]
    pub(crate) address: Ipv4Net,
    /// Use UDP instead of TCP
    #[arg(short = 'u', help_heading = help::TRANSFER)]
    pub(crate) udp: bool,
    /// Wait for a connection, or with -u for a datagram, then exchange data with the peer
    #[arg(short = 'l', help_heading = help::TRANSFER)]
    pub(crate) listen: bool,
    /// With -l, accept one connection after another; with -u, receive from all senders, and do not read standard input
    #[arg(short = 'k', requires = "listen", help_heading = help::TRANSFER)]
    pub(crate) keep: bool,
    /// Test ports, without reading standard input
    #[arg(
        short = 'z', conflicts_with_all = ["listen", "quit", "limit", "no_input", "crlf", "shuts_down"],
        help_heading = help::TRANSFER
    )]
    pub(crate) scan: bool,
    /// Close the sending direction of a TCP connection at the end of standard input
    #[arg(short = 'N', conflicts_with = "udp", help_heading = help::TRANSFER)]
    pub(crate) shuts_down: bool,
    /// Local port [default: a random free port from 32768 to 60999]
    #[arg(
        short = 'p', value_name = "PORT", value_parser = number(1_u16..=u16::MAX), allow_negative_numbers = true,
        help_heading = help::TRANSFER
    )]
    source_port: Option<u16>,
    /// Do not read standard input
    #[arg(short = 'd', help_heading = help::TRANSFER)]
    pub(crate) no_input: bool,
    /// Send each line feed as carriage return and line feed
    #[arg(short = 'C', conflicts_with = "no_input", help_heading = help::TRANSFER)]
    pub(crate) crlf: bool,
    /// With -u, allow a broadcast address, and receive broadcasts
    #[arg(short = 'b', requires = "udp", help_heading = help::TRANSFER)]
    pub(crate) broadcast: bool,
    /// Interval between reads of standard input or, with -z, between ports, in seconds
    #[arg(
        short = 'i', value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true,
        help_heading = help::TRANSFER
    )]
    pub(crate) interval: Option<Duration>,
    /// Time to wait for data after the end of standard input, in seconds; a negative time means no limit
    #[arg(
        short = 'q', value_name = "SECONDS", default_value = "-1", value_parser = quit_time,
        allow_negative_numbers = true, help_heading = help::TRANSFER
    )]
    pub(crate) quit: QuitTime,
    /// Time without data after which nc ends, time to connect, or time for each port with -z, in seconds [default: no
    /// limit; 3 with -z]
    #[arg(
        short = 'w', value_name = "SECONDS", value_parser = seconds, conflicts_with = "listen",
        allow_negative_numbers = true, help_heading = help::TRANSFER
    )]
    pub(crate) timeout: Option<Duration>,
    /// With -u, number of received datagrams after which nc ends
    #[arg(
        short = 'W', value_name = "COUNT", requires = "udp", value_parser = number(1_u64..), allow_negative_numbers = true,
        help_heading = help::TRANSFER
    )]
    pub(crate) limit: Option<u64>,
    /// Time to live of sent datagrams, from 1 to 255
    #[arg(
        short = 'M', value_name = "TTL", value_parser = number(1_u8..=255), allow_negative_numbers = true,
        help_heading = help::IP
    )]
    pub(crate) time_to_live: Option<u8>,
    /// With -u, minimum time to live of received datagrams [default: 0]
    #[arg(
        short = 'm', value_name = "TTL", requires = "udp", value_parser = number(0_u8..=255),
        allow_negative_numbers = true, help_heading = help::IP
    )]
    pub(crate) min_time_to_live: Option<u8>,
    /// Type of service of sent datagrams: ef, af11 to af43, cs0 to cs7, lowdelay, throughput, reliability, lowcost,
    /// critical, inetcontrol, netcontrol, or a number such as 0xb8
    #[arg(
        short = 'T', value_name = "TOS", default_value = "0", value_parser = type_of_service, help_heading = help::IP
    )]
    pub(crate) type_of_service: u8,
    /// Congestion control of TCP connections: `none` only on a network without other traffic
    #[arg(long, value_name = "ALGORITHM", value_enum, default_value_t, conflicts_with = "udp", help_heading = help::TCP)]
    pub(crate) congestion: CongestionAlgorithm,
    /// Use of explicit congestion notification (RFC 3168) in TCP connections: if the peer asks for it, always ask for it, or never
    #[arg(long, value_name = "USE", value_enum, default_value_t, conflicts_with = "udp", help_heading = help::TCP)]
    pub(crate) ecn: EcnUse,
    /// Spread the data of TCP connections over the round trip, instead of sending it in bursts
    #[arg(long, conflicts_with = "udp", help_heading = help::TCP)]
    pub(crate) pacing: bool,
    #[command(flatten)]
    pub(crate) performance: PerformanceArguments,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// Print addresses, results of -z and changes of the link to standard error
    #[arg(short, long, help_heading = help::OUTPUT, display_order = help::VERBOSE)]
    pub(crate) verbose: bool,
}

/// Value of `-q`: the time to wait after the end of standard input, or `None` for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuitTime(pub(crate) Option<Duration>);

/// Operation of a command, with its addresses and ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoints {
    /// Exchange data with a peer.
    Peer { target: Ipv4Addr, port: u16, source_port: Option<u16> },
    /// Wait for a peer. Without an address, all local addresses receive.
    Local { address: Option<Ipv4Addr>, port: u16 },
    /// Test ports of a target.
    Scan { target: Ipv4Addr, ports: RangeInclusive<u16>, source_port: Option<u16> },
}

impl NcArguments {
    /// Returns the addresses and ports of the arguments. Their meaning depends on `-l` and `-z`, as in netcat-openbsd.
    pub(crate) fn endpoints(&self) -> Result<Endpoints, Failure> {
        if self.capture.is_standard_output() {
            return Err(Failure::new(
                "cannot write the capture to standard output: nc writes received data there",
            )
            .hint("capture to a file with `--pcap FILE`"));
        }
        let (host, port, source_port) = (self.host.as_deref(), self.port.as_deref(), self.source_port);
        if self.listen {
            let (address, port) = match (host, port, source_port) {
                (Some(port), None, None) => (None, one_port(port)?),
                (None, None, Some(port)) => (None, port),
                (Some(address), Some(port), None) => (Some(valid_address(address)?), one_port(port)?),
                (None, _, None) => return Err(missing_port("-l 5000")),
                _ => {
                    return Err(Failure::new("two local ports: -p and the last argument").hint("omit -p"));
                }
            };
            return Ok(Endpoints::Local { address, port });
        }
        let example = "10.0.0.1 7";
        let missing =
            || Failure::new("missing address and port of the peer").hint(format!("use e.g. `{example}`"));
        let target = valid_address(host.ok_or_else(missing)?)?;
        let port = port.ok_or_else(|| missing_port(example))?;
        if self.scan {
            let ports = port_range(port).map_err(|why| why.context(format!("invalid port `{port}`")))?;
            return Ok(Endpoints::Scan { target, ports, source_port });
        }
        Ok(Endpoints::Peer { target, port: one_port(port)?, source_port })
    }
}

fn missing_port(example: &str) -> Failure {
    Failure::new("missing port number").hint(format!("use e.g. `{example}`"))
}

fn valid_address(text: &str) -> Result<Ipv4Addr, Failure> {
    ip_address(text).map_err(|why| Failure::new(why.context(format!("invalid address `{text}`"))))
}

fn one_port(text: &str) -> Result<u16, Failure> {
    let port = number(1_u16..=u16::MAX)(text);
    port.map_err(|why| {
        let failure = Failure::new(why.context(format!("invalid port `{text}`")));
        if port_range(text).is_ok() { failure.hint("test a range of ports with -z") } else { failure }
    })
}

/// Parses a port, or a range such as `7-19`.
fn port_range(text: &str) -> Result<RangeInclusive<u16>, ErrorMessage> {
    let port = number(1_u16..=u16::MAX);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    if first > last {
        return Err(
            ErrorMessage::new(format!("{first} is greater than {last}")).hint(format!("use {last}-{first}"))
        );
    }
    Ok(first..=last)
}

/// Parses the value of `-q`.
fn quit_time(text: &str) -> Result<QuitTime, ErrorMessage> {
    let least = Duration::from_millis(1);
    match text.parse::<f64>() {
        Ok(time) if time < 0.0 => Ok(QuitTime(None)),
        Ok(time) if Duration::try_from_secs_f64(time).is_ok_and(|time| time < least) => {
            Ok(QuitTime(Some(Duration::ZERO)))
        }
        _ => seconds(text).map(|time| QuitTime(Some(time))),
    }
}

/// Parses a type of service: a name of netcat-openbsd, or a decimal or hexadecimal number.
fn type_of_service(text: &str) -> Result<u8, ErrorMessage> {
    let digit = |at: usize| text.as_bytes().get(at).map(|digit| digit.wrapping_sub(b'0'));
    let named = match text {
        "lowcost" => Some(0x02),
        "reliability" => Some(0x04),
        "throughput" => Some(0x08),
        "lowdelay" => Some(0x10),
        "critical" => Some(0xa0),
        "ef" => Some(0xb8),
        "inetcontrol" => Some(0xc0),
        "netcontrol" => Some(0xe0),
        // RFC 2474 4.2.2: the class is in the upper three bits.
        _ if text.len() == 3 && text.starts_with("cs") => {
            digit(2).filter(|class| *class <= 7).map(|class| class << 5)
        }
        // RFC 2597 6: the class is in the upper three bits, and the drop precedence in the next two.
        _ if text.len() == 4 && text.starts_with("af") => digit(2)
            .zip(digit(3))
            .filter(|(class, drop)| (1..=4).contains(class) && (1..=3).contains(drop))
            .map(|(class, drop)| class << 5 | drop << 3),
        _ => match text.strip_prefix("0x") {
            Some(digits) => u8::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        },
    };
    named.ok_or_else(|| ErrorMessage::new("expected a name such as ef or af11, or a number from 0 to 255"))
}

#[cfg(test)]
mod tests;
