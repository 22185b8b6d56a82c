//! Exchange of UDP datagrams with the services of the host.

use super::case::CaseResult;
use super::exchange::describe;
use super::frame_socket::FrameSocket;
use super::frames::hex;
use super::session::Station;
use super::udp_datagrams::{ECHO, ReceivedUdp, Udp};

/// Source port of the requests that end an exchange.
const LAST_REQUEST: u16 = 54_321;

impl FrameSocket {
    /// Makes the host learn a peer, sends the frames of the peer, and returns all frames that the host sends.
    ///
    /// A service may reply later than the host replies to ARP requests. Therefore a request to the echo service follows,
    /// which replies to requests in order.
    pub(crate) fn exchange_udp(&mut self, from: Station, frames: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
        self.introduce(from)?;
        for frame in frames {
            self.send(frame)?;
        }
        let last = Udp { source: LAST_REQUEST, ..Udp::to(ECHO) };
        self.send(&last.frame(from, b"last"))?;
        let mut received = Vec::new();
        loop {
            let frame = self.next_reply("reply from the echo service")?;
            let udp = ReceivedUdp::read(std::slice::from_ref(&frame), from);
            if udp.is_ok_and(|udp| udp.is_echo(last, b"last")) {
                break;
            }
            received.push(frame);
        }
        received.extend(self.collect()?);
        Ok(received)
    }

    /// Expects an echo of this data, and no other frame, after these frames of a peer.
    pub(crate) fn expect_udp_echo(
        &mut self,
        from: Station,
        frames: &[Vec<u8>],
        sent: Udp,
        data: &[u8],
    ) -> Result<ReceivedUdp, String> {
        let received = self.exchange_udp(from, frames)?;
        let echo = ReceivedUdp::read(&received, from)
            .map_err(|error| format!("{error}; sent {}", describe(frames)))?;
        if echo.is_echo(sent, data) {
            return Ok(echo);
        }
        Err(format!("reply to {}: {}", describe(frames), hex(&echo.ip.data)))
    }

    /// Expects an echo of this data after one frame of a peer.
    pub(crate) fn expect_whole_udp_echo(&mut self, from: Station, sent: Udp, data: &[u8]) -> CaseResult {
        self.expect_udp_echo(from, &[sent.frame(from, data)], sent, data).map(drop)
    }

    /// Expects no frame from the host after each of these frames of a peer.
    pub(crate) fn expect_no_udp(&mut self, from: Station, frames: &[Vec<u8>]) -> CaseResult {
        for frame in frames {
            if let Some(reply) = self.exchange_udp(from, std::slice::from_ref(frame))?.first() {
                return Err(format!("reply to {}: {}", hex(frame), hex(reply)));
            }
        }
        Ok(())
    }
}
