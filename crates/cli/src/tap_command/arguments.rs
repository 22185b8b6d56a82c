//! The command line of `tapstack tap`.

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCandidates;
use ipnet::Ipv4Net;
use tap::linux::InterfaceName;

use crate::complete;
use crate::help;
use crate::values::{host_network, number, tap_name};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo tapstack tap create tap0 --address 10.0.0.1/24
  tapstack tap list
  tapstack tap delete tap0

A persistent TAP outlives the program that created it. The user of the TAP can attach to it without privileges.

Exit codes: 0 success, 1 no such TAP (delete), 2 usage, permission or system error.")]
pub(crate) struct TapArguments {
    #[command(subcommand)]
    pub(super) command: TapCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TapCommand {
    /// Create a persistent TAP, or make an existing TAP persistent, and bring it up
    Create(CreateArguments),
    /// Delete a persistent TAP
    #[command(after_help = "\
Examples:
  tapstack tap delete tap0
  sudo tapstack tap delete tap0
      a TAP of another user

A TAP that a program has open is not deleted.

Exit codes: 0 deleted, 1 no such TAP, 2 usage, permission or system error.")]
    Delete {
        /// Name of the TAP
        #[arg(value_parser = tap_name, add = ArgValueCandidates::new(complete::taps_of_machine))]
        name: InterfaceName,
    },
    /// List the persistent TAPs
    #[command(after_help = "\
Examples:
  tapstack tap list
  tapstack tap list --json | jq -r .interface

Each line has the name of a TAP, its state (`in use`, `up` or `down`), its MTU and its owner.

Exit codes: 0 listed, 2 usage or system error.")]
    List {
        /// Print one JSON object per line
        #[arg(long, help_heading = help::OUTPUT, display_order = help::JSON)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo tapstack tap create tap0 --address 10.0.0.1/24 --user alice

The settings apply to an existing TAP too. The command needs CAP_NET_ADMIN.

Exit codes: 0 created, 2 usage, permission or system error.")]
pub(crate) struct CreateArguments {
    /// Name of the TAP; `tap%d` selects a free number
    #[arg(value_parser = tap_name)]
    pub(super) name: InterfaceName,
    /// IP address of the kernel on the TAP
    #[arg(long, value_name = "IP/PREFIX", value_parser = host_network, help_heading = help::INTERFACE)]
    pub(super) address: Option<Ipv4Net>,
    /// MTU in bytes, from 68 to 65521 [default: 1500]
    #[arg(
        long, value_name = "BYTES", value_parser = number(68_u16..=65_521), allow_negative_numbers = true,
        help_heading = help::INTERFACE
    )]
    pub(super) mtu: Option<u16>,
    /// User who may attach without privileges, by name or id [default: the user who runs the command, also with sudo]
    #[arg(long, value_name = "USER", help_heading = help::INTERFACE)]
    pub(super) user: Option<String>,
}
