//! Cases for a host with an ARP timeout of one second.

use std::thread;
use std::time::Duration;

use super::case::{Case, CaseResult};
use super::frames::{Arp, REQUEST};
use super::session::Session;

pub(crate) const CASES: &[Case] =
    &[Case::of_arp_cache("idle entry expires", "RFC 1122 2.3.2.1; TC8 48", idle_entry)
        .linux_differs("keeps stale entries while its table has few entries (gc_thresh1)")];

/// Options of the host under test.
pub(crate) const OPTIONS: &[&str] = &["--arp-timeout", "1"];
/// Maximum lifetime of an idle entry: the time of 100 readings of the ARP cache, each after 50 ms. A paused host replies
/// to no reading, so the number of readings is a time of the host.
const READINGS: usize = 100;
const PAUSE: Duration = Duration::from_millis(50);

// proves: rfc1122-flush
fn idle_entry(session: &mut Session) -> CaseResult {
    let new_station = session.new_station()?;
    let request = Arp { source: new_station.0, sender: new_station, ..REQUEST };
    // On a slow machine, the entry may expire before the first reading.
    let mut learned = Ok(());
    for _ in 0..10 {
        learned = session.expect_learned(&request.frame(), new_station.1, Some(new_station.0));
        if learned.is_ok() {
            break;
        }
    }
    learned?;
    for _ in 0..READINGS {
        if session.mac_of(new_station.1)?.is_none() {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    Err(format!("{} is still in the ARP cache after {READINGS} readings", new_station.1))
}
