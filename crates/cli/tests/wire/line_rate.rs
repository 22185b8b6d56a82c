//! A million datagrams from the kernel at the rate at which it can send them. Each loss has a counter.

use std::error::Error;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use link::MacAddr;
use serde_json::Value;

use super::running::{PersistentTapGuard, Running, wait_for_carrier};
use testbed::installed::installed;
use testbed::program::exit_and_text;
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[("each_loss_of_a_million_datagrams_is_counted", million_datagrams)];

const COUNT: u64 = 1_000_000;
/// MAC address of the host.
const MAC: &str = "02:11:00:00:00:02";
/// Time to wait for a reply.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Counters of the kernel.
#[derive(Clone, Copy, Debug)]
struct KernelCounters {
    /// Frames that the kernel did not queue for the reader of the TAP.
    sent_dropped: u64,
    /// Frames of the TAP that the kernel dropped.
    received_dropped: u64,
    /// Datagrams dropped because the receive buffer of their socket was full.
    buffer_errors: u64,
}

impl KernelCounters {
    fn read(interface: &str) -> Result<KernelCounters, Box<dyn Error>> {
        let devices = std::fs::read_to_string("/proc/thread-self/net/dev")?;
        let row = devices.lines().find_map(|line| line.trim().strip_prefix(interface)?.strip_prefix(':'));
        let columns: Vec<u64> =
            row.ok_or("no such interface")?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let protocols = std::fs::read_to_string("/proc/thread-self/net/snmp")?;
        let mut rows = protocols.lines().filter_map(|line| line.strip_prefix("Udp: "));
        let (names, numbers) = rows.next().zip(rows.next()).ok_or("no counters of UDP")?;
        let mut pairs = names.split(' ').zip(numbers.split(' '));
        let errors = pairs.find(|(name, _)| *name == "RcvbufErrors").ok_or("no RcvbufErrors")?;
        Ok(KernelCounters {
            received_dropped: columns[3],
            sent_dropped: columns[11],
            buffer_errors: errors.1.parse()?,
        })
    }
}

/// Returns the number in the next reply, or `None` if none arrives in time.
fn reply(socket: &UdpSocket) -> Option<u64> {
    let mut number = [0; 8];
    socket.recv(&mut number).ok().map(|_| u64::from_be_bytes(number))
}

/// Returns the sum of counters, by their layers and names.
fn sum(counters: &Value, names: &[(&str, &str)]) -> u64 {
    names
        .iter()
        .map(|(layer, name)| {
            let count = counters[layer][name].as_u64();
            count.unwrap_or_else(|| panic!("no counter {layer} {name}: {counters}"))
        })
        .sum()
}

fn million_datagrams() -> TestResult {
    let tap = PersistentTapGuard::create("serve0")?;
    // Both neighbors are static: a dropped ARP packet would be counted like a datagram.
    let neighbor = format!("10.0.0.1={}", MacAddr::new(tap.0.mac_address()?));
    let add = ["neigh", "add", "10.0.0.2", "lladdr", MAC, "nud", "permanent", "dev", "serve0"];
    assert_eq!(exit_and_text(&Command::new(installed("ip")?).args(add).output()?).0, Some(0));
    let words = ["--tap", "serve0", "--address", "10.0.0.2/24", "--mac", MAC, "--static", &neighbor];
    let host = Running::start(&[&words[..], &["--serve", "echo", "-q", "--json"]].concat())?;
    wait_for_carrier(&tap.0)?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((Ipv4Addr::new(10, 0, 0, 2), 7))?;
    socket.set_read_timeout(Some(READ_TIMEOUT))?;
    let before = KernelCounters::read("serve0")?;
    let is_sent = Arc::new(AtomicBool::new(false));
    let (clone, is_over) = (socket.try_clone()?, Arc::clone(&is_sent));
    let counting = thread::spawn(move || {
        let mut count = 0;
        loop {
            match reply(&clone) {
                Some(_) => count += 1,
                None if is_over.load(Ordering::Acquire) => return count,
                None => {}
            }
        }
    });
    // The kernel may refuse a datagram (ENOBUFS). Such a datagram was not sent.
    let mut sent: u64 = 0;
    let mut transmit = |number: u64| sent += u64::from(socket.send(&number.to_be_bytes()).is_ok());
    (0..COUNT).for_each(&mut transmit);
    is_sent.store(true, Ordering::Release);
    let mut received: u64 = counting.join().map_err(|_| "the counting thread panicked")?;
    // Datagrams stay in order. When the reply to the last datagram has arrived, no earlier datagram is in a queue.
    'last: for last in COUNT.. {
        transmit(last);
        while let Some(number) = reply(&socket) {
            received += 1;
            if number == last {
                break 'last;
            }
        }
    }
    let after = KernelCounters::read("serve0")?;
    let (_, out, errors) = host.stop()?;
    assert_eq!(errors, "");
    let last: Value = serde_json::from_str(out.lines().last().ok_or("no counters")?)?;
    let counters = &last["counters"];

    let served = sum(counters, &[("services", "echo_received")]);
    let dropped_before = sum(
        counters,
        &[
            ("udp", "receive_buffer_full"),
            ("udp", "socket_memory_full"),
            ("tap", "exceeds_mtu"),
            ("tap", "receive_queue_full"),
            ("tap", "read_failed"),
        ],
    );
    let refused_by_kernel = after.sent_dropped - before.sent_dropped;
    assert_eq!(sent, served + dropped_before + refused_by_kernel, "requests: {after:?} {counters}");
    let replies = sum(counters, &[("services", "replies_sent")]);
    let dropped_by_service = sum(
        counters,
        &[
            ("services", "source_port_of_service"),
            ("services", "send_buffer_full"),
            ("services", "socket_memory_full"),
            ("services", "no_free_frame"),
            ("services", "no_route"),
            ("services", "reply_refused"),
        ],
    );
    assert_eq!(served, replies + dropped_by_service, "service: {counters}");
    let dropped_after = sum(counters, &[("tap", "transmit_failed"), ("arp", "pending_packets_dropped")]);
    let dropped_by_kernel =
        after.received_dropped - before.received_dropped + after.buffer_errors - before.buffer_errors;
    assert_eq!(replies, received + dropped_after + dropped_by_kernel, "replies: {after:?} {counters}");
    assert_eq!(sum(counters, &[("arp", "replies_sent"), ("arp", "requests_sent")]), 0, "{counters}");
    assert!(received > COUNT / 1_000, "only {received} of {COUNT} datagrams returned");
    Ok(())
}
