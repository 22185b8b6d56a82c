//! Interface of a host under test.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::Value;

use super::frames::{Mac, parse_mac};

/// Running host under test.
pub(crate) trait TestedHost: Send {
    /// Returns the entries of the ARP cache that have a MAC address. `nudge` sends a frame to a host that waits for a
    /// frame.
    fn table(&mut self, nudge: &mut dyn FnMut() -> Result<(), String>) -> Result<ArpCache, String>;

    /// Returns the events about the ARP cache since the last call, or no events if the host does not report them.
    fn take_events(&mut self) -> Vec<Value>;

    /// Returns whether the host is still running.
    fn is_alive(&mut self) -> bool;
}

/// ARP cache: MAC addresses by IP address.
pub(crate) type ArpCache = BTreeMap<Ipv4Addr, Mac>;

/// Learning policy of a host under test. "Learning policies" in docs/spec/security.md describes the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LearnPolicy {
    Cautious,
    Rfc826,
    Permissive,
}

impl LearnPolicy {
    pub(crate) const ALL: [LearnPolicy; 3] =
        [LearnPolicy::Cautious, LearnPolicy::Rfc826, LearnPolicy::Permissive];

    /// Returns the value of `--learn`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cautious => "cautious",
            Self::Rfc826 => "rfc826",
            Self::Permissive => "permissive",
        }
    }
}

/// Returns the entry in a line such as `{"event":"neighbor",...}`, or `None` if the line has no entry with a MAC
/// address.
pub(crate) fn entry(line: &Value) -> Option<(Ipv4Addr, Mac)> {
    if line.get("event")?.as_str()? != "neighbor" {
        return None;
    }
    let ip = line.get("ip")?.as_str()?.parse().ok()?;
    Some((ip, parse_mac(line.get("mac")?.as_str()?)?))
}
