//! The lower bound: a hard-coded swap of bytes over the same I/O as tapstack's host.

use std::os::fd::{AsFd, BorrowedFd};

use tap::{Batch, Device, Pool};

use crate::engine::{PollEngine, PollResult};
use crate::segments::{ACK, SYN, TCP};
use crate::traffic::{RESPONDER, sum, write_checksum};

/// Maximum number of frames per poll, as in tapstack's host.
const BATCH: usize = tap::Exchange::BATCH;
/// IP protocol number of UDP.
const UDP: u8 = 17;

/// Engine that replies by swapping addresses and ports. The engine checks only the EtherType, the IP protocol and the
/// minimum length of a frame.
pub(crate) struct Swap<D> {
    device: D,
    pool: Pool,
    arrived: Batch,
    departing: Batch,
}

impl<D: Device + AsFd> Swap<D> {
    pub(crate) fn over(device: D) -> Swap<D> {
        let pool = Pool::new(device.capabilities().mtu, 4 * BATCH);
        Swap { device, pool, arrived: Batch::new(BATCH), departing: Batch::new(BATCH) }
    }
}

impl<D: Device + AsFd> PollEngine for Swap<D> {
    fn poll_once(&mut self) -> Result<PollResult, String> {
        let received =
            self.device.receive(&mut self.pool, &mut self.arrived).map_err(|error| error.to_string())?;
        while let Some(mut frame) = self.arrived.pop() {
            let refused = match swap(frame.bytes_mut()) {
                Some(()) => self.departing.push(frame).err(),
                None => Some(frame),
            };
            if let Some(frame) = refused {
                self.pool.give(frame);
            }
        }
        let transmitted =
            self.device.transmit(&mut self.departing, &mut self.pool).map_err(|error| error.to_string())?;
        let again = received.frames == BATCH || (transmitted.in_flight > 0 && !transmitted.would_block);
        Ok(PollResult { arrived: received.frames, congested: transmitted.would_block, again })
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }

    fn calls(&self) -> Option<u64> {
        Some(self.device.counters().calls)
    }
}

/// Changes a request into its reply.
pub(crate) fn swap(bytes: &mut [u8]) -> Option<()> {
    match *bytes.get(12..14)? {
        [8, 6] => arp(bytes.first_chunk_mut()?),
        [8, 0] if *bytes.get(23)? == UDP => udp(bytes.first_chunk_mut()?),
        [8, 0] if *bytes.get(23)? == TCP => return syn(bytes.first_chunk_mut()?),
        [8, 0] => ping(bytes.first_chunk_mut()?),
        _ => return None,
    }
    Some(())
}

fn arp(frame: &mut [u8; 42]) {
    frame.copy_within(6..12, 0);
    frame[6..12].copy_from_slice(&RESPONDER.mac);
    frame[21] = 2;
    frame.copy_within(22..32, 32);
    frame[22..28].copy_from_slice(&RESPONDER.mac);
    frame[28..32].copy_from_slice(&RESPONDER.ip.octets());
}

fn ping(frame: &mut [u8; 42]) {
    swap_hosts(frame);
    // The ICMP type changes from 8 to 0, so the checksum increases by 0x0800 (RFC 1624).
    frame[34] = 0;
    let (sum, carry) = u16::from_be_bytes([frame[36], frame[37]]).overflowing_add(0x0800);
    frame[36..38].copy_from_slice(&(sum + u16::from(carry)).to_be_bytes());
}

/// Swaps the ports too. The checksum stays, because it does not depend on the direction.
fn udp(frame: &mut [u8; 42]) {
    swap_hosts(frame);
    let [source, destination] = [[frame[34], frame[35]], [frame[36], frame[37]]];
    frame[34..36].copy_from_slice(&destination);
    frame[36..38].copy_from_slice(&source);
}

/// Changes a SYN into its SYN,ACK with a sequence number of zero. The options stay. Other segments have no answer.
fn syn(frame: &mut [u8; 66]) -> Option<()> {
    if frame[47] != SYN {
        return None;
    }
    udp(frame.first_chunk_mut()?);
    frame.copy_within(38..42, 42);
    frame[38..42].fill(0);
    let acknowledgment = u32::from_be_bytes(*frame[42..].first_chunk()?).wrapping_add(1);
    frame[42..46].copy_from_slice(&acknowledgment.to_be_bytes());
    frame[47] = SYN | ACK;
    let mut pseudo_header = [0; 12];
    pseudo_header[..8].copy_from_slice(&frame[26..34]);
    [pseudo_header[9], pseudo_header[11]] = [TCP, 32];
    frame[50..52].copy_from_slice(&sum(&pseudo_header).to_be_bytes());
    write_checksum(&mut frame[34..], 16);
    Some(())
}

fn swap_hosts(frame: &mut [u8; 42]) {
    frame.copy_within(6..12, 0);
    frame[6..12].copy_from_slice(&RESPONDER.mac);
    frame.copy_within(26..30, 30);
    frame[26..30].copy_from_slice(&RESPONDER.ip.octets());
}

#[cfg(test)]
mod tests;
