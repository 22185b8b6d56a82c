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
    /// Name of the TAP
    #[arg(long, value_name = "NAME", default_value = "tap0")]
    name: InterfaceName,
    /// IP address of the kernel on the TAP, with its prefix length
    #[arg(long, value_name = "IP/PREFIX", default_value = "10.0.0.1/24", value_parser = host_network)]
    address: Ipv4Net,
    /// Name or ID of the user who may attach without privileges [default: the caller, also with sudo]
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// MTU in bytes, from 68 to 65521 [default: 1500]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(68..=65_521))]
    mtu: Option<u16>,
}

pub(crate) fn set_up(arguments: &SetupTapArguments) -> ChoreResult {
    let owner = match &arguments.user {
        Some(user) => user_id(user).map_err(|error| explain(&error).to_string())?,
        None => caller(),
    };
    let tap = PersistentTap {
        name: arguments.name.clone(),
        owner: Some(owner),
        group: None,
        mtu: arguments.mtu.map(usize::from),
        address: Some(arguments.address),
    };
    let name = tap.create().map_err(|error| explain(&error).to_string())?;
    println!(
        "{name} is up with the kernel's address {}, and {} may attach to the TAP",
        arguments.address,
        user_name(owner)
    );
    if let Some(message) = closed_to(owner) {
        eprintln!("xtask: {message}");
    }
    if let Some(address) = example_host(arguments.address) {
        println!("next: cargo run -p cli -- host --tap {name} --address {address}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns another address in the kernel's network, for an emulated host.
fn example_host(kernel: Ipv4Net) -> Option<Ipv4Net> {
    let other = kernel.hosts().find(|host| *host != kernel.addr() && !host.is_unspecified())?;
    Ipv4Net::new(other, kernel.prefix_len()).ok()
}

pub(crate) fn tear_down(name: &InterfaceName) -> ChoreResult {
    match PersistentTap::delete(name) {
        Ok(()) => println!("deleted {name}"),
        Err(DeleteError::Absent(_)) => println!("nothing to delete: {name} does not exist"),
        Err(error) => return Err(explain(&error).to_string()),
    }
    Ok(ExitCode::SUCCESS)
}
