//! Datagrams without a reply, and services under load.

use super::*;
use std::net::Ipv4Addr;
use tap::Machine;

// proves: services-no-loop
#[test]
fn ports_of_replying_services_get_no_reply() {
    let mut network = Network::new();
    for (kind, port) in [
        (ServiceKind::Echo, 7),
        (ServiceKind::Chargen, 1_900),
        (ServiceKind::Daytime, 13),
        (ServiceKind::Discard, 9),
    ] {
        network.serve(kind, port);
    }
    let mut refused = 0;
    for source in [7, 13, 17, 19, 37, 1_900] {
        let id = network.open(Some(source));
        for port in [7, 13, 1_900] {
            network.send(id, (HOST, port), b"data");
            network.settle();
            assert_eq!(network.replies(id), [], "from port {source} to port {port}");
            refused += 1;
            assert_eq!(network.count("source_port_of_service"), refused, "from port {source} to {port}");
        }
    }
    for source in [1, 9, 1_899, 60_000] {
        let id = network.open(Some(source));
        network.send(id, (HOST, 7), b"data");
        network.settle();
        assert_eq!(network.replies(id).len(), 1, "from port {source}");
    }
    assert!(!network.server.machine.user.udp.may_reply(0), "a reply to port 0");
    network.check_pools();
}

// proves: services-no-broadcast
#[test]
fn broadcasts_get_no_reply() {
    let mut network = Network::new();
    network.serve(ServiceKind::Echo, 7);
    for address in [Ipv4Addr::new(10, 0, 0, 255), Ipv4Addr::BROADCAST] {
        assert_eq!(network.ask((address, 7), b"data"), [], "{address}");
    }
    assert_eq!(network.count("echo_received"), 0);
    network.check_pools();
}

/// Returns the network with the services echo and daytime, an open socket of the client, and both hosts in the ARP
/// caches.
fn network() -> (Network, SocketId) {
    let mut network = Network::new();
    network.serve(ServiceKind::Echo, 7);
    network.serve(ServiceKind::Daytime, 13);
    assert_eq!(network.ask((HOST, 7), b"data").len(), 1, "the first reply");
    let id = network.open(None);
    (network, id)
}

/// Puts this many requests into the receive queue of a service, and leaves them there.
fn queue_requests(network: &mut Network, id: SocketId, port: u16, count: usize) {
    for _ in 0..count {
        network.send(id, (HOST, port), b"data");
        network.client.turn(network.now);
        network.deliver();
    }
}

/// Runs the services once, without transmitting.
fn run(network: &mut Network) {
    let ServingHost { host, user: services } = &mut network.server.machine;
    services.run(network.now, host, &mut network.server.pool);
}

// proves: services-fair
#[test]
fn many_requests_are_served_in_several_runs_and_in_turn() {
    let (mut network, id) = network();
    queue_requests(&mut network, id, 7, 100);
    queue_requests(&mut network, id, 13, 10);
    assert_eq!(network.server.machine.user.deadline(), None, "deadline before the first run");
    run(&mut network);
    let received = (network.count("echo_received"), network.count("daytime_received"));
    assert_eq!(received, (1 + 54, 10), "datagrams received in the first run");
    assert_eq!(network.server.machine.deadline(), Some(network.now), "deadline after the first run");
    run(&mut network);
    assert_eq!(network.count("echo_received"), 1 + 100, "datagrams received in two runs");
    assert_eq!(network.server.machine.user.deadline(), None, "deadline after the second run");
    network.settle();
    assert_eq!(network.replies(id).len(), 110, "number of replies");
    network.check_pools();
}

#[test]
fn machine_is_due_while_datagrams_are_left() {
    let (mut network, id) = network();
    network.serve(ServiceKind::Discard, 9);
    network.now = Instant::ORIGIN + Duration::from_secs(1);
    queue_requests(&mut network, id, 9, 100);
    run(&mut network);
    assert_eq!(network.server.machine.deadline(), Some(network.now), "deadline with datagrams left");
    run(&mut network);
    assert_ne!(network.server.machine.deadline(), Some(network.now), "deadline without datagrams");
    assert_eq!(network.count("discard_received"), 100);
    network.check_pools();
}

// proves: services-backpressure
#[test]
fn full_send_buffer_drops_one_reply_in_a_run_and_leaves_the_other_datagrams() {
    let (mut network, id) = network();
    let mut replies = 0;
    while network.count("send_buffer_full") == 0 {
        queue_requests(&mut network, id, 7, 10);
        run(&mut network);
        replies += 10;
        assert!(replies < 1_000, "the send buffer has no limit");
    }
    queue_requests(&mut network, id, 7, 20);
    let received = network.count("echo_received");
    run(&mut network);
    assert_eq!(network.count("echo_received"), received + 1, "datagrams received with a full send buffer");
    assert_eq!(network.server.machine.user.deadline(), None, "deadline with a full send buffer");
    network.settle();
    assert_eq!(network.count("echo_received"), 1 + replies + 20, "datagrams received after transmitting");
    assert_eq!(network.count("send_buffer_full"), 2, "dropped replies");
    assert_eq!(network.count("replies_sent"), replies + 20 - 1, "replies sent");
    let _ = network.replies(id);
    network.check_pools();
}

#[test]
fn undelivered_replies_are_counted() {
    let (mut network, id) = network();
    network.send(id, (HOST, 7), b"data");
    network.client.turn(network.now);
    let Network { client, now, .. } = &mut network;
    client.machine.close(*now, id, &mut client.pool);
    network.settle();
    // The client sends port unreachable, because the socket is closed.
    assert_eq!(network.count("replies_undelivered"), 1);
    assert_eq!(network.ask((HOST, 7), b"data").len(), 1, "the service continues after the error");
    network.check_pools();
}

// proves: services-no-allocation
#[test]
fn services_allocate_nothing_after_warm_up() {
    let (mut network, id) = network();
    network.serve(ServiceKind::Chargen, 19);
    network.serve(ServiceKind::Discard, 9);
    let mut exchange = |count: u64| {
        for number in 0..count {
            network.now = network.now + Duration::from_millis(300);
            for port in [7, 9, 13, 19] {
                network.send(id, (HOST, port), b"data");
            }
            network.settle();
            let Network { client, .. } = &mut network;
            for reply in 0..3 {
                let received = client.machine.receive_udp(id);
                let received = received.unwrap_or_else(|| panic!("exchange {number} has no reply {reply}"));
                client.pool.give(received.frame);
            }
        }
    };
    exchange(1_000);
    let allocated = allocation_counter::measure(|| exchange(1_000));
    assert_eq!(allocated.count_total, 0, "allocations in 1,000 exchanges");
}
