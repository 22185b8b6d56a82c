//! Network namespaces of the bench: one for this process, and others for each contender.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::sync::Arc;

use bench::namespace::{add_address, interface, new_namespace, within};
use tap::linux::{InterfaceName, Namespace};

use crate::contender::Contender;
use crate::netlink::{add_gateway, add_neighbor, limit_segments, make_veth};
use crate::traffic::{GATEWAY, PREFIX, REQUESTER, RESPONDER};

/// The network of one contender: the namespaces of the requester and of the contender, and their link.
#[derive(Clone, Debug)]
pub(crate) struct BenchNetwork {
    /// Namespace of the requester. A contender on a TAP is in it too.
    pub(crate) requester: Arc<File>,
    /// Namespace of the contender.
    pub(crate) responder: Arc<File>,
    /// Interface of the requester. A contender on a TAP creates it.
    pub(crate) interface: InterfaceName,
}

/// Name of the interface of the requester.
const NEAR: &str = "bench0";
/// Name of the interface of the kernel as a contender.
const FAR: &str = "kernel0";

/// Settings, with their default 0. With another value, which a new namespace can inherit, the kernel may not reply.
const SETTINGS: [(&str, &str); 5] = [
    ("conf/all/arp_ignore", "0"),
    ("conf/all/rp_filter", "0"),
    ("conf/default/arp_ignore", "0"),
    ("conf/default/rp_filter", "0"),
    ("icmp_echo_ignore_all", "0"),
];

/// Moves this process into a namespace in which it may create others. Must be called before a second thread starts.
pub(crate) fn enter() -> Result<(), String> {
    Namespace::enter().map(drop).map_err(|error| error.to_string())
}

impl BenchNetwork {
    /// Creates the network of a contender. The kernel also gets its link: a veth pair.
    pub(crate) fn new(contender: &Contender) -> Result<BenchNetwork, String> {
        let requester = Arc::new(namespace()?);
        let responder = if contender.is_kernel() { Arc::new(namespace()?) } else { Arc::clone(&requester) };
        let network = BenchNetwork { requester, responder, interface: name(NEAR)? };
        if contender.is_kernel() {
            network.connect(contender.has_segmentation())?;
        }
        Ok(network)
    }

    /// Makes the kernel of the requester's namespace the requester: gives the addresses of the requester to its interface.
    pub(crate) fn add_requester(&self) -> Result<(), String> {
        within(&self.requester, || {
            let near = interface(&self.interface)?;
            near.set_mac_address(REQUESTER.mac).map_err(|error| error.to_string())?;
            add_address(&self.interface, REQUESTER.ip, PREFIX)
        })
    }

    /// Connects both namespaces by a veth pair, and makes the kernel the responder. Without segmentation offload, both
    /// kernels send each segment in its own frame.
    fn connect(&self, has_segmentation: bool) -> Result<(), String> {
        let (near, far) = (&self.interface, name(FAR)?);
        within(&self.requester, || {
            make_veth(near.as_str(), far.as_str(), self.responder.as_fd())?;
            set_up(near, has_segmentation)
        })?;
        within(&self.responder, || {
            let index = set_up(&far, has_segmentation)?;
            let interface = interface(&far)?;
            interface.set_mac_address(RESPONDER.mac).map_err(|error| error.to_string())?;
            add_address(&far, RESPONDER.ip, PREFIX)?;
            // All namespaces share the limit on dynamic neighbors, so the entries are permanent.
            add_neighbor(index, REQUESTER.ip, REQUESTER.mac)?;
            add_neighbor(index, GATEWAY.ip, GATEWAY.mac)?;
            add_gateway(GATEWAY.ip)
        })
    }
}

/// Creates a namespace in which the kernel replies.
fn namespace() -> Result<File, String> {
    let namespace = new_namespace()?;
    within(&namespace, || {
        SETTINGS.into_iter().try_for_each(|(name, value)| {
            let path = format!("/proc/sys/net/ipv4/{name}");
            fs::write(&path, value).map_err(|error| format!("cannot write {path}: {error}"))
        })
    })?;
    Ok(namespace)
}

/// Sets an end of a veth pair up, and returns its index.
fn set_up(end: &InterfaceName, has_segmentation: bool) -> Result<i32, String> {
    let interface = interface(end)?;
    let index = interface.index().map_err(|error| error.to_string())?;
    if !has_segmentation {
        limit_segments(index)?;
    }
    interface.set_up(true).map_err(|error| error.to_string())?;
    Ok(index)
}

fn name(text: &str) -> Result<InterfaceName, String> {
    text.parse().map_err(|error| format!("{error}"))
}
