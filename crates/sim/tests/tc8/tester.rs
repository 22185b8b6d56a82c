//! The tester: sends frames to the host under test, and captures the frames that the host sends.

use std::error::Error;
use std::time::Duration;

use arp::{LearningPolicy, NeighborSettings};
use host::{HostConfig, SendOutcome};
use link::EtherType;
use sim::{Faults, NodeId, ScriptedFrame, Segment};
use tap::Instant;

use crate::fault_injector::FaultInjector;
use crate::packets::{self as p, Field, HOST, PEER, SECOND, Station};

/// Error of a failed case.
pub(crate) type CaseError = Box<dyn Error>;

/// Result of a case.
pub(crate) type CaseResult = Result<(), CaseError>;

/// EtherType of the payloads that the host sends.
pub(crate) const TEST: EtherType = EtherType(0x88b5);

/// Lifetime of an unconfirmed ARP cache entry, below the 5 seconds after which the host probes an entry in use.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(4);

/// Time for which the tester captures frames after each action.
const LISTEN: Duration = Duration::from_millis(500);

pub(crate) struct Tester {
    segment: Segment,
    host: NodeId,
}

/// Frames of the host that the tester has captured.
pub(crate) struct ReceivedFrames {
    arp: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
}

impl Tester {
    /// Creates a tester on a segment with a newly started host, and optionally a fault injector.
    pub(crate) fn new(policy: LearningPolicy, fault: Option<FaultInjector>) -> Result<Tester, CaseError> {
        let mut segment = Segment::new(Instant::ORIGIN, Faults::NONE);
        let address = format!("{}/24", HOST.ip).parse()?;
        let table = NeighborSettings { timeout: TIMEOUT, ..NeighborSettings::default() };
        let config = HostConfig { policy, table, ..HostConfig::new(address, HOST.mac) };
        let host = segment.add(&config)?;
        if let Some(fault) = fault {
            segment.intercept(host, move |_, bytes| -> Vec<ScriptedFrame> { fault.inject(bytes) });
        }
        Ok(Tester { segment, host })
    }

    /// Sends a frame to the host, and captures the frames that the host sends.
    pub(crate) fn send_frame(&mut self, frame: &[u8]) -> Result<ReceivedFrames, CaseError> {
        self.segment.inject(frame);
        self.listen()
    }

    /// Makes the host send a payload, and captures the frames that the host sends.
    pub(crate) fn send_payload(&mut self, to: Station) -> Result<ReceivedFrames, CaseError> {
        let sent = self.segment.send(self.host, to.ip, TEST, b"a payload");
        if matches!(sent, SendOutcome::Dropped(_)) {
            return Err("the host did not accept the payload".into());
        }
        self.listen()
    }

    /// Advances the clock to a time since the start. Frames sent before this time are not captured.
    pub(crate) fn wait_until(&mut self, since_start: Duration) -> CaseResult {
        self.segment.run_until(Instant::ORIGIN + since_start)?;
        self.segment.take_captured();
        Ok(())
    }

    fn listen(&mut self) -> Result<ReceivedFrames, CaseError> {
        self.segment.run_for(LISTEN)?;
        let all = self.segment.take_captured().into_iter().map(|frame| frame.bytes);
        let (arp, payloads) = all.partition(|bytes| p::expect_field(bytes, p::ETHER_TYPE, &[8, 6]).is_ok());
        Ok(ReceivedFrames { arp, payloads })
    }

    /// Expects the host to send a payload to `to` without an ARP request. Returns the frame.
    pub(crate) fn expect_immediate_payload(&mut self, to: Station) -> Result<Vec<u8>, CaseError> {
        let received = self.send_payload(to)?;
        if !received.arp.is_empty() {
            return Err("the host sent a request for a known address".into());
        }
        single(received.payloads, "payload")
    }

    /// Expects the host to send a payload to the MAC address of `to` without an ARP request.
    pub(crate) fn expect_payload_to(&mut self, to: Station) -> CaseResult {
        let frame = self.expect_immediate_payload(to)?;
        p::expect_field(&frame, p::DESTINATION, &to.mac.bytes())
    }

    /// Expects the host to send an ARP request for `target` instead of a payload. Returns the request.
    pub(crate) fn expect_request_for(&mut self, target: Station) -> Result<Vec<u8>, CaseError> {
        let received = self.send_payload(target)?;
        if !received.payloads.is_empty() {
            return Err("the host sent a payload to an unresolved address".into());
        }
        single(received.arp, "request")
    }

    /// Expects these bytes in a field of the host's request for [`PEER`].
    pub(crate) fn expect_request_field(&mut self, field: Field, bytes: &[u8]) -> CaseResult {
        p::expect_field(&self.expect_request_for(PEER)?, field, bytes)
    }

    /// Expects the host to answer `frame` with one ARP packet. Returns the reply.
    pub(crate) fn expect_reply(&mut self, frame: &[u8]) -> Result<Vec<u8>, CaseError> {
        single(self.send_frame(frame)?.arp, "reply")
    }

    /// Expects these bytes in a field of the host's reply to a request of [`PEER`].
    pub(crate) fn expect_reply_field(&mut self, field: Field, bytes: &[u8]) -> CaseResult {
        p::expect_field(&self.expect_reply(&p::request(PEER))?, field, bytes)
    }

    /// Expects the host to answer `frame`, a request of `from`, with a reply in which every field is correct.
    pub(crate) fn expect_correct_reply(&mut self, frame: &[u8], from: Station) -> CaseResult {
        let reply = self.expect_reply(frame)?;
        p::expect_field(&reply, p::DESTINATION, &from.mac.bytes())?;
        p::expect_field(&reply, p::SOURCE, &HOST.mac.bytes())?;
        p::expect_field(&reply, p::HARDWARE_TYPE, &[0, 1])?;
        p::expect_field(&reply, p::PROTOCOL_TYPE, &[8, 0])?;
        p::expect_field(&reply, p::HARDWARE_LENGTH, &[6])?;
        p::expect_field(&reply, p::PROTOCOL_LENGTH, &[4])?;
        p::expect_field(&reply, p::OPERATION, &[0, 2])?;
        p::expect_field(&reply, p::SENDER_HARDWARE, &HOST.mac.bytes())?;
        p::expect_field(&reply, p::SENDER_PROTOCOL, &HOST.ip.octets())?;
        p::expect_field(&reply, p::TARGET_HARDWARE, &from.mac.bytes())?;
        p::expect_field(&reply, p::TARGET_PROTOCOL, &from.ip.octets())
    }

    /// Expects the host not to answer `frame`, but to answer a request of [`SECOND`] afterwards.
    pub(crate) fn expect_no_reply(&mut self, frame: &[u8]) -> CaseResult {
        let ReceivedFrames { arp, payloads } = self.send_frame(frame)?;
        match arp.len() + payloads.len() {
            0 => self.expect_correct_reply(&p::request(SECOND), SECOND),
            count => Err(format!("expected no frame, received {count}").into()),
        }
    }

    /// Expects the host to send its pending payload to `target` once, after the reception of `frame`.
    pub(crate) fn expect_pending_payload(&mut self, frame: &[u8], target: Station) -> CaseResult {
        let payload = single(self.send_frame(frame)?.payloads, "payload")?;
        p::expect_field(&payload, p::DESTINATION, &target.mac.bytes())
    }
}

/// Returns the only frame.
fn single(mut received: Vec<Vec<u8>>, what: &str) -> Result<Vec<u8>, CaseError> {
    match (received.len(), received.pop()) {
        (1, Some(frame)) => Ok(frame),
        (count, _) => Err(format!("expected one {what}, received {count}").into()),
    }
}
