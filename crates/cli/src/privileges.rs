//! Drops privileges after all files and sockets that require privileges are open.

use std::error::Error;

use caps::{CapSet, Capability};
use nix::sys::prctl;

use crate::advice::explain;
use crate::failure::Failure;

/// The capability sets of a thread, in the order in which they are cleared: the effective set is a subset of the
/// permitted set and is cleared first.
const SETS: [CapSet; 4] = [CapSet::Ambient, CapSet::Effective, CapSet::Permitted, CapSet::Inheritable];

/// Drops all capabilities of this process permanently. Programs that this process executes cannot gain capabilities.
///
/// Call this function after sockets, TAP and capture are open, and before starting threads: each thread has its own capabilities.
/// Open files stay open, and a TAP that this program created is deleted when it is closed.
pub(crate) fn drop_all() -> Result<(), Failure> {
    let failed = |what: &str, error: &(dyn Error + 'static)| {
        Failure::new(explain(error).context(format!("cannot {what}")))
    };
    prctl::set_no_new_privs().map_err(|error| failed("set no_new_privs", &error))?;
    let held = |set| caps::read(None, set).map_err(|error| failed("read capabilities", &error));
    // Changing the bounding set requires CAP_SETPCAP; without CAP_SETPCAP, no_new_privs suffices.
    if held(CapSet::Effective)?.contains(&Capability::CAP_SETPCAP) {
        caps::clear(None, CapSet::Bounding).map_err(|error| failed("drop the bounding set", &error))?;
    }
    for set in SETS {
        if !held(set)?.is_empty() {
            caps::clear(None, set).map_err(|error| failed("drop capabilities", &error))?;
        }
    }
    Ok(())
}
