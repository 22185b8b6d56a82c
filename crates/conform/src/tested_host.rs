//! A host under test, as far as the suite needs to know it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::Value;

use super::frames::{Mac, parse_mac};

/// A host under test, running.
pub(crate) trait TestedHost: Send {
    /// Its translation table, read from outside: who has a hardware address in it. `nudge` sends it
    /// a frame, for one that is waiting for any.
    fn table(&mut self, nudge: &mut dyn FnMut() -> Result<(), String>) -> Result<ArpCache, String>;

    /// What it has told of its table since the last call, if it tells anything.
    fn take_events(&mut self) -> Vec<Value>;

    /// Whether it still runs.
    fn is_alive(&mut self) -> bool;
}

/// A translation table.
pub(crate) type ArpCache = BTreeMap<Ipv4Addr, Mac>;

/// Whom a host under test takes into its table: "Learning policies" in docs/spec/security.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LearnPolicy {
    Cautious,
    Rfc826,
    Permissive,
}

impl LearnPolicy {
    pub(crate) const ALL: [LearnPolicy; 3] =
        [LearnPolicy::Cautious, LearnPolicy::Rfc826, LearnPolicy::Permissive];

    /// Its name, as `--learn` takes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cautious => "cautious",
            Self::Rfc826 => "rfc826",
            Self::Permissive => "permissive",
        }
    }
}

/// The entry in a line that tells of one: `{"event":"neighbour",...}`. None if it tells of something
/// else, or of an address that nobody is known to have.
pub(crate) fn entry(line: &Value) -> Option<(Ipv4Addr, Mac)> {
    if line.get("event")?.as_str()? != "neighbour" {
        return None;
    }
    let ip = line.get("protocol_address")?.as_str()?.parse().ok()?;
    Some((ip, parse_mac(line.get("hardware_address")?.as_str()?)?))
}
