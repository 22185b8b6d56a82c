//! TCP segments without data, in frames from the requester to the responder.

use std::net::Ipv4Addr;

use crate::traffic::{DISCARD_PORT, IP, PAYLOAD, REQUESTER, RESPONDER, datagram, sum, write_checksum};

/// IP protocol number of TCP.
pub(crate) const TCP: u8 = 6;
/// Flags of a TCP header.
pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;
/// Offset of the checksum in a TCP header.
const CHECKSUM: usize = 16;
/// Options of a SYN: a maximum segment size of 1460 bytes, SACK permitted, and a window scale of 7.
const SYN_OPTIONS: [u8; 12] = [2, 4, 0x05, 0xb4, 4, 2, 1, 1, 1, 3, 3, 7];

/// Ports and numbers of a segment to the discard service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Port of the requester.
    pub(crate) port: u16,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
}

/// Returns the frame of a segment from the requester. A SYN has options.
pub(crate) fn frame(numbers: Numbers, flags: u8) -> Vec<u8> {
    let options: &[u8] = if flags & SYN != 0 { &SYN_OPTIONS } else { &[] };
    let header_length = u8::try_from(20 + options.len()).unwrap_or(20);
    let mut segment = [
        &numbers.port.to_be_bytes()[..],
        &DISCARD_PORT.to_be_bytes(),
        &numbers.sequence.to_be_bytes(),
        &numbers.acknowledgment.to_be_bytes(),
        &[header_length << 2, flags, 0xff, 0xff, 0, 0, 0, 0],
        options,
    ]
    .concat();
    let (requester, responder) = (REQUESTER.at(0), RESPONDER.at(0));
    let addresses = [requester.0.octets(), responder.0.octets()].concat();
    // The pseudo-header is part of the checksum.
    let pseudo_header = sum(&[&addresses[..], &[0, TCP, 0, header_length]].concat());
    segment[CHECKSUM..CHECKSUM + 2].copy_from_slice(&pseudo_header.to_be_bytes());
    write_checksum(&mut segment, CHECKSUM);
    datagram(requester, responder, TCP, &segment)
}

/// Changes the source address and the source port of a segment, with its checksums.
pub(crate) fn forge_source(frame: &mut [u8], ip: Ipv4Addr, port: u16) {
    frame[IP + 12..IP + 16].copy_from_slice(&ip.octets());
    frame[PAYLOAD..PAYLOAD + 2].copy_from_slice(&port.to_be_bytes());
    frame[IP + 10..IP + 12].fill(0);
    write_checksum(&mut frame[IP..PAYLOAD], 10);
    let length = u8::try_from(frame.len() - PAYLOAD).unwrap_or(0);
    let mut pseudo_header = [0; 12];
    pseudo_header[..8].copy_from_slice(&frame[IP + 12..PAYLOAD]);
    [pseudo_header[9], pseudo_header[11]] = [TCP, length];
    let segment = &mut frame[PAYLOAD..];
    segment[CHECKSUM..CHECKSUM + 2].copy_from_slice(&sum(&pseudo_header).to_be_bytes());
    write_checksum(segment, CHECKSUM);
}

/// Returns the numbers of a frame if it is a SYN,ACK of the responder. The port is that of the requester. The checksum may
/// be that of the pseudo-header only if the responder leaves checksums to its network card.
pub(crate) fn syn_ack(frame: &[u8], may_be_partial: bool) -> Option<Numbers> {
    let (requester, responder) = (REQUESTER.at(0), RESPONDER.at(0));
    let headers: &[u8; PAYLOAD] = frame.first_chunk()?;
    let total = usize::from(u16::from_be_bytes([headers[IP + 2], headers[IP + 3]]));
    let segment = frame.get(PAYLOAD..IP + total)?;
    let header: &[u8; 20] = segment.first_chunk()?;
    let length = u8::try_from(segment.len()).ok()?;
    let pseudo_header = [&headers[IP + 12..], &[0, TCP, 0, length]].concat();
    let checksum = [header[CHECKSUM], header[CHECKSUM + 1]];
    let is_intact = sum(&[&pseudo_header[..], segment].concat()) == 0xffff
        || may_be_partial && checksum == sum(&pseudo_header).to_be_bytes();
    let is_syn_ack = headers[..6] == requester.1
        && headers[6..12] == responder.1
        && headers[12..14] == [8, 0]
        && headers[IP] == 0x45
        && headers[IP + 9] == TCP
        && sum(&headers[IP..]) == 0xffff
        && headers[IP + 12..IP + 16] == responder.0.octets()
        && headers[IP + 16..] == requester.0.octets()
        && header[..2] == DISCARD_PORT.to_be_bytes()
        && header[13] & 0x3f == SYN | ACK
        && is_intact;
    let number = |at: usize| header.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
    is_syn_ack.then_some(Numbers {
        port: u16::from_be_bytes([header[2], header[3]]),
        sequence: number(4)?,
        acknowledgment: number(8)?,
    })
}

#[cfg(test)]
mod tests;
