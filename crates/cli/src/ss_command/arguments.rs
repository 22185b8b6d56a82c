//! The command line of `tapstack ss`.

use clap::Args;

use crate::help;
use crate::ip_command::arguments::HostSelection;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack ss -tna
      all TCP sockets of the running host
  tapstack ss -tin
      open TCP connections, each with a line about its congestion window, RTT and retransmissions
  tapstack ss -una
      all UDP sockets of the running host
  tapstack ss -a --json | jq -r 'select(.dropped > 0).local_port'
      ports of sockets that dropped datagrams

The columns are those of iproute2's ss. Without -a and -l, only connected sockets are shown. A socket of several \
addresses is shown with its network, and 0.0.0.0 stands for all addresses.

Recv-Q and Send-Q of a TCP connection are the unread and the unacknowledged bytes; those of a TCP listener are the \
waiting connections and their limit. The queues of other sockets count the memory of their frames.

-i adds a line to each open TCP connection, in the words of ss: times in milliseconds, the congestion window and \
the slow start threshold in segments, and other lengths in bytes. Fields without a value are omitted. With --json, -i \
adds the object `details`.

ss shows a running `tapstack host` in the same network namespace, for the user of the host and for root.

Exit codes: 0 shown, 2 usage or permission error, or no such host.")]
// Each option of ss is independent of the others.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct SsArguments {
    #[command(flatten)]
    pub(super) host: HostSelection,
    /// Show unconnected and listening sockets too
    #[arg(short, long, help_heading = help::SOCKETS)]
    pub(super) all: bool,
    /// Show only unconnected and listening sockets
    #[arg(short, long, conflicts_with = "all", help_heading = help::SOCKETS)]
    pub(super) listening: bool,
    /// Show only TCP sockets, or with -u, TCP and UDP sockets
    #[arg(short, long, help_heading = help::SOCKETS)]
    pub(super) tcp: bool,
    /// Show only UDP sockets, or with -t, TCP and UDP sockets
    #[arg(short, long, help_heading = help::SOCKETS)]
    pub(super) udp: bool,
    /// Print the state of TCP connections in detail: congestion window, RTT, retransmissions and similar
    #[arg(short, long, help_heading = help::OUTPUT)]
    pub(super) info: bool,
    /// Print port numbers, not the names of /etc/services
    #[arg(short, long, help_heading = help::OUTPUT)]
    pub(super) numeric: bool,
    /// Print one JSON object per line
    #[arg(long, help_heading = help::OUTPUT, display_order = help::JSON)]
    pub(super) json: bool,
}
