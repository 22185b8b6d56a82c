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
    /// TAP name
    #[arg(long, default_value = "tap0")]
    name: InterfaceName,
    /// IP address of the kernel on the TAP, with prefix length
    #[arg(long, value_name = "ADDRESS/LENGTH", default_value = "10.0.0.1/24", value_parser = host_network)]
    address: Ipv4Net,
    /// User that may attach without privileges, by name or number [default: the calling user, also under sudo]
    #[arg(long)]
    user: Option<String>,
    /// MTU in bytes
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(68..=65_521))]
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
    println!("{name} is up, the kernel has {} on it, {} may attach", arguments.address, user_name(owner));
    if let Some(message) = closed_to(owner) {
        eprintln!("xtask: {message}");
    }
    if let Some(example) = example_host(arguments.address) {
        println!("next: cargo run -p cli -- host --tap {name} --address {example}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns another address of the kernel's network, as an example for a host.
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
