//! Text and JSON output for a change of a link's state, shared by all commands.

use schemars::JsonSchema;
use serde::Serialize;
use tap::LinkState;

/// Returns the change as text.
pub(crate) fn text(state: LinkState) -> String {
    match state {
        LinkState { is_up: false, .. } => "link is down".to_owned(),
        LinkState { has_carrier: false, .. } => "link has no carrier".to_owned(),
        LinkState { mtu, .. } => format!("link is up, mtu {mtu}"),
    }
}

/// The event of a change of the link.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum LinkJson {
    /// The state of the link changed.
    Link {
        /// Whether the interface is up.
        up: bool,
        /// Whether the interface is up and has a carrier.
        carrier: bool,
        /// MTU: the longest payload of a frame, in bytes.
        mtu: usize,
    },
}

impl From<LinkState> for LinkJson {
    fn from(LinkState { is_up, has_carrier, mtu }: LinkState) -> LinkJson {
        LinkJson::Link { up: is_up, carrier: has_carrier, mtu }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn link_change_names_state_carrier_and_mtu() {
        let state = |is_up, has_carrier| LinkState { is_up, has_carrier, mtu: 1_500 };
        assert_eq!(text(state(false, false)), "link is down");
        assert_eq!(text(state(true, false)), "link has no carrier");
        assert_eq!(text(state(true, true)), "link is up, mtu 1500");
        assert!(
            state(true, true).carries_frames()
                && !state(true, false).carries_frames()
                && !state(false, false).carries_frames()
        );
        let event = serde_json::to_value(LinkJson::from(state(true, false))).unwrap();
        assert_eq!(event, json!({"event": "link", "up": true, "carrier": false, "mtu": 1_500}));
    }
}
