//! Wait for the carrier of an interface.

use std::thread;
use std::time::Duration;

use runtime::Clock;
use tap::Instant;
use tap::linux::{CarrierState, Interface, InterfaceName, SocketError};

use crate::failure::Failure;

/// Time between two checks of an interface without carrier.
const CHECK_INTERVAL: Duration = Duration::from_millis(10);
/// Time to wait for a carrier. The kernel notices a carrier within a second.
const CARRIER_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Time after which a carrier that the kernel has not yet noticed is treated as present.
const UNNOTICED_LIMIT: Duration = Duration::from_millis(100);

/// Waits until an interface carries frames.
pub(crate) fn wait_for_carrier(interface: &Interface) -> Result<(), Failure> {
    let (name, clock) = (interface.name(), Clock::start());
    loop {
        // Read the clock before the check: the carrier may appear during a delayed check.
        let waited = clock.now().since(Instant::ORIGIN);
        match interface.carrier()? {
            CarrierState::Up => return Ok(()),
            CarrierState::Pending if waited >= UNNOTICED_LIMIT => return Ok(()),
            CarrierState::Down if !interface.is_up()? => return Err(interface_down(name)),
            CarrierState::Pending | CarrierState::Down if waited < CARRIER_TIMEOUT => {
                thread::sleep(CHECK_INTERVAL);
            }
            CarrierState::Pending | CarrierState::Down => break,
        }
    }
    Err(Failure::new(format!("interface {name} has no carrier")).hint_command(
        "connect the other end of the interface, then check the state",
        format!("ip link show {name}"),
    ))
}

/// Returns the failure of a command on an interface that is down.
pub(crate) fn interface_down(name: &InterfaceName) -> Failure {
    Failure::from(SocketError::Down(name.clone()))
}
