//! The command line of `tapstack ping`.

use std::net::Ipv4Addr;
use std::time::Duration;

use clap::Args;
use ipnet::Ipv4Net;

use crate::help;
use crate::names::host_address;
use crate::recorder::CaptureArguments;
use crate::station::arguments::{PerformanceArguments, StationArguments};
use crate::values::{host_network, number, seconds};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo tapstack ping --tap tap0 --address 10.0.0.2/24 --kernel 10.0.0.1/24 10.0.0.1
      from an emulated host to the kernel
  tapstack ping --tap tap0 --address 10.0.0.2/24 -c 3 -i 0.2 -s 8000 10.0.0.1
      three requests of 8,000 bytes, in fragments
  tapstack ping --tap tap0 --address 10.0.0.2/24 --gateway 10.0.0.1 -t 1 192.0.2.1
      a request that expires at the gateway
  tapstack ping --tap tap0 --address 10.0.0.2/24 -c 100 -i 0.01 --json 10.0.0.1 | jq .event
  sudo tapstack ping -I eth0 --address 192.0.2.9/24 -c 3 192.0.2.1
      from an additional host on the network of eth0

Requests are sent from an emulated host with the IP address of --address. -c, -i, -s, -W, -t and -q work as in \
iputils' ping, and the output has the same format. A reply with changed data (\"wrong data byte\") is printed and counted, but is not a success.

With -I, ping reaches every host except the local kernel, which does not receive frames sent on its own interface.

Exit codes: 0 at least one reply, and none with changed data; 1 no reply, or changed data; 2 usage, permission or setup \
error, no route to the target, or no reply while frames were lost, refused or not sent.")]
pub(crate) struct PingArguments {
    /// IP address or host name to ping
    #[arg(value_parser = host_address)]
    pub(crate) target: Ipv4Addr,
    #[command(flatten)]
    pub(crate) station: StationArguments,
    /// IP address of the emulated host, with prefix length or netmask
    #[arg(long, value_name = "IP/PREFIX", value_parser = host_network, help_heading = help::ADDRESSES)]
    pub(crate) address: Ipv4Net,
    /// Probe for duplicates of the address first, which takes 4 to 7 seconds (RFC 5227)
    #[arg(long, help_heading = help::CONFLICTS)]
    pub(crate) probe: bool,
    /// Number of requests [default: unlimited]
    #[arg(
        short, value_name = "COUNT", value_parser = number(1_u64..), allow_negative_numbers = true,
        help_heading = help::REQUESTS
    )]
    pub(crate) count: Option<u64>,
    /// Interval between requests, in seconds, at least 0.001
    #[arg(
        short, value_name = "SECONDS", default_value = "1", value_parser = seconds, allow_negative_numbers = true,
        help_heading = help::REQUESTS
    )]
    pub(crate) interval: Duration,
    /// Size of the data of a request, in bytes; below 16 no round-trip times are printed
    #[arg(
        short, value_name = "BYTES", default_value = "56", value_parser = number(0_u16..=65_507),
        allow_negative_numbers = true, help_heading = help::REQUESTS
    )]
    pub(crate) size: u16,
    /// Time to wait after the last request if there was no reply, in seconds; after a reply, ping waits twice the maximum
    /// round-trip time, but at least the interval
    #[arg(
        short = 'W', value_name = "SECONDS", default_value = "10", value_parser = seconds,
        allow_negative_numbers = true, help_heading = help::REQUESTS
    )]
    pub(crate) timeout: Duration,
    /// Time to live of requests, from 1 to 255
    #[arg(
        short, value_name = "TTL", default_value = "64", value_parser = number(1_u8..=255),
        allow_negative_numbers = true, help_heading = help::REQUESTS
    )]
    pub(crate) time_to_live: u8,
    #[command(flatten)]
    pub(crate) performance: PerformanceArguments,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// Print one JSON object per line
    #[arg(long, help_heading = help::OUTPUT, display_order = help::JSON)]
    pub(crate) json: bool,
    /// Print only the first line and the statistics
    #[arg(short, long, help_heading = help::OUTPUT, display_order = help::QUIET)]
    pub(crate) quiet: bool,
}
