//! Drops privileges after all files and sockets that require privileges are open.

use std::error::Error;

use caps::{CapSet, Capability, CapsHashSet};
use nix::sys::prctl;

use crate::advice::explain;
use crate::failure::Failure;

/// The capability sets of a thread, in the order in which they are cleared: the effective set is a subset of the
/// permitted set and is cleared first.
const SETS: [CapSet; 4] = [CapSet::Ambient, CapSet::Effective, CapSet::Permitted, CapSet::Inheritable];

/// The capabilities that replacing a file of another user needs: `watch --known`.
pub(crate) const FILE_CAPABILITIES: [Capability; 3] =
    [Capability::CAP_DAC_OVERRIDE, Capability::CAP_FOWNER, Capability::CAP_CHOWN];

/// Drops all capabilities of this process permanently. Programs that this process executes cannot gain capabilities.
///
/// Call this function after sockets, TAP and capture are open, and before starting threads: each thread has its own capabilities.
/// Open files stay open, and a TAP that this program created is deleted when it is closed.
pub(crate) fn drop_all() -> Result<(), Failure> {
    drop_except(&[])
}

/// Drops all capabilities like [`drop_all`], except those of `kept` that the process has. Programs that this process
/// executes do not have the kept capabilities.
pub(crate) fn drop_except(kept: &[Capability]) -> Result<(), Failure> {
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
        let is_kept = |capability: &Capability| {
            kept.contains(capability) && matches!(set, CapSet::Effective | CapSet::Permitted)
        };
        let held = held(set)?;
        let left: CapsHashSet = held.iter().copied().filter(is_kept).collect();
        if held != left {
            caps::set(None, set, &left).map_err(|error| failed("drop capabilities", &error))?;
        }
    }
    Ok(())
}
