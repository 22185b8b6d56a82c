use std::cell::Cell;
use std::process::Command;

use super::{TIMEOUT, observe};
use crate::rows::ToolExit;

#[test]
fn passive_tool_is_interrupted_after_later_requests() {
    for later in [0, 3] {
        let (requests, requests_until_complete) = (Cell::new(0), Cell::new(None));
        let send = || {
            requests.set(requests.get() + 1);
            Ok(())
        };
        let is_complete = |text: &str| {
            let is_complete = text == "new\n";
            requests_until_complete.set(is_complete.then_some(requests.get()));
            is_complete
        };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo new; exec sleep 60"]);
        let observed = observe(&mut command, send, is_complete, later, TIMEOUT);
        assert_eq!(observed, Ok((ToolExit::Interrupted, "new\n".to_owned())));
        assert_eq!(Some(requests.get()), requests_until_complete.get().map(|count| count + later));
    }
}
