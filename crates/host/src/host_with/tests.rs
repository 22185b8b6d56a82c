use std::time::Duration;

use link::{EtherType, MacAddr};

use super::*;
use crate::HostConfig;

/// User that sends one datagram in each run.
struct Sender {
    deadline: Option<Instant>,
}

impl SocketUser for Sender {
    fn run(&mut self, now: Instant, host: &mut Host, pool: &mut Pool) {
        let frame = pool.take().unwrap();
        host.send(now, [10, 0, 0, 1].into(), EtherType::IPV4, frame, pool);
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

fn host() -> Host {
    let config = HostConfig::new("10.0.0.2/24".parse().unwrap(), MacAddr::new([2, 0, 0, 0, 0, 2]));
    Host::new(Instant::ORIGIN, &config).unwrap()
}

#[test]
fn host_transmits_in_turn_of_its_user() {
    let mut host = host();
    let mut machine = HostWith { host: &mut host, user: Sender { deadline: None } };
    let (mut pool, mut departing) = (Pool::new(1_500, 4), Batch::new(4));
    machine.transmit(Instant::ORIGIN, PortId::default(), &mut departing, &mut pool);
    assert_eq!(departing.len(), 1, "the ARP request for the datagram is missing");
}

#[test]
fn deadline_is_that_of_host_or_user_that_comes_first() {
    let at = |seconds| Instant::ORIGIN + Duration::from_secs(seconds);
    let mut machine = HostWith { host: host(), user: Sender { deadline: None } };
    let (mut pool, mut departing) = (Pool::new(1_500, 4), Batch::new(4));
    machine.transmit(Instant::ORIGIN, PortId::default(), &mut departing, &mut pool);
    let retry = machine.host.deadline();
    assert!(retry.is_some_and(|retry| retry > at(0)), "the ARP request has no timeout: {retry:?}");
    assert_eq!(machine.deadline(), retry, "deadline without a deadline of the user");
    machine.user.deadline = Some(at(0));
    assert_eq!(machine.deadline(), Some(at(0)), "deadline with an earlier deadline of the user");
    machine.user.deadline = Some(at(3_600));
    assert_eq!(machine.deadline(), retry, "deadline with a later deadline of the user");
}
