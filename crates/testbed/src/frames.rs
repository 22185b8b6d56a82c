//! Frames as byte strings, sent to and received from a device.

use std::error::Error;
use std::net::Ipv4Addr;

use tap::{Batch, Device, Frame, Pool};

use crate::{TestResult, wait_for};

/// Number of attempts to receive the reply to a probe before the next probe is sent.
const PROBE_INTERVAL: u32 = 50;

/// Sends one frame over a device.
pub fn send(device: &mut impl Device, bytes: &[u8]) -> TestResult {
    let mut pool = Pool::new(bytes.len(), 1);
    let mut batch = Batch::new(1);
    let mut frame = pool.take().ok_or("pool is exhausted")?;
    frame.write(bytes)?;
    batch.push(frame).map_err(|_| "batch is full")?;
    device.transmit(&mut batch, &mut pool)?;
    Ok(())
}

/// Waits until a host replies to ARP probes for an address. No reply is left to receive.
///
/// After a program attaches to a TAP, frames are lost until the kernel has processed the carrier change. A probe adds
/// no entry to an ARP cache.
pub fn wait_until_answering(device: &mut impl Device, target: Ipv4Addr) -> TestResult {
    let (mut pool, mut batch) = (Pool::new(device.capabilities().mtu, 64), Batch::new(64));
    let (mut prober, mut attempts) = ([2_u8, 0, 0, 0, 0, 0x77], 0_u32);
    wait_for("reply to a probe", || {
        if attempts.is_multiple_of(PROBE_INTERVAL) {
            // The replies to earlier probes, which have other senders, arrive before the reply to this probe.
            prober[4] = prober[4].wrapping_add(1);
            send(device, &arp([0xff; 6], 1, (prober, Ipv4Addr::UNSPECIFIED), ([0; 6], target))).ok()?;
        }
        attempts += 1;
        device.receive(&mut pool, &mut batch).ok()?;
        let mut reply = None;
        while let Some(frame) = batch.pop() {
            reply = reply.or(frame.bytes().starts_with(&prober).then_some(()));
            pool.give(frame);
        }
        reply
    })
}

/// Discards the frames that a device has received.
pub fn discard(device: &mut impl Device) -> TestResult {
    let mut pool = Pool::new(device.capabilities().mtu, 1);
    let mut batch = Batch::new(1);
    wait_for("empty receive queue", || {
        device.receive(&mut pool, &mut batch).ok()?;
        batch.pop().map(|frame| pool.give(frame)).is_none().then_some(())
    })
}

/// Receives frames from a device until a frame matches, and returns that frame. Discards the other frames.
pub fn receive(device: &mut impl Device, matches: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut pool = Pool::new(device.capabilities().mtu, 1);
    let mut batch = Batch::new(1);
    wait_for("matching frame", || {
        device.receive(&mut pool, &mut batch).ok()?;
        let frame = batch.pop()?;
        let bytes = Some(frame.bytes().to_vec()).filter(|bytes| matches(bytes));
        pool.give(frame);
        bytes
    })
}

/// Matches an untagged ARP packet of this operation, as the kernel's TAP delivers it.
pub fn is_arp(operation: u8) -> impl Fn(&[u8]) -> bool {
    move |bytes| bytes.get(12..14) == Some(&[8, 6]) && bytes.get(21) == Some(&operation)
}

/// Builds an ARP packet for Ethernet and IPv4 in an Ethernet II frame, unpadded.
pub fn arp(
    destination: [u8; 6],
    operation: u8,
    sender: ([u8; 6], Ipv4Addr),
    target: ([u8; 6], Ipv4Addr),
) -> Vec<u8> {
    [
        &destination[..],
        &sender.0,
        &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation],
        &sender.0,
        &sender.1.octets(),
        &target.0,
        &target.1.octets(),
    ]
    .concat()
}

/// Returns the frames of a batch.
pub fn frames(batch: &Batch) -> Vec<Vec<u8>> {
    batch.iter().map(Frame::bytes).map(<[u8]>::to_vec).collect()
}
