//! The command line of `tapstack tap`.

use clap::{Args, Subcommand};
use ipnet::Ipv4Net;
use tap::linux::InterfaceName;

use crate::values::{host_network, number};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo tapstack tap create tap0 --address 10.0.0.1/24
  tapstack tap list
  tapstack tap delete tap0

Exit codes: 0 done, 1 there is none of this name, 2 it could not be done.")]
pub(crate) struct TapArguments {
    #[command(subcommand)]
    pub(super) command: TapCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TapCommand {
    /// Make a persistent TAP, or make an existing one so, and bring it up
    Create(CreateArguments),
    /// Delete a persistent TAP
    #[command(after_help = "\
Examples:
  tapstack tap delete tap0
  sudo tapstack tap delete tap0       one that is another user's

Exit codes: 0 deleted, 1 there is none of this name, 2 it could not be deleted.")]
    Delete {
        /// The TAP
        name: InterfaceName,
    },
    /// List the persistent TAPs
    #[command(after_help = "\
Examples:
  tapstack tap list
  tapstack tap list --json | jq -r .interface

Exit codes: 0 listed, also if there is none, 2 they could not be listed.")]
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo tapstack tap create tap0 --address 10.0.0.1/24 --user alice

Exit codes: 0 the TAP is as asked, 2 it is not.")]
pub(crate) struct CreateArguments {
    /// The TAP; `tap%d` lets the kernel choose a number
    pub(super) name: InterfaceName,
    /// The kernel's own address on it
    #[arg(long, value_name = "ADDRESS/LENGTH", value_parser = host_network)]
    pub(super) address: Option<Ipv4Net>,
    /// Who may attach without privilege, by name or number [default: you, behind sudo too]
    #[arg(long)]
    pub(super) user: Option<String>,
    /// The longest payload of a frame, in octets
    #[arg(long, value_name = "OCTETS", value_parser = number(68_u16..=65_521), allow_negative_numbers = true)]
    pub(super) mtu: Option<u16>,
}
