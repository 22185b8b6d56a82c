//! Cases about the end of TCP connections.

use super::peer::{Peer, connected};
use super::segment::{ACK, FIN, PSH, RST, Received, SYN, Segment};
use crate::case::{Case, CaseResult};
use crate::datagrams::data;
use crate::frame_socket::FrameSocket;
use crate::udp_datagrams::{DAYTIME, ECHO};

pub(crate) const CASES: &[Case] = &[
    Case::new("host closes after the peer has closed", "RFC 9293 3.6; TC8 BASICS 03, 09", passive_close),
    Case::new("FIN after a gap waits for the data before it", "RFC 9293 3.10.7.4", fin_after_gap),
    Case::new("data before a FIN is delivered", "RFC 9293 3.6", data_with_fin),
    Case::new(
        "repeated FIN of the peer is acknowledged",
        "RFC 9293 3.10.7.4; TC8 FLAGS_PROCESSING 09",
        repeated_fin,
    ),
    Case::new("host that closes first acknowledges the FIN of the peer", "RFC 9293 3.6", active_close),
    Case::new("simultaneous close ends in TIME-WAIT", "RFC 9293 3.6, figure 13", simultaneous_close),
    Case::new("reset in TIME-WAIT is ignored", "RFC 1337 3", reset_in_time_wait)
        .linux_differs("ends TIME-WAIT after a reset (tcp_rfc1337 is 0)"),
    Case::new("newer SYN in TIME-WAIT opens a connection", "RFC 6191 2", reuse),
    Case::new("older SYN in TIME-WAIT gets an ACK", "RFC 9293 3.10.7.4; RFC 6191 2", old_syn),
    Case::new("reset at the expected sequence number ends the connection", "RFC 9293 3.10.7.4", reset),
];

impl Peer<'_> {
    /// Receives the FIN of the host, and acknowledges it. Returns the data before the FIN.
    fn read_to_fin(&mut self) -> Result<Vec<u8>, String> {
        let (data, _) = self.receive_fin()?;
        self.send(&self.segment(ACK, b""))?;
        Ok(data)
    }

    /// Receives the FIN of the host. Returns the data before the FIN, and the segment with the FIN.
    fn receive_fin(&mut self) -> Result<(Vec<u8>, Received), String> {
        let mut data = Vec::new();
        loop {
            let received = self.next()?;
            if received.flags & RST != 0 {
                return Err("reset instead of a FIN".to_owned());
            }
            if received.sequence != self.expected {
                continue;
            }
            data.extend(&received.data);
            self.accept(&received);
            if received.flags & FIN != 0 {
                return Ok((data, received));
            }
        }
    }

    /// Expects that the host has no connection: data gets a reset.
    fn expect_closed(&mut self) -> CaseResult {
        self.expect_reset(&self.segment(PSH | ACK, b"data"))
    }

    /// Repeats the FIN, which precedes [`Peer::next`], and expects an acknowledgment.
    fn expect_ack_of_repeated_fin(&mut self) -> CaseResult {
        let fin = Segment { sequence: self.next.wrapping_sub(1), ..self.segment(FIN | ACK, b"") };
        self.expect_ack(&fin).map(drop)
    }
}

// proves: rfc9293-close, rfc9293-fin
fn passive_close(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, ECHO, &[], |peer| {
        peer.send_fin()?;
        let (data, fin) = peer.receive_fin()?;
        if !data.is_empty() || fin.acknowledgment != peer.next {
            return Err(format!("{} bytes of data and {fin}", data.len()));
        }
        peer.expect_none(&peer.segment(ACK, b""))?;
        peer.expect_closed()
    })
}

// proves: rfc9293-fin
fn fin_after_gap(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, ECHO, &[], |peer| {
        let fin = Segment { sequence: peer.next.wrapping_add(4), ..peer.segment(FIN | ACK, b"") };
        peer.expect_ack(&fin)?;
        peer.send_data(b"data")?;
        peer.next = peer.next.wrapping_add(1);
        match peer.read_to_fin()?.as_slice() {
            b"data" => Ok(()),
            other => Err(format!("the echo service returned {other:02x?}")),
        }
    })
}

fn data_with_fin(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, ECHO, &[], |peer| {
        let sent = data(1_000);
        peer.send(&peer.segment(FIN | PSH | ACK, &sent))?;
        peer.next = peer.next.wrapping_add(1_001);
        let received = peer.read_to_fin()?;
        if received == sent { Ok(()) } else { Err(format!("{} bytes instead of 1,000", received.len())) }
    })
}

fn repeated_fin(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, ECHO, &[], |peer| {
        peer.send_fin()?;
        peer.receive_fin()?;
        // The host is in LAST-ACK, because its FIN is not acknowledged.
        let expected = peer.expected;
        peer.expected = expected.wrapping_sub(1);
        let fin = Segment { sequence: peer.next.wrapping_sub(1), ..peer.segment(FIN | ACK, b"") };
        peer.expected = expected;
        peer.expect_ack(&fin).map(drop)
    })
}

// proves: rfc9293-time-wait-fin
fn active_close(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DAYTIME, &[], |peer| {
        if peer.read_to_fin()?.is_empty() {
            return Err("no data before the FIN".to_owned());
        }
        let fin = peer.segment(FIN | ACK, b"");
        peer.next = peer.next.wrapping_add(1);
        peer.expect_ack(&fin)?;
        peer.expect_ack_of_repeated_fin()
    })
}

// proves: rfc9293-fin-acknowledged
fn simultaneous_close(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DAYTIME, &[], |peer| {
        let (data, _) = peer.receive_fin()?;
        // The FIN of the peer acknowledges the data of the host, and not its FIN.
        let expected = peer.expected;
        let fin = Segment { acknowledgment: expected.wrapping_sub(1), ..peer.segment(FIN | ACK, b"") };
        peer.next = peer.next.wrapping_add(1);
        peer.expect_ack(&fin).map_err(|error| format!("in CLOSING after {} bytes: {error}", data.len()))?;
        peer.expect_none(&peer.segment(ACK, b""))?;
        peer.expect_ack_of_repeated_fin().map_err(|error| format!("in TIME-WAIT: {error}"))
    })
}

impl Peer<'_> {
    /// Brings the connection to TIME-WAIT.
    fn enter_time_wait(&mut self) -> CaseResult {
        self.read_to_fin()?;
        let fin = self.segment(FIN | ACK, b"");
        self.next = self.next.wrapping_add(1);
        self.expect_ack(&fin).map(drop)
    }
}

fn reset_in_time_wait(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DAYTIME, &[], |peer| {
        peer.enter_time_wait()?;
        peer.expect_none(&peer.segment(RST, b""))?;
        peer.expect_ack_of_repeated_fin()
    })
}

// proves: rfc6191-sequence, rfc6191-initial
fn reuse(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DAYTIME, &[], |peer| {
        peer.enter_time_wait()?;
        let before = peer.expected;
        peer.next = peer.next.wrapping_add(100_000);
        let reply = peer.open(&[])?;
        if reply.sequence.wrapping_sub(before) < 1 << 31 {
            return Ok(());
        }
        Err(format!("initial sequence number {} is not after {before}", reply.sequence))
    })
}

// proves: rfc6191-refused
fn old_syn(wire: &mut FrameSocket) -> CaseResult {
    connected(wire, DAYTIME, &[], |peer| {
        peer.enter_time_wait()?;
        let syn = Segment { sequence: peer.next.wrapping_sub(1_000), ..peer.segment(SYN, b"") };
        peer.expect_ack(&syn).map(drop)
    })
}

// proves: rfc9293-reset-states
fn reset(wire: &mut FrameSocket) -> CaseResult {
    for flags in [RST, RST | ACK] {
        connected(wire, ECHO, &[], |peer| {
            peer.expect_none(&peer.segment(flags, b""))?;
            peer.expect_closed()
        })?;
    }
    Ok(())
}
