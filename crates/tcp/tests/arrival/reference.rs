//! Segment arrival (RFC 9293 3.10.7), written from the text, sentence by sentence, on plain numbers.
//!
//! The reference is slow and has no buffers: it processes one segment. Where the text permits several behaviors, a
//! comment names the requirement that selects one.

/// State of a connection or listener (RFC 9293 3.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Closed,
    Listen,
    SynSent,
    /// SYN-RECEIVED from LISTEN.
    SynReceivedPassive,
    /// SYN-RECEIVED from SYN-SENT.
    SynReceivedActive,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
}

/// The transmission control block (RFC 9293 3.3.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) place: Place,
    pub(crate) iss: u32,
    pub(crate) snd_una: u32,
    pub(crate) snd_nxt: u32,
    /// The largest window that the peer has sent (RFC 9293 3.10.7.4, fifth check).
    pub(crate) max_snd_wnd: u32,
    pub(crate) rcv_nxt: u32,
    pub(crate) rcv_wnd: u32,
    /// Whether SND.NXT is behind the local FIN.
    pub(crate) has_sent_fin: bool,
}

/// A segment. The sequence numbers and flags have the names of RFC 9293.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "the flags of a segment are independent")]
pub(crate) struct Arrival {
    pub(crate) seq: u32,
    /// The acknowledgment number, if the flag ACK is set.
    pub(crate) ack: Option<u32>,
    pub(crate) syn: bool,
    pub(crate) fin: bool,
    pub(crate) rst: bool,
    pub(crate) urg: bool,
    /// The urgent pointer, significant only with URG.
    pub(crate) up: u32,
    /// Length of the data.
    pub(crate) data: u32,
}

/// A segment that the host sends in reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// `<SEQ=..><ACK=..><CTL=ACK>`
    Ack { seq: u32, ack: u32 },
    /// `<SEQ=..><ACK=..><CTL=SYN,ACK>`
    SynAck { seq: u32, ack: u32 },
    /// `<SEQ=..><CTL=RST>`
    Reset { seq: u32 },
    /// `<SEQ=0><ACK=..><CTL=RST,ACK>`
    ResetAck { ack: u32 },
    /// Another segment, which the text never requires.
    Other { flags: u8, seq: u32, ack: u32 },
}

/// What the user learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Refused,
    Reset,
    /// Both sides have closed.
    Closed,
    /// Another end, which no segment causes.
    Other,
}

/// What the arrival of a segment causes, apart from the new block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    /// The segments that the host sends: one at most (MUST-59).
    pub(crate) replies: Vec<Reply>,
    pub(crate) signal: Option<Signal>,
    /// Number of bytes that become readable.
    pub(crate) delivered: u32,
    /// Whether the user learns of urgent data.
    pub(crate) is_urgent: bool,
}

impl Effect {
    fn replying(reply: impl Into<Option<Reply>>) -> Effect {
        Effect { replies: reply.into().into_iter().collect(), ..Effect::default() }
    }
}

/// `a < b`, modulo 2^32.
fn less(a: u32, b: u32) -> bool {
    a != b && b.wrapping_sub(a) < 1 << 31
}

/// `a =< b`, modulo 2^32.
fn at_most(a: u32, b: u32) -> bool {
    a == b || less(a, b)
}

impl Arrival {
    /// SEG.LEN.
    fn len(&self) -> u32 {
        self.data + u32::from(self.syn) + u32::from(self.fin)
    }

    /// "<SEQ=SEG.ACK><CTL=RST>" or "<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>".
    fn reset(&self) -> Reply {
        match self.ack {
            Some(seq) => Reply::Reset { seq },
            None => Reply::ResetAck { ack: self.seq.wrapping_add(self.len()) },
        }
    }
}

impl Block {
    /// Processes a segment. A listener has selected the initial sequence number ISS already.
    pub(crate) fn segment_arrives(&mut self, segment: &Arrival) -> Effect {
        match self.place {
            Place::Closed => closed(segment),
            Place::Listen => self.listen(segment),
            Place::SynSent => self.syn_sent(segment),
            _ => self.other_states(segment),
        }
    }

    /// 3.10.7.2
    fn listen(&mut self, segment: &Arrival) -> Effect {
        // "First, check for a RST: ... An incoming RST should be ignored. Return."
        if segment.rst {
            return Effect::default();
        }
        // "Second, check for an ACK: ... The RST should be formatted as follows: <SEQ=SEG.ACK><CTL=RST>"
        if let Some(seq) = segment.ack {
            return Effect::replying(Reply::Reset { seq });
        }
        // "Third, check for a SYN". tcp-listen-flags: a SYN with FIN is dropped.
        if !segment.syn || segment.fin {
            return Effect::default();
        }
        // "Set RCV.NXT to SEG.SEQ+1". tcp-listen-data: data of the SYN is not acknowledged.
        self.rcv_nxt = segment.seq.wrapping_add(1);
        // "SND.NXT is set to ISS+1 and SND.UNA to ISS. The connection state should be changed to SYN-RECEIVED."
        (self.snd_una, self.snd_nxt) = (self.iss, self.iss.wrapping_add(1));
        self.place = Place::SynReceivedPassive;
        Effect::replying(self.syn_ack())
    }

    /// 3.10.7.3
    fn syn_sent(&mut self, segment: &Arrival) -> Effect {
        // "First, check the ACK bit: ... If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset (unless the RST bit is set,
        // if so drop the segment and return)"
        if let Some(ack) = segment.ack
            && (at_most(ack, self.iss) || less(self.snd_nxt, ack))
        {
            return Effect::replying((!segment.rst).then_some(Reply::Reset { seq: ack }));
        }
        // "Second, check the RST bit: ... If the ACK was acceptable, then signal to the user "error: connection reset" ...
        // Otherwise (no ACK), drop the segment and return." The user learns that the connection was refused.
        if segment.rst {
            return match segment.ack {
                Some(_) => self.end(Signal::Refused),
                None => Effect::default(),
            };
        }
        // "Fifth, if neither of the SYN or RST bits is set, then drop the segment and return."
        if !segment.syn {
            return Effect::default();
        }
        // "Fourth, check the SYN bit: ... RCV.NXT is set to SEG.SEQ+1 ... SND.UNA should be advanced to equal SEG.ACK (if
        // there is an ACK)"
        self.rcv_nxt = segment.seq.wrapping_add(1);
        let Some(ack) = segment.ack else {
            // "Otherwise, enter SYN-RECEIVED, form a SYN,ACK segment ... and send it." Other controls and text are not
            // acknowledged, so the peer sends them again.
            self.place = Place::SynReceivedActive;
            return Effect::replying(self.syn_ack());
        };
        self.snd_una = ack;
        // "If SND.UNA > ISS (our SYN has been ACKed), change the connection state to ESTABLISHED, form an ACK segment"
        self.place = Place::Established;
        // "If there are other controls or text in the segment, then continue processing at the sixth step"
        let mut effect = Effect::default();
        self.process_text(segment, self.rcv_nxt, segment.data, segment.fin, &mut effect);
        effect.replies = vec![self.ack()];
        effect
    }

    /// 3.10.7.4
    fn other_states(&mut self, segment: &Arrival) -> Effect {
        // "First, check sequence number": Table 6.
        let (start, len) = (segment.seq, segment.len());
        let is_in_window = |number: u32| number.wrapping_sub(self.rcv_nxt) < self.rcv_wnd;
        let is_acceptable = match (len, self.rcv_wnd) {
            (0, 0) => start == self.rcv_nxt,
            (0, _) => is_in_window(start),
            (_, 0) => false,
            (_, _) => is_in_window(start) || is_in_window(start.wrapping_add(len).wrapping_sub(1)),
        };
        // "If the RCV.WND is zero, no segments will be acceptable, but special allowance should be made to accept valid ACKs,
        // URGs, and RSTs." The allowance is for a segment that begins at RCV.NXT.
        let is_allowed = self.rcv_wnd == 0 && start == self.rcv_nxt;
        if !is_acceptable && !is_allowed {
            // "If an incoming segment is not acceptable, an acknowledgment should be sent in reply (unless the RST bit is
            // set, if so drop the segment and return)"
            return Effect::replying((!segment.rst).then_some(self.ack()));
        }
        // "Second, check the RST bit"
        if segment.rst {
            return self.reset(segment);
        }
        // "Fourth, check the SYN bit"
        if segment.syn {
            return self.syn();
        }
        // "Fifth, check the ACK field: if the ACK bit is off, drop the segment and return"
        let Some(ack) = segment.ack else {
            return Effect::replying((!is_acceptable).then_some(self.ack()));
        };
        if let Some(effect) = self.acknowledge(ack) {
            return effect;
        }
        // "In the following it is assumed that the segment is the idealized segment that begins at RCV.NXT and does not
        // exceed the window." The number of bytes, and the FIN, that remain in the window:
        let old = if less(start, self.rcv_nxt) { self.rcv_nxt.wrapping_sub(start) } else { 0 };
        let first = start.wrapping_add(old);
        let space = self.rcv_nxt.wrapping_add(self.rcv_wnd).wrapping_sub(first);
        let unread = segment.data.saturating_sub(old);
        let has_new_fin = segment.fin && old <= segment.data && unread < space;
        let mut effect = Effect::default();
        self.process_text(segment, first, unread.min(space), has_new_fin, &mut effect);
        // RFC 2883 4 reports data that was received before in the acknowledgment of its segment. The second condition is the
        // acknowledgment of an unacceptable segment in a window of zero.
        if old > 0 || !is_acceptable {
            effect.replies = vec![self.ack()];
        }
        effect
    }

    /// "Second, check the RST bit", with the three checks of RFC 5961.
    fn reset(&mut self, segment: &Arrival) -> Effect {
        // "3) If the RST bit is set and the sequence number does not exactly match the next expected sequence value, yet
        // is within the current receive window, TCP endpoints MUST send an acknowledgment (challenge ACK)". A segment
        // with an older sequence number is acceptable because of its data: "1) If the RST bit is set and the sequence
        // number is outside the current receive window, silently drop the segment."
        // rfc9293-time-wait-reset: a reset in TIME-WAIT is ignored.
        if self.place == Place::TimeWait {
            return Effect::default();
        }
        if segment.seq != self.rcv_nxt {
            return Effect::replying(less(self.rcv_nxt, segment.seq).then_some(self.ack()));
        }
        match self.place {
            // "If this connection was initiated with a passive OPEN ..., then return this connection to LISTEN state and
            // return. The user need not be informed."
            Place::SynReceivedPassive => {
                self.place = Place::Closed;
                Effect::default()
            }
            // "... then the connection was refused; signal the user "connection refused""
            Place::SynReceivedActive => self.end(Signal::Refused),
            // "Users should also receive an unsolicited general "connection reset" signal."
            Place::Established | Place::FinWait1 | Place::FinWait2 | Place::CloseWait => {
                self.end(Signal::Reset)
            }
            // "CLOSING STATE, LAST-ACK STATE, TIME-WAIT STATE: If the RST bit is set, then enter the CLOSED state"
            _ => self.end(Signal::Closed),
        }
    }

    /// "Fourth, check the SYN bit"
    fn syn(&mut self) -> Effect {
        // "If the connection was initiated with a passive OPEN, then return this connection to the LISTEN state"
        if self.place == Place::SynReceivedPassive {
            self.place = Place::Closed;
            return Effect::default();
        }
        // "irrespective of the sequence number, TCP endpoints MUST send a "challenge ACK" to the remote peer"
        Effect::replying(self.ack())
    }

    /// "Fifth, check the ACK field". Returns the effect if processing ends here.
    fn acknowledge(&mut self, ack: u32) -> Option<Effect> {
        if matches!(self.place, Place::SynReceivedPassive | Place::SynReceivedActive) {
            // "If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state and continue processing"
            if less(self.snd_una, ack) && at_most(ack, self.snd_nxt) {
                self.place = Place::Established;
                self.snd_una = ack;
                return None;
            }
            // "If the segment acknowledgment is not acceptable, form a reset segment <SEQ=SEG.ACK><CTL=RST>"
            return Some(Effect::replying(Reply::Reset { seq: ack }));
        }
        // RFC 9293 3.10.7.4: "the ACK value is acceptable only if it is in the range of ((SND.UNA - MAX.SND.WND) =< SEG.ACK
        // =< SND.NXT). All incoming segments whose ACK value doesn't satisfy the above condition MUST be discarded and an
        // ACK sent back."
        let oldest = self.snd_una.wrapping_sub(self.max_snd_wnd);
        if !(at_most(oldest, ack) && at_most(ack, self.snd_nxt)) {
            return Some(Effect::replying(self.ack()));
        }
        // "If SND.UNA < SEG.ACK =< SND.NXT, then set SND.UNA <- SEG.ACK."
        if less(self.snd_una, ack) {
            self.snd_una = ack;
        }
        let is_fin_acknowledged = self.has_sent_fin && self.snd_una == self.snd_nxt;
        match self.place {
            // "if the FIN segment is now acknowledged, then enter FIN-WAIT-2 and continue processing in that state"
            Place::FinWait1 if is_fin_acknowledged => self.place = Place::FinWait2,
            // "if the ACK acknowledges our FIN, then enter the TIME-WAIT state; otherwise, ignore the segment"
            Place::Closing if is_fin_acknowledged => self.place = Place::TimeWait,
            // "If our FIN is now acknowledged, delete the TCB, enter the CLOSED state, and return."
            Place::LastAck if is_fin_acknowledged => return Some(self.end(Signal::Closed)),
            // TIME-WAIT: "The only thing that can arrive in this state is a retransmission of the remote FIN. Acknowledge
            // it". The FIN is outside the receive window, so the first check has acknowledged it.
            _ => {}
        }
        None
    }

    /// "Sixth, check the URG bit", "Seventh, process the segment text" and "Eighth, check the FIN bit", for text and FIN
    /// in the window.
    fn process_text(&mut self, segment: &Arrival, first: u32, text: u32, fin: bool, effect: &mut Effect) {
        let can_receive = matches!(self.place, Place::Established | Place::FinWait1 | Place::FinWait2);
        // "If the URG bit is set, RCV.UP <- max(RCV.UP,SEG.UP), and signal the user". In other states: "Ignore the URG."
        let pointer = segment.seq.wrapping_add(segment.up);
        effect.is_urgent = segment.urg && can_receive && less(self.rcv_nxt, pointer);
        // "CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT STATE: ... Ignore the segment text." The peer's FIN is before RCV.NXT in
        // these states, so text or a FIN in the window cannot be from a correct peer.
        if !can_receive || text == 0 && !fin {
            return;
        }
        effect.replies = vec![self.ack()];
        // "Segments with higher beginning sequence numbers SHOULD be held for later processing (SHLD-31)." RFC 5681 4.2:
        // "A TCP receiver SHOULD send an immediate duplicate ACK when an out-of-order segment arrives."
        if first != self.rcv_nxt {
            return;
        }
        effect.delivered = text;
        self.rcv_nxt = self.rcv_nxt.wrapping_add(text);
        if fin {
            // "advance RCV.NXT over the FIN, and send an acknowledgment for the FIN"
            self.rcv_nxt = self.rcv_nxt.wrapping_add(1);
            self.place = match self.place {
                Place::FinWait1 => Place::Closing,
                Place::FinWait2 => Place::TimeWait,
                _ => Place::CloseWait,
            };
        }
        effect.replies = vec![self.ack()];
    }

    /// "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>"
    fn ack(&self) -> Reply {
        Reply::Ack { seq: self.snd_nxt, ack: self.rcv_nxt }
    }

    /// "<SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>"
    pub(crate) fn syn_ack(&self) -> Reply {
        Reply::SynAck { seq: self.iss, ack: self.rcv_nxt }
    }

    /// "Enter the CLOSED state, delete the TCB, and return."
    fn end(&mut self, signal: Signal) -> Effect {
        self.place = Place::Closed;
        Effect { signal: Some(signal), ..Effect::default() }
    }
}

/// 3.10.7.1
fn closed(segment: &Arrival) -> Effect {
    // "An incoming segment containing a RST is discarded. An incoming segment not containing a RST causes a RST to be sent
    // in response."
    Effect::replying((!segment.rst).then(|| segment.reset()))
}
