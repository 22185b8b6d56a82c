//! The command line of `tapstack ping`.

use std::net::Ipv4Addr;
use std::time::Duration;

use clap::Args;
use ipnet::Ipv4Net;

use crate::recorder::CaptureArguments;
use crate::station::arguments::StationArguments;
use crate::values::{host_network, ip_address, number, seconds};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo tapstack ping --tap tap0 --address 10.0.0.2/24 --kernel 10.0.0.1/24 10.0.0.1
  tapstack ping --tap tap0 --address 10.0.0.2/24 -c 3 -i 0.2 -s 8000 10.0.0.1
  tapstack ping --tap tap0 --address 10.0.0.2/24 --gateway 10.0.0.1 -t 1 192.0.2.1
  tapstack ping --tap tap0 --address 10.0.0.2/24 -c 100 -i 0.01 --json 10.0.0.1 | jq .event
  sudo tapstack ping -I eth0 --address 192.0.2.9/24 -c 3 192.0.2.1

The words are those of iputils. The address is used at once: with --probe we ask first whether \
anybody has it (RFC 5227), and the first request leaves 4 to 7 seconds later.

With -I we are one station more on the kernel's wire, and reach everybody there but that kernel itself.

Ctrl-C, SIGTERM and SIGHUP end it with the statistics, and so does a closed output.

A reply whose data is not the request's is shown, as by iputils (\"wrong data byte #N ...\"), and counted: it is \
no success.

Exit codes: 0 at least one answer, and none with changed data; 1 none, or changed data; 2 usage, set-up, \
permission, no way to the target, or no answer from a wire that was down, lost frames or refused them.")]
pub(crate) struct PingArguments {
    /// Whom to ask
    #[arg(value_parser = ip_address)]
    pub(crate) target: Ipv4Addr,
    #[command(flatten)]
    pub(crate) station: StationArguments,
    #[command(flatten)]
    pub(crate) capture: CaptureArguments,
    /// Our address, and the length of the network's prefix or its netmask
    #[arg(long, value_name = "ADDRESS/LENGTH", value_parser = host_network)]
    pub(crate) address: Ipv4Net,
    /// Ask first whether anybody has our address; without this it is used at once
    #[arg(long)]
    pub(crate) probe: bool,
    /// How many requests to send [default: until Ctrl-C]
    #[arg(short, value_name = "N", value_parser = number(1_u64..), allow_negative_numbers = true)]
    pub(crate) count: Option<u64>,
    /// From one request to the next, in seconds: 0.001 at least
    #[arg(short, value_name = "S", default_value = "1", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) interval: Duration,
    /// How much data a request carries, in octets; below 16 no times are printed, as iputils has none then
    #[arg(short, value_name = "SIZE", default_value = "56", value_parser = number(0_u16..=65_507), allow_negative_numbers = true)]
    pub(crate) size: u16,
    /// How long to wait after the last request if nothing was answered, in seconds; otherwise it is two
    /// round trips, and the interval at least
    #[arg(short = 'W', value_name = "S", default_value = "10", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) timeout: Duration,
    /// How many hops a request may take
    #[arg(short, value_name = "TTL", default_value = "64", value_parser = number(1_u8..=255), allow_negative_numbers = true)]
    pub(crate) time_to_live: u8,
    /// Print only the first line and the statistics
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print one JSON object a line; times are in nanoseconds
    #[arg(long)]
    pub(crate) json: bool,
}
