//! `tapstack ip`: neighbors and addresses of a running host.

mod addr;
pub(crate) mod arguments;
mod clauses;
mod neigh;

use std::process::ExitCode;

use schemars::{Schema, SchemaGenerator};

use crate::control::client::HostClient;
use crate::control::hosts::running_hosts;
use crate::control::message::InterfaceRow;
use crate::failure::Failure;
use arguments::{
    AddrArguments, AddrCommand, HostSelection, IpArguments, IpObject, NeighArguments, NeighCommand,
};

pub(crate) fn run(arguments: &IpArguments) -> Result<ExitCode, Failure> {
    match &arguments.object {
        IpObject::Neigh(NeighArguments { command: None, options }) => neigh::show(options, &[]),
        IpObject::Neigh(NeighArguments { command: Some(command), .. }) => match command {
            NeighCommand::Show { words, options } => neigh::show(options, words),
            NeighCommand::Flush { words, host } => neigh::flush(host, words),
            NeighCommand::Add { words, host } => neigh::add(host, words, false),
            NeighCommand::Replace { words, host } => neigh::add(host, words, true),
            NeighCommand::Del { words, host } => neigh::delete(host, words),
        },
        IpObject::Addr(AddrArguments { command: None, options }) => addr::show(options, &[]),
        IpObject::Addr(AddrArguments { command: Some(command), .. }) => match command {
            AddrCommand::Show { words, options } => addr::show(options, words),
            AddrCommand::Add { words, host } => addr::add(host, words),
            AddrCommand::Del { words, host } => addr::delete(host, words),
        },
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the schema of `tapstack ip neigh --json`.
pub(crate) fn neigh_schema(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<neigh::NeighJson>()
}

/// Returns the schema of `tapstack ip addr --json`.
pub(crate) fn addr_schema(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<addr::AddrJson>()
}

/// The host of a command, and its interfaces.
struct Target {
    client: HostClient,
    interfaces: Vec<InterfaceRow>,
}

impl Target {
    /// Selects the host by `-I` or by `dev`, or the only host. With `dev`, the target has only this interface.
    ///
    /// The interface of a VLAN has the name of the host's interface, a dot, and the VLAN ID.
    fn select(host: &HostSelection, device: Option<&str>) -> Result<Target, Failure> {
        let host = match (&host.interface, device) {
            (Some(host), _) => Some(host.as_str().to_owned()),
            (None, Some(device)) => Some(host_of(device, &running_hosts()?).to_owned()),
            (None, None) => None,
        };
        let client = HostClient::select(host.as_deref())?;
        let interfaces = client.interfaces()?;
        let Some(device) = device else { return Ok(Target { client, interfaces }) };
        let name = |interface: &InterfaceRow| device_name(&client.interface, interface.vlan);
        match interfaces.iter().find(|interface| name(interface) == device) {
            Some(found) => Ok(Target { interfaces: vec![found.clone()], client }),
            None => Err(Failure::new(format!("no interface {device}"))
                .hint(format!("use {}", listed(interfaces.iter().map(name))))),
        }
    }

    /// Returns the only interface. Fails if the host has several interfaces.
    fn interface(&self) -> Result<&InterfaceRow, Failure> {
        match self.interfaces.as_slice() {
            [one] => Ok(one),
            several => {
                let names = several.iter().map(|interface| self.name(interface));
                Err(Failure::new(format!("the host on {} has several interfaces", self.client.interface))
                    .hint(format!("add `dev NAME` with {}", listed(names))))
            }
        }
    }

    fn name(&self, interface: &InterfaceRow) -> String {
        device_name(&self.client.interface, interface.vlan)
    }
}

/// Returns the host with a device: the host on the interface with this name, or on the interface before the VLAN ID.
fn host_of<'a>(device: &'a str, hosts: &[String]) -> &'a str {
    let host = device.rsplit_once('.').map_or(device, |(host, _)| host);
    if hosts.iter().any(|name| name == device) { device } else { host }
}

fn device_name(host: &str, vlan: Option<u16>) -> String {
    vlan.map_or_else(|| host.to_owned(), |vlan| format!("{host}.{vlan}"))
}

/// Joins up to eight names.
fn listed(names: impl Iterator<Item = String>) -> String {
    const MOST: usize = 8;
    let names: Vec<_> = names.take(MOST + 1).collect();
    match names.get(..MOST) {
        Some(first) if names.len() > MOST => format!("{}, ...", first.join(", ")),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_belongs_to_host_with_its_name_or_without_vlan_id() {
        let hosts = ["eth0.5".to_owned(), "tap0".to_owned()];
        for (device, host) in
            [("tap0", "tap0"), ("tap0.7", "tap0"), ("eth0.5", "eth0.5"), ("eth0.5.7", "eth0.5"), ("x", "x")]
        {
            assert_eq!(host_of(device, &hosts), host, "{device}");
        }
    }

    #[test]
    fn list_of_names_is_short() {
        let names = |count: u32| listed((0..count).map(|number| number.to_string()));
        assert_eq!(names(8), "0, 1, 2, 3, 4, 5, 6, 7");
        assert_eq!(names(9), "0, 1, 2, 3, 4, 5, 6, 7, ...");
    }
}
