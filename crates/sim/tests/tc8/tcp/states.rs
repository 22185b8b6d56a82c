//! The states of a connection, and how the tester leads the host to them.

use std::fmt;

use tcp::Flags;

use super::tester::{TcpTester, expect_flags, one};
use crate::tester::CaseResult;

/// A state of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
}

/// The states after the handshake.
pub(super) const SYNCHRONIZED: [Stage; 7] = [
    Stage::Established,
    Stage::FinWait1,
    Stage::FinWait2,
    Stage::CloseWait,
    Stage::Closing,
    Stage::LastAck,
    Stage::TimeWait,
];

impl TcpTester {
    /// Leads the host to a state with a new connection.
    pub(super) fn reach(&mut self, stage: Stage) -> CaseResult {
        self.start_again()?;
        match stage {
            Stage::SynSent => return self.open().map(drop),
            Stage::SynReceived => return self.send_syn(),
            _ => {}
        }
        self.send_syn()?;
        self.establish()?;
        let is_close_wait = matches!(stage, Stage::CloseWait | Stage::LastAck);
        match stage {
            Stage::Established => return Ok(()),
            _ if is_close_wait => self.send_fin()?,
            _ => self.receive_fin()?,
        }
        match stage {
            Stage::FinWait2 | Stage::TimeWait => {
                let ack = self.segment(Flags::ACK);
                self.send(&ack)?;
                if stage == Stage::TimeWait {
                    self.send_fin()?;
                }
            }
            Stage::LastAck => self.receive_fin()?,
            Stage::Closing => {
                // The FIN of the tester does not acknowledge the FIN of the host.
                let fin = self.segment(Flags::FIN | Flags::ACK);
                let before = self.expected.minus(1);
                self.next = self.next.plus(1);
                let sent = self.send(&fin.acknowledging(before))?;
                self.expect_ack(sent)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Sends a SYN, and expects SYN,ACK.
    pub(super) fn send_syn(&mut self) -> CaseResult {
        let syn = self.segment(Flags::SYN).acknowledging(tcp::SequenceNumber::new(0));
        self.next = self.next.plus(1);
        let syn_ack = one(self.send(&syn)?)?;
        expect_flags(&syn_ack, Flags::SYN | Flags::ACK)?;
        self.expected = syn_ack.segment.sequence.plus(1);
        Ok(())
    }

    /// Acknowledges the SYN of the host, which then accepts the connection.
    pub(super) fn establish(&mut self) -> CaseResult {
        let ack = self.segment(Flags::ACK);
        self.send(&ack)?;
        self.accept()
    }

    /// Sends a FIN, and expects its acknowledgment.
    pub(super) fn send_fin(&mut self) -> CaseResult {
        let fin = self.segment(Flags::FIN | Flags::ACK);
        self.next = self.next.plus(1);
        let sent = self.send(&fin)?;
        self.expect_ack(sent)
    }

    /// Lets the host close the connection, and expects its FIN.
    pub(super) fn receive_fin(&mut self) -> CaseResult {
        let fin = one(self.shutdown()?)?;
        expect_flags(&fin, Flags::FIN | Flags::ACK)?;
        self.expect_numbers(&fin)?;
        self.expected = self.expected.plus(1);
        Ok(())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SynSent => "SYN-SENT",
            Self::SynReceived => "SYN-RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN-WAIT-1",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::CloseWait => "CLOSE-WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST-ACK",
            Self::TimeWait => "TIME-WAIT",
        })
    }
}
