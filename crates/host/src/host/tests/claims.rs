//! Probing for addresses, and loss of addresses.

use super::*;
use arp::{ClaimEvent, Defense, Packet, StartMode};
use link::EthernetFrame;

/// A time longer than probing takes.
const PROBING: Duration = Duration::from_secs(8);

fn probing_host() -> Host {
    Host::new(NOW, &HostConfig { start: StartMode::Probe, ..config() }).unwrap()
}

/// Returns a request of the peer with the host's address as sender.
fn conflicting_request() -> Vec<u8> {
    let mut packet = request();
    packet[14..18].copy_from_slice(&HOST.octets());
    broadcast(&[&[8, 6], &packet])
}

/// Runs the timers of a host until a time. Returns the frames that it sends.
fn run(host: &mut Host, until: Instant) -> Vec<Vec<u8>> {
    let (mut near, mut far) = Cable::pair(1_500).unwrap();
    let (mut pool, mut batch) = (Pool::new(1_500, host.pool_size() + 64), Batch::new(64));
    let mut frames = Vec::new();
    while let Some(now) = host.deadline().filter(|due| *due <= until) {
        turn(host, now, &mut near, &mut pool);
        far.receive(&mut pool, &mut batch).unwrap();
        while let Some(frame) = batch.pop() {
            frames.push(frame.bytes().to_vec());
            pool.give(frame);
        }
    }
    assert_eq!(pool.held(), 0);
    frames
}

// proves: rfc5227-broadcast
#[test]
fn probes_and_announcements_are_broadcast() {
    let mut host = probing_host();
    assert_eq!(host.address(), None);
    let frames = run(&mut host, NOW + PROBING * 2);
    assert_eq!(frames.len(), 5);
    for bytes in &frames {
        let frame = EthernetFrame::parse(bytes).unwrap();
        assert_eq!((frame.destination(), frame.source()), (MacAddr::BROADCAST, HOST_MAC));
        assert_eq!(Packet::parse(frame.payload()).unwrap().target_protocol(), HOST);
    }
    assert_eq!(host.address(), Some("10.0.0.2/24".parse().unwrap()));
    assert_eq!(host.arp().claim_packets_sent(), 5);
}

const ACTIVE: LinkState = LinkState { is_up: true, has_carrier: true, mtu: 1_500 };
const DOWN: LinkState = LinkState { is_up: false, has_carrier: false, mtu: 1_500 };
const UNPLUGGED: LinkState = LinkState { has_carrier: false, ..ACTIVE };

// proves: rfc5227-link-up, rfc5227-silence
#[test]
fn host_probes_again_and_stays_silent_until_done_when_link_becomes_active() {
    for inactive in [DOWN, UNPLUGGED] {
        let mut host = probing_host();
        assert_eq!(run(&mut host, NOW + PROBING * 2).len(), 5);
        let then = NOW + PROBING * 2;
        link_changed(&mut host, then, ACTIVE);
        assert!(host.is_ready(), "the host was not ready before");
        link_changed(&mut host, then, inactive);
        assert!(
            !host.is_ready() && host.deadline().is_none(),
            "the host was ready or had a timer on an inactive link"
        );
        link_changed(&mut host, then, ACTIVE);
        assert_eq!((host.is_ready(), host.address()), (false, None));
        assert_eq!(receive_one(&mut host, &broadcast(&[&[8, 6], &request()])).1, Vec::<Vec<u8>>::new());
        let mut pool = Pool::new(1_500, 1);
        let frame = pool.take().unwrap();
        assert_eq!(
            host.send(then, PEER.into(), EtherType::IPV4, frame, &mut pool),
            SendOutcome::Dropped(TxDropReason::NoSourceAddress)
        );
        assert_eq!(run(&mut host, then + PROBING * 2).len(), 5);
        assert!(host.is_ready());
    }
}

// proves: rfc5227-no-carrier
#[test]
fn host_is_not_ready_when_link_has_no_carrier() {
    for inactive in [DOWN, UNPLUGGED] {
        for config in [HostConfig { start: StartMode::Probe, ..config() }, HostConfig::link_local(HOST_MAC)] {
            let mut host = Host::new(NOW, &config).unwrap();
            link_changed(&mut host, NOW, inactive);
            assert_eq!((host.deadline(), host.is_ready(), host.address()), (None, false, None));
            let (mut device, mut pool) = (GatedDevice::new(true), Pool::new(1_500, host.pool_size()));
            turn(&mut host, NOW + PROBING, &mut device, &mut pool);
            assert!(device.sent.is_empty());
            link_changed(&mut host, NOW + PROBING, ACTIVE);
            assert_eq!((run(&mut host, NOW + PROBING * 3).len(), host.is_ready()), (5, true));
        }
        // A host that does not probe is ready immediately.
        let mut host = Host::new(NOW, &config()).unwrap();
        link_changed(&mut host, NOW, inactive);
        assert!(host.address().is_some() && host.is_ready());
    }
}

// proves: rfc5227-no-carrier
#[test]
fn added_vlan_host_sends_no_probe_until_link_is_active() {
    let mut host = probing_host();
    link_changed(&mut host, NOW, DOWN);
    let vlan = link::VlanId::new(7);
    host.add(NOW, &HostConfig { start: StartMode::Probe, vlan, ..config() }).unwrap();
    assert!(run(&mut host, NOW + PROBING).is_empty());
    link_changed(&mut host, NOW + PROBING, ACTIVE);
    assert_eq!(run(&mut host, NOW + PROBING * 3).len(), 10);
}

/// A device that transmits only while it is open, and optionally refuses datagrams.
struct GatedDevice {
    is_open: bool,
    refuses_datagrams: bool,
    arrived: Vec<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    refused: u64,
}

impl GatedDevice {
    fn new(is_open: bool) -> GatedDevice {
        GatedDevice { is_open, refuses_datagrams: false, arrived: Vec::new(), sent: Vec::new(), refused: 0 }
    }
}

impl Device for GatedDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: 1_500, ..Capabilities::default() }
    }

    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<Received, DeviceError> {
        for bytes in self.arrived.drain(..) {
            let mut frame = pool.take().unwrap();
            frame.write(&bytes).unwrap();
            arrived.push(frame).unwrap();
        }
        Ok(Received { frames: arrived.len(), ..Received::default() })
    }

    fn transmit(&mut self, tx_queue: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        let mut transmitted = Transmitted { would_block: !self.is_open, ..Transmitted::default() };
        while let Some(frame) = if self.is_open { tx_queue.pop() } else { None } {
            if self.refuses_datagrams && frame.bytes()[12..14] == [8, 0] {
                self.refused += 1;
                transmitted.refused += 1;
                tx_queue.refuse(frame.token()).unwrap();
            } else {
                transmitted.sent += 1;
                self.sent.push(frame.bytes().to_vec());
            }
            pool.give(frame);
        }
        Ok(transmitted)
    }

    fn counters(&self) -> tap::DeviceCounters {
        tap::DeviceCounters { refused: self.refused, ..tap::DeviceCounters::default() }
    }
}

// proves: rfc5227-silence, drops-counted
#[test]
fn queued_frame_is_dropped_and_counted_when_address_is_probed_for_again() {
    let then = NOW + PROBING * 2;
    // An address that was used without a probe stays in use, and its frames are sent.
    for (start, sent) in [(StartMode::Probe, 0), (StartMode::Immediate, 1)] {
        let mut host = Host::new(NOW, &HostConfig { start, ..config() }).unwrap();
        run(&mut host, then);
        let mut device = GatedDevice::new(false);
        device.arrived.push(broadcast(&[&[8, 6], &request()]));
        let mut pool = Pool::new(1_500, host.pool_size());
        let mut exchange = Exchange::new(PORT);
        assert!(exchange.turn(then, &mut host, &mut device, &mut pool, &mut ()).unwrap().tx_blocked);
        for state in [DOWN, ACTIVE] {
            exchange.device_event(then, &mut host, DeviceEvent::Link(state), &mut pool);
        }
        device.is_open = true;
        exchange.turn(then, &mut host, &mut device, &mut pool, &mut ()).unwrap();
        assert_eq!((device.sent.len(), pool.held()), (sent, 0), "{start:?}");
        assert_eq!(host.tx_dropped(TxDropReason::NoSourceAddress), 1 - u64::try_from(sent).unwrap());
    }
}

// proves: rfc5227-probe-refused
#[test]
fn probe_is_repeated_when_no_frame_is_free() {
    let mut host = probing_host();
    let (mut device, mut pool) = (GatedDevice::new(true), Pool::new(1_500, 0));
    while let Some(now) = host.deadline().filter(|due| *due <= NOW + PROBING * 4) {
        turn(&mut host, now, &mut device, &mut pool);
        assert_eq!((host.address(), device.sent.len()), (None, 0), "{now:?}");
    }
    assert!(host.tx_dropped(TxDropReason::NoFrame) > 10, "the host did not continue to probe");
}

// proves: rfc5227-probe-refused
#[test]
fn refused_datagram_does_not_restart_probing_after_transmitted_probe() {
    let mut host = probing_host();
    let other = HostConfig::new("10.0.0.3/24".parse().unwrap(), MacAddr::new([2, 0, 0, 0, 0, 3]));
    host.add(NOW, &other).unwrap();
    let (mut device, mut pool) = (GatedDevice::new(true), Pool::new(1_500, host.pool_size()));
    device.refuses_datagrams = true;
    let probe = host.deadline().unwrap();
    turn(&mut host, probe, &mut device, &mut pool);
    assert_eq!(device.sent.len(), 1);
    let next = host.deadline();
    // The other host receives an echo request. The device refuses the reply.
    let mut to_other = request();
    to_other[24..28].copy_from_slice(&[10, 0, 0, 3]);
    device.arrived.push(broadcast(&[&[8, 6], &to_other]));
    let fields = ipv4::Ipv4Fields::new(inet::IpProtocol::ICMP, PEER, v4(other.network().addr()));
    let echo = test_host::datagram(fields, &test_host::echo(b"hello"));
    device.arrived.push(test_host::framed(other.mac, PEER_MAC, &echo));
    turn(&mut host, probe, &mut device, &mut pool);
    assert_eq!((device.refused, device.sent.len()), (1, 2));
    assert_eq!(host.deadline(), next);
}

// proves: rfc5227-probe-refused
#[test]
fn refused_datagram_does_not_restart_probing_when_probe_is_in_same_batch() {
    let mut host = probing_host();
    let other = HostConfig::new("10.0.0.3/24".parse().unwrap(), MacAddr::new([2, 0, 0, 0, 0, 3]));
    host.add(NOW, &other).unwrap();
    host.add_static(NOW, PEER, PEER_MAC).unwrap();
    let (mut device, mut pool) = (GatedDevice::new(true), Pool::new(1_500, host.pool_size()));
    device.refuses_datagrams = true;
    let fields = ipv4::Ipv4Fields::new(inet::IpProtocol::ICMP, PEER, v4(other.network().addr()));
    let echo = test_host::datagram(fields, &test_host::echo(b"hello"));
    device.arrived.push(test_host::framed(other.mac, PEER_MAC, &echo));
    let probe = host.deadline().unwrap();
    turn(&mut host, probe, &mut device, &mut pool);
    assert_eq!((device.refused, device.sent.len()), (1, 1));
    assert_eq!(run(&mut host, NOW + PROBING).len(), 4, "probing restarted");
}

// proves: request-refused
#[test]
fn refused_request_is_counted_and_repeated() {
    let mut host = host(None);
    let (near, _far) = Cable::pair(1_500).unwrap();
    let mut wire = RefusingDevice { wire: near, down: true, refused: 0 };
    let mut pool = Pool::new(1_500, host.pool_size());
    let frame = pool.take().unwrap();
    assert_eq!(host.send(NOW, PEER.into(), TEST, frame, &mut pool), SendOutcome::Pending);
    turn(&mut host, NOW, &mut wire, &mut pool);
    assert_eq!(host.arp().neighbors().counts().requests_refused, 1);
    wire.down = false;
    while wire.wire.counters().transmitted == 0 {
        let due = host.deadline().unwrap();
        turn(&mut host, due, &mut wire, &mut pool);
    }
    assert_eq!(host.arp().neighbors().counts().requests, 2);
}

// proves: rfc3927-link-up
#[test]
fn link_local_host_probes_again_when_link_becomes_active() {
    let mut host = Host::new(NOW, &HostConfig::link_local(HOST_MAC)).unwrap();
    run(&mut host, NOW + PROBING * 2);
    let address = host.address().unwrap();
    link_changed(&mut host, NOW + PROBING * 2, DOWN);
    link_changed(&mut host, NOW + PROBING * 2, ACTIVE);
    assert!(host.address().is_none() && host.addresses().mac_of(v4(address.addr())).is_none());
    assert_eq!(run(&mut host, NOW + PROBING * 4).len(), 5);
    assert_eq!(host.address(), Some(address));
    assert!(host.addresses().mac_of(v4(address.addr())).is_some());
}

/// A device that refuses all frames while it is down.
struct RefusingDevice {
    wire: Cable,
    down: bool,
    refused: u64,
}

impl Device for RefusingDevice {
    fn capabilities(&self) -> Capabilities {
        self.wire.capabilities()
    }

    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<Received, DeviceError> {
        self.wire.receive(pool, arrived)
    }

    fn transmit(&mut self, tx_queue: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        let before = self.refused;
        while self.down
            && let Some(frame) = tx_queue.pop()
        {
            self.refused += 1;
            tx_queue.refuse(frame.token()).unwrap();
            pool.give(frame);
        }
        let refused = usize::try_from(self.refused - before).unwrap();
        Ok(Transmitted { refused, ..self.wire.transmit(tx_queue, pool)? })
    }

    fn counters(&self) -> tap::DeviceCounters {
        tap::DeviceCounters { refused: self.refused, ..self.wire.counters() }
    }
}

// proves: rfc5227-probe-refused
#[test]
fn address_is_not_used_when_probes_were_refused() {
    for config in [HostConfig { start: StartMode::Probe, ..config() }, HostConfig::link_local(HOST_MAC)] {
        let mut host = Host::new(NOW, &config).unwrap();
        let (near, mut far) = Cable::pair(1_500).unwrap();
        let (mut pool, mut batch) = (Pool::new(1_500, host.pool_size() + 64), Batch::new(64));
        let mut wire = RefusingDevice { wire: near, down: true, refused: 0 };
        while let Some(now) = host.deadline().filter(|due| *due <= NOW + PROBING * 10) {
            turn(&mut host, now, &mut wire, &mut pool);
            assert_eq!(host.address(), None, "{now:?}");
        }
        assert!(wire.refused > 10, "the host did not continue to probe");

        wire.down = false;
        while let Some(now) = host.deadline() {
            turn(&mut host, now, &mut wire, &mut pool);
        }
        assert_eq!(
            far.receive(&mut pool, &mut batch).unwrap().frames,
            5,
            "expected three probes and two announcements"
        );
        assert!(host.address().is_some());
    }
}

/// A device that keeps transmitted frames in flight until a receive call. The device then lacks capacity `full` times,
/// and refuses the frames while `down` is set.
struct InFlightDevice {
    kept: Vec<Frame>,
    full: u64,
    down: bool,
    /// Tokens of frames refused in flight, until the next transmit.
    refused: Vec<tap::Token>,
    would_block: bool,
    counters: tap::DeviceCounters,
}

impl InFlightDevice {
    fn new(full: u64, down: bool) -> InFlightDevice {
        let counters = tap::DeviceCounters::default();
        InFlightDevice { kept: Vec::new(), full, down, refused: Vec::new(), would_block: false, counters }
    }
}

impl Device for InFlightDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: 1_500, ..Capabilities::default() }
    }

    fn receive(&mut self, pool: &mut Pool, _: &mut Batch) -> Result<Received, DeviceError> {
        self.would_block = self.full > 0 && !self.kept.is_empty();
        if self.would_block {
            self.full -= 1;
            return Ok(Received { frames: 0, in_flight: self.kept.len(), would_block: true });
        }
        for frame in self.kept.drain(..) {
            if self.down {
                self.counters.refused += 1;
                self.refused.push(frame.token());
            }
            pool.give(frame);
        }
        Ok(Received::default())
    }

    fn transmit(&mut self, tx_queue: &mut Batch, _: &mut Pool) -> Result<Transmitted, DeviceError> {
        self.kept.extend(std::iter::from_fn(|| tx_queue.pop()));
        let refused = self.refused.len();
        self.refused.drain(..).for_each(|token| tx_queue.refuse(token).unwrap());
        Ok(Transmitted { sent: 0, refused, in_flight: self.kept.len(), would_block: self.would_block })
    }

    fn counters(&self) -> tap::DeviceCounters {
        self.counters
    }
}

// proves: rfc5227-probe-refused
#[test]
fn probe_is_repeated_when_device_refuses_it_in_flight() {
    let mut host = probing_host();
    let mut pool = Pool::new(1_500, host.pool_size());
    let mut wire = InFlightDevice::new(0, true);
    while let Some(now) = host.deadline().filter(|due| *due <= NOW + PROBING * 10) {
        while turn(&mut host, now, &mut wire, &mut pool).poll_again {}
        assert_eq!((host.address(), pool.held()), (None, 0), "{now:?}");
    }
    assert!(wire.counters.refused > 10, "the host did not continue to probe");
}

#[test]
fn host_is_blocked_when_frames_in_flight_lack_capacity() {
    let mut host = probing_host();
    let mut pool = Pool::new(1_500, host.pool_size());
    let mut wire = InFlightDevice::new(3, false);
    let now = host.deadline().unwrap();
    let mut next_outcome = || {
        let outcome = turn(&mut host, now, &mut wire, &mut pool);
        (outcome.poll_again, outcome.tx_blocked)
    };
    assert_eq!(next_outcome(), (true, false), "expected a frame in flight");
    for _ in 0..3 {
        assert_eq!(next_outcome(), (false, true), "expected a device without capacity");
    }
    assert_eq!(next_outcome(), (false, false), "expected a transmitted frame");
}

// proves: rfc5227-silence
#[test]
fn nothing_is_sent_from_unused_address() {
    let mut host = probing_host();
    let mut pool = Pool::new(1_500, 8);
    let frame = pool.take().unwrap();
    assert_eq!(
        host.send(NOW, PEER.into(), TEST, frame, &mut pool),
        SendOutcome::Dropped(TxDropReason::NoSourceAddress)
    );
    assert_eq!((host.tx_dropped(TxDropReason::NoSourceAddress), pool.held()), (1, 0));
    run(&mut host, NOW + PROBING);
    let frame = pool.take().unwrap();
    assert_eq!(host.send(NOW + PROBING, PEER.into(), TEST, frame, &mut pool), SendOutcome::Pending);
}

// proves: rfc5227-silence, rfc5227-given-up
#[test]
fn pending_packets_are_dropped_when_source_address_is_given_up() {
    let config = HostConfig { defense: Defense::Cease, ..config() };
    let mut pair = Pair::new();
    pair.host = Host::new(NOW, &config).unwrap();
    let other = Ipv4Addr::new(10, 0, 0, 9);
    for neighbor in [PEER, other] {
        let frame = pair.payload(b"hello");
        assert_eq!(pair.host.send(NOW, neighbor.into(), TEST, frame, &mut pair.pool), SendOutcome::Pending);
    }
    let conflict = pair.payload(&conflicting_request());
    let outcome = pair.host.receive(NOW, PORT, conflict, &mut pair.pool);
    assert_eq!(outcome.dropped(), Some(arp::ArpDropReason::Conflict.into()));
    let new_owner = arp::Identity { ip: HOST, mac: PEER_MAC };
    assert_eq!((pair.host.ceased(), pair.host.address()), (Some(new_owner), None));
    // A request of the peer resolves the peer, so the pending packet could be sent.
    let mut packet = request();
    packet[24..28].copy_from_slice(&other.octets());
    let frame = pair.payload(&broadcast(&[&[8, 6], &packet]));
    pair.host.receive(NOW, PORT, frame, &mut pair.pool);
    while let Some(now) = pair.host.deadline().filter(|now| *now <= NOW + PROBING) {
        turn(&mut pair.host, now, &mut pair.left, &mut pair.pool);
    }
    turn(&mut pair.peer, NOW, &mut pair.right, &mut pair.pool);
    assert_eq!(
        pair.peer.link().accepted() + pair.peer.unsupported_protocol(),
        0,
        "the peer received a frame"
    );
    assert_eq!((pair.pool.held(), pair.host.arp().neighbors().pending_packets()), (0, 0));
    assert!(pair.host.tx_dropped(TxDropReason::NoSourceAddress) >= 2);
}

// proves: rfc3927-once
#[test]
fn link_local_address_is_rejected_with_unlimited_defense() {
    let chosen = HostConfig::link_local(HOST_MAC);
    assert_eq!(chosen.defense, Defense::Once);
    let always = HostConfig { defense: Defense::Always, ..chosen };
    assert_eq!(Host::new(NOW, &always).err(), Some(HostConfigError::Defense));
}

// proves: rfc3927-broadcast
#[test]
fn arp_from_link_local_address_is_broadcast() {
    let mut host = Host::new(NOW, &HostConfig::link_local(HOST_MAC)).unwrap();
    run(&mut host, NOW + PROBING * 2);
    let network = host.address().unwrap();
    assert_eq!((network.prefix_len(), network.network()), (16, [169, 254, 0, 0].into()));

    let mut packet = request();
    packet[24..28].copy_from_slice(&v4(network.addr()).octets());
    let (_, sent) = receive_one(&mut host, &broadcast(&[&[8, 6], &packet]));
    assert!(sent[0].starts_with(&[0xff; 6]), "the reply is not broadcast");
    assert_eq!(sent[0][32..38], PEER_MAC.bytes(), "the target of the reply is not the peer");

    // A stale entry is confirmed with a request.
    let now = NOW + PROBING * 3;
    let mut pool = Pool::new(1_500, 8);
    let frame = pool.take().unwrap();
    assert_eq!(host.send(now, PEER.into(), TEST, frame, &mut pool), SendOutcome::Queued);
    let frames = run(&mut host, now + PROBING);
    let requests = frames.iter().filter(|frame| frame[12..14] == [8, 6]).collect::<Vec<_>>();
    assert!(!requests.is_empty() && requests.iter().all(|frame| frame.starts_with(&[0xff; 6])));
}

#[test]
fn claim_events_are_reported() {
    let mut host = probing_host();
    run(&mut host, NOW + PROBING * 2);
    receive_one(&mut host, &conflicting_request());
    let reported = std::iter::from_fn(|| host.take_event()).collect::<Vec<_>>();
    let expected = [
        ClaimEvent::Probing { ip: HOST },
        ClaimEvent::Bound { ip: HOST, mac: HOST_MAC },
        ClaimEvent::Defended { ip: HOST, mac: PEER_MAC },
    ];
    assert_eq!(reported, expected.map(|event| HostEvent::Arp(InterfaceId(0), arp::ArpEvent::Claim(event))));
}

#[test]
fn hosts_with_one_seed_do_not_send_together() {
    let first = |last| {
        let mac = MacAddr::new([2, 0, 0, 0, 0, last]);
        Host::new(NOW, &HostConfig { mac, start: StartMode::Probe, ..config() }).unwrap().deadline()
    };
    assert_ne!(first(2), first(3));
}

// proves: key-separation
#[test]
fn hosts_with_one_mac_in_two_vlans_do_not_send_together() {
    let first = |vlan| {
        let vlan = link::VlanId::new(vlan);
        Host::new(NOW, &HostConfig { vlan, start: StartMode::Probe, ..config() }).unwrap().deadline()
    };
    assert_ne!(first(7), first(8));
}

#[test]
fn lost_link_local_address_is_no_longer_local() {
    let mut host = Host::new(NOW, &HostConfig::link_local(HOST_MAC)).unwrap();
    run(&mut host, NOW + PROBING * 2);
    let lost = v4(host.address().unwrap().addr());
    let mut packet = request();
    packet[14..18].copy_from_slice(&lost.octets());
    for _ in 0..2 {
        receive_one(&mut host, &broadcast(&[&[8, 6], &packet]));
    }
    assert_eq!(host.address(), None);
    let probes = host.deadline().unwrap();
    run(&mut host, probes);
    assert!(host.addresses().mac_of(lost).is_none());
    run(&mut host, NOW + PROBING * 4);
    let next = v4(host.address().unwrap().addr());
    assert!(next != lost && host.addresses().mac_of(next).is_some());
    assert!(host.addresses().mac_of(lost).is_none());
}
