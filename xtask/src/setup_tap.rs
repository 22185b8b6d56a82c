//! `setup-tap` and `teardown-tap`.

use std::process::ExitCode;

use clap::Args;
use cli::advice::explain;
use cli::host_network;
use cli::users::{caller, closed_to, user_id, user_name};
use ipnet::Ipv4Net;
use tap::linux::{DeleteError, InterfaceName, PersistentTap};

use crate::ChoreResult;

#[derive(Debug, Args)]
pub(crate) struct SetupTapArguments {
    /// The TAP
    #[arg(long, default_value = "tap0")]
    name: InterfaceName,
    /// The kernel's own address on it
    #[arg(long, value_name = "ADDRESS/LENGTH", default_value = "10.0.0.1/24", value_parser = host_network)]
    address: Ipv4Net,
    /// Who may attach without privilege, by name or number [default: you, behind sudo too]
    #[arg(long)]
    user: Option<String>,
    /// The longest payload of a frame, in octets
    #[arg(long, value_name = "OCTETS", value_parser = clap::value_parser!(u16).range(68..=65_521))]
    mtu: Option<u16>,
}

pub(crate) fn set_up(arguments: &SetupTapArguments) -> ChoreResult {
    let owner = match &arguments.user {
        Some(user) => user_id(user).map_err(|error| error.to_string())?,
        None => caller(),
    };
    let tap = PersistentTap {
        name: arguments.name.clone(),
        owner: Some(owner),
        group: None,
        mtu: arguments.mtu.map(usize::from),
        address: Some(arguments.address),
    };
    let name = tap.create().map_err(|error| explain(&error))?;
    println!("{name} is up, the kernel is {} on it, {} may attach", arguments.address, user_name(owner));
    if let Some(message) = closed_to(owner) {
        eprintln!("xtask: {message}");
    }
    if let Some(ours) = example_host(arguments.address) {
        println!("next: cargo run -p cli -- host --tap {name} --address {ours}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Another address in the kernel's network, for a host of ours.
fn example_host(kernel: Ipv4Net) -> Option<Ipv4Net> {
    let other = kernel.hosts().find(|host| *host != kernel.addr() && !host.is_unspecified())?;
    Ipv4Net::new(other, kernel.prefix_len()).ok()
}

pub(crate) fn tear_down(name: &InterfaceName) -> ChoreResult {
    match PersistentTap::delete(name) {
        Ok(()) => println!("{name} is deleted"),
        Err(DeleteError::Absent(_)) => println!("there is no {name}: nothing to do"),
        Err(error) => return Err(explain(&error)),
    }
    Ok(ExitCode::SUCCESS)
}
