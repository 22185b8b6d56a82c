//! Selection of the interface by the kernel's routes, for commands without `-I` and `--tap`.

use std::net::Ipv4Addr;

use arptools::sweep::TargetRanges;
use ipnet::Ipv4Net;
use tap::linux::{Interface, InterfaceName, addressed_interfaces, kernel_route};

use crate::failure::Failure;

/// An address of TEST-NET-3 (RFC 5737), which networks do not use. The default route leads to it.
const REMOTE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

/// Returns the interface of the kernel's route to `target`. The target must be on-link, because ARP does not pass routers.
pub(crate) fn interface_to(target: Ipv4Addr) -> Result<InterfaceName, Failure> {
    let route = kernel_route(target)?.ok_or_else(|| {
        Failure::new(format!("no route to {target}")).hint("select the interface with `-I NAME`")
    })?;
    let Some(gateway) = route.gateway else { return Ok(route.interface) };
    let name = route.interface;
    Err(Failure::new(format!(
        "{target} is not on a local network: its route leads to gateway {gateway} on {name}"
    ))
    .hint(format!("use `-I {name}` to send ARP requests on {name} nevertheless")))
}

/// Returns the interface of the kernel's routes to the first and the last address of all ranges.
pub(crate) fn interface_to_ranges(ranges: &TargetRanges) -> Result<InterfaceName, Failure> {
    let mut selected: Option<(InterfaceName, Vec<Ipv4Net>)> = None;
    for range in ranges.iter() {
        for address in [*range.start(), *range.end()] {
            let Some((name, networks)) = &selected else {
                let name = interface_to(address)?;
                let networks = Interface::named(&name)?.addresses()?;
                selected = Some((name, networks));
                continue;
            };
            if networks.iter().any(|network| network.contains(&address)) {
                continue;
            }
            let other = interface_to(address)?;
            if other != *name {
                return Err(Failure::new(format!("the targets are on two interfaces: {name} and {other}"))
                    .hint("scan the targets of each interface in a run of its own")
                    .hint("or select one interface with `-I NAME`"));
            }
        }
    }
    let selected = selected.map(|(name, _)| name);
    selected.ok_or_else(|| Failure::new("no target addresses"))
}

/// Returns the interface of the default route. Without a default route, returns the only interface with an IPv4 address.
pub(crate) fn local_interface() -> Result<InterfaceName, Failure> {
    if let Some(route) = kernel_route(REMOTE)? {
        return Ok(route.interface);
    }
    let mut names = addressed_interfaces()?;
    match (names.pop(), names.as_slice()) {
        (Some(only), []) => Ok(only),
        (None, _) => Err(Failure::new("no interface has an IPv4 address")
            .hint("set both: `scan -I NAME -s 10.0.0.2 10.0.0.0/24`")),
        (Some(last), others) => {
            let others: Vec<_> = others.iter().map(ToString::to_string).collect();
            Err(Failure::new(format!(
                "several interfaces have IPv4 addresses: {}, {last}",
                others.join(", ")
            ))
            .hint("select one with `-I NAME`"))
        }
    }
}
