//! Text and JSON output for a change of a link's state, shared by all commands.

use serde::Serialize;
use tap::{Instant, LinkState};

/// Returns the change as text.
pub(crate) fn text(state: LinkState) -> String {
    match state {
        LinkState { is_up: false, .. } => "link is down".to_owned(),
        LinkState { has_carrier: false, .. } => "link has no carrier".to_owned(),
        LinkState { mtu, .. } => format!("link is up, mtu {mtu}"),
    }
}

/// The change as a JSON object with the event `link`.
#[derive(Debug, Serialize)]
pub(crate) struct LinkChange {
    event: &'static str,
    time: u64,
    up: bool,
    carrier: bool,
    mtu: usize,
}

impl LinkChange {
    pub(crate) fn new(time: Instant, LinkState { is_up, has_carrier, mtu }: LinkState) -> LinkChange {
        LinkChange { event: "link", time: time.as_nanos(), up: is_up, carrier: has_carrier, mtu }
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
        let line = crate::output::json(&LinkChange::new(Instant::from_nanos(7), state(true, false)));
        testbed::schema::check_lines("watch", &line);
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        let expected = json!({"event": "link", "time": 7, "up": true, "carrier": false, "mtu": 1_500});
        assert_eq!(object, expected);
    }
}
