//! Default MAC addresses of hosts.

use ipnet::Ipv4Net;
use link::MacAddr;
use tap::linux::InterfaceName;

/// Returns the default MAC address of a host. The address is the same at each start and differs between machines.
pub(crate) fn default_mac(interface: &InterfaceName, address: Option<Ipv4Net>) -> MacAddr {
    let address = address.map(|address| address.addr().to_string()).unwrap_or_default();
    MacAddr::derived_from(&format!("{} {interface} {address}", machine_id()))
}

/// Returns the default MAC address of the first host of a range. Up to 2^24 hosts have consecutive addresses.
pub(crate) fn default_base_mac(interface: &InterfaceName) -> MacAddr {
    let [a, b, c, ..] = MacAddr::derived_from(&format!("{} {interface} many", machine_id())).bytes();
    MacAddr::new([a, b, c, 0, 0, 0])
}

/// Returns the identifier of this machine. Without an identifier, machines with the same interface name and IP address get the same
/// MAC address.
fn machine_id() -> String {
    std::fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned()
}

/// Returns the MAC address of a host in the lab, which is the same on every machine.
pub(crate) fn lab_mac(interface: &InterfaceName, address: Ipv4Net) -> MacAddr {
    MacAddr::derived_from(&format!("{interface} {}", address.addr()))
}
