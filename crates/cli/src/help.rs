//! Headings of `--help`, and the order of the options under [`OUTPUT`], which is the same in every command.

pub(crate) const INTERFACE: &str = "Interface";
pub(crate) const ADDRESSES: &str = "Addresses";
pub(crate) const FRAMES: &str = "Frames";
pub(crate) const TARGETS: &str = "Targets";
pub(crate) const CONFLICTS: &str = "Address conflicts";
pub(crate) const REQUESTS: &str = "Requests";
pub(crate) const TRANSFER: &str = "Transfer";
pub(crate) const ARP: &str = "ARP";
pub(crate) const IP: &str = "IP";
pub(crate) const TCP: &str = "TCP";
pub(crate) const SERVICES: &str = "Services";
pub(crate) const SOCKETS: &str = "Sockets";
pub(crate) const PERFORMANCE: &str = "Performance";
pub(crate) const OUTPUT: &str = "Output";

/// Positions of MAC addresses, after the IP addresses under [`ADDRESSES`].
pub(crate) const MAC: usize = 800;
pub(crate) const MAC_BASE: usize = 801;

/// Positions of the options that several commands share, after the other options under [`OUTPUT`].
pub(crate) const PCAP: usize = 899;
pub(crate) const PCAP_FILES: usize = 900;
pub(crate) const COLOR: usize = 901;
pub(crate) const UTC: usize = 902;
pub(crate) const JSON: usize = 905;
pub(crate) const QUIET: usize = 906;
pub(crate) const VERBOSE: usize = 907;
