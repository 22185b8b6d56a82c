//! Filters of frames, in a subset of the syntax of tcpdump (pcap-filter).

mod facts;
mod parser;
mod primitive;

use std::fmt;

use crate::Dissection;
use facts::FrameFacts;
use primitive::Primitive;

/// Maximum number of results that are pending while a filter is evaluated.
const DEPTH: u32 = 64;

/// A filter of frames, in a subset of the syntax of tcpdump.
///
/// Primitives are combined by `and` (`&&`), `or` (`||`), `not` (`!`) and parentheses. As in tcpdump, `and` and `or` have
/// the same precedence and associate to the left. An address or a port without a keyword has the keywords of the address
/// or port before:
///
/// ```
/// use dissect::{FrameFilter, dissect};
///
/// let filter: FrameFilter = "arp and host 10.0.0.1 or 10.0.0.2".parse()?;
/// assert!(!filter.matches(&dissect(&[0; 60], 60)));
/// # Ok::<(), dissect::FilterError>(())
/// ```
///
/// | primitive | frames |
/// |---|---|
/// | `ip`, `ip6`, `arp`, `rarp`, `tcp`, `udp`, `icmp`, `icmp6`, `igmp`, `sctp` | of this protocol |
/// | `[ip \| ip6 \| arp \| rarp] [src \| dst] host ADDRESS` | with this IP address; `host` may be left out |
/// | `[ip \| ip6 \| arp \| rarp] [src \| dst] net ADDRESS[/LENGTH]` | with an IP address in this network |
/// | `[tcp \| udp \| sctp] [src \| dst] port PORT`, `portrange PORT-PORT` | with this port |
/// | `ether [src \| dst] [host] MAC` | with this MAC address |
/// | `ether proto NUMBER`, `ip proto NUMBER`, `ip6 proto NUMBER` | with this EtherType or IP protocol |
/// | `[ether] broadcast`, `[ether] multicast` | to a broadcast or multicast MAC address |
/// | `vlan [NUMBER]` | with a VLAN tag, or in this VLAN |
/// | `less LENGTH`, `greater LENGTH` | of at most or at least this length in bytes |
///
/// `src or dst` and `src and dst` are directions too. Unlike in tcpdump, all primitives also match frames with VLAN tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameFilter {
    /// The expression in postfix order.
    steps: Vec<Step>,
}

/// A step of the evaluation. At most [`DEPTH`] results are pending.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Adds the result of a primitive.
    Test(Primitive),
    /// Negates the last result.
    Not,
    /// Replaces the last two results by their conjunction.
    And,
    /// Replaces the last two results by their disjunction.
    Or,
}

/// Reason why an expression is not a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterError {
    /// The expression is empty.
    Empty,
    /// This word is not expected here.
    Unexpected(String),
    /// The expression ends after this word.
    Incomplete(String),
    /// This word is not the expected value, such as an IP address.
    Invalid {
        /// The expected value.
        expected: &'static str,
        /// The word.
        word: String,
    },
    /// The address has bits behind the length of the network.
    HostBits(String),
    /// The expression is nested too deeply.
    TooDeep,
}

impl FrameFilter {
    /// Returns whether a frame matches.
    pub fn matches(&self, dissection: &Dissection<'_>) -> bool {
        let facts = FrameFacts::new(dissection);
        // The lowest bit is the last result.
        let mut results = 0_u64;
        for step in &self.steps {
            results = match step {
                Step::Test(primitive) => results << 1 | u64::from(primitive.matches(&facts)),
                Step::Not => results ^ 1,
                Step::And => results >> 1 & (results | !1),
                Step::Or => results >> 1 | (results & 1),
            };
        }
        results & 1 == 1
    }
}

impl std::str::FromStr for FrameFilter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<FrameFilter, FilterError> {
        parser::parse(text).map(|steps| FrameFilter { steps })
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the filter is empty"),
            Self::Unexpected(word) => write!(f, "unexpected `{word}`"),
            Self::Incomplete(word) => write!(f, "the filter ends after `{word}`"),
            Self::Invalid { expected, word } => write!(f, "invalid {expected} `{word}`"),
            Self::HostBits(word) => write!(f, "network `{word}` has address bits behind its length"),
            Self::TooDeep => write!(f, "more than {DEPTH} nested parts"),
        }
    }
}

impl std::error::Error for FilterError {}

#[cfg(test)]
mod tests;
