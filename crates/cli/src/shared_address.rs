//! IP addresses that several stations use: `--fail-on conflict` of `arping` and `scan`, and the text of their verdicts.

use std::fmt;
use std::net::Ipv4Addr;

use clap::ValueEnum;
use link::MacAddr;

/// Values of `--fail-on` of commands that send requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOnConflict {
    Conflict,
}

/// An IP address with several stations. The text is `10.0.0.7 is used by two stations: MAC, MAC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedAddress {
    pub(crate) ip: Ipv4Addr,
    /// The stations, in the order of their replies.
    pub(crate) macs: Vec<MacAddr>,
    /// Whether further stations replied that are not in the list.
    pub(crate) has_more: bool,
}

impl fmt::Display for SharedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = match self.macs.len() {
            2 => "two".to_owned(),
            3 => "three".to_owned(),
            count => count.to_string(),
        };
        let more = if self.has_more { "more than " } else { "" };
        write!(f, "{} is used by {more}{count} stations: ", self.ip)?;
        for (place, mac) in self.macs.iter().enumerate() {
            let before = if place == 0 { "" } else { ", " };
            write!(f, "{before}{mac}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_address_names_all_stations() {
        let text = |count: u8, has_more| {
            let macs = (1..=count).map(|last| MacAddr::new([2, 0, 0, 0, 0, last])).collect();
            SharedAddress { ip: Ipv4Addr::new(10, 0, 0, 7), macs, has_more }.to_string()
        };
        let two = "10.0.0.7 is used by two stations: 02:00:00:00:00:01, 02:00:00:00:00:02";
        assert_eq!(text(2, false), two);
        assert_eq!(text(3, false), format!("{}, 02:00:00:00:00:03", two.replace("two", "three")));
        assert!(text(4, true).starts_with("10.0.0.7 is used by more than 4 stations: "));
    }
}
