//! Network namespaces of the bench: one for this process, and one for the kernel as a contender.

use std::cell::Cell;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::sync::Arc;

use bench::namespace::{add_address, current, interface, within};
use tap::linux::{InterfaceName, Namespace};

use crate::netlink::{add_gateway, add_neighbor, limit_segments, make_veth};
use crate::traffic::{AddressRange, GATEWAY, PREFIX, REQUESTER, RESPONDER};

/// The namespace of this process, and the link to the kernel in another namespace.
pub(crate) struct BenchNetwork {
    kernel: Result<InterfaceName, String>,
    /// The namespace of the kernel. It contains no process, and this descriptor keeps it alive.
    kernels: Arc<File>,
    /// Number of names that [`BenchNetwork::new_name`] returned.
    named: Cell<u32>,
}

/// Names of the two ends of the veth pair: the end of this process and the end of the kernel.
const ENDS: [&str; 2] = ["kernel0", "kernel1"];

/// Settings, with their default 0. With another value, which a new namespace can inherit, the kernel may not reply.
const SETTINGS: [(&str, &str); 5] = [
    ("conf/all/arp_ignore", "0"),
    ("conf/all/rp_filter", "0"),
    ("conf/default/arp_ignore", "0"),
    ("conf/default/rp_filter", "0"),
    ("icmp_echo_ignore_all", "0"),
];

impl BenchNetwork {
    /// Creates both namespaces. Must be called before a second thread starts.
    pub(crate) fn enter() -> Result<BenchNetwork, String> {
        Namespace::enter().map_err(|error| error.to_string())?;
        let kernels = current()?;
        for (name, value) in SETTINGS {
            let path = format!("/proc/sys/net/ipv4/{name}");
            fs::write(&path, value).map_err(|error| format!("cannot write {path}: {error}"))?;
        }
        Namespace::enter().map_err(|error| error.to_string())?;
        let kernel = attach_kernel(&kernels);
        Ok(BenchNetwork { kernel, kernels: Arc::new(kernels), named: Cell::new(0) })
    }

    /// Returns the local end of the link to the kernel, or the reason why the link does not exist.
    pub(crate) fn kernel(&self) -> Result<&InterfaceName, String> {
        self.kernel.as_ref().map_err(Clone::clone)
    }

    /// Returns the namespace of the kernel.
    pub(crate) fn kernels(&self) -> Arc<File> {
        Arc::clone(&self.kernels)
    }

    /// Returns a new interface name. Names are not reused, because a deleted interface can exist for some time.
    pub(crate) fn new_name(&self) -> Result<InterfaceName, String> {
        let number = self.named.get();
        self.named.set(number + 1);
        name(&format!("bench{number}"))
    }
}

/// Creates the veth pair and configures the kernel in its namespace.
fn attach_kernel(kernels: &File) -> Result<InterfaceName, String> {
    let [near, far] = ENDS.map(name);
    let (near, far) = (near?, far?);
    make_veth(near.as_str(), far.as_str(), kernels.as_fd())?;
    within(kernels, || begin(&far))?;
    interface(&near)?.set_up(true).map_err(|error| error.to_string())?;
    Ok(near)
}

fn begin(end: &InterfaceName) -> Result<(), String> {
    let interface = interface(end)?;
    interface.set_mac_address(RESPONDER.mac).map_err(|error| error.to_string())?;
    start(end, RESPONDER)?;
    // All namespaces share the limit on dynamic neighbors, so the entry is permanent.
    let index = interface.index().map_err(|error| error.to_string())?;
    add_neighbor(index, REQUESTER.ip, REQUESTER.mac)
}

/// Adds the address of a host to an interface of the current namespace, and sets the interface up.
pub(crate) fn start(name: &InterfaceName, host: AddressRange) -> Result<(), String> {
    add_address(name, host.ip, PREFIX)
}

/// Connects two namespaces by a veth pair: the first has the requester, the second has the responder. Without offloads,
/// both kernels send each segment in its own frame. Returns the interface of the requester.
pub(crate) fn connect(client: &File, server: &File, has_offloads: bool) -> Result<InterfaceName, String> {
    let [near, far] = ENDS.map(name);
    let (near, far) = (near?, far?);
    within(client, || make_veth(near.as_str(), far.as_str(), server.as_fd()))?;
    for (namespace, end, host) in [(server, &far, RESPONDER), (client, &near, REQUESTER)] {
        within(namespace, || {
            if !has_offloads {
                let index = interface(end)?.index().map_err(|error| error.to_string())?;
                limit_segments(index)?;
            }
            start(end, host)
        })?;
    }
    within(server, || {
        let index = interface(&far)?.index().map_err(|error| error.to_string())?;
        add_neighbor(index, GATEWAY.ip, GATEWAY.mac)?;
        add_gateway(GATEWAY.ip)
    })?;
    Ok(near)
}

fn name(text: &str) -> Result<InterfaceName, String> {
    text.parse().map_err(|error| format!("{error}"))
}
