//! MAC addresses of hosts for which the command line names none.

use ipnet::Ipv4Net;
use link::MacAddr;
use tap::linux::InterfaceName;

/// Returns the default MAC address of a host: the same at each start, and different on each machine.
pub(crate) fn default_mac(interface: &InterfaceName, address: Option<Ipv4Net>) -> MacAddr {
    let address = address.map(|address| address.addr().to_string()).unwrap_or_default();
    MacAddr::derived_from(&format!("{} {interface} {address}", machine_id()))
}

/// Returns the default MAC address of the first of several hosts, which up to 2^24 others follow.
pub(crate) fn default_base_mac(interface: &InterfaceName) -> MacAddr {
    let [a, b, c, ..] = MacAddr::derived_from(&format!("{} {interface} many", machine_id())).bytes();
    MacAddr::new([a, b, c, 0, 0, 0])
}

/// Returns the identifier of this machine. If there is none, machines with the same interface and IP address derive
/// the same MAC address.
fn machine_id() -> String {
    std::fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned()
}

/// Returns the MAC address of a host in the lab: the same on every machine.
pub(crate) fn lab_mac(interface: &InterfaceName, address: Ipv4Net) -> MacAddr {
    MacAddr::derived_from(&format!("{interface} {}", address.addr()))
}
