//! The arrival of a segment, in each state, for each kind of segment and place in the window, compared with a reference
//! that was written straight from RFC 9293 3.10.7.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod connection;
mod listener;
mod reference;

use connection::Subject;
use listener::Listening;
use reference::{Arrival, Block, Effect, Place};

/// The states of a connection.
const PLACES: [Place; 10] = [
    Place::SynSent,
    Place::SynReceivedPassive,
    Place::SynReceivedActive,
    Place::Established,
    Place::FinWait1,
    Place::FinWait2,
    Place::CloseWait,
    Place::Closing,
    Place::LastAck,
    Place::TimeWait,
];
/// The states in which the peer can fill the receive window.
const RECEIVING: [Place; 3] = [Place::Established, Place::FinWait1, Place::FinWait2];
/// Initial sequence numbers of both sides: the places where comparisons modulo 2^32 fail first.
const INITIAL_SEQUENCES: [u32; 4] = [0, i32::MAX.cast_unsigned(), 1 << 31, u32::MAX];
/// Length of the data of a segment with data.
const DATA: u32 = 100;
/// Urgent pointer of each segment.
const URGENT_POINTER: u32 = 100;

/// A kind of segment: whether it has SYN, FIN, RST and URG, and the length of its data.
type Kind = (bool, bool, bool, bool, u32);

/// The kinds of segments.
const KINDS: [Kind; 14] = [
    (false, false, false, false, 0),
    (false, false, false, false, DATA),
    (false, true, false, false, 0),
    (false, true, false, false, DATA),
    (false, false, true, false, 0),
    (false, false, true, false, DATA),
    (false, true, true, false, 0),
    (false, false, false, true, 0),
    (false, true, false, true, DATA),
    (true, false, false, false, 0),
    (true, false, false, false, DATA),
    (true, true, false, false, 0),
    (true, false, true, false, 0),
    (true, true, true, true, DATA),
];

/// Returns the sequence numbers of a segment: before the window, at its edges, in it, and behind it.
fn sequences(block: &Block, length: u32) -> [u32; 10] {
    let (next, edge) = (block.rcv_nxt, block.rcv_nxt.wrapping_add(block.rcv_wnd));
    [
        next.wrapping_sub(1_000),
        next.wrapping_sub(length),
        next.wrapping_sub(length / 2),
        next.wrapping_sub(1),
        next,
        next.wrapping_add(500),
        edge.wrapping_sub(1),
        edge.wrapping_sub(length / 2),
        edge,
        next.wrapping_add(1 << 30),
    ]
}

/// Returns the acknowledgment numbers of a segment: none, too old, old, at the edges of the data in flight, in it, and
/// behind it.
fn acknowledgments(block: &Block) -> [Option<u32>; 8] {
    let oldest = block.snd_una.wrapping_sub(block.max_snd_wnd);
    [
        None,
        Some(oldest.wrapping_sub(1)),
        Some(oldest),
        Some(block.snd_una),
        Some(block.snd_una.wrapping_add(1)),
        Some(block.snd_nxt),
        Some(block.snd_nxt.wrapping_add(1)),
        Some(block.snd_una.wrapping_add(1 << 30)),
    ]
}

/// The number of differences that a failed test lists.
const LISTED: usize = 20;

// proves: rfc9293-syn-sent-ack, rfc9293-syn-sent-reset, rfc9293-syn-sent-established, rfc9293-simultaneous-open
// proves: rfc9293-syn-sent-other, rfc9293-acceptable, rfc9293-trim, rfc9293-reset-states, rfc9293-reset-passive
// proves: rfc9293-no-ack, rfc9293-ack-syn-received, rfc9293-ack-unsent, rfc9293-ack-old, rfc9293-fin-acknowledged
// proves: rfc9293-time-wait-fin, rfc9293-text, rfc9293-text-ignored, rfc9293-fin, rfc9293-out-of-order, rfc9293-modulo
// proves: rfc5961-reset, rfc5961-syn, rfc5961-ack
#[test]
fn connection_processes_segment_as_reference_in_each_state() {
    compare(&PLACES, false);
}

// proves: rfc9293-zero-window
#[test]
fn connection_with_zero_window_processes_segment_as_reference() {
    compare(&RECEIVING, true);
}

/// Compares all cells of the table for these states.
fn compare(places: &[Place], has_zero_window: bool) {
    let mut differences = Vec::new();
    let mut cells = 0;
    for initial in INITIAL_SEQUENCES {
        for place in places {
            let (_, block) = Subject::new(*place, initial, has_zero_window);
            for kind in KINDS {
                let (syn, fin, rst, urg, data) = kind;
                let length = data + u32::from(syn) + u32::from(fin);
                for seq in sequences(&block, length) {
                    for ack in acknowledgments(&block) {
                        cells += 1;
                        let segment = Arrival { seq, ack, syn, fin, rst, urg, up: URGENT_POINTER, data };
                        let start = Subject::new(*place, initial, has_zero_window);
                        differences.extend(difference(start, &segment));
                    }
                }
            }
        }
    }
    let listed: Vec<_> = differences.iter().take(LISTED).map(String::as_str).collect();
    assert!(
        differences.is_empty(),
        "{} of {cells} cells differ from the reference:\n{}",
        differences.len(),
        listed.join("\n")
    );
}

// proves: rfc9293-listen-reset, rfc9293-listen-ack, rfc9293-listen-syn, rfc9293-listen-other, rfc9293-listen-fin
// proves: tcp-listen-flags, tcp-listen-data
#[test]
fn listener_processes_segment_as_reference() {
    compare_listener(false);
}

// proves: rfc9293-reset-passive, rfc9293-ack-syn-received, rfc5961-reset, tcp-syn-duplicate
#[test]
fn half_open_connection_processes_segment_as_reference() {
    compare_listener(true);
}

/// Compares all cells of the table for a listener, or for its half-open connection.
fn compare_listener(is_half_open: bool) {
    for initial in INITIAL_SEQUENCES {
        let (_, block) = Listening::new(initial, is_half_open);
        for kind in KINDS {
            let (syn, fin, rst, urg, data) = kind;
            let length = data + u32::from(syn) + u32::from(fin);
            for seq in sequences(&block, length) {
                for ack in acknowledgments(&block) {
                    let segment = Arrival { seq, ack, syn, fin, rst, urg, up: URGENT_POINTER, data };
                    compare_listener_cell(Listening::new(initial, is_half_open), &segment);
                }
            }
        }
    }
}

/// Compares one cell of the table for a listener.
fn compare_listener_cell((mut listening, mut block): (Listening, Block), segment: &Arrival) {
    let before = block;
    let mut expected = block.segment_arrives(segment);
    let mut found = listening.receive(segment);
    let found_place = listening.place(&mut found);
    // tcp-syn-duplicate: the SYN of a half-open connection is answered with the same SYN,ACK again.
    if before.place == Place::SynReceivedPassive && is_syn_again(&before, segment) {
        (block, expected) = (before, Effect { replies: vec![before.syn_ack()], ..Effect::default() });
    }
    // The reference deletes a block that returns to LISTEN.
    let place = if block.place == Place::Closed { Place::Listen } else { block.place };
    assert_eq!((found_place, found), (place, expected), "{before:?}: {segment:?}");
}

/// Returns whether a segment is the SYN that has led to a half-open connection.
fn is_syn_again(block: &Block, segment: &Arrival) -> bool {
    let is_syn = segment.syn && !segment.fin && !segment.rst && !segment.urg && segment.ack.is_none();
    is_syn && segment.seq.wrapping_add(1) == block.rcv_nxt
}

/// Processes a segment with a connection and with the reference, and describes how they differ.
fn difference((mut subject, mut block): (Subject, Block), segment: &Arrival) -> Option<String> {
    let before = block;
    let expected = block.segment_arrives(segment);
    let found = subject.receive(segment);
    let found_place = subject.place();
    // The sequence numbers of a further reply are SND.NXT and RCV.NXT.
    let found_next = subject.next_sequences();
    let expected_next = is_synchronized(block.place).then_some((block.snd_nxt, block.rcv_nxt));
    let is_same = found == expected && found_place == block.place && found_next == expected_next;
    (!is_same).then(|| {
        format!(
            "{:?}, RCV.NXT {} RCV.WND {} SND.UNA {} SND.NXT {}: {segment:?}\n  expected {:?} {expected:?} \
             {expected_next:?}\n  found    {found_place:?} {found:?} {found_next:?}",
            before.place, before.rcv_nxt, before.rcv_wnd, before.snd_una, before.snd_nxt, block.place
        )
    })
}

/// Returns whether a connection in this state answers a segment outside its window.
fn is_synchronized(place: Place) -> bool {
    !matches!(place, Place::Closed | Place::SynSent | Place::SynReceivedPassive | Place::SynReceivedActive)
}

#[test]
fn segment_without_connection_is_reset_as_rfc_9293() {
    for initial in INITIAL_SEQUENCES {
        for (syn, fin, rst, urg, data) in KINDS {
            for ack in [None, Some(initial), Some(initial.wrapping_add(1))] {
                let segment = Arrival { seq: initial, ack, syn, fin, rst, urg, up: URGENT_POINTER, data };
                let mut block = connection::closed_block();
                let expected = block.segment_arrives(&segment);
                let replies = connection::reset_for(&segment);
                assert_eq!(Effect { replies, ..Effect::default() }, expected, "wrong reply to {segment:?}");
            }
        }
    }
}
