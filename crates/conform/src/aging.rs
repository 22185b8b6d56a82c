//! Cases for a host with an ARP timeout of one second.

use std::thread;
use std::time::Duration;

use super::case::{Case, CaseResult};
use super::clock::Clock;
use super::frames::{Arp, REQUEST};
use super::session::Session;

pub(crate) const CASES: &[Case] =
    &[Case::of_arp_cache("idle entry expires", "RFC 1122 2.3.2.1; TC8 48", idle_entry)
        .linux_differs("keeps stale entries while its table has few entries (gc_thresh1)")];

/// Options of the host under test.
pub(crate) const OPTIONS: &[&str] = &["--arp-timeout", "1"];
/// Maximum lifetime of an idle entry.
const TIMEOUT: Duration = Duration::from_secs(5);

// proves: rfc1122-flush
fn idle_entry(session: &mut Session) -> CaseResult {
    let new_station = session.new_station()?;
    let request = Arp { source: new_station.0, sender: new_station, ..REQUEST };
    session.expect_learned(&request.frame(), new_station.1, Some(new_station.0))?;
    let clock = Clock::start();
    while session.mac_of(new_station.1)?.is_some() {
        if clock.elapsed() > TIMEOUT {
            return Err(format!("{} is still in the ARP cache after {TIMEOUT:?}", new_station.1));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
