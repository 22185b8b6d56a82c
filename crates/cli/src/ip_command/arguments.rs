//! The command line of `tapstack ip`.

use clap::{Args, Subcommand};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use tap::linux::InterfaceName;

use crate::complete;
use crate::help;
use crate::values::interface_name;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack ip neigh
      the neighbor table of the running host
  tapstack ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01
      a static entry
  tapstack ip addr add 10.0.0.9/24 -I tap0
      another address of the host on tap0
  tapstack lab -- tapstack ip addr
      the address of the host of the lab

The commands show and change a running `tapstack host`, in the format of iproute2's ip. They reach a host in the same \
network namespace, for the user of the host and for root.

Exit codes: 0 success, 1 the entry or address does not exist (del) or already exists (add), 2 usage or permission \
error, no such host, or the host refused the change.")]
pub(crate) struct IpArguments {
    #[command(subcommand)]
    pub(super) object: IpObject,
}

/// The host of a command.
#[derive(Debug, Args)]
pub(crate) struct HostSelection {
    /// Interface or TAP of the host [default: the only running host]
    #[arg(
        short = 'I', long, value_name = "NAME", value_parser = interface_name, help_heading = help::INTERFACE,
        add = ArgValueCandidates::new(complete::interfaces_of_hosts)
    )]
    pub(crate) interface: Option<InterfaceName>,
}

/// The host of a command that shows rows, and their format.
#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    #[command(flatten)]
    pub(super) host: HostSelection,
    /// Print one JSON object per line
    #[arg(long, help_heading = help::OUTPUT, display_order = help::JSON)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IpObject {
    /// Show and change the neighbor table (ARP cache)
    // words: off
    #[command(visible_aliases = ["neighbor", "n"], alias = "neighbour")]
    // words: on
    Neigh(NeighArguments),
    /// Show and change the local addresses
    #[command(visible_aliases = ["address", "a"])]
    Addr(AddrArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack ip neigh
      all entries
  tapstack ip neigh show nud stale
  tapstack ip neigh add 10.0.0.1 lladdr 02:00:00:00:00:01
  tapstack ip neigh flush all

Without a command, the entries are shown.

Exit codes: 0 success, 1 the entry does not exist (del) or already exists (add), 2 usage or permission error, no such \
host, or the host refused the change.")]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct NeighArguments {
    #[command(subcommand)]
    pub(super) command: Option<NeighCommand>,
    #[command(flatten)]
    pub(super) options: ShowOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NeighCommand {
    /// Show the entries of the neighbor table
    #[command(visible_aliases = ["list", "ls"], after_help = "\
Examples:
  tapstack ip neigh show
  tapstack ip neigh show dev tap0.5
      the entries in VLAN 5
  tapstack ip neigh show 10.0.0.0/24 nud reachable nud stale
  tapstack ip neigh show --json | jq -r 'select(.state == \"FAILED\").ip'

The entries are sorted by IP address. As in iproute2, `dev NAME` selects an interface, and the lines then omit its name.

Exit codes: 0 shown, 2 usage or permission error, or no such host.")]
    Show {
        /// Entries to show: `[to] IP[/PREFIX] [dev NAME] [nud STATE]...`
        #[arg(value_name = "FILTER", add = ArgValueCandidates::new(filter_words))]
        words: Vec<String>,
        #[command(flatten)]
        options: ShowOptions,
    },
    /// Delete entries, static ones only with `nud permanent`
    #[command(after_help = "\
Examples:
  tapstack ip neigh flush all
  tapstack ip neigh flush dev tap0 nud failed
  tapstack ip neigh flush 10.0.0.0/24 nud all
      static entries too

Packets that wait for a deleted entry are dropped.

Exit codes: 0 deleted, 2 usage or permission error, or no such host.")]
    Flush {
        /// Entries to delete: `all` or `[to] IP[/PREFIX] [dev NAME] [nud STATE]...`
        #[arg(value_name = "FILTER", add = ArgValueCandidates::new(flush_words))]
        words: Vec<String>,
        #[command(flatten)]
        host: HostSelection,
    },
    /// Add a static entry
    #[command(after_help = "\
Examples:
  tapstack ip neigh add 10.0.0.1 lladdr 02:00:00:00:00:01
  tapstack ip neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 dev tap0.5
      an entry in VLAN 5

A static entry does not expire, and received packets do not change it. `dev NAME` is required if the host has several \
interfaces.

Exit codes: 0 added, 1 the entry already exists, 2 usage or permission error, no such host, or the host refused the \
entry.")]
    Add {
        /// Entry to add: `[to] IP lladdr MAC [dev NAME] [nud permanent]`
        #[arg(value_name = "ENTRY", add = ArgValueCandidates::new(add_words))]
        words: Vec<String>,
        #[command(flatten)]
        host: HostSelection,
    },
    /// Add a static entry, or change an entry to a static one
    #[command(after_help = "\
Examples:
  tapstack ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01

The entry gets this MAC address and becomes static, in any state. Packets that wait for the entry are sent.

Exit codes: 0 added or changed, 2 usage or permission error, no such host, or the host refused the entry.")]
    Replace {
        /// Entry to add: `[to] IP lladdr MAC [dev NAME] [nud permanent]`
        #[arg(value_name = "ENTRY", add = ArgValueCandidates::new(add_words))]
        words: Vec<String>,
        #[command(flatten)]
        host: HostSelection,
    },
    /// Delete an entry, static or not
    #[command(
        visible_alias = "delete",
        after_help = "\
Examples:
  tapstack ip neigh del 10.0.0.1
  tapstack ip neigh del 10.0.0.1 dev tap0.5

Packets that wait for the entry are dropped.

Exit codes: 0 deleted, 1 the entry does not exist, 2 usage or permission error, or no such host."
    )]
    Del {
        /// Entry to delete: `[to] IP [dev NAME]`
        #[arg(value_name = "ENTRY", add = ArgValueCandidates::new(device_words))]
        words: Vec<String>,
        #[command(flatten)]
        host: HostSelection,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapstack ip addr
      all addresses
  tapstack ip addr show dev tap0
  tapstack ip addr add 10.0.0.9/24
  tapstack ip addr del 10.0.0.9/24

Without a command, the addresses are shown. Each address is a host with its own MAC address.

Exit codes: 0 success, 1 the address does not exist (del) or already exists (add), 2 usage or permission error, no such \
host, or the host refused the change.")]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct AddrArguments {
    #[command(subcommand)]
    pub(super) command: Option<AddrCommand>,
    #[command(flatten)]
    pub(super) options: ShowOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AddrCommand {
    /// Show the local addresses
    #[command(visible_aliases = ["list", "ls"], after_help = "\
Examples:
  tapstack ip addr show
  tapstack ip addr show tap0.5
      the addresses in VLAN 5
  tapstack ip addr show to 10.0.0.0/24
  tapstack ip addr show --json | jq -r .ip

A MAC address precedes the address of its host. The addresses of --hosts are ranges FIRST-LAST. `tentative` marks an \
address that is being probed, and `conflict MAC` an address that another station uses too.

Exit codes: 0 shown, 2 usage or permission error, or no such host.")]
    Show {
        /// Addresses to show: `[dev NAME] [to IP/PREFIX]`
        #[arg(value_name = "FILTER", add = ArgValueCandidates::new(show_address_words))]
        words: Vec<String>,
        #[command(flatten)]
        options: ShowOptions,
    },
    /// Add an address with its own MAC address
    #[command(after_help = "\
Examples:
  tapstack ip addr add 10.0.0.9/24
  tapstack ip addr add 10.0.0.9/24 lladdr 02:00:00:00:00:09 dev tap0

The address comes into use like the addresses at the start of the host: after probes for duplicates, with an \
announcement, or immediately. `tapstack ip addr` shows the state of the address. Without a prefix length, the address \
has no network. `dev NAME` is required if the host has several interfaces.

Exit codes: 0 added, 1 the address already exists, 2 usage or permission error, no such host, or the host refused the \
address.")]
    Add {
        /// Address to add: `[local] IP/PREFIX [lladdr MAC] [dev NAME]`, by default with the next free MAC address
        #[arg(value_name = "ADDRESS", add = ArgValueCandidates::new(add_address_words))]
        words: Vec<String>,
        #[command(flatten)]
        host: HostSelection,
    },
    /// Delete an address and the routes that need it
    #[command(
        visible_alias = "delete",
        after_help = "\
Examples:
  tapstack ip addr del 10.0.0.9/24
  tapstack ip addr del 10.1.0.5
      one address of a range

The host keeps running without an address.

Exit codes: 0 deleted, 1 the address does not exist, 2 usage or permission error, or no such host."
    )]
    Del {
        /// Address to delete: `[local] IP[/PREFIX] [dev NAME]`
        #[arg(value_name = "ADDRESS", add = ArgValueCandidates::new(device_words))]
        words: Vec<String>,
        #[command(flatten)]
        host: HostSelection,
    },
}

/// Returns keywords and the names of hosts' interfaces.
fn words(keywords: &[&str]) -> Vec<CompletionCandidate> {
    let keywords = keywords.iter().map(CompletionCandidate::new);
    keywords.chain(complete::interfaces_of_hosts()).collect()
}

fn flush_words() -> Vec<CompletionCandidate> {
    words(&["all", "to", "dev", "nud"])
}

fn filter_words() -> Vec<CompletionCandidate> {
    words(&["to", "dev", "nud"])
}

fn add_words() -> Vec<CompletionCandidate> {
    words(&["lladdr", "dev", "nud"])
}

fn device_words() -> Vec<CompletionCandidate> {
    words(&["dev"])
}

fn add_address_words() -> Vec<CompletionCandidate> {
    words(&["lladdr", "dev"])
}

fn show_address_words() -> Vec<CompletionCandidate> {
    words(&["dev", "to"])
}
